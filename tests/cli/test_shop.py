"""The demo's shop is valid, always the same, and holds the values that migrations tend to break."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sensei.cli._shop import Size, is_shop, make_shop

SMALL = Size(products=120, customers=1_000, orders=1_100)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    make_shop(path, nul_in_text=True, size=SMALL)
    with closing(sqlite3.connect(path)) as database:
        yield database


def test_all_references_hold(shop: sqlite3.Connection) -> None:
    assert shop.execute("PRAGMA foreign_key_check").fetchall() == []
    assert shop.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("the largest integer", "SELECT 1 FROM products WHERE barcode = 9223372036854775807"),
        ("the smallest integer", "SELECT 1 FROM products WHERE barcode = -9223372036854775808"),
        ("an integer no double holds", "SELECT 1 FROM products WHERE barcode = 9007199254740993"),
        ("cents that binary has no exact form of", "SELECT 1 FROM products WHERE typeof(price) = 'real'"),
        ("the smallest double", "SELECT 1 FROM products WHERE weight_kg = 5e-324"),
        ("the largest double", "SELECT 1 FROM products WHERE weight_kg = 1.7976931348623157e308"),
        ("an empty text", "SELECT 1 FROM customers WHERE nickname = ''"),
        ("a null", "SELECT 1 FROM customers WHERE nickname IS NULL"),
        ("NUL in a text", "SELECT 1 FROM products WHERE instr(CAST(description AS BLOB), x'00') > 0"),
        ("an empty blob", "SELECT 1 FROM product_images WHERE length(content) = 0"),
        (
            "all bytes in a blob",
            "SELECT 1 FROM product_images WHERE instr(content, x'00ff') = 0 AND length(content) > 256",
        ),
        ("letters beyond the first plane", "SELECT 1 FROM customers WHERE full_name LIKE '%🦊%'"),
        ("a combining accent", "SELECT 1 FROM orders WHERE note LIKE '%e' || char(0x301) || '%'"),
        ("the word NULL", "SELECT 1 FROM orders WHERE note = 'NULL'"),
        ("blanks at both ends", "SELECT 1 FROM orders WHERE note LIKE ' %' AND note LIKE '% '"),
        ("a zone east", "SELECT 1 FROM orders WHERE placed_at LIKE '%+05:30'"),
        ("a zone west", "SELECT 1 FROM orders WHERE placed_at LIKE '%-08:00'"),
        ("microseconds", "SELECT 1 FROM orders WHERE placed_at LIKE '%.______+%'"),
        ("a reference to itself", "SELECT 1 FROM customers WHERE referred_by IS NOT NULL"),
        ("a reference of two columns", "SELECT 1 FROM orders WHERE ship_to IS NOT NULL"),
    ],
)
def test_awkward_values_are_in_it(shop: sqlite3.Connection, what: str, query: str) -> None:
    assert shop.execute(query).fetchone() == (1,), what


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one.db", "two.db"):
        make_shop(tmp_path / name, nul_in_text=True, size=SMALL)
    dumps = []
    for name in ("one.db", "two.db"):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            dumps.append(list(database.iterdump()))

    assert dumps[0] == dumps[1]


def test_without_nul_no_text_has_one(tmp_path: Path) -> None:
    rows = make_shop(tmp_path / "shop.db", nul_in_text=False, size=SMALL)

    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        for column, table in (("description", "products"), ("note", "orders")):
            query = f"SELECT count(*) FROM {table} WHERE instr(CAST({column} AS BLOB), x'00') > 0"
            assert database.execute(query).fetchone() == (0,)
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert rows == sum(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)


def test_only_a_shop_counts_as_one(tmp_path: Path) -> None:
    make_shop(tmp_path / "shop.db", nul_in_text=False, size=Size(products=1, customers=1, orders=1))
    with closing(sqlite3.connect(tmp_path / "other.db")) as database, database:
        database.execute("CREATE TABLE precious (id INTEGER)")
    (tmp_path / "text").write_text("hello")

    found = {name: is_shop(tmp_path / name) for name in ("shop.db", "other.db", "text", "missing")}
    assert found == {"shop.db": True, "other.db": False, "text": False, "missing": False}
