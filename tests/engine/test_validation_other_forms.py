"""Faithful copies pass though the two systems spell, sort, measure or join values in ways of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sensei.server.engine.connectors.sqlite import SqliteConnector
from sensei.server.engine.job import Endpoint, Job
from sensei.server.engine.plan import DecidedMapping
from tests.engine import faithful
from tests.engine.helpers import make_sqlite, move, mysql_end, plan_job, postgres_end, run, sqlite_end, sqlite_query
from tests.engine.test_validation_after_migration import validate_throughout
from tests.support import mysql

Decide = Callable[[DecidedMapping], DecidedMapping]
TARGETS = ("sqlite", "postgresql")


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, tmp_path: Path, make_database: Callable[[], str]) -> Endpoint:
    return sqlite_end(tmp_path / "target.db") if request.param == "sqlite" else postgres_end(make_database())


def decided(**changes: str) -> Decide:
    """Columns by name: the type they become, maybe after an expression and an arrow."""

    def decide(mapping: DecidedMapping) -> DecidedMapping:
        change = changes.get(mapping.source.column)
        if change is None:
            return mapping
        expression, _, type_ = change.rpartition("→")
        column = dataclasses.replace(mapping.target, type=type_)
        return dataclasses.replace(mapping, target=column, transformation=expression or None)

    return decide


def _fill_postgres(url: str, *statements: str) -> Endpoint:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]
    return postgres_end(url)


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("uuid", ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'0f8fad5b-d9cb-469f-a165-70867728950e'")),
        ("enum('b', 'a')", ("'b'", "'a'")),
        ("year", ("2001", "0")),
        ("inet6", ("'::1'", "'2001:db8::1'")),
        ("bit(9)", ("b'100000001'", "0")),
        ("decimal(12, 2)", ("10.50", "9.00")),
        ("varchar(10) collate utf8mb4_general_ci", ("'ä'", "'B'")),
    ],
)
def test_references_by_any_type_of_mariadb(
    type_: str, values: tuple[str, str], mysql_url: str, target: Endpoint
) -> None:
    first, second = values
    mysql.run(
        mysql_url,
        [
            f"CREATE TABLE parents (id {type_} PRIMARY KEY)",
            f"CREATE TABLE children (id int PRIMARY KEY, parent {type_}, FOREIGN KEY (parent) REFERENCES parents (id))",
            f"INSERT INTO parents VALUES ({first}), ({second})",
            f"INSERT INTO children VALUES (1, {second}), (2, NULL), (3, {first}), (4, {first})",
        ],
    )
    validate_throughout(plan_job(mysql_end(mysql_url), target))


@pytest.mark.parametrize("type_", ["money", "numeric(12, 2)", "numeric"])
def test_references_by_numbers_that_become_texts(type_: str, postgres_url: str, target: Endpoint) -> None:
    source = _fill_postgres(
        postgres_url,
        f"CREATE TABLE parents (id {type_} PRIMARY KEY)",
        f"CREATE TABLE children (id int PRIMARY KEY, parent {type_} REFERENCES parents (id))",
        f"INSERT INTO parents SELECT (n * 1.5 - 10)::numeric::{type_} FROM generate_series(1, 40) n",
        f"INSERT INTO children SELECT n, (n * 1.5 - 10)::numeric::{type_} FROM generate_series(1, 40) n",
    )
    validate_throughout(plan_job(source, target))


def test_columns_named_like_what_queries_ask_for(mysql_url: str, target: Endpoint) -> None:
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE t (id int PRIMARY KEY, `count` int, `min` varchar(9), v decimal(30, 10), `max` int)",
        ],
        {"t": [(n, n * 7 % 50, f"x{n % 9}", n * 7 % 101 - 50, n * 3 % 11) for n in range(1, 100)]},
    )
    validate_throughout(plan_job(mysql_end(mysql_url), target))


def test_keys_of_any_type_of_postgresql(postgres_url: str, target: Endpoint) -> None:
    source = _fill_postgres(
        postgres_url,
        "CREATE TABLE addresses (k inet PRIMARY KEY, v cidr)",
        "INSERT INTO addresses VALUES ('10.0.0.1', '10.0.0.0/8'), ('10.0.0.10/8', NULL), ('::1', '::1/128')",
        "CREATE TABLE oids (k oid PRIMARY KEY, v text)",
        "INSERT INTO oids SELECT n, n FROM generate_series(1, 40) n",
        """CREATE TABLE letters (k "char" PRIMARY KEY, v text)""",
        "INSERT INTO letters VALUES ('a', 'x'), ('B', 'y')",
        "CREATE TABLE flags (k boolean PRIMARY KEY, v bit(9))",
        "INSERT INTO flags VALUES (true, b'000000001'), (false, NULL)",
        "CREATE TABLE floats (k double precision PRIMARY KEY, v real)",
        "INSERT INTO floats SELECT n / 7.0, n / 7.0 FROM generate_series(-20, 20) n",
        "CREATE TABLE instants (k timestamptz, v date, PRIMARY KEY (k, v))",
        "INSERT INTO instants SELECT '2024-10-27 00:00+02'::timestamptz + n * interval '30 min', '2024-01-01' "
        "FROM generate_series(1, 40) n",
        "CREATE TABLE padded (k char(5) PRIMARY KEY, v varchar(3))",
        "INSERT INTO padded VALUES ('a', 'x '), ('B ', '  '), ('b', '')",
        "CREATE TABLE documents (k jsonb, v json)",
        """INSERT INTO documents VALUES ('{"a": 1.0}', '{"a":1,"a":2}'), ('{"a": 1.0}', '{"a":1,"a":2}')""",
    )
    validate_throughout(plan_job(source, target))


def test_tables_and_columns_with_names_like_pieces_of_sql(postgres_url: str, target: Endpoint) -> None:
    source = _fill_postgres(
        postgres_url,
        'CREATE TABLE "a) AS b" (id int PRIMARY KEY, " LEFT JOIN " int REFERENCES "a) AS b" (id), "q""x" text)',
        """INSERT INTO "a) AS b" VALUES (1, 1, ''), (2, 1, NULL)""",
    )
    validate_throughout(plan_job(source, target))


def test_references_between_tables_that_differ_by_case_alone(mysql_url: str, postgres_url: str) -> None:
    if mysql.query(mysql_url, "SELECT @@lower_case_table_names") != [(0,)]:
        pytest.skip("this server folds the names of tables")
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE Orders (id int PRIMARY KEY)",
            "CREATE TABLE orders (id int PRIMARY KEY)",
            "CREATE TABLE x (a int REFERENCES Orders (id), b int REFERENCES orders (id))",
            "INSERT INTO Orders VALUES (1)",
            "INSERT INTO orders VALUES (2)",
            "INSERT INTO x VALUES (1, 2)",
        ],
    )
    validate_throughout(plan_job(mysql_end(mysql_url), postgres_end(postgres_url)))


def test_texts_with_nul_characters_from_mariadb(mysql_url: str, tmp_path: Path) -> None:
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE t (id int PRIMARY KEY, a text, b varchar(20))",
            r"INSERT INTO t VALUES (1, '\0abc', 'x'), (2, 'abc\0def', 'y\0'), (3, '', '\0'), (4, '  ', ' ')",
        ],
    )
    validate_throughout(plan_job(mysql_end(mysql_url), sqlite_end(tmp_path / "b.db")))


def test_numbers_of_sqlite_among_texts(tmp_path: Path, target: Endpoint) -> None:
    mixed = [
        (2, "2", 1e-20, 2),
        (10, "10", 2.0, 10),
        ("a", "a", "x", 2.5),
        (1.0, "1", 1e15, 1e16),
        (1, "1.0", -0.0, None),
        (float("inf"), "", 1 / 3, None),
    ]
    make_sqlite(tmp_path / "a.db", "CREATE TABLE t (a, b TEXT, c JSON, d NUMERIC)", {"t": mixed})
    validate_throughout(plan_job(sqlite_end(tmp_path / "a.db"), target))


FIGURES = [
    (n, f"{n * 7 % 100}.50", f"2024-01-{n % 28 + 1:02d}", str(n * 3), n * 7 % 100 + 0.5, n * 3, n / 7, n % 2)
    for n in range(1, 60)
]
WORDS_TO_NUMBERS = {
    "price": "CAST(price AS DECIMAL(10, 2))→NUMERIC(10, 2)",
    "count": "CAST(count AS INTEGER)→BIGINT",
}
NUMBERS_TO_WORDS = {"amount": "TEXT", "number": "TEXT", "ratio": "TEXT", "flag": "TEXT"}
COLUMNS = "price {text}, day {text}, count {text}, amount decimal(10, 2), number int, ratio {double}, flag {flag}"


def _figures(source: str, tmp_path: Path, make_database: Callable[[], str], mysql_url: Callable[[], str]) -> Endpoint:
    key = "CREATE TABLE t (id {integer} PRIMARY KEY, "
    match source:
        case "sqlite":
            table = key.format(integer="INTEGER") + COLUMNS.format(text="TEXT", double="DOUBLE", flag="BOOLEAN") + ")"
            return sqlite_end(make_sqlite(tmp_path / "a.db", table, {"t": FIGURES}))
        case "mysql":
            url = mysql_url()
            columns = COLUMNS.format(text="varchar(20)", double="double", flag="boolean").replace("count", "`count`")
            mysql.run(url, [key.format(integer="int") + columns + ")"], {"t": FIGURES})
            return mysql_end(url)
        case _:
            columns = COLUMNS.format(text="text", double="double precision", flag="boolean")
            end = _fill_postgres(make_database(), key.format(integer="int") + columns + ")")
            with psycopg.connect(end.config["connection_string"]) as connection:
                rows = [(*row[:-1], bool(row[-1])) for row in FIGURES]
                connection.cursor().executemany("INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", rows)
            return end


@pytest.fixture
def make_mysql_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Gives a MariaDB database where a test wants one; others need no server."""
    return lambda: request.getfixturevalue("mysql_url")


@pytest.mark.parametrize("source", ["sqlite", "postgresql", "mysql"])
@pytest.mark.parametrize("changes", [NUMBERS_TO_WORDS, WORDS_TO_NUMBERS], ids=["numbers to words", "words to numbers"])
def test_columns_that_become_something_else_by_decision(
    source: str,
    changes: dict[str, str],
    tmp_path: Path,
    target: Endpoint,
    make_database: Callable[[], str],
    make_mysql_database: Callable[[], str],
) -> None:
    end = _figures(source, tmp_path, make_database, make_mysql_database)
    if source == "mysql":
        changes = {name: change.replace("AS INTEGER", "AS SIGNED") for name, change in changes.items()}
    validate_throughout(plan_job(end, target, decide=decided(**changes)))


@pytest.mark.parametrize("source", ["sqlite", "postgresql", "mysql"])
def test_columns_of_sqlite_that_make_numbers_of_texts_by_themselves(
    source: str, tmp_path: Path, make_database: Callable[[], str], make_mysql_database: Callable[[], str]
) -> None:
    end = _figures(source, tmp_path, make_database, make_mysql_database)
    changes = {"price": "NUMERIC(10, 2)", "count": "INTEGER", "day": "DATE"}
    validate_throughout(plan_job(end, sqlite_end(tmp_path / "b.db"), decide=decided(**changes)))


@pytest.mark.parametrize("source", ["sqlite", "mysql"])
def test_floats_keep_every_digit_in_columns_of_text(
    source: str, tmp_path: Path, make_database: Callable[[], str], make_mysql_database: Callable[[], str]
) -> None:
    end = _figures(source, tmp_path, make_database, make_mysql_database)
    move(end, sqlite_end(tmp_path / "b.db"), decide=decided(ratio="TEXT"))
    [(text,)] = sqlite_query(tmp_path / "b.db", "SELECT ratio FROM t WHERE id = 1")
    assert text == "0.14285714285714285"


@pytest.mark.parametrize("spoiled", ["12 or so", "", "0x2A", "NaN"])
def test_a_spoiled_number_in_a_column_of_text_is_found(spoiled: str, postgres_url: str, tmp_path: Path) -> None:
    make_sqlite(tmp_path / "a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", {"t": [(1, 12), (2, 0)]})
    job = plan_job(sqlite_end(tmp_path / "a.db"), postgres_end(postgres_url), decide=decided(n="TEXT"))
    run(job)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE t SET n = %s WHERE n = '12'", (spoiled,))
    outcome = faithful.check(job)
    assert "E4002" in faithful.codes(outcome, "statistical"), faithful.problems(outcome)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("1.0000000000000000000000000000000000000001", "1.0000000000000000000000000000000000000002"),
        ("12345678901234567890123456789012345.5", "12345678901234567890123456789012345.6"),
    ],
)
def test_the_last_digit_counts_where_tables_have_no_key(
    here: str, there: str, make_database: Callable[[], str]
) -> None:
    ends = [
        _fill_postgres(
            make_database(), "CREATE TABLE t (a numeric(80, 40), b text)", f"INSERT INTO t VALUES ({value}, 'x')"
        )
        for value in (here, there)
    ]
    outcome = faithful.check(faithful.job(*ends), "statistical")
    assert "E4001" in faithful.codes(outcome), faithful.problems(outcome)


def _noted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every query that is asked of a SQLite file from now on."""
    asked: list[str] = []
    stream = SqliteConnector.stream

    def noted(self: SqliteConnector, sql: str, batch_rows: int = 10_000) -> Iterator[list[tuple[Any, ...]]]:
        asked.append(sql)
        return stream(self, sql, batch_rows)

    monkeypatch.setattr(SqliteConnector, "stream", noted)
    return asked


def _twins(tmp_path: Path, table: str, rows: list[tuple[Any, ...]]) -> Job:
    for name in ("a.db", "b.db"):
        make_sqlite(tmp_path / name, table, {"t": rows})
    return faithful.job(sqlite_end(tmp_path / "a.db"), sqlite_end(tmp_path / "b.db"))


def test_the_keys_to_ask_by_are_read_once_however_many_rounds_are_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _twins(tmp_path, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", [(n, f"text {n}") for n in range(50)])
    asked = _noted(monkeypatch)
    faithful.check(job, "behavioral", rounds=5)
    assert sum("LIMIT 500" in sql for sql in asked) == 2


def test_a_very_wide_table_is_not_asked_for_column_by_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = ", ".join(f"c{number} TEXT" for number in range(400))
    rows = [(n, *(f"{n} {number}" for number in range(400))) for n in range(60)]
    job = _twins(tmp_path, f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns})", rows)
    asked = _noted(monkeypatch)
    outcome = faithful.check(job, "semantic")
    assert outcome.overall_result == "passed"
    assert len(asked) < 20


def test_defaults_of_bytes_and_of_texts_with_nul_are_told_and_not_set(mysql_url: str, target: Endpoint) -> None:
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE t (id int, a varbinary(4) DEFAULT x'00ff', b text DEFAULT x'4100', c text DEFAULT 'it''s')",
            "INSERT INTO t (id, b) VALUES (1, ''), (2, NULL)",
        ],
    )
    job = plan_job(mysql_end(mysql_url), target)
    [table] = [planned.target for planned in job.plan.tables]
    assert {column.name: column.default for column in table.columns} == {
        "id": None,
        "a": None,
        "b": None,
        "c": "'it''s'",
    }
    told = [risk.description for risk in job.plan.risks if "has no sure counterpart" in risk.description]
    assert len(told) == 2
    validate_throughout(job)


@pytest.mark.parametrize(
    "statements",
    [
        [
            r"CREATE TABLE t (id int, e enum('a,b', 'it''s', 'b\\c', '', 'ü') DEFAULT 'it''s', s set('a', 'ü', 'x y'))",
            r"INSERT INTO t VALUES (1, 'a,b', 'a'), (2, 'it''s', 'a,x y'), (3, 'b\\c', ''), (4, '', NULL)",
        ],
        [
            "CREATE TABLE t (a varchar(20) PRIMARY KEY, b text, c char(4)) CHARACTER SET utf16",
            "INSERT INTO t VALUES ('ä🦊', 'x', ' a'), ('', '🦊', ''), ('b', NULL, NULL)",
        ],
        [
            'CREATE TABLE `we``ird ta%ble` (`a b` int PRIMARY KEY, `c``d` varchar(5), `%s` int, `Ünï` int, `a"q` int)',
            "INSERT INTO `we``ird ta%ble` VALUES (1, 'x', 1, 2, 3)",
        ],
        [
            "CREATE TABLE t (id int PRIMARY KEY, a int INVISIBLE DEFAULT 3, b int AS (a * 2) VIRTUAL, UNIQUE (b))",
            "INSERT INTO t (id, a) VALUES (1, 2), (2, NULL), (3, NULL)",
        ],
        [
            "CREATE TABLE p (a int, b varchar(5), PRIMARY KEY (a, b))",
            "CREATE TABLE c (id int PRIMARY KEY, a int, b varchar(5), FOREIGN KEY (a, b) REFERENCES p (a, b))",
            "INSERT INTO p VALUES (1, 'x'), (2, 'y')",
            "INSERT INTO c VALUES (1, 1, 'x'), (2, NULL, 'zz'), (3, 2, NULL), (4, 2, 'y')",
        ],
        [
            "CREATE TABLE t (id int, a varchar(5)) ENGINE = MyISAM",
            "INSERT INTO t VALUES (1, 'a'), (1, 'a'), (NULL, NULL), (NULL, NULL)",
        ],
    ],
    ids=["enums", "utf16", "names", "invisible and computed", "composite references", "no key"],
)
def test_odd_tables_of_mariadb(statements: list[str], mysql_url: str, target: Endpoint) -> None:
    mysql.run(mysql_url, statements)
    validate_throughout(plan_job(mysql_end(mysql_url), target))
