"""The state may be kept in PostgreSQL, with several servers on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sensei.server.serve import ServerThread
from sensei.server.settings import Settings
from sensei.server.store import Store, StoreError
from tests.server.scripted_engine import ScriptedEngine, error_record
from tests.server.world import World
from tests.support.contract import ContractClient

KEY = "sk_test_0123456789abcdef"
BODY = {"name": "a", "type": "sqlite", "role": "both", "config": {"path": "/nowhere.db"}}


@pytest.fixture
def servers(
    postgres_url: str, start_server: Callable[..., ServerThread], engine: ScriptedEngine, tmp_path: Path
) -> tuple[ServerThread, ServerThread]:
    def start() -> ServerThread:
        return start_server(state=postgres_url, key_file=tmp_path / "secrets.key", api_key=KEY)

    return start(), start()


def test_the_main_job_on_two_servers(servers: tuple[ServerThread, ServerThread], engine: ScriptedEngine) -> None:
    engine.errors = (error_record(), error_record(status="recovered"))
    engine.confidences = (0.99, 0.5)
    one, two = servers
    with ContractClient(one.url, KEY) as first, ContractClient(two.url, KEY) as second:
        here, there = World(one, first), World(two, second)
        migs = [(here if n % 2 else there).planned() for n in range(4)]
        for mig in migs:
            plan = here.client.get(f"/v1/migrations/{mig}/plan").json()
            path = f"/v1/migrations/{mig}/plan/mappings/{plan['mappings'][1]['id']}/approve"
            assert here.client.post(path, json={"approved": True}).status_code == 200
            assert there.post(mig, "start").status_code == 202
        for mig in migs:
            shown = there.wait_for(mig, "completed")
            assert shown["metrics"]["records_processed"] == 300
            story = list(here.events(mig))
            assert [event.id for event in story] == sorted({event.id for event in story})
            assert len(there.client.get(f"/v1/migrations/{mig}/errors").json()["data"]) == 2
        assert len(engine.phases_run) == 3 * len(migs)
        assert here.post(migs[0], "rollback", strategy="truncate").status_code == 202
        there.wait_for(migs[0], "rolled_back")
        assert there.client.delete(f"/v1/migrations/{migs[0]}").json()["deleted"] is True
        assert len(there.client.get("/v1/migrations").json()["data"]) == 3


def test_equal_calls_to_different_servers_have_one_effect(servers: tuple[ServerThread, ServerThread]) -> None:
    def call(number: int) -> tuple[int, str | None]:
        with ContractClient(servers[number % 2].url, KEY) as client:
            answer = client.post("/v1/connections", json=BODY, headers={"X-Idempotency-Key": "storm"})
        error = answer.json().get("error")
        return answer.status_code, error and error["code"]

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(call, range(32)))
    assert set(answers) <= {(201, None), (409, "idempotency_in_progress")}
    with ContractClient(servers[0].url, KEY) as client:
        assert client.get("/v1/connections").json()["pagination"]["total"] == 1


def test_a_nul_character_finds_nothing(servers: tuple[ServerThread, ServerThread]) -> None:
    with ContractClient(servers[0].url, KEY) as client:
        for path in ("/v1/migrations/%00", "/v1/connections/a%00", "/v1/migrations/%00/logs", "/v1/webhooks/%00"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["error"]["code"].endswith("_not_found")) == (404, True), path
        for path in ("/v1/validations?migration_id=%00", "/v1/validations/rules?migration_id=%00"):
            assert client.get(path).json()["data"] == []
        # The audit record of a change that failed names what it was about.
        assert client.delete("/v1/connections/%00").status_code == 404
        assert client.get("/v1/audit-logs").json()["data"][0]["result"] == "failure"


def test_data_with_a_nul_character_is_told_of_and_stops_no_migration(
    servers: tuple[ServerThread, ServerThread], engine: ScriptedEngine
) -> None:
    engine.errors = (error_record(message="the text 'a\0b' holds a NUL character", sample=({"note": "a\0b"},)),)
    with ContractClient(servers[0].url, KEY) as client:
        world = World(servers[0], client)
        mig = world.planned()
        assert world.post(mig, "start").status_code == 202
        world.wait_for(mig, "completed")
        (shown,) = client.get(f"/v1/migrations/{mig}/errors").json()["data"]
        assert "a\ufffdb" in str(shown)


def test_the_key_to_the_secrets_must_be_named(postgres_url: str) -> None:
    with pytest.raises(ValueError, match="needs key_file="):
        Store(Settings(state=postgres_url))


def test_a_state_that_cannot_be_reached_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        Store(Settings(state="postgresql://u:hunter2@127.0.0.1:1/d", key_file=tmp_path / "k"))
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).startswith("cannot open the state postgresql://u:***@127.0.0.1:1/d: ")
