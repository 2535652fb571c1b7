"""The plan tells what becomes of everything, how sure that is, and what may be lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sensei.server.engine.errors import (
    ConnectorUnavailableError,
    DataError,
    EndpointError,
    ExecutionError,
    PlanningError,
    TableNotFoundError,
)
from sensei.server.engine.job import Endpoint, MigrationState, Selection
from sensei.server.engine.plan import MappingProposal, Plan, PlanOptions
from sensei.server.engine.planner import make_plan
from sensei.server.engine.runner import run_phase
from sensei.server.engine.serde import plan_from_json, plan_to_json
from tests.engine.helpers import (
    MOVING,
    GoOn,
    Notes,
    make_sqlite,
    move,
    plan_job,
    postgres_end,
    run,
    sqlite_end,
    sqlite_query,
)


def _plan(path: Path, url: str, options: PlanOptions | None = None) -> Plan:
    return make_plan(sqlite_end(path), postgres_end(url), Selection(), None, options or PlanOptions())


def _mapping(plan: Plan, column: str) -> MappingProposal:
    return next(mapping for mapping in plan.mappings if mapping.source.column == column)


CHOICES = [
    # (declared, values, target type, lowest confidence, highest confidence)
    ("INTEGER", [1, 2], "BIGINT", 0.95, 1),
    ("SMALLINT", [1, -32768], "SMALLINT", 0.95, 1),
    ("SMALLINT", [40_000], "BIGINT", 0.8, 0.95),
    ("INT", [2**31 - 1], "INTEGER", 0.95, 1),
    ("INT", [2**31], "BIGINT", 0.8, 0.95),
    ("BIGINT", [2**63 - 1], "BIGINT", 0.95, 1),
    ("BOOLEAN", [0, 1], "BOOLEAN", 0.95, 1),
    ("BOOLEAN", [0, 2], "BIGINT", 0, 0.8),
    ("BOOLEAN", ["true"], "TEXT", 0, 0.8),
    ("DECIMAL(10,2)", [1, 19.99], "NUMERIC(10, 2)", 0.95, 1),
    ("DECIMAL(10,2)", [0.1 + 0.2], "NUMERIC", 0.8, 0.95),
    ("DECIMAL(4,2)", [100], "NUMERIC", 0.8, 0.95),
    ("DECIMAL(15,3)", [999_999_999_999.999, -0.001, 0.0005 * 2], "NUMERIC(15, 3)", 0.95, 1),
    ("DECIMAL(15,3)", [0.0005], "NUMERIC", 0.8, 0.95),
    ("TIMESTAMP", ["2024-02-29 23:59:59", "2024-02-29T00:00:00.123456"], "TIMESTAMP", 0.95, 1),
    ("TIMESTAMP", ["2024-02-30 00:00:00"], "TEXT", 0, 0.8),
    ("TIMESTAMP", ["0000-01-01 00:00:00"], "TEXT", 0, 0.8),
    ("TIMESTAMP", ["2024-01-01 24:00:00"], "TEXT", 0, 0.8),
    ("DECIMAL(10,2)", [float("inf")], "DOUBLE PRECISION", 0.8, 0.95),
    ("NUMERIC", [1, 1.5], "NUMERIC", 0.95, 1),
    ("REAL", [1.5], "DOUBLE PRECISION", 0.95, 1),
    ("REAL", [1.5, "NaN"], "DOUBLE PRECISION", 0.95, 1),
    ("REAL", [1.5, "n/a"], "TEXT", 0, 0.8),
    ("INTEGER", [1, 1.5], "DOUBLE PRECISION", 0.8, 0.95),
    ("INTEGER", [2**60, 1.5], "NUMERIC", 0.8, 0.95),
    ("INTEGER", [1, "one"], "TEXT", 0, 0.8),
    ("TEXT", ["a"], "TEXT", 0.95, 1),
    ("VARCHAR(3)", ["abc"], "VARCHAR(3)", 0.95, 1),
    ("VARCHAR(3)", ["abcd"], "TEXT", 0.8, 0.95),
    ("CHAR(3)", ["ab"], "VARCHAR(3)", 0.95, 1),
    ("TEXT", ["a", b"\x00"], "BYTEA", 0, 0.8),
    ("BLOB", [b"\x00"], "BYTEA", 0.95, 1),
    ("BLOB", ["a"], "TEXT", 0.7, 0.95),
    ("", [1, "a", b"b"], "TEXT", 0, 0.8),
    ("", [1], "BIGINT", 0.95, 1),
    ("", [None], "TEXT", 0.8, 0.95),
    ("DATE", ["2020-02-29"], "DATE", 0.95, 1),
    ("DATE", ["2020-02-30"], "TEXT", 0, 0.8),
    ("DATE", ["2020-2-3"], "TEXT", 0, 0.8),
    ("DATE", ["0000-01-01"], "TEXT", 0, 0.8),
    ("DATE", [1577836800], "BIGINT", 0, 0.8),
    ("DATETIME", ["2020-01-01 10:00:00"], "TIMESTAMP", 0.95, 1),
    ("DATETIME", ["2020-01-01T10:00:00.123456"], "TIMESTAMP", 0.95, 1),
    ("DATETIME", ["2020-01-01 10:00:00.1234567"], "TEXT", 0, 0.8),
    ("DATETIME", ["2020-01-01 24:00:00"], "TEXT", 0, 0.8),
    ("DATETIME", ["2020-01-01 10:00:60"], "TEXT", 0, 0.8),
    ("DATETIME", ["2020-01-01"], "DATE", 0.8, 0.95),
    ("DATETIME", ["2020-01-01", "2020-01-01 10:00:00"], "TEXT", 0, 0.8),
    ("DATETIME", ["2020-01-01 10:00:00Z"], "TIMESTAMP WITH TIME ZONE", 0.8, 0.95),
    ("TIMESTAMP WITH TIME ZONE", ["2020-01-01 10:00:00+05:30"], "TIMESTAMP WITH TIME ZONE", 0.95, 1),
    ("TIMESTAMP WITH TIME ZONE", ["2020-01-01 10:00:00+05:30", "2020-01-01 10:00:00"], "TEXT", 0, 0.8),
    ("TIMESTAMP WITH TIME ZONE", ["2020-01-01 10:00:00"], "TIMESTAMP", 0.8, 0.95),
    ("TIME", ["23:59:59.5"], "TIME", 0.95, 1),
    ("TIME", ["10:00"], "TEXT", 0, 0.8),
    ("UUID", ["00000000-0000-0000-0000-00000000000a"], "UUID", 0.95, 1),
    ("UUID", ["00000000-0000-0000-0000-00000000000A"], "TEXT", 0, 0.8),
    ("JSON", ['{"a": 1}', "[]"], "JSON", 0.95, 1),
    ("JSON", ["{a}"], "TEXT", 0, 0.8),
    ("JSON", [5], "BIGINT", 0, 0.8),
    ("INTERVAL", ["1 day"], "TEXT", 0, 0.95),
]


def test_types_are_chosen_by_what_is_held(tmp_path: Path, postgres_url: str) -> None:
    """Every column of the table above, each in a table of its own."""
    script = "".join(f"CREATE TABLE t{n} (v{n} {declared});" for n, (declared, *_) in enumerate(CHOICES))
    rows = {f"t{n}": [(value,) for value in values] for n, (_, values, *_) in enumerate(CHOICES)}
    path = make_sqlite(tmp_path / "s.db", script, rows)
    plan = _plan(path, postgres_url)
    for number, (declared, values, type_, least, most) in enumerate(CHOICES):
        mapping = _mapping(plan, f"v{number}")
        assert mapping.target.type == type_, (declared, values, mapping)
        assert least <= mapping.confidence <= most, (declared, values, mapping)
        assert mapping.reasoning
        assert mapping.source.type == declared


def test_texts_with_a_nul_are_counted_and_blobs_are_not_taken_for_them(tmp_path: Path, postgres_url: str) -> None:
    rows = {"t": [(b"\x00\xff", "a\x00b"), ("text", "c"), (1, None)]}
    plan = _plan(make_sqlite(tmp_path / "s.db", "CREATE TABLE t (mixed, words TEXT);", rows), postgres_url)
    told = [risk.affected for risk in plan.risks if "NUL" in risk.description]
    assert told == [("t.words",)]
    mapping = _mapping(plan, "words")
    assert mapping.confidence < 0.8
    assert mapping.reasoning.endswith("; 1 text holds a NUL character")


def test_two_tables_at_a_time_give_the_same_plan(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large files are looked at through two connections."""
    tables = {
        "parents": [(n, f"{n}@example.org", n / 4) for n in range(200)],
        "children": [(n, n % 250, "2024-02-30" if n == 7 else "2024-02-29") for n in range(300)],
        "others": [(n,) for n in range(50)],
    }
    path = make_sqlite(
        tmp_path / "shop.db",
        "CREATE TABLE parents (id INTEGER PRIMARY KEY, email TEXT, share DECIMAL(6, 2));"
        "CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id), born DATE);"
        "CREATE TABLE others (id INTEGER PRIMARY KEY)",
        tables,
    )
    alone = _plan(path, postgres_url)
    monkeypatch.setattr("sensei.server.engine.planner._ROWS_FOR_TWO", 0)
    together = _plan(path, postgres_url)
    assert any("refer" in risk.description for risk in alone.risks)
    same = {"generated_at": alone.generated_at, "source": alone.source}
    assert dataclasses.replace(together, **same) == alone


def test_the_plan_is_data(tmp_path: Path, postgres_url: str) -> None:
    path = make_sqlite(
        tmp_path / "s.db", "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT UNIQUE CHECK (b <> ''), c DECIMAL(5,2))"
    )
    plan = _plan(path, postgres_url)
    assert plan_from_json(plan_to_json(plan)) == plan
    assert [phase.name for phase in plan.phases] == ["schema_migration", "data_transfer", "validation", "cutover"]
    assert [phase.order for phase in plan.phases] == [2, 3, 4, 5]
    assert plan.target_schema == "public"
    assert plan.estimated_records == 0


def test_parents_come_first(tmp_path: Path, postgres_url: str) -> None:
    path = make_sqlite(
        tmp_path / "s.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b (id));"
        "CREATE TABLE b (id INTEGER PRIMARY KEY, c INTEGER REFERENCES c (id));"
        "CREATE TABLE c (id INTEGER PRIMARY KEY);",
    )
    plan = _plan(path, postgres_url)
    assert [table.source.name for table in plan.tables] == ["c", "b", "a"]
    assert plan.relationships == 2


def test_personal_data_is_guessed(tmp_path: Path, postgres_url: str) -> None:
    path = make_sqlite(
        tmp_path / "s.db",
        "CREATE TABLE a (email TEXT, FirstName TEXT, phone_number TEXT, amount INTEGER, page INTEGER)",
    )
    plan = _plan(path, postgres_url)
    assert {m.source.column for m in plan.mappings if m.is_pii} == {"email", "FirstName", "phone_number"}


def test_decimals_that_are_floats_already_are_told(tmp_path: Path, postgres_url: str) -> None:
    path = make_sqlite(tmp_path / "s.db", "CREATE TABLE a (price DECIMAL(10,2))", {"a": [(19.99,), (5,)]})
    assert any("binary floating point" in risk.description for risk in _plan(path, postgres_url).risks)


def test_offsets_that_are_lost_are_told(tmp_path: Path, postgres_url: str) -> None:
    path = make_sqlite(
        tmp_path / "s.db",
        "CREATE TABLE a (x TIMESTAMP WITH TIME ZONE, y TIMESTAMP WITH TIME ZONE)",
        {"a": [("2020-01-01 10:00:00+05:30", "2020-01-01 10:00:00Z")]},
    )
    plan = _plan(path, postgres_url)
    assert [risk.affected for risk in plan.risks if "offset" in risk.description] == [("a.x",)]


def test_wishes_for_types_are_followed(tmp_path: Path, postgres_url: str) -> None:
    """By full type or by base name; values that do not fit are left out and told."""
    rows = [(n, n, 1.5, f"t{n}") for n in range(60)]
    path = make_sqlite(
        tmp_path / "s.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER, d DECIMAL(10,2), v VARCHAR(20))",
        {"a": [*rows, (100, 70_000, 2, "fits")]},
    )
    wishes = PlanOptions(
        type_mappings=(
            ("decimal", "double precision"),
            ("varchar(20)", "text"),
            ("VARCHAR(21)", "bytea"),
            ("int", "smallint"),
        )
    )
    moved = run(plan_job(sqlite_end(path), postgres_end(postgres_url), options=wishes))
    types = {m.source.column: m.target.type for m in moved.plan.mappings}
    assert types == {"id": "smallint", "n": "smallint", "d": "double precision", "v": "text"}
    assert [(e.reason_code, e.column, e.affected_records) for e in moved.notes.errors] == [("E3004", "n", 1)]
    assert any("mapped to smallint as asked" in risk.description for risk in moved.plan.risks)


@pytest.mark.parametrize(
    "wish", ["integer; DROP TABLE a", "integer PRIMARY KEY", "text DEFAULT 'x'", "text)", "(text", "'text'"]
)
def test_wishes_that_are_no_types(tmp_path: Path, postgres_url: str, wish: str) -> None:
    path = make_sqlite(tmp_path / "s.db", "CREATE TABLE a (id INTEGER)")
    with pytest.raises(PlanningError, match="is no type"):
        _plan(path, postgres_url, PlanOptions(type_mappings=(("integer", wish),)))
    job = plan_job(
        sqlite_end(path),
        postgres_end(postgres_url),
        decide=lambda m: dataclasses.replace(m, target=dataclasses.replace(m.target, type=wish)),
    )
    with pytest.raises(ExecutionError, match="is no type"):
        run_phase("schema_migration", job, MigrationState(), Notes(), GoOn())


def test_a_type_that_the_target_does_not_know(tmp_path: Path, postgres_url: str) -> None:
    path = make_sqlite(tmp_path / "s.db", "CREATE TABLE a (id INTEGER)")
    job = plan_job(
        sqlite_end(path), postgres_end(postgres_url), options=PlanOptions(type_mappings=(("integer", "no_such_type"),))
    )
    with pytest.raises(ExecutionError, match="no_such_type"):
        run_phase("schema_migration", job, MigrationState(), Notes(), GoOn())


def test_decisions_are_followed(tmp_path: Path, postgres_url: str) -> None:
    """Left out, renamed and retyped columns, with keys and indexes that follow."""
    path = make_sqlite(
        tmp_path / "s.db",
        "CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT, secret TEXT, UNIQUE (a, secret)); CREATE INDEX by_a ON p (a);"
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id), n INTEGER);",
        {"p": [(1, "x", "hidden")], "c": [(1, 1, 5)]},
    )

    def decide(mapping: Any) -> Any:
        match mapping.source.column:
            case "secret":
                return dataclasses.replace(mapping, rejected=True)
            case "id" if mapping.source.table == "p":
                return dataclasses.replace(
                    mapping, target=dataclasses.replace(mapping.target, table="parents", column="key")
                )
            case "a":
                return dataclasses.replace(
                    mapping, target=dataclasses.replace(mapping.target, table="parents", column="label")
                )
            case "n":
                return dataclasses.replace(mapping, target=dataclasses.replace(mapping.target, type="NUMERIC(6, 1)"))
            case _:
                return mapping

    run(plan_job(sqlite_end(path), postgres_end(postgres_url), decide=decide))
    with psycopg.connect(postgres_url) as server:
        cursor = server.execute("SELECT * FROM parents")
        assert [column.name for column in cursor.description or ()] == ["key", "label"]
        assert cursor.fetchall() == [(1, "x")]
        assert server.execute("SELECT n::text FROM c").fetchone() == ("5.0",)
        found = server.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
            "AND contype <> 'n' ORDER BY 1"
        ).fetchall()
        assert found == [("FOREIGN KEY (p) REFERENCES parents(key)",), ("PRIMARY KEY (id)",), ("PRIMARY KEY (key)",)]
        assert server.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'by_a'").fetchone() == (
            "CREATE INDEX by_a ON public.parents USING btree (label)",
        )


@pytest.mark.parametrize("change", [{"table": "other"}, {"column": "b"}])
def test_decisions_that_contradict_each_other(tmp_path: Path, postgres_url: str, change: dict[str, str]) -> None:
    path = make_sqlite(tmp_path / "s.db", "CREATE TABLE t (a INTEGER, b INTEGER)")
    job = plan_job(
        sqlite_end(path),
        postgres_end(postgres_url),
        decide=lambda m: (
            dataclasses.replace(m, target=dataclasses.replace(m.target, **change)) if m.source.column == "a" else m
        ),
    )
    with pytest.raises(ExecutionError) as caught:
        run_phase("schema_migration", job, MigrationState(), Notes(), GoOn())
    assert caught.value.reason_code == "E2004"


def test_nothing_to_do_is_an_error(tmp_path: Path, postgres_url: str) -> None:
    empty = make_sqlite(tmp_path / "empty.db", "CREATE TABLE x (a); DROP TABLE x;")
    with pytest.raises(PlanningError, match="no tables"):
        _plan(empty, postgres_url)
    path = make_sqlite(tmp_path / "s.db", "CREATE TABLE a (id INTEGER)")
    with pytest.raises(PlanningError, match="no tables"):
        make_plan(sqlite_end(path), postgres_end(postgres_url), Selection(exclude_tables=("*",)), None, PlanOptions())
    with pytest.raises(TableNotFoundError):
        make_plan(sqlite_end(path), postgres_end(postgres_url), Selection(tables=("b",)), None, PlanOptions())
    with pytest.raises(EndpointError):
        make_plan(sqlite_end(tmp_path / "no.db"), postgres_end(postgres_url), Selection(), None, PlanOptions())
    with pytest.raises(ConnectorUnavailableError):
        make_plan(sqlite_end(path), Endpoint(type="oracle", config={}), Selection(), None, PlanOptions())
    with pytest.raises(PlanningError, match="no schema 'x'"):
        make_plan(sqlite_end(path), sqlite_end(tmp_path / "t.db"), Selection(), "x", PlanOptions())


def test_empty_tables_arrive_too(tmp_path: Path, postgres_url: str) -> None:
    path = make_sqlite(tmp_path / "s.db", "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (x TEXT)")
    move(sqlite_end(path), postgres_end(postgres_url))
    back = tmp_path / "back.db"
    move(postgres_end(postgres_url), sqlite_end(back))
    assert sqlite_query(back, "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)") == [(0, 0)]


def test_too_many_bad_rows_end_the_migration(tmp_path: Path, postgres_url: str) -> None:
    """More than a tenth: the phase fails, and what was stored and what was refused stays on record."""
    path = make_sqlite(
        tmp_path / "s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        {"t": [(n, "a\0b" if n % 5 == 0 else "ok") for n in range(100)]},
    )  # fmt: skip
    job = plan_job(sqlite_end(path), postgres_end(postgres_url))
    state, notes = MigrationState(), Notes()
    run_phase("schema_migration", job, state, notes, GoOn())
    with pytest.raises(DataError, match=r"20 of 100 rows cannot be carried, more than 10%"):
        run_phase("data_transfer", job, state, notes, GoOn())
    assert sum(error.affected_records for error in notes.errors) == 20
    assert (state.tables["t"].rows_done, state.tables["t"].errors) == (80, 20)


@pytest.mark.parametrize("bad_table", ["a_first", "z_last"])
def test_no_order_of_tables_decides_how_many_bad_rows_are_too_many(
    tmp_path: Path, postgres_url: str, bad_table: str
) -> None:
    """Most of one small table, and little of the whole."""
    rows = {name: [(n, "ok") for n in range(20_000)] for name in ("a_first", "z_last")}
    rows[bad_table] = [(n, "\0" if n % 2 else "ok") for n in range(2_000)]
    path = make_sqlite(
        tmp_path / "s.db",
        "; ".join(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, v TEXT)" for name in rows),
        rows,
    )
    job = plan_job(sqlite_end(path), postgres_end(postgres_url), options=PlanOptions(batch_size=1_000))
    state = MigrationState()
    for phase in ("schema_migration", "data_transfer"):
        run_phase(phase, job, state, Notes(), GoOn())
    assert (state.tables[bad_table].rows_done, state.tables[bad_table].errors) == (1_000, 1_000)


def test_the_verdict_comes_early_on_large_tables(tmp_path: Path, postgres_url: str) -> None:
    path = make_sqlite(
        tmp_path / "s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", {"t": [(n, "\0") for n in range(20_000)]}
    )
    job = plan_job(sqlite_end(path), postgres_end(postgres_url), options=PlanOptions(batch_size=1_000))
    state = MigrationState()
    run_phase("schema_migration", job, state, Notes(), GoOn())
    with pytest.raises(DataError, match=r"^3,000 of 3,000 rows cannot be carried"):
        run_phase("data_transfer", job, state, Notes(), GoOn())
    assert state.tables["t"].errors <= 3_000


def test_progress_is_told(tmp_path: Path) -> None:
    path = make_sqlite(
        tmp_path / "s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)", {"t": [(n,) for n in range(5_000)]}
    )
    moved = move(sqlite_end(path), sqlite_end(tmp_path / "t.db"))
    for phase in MOVING:
        told = [progress for progress in moved.notes.progresses if progress.phase == phase]
        assert told[-1].phase_percent == 100.0
    last = [p for p in moved.notes.progresses if p.phase == "data_transfer"][-1]
    assert (last.records_processed, last.records_total, last.errors) == (5_000, 5_000, 0)
    assert last.bytes_processed > 0


def test_an_unknown_phase(tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "s.db", "CREATE TABLE t (id INTEGER)")
    job = plan_job(sqlite_end(path), sqlite_end(tmp_path / "t.db"))
    with pytest.raises(ExecutionError, match="no phase 'planning'"):
        run_phase("planning", job, MigrationState(), Notes(), GoOn())


def test_rows_that_refer_to_nothing_are_told_of_between_sqlite_files_too(tmp_path: Path) -> None:
    source = make_sqlite(
        tmp_path / "from.db",
        "CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (parent INTEGER REFERENCES parent (id));",
        {"parent": [(1,)], "child": [(1,), (2,), (None,)]},
    )
    plan = make_plan(sqlite_end(source), sqlite_end(tmp_path / "to.db"), Selection(), None, PlanOptions())
    (risk,) = plan.risks
    assert (risk.severity, risk.affected) == ("medium", ("child",))
    assert risk.description.startswith("1 row breaks the reference of child (parent) to parent; copied")
