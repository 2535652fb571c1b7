"""MySQL and MariaDB as a source: reached, described, planned, copied exactly once, finished and proven."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from sensei.server.engine.catalog import Column, Table
from sensei.server.engine.connectors import open_connector
from sensei.server.engine.connectors.mysql_address import read_address
from sensei.server.engine.connectors.mysql_columns import column_of, labels
from sensei.server.engine.connectors.mysql_errors import endpoint_error
from sensei.server.engine.errors import ConnectorUnavailableError, EndpointError, ExpressionError, PlanningError
from sensei.server.engine.expressions import render_expression
from sensei.server.engine.job import Endpoint, Job, MigrationState, PhaseOutcome, Selection, Wanted
from sensei.server.engine.plan import DecidedMapping, PlanOptions
from sensei.server.engine.planner import make_plan
from sensei.server.engine.rollback import roll_back
from sensei.server.engine.runner import run_phase
from tests.engine.helpers import (
    MOVING,
    GoOn,
    Moved,
    Notes,
    StopAt,
    move,
    mysql_end,
    plan_job,
    postgres_end,
    run,
    sqlite_end,
)
from tests.engine.test_mysql_values import postgres_texts, proof, sqlite_values
from tests.support import mysql

SECRET = "s3cret-pa55"
SHOP = [
    """CREATE TABLE customers (
        id bigint unsigned AUTO_INCREMENT PRIMARY KEY, email varchar(80) NOT NULL COMMENT 'where to write',
        name varchar(40) COLLATE utf8mb4_bin NOT NULL DEFAULT 'n\\\\a',
        level enum('basic','gold') NOT NULL DEFAULT 'basic',
        tags set('a','b') NOT NULL DEFAULT '', active tinyint(1) NOT NULL DEFAULT 1, rating tinyint(1),
        born date DEFAULT '0000-00-00', joined timestamp NOT NULL DEFAULT current_timestamp,
        changed datetime DEFAULT current_timestamp ON UPDATE current_timestamp,
        initial char(1) AS (left(name, 1)) STORED, prefs json, points int NOT NULL DEFAULT 0,
        UNIQUE KEY by_email (email), KEY by_prefix (name(3)), KEY by_points (points DESC), FULLTEXT KEY words (name),
        CONSTRAINT enough CHECK (points >= 0), CONSTRAINT no_x CHECK (email <> 'x')
    ) COMMENT 'people' AUTO_INCREMENT = 500""",
    """CREATE TABLE orders (
        id int AUTO_INCREMENT PRIMARY KEY, customer_id bigint unsigned NOT NULL, total decimal(12,2) NOT NULL,
        CONSTRAINT of_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE)""",
    "CREATE VIEW golden AS SELECT * FROM customers WHERE level = 'gold'",
    "CREATE PROCEDURE tidy() SELECT 1",
    "CREATE TRIGGER noted BEFORE INSERT ON orders FOR EACH ROW SET new.total = new.total",
    """INSERT INTO customers (email, name, rating, born, prefs, tags) VALUES
        ('ada@x.example', 'Ada', 5, '1815-12-10', '{}', 'a,b'), ('zoë@x.example', 'Zoë', 0, NULL, NULL, '')""",
    "INSERT INTO orders (customer_id, total) VALUES (500, 1.10), (500, 2), (501, 3)",
]


def name_of(url: str) -> str:
    return url.rsplit("/", maxsplit=1)[1]


# --- reaching it -----------------------------------------------------------------------------------------------------


def test_a_connection_test_tells_version_latency_and_size(mysql_url: str) -> None:
    mysql.run(mysql_url, SHOP)
    with open_connector(mysql_end(mysql_url)) as connector:
        outcome = connector.test("source")
    assert (outcome.status, outcome.error, outcome.table_count) == ("success", None, 2)
    assert outcome.accessible_schemas == (name_of(mysql_url),)
    assert str(outcome.server_version).split(" ")[0] in {"MariaDB", "MySQL"}
    assert 0 < outcome.latency_ms < 60_000
    assert outcome.estimated_rows is not None


def test_as_a_target_it_is_refused(mysql_url: str, tmp_path: Path) -> None:
    with open_connector(mysql_end(mysql_url)) as connector:
        outcome = connector.test("target")
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.reason_code) == ("connector_unavailable", "E6005")
    sqlite3.connect(tmp_path / "a.db").close()
    with pytest.raises(PlanningError, match="not yet its target"):
        make_plan(sqlite_end(tmp_path / "a.db"), mysql_end(mysql_url), Selection(), None, PlanOptions())


def _refusal(endpoint: Endpoint) -> EndpointError:
    with pytest.raises(EndpointError) as caught:
        open_connector(endpoint).close()
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def test_why_it_cannot_be_reached(mysql_url: str) -> None:
    where = mysql_url.split("@")[1]
    host = where.split("/", maxsplit=1)[0]
    unknown = mysql_url.replace(name_of(mysql_url), "nowhere")
    assert _refusal(mysql_end(f"mysql://admin:{SECRET}@{where}")).reason_code == "E1002"
    assert _refusal(mysql_end(unknown)).reason_code == "E1005"
    assert _refusal(mysql_end(f"mysql://u:{SECRET}@127.0.0.1:1/d")).reason_code == "E1001"
    assert _refusal(mysql_end(f"mysql://u:{SECRET}@no-such-host.invalid/d")).reason_code == "E1010"
    with open_connector(mysql_end(mysql_url)) as connector:
        plain = (
            connector.scalar("SHOW SESSION STATUS LIKE 'Ssl_version'") is None
            or not mysql.query(mysql_url, "SELECT @@have_ssl = 'YES'")[0][0]
        )
    if plain:
        refused = _refusal(mysql_end(mysql_url, ssl_mode="require"))
        assert (refused.reason_code, host in str(refused)) == ("E1003", True)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"connection_string": f"postgresql://u:{SECRET}@h/d"}, "must look like mysql://"),
        ({"connection_string": f"mysql://u:{SECRET}@x@h/d"}, "%40"),
        ({"connection_string": f"mysql://u:{SECRET}@h/a/b"}, "cannot be read"),
        ({"connection_string": f"mysql://u:{SECRET}@h:99999/d"}, "cannot be read"),
        ({"connection_string": "mysql:///d"}, "names no host"),
        ({"host": "h", "port": "x"}, "no number"),
        ({"host": "h", "password": "vault://db/prod"}, "secret"),
        ({"host": "h", "credentials": "vault://db/prod"}, "credential references"),
        ({"host": "h", "tunnel": {"type": "ssh"}}, "tunnels"),
        ({"host": "h", "ssl_ca": "/etc/passwd"}, "PEM"),
        ({"host": "h", "extra_params": {"read_default_file": "/root/.my.cnf"}}, "no parameter"),
        ({"host": "h", "extra_params": {"connect_timeout": "soon"}}, "whole number"),
        ({"connection_string": "mysql://h/d?ssl-mode=maybe"}, "ssl_mode must be one of"),
    ],
)
def test_bad_addresses(config: dict[str, Any], says: str) -> None:
    with pytest.raises(EndpointError, match=says) as caught:
        read_address(Endpoint(type="mysql", config=config))
    assert SECRET not in str(caught.value)


def test_members_win_over_the_url_and_nothing_secret_is_shown() -> None:
    url = f"mariadb://ada:{SECRET.replace('-', '%2D')}@db.example:3307/shop?ssl-mode=REQUIRED&connect_timeout=3"
    address = read_address(Endpoint(type="mysql", config={"connection_string": url, "database": "other"}))
    assert SECRET not in repr(address)
    assert address.ssl_mode == "require"
    assert address.schemas == ("other",)
    parameters = address.parameters
    assert (parameters["host"], parameters["port"], parameters["user"]) == ("db.example", 3307, "ada")
    assert (parameters["password"], parameters["connect_timeout"]) == (SECRET, 3)


@pytest.mark.parametrize(
    ("number", "text", "code"),
    [
        (1045, "Access denied for user 'ada'@'h' (using password: YES)", "E1002"),
        (1044, "Access denied for user 'ada'@'h' to database 'shop'", "E1006"),
        (1142, "SELECT command denied to user 'ada'@'h' for table 't'", "E1006"),
        (1040, "Too many connections", "E1007"),
        (2003, "Can't connect to MySQL server on 'h' (timed out)", "E1004"),
        (2003, "Can't connect to MySQL server on 'h' ([SSL: CERTIFICATE_VERIFY_FAILED])", "E1003"),
        (2026, "SSL is required but the server doesn't support it", "E1003"),
        (2059, "Authentication plugin 'ed25519' not configured", "E1002"),
        (3024, "Query execution was interrupted, maximum statement execution time exceeded", "E1004"),
    ],
)
def test_what_the_servers_numbers_mean(number: int, text: str, code: str) -> None:
    error = endpoint_error(pymysql.err.OperationalError(number, text), {"host": "h", "user": "ada", "database": "shop"})
    assert error.reason_code == code


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensei.server.engine.connectors.find_spec", lambda _: None)
    with pytest.raises(ConnectorUnavailableError, match=r"pip install 'sensei-sdk\[mysql\]'"):
        open_connector(mysql_end("mysql://h/d"))


# --- what it holds ---------------------------------------------------------------------------------------------------


def test_the_structure_is_read(mysql_url: str) -> None:
    mysql.run(mysql_url, SHOP)
    with open_connector(mysql_end(mysql_url)) as connector:
        catalog = connector.read_catalog(Selection())
    schema = name_of(mysql_url)
    assert {table.name: table.type for table in catalog.tables} == {
        "customers": "table",
        "orders": "table",
        "golden": "view",
    }
    customers, orders = catalog.table(schema, "customers"), catalog.table(schema, "orders")
    assert customers.primary_key == ("id",)
    assert customers.comment == "people"
    assert [(u.name, u.columns) for u in customers.unique_constraints] == [("by_email", ("email",))]
    indexes = {index.name: index for index in customers.indexes}
    assert indexes["by_points"].descending == ("points",)
    assert indexes["by_prefix"].expression == "left(name, 3)"
    assert indexes["words"].method == "fulltext"
    assert [check.name for check in customers.check_constraints] == ["enough", "no_x"]
    level, initial, prefs = (customers.column(name) for name in ("level", "initial", "prefs"))
    assert (level.type, level.choices, level.default) == ("enum", ("basic", "gold"), "'basic'")
    assert initial.computed is not None
    assert prefs.type == "json"
    assert customers.column("id").autoincrement
    assert customers.column("email").comment == "where to write"
    assert customers.extra["set_on_update"] == "changed"
    assert orders.extra["triggers"] == 1
    (key,) = orders.foreign_keys
    assert (key.name, key.referenced_table, key.on_delete) == ("of_customer", "customers", "CASCADE")


def test_a_preview_shows_values_that_json_can_hold(mysql_url: str) -> None:
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE t (a bigint unsigned, b decimal(5,2), c blob, d time, e bit(3), f float, g date)",
            "INSERT INTO t VALUES (18446744073709551615, 1.5, x'00ff', '-30:00:00', b'101', 0.5, '0000-00-00')",
            "INSERT INTO t VALUES (1, NULL, NULL, NULL, NULL, NULL, NULL)",
        ],
    )
    with open_connector(mysql_end(mysql_url)) as connector:
        preview = connector.preview(None, "t", 1)
    assert preview.rows == (
        {
            "a": "18446744073709551615",
            "b": "1.50",
            "c": "AP8=",
            "d": "-30:00:00",
            "e": 5,
            "f": 0.5,
            "g": "0000-00-00",
        },
    )
    assert preview.truncated


def _described(column_type: str, data_type: str, default: str | None, extra: str = "") -> tuple[Any, ...]:
    return ("c", column_type, data_type, "YES", default, extra, None, None, None, None, "", "")


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        # How MySQL 8 tells defaults: bare, and marked where they are expressions.
        (_described("varchar(9)", "varchar", "it's"), "'it''s'"),
        (_described("varchar(9)", "varchar", "CURRENT_TIMESTAMP"), "'CURRENT_TIMESTAMP'"),
        (_described("varchar(36)", "varchar", "uuid()", "DEFAULT_GENERATED"), "uuid()"),
        (_described("datetime(3)", "datetime", "CURRENT_TIMESTAMP(3)", "DEFAULT_GENERATED"), "CURRENT_TIMESTAMP(3)"),
        (_described("timestamp", "timestamp", "CURRENT_TIMESTAMP"), "CURRENT_TIMESTAMP"),
        (_described("int", "int", "0"), "0"),
        (_described("decimal(8,3) unsigned zerofill", "decimal", "00001.500"), "1.500"),
        (_described("bit(3)", "bit", "b'101'"), "b'101'"),
        (_described("int", "int", None), None),
    ],
)
def test_defaults_as_mysql_tells_them(described: tuple[Any, ...], expected: str | None) -> None:
    """MySQL itself is not part of the tests; this is what its information_schema says."""
    assert column_of(described, 1, document=False, maria=False).default == expected


def test_labels_of_an_enumerated_type() -> None:
    assert labels("enum('a','it''s','b,c','d)e','x\\\\y','')") == ["a", "it's", "b,c", "d)e", "x\\y", ""]


# --- planning --------------------------------------------------------------------------------------------------------


def _plan(url: str, target: Endpoint) -> tuple[dict[str, str], list[tuple[str, str]], Any]:
    plan = make_plan(mysql_end(url), target, Selection(), None, PlanOptions())
    types = {f"{m.source.table}.{m.source.column}": m.target.type for m in plan.mappings}
    return types, [(risk.severity, risk.description) for risk in plan.risks], plan


def test_the_plan_names_what_mysql_does_and_others_do_not(mysql_url: str, postgres_url: str) -> None:
    mysql.run(mysql_url, SHOP)
    types, risks, plan = _plan(mysql_url, postgres_end(postgres_url))
    assert types["customers.active"] == "BOOLEAN"
    assert types["customers.rating"] == "SMALLINT"
    assert types["customers.id"] == types["orders.customer_id"] == "BIGINT"
    confidence = {m.source.column: m.confidence for m in plan.mappings if m.source.table == "customers"}
    assert 0.5 < confidence["active"] < 1
    for severity, part in [
        ("medium", "sets changed to the time of every update"),
        ("medium", "the key " + name_of(mysql_url) + ".customers.email compares by"),
        ("medium", "the view " + name_of(mysql_url) + ".golden is not carried over"),
        ("medium", "the procedure " + name_of(mysql_url) + ".tidy is not carried over"),
        ("medium", "orders has triggers"),
        ("medium", "customers.initial is computed at the source"),
        ("low", "the default of " + name_of(mysql_url) + ".customers.born, '0000-00-00', has no sure counterpart"),
        ("low", "the check (`email` <> 'x')"),
        ("low", "the index words of"),
        ("low", "the index by_prefix of"),
        ("low", "3 text columns compare without regard to case"),
    ]:
        assert any(risk[0] == severity and part in risk[1] for risk in risks), part
    assert not any("compares by utf8mb4_bin" in risk[1] for risk in risks)


def test_what_is_not_kept_by_innodb_or_has_no_key_is_told(mysql_url: str, tmp_path: Path) -> None:
    mysql.run(mysql_url, ["CREATE TABLE log (a int, UNIQUE KEY (a)) ENGINE = MyISAM"])
    _, risks, _ = _plan(mysql_url, sqlite_end(tmp_path / "t.db"))
    assert any(severity == "medium" and "is kept by MyISAM" in text for severity, text in risks)
    assert any(severity == "low" and "has no key that is unique and never null" in text for severity, text in risks)


def test_rows_that_refer_to_nothing_are_told_before_anything_is_written(mysql_url: str, postgres_url: str) -> None:
    """Also where only MySQL takes two keys for one, as they differ in case."""
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE parents (id int PRIMARY KEY)",
            "CREATE TABLE words (word varchar(9) PRIMARY KEY)",
            """CREATE TABLE children (id int PRIMARY KEY, parent int, word varchar(9),
                FOREIGN KEY (parent) REFERENCES parents (id), FOREIGN KEY (word) REFERENCES words (word))""",
            "INSERT INTO parents VALUES (1)",
            "INSERT INTO words VALUES ('Ada')",
            "SET SESSION foreign_key_checks = 0",
            "INSERT INTO children VALUES (1, 1, 'Ada'), (2, 7, 'ADA'), (3, NULL, NULL)",
        ],
    )
    moved = move(mysql_end(mysql_url), postgres_end(postgres_url))
    broken = [risk.description for risk in moved.plan.risks if "the reference of" in risk.description]
    assert len(broken) == 2
    assert all(text.startswith("1 row breaks") for text in broken)
    assert {error.reason_code for error in moved.notes.errors} == {"E2006"}


def test_a_type_that_cannot_be_carried_is_refused_in_one_line(mysql_url: str, tmp_path: Path) -> None:
    from sensei.server.engine.planning.from_mysql import in_postgresql
    from sensei.server.engine.planning.profile import ColumnProfile

    with pytest.raises(PlanningError, match=r"shop.t.v is of the type vector\(3\)") as caught:
        in_postgresql(Column(name="v", type="vector(3)"), ColumnProfile(), "shop.t.v")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("written", "rendered"),
    [
        ("NULLIF(born, 0)", "NULLIF(`born`, 0)"),
        ("concat(name, 'a\\\\b\\n')", "CONCAT(`name`, _utf8mb4 x'615c620a')"),
        ("year(born)", "YEAR(`born`)"),
        ("sleep(9)", None),
        ("load_file('/etc/passwd')", None),
        ("@@datadir", None),
        ("benchmark(9, 9)", None),
        ("(SELECT 1)", None),
        ("name INTO OUTFILE '/tmp/x'", None),
    ],
)
def test_transformations(written: str, rendered: str | None) -> None:
    table = Table(schema="s", name="t", columns=(Column(name="name", type="text"), Column(name="born", type="date")))
    if rendered is None:
        with pytest.raises(ExpressionError):
            render_expression(written, table, "mysql")
    else:
        assert render_expression(written, table, "mysql") == rendered


# --- carrying it over ------------------------------------------------------------------------------------------------


def test_a_shop_arrives_whole_in_postgresql(mysql_url: str, postgres_url: str) -> None:
    mysql.run(mysql_url, SHOP)
    moved = move(mysql_end(mysql_url), postgres_end(postgres_url))
    assert moved.notes.errors == []
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        found = connection.execute("SELECT id, name, level, tags, active, rating, initial FROM customers ORDER BY id")
        assert found.fetchall() == [
            (500, "Ada", "basic", "a,b", True, 5, "A"),
            (501, "Zoë", "basic", "", True, 0, "Z"),
        ]
        constraints = connection.execute(
            "SELECT contype::text, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid IN ('customers'::regclass, 'orders'::regclass) AND contype <> 'n'"
        ).fetchall()
        assert ("f", "FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE CASCADE") in constraints
        assert ("u", "UNIQUE (email)") in constraints
        assert sum(kind == "c" for kind, _ in constraints) == 3
        new = connection.execute(
            "INSERT INTO customers (email, name) VALUES ('new', DEFAULT) RETURNING id, name, level, active, points"
        ).fetchone()
        assert new == (502, "n\\a", "basic", True, 0)
        for refused in ("level) VALUES ('y', 'z', 'silver'", "tags) VALUES ('y', 'z', 'a,c'"):
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute(f"INSERT INTO customers (email, name, {refused})".encode())
        connection.execute("DELETE FROM customers WHERE email = 'new'")
    assert proof(moved).overall_result == "passed"


def test_a_shop_arrives_whole_in_sqlite(mysql_url: str, tmp_path: Path) -> None:
    mysql.run(mysql_url, SHOP)
    target = tmp_path / "shop.db"
    moved = move(mysql_end(mysql_url), sqlite_end(target))
    assert moved.notes.errors == []
    assert sqlite_values(target, "SELECT id, name, active, rating, prefs FROM customers") == [
        (500, "Ada", 1, 5, "{}"),
        (501, "Zoë", 1, 0, None),
    ]
    assert sqlite_values(target, "SELECT seq FROM sqlite_sequence WHERE name = 'customers'") == [(501,)]
    assert sqlite_values(target, "SELECT total FROM orders ORDER BY id") == [("1.10",), ("2.00",), ("3.00",)]
    assert proof(moved).overall_result == "passed"


HOSTILE = ["a`b", 'a"b', "a'b", "%s %(x)s", "select", "ä ß 表", "a\\b", "a;--", "A B", "$1", "x" * 64]


@pytest.mark.parametrize("target", ["PostgreSQL", "SQLite"])
def test_hostile_names(target: str, mysql_url: str, postgres_url: str, tmp_path: Path) -> None:
    def quoted(name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    columns = ", ".join(f"{quoted(name)} varchar(20) DEFAULT {number}" for number, name in enumerate(HOSTILE))
    statements = [
        f"CREATE TABLE {name} (id int PRIMARY KEY AUTO_INCREMENT, {columns}, KEY {name} ({name}))"
        for name in map(quoted, HOSTILE)
    ]
    mysql.run(mysql_url, [*statements, *(f"INSERT INTO {quoted(name)} (id) VALUES (1), (2)" for name in HOSTILE)])
    end = postgres_end(postgres_url) if target == "PostgreSQL" else sqlite_end(tmp_path / "t.db")
    moved = move(mysql_end(mysql_url), end)
    assert {table.rows_done for table in moved.state.tables.values()} == {2}
    assert len(moved.state.tables) == len(HOSTILE)
    assert proof(moved).overall_result == "passed"


KEYS = [
    ("a int", "PRIMARY KEY (a)"),
    ("a bigint unsigned", "PRIMARY KEY (a)"),
    ("a varchar(20)", "PRIMARY KEY (a)"),
    ("a varchar(20) COLLATE utf8mb4_bin", "PRIMARY KEY (a)"),
    ("a varchar(20) NOT NULL", "UNIQUE KEY (a)"),
    ("a varbinary(20)", "PRIMARY KEY (a)"),
    ("a decimal(9,3)", "PRIMARY KEY (a)"),
    ("a double", "PRIMARY KEY (a)"),
    ("a float", "PRIMARY KEY (a)"),
    ("a date", "PRIMARY KEY (a)"),
    ("a datetime(3)", "PRIMARY KEY (a)"),
    ("a timestamp(3)", "PRIMARY KEY (a)"),
    ("a time", "PRIMARY KEY (a)"),
    ("a year", "PRIMARY KEY (a)"),
    ("a bit(20)", "PRIMARY KEY (a)"),
    ("a enum('z','10','9','b','2','1','x','y','8','7')", "PRIMARY KEY (a)"),
    ("a uuid", "PRIMARY KEY (a)"),
    ("a smallint, b varchar(9), c date", "PRIMARY KEY (a, b, c)"),
    ("a smallint, b mediumtext", "PRIMARY KEY (a, b(100))"),
    ("a int", ""),
]
VALUES: dict[str, Callable[[int], Any]] = {
    "varchar": lambda n: f"{'k' if n % 2 else 'K'}\\'{n}",
    "varbinary": lambda n: bytes([n, 0, 92]),
    "decimal": lambda n: n - 7.125,
    "double": lambda n: (n - 7) / 7,
    "float": lambda n: (n - 7) / 7,
    "date": lambda n: f"2026-01-{n + 1:02}",
    "datetime": lambda n: f"2026-01-{n + 1:02} 01:02:03.125",
    "timestamp": lambda n: f"2026-01-{n + 1:02} 01:02:03.125",
    "time": lambda n: f"{'-' if n % 2 else ''}{n * 30}:00:00",
    "year": lambda n: 2000 + n,
    "enum": lambda n: n + 1,
    "uuid": lambda n: f"{n:08x}-0000-1000-8000-{20 - n:012x}",
    "smallint": lambda n: n // 5,
    "mediumtext": lambda n: f"text {n}",
}


@pytest.mark.parametrize(("columns", "key"), KEYS)
def test_stopped_at_every_question(columns: str, key: str, mysql_url: str, tmp_path: Path) -> None:
    """Whatever the key, and without any: stopped again and again, and every row is there once."""
    count = 10
    types = [part.split()[1].split("(")[0] for part in columns.split(", ")]
    rows = [[VALUES.get(type_, int)(n) for type_ in types] for n in range(count)]
    mysql.run(mysql_url, [f"CREATE TABLE t ({columns}{', ' if key else ''}{key})"], {"t": rows})
    path = tmp_path / "t.db"
    job = plan_job(mysql_end(mysql_url), sqlite_end(path), options=PlanOptions(batch_size=3))
    question = 1
    for phase in MOVING:
        while (
            run_phase(phase, job, MigrationState(), Notes(), StopAt(question, Wanted.STOP))
            is not PhaseOutcome.COMPLETED
        ):
            question += 1
    assert question > 2
    assert sqlite_values(path, "SELECT count(*), count(DISTINCT a) FROM t") == [(count, len({row[0] for row in rows}))]
    moved = Moved(job.plan, job, MigrationState(), Notes())
    assert [i.message for r in proof(moved, ("structural", "statistical")).perspectives for i in r.issues] == []


def test_stopped_at_every_question_on_the_way_to_postgresql(mysql_url: str, postgres_url: str) -> None:
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE t (a int, b varchar(9), c mediumtext, PRIMARY KEY (a, b))",
            "INSERT INTO t SELECT seq DIV 4, concat('k', seq), repeat('\\t', seq) FROM seq_1_to_20",
        ],
    )
    job = plan_job(mysql_end(mysql_url), postgres_end(postgres_url), options=PlanOptions(batch_size=3))
    question = 1
    for phase in MOVING:
        while (
            run_phase(phase, job, MigrationState(), Notes(), StopAt(question, Wanted.STOP))
            is not PhaseOutcome.COMPLETED
        ):
            question += 2
    expected = [(str(n // 4), f"k{n}", "\t" * n) for n in range(1, 21)]
    assert sorted(postgres_texts(postgres_url, "t", "a")) == sorted(expected)


def test_values_that_outgrow_the_estimate_of_a_batch(mysql_url: str, postgres_url: str) -> None:
    """The server cuts what is larger than it may send; such a batch is read again in smaller ones."""
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE t (id int PRIMARY KEY, a varchar(8000))",
            "INSERT INTO t SELECT seq, repeat(char(96 + seq % 20), 8000) FROM seq_1_to_3000",
        ],
    )
    job = plan_job(mysql_end(mysql_url), postgres_end(postgres_url))
    moved = run(_with_size(job, rows=3000, size=3000 * 50))
    assert moved.state.tables[f"{name_of(mysql_url)}.t"].rows_done == 3000
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute(
            "SELECT count(*), count(DISTINCT id), min(length(a)), max(length(a)), count(DISTINCT a) FROM t"
        ).fetchone() == (3000, 3000, 8000, 8000, 20)


def _with_size(job: Job, *, rows: int, size: int) -> Job:
    """The job as it is where the statistics of the source say something else."""
    tables = tuple(
        replace(table, source=replace(table.source, size_bytes=size, row_estimate=rows)) for table in job.plan.tables
    )
    return replace(job, plan=replace(job.plan, tables=tables))


@pytest.mark.parametrize("target", ["PostgreSQL", "SQLite"])
def test_texts_and_bytes_of_every_size(target: str, mysql_url: str, postgres_url: str, tmp_path: Path) -> None:
    """Short values are written by the server, long ones here; both come out alike, and each beside the other."""
    special = "\\\n\t\r'\"é😀"
    mysql.run(
        mysql_url,
        ["CREATE TABLE t (id int PRIMARY KEY, a text, b varchar(3000), c longblob, d int, e mediumtext, f varchar(9))"],
        {
            "t": [
                [n, special * n, special * (n % 300), b"\0\n\\" * n, n, None if n % 7 else special, "f"]
                for n in range(900)
            ]
        },
    )
    path = tmp_path / "t.db"
    end = postgres_end(postgres_url) if target == "PostgreSQL" else sqlite_end(path)
    job = plan_job(mysql_end(mysql_url), end, options=PlanOptions(batch_size=250))
    for size in (900 * 50, 900 * 50_000):
        moved = run(_with_size(job, rows=900, size=size))
        assert moved.notes.errors == []
        assert proof(moved).overall_result == "passed"
        roll_back(job, moved.state, Notes())


def test_a_transformation_that_fails_leaves_its_row_out(mysql_url: str, tmp_path: Path) -> None:
    """MySQL itself would make a null of it, with a warning that nobody reads."""
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE t (id int PRIMARY KEY, d varchar(20))",
            "INSERT INTO t SELECT seq, '05.06.2026' FROM seq_1_to_50",
            "UPDATE t SET d = 'soon' WHERE id = 23",
        ],
    )

    def decide(mapping: DecidedMapping) -> DecidedMapping:
        written = "str_to_date(d, '%d.%m.%Y')" if mapping.source.column == "d" else None
        return DecidedMapping(source=mapping.source, target=mapping.target, transformation=written)

    target = tmp_path / "t.db"
    moved = run(plan_job(mysql_end(mysql_url), sqlite_end(target), decide=decide))
    (error,) = moved.notes.errors
    assert (error.sample, error.affected_records) == (({"id": 23},), 1)
    assert sqlite_values(target, "SELECT count(*), min(d), max(d) FROM t") == [(49, "2026-06-05", "2026-06-05")]


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from sensei.server.engine.job import MigrationState
from sensei.server.engine.runner import run_phase
from sensei.server.engine.transfer.target import TargetDatabase
from tests.engine.helpers import MOVING, GoOn, Notes

job = pickle.loads(Path(sys.argv[1]).read_bytes())
left = int(sys.argv[2])
put = TargetDatabase.put
def counted(self, *rest):
    global left
    put(self, *rest)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
TargetDatabase.put = counted
state = MigrationState()
for phase in MOVING:
    run_phase(phase, job, state, Notes(), GoOn())
"""


@pytest.mark.parametrize("target", ["PostgreSQL", "SQLite"])
def test_killed_again_and_again_in_a_large_table(
    target: str, mysql_url: str, postgres_url: str, tmp_path: Path
) -> None:
    """120,000 rows, the process killed between writing a batch and committing it; nothing is lost or doubled."""
    import pickle

    rows = 120_000
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE events (id bigint unsigned PRIMARY KEY AUTO_INCREMENT, what varchar(40), at datetime(3))",
            f"INSERT INTO events (what, at) SELECT concat('event ', seq), '2026-01-02 03:04:05.6' FROM seq_1_to_{rows}",
        ],
    )
    path = tmp_path / "events.db"
    job = plan_job(mysql_end(mysql_url), postgres_end(postgres_url) if target == "PostgreSQL" else sqlite_end(path))
    file = tmp_path / "job"
    file.write_bytes(pickle.dumps(job))
    root = Path(__file__).parents[2]
    kills = 0
    for commits in (2, 4, 3, 7):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(file), str(commits)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        kills += 1
    moved = run(job)
    assert kills == 4
    query = "SELECT count(*), count(DISTINCT id), sum(id), sum(length(what)) FROM events"
    if target == "PostgreSQL":
        with psycopg.connect(postgres_url) as connection:
            found = connection.execute(query).fetchone()
    else:
        (found,) = sqlite_values(path, query)
    assert found is not None
    expected = mysql.query(mysql_url, query)[0]
    assert tuple(map(int, found)) == tuple(map(int, expected))
    assert proof(moved).overall_result == "passed"


def test_what_was_moved_can_be_rolled_back(mysql_url: str, postgres_url: str) -> None:
    mysql.run(mysql_url, SHOP)
    job = plan_job(mysql_end(mysql_url), postgres_end(postgres_url))
    state = MigrationState()
    for phase in ("schema_migration", "data_transfer"):
        run_phase(phase, job, state, Notes(), GoOn())
    report = roll_back(job, state, Notes())
    assert sorted(report.dropped_tables) == ["public.customers", "public.orders"]
    assert report.removed_rows == 5
