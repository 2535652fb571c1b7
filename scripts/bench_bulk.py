"""Measure the ways to fill one PostgreSQL table from SQLite: what the choice of the engine's bulk path rests on.

    python scripts/bench_bulk.py [--rounds 5] [--rows 400000]

Every way reads the same SQLite file and writes the same table, without keys or indexes, with fsync on; the ways are
interleaved, and the count and one sum are compared after each. Arrow takes part where `pyarrow`,
`adbc-driver-sqlite` and `adbc-driver-postgresql` are installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

BATCH = 10_000
COLUMNS = "id, customer_id, placed_at, status, price, note"
TABLE = (
    "CREATE TABLE orders (id bigint NOT NULL, customer_id bigint NOT NULL, placed_at text NOT NULL, "
    "status text NOT NULL, price double precision NOT NULL, note text)"
)
TYPES = ("int8", "int8", "text", "text", "float8", "text")
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def make_source(path: Path, rows: int) -> None:
    dice = random.Random(7)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, placed_at TEXT, status TEXT, "
            "price REAL, note TEXT)"
        )
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)",
            (
                (n, dice.randrange(100_000), f"2024-{n % 12 + 1:02}-{n % 28 + 1:02} {n % 24:02}:00:00", "shipped",
                 dice.random() * 100, None if n % 3 else "left at the door\twith care")
                for n in range(rows)
            ),
        )  # fmt: skip


def batches(path: Path) -> Iterator[list[tuple[Any, ...]]]:
    connection = sqlite3.connect(path)
    cursor = connection.execute(f"SELECT {COLUMNS} FROM orders ORDER BY id")
    while rows := cursor.fetchmany(BATCH):
        yield rows
    connection.close()


def inserts(path: Path, url: str) -> None:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for rows in batches(path):
            cursor.executemany("INSERT INTO orders VALUES (%s, %s, %s, %s, %s, %s)", rows)


def sqlalchemy_inserts(path: Path, url: str) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    names = COLUMNS.split(", ")
    statement = sa.table("orders", *map(sa.column, names)).insert()
    with engine.begin() as connection:
        for rows in batches(path):
            connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])
    engine.dispose()


def _rows(path: Path, url: str, *, binary: bool) -> None:
    how = " (FORMAT binary)" if binary else ""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for rows in batches(path):
            with cursor.copy(f"COPY orders FROM STDIN{how}".encode()) as copy:
                if binary:
                    copy.set_types(TYPES)
                for row in rows:
                    copy.write_row(row)


def copy_rows_text(path: Path, url: str) -> None:
    _rows(path, url, binary=False)


def copy_rows_binary(path: Path, url: str) -> None:
    _rows(path, url, binary=True)


def copy_lines(path: Path, url: str) -> None:
    def text(value: Any) -> str:
        if value is None:
            return "\\N"
        return value.translate(ESCAPES) if isinstance(value, str) else repr(value)

    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for rows in batches(path):
            lines = "\n".join("\t".join(map(text, row)) for row in rows) + "\n"
            with cursor.copy(b"COPY orders FROM STDIN") as copy:
                copy.write(lines.encode())


def arrow(path: Path, url: str) -> None:
    from adbc_driver_postgresql import dbapi as target
    from adbc_driver_sqlite import dbapi as source

    with source.connect(str(path)) as here, target.connect(url) as there, here.cursor() as reading:
        reading.execute(f"SELECT {COLUMNS} FROM orders ORDER BY id")
        with there.cursor() as writing:
            writing.adbc_ingest("orders", reading.fetch_record_batch(), mode="append")
        there.commit()


def ways() -> dict[str, Callable[[Path, str], None]]:
    found: dict[str, Callable[[Path, str], None]] = {
        "SQLAlchemy inserts": sqlalchemy_inserts,
        "driver's executemany": inserts,
        "COPY, text, row by row": copy_rows_text,
        "COPY, binary, row by row": copy_rows_binary,
        "COPY, text, lines built in Python": copy_lines,
    }
    if all(map(importlib.util.find_spec, ("pyarrow", "adbc_driver_sqlite", "adbc_driver_postgresql"))):
        found["Arrow through ADBC"] = arrow
    return found


def main() -> None:
    from tests.support.postgres import running_postgres

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=400_000)
    wishes = parser.parse_args()
    took: dict[str, list[float]] = {name: [] for name in ways()}
    settings = {"fsync": "on", "synchronous_commit": "on"}
    with tempfile.TemporaryDirectory(prefix="sensei-bench-") as folder, running_postgres(settings) as server:
        path = Path(folder) / "source.db"
        make_source(path, wishes.rows)
        for _ in range(wishes.rounds):
            for name, way in ways().items():
                with server.database() as url:
                    with psycopg.connect(url) as connection:
                        connection.execute(TABLE.encode())
                    began = time.perf_counter()
                    way(path, url)
                    took[name].append(time.perf_counter() - began)
                    with psycopg.connect(url) as connection:
                        there = connection.execute("SELECT count(*), sum(id) FROM orders").fetchone()
                    if there != (wishes.rows, wishes.rows * (wishes.rows - 1) // 2):
                        raise SystemExit(f"{name} lost rows: {there}")
    for name, seconds in sorted(took.items(), key=lambda entry: -statistics.median(entry[1])):
        middle = statistics.median(seconds)
        print(f"{name:<36} {middle:6.2f} s  {wishes.rows / middle:9,.0f} rows/s")


if __name__ == "__main__":
    main()
