"""The exact comparison of two tables that can be read in the same order, at the speed of tuple equality.

Batches are compared as a whole. Only a batch that differs is brought to normal forms, column by column, and only
where those differ too are rows matched by their keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol, cast

from sensei.server.engine.validation.forms import Normalize

Row = tuple[Any, ...]
Columns = Sequence[Sequence[object]]
_SHOWN = 20
_SHOWN_LENGTH = 200


class Observer(Protocol):
    """Sees every row of both sides once, as columns, for figures that need no second reading."""

    def both(self, columns: Columns) -> None:
        """Rows of both sides that are the same."""
        ...

    def source(self, columns: Columns) -> None:
        """Rows that are different or only there in the source."""
        ...

    def target(self, columns: Columns) -> None:
        """Rows that are different or only there in the target."""
        ...


class NotInKeyOrderError(Exception):
    """The two sides are not sorted alike; they must be compared by digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One difference, for the person who looks into it."""

    finding: str
    """``missing``, ``extra`` or ``changed``."""
    row: object
    """The key, or the whole row where there is none."""
    position: int | None = None
    source: object = None
    target: object = None


@dataclass(slots=True)
class Difference:
    """What a comparison found. Positions are those of the columns in the rows."""

    source_rows: int = 0
    target_rows: int = 0
    missing_rows: int = 0
    """On the source alone."""
    extra_rows: int = 0
    """On the target alone."""
    changed_rows: int = 0
    changed_cells: dict[int, int] = field(default_factory=dict[int, int])
    nulls_changed: dict[int, int] = field(default_factory=dict[int, int])
    """Cells that are null on one side alone: a part of `changed_cells`."""
    samples: list[Sample] = field(default_factory=list[Sample])
    by_digest: bool = False

    def note(self, sample: Sample) -> None:
        """Keep a sample, as long as there are few of its finding and column."""
        alike = sum(one.finding == sample.finding and one.position == sample.position for one in self.samples)
        if alike < _SHOWN:
            self.samples.append(sample)

    def note_changed_cell(self, position: int, row: object, source: object, target: object) -> None:
        """Count one cell that differs."""
        self.changed_cells[position] = self.changed_cells.get(position, 0) + 1
        if (source is None) is not (target is None):
            self.nulls_changed[position] = self.nulls_changed.get(position, 0) + 1
        self.note(
            Sample(
                finding="changed",
                row=shortened(row),
                position=position,
                source=shortened(source),
                target=shortened(target),
            )
        )


def shortened(value: object) -> object:
    """A value as it may be shown in a report: whole if it is short."""
    match value:
        case str() if len(value) > _SHOWN_LENGTH:
            return value[:_SHOWN_LENGTH] + "…"
        case bytes() if len(value) > 32:
            return f"{len(value)} bytes, SHA-256 {hashlib.sha256(value).hexdigest()[:16]}…"
        case tuple():
            return [shortened(part) for part in cast("tuple[object, ...]", value)]
        case _:
            return value


def compare_in_key_order(
    source: Iterator[list[Row]],
    target: Iterator[list[Row]],
    *,
    key: Sequence[int],
    normalizers: Sequence[Normalize],
    observer: Observer,
) -> Difference:
    """Compare two streams of batches that are sorted by the same key.

    Parameters:
        key: Positions of the key's columns; they identify a row and are never null.
        normalizers: One per column.
        observer: Told of every row. What it saw is worthless after an exception.

    Raises:
        NotInKeyOrderError: The streams turn out not to be sorted alike.
    """
    walk = _Walk(key=key, normalizers=normalizers, observer=observer)
    left, right = _Buffer(source), _Buffer(target)
    while True:
        here, there = left.rows(), right.rows()
        if not here or not there:
            break
        size = min(len(here), len(there))
        if len(here) != len(there):
            here, there = here[:size], there[:size]
        if here == there:
            observer.both(list(zip(*here, strict=True)))
            walk.difference.source_rows += size
            walk.difference.target_rows += size
            left.take(size)
            right.take(size)
        else:
            from_left, from_right = walk.closely(here, there)
            left.take(from_left)
            right.take(from_right)
    for rows in left.rest():
        walk.missing(rows)
    for rows in right.rest():
        walk.surplus(rows)
    return walk.difference


class _Buffer:
    """The rows of a stream that are not compared yet."""

    def __init__(self, batches: Iterator[list[Row]]) -> None:
        self._batches = batches
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        """At least one row, or none at the end."""
        while not self._rows:
            try:
                self._rows = next(self._batches)
            except StopIteration:
                break
        return self._rows

    def take(self, count: int) -> None:
        self._rows = [] if count == len(self._rows) else self._rows[count:]

    def rest(self) -> Iterable[list[Row]]:
        while self.rows():
            yield self._rows
            self._rows = []


class _Walk:
    """Looks closely at batches that are not equal as they come."""

    def __init__(self, *, key: Sequence[int], normalizers: Sequence[Normalize], observer: Observer) -> None:
        self.difference = Difference()
        self._key = key
        self._normalizers = normalizers
        self._observer = observer
        self._last: list[tuple[Any, ...] | None] = [None, None]

    def closely(self, here: list[Row], there: list[Row]) -> tuple[int, int]:
        """Compare two batches of equal size; gives how many rows of each are done with."""
        left: list[Sequence[object]] = list(zip(*here, strict=True))
        right: list[Sequence[object]] = list(zip(*there, strict=True))
        for position, normalize in enumerate(self._normalizers):
            if left[position] != right[position]:
                left[position] = list(map(normalize, left[position]))
                right[position] = list(map(normalize, right[position]))
        if left == right:
            self._observer.both(left)
            self.difference.source_rows += len(here)
            self.difference.target_rows += len(there)
            return len(here), len(there)
        return self._match(left, right)

    def missing(self, rows: list[Row]) -> None:
        """Count rows that only the source has."""
        columns = self._normal(rows)
        self._observer.source(columns)
        self.difference.source_rows += len(rows)
        self.difference.missing_rows += len(rows)
        for key in list(self._keys(columns, side=0))[:_SHOWN]:
            self.difference.note(Sample(finding="missing", row=shortened(key)))

    def surplus(self, rows: list[Row]) -> None:
        """Count rows that only the target has."""
        columns = self._normal(rows)
        self._observer.target(columns)
        self.difference.target_rows += len(rows)
        self.difference.extra_rows += len(rows)
        for key in list(self._keys(columns, side=1))[:_SHOWN]:
            self.difference.note(Sample(finding="extra", row=shortened(key)))

    def _normal(self, rows: list[Row]) -> list[list[object]]:
        columns = zip(*rows, strict=True)
        return [list(map(normalize, column)) for normalize, column in zip(self._normalizers, columns, strict=True)]

    def _keys(self, columns: Columns, side: int) -> list[tuple[Any, ...]]:
        """The keys of a batch, proven to ascend."""
        keys: list[tuple[Any, ...]] = list(zip(*(columns[position] for position in self._key), strict=True))
        previous = self._last[side]
        try:
            if any(a >= b for a, b in pairwise(keys)) or (previous and previous >= keys[0]):
                raise NotInKeyOrderError
        except TypeError:
            raise NotInKeyOrderError from None
        return keys

    def _match(self, left: Columns, right: Columns) -> tuple[int, int]:
        keys_left, keys_right = self._keys(left, 0), self._keys(right, 1)
        found = self.difference
        suspects = [p for p in range(len(left)) if left[p] != right[p] or keys_left != keys_right]
        i = j = 0
        try:
            while i < len(keys_left) and j < len(keys_right):
                if keys_left[i] == keys_right[j]:
                    self._compare_cells(left, i, right, j, suspects, keys_left[i])
                    i += 1
                    j += 1
                elif keys_left[i] < keys_right[j]:
                    found.missing_rows += 1
                    found.note(Sample(finding="missing", row=shortened(keys_left[i])))
                    i += 1
                else:
                    found.extra_rows += 1
                    found.note(Sample(finding="extra", row=shortened(keys_right[j])))
                    j += 1
        except TypeError:
            raise NotInKeyOrderError from None
        self._last = [keys_left[i - 1] if i else self._last[0], keys_right[j - 1] if j else self._last[1]]
        found.source_rows += i
        found.target_rows += j
        if i:
            self._observer.source([column[:i] for column in left])
        if j:
            self._observer.target([column[:j] for column in right])
        return i, j

    def _compare_cells(
        self, left: Columns, i: int, right: Columns, j: int, suspects: Sequence[int], key: tuple[Any, ...]
    ) -> None:
        changed = False
        for position in suspects:
            source, target = left[position][i], right[position][j]
            if source == target:
                continue
            # Columns of this batch that agreed in their old places are still as they came.
            normalize = self._normalizers[position]
            source, target = normalize(source), normalize(target)
            if source != target:
                changed = True
                self.difference.note_changed_cell(position, key, source, target)
        if changed:
            self.difference.changed_rows += 1
