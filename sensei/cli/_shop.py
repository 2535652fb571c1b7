"""Make the shop that `sensei demo` moves: related tables, and the values that migrations tend to break."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

APPLICATION_ID = 0x53454E53
"""Written into the file's header, so that only files made here are ever replaced."""

SCHEMA = """
CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    parent_id INTEGER REFERENCES categories (id),
    name VARCHAR(80) NOT NULL,
    slug VARCHAR(80) NOT NULL UNIQUE
);
CREATE TABLE suppliers (
    id INTEGER PRIMARY KEY,
    name VARCHAR(120) NOT NULL,
    country CHAR(2) NOT NULL,
    contact TEXT,
    founded_on DATE
);
CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    sku VARCHAR(20) NOT NULL UNIQUE,
    category_id INTEGER NOT NULL REFERENCES categories (id),
    supplier_id INTEGER REFERENCES suppliers (id),
    name VARCHAR(120) NOT NULL,
    description TEXT,
    price DECIMAL(10, 2) NOT NULL CHECK (price >= 0),
    weight_kg DOUBLE PRECISION,
    barcode BIGINT,
    is_active BOOLEAN NOT NULL DEFAULT 1
);
CREATE INDEX products_by_category ON products (category_id, name);
CREATE TABLE product_images (
    product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    position SMALLINT NOT NULL,
    content BLOB NOT NULL,
    checksum BLOB,
    PRIMARY KEY (product_id, position)
);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    email VARCHAR(200) NOT NULL UNIQUE,
    full_name VARCHAR(120) NOT NULL,
    nickname VARCHAR(60),
    referred_by INTEGER REFERENCES customers (id),
    loyalty_points BIGINT NOT NULL DEFAULT 0,
    newsletter BOOLEAN,
    born_on DATE,
    registered_at TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX customers_by_name ON customers (full_name);
CREATE TABLE addresses (
    customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    kind VARCHAR(10) NOT NULL CHECK (kind IN ('billing', 'shipping')),
    line1 VARCHAR(120) NOT NULL,
    line2 VARCHAR(120),
    city VARCHAR(80) NOT NULL,
    country CHAR(2) NOT NULL,
    PRIMARY KEY (customer_id, kind)
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL,
    ship_to VARCHAR(10),
    coupon INTEGER,
    status VARCHAR(12) NOT NULL DEFAULT 'new',
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    delivered_on DATE,
    note TEXT,
    FOREIGN KEY (customer_id) REFERENCES customers (id),
    FOREIGN KEY (customer_id, ship_to) REFERENCES addresses (customer_id, kind)
);
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at);
CREATE TABLE order_lines (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line_no SMALLINT NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    unit_price DECIMAL(10, 2) NOT NULL,
    PRIMARY KEY (order_id, line_no)
);
CREATE INDEX order_lines_by_product ON order_lines (product_id);
CREATE VIEW order_totals AS
    SELECT order_id, SUM(quantity * unit_price) AS total FROM order_lines GROUP BY order_id;
"""

_CATEGORIES = ("Books", "Tea & Coffee", "Cameras", "Gartengeräte", "文房具", "Игрушки", "أدوات المطبخ", "Vélos")
_NAMES = (
    "Ada",
    "Zoë",
    "Łukasz",
    "Þórdís",
    "Σωκράτης",
    "Наталия",
    "美咲",
    "محمد",
    "François",
    "O'Brien",
    "🦊 Fox",
    "Ngũgĩ",
)
_FAMILIES = (
    "Lovelace",
    "Müller",
    "García-Márquez",
    "Đặng",
    "de la Cruz",
    "王",
    "Ó Súilleabháin",
    "Nguyễn",
    "Søren Ærø",
)
_CITIES = ("København", "São Paulo", "Zürich", "東京", "Kraków", "İstanbul", "München", "Reykjavík", "N'Djamena")
_NOTES = (
    None,
    "",
    " leave at the door ",
    "two\nlines, one\ttab",
    "quotes \" and ' and \\ and ;--",
    "NULL",
    "\\N",
    "👩‍👩‍👧 e\u0301 is not \u00e9",
    "zero\u200bwidth",
)
_ZONES = tuple(timezone(timedelta(minutes=minutes)) for minutes in (0, 60, 330, -480, 765, -210))
_STATUSES = ("new", "paid", "shipped", "delivered", "returned")
_START = datetime(2021, 1, 1, 7, 30, tzinfo=UTC)
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each thing the shop has."""

    products: int = 600
    customers: int = 6_000
    orders: int = 14_000


def make_shop(path: Path, *, nul_in_text: bool, size: Size | None = None) -> int:
    """Make the shop in a new SQLite file.

    Args:
        path: Where; there must be nothing yet.
        nul_in_text: Whether some texts hold a NUL character, which SQLite keeps and PostgreSQL has no room for.
        size: How large.

    Returns:
        The number of rows, all tables together.
    """
    size = size or Size()
    dice = random.Random(2026)  # noqa: S311  # the same shop every time; nothing here is a secret
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.executescript(SCHEMA)
        database.execute("PRAGMA foreign_keys = ON")
        _insert(database, "categories", _categories())
        _insert(database, "suppliers", _suppliers())
        _insert(database, "products", _products(dice, size, nul_in_text))
        _insert(database, "product_images", _images(dice, size))
        _insert(database, "customers", _customers(dice, size))
        _insert(database, "addresses", _addresses(dice, size))
        _insert(database, "orders", _orders(dice, size, nul_in_text))
        _insert(database, "order_lines", _order_lines(dice, size))
        return database.total_changes


def is_shop(path: Path) -> bool:
    """Whether a file is a shop made here."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError:
        return False
    return header[:16] == b"SQLite format 3\0" and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def _insert(database: sqlite3.Connection, table: str, rows: Iterator[tuple[object, ...]]) -> None:
    first = next(rows)
    statement = f"INSERT INTO {table} VALUES ({', '.join('?' * len(first))})"  # noqa: S608  # names from above only
    database.execute(statement, first)
    database.executemany(statement, rows)


def _categories() -> Iterator[tuple[object, ...]]:
    for number, name in enumerate(_CATEGORIES, 1):
        yield number, None, name, f"c{number}"
    roots = len(_CATEGORIES)
    for number in range(roots + 1, roots * 4 + 1):
        yield number, number - roots, f"{_CATEGORIES[number % roots]} {number}", f"c{number}"


def _suppliers() -> Iterator[tuple[object, ...]]:
    for number in range(1, 41):
        contact = (None, "", f"+{number} 555 0{number:03}")[number % 3]
        yield (
            number,
            f"{_FAMILIES[number % len(_FAMILIES)]} & Co. {number}",
            ("DE", "JP", "PL", "BR")[number % 4],
            contact,
            # Somebody did not know, and nothing stopped them.
            "before 1900" if number % 8 == 0 else f"{1900 + number}-01-{number % 28 + 1:02}",
        )


def _products(dice: random.Random, size: Size, nul_in_text: bool) -> Iterator[tuple[object, ...]]:
    for number in range(1, size.products + 1):
        description = _NOTES[number % len(_NOTES)]
        if nul_in_text and number % 97 == 0:
            description = "before\0after"
        yield (
            number,
            f"SKU-{number:06}",
            dice.randint(1, len(_CATEGORIES) * 4),
            None if number % 11 == 0 else dice.randint(1, 40),
            f"{_CATEGORIES[number % len(_CATEGORIES)]} no. {number}",
            description,
            dice.randint(0, 99_999) / 100,
            (None, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, dice.random() * 40)[number % 6],
            (_LARGEST, -_LARGEST - 1, None, 2**53 + 1, dice.getrandbits(62))[number % 5],
            number % 13 != 0,
        )


def _images(dice: random.Random, size: Size) -> Iterator[tuple[object, ...]]:
    for product in range(1, size.products + 1):
        for position in range(product % 3):
            content = b"" if product % 50 == 1 else bytes(range(256)) + dice.randbytes(dice.randint(1, 2_000))
            yield product, position, content, hashlib.sha256(content).digest() if position else None


def _customers(dice: random.Random, size: Size) -> Iterator[tuple[object, ...]]:
    for number in range(1, size.customers + 1):
        registered = _START + timedelta(minutes=dice.randint(0, 2_500_000), microseconds=dice.randint(0, 999_999))
        zone = _ZONES[number % len(_ZONES)]
        yield (
            number,
            f"customer{number}@shop.example",
            f"{_NAMES[number % len(_NAMES)]} {_FAMILIES[number // 7 % len(_FAMILIES)]}",
            (None, "", _NAMES[number // 3 % len(_NAMES)])[number % 3],
            dice.randint(1, number - 1) if number > 1 and number % 4 == 0 else None,
            _LARGEST if number % 1000 == 0 else dice.randint(0, 5_000),
            # 2 is what an old form sent for "ask again": no boolean, and no migration can guess it.
            (1, 0, None, 2)[number % 4] if number % 400 < 4 else number % 2,
            None if number % 5 == 0 else f"{1930 + number % 75}-{number % 12 + 1:02}-{number % 28 + 1:02}",
            registered.astimezone(zone).isoformat(sep=" ", timespec="microseconds"),
        )


def _addresses(dice: random.Random, size: Size) -> Iterator[tuple[object, ...]]:
    for customer in range(1, size.customers + 1):
        for kind in ("billing", "shipping")[: 1 + customer % 2]:
            line2 = (None, "", "c/o 王さん")[customer % 3]
            yield (
                customer,
                kind,
                f"{customer} Main St.",
                line2,
                dice.choice(_CITIES),
                ("DK", "BR", "CH", "JP")[customer % 4],
            )


def _orders(dice: random.Random, size: Size, nul_in_text: bool) -> Iterator[tuple[object, ...]]:
    for number in range(1, size.orders + 1):
        customer = dice.randint(1, size.customers)
        placed = _START + timedelta(seconds=dice.randint(0, 150_000_000), microseconds=number % 1_000_000)
        note = _NOTES[number % len(_NOTES)]
        if nul_in_text and number % 501 == 0:
            note = "\0"
        yield (
            number,
            customer,
            "shipping" if customer % 2 and number % 3 else None,
            ("VIP", 1000 + number)[number % 700 > 0] if number % 10 == 0 else None,
            _STATUSES[number % len(_STATUSES)],
            placed.astimezone(_ZONES[number % len(_ZONES)]).isoformat(sep=" ", timespec="microseconds"),
            None if number % 4 else (placed + timedelta(days=3)).date().isoformat(),
            note,
        )


def _order_lines(dice: random.Random, size: Size) -> Iterator[tuple[object, ...]]:
    for order in range(1, size.orders + 1):
        for line in range(1, 2 + order % 3):
            yield order, line, dice.randint(1, size.products), dice.randint(1, 9), dice.randint(0, 99_999) / 100
