"""Every option of a migration and of its ends has an effect that is shown here, or is refused when it is asked for."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensei.server.engine.transfer.read_sqlite import SqliteSource
from sensei.server.engine.transfer.rows import Batch
from sensei.server.engine.transfer.work import TableWork
from sensei.server.schemas.migrations import MigrationOptions, SourceByConnection, SourceInline, TargetOptions
from tests.server.real import Files
from tests.support.contract import ContractClient

TABLES = """
CREATE TABLE a (id INTEGER PRIMARY KEY, t VARCHAR(10), n NUMERIC(10, 2));
CREATE TABLE b (id INTEGER PRIMARY KEY);
CREATE TABLE c_log (id INTEGER PRIMARY KEY);
CREATE VIEW v AS SELECT 1;
"""


@pytest.fixture
def files(admin: ContractClient, tmp_path: Path) -> Files:
    found = Files(admin, tmp_path / "source.db", tmp_path / "target.db")
    rows = ", ".join(f"({n}, 't{n}', {n}.5)" for n in range(1, 51))
    found.run(
        found.source, f"{TABLES} INSERT INTO a VALUES {rows}; INSERT INTO b VALUES (1); INSERT INTO c_log VALUES (1);"
    )
    found.run(found.target, "CREATE TABLE other (id INTEGER)")
    return found


def _moved(files: Files) -> set[str]:
    found = files.query(
        files.target, "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('a', 'b', 'c_log')"
    )
    return {str(name) for (name,) in found}


def _problem(files: Files, **members: Any) -> tuple[int, str, str]:
    source, target = members.pop("source", None), members.pop("target", None)
    answer = files.client.post("/v1/migrations", json={"name": "n", **files.ends(source, target), **members})
    details = answer.json()["error"]["details"]
    return answer.status_code, details["field"], details["reason"]


SHOWN_BELOW = {
    "MigrationOptions": {
        "mode": "test_incremental_is_refused_at_once",
        "parallelism": "test_figures_of_the_strategy_unless_given",
        "batch_size": "test_a_batch_is_as_large_as_asked",
        "auto_approve_above": "test_the_threshold_decides_what_is_approved_by_itself",
        "auto_approve_high_confidence": "test_the_threshold_decides_what_is_approved_by_itself",
        "generate_rollback": "test_a_backup_is_made_unless_switched_off",
        "validation_type": "test_the_validation_is_of_the_type_asked_for",
        "type_mappings": "test_a_type_of_ones_own",
        "notify_on_completion": "test_the_older_form_of_notifications",
    },
    "Source": {
        "connection_id": "test_ends_by_connection",
        "type": "every other test",
        "connection_string": "every other test",
        "schema_": "test_a_schema_that_is_not_there_fails_the_plan",
        "schemas": "test_a_schema_that_is_not_there_fails_the_plan",
        "tables": "test_tables_are_chosen_and_left_out",
        "exclude_tables": "test_tables_are_chosen_and_left_out",
        "options": "test_settings_of_the_connection_reach_the_driver",
    },
    "TargetOptions": {
        "create_schema_if_missing": "tests/engine/test_existing.py, which has a database with schemas",
        "drop_existing_tables": "tests/server/test_rollback_real.py",
        "truncate_existing_tables": "tests/server/test_rollback_real.py",
        "append_to_existing": "tests/server/test_rollback_real.py",
    },
}


def test_no_option_is_left_out_here() -> None:
    """Whoever adds an option shows what it does."""
    known = {
        "MigrationOptions": set(MigrationOptions.model_fields),
        "Source": set(SourceByConnection.model_fields) | set(SourceInline.model_fields),
        "TargetOptions": set(TargetOptions.model_fields),
    }
    assert {name: set(shown) for name, shown in SHOWN_BELOW.items()} == known
    here = Path(__file__).read_text()
    for shown in SHOWN_BELOW.values():
        for place in shown.values():
            if place.startswith("test_"):
                assert f"def {place}(" in here


def test_incremental_is_refused_at_once(files: Files) -> None:
    assert _problem(files, options={"mode": "incremental"}) == (422, "options.mode", "unsupported")
    mig = files.planned(options={"mode": "full"})
    assert files.get(mig)["options"]["mode"] == "full"


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"parallelism": 0}, "options.parallelism", "minimum"),
        ({"parallelism": 65}, "options.parallelism", "maximum"),
        ({"batch_size": 0}, "options.batch_size", "minimum"),
        ({"batch_size": 100_001}, "options.batch_size", "maximum"),
        ({"auto_approve_above": 1.1}, "options.auto_approve_above", "maximum"),
        ({"validation_type": "thorough"}, "options.validation_type", "enum"),
        ({"type_mappings": [{"source_type": "TEXT"}]}, "options.type_mappings.0.target_type", "required"),
        ({"notify_on_completion": ["nobody"]}, "options.notify_on_completion.0", "format"),
        ({"filters": {}}, "options.filters", "unknown_member"),
    ],
)
def test_what_makes_no_sense_is_refused(files: Files, given: dict[str, Any], field: str, reason: str) -> None:
    assert _problem(files, options=given) == (422, field, reason)


@pytest.mark.parametrize(
    ("strategy", "workers", "rows"), [("safe", 2, 2_000), ("balanced", 4, 10_000), ("speed", 8, 50_000)]
)
def test_figures_of_the_strategy_unless_given(files: Files, strategy: str, workers: int, rows: int) -> None:
    options = files.get(files.create(strategy=strategy))["options"]
    assert (options["parallelism"], options["batch_size"]) == (workers, rows)
    options = files.get(files.create(strategy=strategy, options={"parallelism": 3, "batch_size": 7}))["options"]
    assert (options["parallelism"], options["batch_size"]) == (3, 7)


def test_a_batch_is_as_large_as_asked(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read at a time; how many batches share a commit is the engine's own matter."""
    read: list[int] = []
    batches = SqliteSource.batches

    def noting(source: SqliteSource, work: TableWork, position: Any, size: int) -> Iterator[Batch]:
        for batch in batches(source, work, position, size):
            read.append(size)
            yield batch

    monkeypatch.setattr(SqliteSource, "batches", noting)
    files.finished(source={"tables": ["a"]}, options={"batch_size": 7})
    assert read == [7] * 8


@pytest.mark.parametrize(
    ("options", "approved"),
    [
        ({}, True),
        ({"auto_approve_above": 1.0}, False),
        ({"auto_approve_above": None}, False),
        ({"auto_approve_high_confidence": False}, False),
        ({"auto_approve_high_confidence": True}, True),
        ({"auto_approve_high_confidence": True, "auto_approve_above": None}, False),
    ],
)
def test_the_threshold_decides_what_is_approved_by_itself(
    files: Files, options: dict[str, Any], approved: bool
) -> None:
    mig = files.planned(options=options)
    statuses = {mapping["status"] for mapping in files.get(mig, "/mappings")["data"]}
    assert ("pending_review" not in statuses) is approved


@pytest.mark.parametrize("wanted", [True, False])
def test_a_backup_is_made_unless_switched_off(files: Files, wanted: bool) -> None:
    files.run(files.target, "CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (7)")
    dropped = {"options": {"drop_existing_tables": True}}
    files.finished(target=dropped, options={"generate_rollback": wanted})
    kept = files.query(files.target, "SELECT name FROM sqlite_master WHERE name GLOB '_sensei_backup*'")
    assert len(kept) == (1 if wanted else 0)


@pytest.mark.parametrize("kind", ["quick", "standard", "full", "behavioral_only"])
def test_the_validation_is_of_the_type_asked_for(files: Files, kind: str) -> None:
    mig = files.finished(options={"validation_type": kind})
    found = files.client.get(f"/v1/validations/{files.get(mig)['validation_id']}").json()
    assert found["type"] == kind


def test_a_type_of_ones_own(files: Files) -> None:
    mappings = [{"source_type": "VARCHAR(10)", "target_type": "CHAR(20)"}]
    files.finished(options={"type_mappings": mappings})
    types = dict(files.query(files.target, "SELECT name, type FROM pragma_table_info('a')"))
    assert types["t"] == "CHAR(20)"


def test_the_older_form_of_notifications(files: Files) -> None:
    shown = files.get(files.create(options={"notify_on_completion": ["a@x.example"]}))
    assert shown["notifications"] == {"email": ["a@x.example"], "on_events": ["completed"]}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({}, {"a", "b", "c_log"}),
        ({"tables": ["a"]}, {"a"}),
        ({"tables": ["?"]}, {"a", "b"}),
        ({"exclude_tables": ["*_log", "a"]}, {"b"}),
        ({"tables": ["a", "b"], "exclude_tables": ["b"]}, {"a"}),
        ({"schemas": ["main"]}, {"a", "b", "c_log"}),
        ({"schema": "main", "tables": ["b"]}, {"b"}),
    ],
)
def test_tables_are_chosen_and_left_out(files: Files, source: dict[str, Any], expected: set[str]) -> None:
    files.finished(source=source)
    assert _moved(files) == expected


@pytest.mark.parametrize("source", [{"schema": "elsewhere"}, {"schemas": ["elsewhere"]}, {"tables": ["nothing"]}])
def test_a_schema_that_is_not_there_fails_the_plan(files: Files, source: dict[str, Any]) -> None:
    mig = files.create(source=source)
    error = files.wait(mig, "failed")["error"]
    assert error["code"] == "plan_failed"
    assert re.search("no (schema|table)", error["message"])


def test_ends_by_connection(files: Files) -> None:
    ends: dict[str, Any] = {}
    for role, path in (("source", files.source), ("target", files.target)):
        body = {"name": role, "type": "sqlite", "role": role, "config": {"path": str(path)}}
        ends[role] = {"connection_id": files.client.post("/v1/connections", json=body).json()["id"]}
    mig = files.client.post("/v1/migrations", json={"name": "n", **ends}).json()["id"]
    assert files.wait(mig, "approved", "plan_ready")["source"]["connection_name"] == "source"


def test_settings_of_the_connection_reach_the_driver(files: Files) -> None:
    """A second is all that is waited for a file that another program holds."""
    mig = files.planned(target={"options": {"connection_timeout_seconds": 1}})
    holder = sqlite3.connect(files.target, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        assert files.client.post(f"/v1/migrations/{mig}/start", json={"skip_approval": True}).status_code == 202
        files.wait(mig, "paused")
        reasons = [event.get("message", "") for event in _statuses(files, mig)]
        assert any("locked by another program" in reason for reason in reasons)
    finally:
        holder.close()


def _statuses(files: Files, mig: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with files.client.stream("GET", f"/v1/migrations/{mig}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: ") and '"previous_status"' in line:
                found.append(json.loads(line.removeprefix("data: ")))
                if found[-1]["status"] == "paused":
                    return found
    raise AssertionError(found)


def test_the_figures_of_tables_tell_what_became_of_them(files: Files) -> None:
    files.run(files.target, "CREATE TABLE b (id INTEGER PRIMARY KEY CHECK (id > 1))")
    mig = files.finished("failed", target={"options": {"append_to_existing": True}}, source={"tables": ["b", "c_log"]})
    found = {table["table"]: table["status"] for table in files.get(mig, "/metrics")["by_table"]}
    assert found["b"] in ("completed", "failed")
    assert "pending" not in found.values()
    assert "running" not in found.values()


def test_views_are_no_tables(files: Files) -> None:
    body = {"type": "sqlite", "config": {"path": str(files.source)}, "role": "source"}
    assert files.client.post("/v1/connections/test", json=body).json()["table_count"] == 3


def test_a_system_without_a_connector_is_told_what_there_is(files: Files) -> None:
    body = {"name": "n", **files.ends({"type": "oracle", "connection_string": "oracle://u:p@h/S"})}
    error = files.client.post("/v1/migrations", json=body).json()["error"]
    assert error["code"] == "connector_unavailable"
    assert "postgresql" in error["message"]
    assert "sqlite" in error["message"]
