"""The life of a migration: the table in the code is the contract's, and the server does what it says, cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sensei.server.migrations import state_machine
from sensei.server.migrations.state_machine import FINISHED, GONE, PHASES, STATUSES, STAYS
from sensei.server.store.migration_tables import MappingRow
from tests.server.scripted_engine import ScriptedEngine
from tests.server.world import World
from tests.support.contract import document

CONTRACT = document()["x-state-machine"]
NAMES = {
    "change options or strategy": "change options",
    "set, change, clear schedule": "schedule",
    "make checkpoint": "checkpoint",
}
WRITTEN = {"tables": {"items": {"rows_done": 100}}, "created_tables": ["items"]}
TRANSFERRING = {"planning": {"status": "completed"}, "schema_migration": {"status": "completed"}}


def _cells() -> dict[tuple[str, str], set[str]]:
    """(action, status) → what may come of it, as the contract has it."""
    cells: dict[tuple[str, str], set[str]] = {}
    for entry in CONTRACT["actions"]:
        action = NAMES.get(entry["action"], entry["action"])
        for status in CONTRACT["statuses"]:
            cell = entry["in"].get(status, {"error": CONTRACT["default_error"]})
            cells[action, status] = {STAYS if value == status else value for value in cell.values()}
    return cells


def test_the_statuses_and_phases_are_those_of_the_contract() -> None:
    assert tuple(CONTRACT["statuses"]) == STATUSES
    assert tuple(CONTRACT["phases"]) == PHASES
    assert set(CONTRACT["finished"]) == FINISHED


def test_what_the_server_does_by_itself_is_as_in_the_contract() -> None:
    assert {(entry["from"], entry["to"]) for entry in CONTRACT["automatic"]} == state_machine.AUTOMATIC


def test_each_cell_of_the_table_is_that_of_the_contract() -> None:
    assert {cell: set(state_machine.outcomes(*cell)) for cell in _cells()} == _cells()


class Bench:
    """Carries an action out on a migration in a status, and tells what came of it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def migration(self, status: str, **columns: Any) -> str:
        """A migration in that status, with everything an action could ask for."""
        if status in ("pending", "planning"):
            mig = self.world.planned()
            self.world.put_into(mig, status, phase=None if status == "pending" else "planning")
            return mig
        mig = self.world.planned()
        if status != "plan_ready":
            _decide(self, mig)
        given = {"state": WRITTEN, "phases": TRANSFERRING, "phase": "data_transfer", **columns}
        self.world.put_into(mig, status, **given)
        return mig

    def outcome(self, mig: str, answer: httpx.Response, before: str) -> str:
        if answer.status_code >= 400:
            error = answer.json()["error"]
            if error["code"] != "rollback_not_available" or "current_status" in error["details"]:
                assert error["details"]["current_status"] == before
            return str(error["code"])
        after = self.world.client.get(f"/v1/migrations/{mig}")
        if after.status_code == 404:
            return GONE
        status = str(after.json()["status"])
        return STAYS if status == before else status


@pytest.fixture
def bench(engine: ScriptedEngine, world: World) -> Bench:
    engine.confidences = (0.99, 0.5)
    return Bench(world)


Act = Callable[[Bench, str], httpx.Response]


def _mapping(bench: Bench, mig: str) -> str:
    with bench.world.server.runtime.store.read() as session:
        for row in session.query(MappingRow).filter_by(migration_id=mig, position=1):
            return row.id
    raise AssertionError(mig)


def _restore(bench: Bench, mig: str) -> httpx.Response:
    checkpoint = bench.world.add_checkpoint(mig, WRITTEN, TRANSFERRING)
    return bench.world.post(mig, "restore", checkpoint_id=checkpoint)


def _decide(bench: Bench, mig: str) -> httpx.Response:
    path = f"/v1/migrations/{mig}/plan/mappings/{_mapping(bench, mig)}/approve"
    return bench.world.client.post(path, json={"approved": True})


ACTS: dict[str, Act] = {
    "start": lambda bench, mig: bench.world.post(mig, "start"),
    "pause": lambda bench, mig: bench.world.post(mig, "pause"),
    "resume": lambda bench, mig: bench.world.post(mig, "resume"),
    "cancel": lambda bench, mig: bench.world.post(mig, "cancel"),
    "rollback": lambda bench, mig: bench.world.post(mig, "rollback", strategy="truncate"),
    "restore": _restore,
    "delete": lambda bench, mig: bench.world.client.delete(f"/v1/migrations/{mig}"),
    "decide mapping": _decide,
    "change options": lambda bench, mig: bench.world.client.patch(
        f"/v1/migrations/{mig}", json={"options": {"parallelism": 2}}
    ),
    "schedule": lambda bench, mig: bench.world.post(mig, "schedule", start_at="2100-01-01T00:00:00Z"),
    "checkpoint": lambda bench, mig: bench.world.post(mig, "checkpoints"),
    "resolve error": lambda bench, mig: bench.world.post(
        mig, f"errors/{bench.world.add_error(mig)}/resolve", resolution="skip"
    ),
    "retry error": lambda bench, mig: bench.world.post(mig, f"errors/{bench.world.add_error(mig)}/retry"),
    "validate": lambda bench, mig: bench.world.client.post("/v1/validations", json={"migration_id": mig}),
}


@pytest.mark.parametrize("action", ACTS)
def test_the_server_does_in_each_status_what_the_contract_says(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    # Nobody waits here for rows that are never copied.
    monkeypatch.setattr("sensei.server.routes.recovery._WAIT_SECONDS", 0.0)
    came: dict[str, str] = {}
    for status in STATUSES:
        mig = bench.migration(status)
        came[status] = bench.outcome(mig, ACTS[action](bench, mig), status)
    assert {status: one for status, one in came.items() if one not in _cells()[action, status]} == {}


def test_every_action_of_the_contract_is_walked() -> None:
    assert set(ACTS) == {action for action, _ in _cells()} == set(state_machine.ACTIONS)


WHEN_IT_DEPENDS: list[tuple[str, str, dict[str, Any], Act, str]] = [
    ("plan_ready", "start", {}, lambda b, mig: b.world.post(mig, "start"), "approval_required"),
    ("plan_ready", "start", {}, lambda b, mig: b.world.post(mig, "start", skip_approval=True), "running"),
    ("plan_ready", "decide mapping", {}, _decide, "approved"),
    ("cancelled", "rollback", {}, ACTS["rollback"], "rolling_back"),
    ("cancelled", "rollback", {"state": {}}, ACTS["rollback"], "rollback_not_available"),
    ("failed", "rollback", {}, ACTS["rollback"], "rolling_back"),
    ("failed", "rollback", {"state": None}, ACTS["rollback"], "rollback_not_available"),
    ("failed", "restore", {}, _restore, "paused"),
]


@pytest.mark.parametrize(("status", "action", "columns", "act", "expected"), WHEN_IT_DEPENDS)
def test_what_depends_goes_by_the_rules(
    bench: Bench, status: str, action: str, columns: dict[str, Any], act: Act, expected: str
) -> None:
    mig = bench.migration(status, **columns)
    assert bench.outcome(mig, act(bench, mig), status) == expected
    assert expected in _cells()[action, status]


def test_a_mapping_put_back_into_review_takes_the_approval_back(bench: Bench) -> None:
    mig = bench.migration("plan_ready")
    assert _decide(bench, mig).json()["status"] == "approved"
    assert bench.world.get(mig)["status"] == "approved"
    path = f"/v1/migrations/{mig}/mappings/{_mapping(bench, mig)}"
    assert bench.world.client.patch(path, json={"status": "pending_review"}).json()["decided_by"] is None
    now = bench.world.get(mig)
    assert (now["status"], now["plan"]["status"]) == ("plan_ready", "ready")


def test_a_transition_that_the_table_does_not_know_is_never_made(world: World) -> None:
    from sensei.server.migrations import lifecycle

    mig = world.planned()
    now = world.server.runtime.settings.clock.now()
    with world.server.runtime.store.write() as session:
        row = session.merge(world.row(mig))
        with pytest.raises(AssertionError, match="no transition from approved to completed"):
            lifecycle.move(session, row, "completed", now, "by magic")
