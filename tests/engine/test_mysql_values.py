"""From MySQL and MariaDB no value changes silently: what arrives is equal, and what cannot arrive is told."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensei.server.engine.job import DataErrorRecord
from sensei.server.engine.plan import DecidedMapping, PlanOptions
from sensei.server.engine.validation import validate
from sensei.server.engine.validation.types import PERSPECTIVES, ValidationJob, ValidationOutcome
from tests.engine.helpers import GoOn, Moved, Notes, move, mysql_end, plan_job, postgres_end, run, sqlite_end
from tests.support import mysql
from tests.support.mysql import MysqlServer
from tests.support.postgres import PostgresServer

PROPERTY = settings(
    derandomize=True,
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LARGEST = 2**64 - 1


def single(value: float) -> float:
    """The 32-bit number nearest to a double, as a double."""
    found: float = struct.unpack("f", struct.pack("f", value))[0]
    return found


# ruff: noqa: E501  # a table reads best with one case a line
FIXED: list[tuple[str, str, str, str, Any]] = [
    # (MySQL type, literal, type in PostgreSQL, value as PostgreSQL shows it, value in SQLite)
    ("tinyint", "-128", "smallint", "-128", -128),
    ("tinyint unsigned", "255", "smallint", "255", 255),
    ("tinyint(1)", "1", "boolean", "true", 1),
    ("boolean", "0", "boolean", "false", 0),
    ("smallint unsigned", "65535", "integer", "65535", 65_535),
    ("mediumint unsigned", "16777215", "integer", "16777215", 16_777_215),
    ("int", "-2147483648", "integer", "-2147483648", -(2**31)),
    ("int unsigned", "4294967295", "bigint", "4294967295", 2**32 - 1),
    ("int(5) unsigned zerofill", "42", "bigint", "42", 42),
    ("bigint", "-9223372036854775808", "bigint", "-9223372036854775808", -(2**63)),
    ("bigint unsigned", "9223372036854775807", "bigint", "9223372036854775807", 2**63 - 1),
    ("bigint unsigned", str(LARGEST), "numeric(20,0)", str(LARGEST), str(LARGEST)),
    ("year", "2026", "smallint", "2026", 2026),
    ("year", "'0000'", "smallint", "0", 0),
    ("decimal(10,2)", "25", "numeric(10,2)", "25.00", "25.00"),
    ("decimal(65,30)", f"{'9' * 35}.{'1' * 30}", "numeric(65,30)", f"{'9' * 35}.{'1' * 30}", f"{'9' * 35}.{'1' * 30}"),
    ("decimal(8,3) unsigned zerofill", "1.5", "numeric(8,3)", "1.500", "1.500"),
    ("float", "0.1", "real", "0.1", single(0.1)),
    ("float", "16777217", "real", "1.6777216e+07", 16777216.0),
    ("float", "-3.4028234e38", "real", "-3.4028235e+38", single(-3.4028234e38)),
    ("double", "0.1e0 + 0.2e0", "double precision", "0.30000000000000004", 0.1 + 0.2),
    ("double", "5e-324", "double precision", "5e-324", 5e-324),
    ("double", "1.7976931348623157e308", "double precision", "1.7976931348623157e+308", 1.7976931348623157e308),
    ("double(10,3)", "1.2345", "double precision", "1.234", 1.234),
    ("bit(1)", "b'1'", "boolean", "true", 1),
    ("bit(6)", "b'000101'", "bit(6)", "000101", 5),
    ("bit(64)", str(LARGEST), "bit(64)", "1" * 64, str(LARGEST)),
    ("char(5)", "'ab'", "character(5)", "ab", "ab"),
    ("varchar(10)", "'a  '", "character varying(10)", "a  ", "a  "),
    ("varchar(10)", "''", "character varying(10)", "", ""),
    ("varchar(10)", "'\\\\N'", "character varying(10)", "\\N", "\\N"),
    ("varchar(10) character set latin1", "'äß€'", "character varying(10)", "äß€", "äß€"),
    ("varchar(10) character set utf16", "'a😀'", "character varying(10)", "a😀", "a😀"),
    ("varchar(10) character set sjis", "'表示'", "character varying(10)", "表示", "表示"),
    ("tinytext", "'a\\tb\\nc\\rd\\\\e'", "text", "a\tb\nc\rd\\e", "a\tb\nc\rd\\e"),
    ("text", "'e\u0301 \u00e9 \ufeff👩‍👩‍👧\U0010ffff'", "text", "e\u0301 \u00e9 \ufeff👩‍👩‍👧\U0010ffff", "e\u0301 \u00e9 \ufeff👩‍👩‍👧\U0010ffff"),
    ("mediumtext", "repeat('\\\\\\n', 5000)", "text", "\\\n" * 5000, "\\\n" * 5000),
    ("longtext", "repeat('x', 100000)", "text", "x" * 100_000, "x" * 100_000),
    ("binary(4)", "'ab'", "bytea", "\\x61620000", b"ab\0\0"),
    ("varbinary(8)", "x'00ff5c0a'", "bytea", "\\x00ff5c0a", b"\x00\xff\\\n"),
    ("blob", "''", "bytea", "\\x", b""),
    ("longblob", "repeat(x'00ff', 40000)", "bytea", "\\x" + "00ff" * 40_000, b"\x00\xff" * 40_000),
    ("date", "'0001-01-01'", "date", "0001-01-01", "0001-01-01"),
    ("date", "'9999-12-31'", "date", "9999-12-31", "9999-12-31"),
    ("time", "'23:59:59'", "time without time zone", "23:59:59", "23:59:59"),
    ("time(3)", "'01:02:03.5'", "time(3) without time zone", "01:02:03.5", "01:02:03.500"),
    ("time", "'838:59:59'", "interval", "838:59:59", "838:59:59"),
    ("time(6)", "'-100:00:00.000001'", "interval", "-100:00:00.000001", "-100:00:00.000001"),
    ("datetime", "'1999-12-31 23:59:59'", "timestamp without time zone", "1999-12-31 23:59:59", "1999-12-31 23:59:59"),
    ("datetime(3)", "'2026-03-29 02:30:00.125'", "timestamp(3) without time zone", "2026-03-29 02:30:00.125", "2026-03-29 02:30:00.125"),
    ("timestamp null", "'2026-03-29 02:30:00'", "timestamp with time zone", "2026-03-29 02:30:00+00", "2026-03-29 02:30:00+00:00"),
    ("timestamp(6) null", "'2038-01-19 03:14:07.999999'", "timestamp with time zone", "2038-01-19 03:14:07.999999+00", "2038-01-19 03:14:07.999999+00:00"),
    ("enum('small','it''s','a,b','x\\\\y')", "'it''s'", "text", "it's", "it's"),
    ("enum('small','it''s','a,b','x\\\\y')", "'x\\\\y'", "text", "x\\y", "x\\y"),
    ("set('red','green','blue')", "'blue,red'", "text", "red,blue", "red,blue"),
    ("set('red','green')", "''", "text", "", ""),
    ("json", '\'{"b": [1.10, null], "a": "\\\\u00e9"}\'', "json", '{"b": [1.10, null], "a": "\\u00e9"}', '{"b": [1.10, null], "a": "\\u00e9"}'),
    ("point", "point(1, 2)", "bytea", "\\x" + struct.pack("<IBIdd", 0, 1, 1, 1.0, 2.0).hex(), struct.pack("<IBIdd", 0, 1, 1, 1.0, 2.0)),
    ("uuid", "'6ccd780c-baba-1026-9564-5b8c656024db'", "uuid", "6ccd780c-baba-1026-9564-5b8c656024db", "6ccd780c-baba-1026-9564-5b8c656024db"),
    ("inet6", "'2001:db8::ff00:42:8329'", "text", "2001:db8::ff00:42:8329", "2001:db8::ff00:42:8329"),
]  # fmt: skip
NAMES = [f"c{number}" for number in range(len(FIXED))]


def proof(moved: Moved, perspectives: tuple[str, ...] = PERSPECTIVES) -> ValidationOutcome:
    """The validation of a migration that went through."""
    left_out = {name: table.errors for name, table in moved.state.tables.items() if table.errors}
    job = ValidationJob(job=moved.job, perspectives=perspectives, skipped_rows=left_out)
    return validate(job, Notes(), GoOn())


def postgres_types(url: str, table: str) -> dict[str, str]:
    """Column → type."""
    with psycopg.connect(url) as connection:
        return dict(
            connection.execute(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attnum > 0",
                [table],
            ).fetchall()
        )


def postgres_texts(url: str, table: str, order: str = "id") -> list[tuple[Any, ...]]:
    """All rows, every value as PostgreSQL shows it."""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        names = list(postgres_types(url, table))
        listed = ", ".join(f'"{name}"::text' for name in names)
        return connection.execute(f'SELECT {listed} FROM "{table}" ORDER BY "{order}"').fetchall()  # type: ignore[arg-type]


def sqlite_values(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@dataclass
class Copies:
    """One table with a column for every line of the table above: a row with the value, and one without."""

    to_postgresql: Moved
    to_sqlite: Moved
    types: dict[str, str]
    in_postgresql: list[tuple[Any, ...]]
    in_sqlite: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def copies(
    mysql_server: MysqlServer, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Copies]:
    columns = ", ".join(f"{name} {case[0]}" for name, case in zip(NAMES, FIXED, strict=True))
    values = ", ".join(case[1] for case in FIXED)
    with mysql_server.database() as url, postgres_server.database() as target:
        mysql.run(
            url,
            [
                f"CREATE TABLE kinds (id int PRIMARY KEY, {columns})",
                f"INSERT INTO kinds VALUES (1, {values})",
                "INSERT INTO kinds (id) VALUES (2)",
            ],
        )
        path = tmp_path_factory.mktemp("mysql") / "copy.db"
        yield Copies(
            to_postgresql=move(mysql_end(url), postgres_end(target)),
            to_sqlite=move(mysql_end(url), sqlite_end(path)),
            types=postgres_types(target, "kinds"),
            in_postgresql=postgres_texts(target, "kinds"),
            in_sqlite=sqlite_values(path, "SELECT * FROM kinds ORDER BY id"),
        )


@pytest.mark.parametrize("at", range(len(FIXED)), ids=[f"{case[0][:24]} {case[1][:24]}" for case in FIXED])
def test_every_type(copies: Copies, at: int) -> None:
    _, _, type_, text, value = FIXED[at]
    found = copies.in_sqlite[0][at + 1]
    assert (copies.types[NAMES[at]], copies.in_postgresql[0][at + 1]) == (type_, text)
    assert (type(found), found) == (type(value), value)
    assert (copies.in_postgresql[1][at + 1], copies.in_sqlite[1][at + 1]) == (None, None)


@pytest.mark.parametrize("target", ["to_postgresql", "to_sqlite"])
def test_every_type_stands_the_comparison(copies: Copies, target: str) -> None:
    outcome = proof(getattr(copies, target))
    assert [issue.message for result in outcome.perspectives for issue in result.issues] == []
    assert outcome.overall_result == "passed"


@pytest.mark.parametrize("target", ["to_postgresql", "to_sqlite"])
def test_the_comparison_sees_every_change(copies: Copies, target: str, mysql_server: MysqlServer) -> None:
    """A changed value of any type is found: the comparison does not agree with everything."""
    moved: Moved = getattr(copies, target)
    source = moved.job.source.config["connection_string"]
    before = mysql.query(source, "SELECT * FROM kinds WHERE id = 1")
    mysql.run(source, [f"UPDATE kinds SET {', '.join(f'{name} = NULL' for name in NAMES)} WHERE id = 1"])
    try:
        outcome = proof(moved, ("statistical",))
        changed = {i.column for r in outcome.perspectives for i in r.issues if i.code == "E4002"}
        assert changed == set(NAMES)
    finally:
        columns = ", ".join(f"{name} = {case[1]}" for name, case in zip(NAMES, FIXED, strict=True))
        mysql.run(source, [f"UPDATE kinds SET {columns} WHERE id = 1"])
    assert mysql.query(source, "SELECT * FROM kinds WHERE id = 1") == before


ZERO = [
    ("date", "'0000-00-00'"),
    ("date", "'2026-00-15'"),
    ("datetime", "'0000-00-00 00:00:00'"),
    ("timestamp", "0"),
]


@pytest.mark.parametrize(("type_", "zero"), ZERO)
def test_zero_dates_are_a_risk_and_never_null(
    type_: str, zero: str, mysql_url: str, postgres_url: str, tmp_path: Path
) -> None:
    """PostgreSQL cannot have them: their rows are left out and named. SQLite keeps their text."""
    mysql.run(
        mysql_url,
        [
            f"CREATE TABLE events (id int PRIMARY KEY, at {type_} NOT NULL)",
            "INSERT INTO events SELECT seq, '2026-05-06' FROM seq_1_to_40",
            f"UPDATE events SET at = {zero} WHERE id = 7",
        ],
    )
    moved = move(mysql_end(mysql_url), postgres_end(postgres_url))
    (risk,) = [risk for risk in moved.plan.risks if risk.type == "data_loss"]
    assert risk.severity == "high"
    assert risk.description.startswith("1 value of ")
    assert "NULLIF(at, 0)" in str(risk.mitigation)
    (mapping,) = [m for m in moved.plan.mappings if m.source.column == "at"]
    assert mapping.has_data_loss_risk
    assert "zero_dates" in mapping.flags
    assert mapping.reasoning.endswith("; 1 value is no day of the calendar")
    assert _told(moved.notes.errors) == [("E3005", {"id": 7}, 1)]
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*), count(at), min(id) FROM events").fetchone() == (39, 39, 1)
    outcome = proof(moved)
    assert outcome.overall_result == "passed_with_warnings"
    assert {i.code for r in outcome.perspectives for i in r.issues} == {"E4001"}

    target = tmp_path / "copy.db"
    kept = move(mysql_end(mysql_url), sqlite_end(target))
    text = zero.strip("'") if zero != "0" else "0000-00-00 00:00:00+00:00"
    assert sqlite_values(target, "SELECT at FROM events WHERE id = 7") == [(text,)]
    assert proof(kept).overall_result == "passed"


def _told(errors: list[DataErrorRecord]) -> list[tuple[str, dict[str, Any], int]]:
    return [(error.reason_code, error.sample[0], error.affected_records) for error in errors]


def test_zero_dates_become_null_where_a_person_says_so(mysql_url: str, postgres_url: str) -> None:
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE users (id int PRIMARY KEY, seen date, gone datetime)",
            "INSERT INTO users VALUES (1, '0000-00-00', 0), (2, '2026-01-02', '2026-01-02 03:04:05'), (3, NULL, NULL)",
        ],
    )

    def decide(mapping: DecidedMapping) -> DecidedMapping:
        if mapping.source.column == "id":
            return mapping
        return DecidedMapping(
            source=mapping.source, target=mapping.target, transformation=f"NULLIF({mapping.source.column}, 0)"
        )

    moved = run(plan_job(mysql_end(mysql_url), postgres_end(postgres_url), decide=decide))
    assert moved.notes.errors == []
    assert postgres_texts(postgres_url, "users") == [
        ("1", None, None),
        ("2", "2026-01-02", "2026-01-02 03:04:05"),
        ("3", None, None),
    ]
    assert proof(moved).overall_result == "passed"


def test_a_text_with_nul_is_left_out_and_named(mysql_url: str, postgres_url: str, tmp_path: Path) -> None:
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE notes (id int PRIMARY KEY, note varchar(20))",
            "INSERT INTO notes SELECT seq, 'fine' FROM seq_1_to_30",
            "UPDATE notes SET note = CONCAT('a', char(0), 'b') WHERE id = 12",
        ],
    )
    moved = move(mysql_end(mysql_url), postgres_end(postgres_url))
    assert any("NUL character" in risk.description and risk.severity == "high" for risk in moved.plan.risks)
    assert _told(moved.notes.errors) == [("E3006", {"id": 12}, 1)]
    target = tmp_path / "copy.db"
    move(mysql_end(mysql_url), sqlite_end(target))
    assert sqlite_values(target, "SELECT note FROM notes WHERE id = 12") == [("a\0b",)]


OVERRIDES = [
    # (MySQL type, values, PostgreSQL type that was asked for, those that are left out)
    ("decimal(10,4)", ["1.2300", "1.2345"], "NUMERIC(10,2)", [2]),
    ("varchar(20)", ["'abc'", "'abc   '"], "VARCHAR(3)", [2]),
    ("datetime(3)", ["'2026-01-02 03:04:05.000'", "'2026-01-02 03:04:05.500'"], "TIMESTAMP(0)", [2]),
    ("double", ["0.5", "0.1000000001"], "REAL", [2]),
    ("int", ["7", "70000"], "SMALLINT", [2]),
    ("varchar(20)", ["'12'", "'1 2'"], "NUMERIC", [2]),
    ("varchar(20)", ["'2026-01-02'", "'now'"], "DATE", [2]),
]


@pytest.mark.parametrize(("type_", "values", "asked", "gone"), OVERRIDES)
def test_what_does_not_fit_a_type_that_was_asked_for_is_left_out(
    type_: str, values: list[str], asked: str, gone: list[int], mysql_url: str, postgres_url: str
) -> None:
    """PostgreSQL itself would round, cut blanks, or take a word for a date."""
    rows = ", ".join(f"({number}, {value})" for number, value in enumerate(values, 1))
    mysql.run(
        mysql_url,
        [
            f"CREATE TABLE t (id int PRIMARY KEY, v {type_})",
            "INSERT INTO t SELECT seq, NULL FROM seq_3_to_60",
            f"INSERT INTO t VALUES {rows}",
        ],
    )
    base = type_.split("(", maxsplit=1)[0]
    moved = move(mysql_end(mysql_url), postgres_end(postgres_url), options=PlanOptions(type_mappings=((base, asked),)))
    assert [sample["id"] for error in moved.notes.errors for sample in error.sample] == gone
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT id FROM t WHERE id < 3").fetchall()
    assert {number for (number,) in found} == {1, 2} - set(gone)


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
ROWS = st.tuples(
    TEXTS,
    st.binary(max_size=40),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, LARGEST),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9),
    st.datetimes(),
    st.dates(),
    st.timedeltas(timedelta(hours=-838), timedelta(hours=838)),
    st.integers(0, 2**20 - 1),
)
GENERATED = (
    "CREATE TABLE generated (id int PRIMARY KEY AUTO_INCREMENT, a text, b varbinary(40), c bigint, d bigint unsigned, "
    "e double, f float, g decimal(20,6), h datetime(6), i date, j time(6), k bit(20))"
)


@PROPERTY
@given(rows=st.lists(ROWS, min_size=1, max_size=20))
def test_generated_rows(
    rows: list[tuple[Any, ...]], mysql_server: MysqlServer, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """Whatever a client stored through the driver is what a client finds on the other side."""
    with mysql_server.database() as url, postgres_server.database() as target:
        mysql.run(url, [GENERATED])
        with mysql.connected(url) as connection, connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(
                f"INSERT INTO generated (a, b, c, d, e, f, g, h, i, j, k) VALUES ({marks})",
                [(*row[:4], repr(row[4]), repr(row[5]), *row[6:]) for row in rows],
            )
        moved = move(mysql_end(url), postgres_end(target))
        assert moved.notes.errors == []
        with psycopg.connect(target) as server:
            found = server.execute(
                "SELECT a, b, c, d, e, f, g, h, i, j, k::bigint FROM generated ORDER BY id"
            ).fetchall()
        assert [_plain(row) for row in found] == [_plain(row) for row in rows]
        path = tmp_path / "copy.db"
        path.unlink(missing_ok=True)
        assert move(mysql_end(url), sqlite_end(path)).notes.errors == []
        in_sqlite = sqlite_values(path, "SELECT a, b, c, d, e, f, g, k FROM generated ORDER BY id")
        assert [(*row[:3], int(row[3]), *row[4:6], Decimal(row[6]), row[7]) for row in in_sqlite] == [
            (*row[:7], row[10]) for row in rows
        ]


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Times of day and durations alike; 32-bit numbers, which the driver reads from their few digits, as such."""
    time = row[9]
    length = (
        time
        if isinstance(time, timedelta)
        else timedelta(hours=time.hour, minutes=time.minute, seconds=time.second, microseconds=time.microsecond)
    )
    return (*row[:3], int(row[3]), row[4], single(row[5]), *row[6:9], length, row[10])
