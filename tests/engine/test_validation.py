"""What a validation promises besides finding defects: what it accepts, what rules may do, how it scores and stops."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sensei.server.engine.connectors import open_connector
from sensei.server.engine.connectors.sqlite_file import read_only_uri
from sensei.server.engine.errors import EndpointError
from sensei.server.engine.job import Endpoint, Wanted
from sensei.server.engine.validation import ValidationStopped, rules
from sensei.server.engine.validation.rules import RuleError, holds, read_value
from sensei.server.engine.validation.scoring import Findings, confidence, overall_result
from sensei.server.engine.validation.types import PERSPECTIVES, PerspectiveResult, Rule
from tests.engine import faithful
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop as a SQLite file, which no test may change."""
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
def copy(shop: Path, tmp_path: Path) -> Path:
    """A copy of the file to be changed."""
    path = tmp_path / "copy.db"
    shutil.copy(shop, path)
    return path


def _sqlite(path: Path) -> Endpoint:
    return Endpoint(type="sqlite", config={"path": str(path)})


def _postgres(url: str) -> Endpoint:
    return Endpoint(type="postgresql", config={"connection_string": url})


def _change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


# Rows that were left out


def test_rows_left_out_with_a_recorded_error_are_named_but_no_failure(copy: Path, postgres_shop: str) -> None:
    job = faithful.job(_sqlite(copy), _postgres(postgres_shop))
    _change(
        copy,
        "INSERT INTO order_lines VALUES (9001, 1, 'a' || char(0) || 'b', 1), (7, 99, char(0), 2)",
    )
    outcome = faithful.check(job, skipped_rows={"order_lines": 2}, rounds=5)
    assert outcome.overall_result == "passed_with_warnings", faithful.problems(outcome)
    assert faithful.codes(outcome) == set()
    [issue] = [issue for result in outcome.perspectives for issue in result.issues if issue.code == "E4001"]
    assert (issue.severity, issue.affected_records, issue.classification) == ("warning", 2, "acceptable_variance")
    assert {"magnitude": "2 records"}.items() <= outcome.exceptions[0].items()
    assert outcome.findings["failure"] == 0


def test_one_more_missing_row_than_recorded_errors_is_a_failure(copy: Path, postgres_shop: str) -> None:
    job = faithful.job(_sqlite(copy), _postgres(postgres_shop))
    _change(copy, "INSERT INTO order_lines VALUES (8, 98, 'x', 1), (8, 99, 'x', 2)")
    outcome = faithful.check(job, "statistical", skipped_rows={"order_lines": 1})
    assert "E4001" in faithful.codes(outcome)


def test_a_changed_cell_is_found_beside_rows_that_were_left_out(copy: Path, postgres_shop: str) -> None:
    job = faithful.job(_sqlite(copy), _postgres(postgres_shop))
    _change(
        copy,
        "INSERT INTO order_lines VALUES (8, 99, 'x', 1)",
        "UPDATE order_lines SET product = 'other' WHERE order_id = 701 AND line = 1",
    )
    outcome = faithful.check(job, "statistical", skipped_rows={"order_lines": 1})
    assert faithful.codes(outcome) == {"E4002"}


def test_rows_left_out_of_a_table_without_key_are_counted(copy: Path, postgres_shop: str) -> None:
    job = faithful.job(_sqlite(copy), _postgres(postgres_shop))
    _change(copy, "INSERT INTO visits VALUES ('2024-05-01 12:00:00', char(0), 1)")
    outcome = faithful.check(job, skipped_rows={"visits": 1})
    assert outcome.overall_result == "passed_with_warnings", faithful.problems(outcome)
    unasked = [i for i in outcome.perspectives[-1].issues if i.table == "visits"]
    assert [issue.severity for issue in unasked] == ["info"]
    assert "E4001" in faithful.codes(faithful.check(job, "statistical"))


def test_children_of_a_row_that_was_left_out_are_no_failure(copy: Path, postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        faithful.make_postgres(url, faithful.POSTGRES_TABLES.replace("REFERENCES customers (id) ON DELETE CASCADE", ""))
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM customers WHERE id = 300")
        job = faithful.job(_sqlite(copy), _postgres(url))
        outcome = faithful.check(job, "statistical", "referential", "behavioral", skipped_rows={"customers": 1})
    assert outcome.overall_result == "passed_with_warnings", faithful.problems(outcome)
    assert outcome.perspectives[1].figures["orphan_records"] == 3


# What was decided about columns


def test_transformed_renamed_and_rejected_columns_are_compared_as_decided(
    copy: Path, postgres_server: PostgresServer
) -> None:
    with postgres_server.database() as url:
        faithful.make_postgres(url)
        job = faithful.job(_sqlite(copy), _postgres(url))
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE customers SET name = upper(email) WHERE email <> '' ")
            connection.execute("UPDATE customers SET name = '-' WHERE email IS NULL OR email = ''")
            connection.execute("ALTER TABLE customers RENAME COLUMN note TO remark")
            connection.execute("ALTER TABLE customers DROP COLUMN avatar")
        expression = "CASE WHEN email <> '' THEN upper(email) ELSE '-' END"
        job = faithful.with_mapping(job, "customers", "name", transformation=expression)
        [note] = [m for m in job.mappings if m.source.column == "note"]
        renamed = type(note.target)(schema="public", table="customers", column="remark", type="text")
        job = faithful.with_mapping(job, "customers", "note", target=renamed)
        job = faithful.with_mapping(job, "customers", "avatar", rejected=True)
        outcome = faithful.check(job)
        assert outcome.overall_result == "passed", faithful.problems(outcome)
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE customers SET name = 'zoe@EXAMPLE.com' WHERE id = 1")
        assert faithful.codes(faithful.check(job, "statistical")) == {"E4002"}


def test_rows_that_were_there_before_are_no_failure_where_rows_are_appended(
    shop: Path, postgres_server: PostgresServer
) -> None:
    with postgres_server.database() as url:
        faithful.make_postgres(url)
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO orders VALUES (5000, 1, '2024-01-01', 'open', 1)")
        ends = _sqlite(shop), _postgres(url)
        appended = faithful.check(faithful.job(*ends, append_to_existing=True))
        assert appended.overall_result == "passed", faithful.problems(appended)
        assert faithful.check(faithful.job(*ends), "statistical").overall_result == "failed"


def test_before_cutover_nothing_is_missed_that_cutover_makes(shop: Path, postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        faithful.make_postgres(url)
        job = faithful.job(_sqlite(shop), _postgres(url))
        with psycopg.connect(url) as connection:
            connection.execute("DROP INDEX orders_by_status")
            connection.execute("ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey")
            connection.execute("ALTER TABLE customers DROP CONSTRAINT customers_email_key")
            connection.execute("SELECT setval(pg_get_serial_sequence('customers', 'id'), 1, false)")
        before = faithful.check(job, before_cutover=True)
        assert before.overall_result == "passed", faithful.problems(before)
        assert faithful.codes(faithful.check(job, "structural")) == {"E2007", "E2008", "E2009"}


def test_rows_that_the_databases_sort_differently_are_still_compared(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    here = "CREATE TABLE t (k NUMERIC(8, 2) NOT NULL PRIMARY KEY, v TEXT)"
    there = "CREATE TABLE t (k numeric(8, 2) NOT NULL PRIMARY KEY, v text)"
    mixed = "CREATE TABLE m (k TEXT NOT NULL PRIMARY KEY, v TEXT)"
    rows: dict[str, list[tuple[Any, ...]]] = {
        "t": [(10, "a"), (9.5, "b"), (100, "c")],
        "m": [(key, key) for key in ("a", "B", "Z", "é", "z", "ä", "10", "9", "\U0001f98a", "\uffee")],
    }
    with postgres_server.database() as url:
        source = faithful.make_sqlite(tmp_path / "a.db", f"{here}; {mixed};", rows)
        target = faithful.make_postgres(url, f"{there}; {mixed};", rows)
        job = faithful.job(source, target)
        outcome = faithful.check(job)
        assert outcome.overall_result == "passed", faithful.problems(outcome)
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE t SET v = 'x' WHERE k = 9.5")
            connection.execute("UPDATE m SET v = 'x' WHERE k = 'Z'")
        changed = faithful.check(job, "statistical")
    found = [i for i in changed.perspectives[0].issues if i.code == "E4002"]
    assert sorted((str(i.table), i.affected_records) for i in found) == [("m", 1), ("t", 1)]
    [details] = [i.details for i in found if i.table == "m"]
    assert details == {"row_identified_by": ["k"], "samples": [{"row": ["Z"], "source": "Z", "target": "x"}]}


def test_empty_tables_and_odd_names_pass(tmp_path: Path, postgres_server: PostgresServer) -> None:
    tables = (
        'CREATE TABLE "order" ("select" INTEGER NOT NULL PRIMARY KEY, "a ""b""" TEXT, "Größe" TEXT);'
        'CREATE TABLE "it'
        's" ("x.y" INTEGER);'
    )
    there = tables.replace("INTEGER", "bigint")
    rows: dict[str, list[tuple[Any, ...]]] = {'"order"': [(1, "%s", "100 %"), (2, "'", ";")]}
    source = faithful.make_sqlite(tmp_path / "a.db", tables, rows)
    with postgres_server.database() as url:
        with psycopg.connect(url) as connection:
            connection.execute(there)  # type: ignore[arg-type]
            connection.cursor().executemany('INSERT INTO "order" VALUES (%s, %s, %s)', rows['"order"'])
        outcome = faithful.check(faithful.job(source, _postgres(url)))
    assert outcome.overall_result == "passed", faithful.problems(outcome)


# Rules


RULES = [
    ("SELECT count(*) FROM orders", 900, True),
    ("SELECT count(*) FROM orders;  ", 900, True),
    ("SELECT count(*) FROM orders", 901, False),
    ("SELECT 0.1 + 0.2", 0.3, True),
    ("SELECT max(name) FROM customers WHERE id = 1", "Zoë 🦊", True),
    ("SELECT NULL", None, True),
    ("SELECT 0", None, False),
    ("SELECT count(*) = 900 FROM orders", True, True),
    ("SELECT count(*) < 900 FROM orders", True, False),
    ("WITH w AS (SELECT 1 AS a) SELECT a FROM w -- fine", 1, True),
    ("SELECT 'a' LIKE '%'", True, True),
]

BAD_RULES = [
    "SELECT 1, 2",
    "SELECT id FROM orders",
    "SELECT 1 WHERE 1 = 0",
    "SELECT nothing FROM nowhere",
    "",
    "DELETE FROM orders",
    "SELECT 1; DELETE FROM orders",
    "DROP TABLE order_lines",
    "INSERT INTO visits VALUES (NULL, 'x', 1)",
    "CREATE TABLE t (a INTEGER)",
    "UPDATE orders SET total = 0 RETURNING 1",
    "WITH gone AS (DELETE FROM orders RETURNING 1) SELECT count(*) FROM gone",
    "SELECT 1 INTO x",
    "COMMIT",
    "BEGIN; SELECT 1",
    "VACUUM",
]
ONLY_POSTGRES = [
    "COPY (SELECT 1) TO '/tmp/sensei-rule'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT nextval(pg_get_serial_sequence('customers', 'id'))",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "DO $$ BEGIN DELETE FROM orders; END $$",
    "EXPLAIN ANALYZE DELETE FROM orders",
    "SET TRANSACTION READ WRITE",
    "SELECT 1 FOR UPDATE OF orders",
    "SELECT id FROM orders WHERE id = 1 FOR UPDATE",
]
ONLY_SQLITE = [
    "ATTACH 'other.db' AS other",
    "VACUUM INTO 'other.db'",
    "PRAGMA user_version = 5",
    "PRAGMA writable_schema = 1",
    "SELECT load_extension('x')",
]


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
def test_rules_are_judged_by_their_one_value(system: str, shop: Path, postgres_shop: str) -> None:
    target = _sqlite(shop) if system == "sqlite" else _postgres(postgres_shop)
    rules = tuple(
        Rule(id=f"rule_{n}", name=sql, sql=sql, expected=expected) for n, (sql, expected, _) in enumerate(RULES)
    )
    outcome = faithful.check(faithful.job(_sqlite(shop), target), "semantic", rules=rules)
    assert [result.passed for result in outcome.rules] == [passes for _, _, passes in RULES], outcome.rules
    [semantic] = outcome.perspectives
    broken = [issue for issue in semantic.issues if issue.rule_id]
    assert {issue.code for issue in broken} == {"E4008"}
    assert semantic.figures["violations"] == len(broken) == 3


@pytest.mark.parametrize("sql", [*BAD_RULES, *ONLY_POSTGRES])
def test_a_rule_can_do_nothing_to_postgresql(sql: str, postgres_shop: str) -> None:
    with open_connector(_postgres(postgres_shop)) as target:
        before = target.scalar("SELECT count(*) FROM orders")
        with pytest.raises(RuleError):
            read_value(target, sql)
        assert target.scalar("SELECT count(*) FROM orders") == before
        assert target.scalar("SELECT count(*) FROM pg_class WHERE relname IN ('t', 'x')") == 0
        assert target.scalar("SELECT last_value FROM customers_id_seq") == 300


@pytest.mark.parametrize("sql", [*BAD_RULES, *ONLY_SQLITE])
def test_a_rule_can_do_nothing_to_sqlite(sql: str, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = copy.read_bytes()
    with open_connector(_sqlite(copy)) as target, pytest.raises(RuleError):
        read_value(target, sql)
    assert copy.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"copy.db"}


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
def test_a_rule_that_takes_too_long_is_ended(system: str, shop: Path, postgres_shop: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    target = _sqlite(shop) if system == "sqlite" else _postgres(postgres_shop)
    with open_connector(target) as connector, pytest.raises(RuleError) as caught:
        read_value(connector, endless, seconds=1)
    assert caught.value.reason_code == "E4010"


ENDLESS_CALL = "SELECT instr(printf('%.*c', 40000000, 'a'), printf('%.*c', 20000000, 'a') || 'b')"
"""One call that takes half a day; SQLite looks at nothing while it is inside."""


def test_a_rule_with_a_call_that_does_not_come_back_is_ended(shop: Path) -> None:
    with open_connector(_sqlite(shop)) as connector, pytest.raises(RuleError) as caught:
        read_value(connector, ENDLESS_CALL, seconds=0.5)
    assert caught.value.reason_code == "E4010"


def test_a_cancelled_validation_does_not_wait_for_its_rule(shop: Path) -> None:
    def stop() -> None:
        raise ValidationStopped("enough")

    with open_connector(_sqlite(shop)) as connector, pytest.raises(ValidationStopped):
        read_value(connector, ENDLESS_CALL, seconds=3600, go_on=stop)


@pytest.mark.parametrize("sql", ["SELECT zeroblob(900000000)", "SELECT hex(zeroblob(90000000))"])
def test_a_rule_takes_no_more_memory_than_a_row_may_have(sql: str, shop: Path) -> None:
    with open_connector(_sqlite(shop)) as connector, pytest.raises(RuleError, match="too big"):
        read_value(connector, sql)


@pytest.mark.parametrize(
    ("severity", "result"),
    [
        ("info", "passed"),
        ("warning", "passed_with_warnings"),
        ("error", "failed"),
        ("critical", "failed"),
    ],
)
def test_the_severity_of_a_broken_rule_decides(severity: str, result: str, shop: Path) -> None:
    rule = Rule(id="rule_1", name="no orders", sql="SELECT count(*) FROM orders", expected=0, severity=severity)
    outcome = faithful.check(faithful.job(_sqlite(shop), _sqlite(shop)), "semantic", rules=(rule,))
    assert outcome.overall_result == result


@pytest.mark.parametrize(
    ("expected", "actual", "good"),
    [
        (True, 1, True),
        (True, True, True),
        (False, 0, True),
        (True, "t", True),
        (True, 2, False),
        (1, True, True),
        (5, "5", False),
        (0.3, 0.30000000001, True),
        (0.3, 0.31, False),
        (10**17, 10**17 + 1, False),
        ("é", "e\u0301", True),
        ("a", "A", False),
        (None, None, True),
        (None, "", False),
        ("", None, False),
    ],
)
def test_expected_and_actual_values_of_rules(expected: Any, actual: Any, good: bool) -> None:
    assert holds(expected, actual) is good


# Quick looks, evidence, stopping


def test_a_quick_look_passes_a_faithful_copy_and_sees_counts_and_ends(copy: Path, postgres_shop: str) -> None:
    job = faithful.job(_sqlite(copy), _postgres(postgres_shop))
    good = faithful.check(job, "structural", "statistical", sampled=True)
    assert good.overall_result == "passed", faithful.problems(good)
    _change(copy, "UPDATE order_lines SET product = 'x' WHERE order_id = 1")
    assert faithful.codes(faithful.check(job, "statistical", sampled=True)) == {"E4002"}
    _change(copy, "DELETE FROM visits WHERE rowid = 5")
    assert "E4001" in faithful.codes(faithful.check(job, "statistical", sampled=True))


def test_the_same_data_gives_the_same_evidence_and_other_data_another(copy: Path, shop: Path) -> None:
    first = faithful.check(faithful.job(_sqlite(shop), _sqlite(copy)))
    second = faithful.check(faithful.job(_sqlite(shop), _sqlite(copy)))
    assert [artifact.name for artifact in first.artifacts] == [
        "schema_snapshot",
        "query_corpus",
        "source_results",
        "target_results",
        "comparison",
    ]
    assert first.artifacts == second.artifacts
    by_name = {artifact.name: artifact.digest for artifact in first.artifacts}
    assert by_name["source_results"] == by_name["target_results"]
    job = faithful.job(_sqlite(shop), _sqlite(copy))
    _change(copy, "DELETE FROM visits")
    changed = {artifact.name: artifact.digest for artifact in faithful.check(job).artifacts}
    assert {name for name in by_name if changed[name] != by_name[name]} == {"target_results", "comparison"}


def test_profiles_show_both_sides_of_every_column(shop: Path, postgres_shop: str) -> None:
    outcome = faithful.check(faithful.job(_sqlite(shop), _postgres(postgres_shop)), "statistical")
    profiles = {(profile.table, profile.column): profile for profile in outcome.profiles}
    assert len(profiles) == 22
    balance = profiles["customers", "balance"]
    assert balance.kind == "number"
    assert balance.source == balance.target
    assert balance.source["rows"] == 300
    assert balance.source["nulls"] == 1
    assert sum(count for _, count in balance.source["histogram"]) == 299
    assert profiles["customers", "joined"].kind == "time"
    assert profiles["customers", "active"].kind == "boolean"
    assert profiles["customers", "avatar"].kind == "binary"
    assert profiles["orders", "status"].source["distinct"] == 3


def test_progress_rises_to_the_end(shop: Path) -> None:
    journal = faithful.Listener()
    faithful.check(faithful.job(_sqlite(shop), _sqlite(shop)), journal=journal)
    assert journal.percents == sorted(journal.percents)
    assert journal.percents[-1] == 100
    assert len(journal.logged) == len(PERSPECTIVES)


@pytest.mark.parametrize("wanted", [Wanted.STOP, Wanted.PAUSE])
@pytest.mark.parametrize("asked", [1, 2, 5, 9, 20])
def test_a_validation_can_be_stopped_at_any_time(wanted: Wanted, asked: int, shop: Path, postgres_shop: str) -> None:
    class Stopping:
        times = 0

        def wanted(self) -> Wanted:
            self.times += 1
            return wanted if self.times >= asked else Wanted.RUN

    with pytest.raises(ValidationStopped):
        faithful.check(faithful.job(_sqlite(shop), _postgres(postgres_shop)), control=Stopping())
    # The server lists a connection until its process has ended, a moment after the client closed it.
    left = """
        DO $$ BEGIN
            WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
            LOOP PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP;
        END $$
    """
    with psycopg.connect(postgres_shop) as connection:
        connection.execute("SET statement_timeout = '30s'")
        connection.execute(left)  # times out when a connection is left behind


def test_an_end_that_is_gone_is_an_error_and_no_result(shop: Path, tmp_path: Path) -> None:
    job = faithful.job(_sqlite(shop), _sqlite(shop))
    gone = type(job)(
        **{name: getattr(job, name) for name in ("migration_id", "source", "plan", "mappings", "options")},
        target=_sqlite(tmp_path / "gone.db"),
    )
    with pytest.raises(EndpointError):
        faithful.check(gone)


# Scores


def _result(name: str, status: str, score: float) -> PerspectiveResult:
    return PerspectiveResult(name=name, status=status, score=score, issues=(), duration_seconds=0, figures={})


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (dict.fromkeys(PERSPECTIVES, 1.0), 1.0),
        ({"structural": 1.0, "statistical": 0.5}, 0.714),
        ({"behavioral": 0.42}, 0.42),
        ({"structural": 0.9, "statistical": 0.8, "referential": 0.7, "semantic": 0.6, "behavioral": 0.5}, 0.68),
    ],
)
def test_confidence_is_the_weighted_mean_of_what_ran(scores: dict[str, float], expected: float) -> None:
    assert confidence(_result(name, "passed", score) for name, score in scores.items()) == expected


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "passed_with_warnings"], "passed_with_warnings"),
        (["partial", "passed_with_warnings"], "partial"),
        (["partial", "failed", "passed"], "failed"),
    ],
)
def test_the_worst_perspective_decides(statuses: list[str], expected: str) -> None:
    results = [_result(name, status, 1.0) for name, status in zip(PERSPECTIVES, statuses, strict=False)]
    assert overall_result(results) == expected


def test_a_failure_leaves_at_most_half_the_score_and_a_warning_never_all() -> None:
    failed, warned, clean = Findings("structural"), Findings("structural"), Findings("structural")
    for findings in (failed, warned, clean):
        findings.passed(1_000_000)
    failed.found("E4002", "one value differs")
    warned.found("E4001", "a row was left out", severity="warning")
    clean.found("E4009", "by the way", severity="info")
    assert (failed.status, failed.score) == ("failed", 0.5)
    assert (warned.status, warned.score) == ("passed_with_warnings", 0.99)
    assert (clean.status, clean.score) == ("passed", 1.0)


def test_a_rule_runs_where_less_memory_is_allowed_than_it_could_take(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    sqlite3.connect(database).close()
    question = json.dumps({"uri": read_only_uri(database), "query": "SELECT 41 + 1", "seconds": 30})
    bounded = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000)); "
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", bounded, str(Path(rules.__file__).with_name("rule_process.py"))],
        input=question,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"rows": [[42]]}
