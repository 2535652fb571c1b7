"""What the engine moves, the validation passes: before cutover and after it, with every awkward value."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sensei.server.engine.job import Endpoint, Job, MigrationState
from tests.engine import faithful
from tests.engine.helpers import make_sqlite, plan_job, postgres_end, run, sqlite_end
from tests.engine.test_values import FIXED
from tests.support.postgres import PostgresServer

AWKWARD = """
CREATE TABLE parents (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, amount DECIMAL(12, 2));
CREATE TABLE children (
    parent INTEGER NOT NULL REFERENCES parents (id),
    code TEXT NOT NULL COLLATE NOCASE,
    doubled INTEGER GENERATED ALWAYS AS (parent * 2) VIRTUAL,
    anything,
    at DATETIME,
    zoned TIMESTAMPTZ,
    day DATE,
    data JSON,
    key UUID,
    ratio DOUBLE,
    flag BOOLEAN DEFAULT 0,
    PRIMARY KEY (parent, code)
) WITHOUT ROWID;
CREATE INDEX children_by_day ON children (day) WHERE flag = 1;
CREATE TABLE loose (a TEXT, b BLOB, c REAL);
CREATE TABLE undeclared (words, numbers, bytes, nulls);
"""
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "parents": [(-5, "neg", 0.1), (1, "Ä", 25), (2, "a", None), (2**53 + 1, "z" * 1000, -9999999999.99)],
    "children": [
        (1, "b", 5, "2024-01-01 10:00:00", "2024-01-01T10:00:00+02:00", "2024-02-29", '{"a": 1.50}', None, 1e308, 1),
        (1, "C", "x", "2024-01-01T10:00:00.123456", "2024-01-01 10:00:00Z", None, "[]", None, float("inf"), 0),
        (2, "", 1.5, None, None, "0001-01-01", None, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", 5e-324, None),
        (2, "é\U0001f98a", None, "9999-12-31 23:59:59", None, None, '""', None, float("-inf"), 1),
    ],
    "loose": [("", b"", 0.1), (None, None, None), ("\t\n\\N", b"\x00\x01", -0.0), ("", b"", 0.1), ("%s", b"\\", 3.0)],
    "undeclared": [("a", 1, b"\x00", None), ("b", 2.5, b"", None)],
}


def validate_throughout(job: Job, *, result: str = "passed") -> MigrationState:
    """Run the phases with the validation where the server has it, and once more at the end."""
    state = MigrationState()
    run(job, phases=("schema_migration", "data_transfer"), state=state)
    skipped = {name: table.errors for name, table in state.tables.items() if table.errors}
    before = faithful.check(job, before_cutover=True, skipped_rows=skipped, rounds=3)
    assert before.overall_result == result, faithful.problems(before)
    run(job, phases=("cutover",), state=state)
    after = faithful.check(job, skipped_rows=skipped, rounds=3)
    assert after.overall_result == result, faithful.problems(after)
    assert after.findings["failure"] == 0
    return state


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_awkward_sqlite_tables(target: str, tmp_path: Path, postgres_url: str) -> None:
    make_sqlite(tmp_path / "a.db", faithful.SQLITE_TABLES, faithful.ROWS)
    validate_throughout(plan_job(sqlite_end(tmp_path / "a.db"), _target(target, tmp_path, postgres_url)))


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_odd_sqlite_declarations(target: str, tmp_path: Path, postgres_url: str) -> None:
    make_sqlite(tmp_path / "a.db", AWKWARD)
    connection = sqlite3.connect(tmp_path / "a.db")
    for table, rows in ROWS.items():
        names = "" if table != "children" else " (parent, code, anything, at, zoned, day, data, key, ratio, flag)"
        connection.executemany(f"INSERT INTO {table}{names} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    validate_throughout(plan_job(sqlite_end(tmp_path / "a.db"), _target(target, tmp_path, postgres_url)))


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_every_postgresql_type(target: str, tmp_path: Path, postgres_url: str, postgres_server: PostgresServer) -> None:
    types = sorted({type_ for type_, _, _ in FIXED})
    columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(types))
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('fine day', 'so''so')")
        connection.execute("CREATE DOMAIN positive AS integer CHECK (value > 0)")
        connection.execute(f"CREATE TABLE every (id bigserial PRIMARY KEY, {columns})")  # type: ignore[arg-type]
        connection.execute(f"CREATE TABLE keyless ({columns})")  # type: ignore[arg-type]
        for type_, value, _ in FIXED:
            name = f"c{types.index(type_)}"
            for table in ("every", "keyless"):
                connection.execute(f"INSERT INTO {table} ({name}) VALUES (%s::text::{type_})", (value,))  # type: ignore[arg-type]
    with postgres_server.database() as other:
        validate_throughout(plan_job(postgres_end(postgres_url), _target(target, tmp_path, other)))


def test_the_shop_from_postgresql(tmp_path: Path, postgres_url: str) -> None:
    source = faithful.make_postgres(postgres_url)
    validate_throughout(plan_job(source, sqlite_end(tmp_path / "b.db")))


def test_rows_that_postgresql_cannot_hold_are_told_and_do_not_fail_the_rest(tmp_path: Path, postgres_url: str) -> None:
    make_sqlite(tmp_path / "a.db", faithful.SQLITE_TABLES, faithful.ROWS)
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("INSERT INTO order_lines VALUES (3, 50, 'nul' || char(0), 1), (900, 50, char(0), 1)")
    connection.execute("INSERT INTO visits VALUES ('2024-01-01 00:00:00', 'nul' || char(0), 1)")
    connection.commit()
    connection.close()
    job = plan_job(sqlite_end(tmp_path / "a.db"), postgres_end(postgres_url))
    state = validate_throughout(job, result="passed_with_warnings")
    assert {name: table.errors for name, table in state.tables.items() if table.errors} == {
        "order_lines": 2,
        "visits": 1,
    }


def _target(system: str, folder: Path, url: str) -> Endpoint:
    return sqlite_end(folder / "target.db") if system == "sqlite" else postgres_end(url)
