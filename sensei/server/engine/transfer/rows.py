"""Rows on their way, in the form their source gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sensei.server.engine.errors import DataError

SLICE_ROWS = 500
"""Rows that go through reading, checking and writing together."""


@dataclass(slots=True)
class Part:
    """Some rows of one table, as COPY lines in `text` or else as tuples.

    From SQLite come tuples, their first `lead` values being the key that paging goes by; from PostgreSQL the lines of
    COPY's text format, or tuples of values that SQLite takes.
    """

    lead: int = 0
    rows: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    """Those read so far."""
    text: bytes = b""
    """COPY lines, each ended by a newline."""
    count: int = 0
    size: int = 0
    """Bytes, roughly. Like `count`, of what was read so far."""
    waiting: Iterator[Part] = field(default_factory=lambda: iter(()))
    """Further rows, read only when they are asked for."""

    def slices(self) -> Iterator[list[tuple[Any, ...]]]:
        """All rows, few at a time: what was just read is still in the processor's cache when it is written."""
        for start in range(0, len(self.rows), SLICE_ROWS):
            yield self.rows[start : start + SLICE_ROWS]
        for some in self.waiting:
            self.rows += some.rows
            self.count += some.count
            self.size += some.size
            yield some.rows

    def all_rows(self) -> list[tuple[Any, ...]]:
        """All rows, read to the end."""
        for _ in self.slices():
            pass
        return self.rows

    def lines(self) -> list[bytes]:
        """The COPY lines one by one, without their newlines; those within values are escaped."""
        return self.text.split(b"\n")[:-1]


def rough_size(rows: Sequence[tuple[Any, ...]]) -> int:
    """Bytes of some rows, roughly, from a sample of them."""
    sample = rows[::8]
    size = sum(len(value) if isinstance(value, str | bytes) else 8 for row in sample for value in row)
    return size * 8 if len(rows) > 1 else size


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be stored as it is."""

    reason_code: str
    message: str
    key: dict[str, Any]
    """The row's key, shortened, for the person who decides."""
    column: str | None = None


@dataclass(slots=True)
class Batch:
    """Rows that arrive together or not at all, in parts small enough for memory."""

    parts: Iterator[Part]
    position: Any
    """Where to go on after it: JSON data. To be looked at when `parts` is used up."""


def reached(position: Any, what: str) -> Any:
    """A member of a position; None where it does not have it."""
    return cast("dict[str, Any]", position).get(what) if isinstance(position, dict) else None


class RowsUnreadableError(DataError):
    """The source could not give a batch, as a transformation fails on some row of it."""

    default_reason = "E3007"


class Unfit(Exception):  # noqa: N818  # a verdict about one value, not a fault
    """A value that the target column cannot hold as it is."""

    def __init__(self, reason_code: str, message: str) -> None:
        super().__init__(message)
        self.reason_code = reason_code
        self.message = message
