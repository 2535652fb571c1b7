"""A transformation is one scalar expression over the row; whatever else is written is refused, and never runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sensei.server.engine.catalog import Column, Table
from sensei.server.engine.errors import DataError, ExpressionError
from sensei.server.engine.expressions import check_expression, render_expression
from sensei.server.engine.plan import DecidedMapping
from tests.engine.helpers import make_sqlite, plan_job, postgres_end, run, sqlite_end, sqlite_query

TABLE = Table(
    schema=None, name="people", columns=(Column(name="Full Name", type="TEXT"), Column(name="age", type="INTEGER"))
)


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("written", "rendered"),
    [
        ("age", '"age"'),
        ("AGE", '"age"'),
        ("people.age", '"age"'),
        ('"Full Name"', '"Full Name"'),
        ("age + 1", '"age" + 1'),
        ("age -- a remark", '"age"'),
        ("/* a remark */ age", '"age"'),
        ('upper(trim("Full Name"))', 'UPPER(TRIM("Full Name"))'),
        ("'it''s'", "'it''s'"),
        ("coalesce(age, 0)", 'COALESCE("age", 0)'),
        ("CASE WHEN age >= 18 THEN 'adult' ELSE 'minor' END", "CASE WHEN \"age\" >= 18 THEN 'adult' ELSE 'minor' END"),
        ("CAST(age AS TEXT)", 'CAST("age" AS TEXT)'),
        ("\"Full Name\" || ', ' || age", '"Full Name" || \', \' || "age"'),
        ("age IN (1, 2)", '"age" IN (1, 2)'),
        ("NULL", "NULL"),
    ],
)
def test_accepted(system: str, written: str, rendered: str) -> None:
    assert render_expression(written, TABLE, system) == rendered


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "(SELECT 1)",
        "age IN (SELECT 1)",
        "EXISTS (SELECT 1)",
        "age; DROP TABLE people",
        "age) FROM people; --",
        "age, age",
        "age AS other",
        "*",
        "count(*)",
        "sum(age)",
        "max(age)",
        "row_number() OVER ()",
        "nothing",
        "other.age",
        "?",
        ":name",
        "$1",
        "load_extension('x')",
        "writefile('a', 'b')",
        "readfile('/etc/passwd')",
        "pg_read_file('/etc/passwd')",
        "pg_sleep(1000)",
        "pg_catalog.pg_sleep(1000)",
        "set_config('a', 'b', false)",
        "current_setting('a')",
        "dblink('x', 'y')",
        "lo_import('x')",
        "query_to_xml('SELECT 1', true, true, '')",
        "nextval('s')",
        "random()",
        "randomblob(1000000000)",
        "zeroblob(1000000000)",
        "repeat('x', 1000000000)",
        "version()",
        "sqlite_version()",
        "CASE WHEN 1 = 1 THEN",
        "'unterminated",
        "age" + " + 1" * 2000,
        "(" * 200 + "age" + ")" * 200,
        "age\0",
        "PRAGMA user_version",
        "ATTACH 'x' AS y",
    ],
)
def test_refused(system: str, written: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        check_expression(written, TABLE, system)
    assert caught.value.reason_code == "E3008"
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("written", ["'pg_class'::regclass", "age::regproc", "CAST('x' AS regrole)"])
def test_casts_that_look_things_up_are_refused(written: str) -> None:
    with pytest.raises(ExpressionError, match="cast"):
        check_expression(written, TABLE, "postgresql")


def _decide(which: str, transformation: str, **target: str) -> Any:
    def decide(mapping: DecidedMapping) -> DecidedMapping:
        if mapping.source.column != which:
            return mapping
        return dataclasses.replace(
            mapping, transformation=transformation, target=dataclasses.replace(mapping.target, **target)
        )

    return decide


def test_carried_out_by_the_source(tmp_path: Path, make_database: Any) -> None:
    """In the dialect of whichever system the row comes from."""
    source = make_sqlite(
        tmp_path / "source.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)",
        {"t": [(1, " ada "), (2, None), (3, "Zoë")]},
    )
    url, back = make_database(), tmp_path / "back.db"
    run(plan_job(sqlite_end(source), postgres_end(url), decide=_decide("name", "upper(trim(name))")))
    run(
        plan_job(
            postgres_end(url), sqlite_end(back), decide=_decide("name", "coalesce(name, '?') || id", column="label")
        )
    )
    assert sqlite_query(back, "SELECT id, label FROM t ORDER BY id") == [(1, "ADA1"), (2, "?2"), (3, "ZOë3")]


def test_one_that_fails_on_a_row(tmp_path: Path, make_database: Any) -> None:
    """Only the rows that it fails on are left out, with the reason."""
    rows = [(n, n) for n in range(1, 50)] + [(100, 0)]
    source = make_sqlite(tmp_path / "s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", {"t": rows})
    url, target = make_database(), tmp_path / "target.db"
    run(plan_job(sqlite_end(source), postgres_end(url)))
    moved = run(plan_job(postgres_end(url), sqlite_end(target), decide=_decide("n", "100 / n")))
    assert sqlite_query(target, "SELECT count(*), max(id) FROM t") == [(49, 49)]
    assert [(e.reason_code, e.type, e.affected_records) for e in moved.notes.errors] == [("E3007", "logic", 1)]
    assert moved.notes.errors[0].sample == ({"id": 100},)


def test_one_that_fails_on_every_row(tmp_path: Path, make_database: Any) -> None:
    rows = [(n, 0) for n in range(1, 30)]
    source = make_sqlite(tmp_path / "s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", {"t": rows})
    url = make_database()
    run(plan_job(sqlite_end(source), postgres_end(url)))
    job = plan_job(postgres_end(url), sqlite_end(tmp_path / "target.db"), decide=_decide("n", "100 / n"))
    with pytest.raises(DataError, match="cannot be carried"):
        run(job)
