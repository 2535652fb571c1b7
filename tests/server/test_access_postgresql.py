"""Credentials, tokens, keys and deliveries with the state in PostgreSQL instead of a file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from sensei.server.crypto import signing_keys
from sensei.server.serve import ServerThread
from sensei.server.settings import OAuthApplication
from sensei.server.store.tables import ApiKey
from sensei.server.webhooks import outbox
from tests.support.contract import ContractClient
from tests.support.receiver import running_receiver

StartServer = Callable[..., ServerThread]
APP = OAuthApplication(
    client_id="app",
    name="App",
    client_secret="app-secret",
    redirect_uris=("https://app.example/cb",),
    scopes=("webhooks:read",),
)


@pytest.fixture
def servers(postgres_url: str, start_server: StartServer, tmp_path: Path) -> tuple[ServerThread, ServerThread]:
    """Two servers on one state, which is made before them and removed after them."""
    shared = {"state": postgres_url, "key_file": tmp_path / "key", "oauth_applications": (APP,)}
    first = start_server(**shared)
    return first, start_server(**shared, api_key=first.api_key)


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
            return signing_keys.current(
                session, server.runtime.store.vault, signing_keys.CERTIFICATES, datetime.now(UTC)
            ).kid

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
                event = outbox.emit(
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


def test_a_code_and_a_refresh_token_are_spent_once_over_all_servers(servers: tuple[ServerThread, ServerThread]) -> None:
    request = {"response_type": "code", "client_id": "app", "redirect_uri": "https://app.example/cb"}
    with ContractClient(servers[0].url) as one, ContractClient(servers[1].url) as two:
        consent = {**request, "api_key": servers[0].api_key, "decision": "allow"}
        back = one.post("/oauth/authorize", data=consent).headers["Location"]
        code = parse_qs(urlsplit(back).query)["code"][0]

        def spend(**grant: str) -> list[dict[str, str]]:
            barrier = threading.Barrier(8)

            def ask(client: ContractClient) -> dict[str, str]:
                barrier.wait()
                answer: dict[str, str] = client.post("/oauth/token", data=grant, auth=("app", "app-secret")).json()
                return answer

            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(ask, (one, two) * 4))
            return [answer for answer in answers if "access_token" in answer]

        (_,) = spend(grant_type="authorization_code", code=code, redirect_uri="https://app.example/cb")
        # Using it twice revoked what came of it; a fresh one shows the same of refresh tokens.
        back = two.post("/oauth/authorize", data=consent).headers["Location"]
        redeemed = two.post(
            "/oauth/token",
            data={
                "grant_type": "authorization_code",
                "code": parse_qs(urlsplit(back).query)["code"][0],
                "redirect_uri": "https://app.example/cb",
            },
            auth=("app", "app-secret"),
        ).json()
        (_,) = spend(grant_type="refresh_token", refresh_token=redeemed["refresh_token"])
