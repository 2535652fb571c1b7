"""No value changes silently: what arrives is equal, and what cannot arrive is told."""

from __future__ import annotations

import math
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensei.server.engine.plan import PlanOptions
from tests.engine.helpers import make_sqlite, move, plan_job, postgres_end, run, sqlite_end, sqlite_query
from tests.support.postgres import PostgresServer

PROPERTY = settings(
    derandomize=True,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

FIXED = [
    # (PostgreSQL type, value as PostgreSQL shows it, the same in SQLite)
    ("boolean", "t", 1),
    ("boolean", "f", 0),
    ("smallint", "-32768", -32768),
    ("bigint", "9223372036854775807", 2**63 - 1),
    ("bigint", "-9223372036854775808", -(2**63)),
    ("numeric(10,2)", "25.00", "25.00"),
    ("numeric", "25.00", "25.00"),
    ("numeric", "0.000000000000000000000000000001", "0.000000000000000000000000000001"),
    (
        "numeric",
        "123456789012345678901234567890.12345678901234567890",
        "123456789012345678901234567890.12345678901234567890",
    ),
    ("numeric", "NaN", "NaN"),
    ("numeric", "Infinity", "Infinity"),
    ("real", "0.1", 0.1),
    ("real", "NaN", "NaN"),
    ("double precision", "0.30000000000000004", 0.1 + 0.2),
    ("double precision", "5e-324", 5e-324),
    ("double precision", "Infinity", math.inf),
    ("double precision", "-Infinity", -math.inf),
    ("double precision", "NaN", "NaN"),
    ("text", "", ""),
    ("text", "\\N", "\\N"),
    ("text", "NULL", "NULL"),
    ("text", "a\tb\nc\rd\\e\x08\x0b\x0c", "a\tb\nc\rd\\e\x08\x0b\x0c"),
    (
        "text",
        "\x7f\x1f\x01 👩‍👩‍👧 e\u0301 \u00e9 \ufeff\U0010ffff",
        "\x7f\x1f\x01 👩‍👩‍👧 e\u0301 \u00e9 \ufeff\U0010ffff",
    ),
    ("character varying(4)", "a  ", "a  "),
    ("character(4)", "ab  ", "ab  "),
    ("bytea", "\\x", b""),
    ("bytea", "\\x0001ff5c0a", b"\x00\x01\xff\\\n"),
    ("date", "0044-03-15 BC", "0044-03-15 BC"),
    ("date", "12345-01-02", "12345-01-02"),
    ("date", "infinity", "infinity"),
    ("date", "-infinity", "-infinity"),
    ("date", "0001-01-01", "0001-01-01"),
    ("time without time zone", "24:00:00", "24:00:00"),
    ("time with time zone", "12:00:00.123456+05:30", "12:00:00.123456+05:30"),
    ("timestamp without time zone", "1999-12-31 23:59:59.999999", "1999-12-31 23:59:59.999999"),
    ("timestamp without time zone", "infinity", "infinity"),
    ("timestamp with time zone", "2020-03-29 01:30:00+00", "2020-03-29 01:30:00+00:00"),
    ("timestamp with time zone", "0044-03-15 00:00:00+00 BC", "0044-03-15 00:00:00+00:00 BC"),
    ("interval", "1 year 2 mons 3 days 04:05:06.789", "1 year 2 mons 3 days 04:05:06.789"),
    ("interval", "-00:00:01", "-00:00:01"),
    ("uuid", "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001"),
    ("json", '{"b": 1,  "a": 1.50, "a": null}', '{"b": 1,  "a": 1.50, "a": null}'),
    ("json", "5", "5"),
    ("jsonb", '{"a": 1.50}', '{"a": 1.50}'),
    ("integer[]", "{1,NULL,3}", "{1,NULL,3}"),
    ("text[]", '{"a b",NULL,"NULL","\\\\","\\""}', '{"a b",NULL,"NULL","\\\\","\\""}'),
    ("inet", "192.168.0.1/24", "192.168.0.1/24"),
    ("cidr", "10.0.0.0/8", "10.0.0.0/8"),
    ("macaddr", "08:00:2b:01:02:03", "08:00:2b:01:02:03"),
    ("bit(5)", "00101", "00101"),
    ("bit varying", "1", "1"),
    ("int4range", "[1,5)", "[1,5)"),
    ("tstzrange", '["2020-01-01 00:00:00+00",infinity)', '["2020-01-01 00:00:00+00",infinity)'),
    ("money", "$92,233,720,368,547,758.07", "92233720368547758.07"),
    ("point", "(1.5,-2)", "(1.5,-2)"),
    ("tsvector", "'a':1 'b':2", "'a':1 'b':2"),
    ("mood", "fine day", "fine day"),
    ("positive", "7", 7),
]


def _shown(url: str, table: str, schema: str = "public") -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-c timezone=UTC -c extra_float_digits=3") as connection:
        columns = [
            row[0]
            for row in connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
                [f"{schema}.{table}"],
            )
        ]
        listed = ", ".join(f"{name}::text" for name in columns)
        return connection.execute(f"SELECT {listed} FROM {schema}.{table} ORDER BY {table}.id").fetchall()


def _fill(url: str) -> None:
    types = sorted({type_ for type_, _, _ in FIXED})
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('fine day', 'so''so')")
        connection.execute("CREATE DOMAIN positive AS integer CHECK (value > 0)")
        listed = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(types))
        connection.execute(f"CREATE TABLE odd (id integer PRIMARY KEY, {listed})")
        for number, (type_, shown, _) in enumerate(FIXED):
            column = f"c{types.index(type_)}"
            connection.execute(f"INSERT INTO odd (id, {column}) VALUES (%s, %s::text::{type_})", [number, shown])


def test_every_postgresql_type_into_sqlite_and_back(make_database: Any, tmp_path: Path) -> None:
    """Each value is exactly the expected one in SQLite, and the very same in PostgreSQL again."""
    url, again = make_database(), make_database()
    _fill(url)
    path = tmp_path / "odd.db"
    moved = move(postgres_end(url), sqlite_end(path))
    assert not moved.notes.errors
    types = sorted({type_ for type_, _, _ in FIXED})
    rows = {row[0]: row[1:] for row in sqlite_query(path, "SELECT * FROM odd")}
    for number, (type_, shown, expected) in enumerate(FIXED):
        value = rows[number][types.index(type_)]
        assert (type(value), value) == (type(expected), expected), f"{type_} {shown}"
        assert sum(cell is not None for cell in rows[number]) == 1

    assert not move(sqlite_end(path), postgres_end(again)).notes.errors
    back = _shown(again, "odd")
    for number, (type_, shown, expected) in enumerate(FIXED):
        value = back[number][1 + types.index(type_)]
        if type_.startswith(("timestamp with", "money")):
            assert value in {shown, expected}, f"{type_} {shown}"
        elif type_ == "boolean":
            assert value == {"t": "true", "f": "false"}[shown]
        else:
            assert value == shown, f"{type_} {shown}"


def test_every_postgresql_type_into_another_postgresql(make_database: Any) -> None:
    """The same text for every value; an enumerated type becomes text that is held to the labels."""
    url, target = make_database(), make_database()
    _fill(url)
    moved = move(postgres_end(url), postgres_end(target))
    assert not moved.notes.errors
    assert _shown(target, "odd") == _shown(url, "odd")
    with psycopg.connect(target) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            f"INSERT INTO odd (id, c{sorted({t for t, _, _ in FIXED}).index('mood')}) VALUES (1000, 'no mood')"
        )


SQLITE_VALUE = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(max_size=40),
)
ANY_TYPE = st.sampled_from(
    [
        "",
        "INTEGER",
        "INT",
        "SMALLINT",
        "BIGINT",
        "REAL",
        "DOUBLE",
        "NUMERIC",
        "DECIMAL(10,2)",
        "DECIMAL(3,0)",
        "TEXT",
        "VARCHAR(5)",
        "CHAR(3)",
        "BLOB",
        "BOOLEAN",
        "DATE",
        "DATETIME",
        "TIMESTAMP WITH TIME ZONE",
        "TIME",
        "UUID",
        "JSON",
        "STRING",
        "MONEY",
    ]
)
LIKELY = st.one_of(
    SQLITE_VALUE,
    st.dates().map(str),
    st.datetimes().map(str),
    st.times().map(str),
    st.booleans().map(int),
    st.uuids().map(str),
    st.sampled_from(
        [
            "",
            " ",
            "now",
            "infinity",
            "epoch",
            "today",
            "t",
            "f",
            "true",
            " 12 ",
            "12",
            "1e3",
            "NaN",
            "\\N",
            "0x10",
            "24:00:00",
            "2020-02-30",
            "2020-06-30 23:59:60",
            "2020-01-01T00:00:00Z",
            "2020-01-01 00:00:00+15:59",
            "{}",
            "null",
            "\\x00",
            "1.50",
        ]
    ),
)


EMPTY = [(number, None) for number in range(1_000, 1_150)]
"""Rows that are always good, so that a few bad ones do not end the migration."""


def _stored(path: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT id, typeof(v), v FROM t ORDER BY id").fetchall()
    finally:
        connection.close()


def _same(before: Any, after: Any) -> bool:
    """Whether a value that went through PostgreSQL still says the same."""
    if before == after and (type(before) is type(after) or {type(before), type(after)} <= {int, float}):
        return True
    if isinstance(before, int | float) and isinstance(after, str):
        # Numbers are kept as exact text where the column mixes numbers and texts, or for the sake of their digits.
        return float(after) == before if isinstance(before, float) else int(after.split(".")[0]) == before
    if isinstance(before, str) and isinstance(after, bytes):
        return before.encode() == after
    if isinstance(before, str) and isinstance(after, str):
        from datetime import UTC, datetime

        try:
            one, two = datetime.fromisoformat(before), datetime.fromisoformat(after)
        except ValueError:
            return False
        return one == two if one.tzinfo is None or two.tzinfo is None else one.astimezone(UTC) == two.astimezone(UTC)
    return False


@PROPERTY
@given(declared=ANY_TYPE, values=st.lists(LIKELY, min_size=1, max_size=12))
def test_whatever_sqlite_holds(
    declared: str, values: list[Any], postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any values under any declared type, through PostgreSQL and back: equal, or told as an error of that row."""
    folder = tmp_path_factory.mktemp("any")
    source = make_sqlite(
        folder / "source.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})",
        {"t": [*enumerate(values), *EMPTY]},
    )
    with postgres_server.database() as url:
        there = move(sqlite_end(source), postgres_end(url))
        back = folder / "back.db"
        move(postgres_end(url), sqlite_end(back))
    refused = {sample["id"] for error in there.notes.errors for sample in error.sample}
    after = {number: value for number, _, value in _stored(back)}
    for number, _, before in _stored(source):
        if number in refused:
            assert number not in after
            continue
        assert _same(before, after[number]), (declared, before, after[number])


@PROPERTY
@given(declared=ANY_TYPE, values=st.lists(LIKELY, min_size=1, max_size=12))
def test_sqlite_to_sqlite_is_exact(declared: str, values: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Storage class and value of everything."""
    folder = tmp_path_factory.mktemp("exact")
    source = make_sqlite(
        folder / "source.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})",
        {"t": [*enumerate(values), *EMPTY]},
    )
    move(sqlite_end(source), sqlite_end(folder / "target.db"))
    assert _stored(folder / "target.db") == _stored(source)


@PROPERTY
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
            st.floats(),
            st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
            st.binary(max_size=30),
            st.booleans(),
            st.datetimes().map(lambda moment: moment.isoformat(" ")),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_postgresql_through_sqlite(
    rows: list[tuple[Any, ...]], postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The text of every value is the same after a stay in SQLite, and after a direct copy."""
    path = tmp_path_factory.mktemp("stay") / "stay.db"
    with postgres_server.database() as url, postgres_server.database() as direct, postgres_server.database() as back:
        with psycopg.connect(url) as connection:
            connection.execute(
                "CREATE TABLE t (id integer PRIMARY KEY, a text, b double precision, c numeric, d bytea, e boolean, "
                "f timestamp)"
            )
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s, %s::timestamp)",
                    [(number, *row) for number, row in enumerate(rows)],
                )
        move(postgres_end(url), postgres_end(direct))
        assert _shown(direct, "t") == _shown(url, "t")
        move(postgres_end(url), sqlite_end(path))
        move(sqlite_end(path), postgres_end(back))
        before, after = _shown(url, "t"), _shown(back, "t")
    for row, (ours, theirs) in enumerate(zip(before, after, strict=True)):
        for one, two in zip(ours, theirs, strict=True):
            assert one == two or (one == "-0" and two in {"0", "-0"}) or _same_number(one, two), rows[row]


def _same_number(one: str, two: str) -> bool:
    """A column of whole floats may come back as integers."""
    try:
        return struct.pack("d", float(one) + 0.0) == struct.pack("d", float(two) + 0.0)
    except ValueError:
        return False


def test_texts_that_postgresql_cannot_hold(postgres_url: str, tmp_path: Path) -> None:
    """A NUL is a risk in the plan, stray bytes are found on the way; both rows are left out, named, and not cut."""
    source = make_sqlite(
        tmp_path / "source.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); "
        "INSERT INTO t VALUES (1, 'a' || char(0) || 'b'), (2, CAST(x'61ff62' AS TEXT)), (3, CAST(x'eda080' AS TEXT));",
    )
    rows = [(n, f"good {n}") for n in range(4, 100)]
    connection = sqlite3.connect(source)
    connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    connection.commit()
    connection.close()

    moved = move(sqlite_end(source), postgres_end(postgres_url))

    assert any(risk.type == "data_loss" and "NUL" in risk.description for risk in moved.plan.risks)
    assert sum(error.affected_records for error in moved.notes.errors) == 3
    assert {error.reason_code for error in moved.notes.errors} == {"E3006"}
    assert {sample["id"] for error in moved.notes.errors for sample in error.sample} == {1, 2, 3}
    assert all(error.status == "escalated" and error.type == "encoding_mismatch" for error in moved.notes.errors)
    assert _shown(postgres_url, "t") == [(str(number), text) for number, text in rows]
    assert moved.state.tables["t"].rows_done == 96
    assert moved.state.tables["t"].errors == 3


def test_stray_bytes_survive_between_sqlite_files(tmp_path: Path) -> None:
    source = make_sqlite(
        tmp_path / "source.db",
        "CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID; "
        "INSERT INTO t VALUES (CAST(x'ff01' AS TEXT), CAST(x'61ff62' AS TEXT)), ('x', 'y'), "
        "(CAST(x'ff02' AS TEXT), NULL);",
    )
    target = tmp_path / "target.db"
    moved = move(sqlite_end(source), sqlite_end(target))
    assert not moved.notes.errors
    sql = "SELECT hex(k), typeof(v), hex(v) FROM t ORDER BY k"
    assert sqlite_query(target, sql) == sqlite_query(source, sql)


def test_an_unusual_value_far_into_a_batch(postgres_url: str, tmp_path: Path) -> None:
    """What was already on its way when it is met arrives once; only the row that does not fit is left out."""
    rows: list[tuple[Any, ...]] = [(n, n * 2, f"2024-01-{n % 28 + 1:02}") for n in range(3_000)]
    path = make_sqlite(
        tmp_path / "source.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, amount INTEGER, day DATE)", {"t": rows}
    )
    job = plan_job(sqlite_end(path), postgres_end(postgres_url))
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("UPDATE t SET amount = 'many' WHERE id = 2700")
        writer.execute("UPDATE t SET day = '2024-02-30' WHERE id = 1600")
    moved = run(job)
    assert sorted(error.sample[0]["id"] for error in moved.notes.errors) == [1600, 2700]
    expected = [row for row in sqlite_query(path, "SELECT * FROM t ORDER BY id") if row[0] not in {1600, 2700}]
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT id, amount, day::text FROM t ORDER BY id").fetchall()
    assert found == expected


def test_values_inside_and_outside_of_pages(make_database: Any, tmp_path: Path) -> None:
    """Tables that are fetched and tables that come by COPY hold the same afterwards."""
    url = make_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE small "
            "(at timestamptz PRIMARY KEY, share float8, yes boolean, raw bytea, cost money, note text)"
        )
        connection.execute(
            "INSERT INTO small SELECT timestamptz '2024-01-01 00:00:00.5+00' + n * interval '1 hour', "
            "CASE n % 4 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN NULL ELSE n / 3.0 END, n % 2 = 0, "
            "decode(lpad(to_hex(n), 8, '0'), 'hex'), n::money, E'tab\\tline\\nback\\\\slash ' || n "
            "FROM generate_series(1, 1700) AS n"
        )
        connection.execute("CREATE TABLE large (LIKE small INCLUDING ALL)")
        connection.execute("ALTER TABLE large ADD much text")
        connection.execute("ALTER TABLE large ALTER much SET STORAGE EXTERNAL")
        connection.execute("INSERT INTO large SELECT s.*, repeat('x', 3000) FROM small s")
    path = tmp_path / "both.db"
    moved = run(plan_job(postgres_end(url), sqlite_end(path), options=PlanOptions(batch_size=600)))
    assert not moved.notes.errors
    columns = "at, share, yes, raw, cost, note"
    small = sqlite_query(path, f"SELECT {columns} FROM small ORDER BY 1")
    assert small == sqlite_query(path, f"SELECT {columns} FROM large ORDER BY 1")
    assert len(small) == 1_700
    assert small[0][0] == "2024-01-01 01:00:00.5+00:00"
    assert [row[1] for row in small[:4]] == [math.inf, None, 1.0, "NaN"]
