"""The key that a server makes for whoever starts it: one for each state, shown again at every start."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sensei.server.serve import ServerThread
from sensei.server.settings import Quotas
from sensei.server.store.tables import ApiKey, Organization
from tests.support.contract import ContractClient

StartServer = Callable[..., ServerThread]


def _count(server: ServerThread, table: type[ApiKey] | type[Organization]) -> int:
    with server.runtime.store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_starts_on_one_state_give_the_same_key(start_server: StartServer, tmp_path: Path) -> None:
    first = start_server()
    key = first.api_key
    first.stop()
    second, beside = start_server(), start_server()

    assert second.api_key == beside.api_key == key
    assert _count(second, ApiKey) == 1
    for file in tmp_path.iterdir():
        assert key.encode() not in file.read_bytes(), file


def test_a_given_key_is_another_one(start_server: StartServer) -> None:
    own = start_server().api_key
    given = start_server(api_key="sk_test_given_by_a_person_1")
    assert (given.api_key, start_server().api_key) == ("sk_test_given_by_a_person_1", own)
    assert _count(given, ApiKey) == 2


@pytest.mark.parametrize("change", [None, {"scopes": ["migrations:read"]}, {"ip_whitelist": ["10.0.0.1"]}])
def test_one_that_is_not_what_it_was_is_followed_by_a_fresh_one(
    start_server: StartServer, change: dict[str, object] | None
) -> None:
    first = start_server()
    with ContractClient(first.url, first.api_key) as client:
        path = f"/v1/api-keys/{client.get('/v1/api-keys').json()['data'][0]['id']}"
        answer = client.delete(path) if change is None else client.patch(path, json=change)
        assert answer.status_code in (200, 204)
    second = start_server()

    assert second.api_key != first.api_key
    assert start_server().api_key == second.api_key


def test_processes_that_start_at_once_on_an_empty_state_agree(
    postgres_url: str, start_server: StartServer, tmp_path: Path
) -> None:
    def start(_: int) -> ServerThread:
        return start_server(state=postgres_url, key_file=tmp_path / "key")

    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(start, range(4)))

    assert len({server.api_key for server in servers}) == 1
    assert (_count(servers[0], ApiKey), _count(servers[0], Organization)) == (1, 1)


def test_a_quota_holds_when_two_processes_are_asked_at_once(
    postgres_url: str, start_server: StartServer, tmp_path: Path
) -> None:
    settings = {"state": postgres_url, "key_file": tmp_path / "key", "quotas": Quotas(connections=3, api_keys=4)}
    servers = [start_server(**settings), start_server(**settings)]
    body = {"name": "c", "type": "sqlite", "role": "both", "config": {"path": "/nowhere.db"}}
    with (
        ContractClient(servers[0].url, servers[0].api_key) as one,
        ContractClient(servers[1].url, servers[1].api_key) as two,
        ThreadPoolExecutor(16) as pool,
    ):
        statuses = pool.map(lambda n: (one, two)[n % 2].post("/v1/connections", json=body).status_code, range(24))
        assert sorted(statuses) == [201] * 3 + [403] * 21
        key = {"name": "k", "scopes": ["webhooks:read"]}
        statuses = pool.map(lambda n: (one, two)[n % 2].post("/v1/api-keys", json=key).status_code, range(24))
        assert sorted(statuses) == [201] * 3 + [403] * 21
