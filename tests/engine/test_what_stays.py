"""What a migration does not carry is a risk of the plan, named one by one, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sensei.server.engine.plan import Plan
from tests.engine.helpers import make_sqlite, plan_job, postgres_end, sqlite_end

BOOKS = "CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT)"
COPIES = "CREATE TABLE copies (id INTEGER PRIMARY KEY, book_id INTEGER)"


def told(plan: Plan) -> list[tuple[str, str, tuple[str, ...], str | None]]:
    """What the plan says is lost."""
    return [
        (risk.severity, risk.description, tuple(risk.affected), risk.mitigation)
        for risk in plan.risks
        if risk.type == "data_loss"
    ]


def test_a_plan_that_carries_everything_tells_of_no_loss(tmp_path: Path, make_database: Callable[[], str]) -> None:
    source = make_sqlite(tmp_path / "source.db", f"{BOOKS};{COPIES}")
    assert told(plan_job(sqlite_end(source), sqlite_end(tmp_path / "copy.db")).plan) == []

    url = make_database()
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("CREATE TABLE books (id integer PRIMARY KEY, title text)")
    assert told(plan_job(postgres_end(url), postgres_end(make_database())).plan) == []


TITLES = "CREATE VIEW titles AS SELECT title FROM books"


@pytest.mark.parametrize(
    ("statements", "lost"),
    [
        ([TITLES], [("view", "titles")]),
        (["CREATE TRIGGER watch AFTER INSERT ON books BEGIN SELECT 1; END"], [("trigger", "watch")]),
        (
            [TITLES, "CREATE TRIGGER watch INSTEAD OF INSERT ON titles BEGIN SELECT 1; END"],
            [("view", "titles"), ("trigger", "watch")],
        ),
        (["CREATE VIRTUAL TABLE places USING rtree(id, low, high)"], [("virtual table", "places")]),
    ],
)
@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
def test_sqlite(
    to: str, statements: list[str], lost: list[tuple[str, str]], tmp_path: Path, make_database: Callable[[], str]
) -> None:
    source = make_sqlite(tmp_path / "source.db", ";".join([BOOKS, *statements]))
    target = sqlite_end(tmp_path / "copy.db") if to == "sqlite" else postgres_end(make_database())

    plan = plan_job(sqlite_end(source), target).plan

    assert told(plan) == [
        ("medium", f"the {kind} {name} is not carried over", (name,), "Make it anew on the target.")
        for kind, name in lost
    ]
    assert [table.source.name for table in plan.tables] == ["books"]


@pytest.mark.parametrize(
    ("statements", "affected", "says"),
    [
        (["CREATE VIEW titles AS SELECT title FROM books"], "titles", "the view public.titles is not carried over"),
        (
            ["CREATE MATERIALIZED VIEW titles AS SELECT title FROM books"],
            "titles",
            "the view public.titles is not carried over",
        ),
        (
            [
                "CREATE FUNCTION watched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
                "CREATE TRIGGER watch BEFORE INSERT ON books FOR EACH ROW EXECUTE FUNCTION watched()",
            ],
            "books",
            "public.books has triggers, which are not carried over",
        ),
        (
            ["CREATE RULE quiet AS ON DELETE TO books DO INSTEAD NOTHING"],
            "books",
            "public.books has rewrite rules, which are not carried over",
        ),
        (
            ["ALTER TABLE books ENABLE ROW LEVEL SECURITY"],
            "books",
            "public.books has row-level security, which is not carried over",
        ),
        (
            [
                "CREATE TABLE years (id integer, year integer) PARTITION BY RANGE (year)",
                "CREATE TABLE years_2026 PARTITION OF years FOR VALUES FROM (2026) TO (2027)",
            ],
            "years",
            "public.years has partitions: its rows are carried, into one plain table; its division is not carried over",
        ),
        (
            ["CREATE TABLE novels (pages integer) INHERITS (books)"],
            "books",
            (
                "public.books has children by inheritance, which are carried as tables of their own; "
                "its inheritance is not carried over"
            ),
        ),
    ],
)
@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
def test_postgresql(
    to: str, statements: list[str], affected: str, says: str, tmp_path: Path, make_database: Callable[[], str]
) -> None:
    url = make_database()
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("CREATE TABLE books (id integer PRIMARY KEY, title text)")
        for statement in statements:
            database.execute(statement)
    target = sqlite_end(tmp_path / "copy.db") if to == "sqlite" else postgres_end(make_database())

    plan = plan_job(postgres_end(url), target).plan

    (loss,) = told(plan)
    assert loss[0] == "medium"
    assert loss[1] == says
    assert loss[2] == (f"public.{affected}",)
