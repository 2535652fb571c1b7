"""A POST with a key happens at most once, however often and however fast it is sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from sensei.server import leases
from sensei.server.clock import ControllableClock
from sensei.server.serve import ServerThread
from sensei.server.store.tables import IdempotencyRecord
from tests.server.scripted_engine import ScriptedEngine
from tests.server.world import ELSEWHERE, World
from tests.support.contract import ContractClient

BODY = {"name": "a", "type": "sqlite", "role": "both", "config": {"path": "/nowhere.db"}}


@pytest.fixture(autouse=True)
def _scripted(engine: ScriptedEngine) -> None:
    """No test of this file is about databases."""


def _create(client: ContractClient, key: str, body: Any = BODY, **headers: str) -> httpx.Response:
    return client.post("/v1/connections", json=body, headers={"X-Idempotency-Key": key, **headers})


def _total(client: ContractClient) -> int:
    return int(client.get("/v1/connections").json()["pagination"]["total"])


def test_the_same_call_again_gets_the_stored_answer(admin: ContractClient) -> None:
    first, second = _create(admin, "k"), _create(admin, "k")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers["Location"] == second.headers["Location"]
    assert "X-Idempotent-Replayed" not in first.headers
    assert second.headers["X-Idempotent-Replayed"] == "true"
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert _total(admin) == 1


def test_equal_calls_at_the_same_instant_have_one_effect(server: ServerThread, admin: ContractClient) -> None:
    def call(_: int) -> tuple[int, str | None]:
        with ContractClient(server.url, server.api_key) as client:
            answer = _create(client, "storm")
        error = answer.json().get("error")
        return answer.status_code, error and error["code"]

    with ThreadPoolExecutor(16) as pool:
        answers = Counter(pool.map(call, range(48)))
    assert set(answers) <= {(201, None), (409, "idempotency_in_progress")}
    assert answers[201, None] >= 1
    assert _total(admin) == 1


def test_different_keys_at_the_same_instant_all_have_their_effect(server: ServerThread, admin: ContractClient) -> None:
    def call(number: int) -> int:
        with ContractClient(server.url, server.api_key) as client:
            return _create(client, f"k{number}").status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(call, range(48))) == {201}
    assert _total(admin) == 48


SAME = [
    ({"name": "a", "b": 1}, '{ "b" : 1, "name": "a" }', True),
    ({"name": "a"}, '{"name": "b"}', False),
    ({"name": "ä"}, '{"name": "\\u00e4"}', True),
    ({}, "", False),
]


@pytest.mark.parametrize(("first", "second", "same"), SAME)
def test_what_the_same_request_means(admin: ContractClient, first: Any, second: str, same: bool) -> None:
    path, headers = "/v1/migrations/mig_none/pause", {"X-Idempotency-Key": "k", "Content-Type": "application/json"}
    one = admin.post(path, content=json.dumps(first), headers=headers)
    two = admin.post(path, content=second, headers=headers)
    code = two.json()["error"]["code"]
    assert code == (one.json()["error"]["code"] if same else "idempotency_key_reuse")
    assert ("X-Idempotent-Replayed" in two.headers) == same


def test_another_path_or_query_is_another_request(admin: ContractClient) -> None:
    headers = {"X-Idempotency-Key": "k"}
    admin.post("/v1/migrations/mig_1/resume", headers=headers)
    for path in ("/v1/migrations/mig_2/resume", "/v1/migrations/mig_1/resume?x=1"):
        assert admin.post(path, headers=headers).json()["error"]["code"] == "idempotency_key_reuse"


def test_failures_of_the_operation_are_stored_and_others_are_not(admin: ContractClient) -> None:
    assert _create(admin, "bad", {"name": "a"}).status_code == 422
    replayed = _create(admin, "bad", {"name": "a"})
    assert replayed.headers["X-Idempotent-Replayed"] == "true"
    assert replayed.json()["error"]["request_id"] == replayed.headers["X-Request-Id"]
    # 415 and 400 happen before the key is looked at.
    assert _create(admin, "free", **{"Content-Type": "text/plain"}).status_code == 415
    assert _create(admin, "free").status_code == 201


def test_plan_not_ready_is_stored_so_a_new_key_is_needed(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("planning")
    mig = world.create()
    start = f"/v1/migrations/{mig}/start"
    assert engine.arrived.wait(10)
    assert world.client.post(start, headers={"X-Idempotency-Key": "k"}).status_code == 409
    engine.go_on.set()
    world.wait_for(mig, "approved")
    assert world.client.post(start, headers={"X-Idempotency-Key": "k"}).json()["error"]["code"] == "plan_not_ready"
    assert world.client.post(start, headers={"X-Idempotency-Key": "k2"}).status_code == 202


def test_a_server_error_frees_the_key(
    admin: ContractClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a mistake that nobody foresaw")

    with monkeypatch.context() as patch:
        patch.setattr("sensei.server.routes.connections.show", broken)
        assert _create(admin, "k").status_code == 500
    assert "a mistake that nobody foresaw" in caplog.text
    assert _total(admin) == 0, "a 5xx of the server means that nothing happened"
    assert _create(admin, "k").status_code == 201


def test_two_principals_never_share_a_key(admin: ContractClient, calling: Callable[[str], ContractClient]) -> None:
    other = admin.post("/v1/api-keys", json={"name": "o", "scopes": ["*"]}).json()["key"]
    _create(admin, "k")
    answer = _create(calling(other), "k")
    assert "X-Idempotent-Replayed" not in answer.headers
    assert _total(admin) == 2


def test_keys_are_forgotten_after_a_day(admin: ContractClient, clock: ControllableClock) -> None:
    _create(admin, "k")
    clock.advance(24 * 3600 - 60)
    assert "X-Idempotent-Replayed" in _create(admin, "k").headers
    clock.advance(61)
    assert "X-Idempotent-Replayed" not in _create(admin, "k").headers
    assert _total(admin) == 2


def _hold_key(server: ServerThread, owner: str, seconds: float) -> None:
    """Make a stored key one whose first call is still running, by that owner."""
    with server.runtime.store.write() as session:
        session.execute(
            update(IdempotencyRecord).values(
                status=None, body=None, owner=owner, lease_until=leases.end_of_lease(seconds)
            )
        )


def test_a_call_in_progress_is_waited_for(server: ServerThread, admin: ContractClient) -> None:
    _create(admin, "k")
    _hold_key(server, ELSEWHERE, 60)
    answer = _create(admin, "k")
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")
    assert answer.json()["error"]["retry_after"] == 1


@pytest.mark.parametrize(("owner", "seconds"), [(ELSEWHERE, -1), (f"{leases.socket.gethostname()}:999999999:0", 60)])
def test_a_claim_ends_with_its_process(server: ServerThread, admin: ContractClient, owner: str, seconds: float) -> None:
    _create(admin, "k")
    _hold_key(server, owner, seconds)
    answer = _create(admin, "k")
    assert answer.status_code == 201
    assert "X-Idempotent-Replayed" not in answer.headers


BAD_KEYS = [("", "min_length"), ("x" * 256, "max_length"), ("a b", "pattern"), ("\u00e4", "pattern")]


@pytest.mark.parametrize(("key", "reason"), BAD_KEYS)
def test_bad_keys_are_refused(admin: ContractClient, key: str, reason: str) -> None:
    answer = admin.post("/v1/connections", json=BODY, headers=[(b"X-Idempotency-Key", key.encode("latin-1"))])
    error = answer.json()["error"]
    assert (error["details"]["field"], error["details"]["reason"]) == ("X-Idempotency-Key", reason)
    assert _total(admin) == 0


def test_keys_mean_nothing_on_other_methods(admin: ContractClient) -> None:
    made = _create(admin, "k").json()
    path, headers = f"/v1/connections/{made['id']}", {"X-Idempotency-Key": "k"}
    assert admin.patch(path, json={"name": "b"}, headers=headers).json()["name"] == "b"
    assert admin.delete(path, headers=headers).status_code == 204


def test_a_key_survives_a_restart(start_server: Callable[..., ServerThread]) -> None:
    first = start_server()
    with ContractClient(first.url, first.api_key) as client:
        made = _create(client, "k").json()
    first.stop()
    second = start_server(api_key=first.api_key)
    with ContractClient(second.url, first.api_key) as client:
        again = _create(client, "k")
    assert again.headers["X-Idempotent-Replayed"] == "true"
    assert again.json() == made


def test_old_keys_do_not_pile_up(server: ServerThread, admin: ContractClient, clock: ControllableClock) -> None:
    from sensei.server.http import idempotency

    _create(admin, "k")
    with server.runtime.store.write() as session:
        idempotency.forget_old(session, clock.now() + timedelta(hours=25))
        assert session.query(IdempotencyRecord).count() == 0
