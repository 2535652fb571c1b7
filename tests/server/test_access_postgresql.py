"""Credentials, tokens, keys and deliveries with the state in PostgreSQL instead of a file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from sensei.server import events, keys
from sensei.server.serve import ServerThread
from sensei.server.store.tables import ApiKey
from tests.support.contract import ContractClient
from tests.support.receiver import running_receiver

StartServer = Callable[..., ServerThread]


@pytest.fixture
def servers(postgres_url: str, start_server: StartServer, tmp_path: Path) -> tuple[ServerThread, ServerThread]:
    """Two servers on one state, which is made before them and removed after them."""
    first = start_server(state=postgres_url, key_file=tmp_path / "key")
    return first, start_server(state=postgres_url, key_file=tmp_path / "key", api_key=first.api_key)


def test_what_one_server_makes_the_other_knows(servers: tuple[ServerThread, ServerThread]) -> None:
    first, second = servers
    with ContractClient(first.url, first.api_key) as one, ContractClient(second.url, first.api_key) as two:
        account = one.post("/v1/service-accounts", json={"name": "x", "scopes": ["webhooks:read"]}).json()
        pair = (account["id"], account["credentials"]["client_secret"])
        token = two.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=pair).json()["access_token"]
        with ContractClient(first.url, token) as machine:
            assert machine.get("/v1/webhooks").status_code == 200
        one.post(f"/v1/service-accounts/{account['id']}/rotate")
        one.post(f"/v1/service-accounts/{account['id']}/rotate")
        refused = two.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=pair)
        assert refused.status_code == 401
        assert two.delete(f"/v1/service-accounts/{account['id']}").status_code == 204
        with ContractClient(first.url, token) as machine:
            assert machine.get("/v1/webhooks").status_code == 401
        assert one.get("/v1/usage/current").json()["requests"]["total"] >= 3
        assert one.get("/v1/audit-logs").json()["pagination"]["total"] >= 4


def test_keys_made_at_the_same_instant_are_one_key(servers: tuple[ServerThread, ServerThread]) -> None:
    barrier = threading.Barrier(8)

    def make(server: ServerThread) -> str:
        barrier.wait()
        with server.runtime.store.write() as session:
            return keys.current(session, server.runtime.store.vault, keys.CERTIFICATES, datetime.now(UTC)).kid

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(make, servers * 4))
    with ContractClient(servers[0].url) as visitor:
        assert {k["kid"] for k in visitor.get("/v1/certificates/keys").json()["keys"]} == made
    assert len(made) == 1


def test_two_servers_deliver_each_event_once(servers: tuple[ServerThread, ServerThread]) -> None:
    first, second = servers
    with running_receiver() as receiver, ContractClient(first.url, first.api_key) as client:
        webhook = client.post("/v1/webhooks", json={"url": receiver.url, "events": ["*"]}).json()
        sent: list[str] = []
        for server in (first, second) * 15:
            with server.runtime.store.write() as session:
                key = session.scalars(select(ApiKey)).one()
                event = events.emit(
                    session,
                    organization_id=key.organization_id,
                    environment="sandbox",
                    type="migration.completed",
                    data={"migration_id": "m", "migration_name": "m", "status": "completed", "phase": "cutover"},
                    now=server.runtime.settings.clock.now(),
                )
                sent.append(event.id)
        receiver.wait_for_count(30)
        assert sorted(r.headers["x-sensei-event-id"] for r in receiver.received) == sorted(sent)
        assert client.delete(f"/v1/webhooks/{webhook['id']}").status_code == 204
