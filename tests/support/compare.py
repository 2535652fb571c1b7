"""Whether two databases hold the same rows, told without the engine: its own reading, its own idea of equal values."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import psycopg

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,6})?(Z|[+-]\d\d(?::?\d\d)?)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def sqlite_rows(path: Path, table: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """All rows of a SQLite table."""
    connection = sqlite3.connect(path)
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        yield from connection.execute(f'SELECT {listed} FROM "{table.replace(chr(34), chr(34) * 2)}"')
    finally:
        connection.close()


def postgres_rows(url: str, schema: str, table: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """All rows of a PostgreSQL table."""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns))
        query = psycopg.sql.SQL("SELECT {} FROM {}").format(names, psycopg.sql.Identifier(schema, table))
        with connection.cursor("rows") as cursor:
            cursor.itersize = 20_000
            yield from cursor.execute(query)


def plain(value: Any) -> Any:
    """A value so that equal facts are equal objects whatever the system that kept them.

    Moments with an offset become instants, booleans 0 and 1, NaN equal to itself. Python compares the other numbers by
    their exact value.
    """
    match value:
        case None | int():
            return value
        case float():
            return value if value == value else "nan"
        case str():
            return _plain_text(value)
        case datetime():
            return value.astimezone(UTC) if value.tzinfo else value
        case memoryview():
            return bytes(value)
        case _:
            return value


def _plain_text(text: str) -> Any:
    if text[4:5] != "-":
        return text
    try:
        if match := _MOMENT.fullmatch(text):
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if match[4] else moment
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    return text


def decimal(value: Any) -> Any:
    """Like `plain`, for decimals, which SQLite keeps as floats or as text."""
    if isinstance(value, str | float) and value == value:
        try:
            return Decimal(value) if isinstance(value, str) else Decimal(repr(value))
        except InvalidOperation:
            pass
    return plain(value)


def differences(ours: Iterator[tuple[Any, ...]], theirs: Iterator[tuple[Any, ...]], *, decimals: bool = False) -> str:
    """What differs between two sets of rows, as multisets; empty where nothing does."""
    as_plain = decimal if decimals else plain
    left = Counter(tuple(map(as_plain, row)) for row in ours)
    right = Counter(tuple(map(as_plain, row)) for row in theirs)
    missing, extra = left - right, right - left
    if not missing and not extra:
        return ""
    return (
        f"{missing.total()} rows missing, e.g. {next(iter(missing), None)}; "
        f"{extra.total()} too many, e.g. {next(iter(extra), None)}"
    )
