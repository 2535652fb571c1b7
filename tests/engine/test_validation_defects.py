"""Every defect that a migration can leave is found, and a faithful copy is never accused."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sensei.server.engine.job import Endpoint
from tests.engine import faithful
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop as a SQLite file."""
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    faithful.make_sqlite(path)
    return path


@pytest.fixture(scope="module")
def postgres_shop(postgres_server: PostgresServer) -> Iterator[str]:
    """The shop as a PostgreSQL database, which no test may change."""
    with postgres_server.database() as url:
        faithful.make_postgres(url)
        yield url


@pytest.fixture
def copied_shop(postgres_server: PostgresServer, postgres_shop: str) -> Iterator[str]:
    """A copy of it to be damaged."""
    with postgres_server.database() as url:
        template, database = postgres_shop.rsplit("/", 1)[1], url.rsplit("/", 1)[1]
        postgres_server.execute(f'DROP DATABASE "{database}"')
        postgres_server.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        yield url


def _sqlite(path: Path) -> Endpoint:
    return Endpoint(type="sqlite", config={"path": str(path)})


def _postgres(url: str) -> Endpoint:
    return Endpoint(type="postgresql", config={"connection_string": url})


@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_faithful_copy_passes_from_all_perspectives(source: str, target: str, shop: Path, postgres_shop: str) -> None:
    ends = {"sqlite": _sqlite(shop), "postgresql": _postgres(postgres_shop)}
    outcome = faithful.check(faithful.job(ends[source], ends[target]))
    assert faithful.problems(outcome) == []
    assert outcome.overall_result == "passed"
    assert outcome.confidence_score == 1.0
    assert outcome.findings["pass"] > 0
    assert outcome.findings["failure"] == 0


STRUCTURE = {
    "a dropped table": ("DROP TABLE order_lines", "E2001"),
    "a dropped column": ("ALTER TABLE customers DROP COLUMN avatar", "E2002"),
    "another type": ("ALTER TABLE order_lines ALTER COLUMN quantity TYPE integer", "E2004"),
    "a lost scale": ("ALTER TABLE orders ALTER COLUMN total TYPE numeric(14, 2)", "E2004"),
    "a longer text": ("ALTER TABLE customers ALTER COLUMN name TYPE varchar(41)", "E2004"),
    "a lost zone": ("ALTER TABLE customers ALTER COLUMN joined TYPE timestamp", "E2004"),
    "a lost NOT NULL": ("ALTER TABLE customers ALTER COLUMN name DROP NOT NULL", "E2004"),
    "an added NOT NULL": ("ALTER TABLE orders ALTER COLUMN total SET NOT NULL", "E2004"),
    "a lost default": ("ALTER TABLE customers ALTER COLUMN note DROP DEFAULT", "E2004"),
    "another default": ("ALTER TABLE customers ALTER COLUMN note SET DEFAULT 'None'", "E2004"),
    "a lost primary key": ("ALTER TABLE order_lines DROP CONSTRAINT order_lines_pkey", "E2005"),
    "a lost foreign key": ("ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey", "E2007"),
    "a foreign key that acts otherwise": (
        """
        ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;
        ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers (id)
        """,
        "E2007",
    ),
    "a lost unique constraint": ("ALTER TABLE customers DROP CONSTRAINT customers_email_key", "E2007"),
    "a lost check": ("ALTER TABLE orders DROP CONSTRAINT known_status", "E2007"),
    "a lost index": ("DROP INDEX orders_by_status", "E2008"),
    "an index over other columns": (
        "DROP INDEX orders_by_status; CREATE INDEX orders_by_status ON orders (placed, status)",
        "E2008",
    ),
    "a sequence that starts again": ("SELECT setval(pg_get_serial_sequence('customers', 'id'), 1, false)", "E2009"),
    "a sequence one short": ("SELECT setval(pg_get_serial_sequence('customers', 'id'), 299)", "E2009"),
    "no numbering": ("ALTER TABLE customers ALTER COLUMN id DROP IDENTITY", "E2009"),
}


@pytest.mark.parametrize("defect", STRUCTURE)
def test_a_structural_defect_is_found(defect: str, shop: Path, copied_shop: str) -> None:
    sql, code = STRUCTURE[defect]
    job = faithful.job(_sqlite(shop), _postgres(copied_shop))
    _change(copied_shop, sql)
    outcome = faithful.check(job, "structural")
    assert faithful.codes(outcome) == {code}, faithful.problems(outcome)
    assert outcome.overall_result == "failed"
    assert outcome.confidence_score <= 0.5


DATA = {
    "a missing row": ("DELETE FROM order_lines WHERE order_id = 5 AND line = 1", "E4001"),
    "a missing first row": ("DELETE FROM order_lines WHERE order_id = 1", "E4001"),
    "a missing last row": ("DELETE FROM orders WHERE id = 900", "E4001"),
    "an extra row": ("INSERT INTO orders VALUES (901, 1, '2024-01-01', 'open', 1)", "E4001"),
    "an extra row between": (
        "INSERT INTO order_lines VALUES (500, 99, 'x', 1)",
        "E4001",
    ),
    "an emptied table": ("TRUNCATE visits", "E4001"),
    "a missing row of a table without key": (
        "DELETE FROM visits WHERE ctid = (SELECT min(ctid) FROM visits)",
        "E4001",
    ),
    "a doubled row of a table without key": (
        "INSERT INTO visits SELECT * FROM visits LIMIT 1",
        "E4001",
    ),
    "a changed row of a table without key": (
        "UPDATE visits SET seconds = 77 WHERE ctid = (SELECT min(ctid) FROM visits)",
        "E4001",
    ),
    "a changed number": ("UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = 501 AND line = 1", "E4002"),
    "a last digit": ("UPDATE orders SET total = total + 0.0001 WHERE id = 17", "E4002"),
    "a cent": ("UPDATE customers SET balance = balance + 0.01 WHERE id = 3", "E4002"),
    "a last bit of a float": ("UPDATE customers SET score = 0.10000000000000002 WHERE id = 1", "E4002"),
    "an infinity made finite": ("UPDATE customers SET score = 1.7976931348623157e308 WHERE id = 2", "E4002"),
    "a changed truth": ("UPDATE customers SET active = NOT active WHERE id = 100", "E4002"),
    "a changed letter": ("UPDATE customers SET name = 'customer 200' WHERE id = 200", "E4002"),
    "a changed key": ("UPDATE order_lines SET line = 77 WHERE order_id = 5 AND line = 1", "E4001"),
    "a truncated text": ("UPDATE customers SET name = left(name, 39) WHERE id = 4", "E4002"),
    "a lost blank": ("UPDATE customers SET note = trim(note) WHERE id = 3", "E4002"),
    "question marks for letters": ("UPDATE customers SET name = '??' WHERE id = 2", "E4002"),
    "empty become null": ("UPDATE customers SET note = NULL WHERE note = ''", "E4003"),
    "null become empty": ("UPDATE customers SET note = '' WHERE id = 2", "E4003"),
    "null become zero": ("UPDATE customers SET balance = 0 WHERE id = 4", "E4003"),
    "instants shifted by a zone": ("UPDATE customers SET joined = joined + interval '1 hour'", "E4002"),
    "one instant shifted": ("UPDATE customers SET joined = joined + interval '2 hours' WHERE id = 1", "E4002"),
    "times shifted by a zone": ("UPDATE orders SET placed = placed + interval '2 hours'", "E4002"),
    "a lost microsecond": ("UPDATE customers SET joined = date_trunc('second', joined) WHERE id = 4", "E4002"),
    "rounded numbers": ("UPDATE orders SET total = round(total, 2)", "E4002"),
    "a cut binary": ("UPDATE customers SET avatar = substring(avatar for 1) WHERE id = 1", "E4002"),
    "an empty binary for null": ("UPDATE customers SET avatar = '' WHERE id = 3", "E4003"),
    "two rows swapped": (
        "UPDATE customers SET name = CASE id WHEN 10 THEN 'Customer 11' ELSE 'Customer 10' END WHERE id IN (10, 11)",
        "E4002",
    ),
}


@pytest.mark.parametrize("defect", DATA)
def test_a_defect_of_the_data_is_found(defect: str, shop: Path, copied_shop: str) -> None:
    sql, code = DATA[defect]
    job = faithful.job(_sqlite(shop), _postgres(copied_shop))
    _change(copied_shop, sql)
    outcome = faithful.check(job, "statistical")
    assert code in faithful.codes(outcome), faithful.problems(outcome)
    assert outcome.overall_result == "failed"


SQLITE_DATA = {
    "a missing row": ("DELETE FROM order_lines WHERE order_id = 5 AND line = 1", "E4001"),
    "a last digit": ("UPDATE orders SET total = total + 0.0001 WHERE id = 17", "E4002"),
    "null become empty": ("UPDATE customers SET note = '' WHERE id = 2", "E4003"),
    "a zone cut off": ("UPDATE customers SET joined = substr(joined, 1, 19) WHERE id = 1", "E4002"),
    "text for binary": ("UPDATE customers SET avatar = 'x' WHERE id = 1", "E4002"),
    "an empty text for a number": ("UPDATE customers SET score = '' WHERE id = 1", "E4002"),
}


@pytest.mark.parametrize("defect", SQLITE_DATA)
def test_a_defect_of_the_data_is_found_on_sqlite_too(
    defect: str, tmp_path: Path, shop: Path, postgres_shop: str
) -> None:
    sql, code = SQLITE_DATA[defect]
    copy = tmp_path / "copy.db"
    shutil.copy(shop, copy)
    _change_sqlite(copy, sql)
    outcome = faithful.check(faithful.job(_postgres(postgres_shop), _sqlite(copy)), "statistical")
    assert code in faithful.codes(outcome), faithful.problems(outcome)


BETWEEN_FILES = {
    "a number stored as text": "UPDATE visits SET page = 5 WHERE rowid = 1",
    "the same instant written otherwise": "UPDATE customers SET joined = '2024-03-01T08:00:00+00:00' WHERE id = 1",
    "text as binary": "UPDATE customers SET name = CAST(name AS BLOB) WHERE id = 10",
}


@pytest.mark.parametrize("defect", BETWEEN_FILES)
def test_between_sqlite_files_values_are_equal_as_stored(defect: str, tmp_path: Path, shop: Path) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(shop, copy)
    _change_sqlite(copy, BETWEEN_FILES[defect])
    outcome = faithful.check(faithful.job(_sqlite(shop), _sqlite(copy)), "statistical")
    assert outcome.overall_result == "failed"


ORPHANS = (
    "ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;"
    "UPDATE orders SET customer_id = 777777 WHERE id IN (5, 6, 7)"
)


def test_an_orphan_is_found_and_counted(shop: Path, copied_shop: str) -> None:
    job = faithful.job(_sqlite(shop), _postgres(copied_shop))
    _change(copied_shop, ORPHANS)
    outcome = faithful.check(job, "referential")
    [result] = outcome.perspectives
    assert result.status == "failed"
    assert result.figures == {"relationships_verified": 3, "orphan_records": 3}
    [issue] = result.issues
    assert (issue.code, issue.table, issue.column, issue.affected_records) == ("E4005", "orders", "customer_id", 3)


def test_a_broken_self_reference_is_found(shop: Path, copied_shop: str) -> None:
    job = faithful.job(_sqlite(shop), _postgres(copied_shop))
    _change(
        copied_shop,
        "ALTER TABLE customers DROP CONSTRAINT customers_manager_id_fkey;"
        "UPDATE customers SET manager_id = -1 WHERE id = 9",
    )
    assert faithful.codes(faithful.check(job, "referential")) == {"E4005"}


def test_orphans_that_the_source_has_too_are_a_warning(tmp_path: Path, shop: Path, copied_shop: str) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(shop, copy)
    _change_sqlite(copy, "UPDATE orders SET customer_id = 777777 WHERE id IN (5, 6, 7)")
    _change(copied_shop, ORPHANS)
    outcome = faithful.check(faithful.job(_sqlite(copy), _postgres(copied_shop)), "referential")
    assert outcome.overall_result == "passed_with_warnings"
    assert outcome.exceptions[0]["magnitude"] == "3 records"


SEEN_FROM_ELSEWHERE = {
    ("semantic", "empty become null"),
    ("semantic", "null become empty"),
    ("semantic", "null become zero"),
    ("behavioral", "a missing row"),
    ("behavioral", "an extra row"),
    ("behavioral", "an emptied table"),
    ("behavioral", "times shifted by a zone"),
    ("behavioral", "rounded numbers"),
    ("behavioral", "empty become null"),
    ("behavioral", "instants shifted by a zone"),
}


@pytest.mark.parametrize(("perspective", "defect"), sorted(SEEN_FROM_ELSEWHERE))
def test_a_coarse_defect_is_seen_from_other_perspectives_too(
    perspective: str, defect: str, shop: Path, copied_shop: str
) -> None:
    job = faithful.job(_sqlite(shop), _postgres(copied_shop))
    _change(copied_shop, DATA[defect][0])
    outcome = faithful.check(job, perspective, rounds=5)
    assert outcome.overall_result == "failed", outcome.perspectives


def test_a_query_that_the_target_cannot_answer_is_a_finding(shop: Path, copied_shop: str) -> None:
    job = faithful.job(_sqlite(shop), _postgres(copied_shop))
    _change(copied_shop, "DROP TABLE visits")
    outcome = faithful.check(job, "behavioral")
    [result] = outcome.perspectives
    assert result.status == "failed"
    assert {issue.table for issue in result.issues} == {"visits"}
    assert result.figures["mismatches"] == outcome.findings["failure"] > 0
    assert result.figures["exact_matches"] > 0, "the other tables are still replayed"


UNREADABLE = {"a dropped table": "DROP TABLE visits", "a dropped column": "ALTER TABLE visits DROP COLUMN page"}


@pytest.mark.parametrize("defect", UNREADABLE)
def test_a_table_that_cannot_be_read_as_planned_fails_every_perspective_and_ends_none(
    defect: str, shop: Path, copied_shop: str
) -> None:
    job = faithful.job(_sqlite(shop), _postgres(copied_shop))
    _change(copied_shop, UNREADABLE[defect])
    outcome = faithful.check(job)
    assert [result.status for result in outcome.perspectives] == ["failed"] * 5
    assert {issue.table for result in outcome.perspectives for issue in result.issues} == {"visits"}
    assert outcome.perspectives[1].facts["rows_compared"] == 2950 - 400


def test_a_source_table_that_is_gone_leaves_the_validation_unfinished(
    shop: Path, tmp_path: Path, postgres_shop: str
) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(shop, copy)
    job = faithful.job(_sqlite(copy), _postgres(postgres_shop))
    connection = sqlite3.connect(copy)
    connection.execute("DROP TABLE visits")
    connection.close()
    outcome = faithful.check(job)
    assert outcome.overall_result == "partial", faithful.problems(outcome)
    assert {issue.code for result in outcome.perspectives for issue in result.issues} == {"E4010"}


def test_a_unique_value_that_occurs_twice_is_found_where_nothing_forbids_it(shop: Path, copied_shop: str) -> None:
    job = faithful.job(_sqlite(shop), _postgres(copied_shop))
    _change(
        copied_shop,
        "ALTER TABLE customers DROP CONSTRAINT customers_email_key;"
        "UPDATE customers SET email = 'yan@example.com' WHERE id = 1",
    )
    assert "E4006" in faithful.codes(faithful.check(job, "semantic"))


def test_a_broken_condition_is_found_where_nothing_forbids_it(shop: Path, copied_shop: str) -> None:
    job = faithful.job(_sqlite(shop), _postgres(copied_shop))
    _change(
        copied_shop, "ALTER TABLE orders DROP CONSTRAINT known_status; UPDATE orders SET status = 'lost' WHERE id = 1"
    )
    assert "E4007" in faithful.codes(faithful.check(job, "semantic"))


def _change(url: str, sql: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("SET session_replication_role = replica")  # foreign keys do not stand in the way
        connection.execute(sql)  # type: ignore[arg-type]


def _change_sqlite(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute(sql).rowcount > 0
    connection.commit()
    connection.close()
