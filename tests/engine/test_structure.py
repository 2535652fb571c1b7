"""Keys, references, checks, defaults, indexes and sequences arrive; what does not is a risk in the plan."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sensei.server.engine.job import Selection
from sensei.server.engine.plan import PlanOptions
from tests.engine.helpers import make_sqlite, move, plan_job, postgres_end, sqlite_end, sqlite_query

SCRIPT = """
CREATE TABLE authors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(40) NOT NULL UNIQUE,
    mentor INTEGER REFERENCES authors (id) ON DELETE SET NULL,
    active BOOLEAN NOT NULL DEFAULT 1,
    rank INTEGER DEFAULT 7 CHECK (rank BETWEEN 1 AND 9),
    kind TEXT NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'group''s')),
    made TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    CHECK (length(name) > 1));
CREATE TABLE books (
    author INTEGER NOT NULL REFERENCES authors (id) ON UPDATE CASCADE ON DELETE CASCADE,
    number INTEGER NOT NULL,
    title TEXT COLLATE NOCASE,
    twice INTEGER GENERATED ALWAYS AS (number * 2) STORED,
    PRIMARY KEY (author, number),
    CONSTRAINT "one title" UNIQUE (author, title));
CREATE INDEX books_by_title ON books (title DESC);
CREATE UNIQUE INDEX few ON books (number) WHERE number > 100;
CREATE INDEX loud ON books (upper(title));
CREATE VIEW titles AS SELECT title FROM books;
CREATE TRIGGER watch AFTER INSERT ON books BEGIN SELECT 1; END;
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = make_sqlite(tmp_path / "source.db", SCRIPT)
    connection = sqlite3.connect(path)
    connection.executescript("""
        INSERT INTO authors (id, name, mentor, made) VALUES (1, 'Ada', NULL, '2020-01-01 10:00:00'), (2, 'Bo', 1, NULL);
        INSERT INTO authors (id, name) VALUES (500, 'gone'); DELETE FROM authors WHERE id = 500;
        INSERT INTO books (author, number, title) VALUES (1, 1, 'One'), (1, 2, 'Two'), (2, 1, 'One');
    """)
    connection.commit()
    connection.close()
    return path


def test_from_sqlite_to_postgresql(source: Path, postgres_url: str) -> None:
    moved = move(sqlite_end(source), postgres_end(postgres_url))
    with psycopg.connect(postgres_url, autocommit=True) as server:
        constraints = dict(
            server.execute(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"
            ).fetchall()
        )
        assert constraints == {
            "authors_pkey": "PRIMARY KEY (id)",
            "authors_name_key": "UNIQUE (name)",
            "authors_mentor_fkey": "FOREIGN KEY (mentor) REFERENCES authors(id) ON DELETE SET NULL",
            "authors_rank_check": "CHECK (((rank >= 1) AND (rank <= 9)))",
            "authors_kind_check": "CHECK ((kind = ANY (ARRAY['person'::text, 'group''s'::text])))",
            "books_pkey": "PRIMARY KEY (author, number)",
            "one title": "UNIQUE (author, title)",
            "books_author_fkey": "FOREIGN KEY (author) REFERENCES authors(id) ON UPDATE CASCADE ON DELETE CASCADE",
        }
        indexes = {name for (name,) in server.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
        assert indexes == {"authors_pkey", "authors_name_key", "books_pkey", "one title", "books_by_title", "few"}
        # The next number is beyond the largest that was ever given, not only beyond those that are left.
        row = server.execute(
            "INSERT INTO authors (name) VALUES ('new one') RETURNING id, active, rank, kind, made"
        ).fetchone()
        assert row is not None
        assert row[:4] == (501, True, 7, "person")
        assert row[4] is not None
        assert server.execute("SELECT reltuples FROM pg_class WHERE relname = 'books'").fetchone() == (3.0,)
    told = " / ".join(risk.description for risk in moved.plan.risks)
    for part in ("length(name) > 1", "view titles", "trigger watch", "index loud", "books.twice is computed", "NOCASE"):
        assert part in told, part


def test_there_and_back(source: Path, postgres_url: str, tmp_path: Path) -> None:
    back = tmp_path / "back.db"
    move(sqlite_end(source), postgres_end(postgres_url))
    move(postgres_end(postgres_url), sqlite_end(back))
    assert sqlite_query(
        back, 'SELECT "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(\'books\')'
    ) == [("authors", "author", "id", "CASCADE", "CASCADE")]
    assert sqlite_query(back, "SELECT name FROM pragma_table_info('books') WHERE pk > 0 ORDER BY pk") == [
        ("author",),
        ("number",),
    ]
    connection = sqlite3.connect(back)
    connection.execute("INSERT INTO authors (name) VALUES ('new one')")
    assert connection.execute("SELECT max(id), active, rank, kind FROM authors").fetchone() == (501, 1, 7, "person")
    for bad in (
        "INSERT INTO authors (name) VALUES ('Ada')",
        "INSERT INTO authors (name, rank) VALUES ('x', 10)",
        "INSERT INTO authors (name, kind) VALUES ('x', 'other')",
        "INSERT INTO authors (name) VALUES (NULL)",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(bad)
    connection.close()


def test_sqlite_to_sqlite_keeps_everything_it_can(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    move(sqlite_end(source), sqlite_end(target))
    assert sqlite_query(target, "SELECT author, number, title, twice FROM books ORDER BY 1, 2") == [
        (1, 1, "One", 2), (1, 2, "Two", 4), (2, 1, "One", 2),
    ]  # fmt: skip
    sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    assert sqlite_query(target, sql) == [("books_by_title",), ("few",), ("loud",)]
    sql = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo('authors')"
    assert sqlite_query(target, sql) == sqlite_query(source, sql)


def test_postgresql_to_postgresql_keeps_everything_it_can(make_database: Any) -> None:
    url, target = make_database(), make_database()
    with psycopg.connect(url) as server:
        server.execute("""
            CREATE TABLE a (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s serial, u uuid DEFAULT gen_random_uuid(),
                v varchar(9) COLLATE "C" DEFAULT 'x', t text[] DEFAULT '{}',
                g integer GENERATED ALWAYS AS (s * 2) STORED,
                CONSTRAINT "v's" CHECK (v ~ '^x'), UNIQUE NULLS NOT DISTINCT (v, s));
            CREATE INDEX by_t ON a USING gin (t);
            CREATE INDEX by_expression ON a (lower(v)) WHERE s > 0;
            CREATE INDEX covering ON a (s DESC) INCLUDE (u);
            COMMENT ON TABLE a IS 'the table''s';
            COMMENT ON COLUMN a.v IS 'the column';
            INSERT INTO a (v) VALUES ('x1'), ('x2');
        """)
    moved = move(postgres_end(url), postgres_end(target))
    assert not moved.notes.errors
    asked = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'a'::regclass ORDER BY 1",
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'a' ORDER BY 1",
        "SELECT obj_description('a'::regclass), col_description('a'::regclass, 4)",
        "SELECT * FROM a ORDER BY id",
    )
    with psycopg.connect(url) as ours, psycopg.connect(target) as theirs:
        for sql in asked:
            assert theirs.execute(sql).fetchall() == ours.execute(sql).fetchall()
        row = theirs.execute("INSERT INTO a (v) VALUES ('x3') RETURNING id, s, u IS NOT NULL, t").fetchone()
        assert row == (3, 3, True, [])


def test_cycles_and_self_references(tmp_path: Path, postgres_url: str) -> None:
    source = make_sqlite(
        tmp_path / "s.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b (id)); "
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id));"
        "CREATE TABLE c (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES c (id));",
        {"a": [(1, 1)], "b": [(1, 1)], "c": [(1, 2), (2, 1)]},
    )
    moved = move(sqlite_end(source), postgres_end(postgres_url))
    assert any("circle" in risk.description for risk in moved.plan.risks)
    with psycopg.connect(postgres_url) as server:
        assert server.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f'").fetchone() == (3,)


def test_broken_references_are_foreseen_and_recorded(tmp_path: Path, postgres_url: str) -> None:
    source = make_sqlite(
        tmp_path / "s.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY);CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id));",
        {"a": [(1,)], "b": [(1, 1), (2, 77), (3, None)]},
    )
    moved = move(sqlite_end(source), postgres_end(postgres_url))
    assert any(risk.severity == "high" and "1 row breaks" in risk.description for risk in moved.plan.risks)
    assert [(e.reason_code, e.table, e.affected_records) for e in moved.notes.errors] == [("E2006", "b", 1)]
    with psycopg.connect(postgres_url) as server:
        assert server.execute("SELECT convalidated FROM pg_constraint WHERE contype = 'f'").fetchall() == [(False,)]
        assert server.execute("SELECT count(*) FROM b").fetchone() == (3,)


def test_a_reference_out_of_the_selection(source: Path, postgres_url: str) -> None:
    job = plan_job(sqlite_end(source), postgres_end(postgres_url), selection=Selection(tables=("books",)))
    assert any("not part of this migration" in risk.description for risk in job.plan.risks)
    assert [table.source.name for table in job.plan.tables] == ["books"]


NAMES = [
    "plain",
    "Mixed Case",
    'quo"te',
    "apos'trophe",
    "back`tick",
    "[brackets]",
    "per%cent %s",
    "select",
    "naïve 文字 🦊",
    "semi;colon--",
    "back\\slash",
    "tab\tnew\nline",
    "x" * 63,
    "x" * 64,
    "x" * 64 + "y",
    "é" * 40,
    "ctid",
    "a.b",
    "{curly}",
    "$dollar$",
    ":colon",
    "?",
]


@pytest.mark.parametrize("end", ["postgresql", "sqlite"])
def test_any_name(end: str, tmp_path: Path, postgres_url: str) -> None:
    """Tables, columns and indexes of any name; those that the target cannot bear are told."""

    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    path = tmp_path / "names.db"
    connection = sqlite3.connect(path)
    for number, name in enumerate(NAMES):
        columns = ", ".join(f"{quoted(column)} INTEGER DEFAULT {at}" for at, column in enumerate(NAMES))
        connection.execute(f"CREATE TABLE {quoted(name)} (id INTEGER PRIMARY KEY, {columns})")
        connection.execute(f"CREATE INDEX {quoted(name + ' index')} ON {quoted(name)} ({quoted(NAMES[number])})")
        connection.execute(f"INSERT INTO {quoted(name)} (id) VALUES ({number})")
    connection.commit()
    connection.close()
    target = postgres_end(postgres_url) if end == "postgresql" else sqlite_end(tmp_path / "target.db")
    moved = move(sqlite_end(path), target, options=PlanOptions(batch_size=3))
    assert not moved.notes.errors
    names = {table.source.name: table.target.name for table in moved.plan.tables}
    assert len(set(names.values())) == len(NAMES)
    renamed = {source for source, name in names.items() if source != name}
    assert renamed == ({name for name in NAMES if len(name.encode()) > 63} if end == "postgresql" else set())
    for name in renamed:
        assert any(name in risk.description for risk in moved.plan.risks)
    if end == "postgresql":
        with psycopg.connect(postgres_url) as server:
            for number, name in enumerate(NAMES):
                row = server.execute(
                    psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier(names[name]))
                ).fetchone()
                assert row == (number, *range(len(NAMES)))
    else:
        for number, name in enumerate(NAMES):
            assert sqlite_query(tmp_path / "target.db", f"SELECT * FROM {quoted(name)}") == [
                (number, *range(len(NAMES)))
            ]


def test_names_that_differ_only_in_case(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url) as server:
        server.execute('CREATE TABLE "T" (id int PRIMARY KEY, "A" int, a int); CREATE TABLE t (id int PRIMARY KEY)')
        server.execute('INSERT INTO "T" VALUES (1, 2, 3); INSERT INTO t VALUES (4)')
    moved = move(postgres_end(postgres_url), sqlite_end(tmp_path / "t.db"))
    names = {table.source.name: table.target.name for table in moved.plan.tables}
    assert sorted(names.values(), key=str.lower) in (["T", "t_2"], ["t", "T_2"])
    assert sqlite_query(tmp_path / "t.db", f"SELECT id, A, a_2 FROM {names['T']}") == [(1, 2, 3)]


def test_two_schemas_in_one_file(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url) as server:
        server.execute("CREATE SCHEMA other; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
        server.execute("CREATE TABLE other.t (id int PRIMARY KEY REFERENCES public.t); INSERT INTO other.t VALUES (1)")
    moved = move(postgres_end(postgres_url), sqlite_end(tmp_path / "t.db"))
    assert {table.target.name for table in moved.plan.tables} == {"t", "t_2"}
    assert sqlite_query(tmp_path / "t.db", "PRAGMA foreign_key_check") == []


def test_partitions_and_inheritance_are_carried_once(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url) as server:
        server.execute("""
            CREATE TABLE parted (id int, v text) PARTITION BY RANGE (id);
            CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
            CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (100);
            INSERT INTO parted SELECT n, 'v' || n FROM generate_series(0, 49) n;
            CREATE TABLE parent (id int); CREATE TABLE child (extra int) INHERITS (parent);
            INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3);
        """)
    moved = move(postgres_end(postgres_url), sqlite_end(tmp_path / "t.db"), options=PlanOptions(batch_size=7))
    target = tmp_path / "t.db"
    assert sqlite_query(target, "SELECT count(*), count(DISTINCT id) FROM parted") == [(50, 50)]
    assert sqlite_query(target, "SELECT id FROM parent") == [(1,)]
    assert sqlite_query(target, "SELECT id, extra FROM child") == [(2, 3)]
    told = " / ".join(risk.description for risk in moved.plan.risks)
    assert "partitions" in told
    assert "inheritance" in told
