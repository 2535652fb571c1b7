"""Tables that are already on the target: refused by default, and treated as asked otherwise."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sensei.server.engine.errors import EngineError, ExecutionError, PlanningError
from sensei.server.engine.job import MigrationState
from sensei.server.engine.plan import PlanOptions
from sensei.server.engine.runner import run_phase
from tests.engine.helpers import GoOn, Notes, make_sqlite, move, plan_job, postgres_end, run, sqlite_end
from tests.engine.test_rollback import End


@pytest.fixture(params=["postgresql", "sqlite"])
def end(request: pytest.FixtureRequest, tmp_path: Path, make_database: Any) -> End:
    found = End(request.param, tmp_path, make_database)
    found.query("CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20))")
    found.query("INSERT INTO things VALUES (100, 'theirs')")
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_sqlite(
        tmp_path / "source.db",
        "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE more (id INTEGER PRIMARY KEY);",
        {"things": [(1, "one"), (2, "two")], "more": [(1,)]},
    )


def test_refused_by_default(source: Path, end: End) -> None:
    """A critical risk in the plan, an error at the start, and nothing written."""
    job = plan_job(sqlite_end(source), end.endpoint)
    risk = job.plan.risks[0]
    assert (risk.severity, risk.type) == ("critical", "target_not_empty")
    assert "with rows" in risk.description
    with pytest.raises(ExecutionError, match=r"already has the table .*things") as caught:
        run_phase("schema_migration", job, MigrationState(), Notes(), GoOn())
    assert caught.value.reason_code == "E2004"
    assert end.tables() == {"things"}
    assert end.query("SELECT * FROM things") == [(100, "theirs")]


def test_dropped_when_asked(source: Path, end: End) -> None:
    moved = move(sqlite_end(source), end.endpoint, options=PlanOptions(drop_existing_tables=True))
    assert end.query("SELECT * FROM things ORDER BY id") == [(1, "one"), (2, "two")]
    assert any(risk.severity == "high" and "dropped" in risk.description for risk in moved.plan.risks)
    assert ("warning", "dropped") in [(level, message.split()[0]) for level, message in moved.notes.logs]


def test_emptied_when_asked(source: Path, end: End) -> None:
    """The structure stays as its owner made it."""
    move(sqlite_end(source), end.endpoint, options=PlanOptions(truncate_existing_tables=True))
    assert end.query("SELECT * FROM things ORDER BY id") == [(1, "one"), (2, "two")]
    assert end.query("SELECT id FROM more") == [(1,)]
    if end.url:
        assert end.query(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 'things'::regclass AND attname = 'name'"
        ) == [("character varying(20)",)]


def test_added_to_when_asked(source: Path, end: End) -> None:
    move(sqlite_end(source), end.endpoint, options=PlanOptions(append_to_existing=True))
    assert end.query("SELECT * FROM things ORDER BY id") == [(1, "one"), (2, "two"), (100, "theirs")]


def test_a_lacking_column_is_told(tmp_path: Path, end: End) -> None:
    source = make_sqlite(tmp_path / "wide.db", "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, extra TEXT)")
    job = plan_job(sqlite_end(source), end.endpoint, options=PlanOptions(append_to_existing=True))
    assert any(risk.severity == "critical" and "extra" in risk.description for risk in job.plan.risks)


def test_values_must_fit_the_existing_types(tmp_path: Path, make_database: Any) -> None:
    """The existing column decides: what does not fit it exactly is left out, never cut."""
    end = End("postgresql", tmp_path, make_database)
    end.query("CREATE TABLE t (id integer PRIMARY KEY, name varchar(3), price numeric(5,1))")
    rows = [(n, "ok", 1.5) for n in range(40)]
    source = make_sqlite(
        tmp_path / "source.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, price REAL)",
        {"t": [*rows, (100, "far too long", 1.5), (101, "ok", 1.25), (102, "abc   ", 1.0), (2**40, "ok", 1.0)]},
    )
    moved = move(sqlite_end(source), end.endpoint, options=PlanOptions(append_to_existing=True))
    assert end.query("SELECT count(*), max(id) FROM t") == [(40, 39)]
    assert sorted(e.reason_code for e in moved.notes.errors for _ in range(e.affected_records)) == [
        "E3001", "E3003", "E3003", "E3004",
    ]  # fmt: skip
    lossy = {m.source.column for m in moved.plan.mappings if m.has_data_loss_risk}
    assert lossy == {"id", "name", "price"}


def test_a_view_of_that_name_is_in_the_way(source: Path, make_database: Any, tmp_path: Path) -> None:
    end = End("postgresql", tmp_path, make_database)
    end.query("CREATE VIEW things AS SELECT 1 AS id")
    job = plan_job(sqlite_end(source), end.endpoint)
    assert any(risk.severity == "critical" and "view" in risk.description for risk in job.plan.risks)
    with pytest.raises(EngineError):
        run_phase("schema_migration", job, MigrationState(), Notes(), GoOn())


def test_source_and_target_must_differ(source: Path, make_database: Any) -> None:
    with pytest.raises(PlanningError, match="the same SQLite file"):
        plan_job(sqlite_end(source), sqlite_end(source))
    url = make_database()
    run(plan_job(sqlite_end(source), postgres_end(url)))
    with pytest.raises(PlanningError, match="the same schema"):
        plan_job(postgres_end(url), postgres_end(url), options=PlanOptions(drop_existing_tables=True))
    assert sqlite3.connect(source).execute("SELECT count(*) FROM things").fetchone() == (2,)


def test_another_schema_of_the_same_database(source: Path, make_database: Any, tmp_path: Path) -> None:
    end = End("postgresql", tmp_path, make_database)
    run(plan_job(sqlite_end(source), end.endpoint))
    run(plan_job(end.endpoint, end.endpoint, schema="copy"))
    assert end.query("SELECT * FROM copy.things ORDER BY id") == [(1, "one"), (2, "two")]


def test_no_schema_is_made_unasked(source: Path, make_database: Any) -> None:
    job = plan_job(
        sqlite_end(source),
        postgres_end(make_database()),
        schema="new",
        options=PlanOptions(create_schema_if_missing=False),
    )
    with pytest.raises(ExecutionError, match="no schema 'new'"):
        run_phase("schema_migration", job, MigrationState(), Notes(), GoOn())
