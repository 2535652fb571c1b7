"""What a migration wrote is taken back; what was there before stays as it was."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sensei.server.engine.errors import ExecutionError
from sensei.server.engine.job import Endpoint, MigrationState, PhaseOutcome
from sensei.server.engine.plan import PlanOptions
from sensei.server.engine.rollback import roll_back
from sensei.server.engine.runner import run_phase
from tests.engine.helpers import MOVING, GoOn, Notes, StopAt, make_sqlite, plan_job, postgres_end, run, sqlite_end

SCRIPT = """
CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents (id));
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_sqlite(
        tmp_path / "source.db",
        SCRIPT,
        {
            "parents": [(n, f"p{n}") for n in range(1, 31)],
            "children": [(n, n % 30 + 1) for n in range(1, 61)],
        },
    )


class End:
    """A target of either system, looked at without the engine."""

    def __init__(self, system: str, tmp_path: Path, make_database: Any) -> None:
        self.path = tmp_path / "target.db"
        self.url = make_database() if system == "postgresql" else None
        self.endpoint: Endpoint = postgres_end(self.url) if self.url else sqlite_end(self.path)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.url:
            with psycopg.connect(self.url, autocommit=True) as server:
                cursor = server.execute(sql)
                return cursor.fetchall() if cursor.description else []
        connection = sqlite3.connect(self.path)
        try:
            found = connection.execute(sql).fetchall()
            connection.commit()
            return found
        finally:
            connection.close()

    def tables(self) -> set[str]:
        sql = (
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            if self.url
            else "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
        )
        return {name for (name,) in self.query(sql)}


@pytest.fixture(params=["postgresql", "sqlite"])
def end(request: pytest.FixtureRequest, tmp_path: Path, make_database: Any) -> End:
    return End(request.param, tmp_path, make_database)


def test_a_finished_migration_leaves_nothing(source: Path, end: End) -> None:
    end.query("CREATE TABLE theirs (a INTEGER)")
    end.query("INSERT INTO theirs VALUES (1)")
    moved = run(plan_job(sqlite_end(source), end.endpoint))
    assert end.tables() == {"theirs", "parents", "children"}

    report = roll_back(moved.job, moved.state, moved.notes)

    assert end.tables() == {"theirs"}
    assert end.query("SELECT a FROM theirs") == [(1,)]
    assert len(report.dropped_tables) == 2
    assert report.removed_rows == 90
    assert report.kept == ()
    assert moved.state.created_tables == []
    assert all(table.rows_done == 0 and table.status == "pending" for table in moved.state.tables.values())


def test_half_a_migration_leaves_nothing(source: Path, end: End) -> None:
    """Stopped in the middle, and the state lost: the ledger knows what was made."""
    job = plan_job(sqlite_end(source), end.endpoint, options=PlanOptions(batch_size=10))
    state = MigrationState()
    assert run_phase("schema_migration", job, state, Notes(), GoOn()) is PhaseOutcome.COMPLETED
    assert run_phase("data_transfer", job, state, Notes(), StopAt(6)) is PhaseOutcome.PAUSED
    assert end.query("SELECT count(*) FROM parents") != [(0,)]
    roll_back(job, MigrationState(), Notes())
    assert end.tables() == set()


def test_twice_is_the_same_as_once(source: Path, end: End) -> None:
    moved = run(plan_job(sqlite_end(source), end.endpoint))
    roll_back(moved.job, moved.state, moved.notes)
    report = roll_back(moved.job, moved.state, moved.notes)
    assert report.dropped_tables == ()
    assert end.tables() == set()


@pytest.mark.parametrize("table", ["parents", "children"])
@pytest.mark.parametrize("phases", [MOVING, MOVING[:2]])
def test_one_table_is_taken_back_and_transferred_again(
    source: Path, end: End, table: str, phases: tuple[str, ...]
) -> None:
    moved = run(plan_job(sqlite_end(source), end.endpoint), phases=phases)
    before = {name: end.query(f"SELECT * FROM {name} ORDER BY id") for name in ("parents", "children")}

    report = roll_back(moved.job, moved.state, moved.notes, tables=frozenset({table}))

    assert len(report.dropped_tables) == 1
    assert end.tables() >= {"parents", "children"} - {table}
    assert table not in end.tables()
    for phase in MOVING:
        run_phase(phase, moved.job, moved.state, moved.notes, GoOn())
    assert {name: end.query(f"SELECT * FROM {name} ORDER BY id") for name in ("parents", "children")} == before
    if end.url:
        keys = end.query(
            "SELECT conname FROM pg_constraint WHERE contype IN ('f', 'p') "
            "AND connamespace = 'public'::regnamespace ORDER BY 1"
        )
        assert keys == [("children_parent_fkey",), ("children_pkey",), ("parents_pkey",)]


def test_an_unknown_table_is_told(source: Path, end: End) -> None:
    moved = run(plan_job(sqlite_end(source), end.endpoint), phases=MOVING[:1])
    with pytest.raises(ExecutionError, match="no table 'nothing'"):
        roll_back(moved.job, moved.state, moved.notes, tables=frozenset({"nothing"}))


def test_appended_rows_go_and_the_others_stay(source: Path, end: End) -> None:
    end.query("CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT)")
    end.query("CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER)")
    end.query("INSERT INTO parents VALUES (1000, 'theirs')")
    job = plan_job(sqlite_end(source), end.endpoint, options=PlanOptions(append_to_existing=True, batch_size=10))
    moved = run(job, phases=MOVING[:2])
    assert end.query("SELECT count(*) FROM parents") == [(31,)]

    report = roll_back(job, moved.state, moved.notes)

    assert end.query("SELECT * FROM parents") == [(1000, "theirs")]
    assert end.query("SELECT count(*) FROM children") == [(0,)]
    assert report.removed_rows == 90
    assert end.tables() == {"parents", "children"}


def test_rows_that_were_refused_are_not_taken_for_ours(source: Path, end: End) -> None:
    """A row of theirs with the key of one of ours stays, as ours never came in."""
    end.query("CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT)")
    end.query("CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER)")
    end.query("INSERT INTO parents VALUES (7, 'theirs')")
    job = plan_job(sqlite_end(source), end.endpoint, options=PlanOptions(append_to_existing=True, batch_size=10))
    moved = run(job, phases=MOVING[:2])
    assert [(e.reason_code, e.affected_records, e.sample) for e in moved.notes.errors] == [("E4006", 1, ({"id": 7},))]
    roll_back(job, moved.state, moved.notes)
    assert end.query("SELECT * FROM parents") == [(7, "theirs")]


def test_a_schema_of_ours_goes_unless_somebody_moved_in(source: Path, make_database: Any) -> None:
    url = make_database()
    moved = run(plan_job(sqlite_end(source), postgres_end(url), schema="New Place"))
    with psycopg.connect(url, autocommit=True) as server:
        server.execute('CREATE TABLE "New Place".theirs (a integer)')
        report = roll_back(moved.job, moved.state, moved.notes)
        assert report.dropped_schemas == ()
        assert "stays" in report.kept[0]
        server.execute('DROP TABLE "New Place".theirs')
        again = run(plan_job(sqlite_end(source), postgres_end(url), schema="Other Place"))
        report = roll_back(again.job, again.state, again.notes)
        assert report.dropped_schemas == ("Other Place",)
        assert server.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'Other Place'").fetchall() == []
