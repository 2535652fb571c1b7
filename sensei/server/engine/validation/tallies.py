"""Figures of columns, gathered while rows pass by for the exact comparison."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import Any

from sensei.server.engine.validation.cells import Columns
from sensei.server.engine.validation.forms import normalizer
from sensei.server.engine.validation.kinds import Kind

SAMPLE_ROWS = 5_000
_BRIEF = 200


@dataclass(slots=True)
class Tally:
    """Running figures of one column on one side."""

    kind: Kind
    rows: int = 0
    nulls: int = 0
    numbers: int = 0
    """Finite numbers, which `total` and the squares are of."""
    total: float = 0.0
    shift: float | None = None
    shifted: float = 0.0
    """Sum of the differences to `shift`, which keeps the squares small."""
    squares: float = 0.0
    length: int = 0
    """Characters or bytes together."""
    least: Any = None
    greatest: Any = None
    sample: list[object] = field(default_factory=list[object])

    def add(self, values: Sequence[object], sampled: Sequence[object]) -> None:
        """Take in a batch of values, some of which are kept as a sample."""
        nulls = values.count(None)
        self.rows += len(values)
        self.nulls += nulls
        self.sample.extend(map(_brief, sampled))
        present: Sequence[Any] = [v for v in values if v is not None] if nulls else values
        if not present:
            return
        if self.kind.is_number:
            self._add_numbers(present)
        elif self.kind in (Kind.TEXT, Kind.CHAR, Kind.BINARY, Kind.OTHER, Kind.JSON):
            self._add_lengths(present)
        elif self.kind is Kind.ANY:
            self._add_numbers([v for v in present if isinstance(v, int | float)])
            self._add_lengths([v for v in present if isinstance(v, str | bytes)])
        if self.kind.is_moment or self.kind in (Kind.BOOLEAN, Kind.TEXT, Kind.CHAR):
            self._bound(present)

    def _add_numbers(self, values: Sequence[Any]) -> None:
        if not values:
            return
        try:
            total = math.fsum(values)
            if not math.isfinite(total):
                raise ValueError
            numbers: Sequence[Any] = values
        except (TypeError, ValueError, OverflowError):
            numbers = [number for number in map(_as_float, values) if number is not None]
            if not numbers:
                return
            total = _sum(numbers)
        self.numbers += len(numbers)
        self.total += total
        if self.shift is None:
            self.shift = total / len(numbers)
        shift = self.shift
        differences = [float(number) - shift for number in numbers]
        self.shifted += _sum(differences)
        self.squares += _sum(map(mul, differences, differences))
        self._bound(numbers)

    def _add_lengths(self, values: Sequence[Any]) -> None:
        try:
            self.length += sum(map(len, values))
        except TypeError:
            self.length += sum(len(str(value)) for value in values)

    def _bound(self, values: Sequence[Any]) -> None:
        try:
            least, greatest = min(values), max(values)
        except TypeError:
            ordered = sorted(map(str, values))
            least, greatest = ordered[0], ordered[-1]
        if not self.kind.is_number:
            normalize = normalizer(self.kind)
            least, greatest = normalize(least), normalize(greatest)
        self.least = least if self.least is None else _first((self.least, least), min)
        self.greatest = greatest if self.greatest is None else _first((self.greatest, greatest), max)

    def joined(self, other: Tally) -> Tally:
        """The figures of both together; they must have the same `shift` or none."""
        joined = Tally(
            kind=self.kind,
            rows=self.rows + other.rows,
            nulls=self.nulls + other.nulls,
            numbers=self.numbers + other.numbers,
            total=self.total + other.total,
            shift=self.shift if self.shift is not None else other.shift,
            shifted=self.shifted + other.shifted,
            squares=self.squares + other.squares,
            length=self.length + other.length,
            least=self.least,
            greatest=self.greatest,
            sample=self.sample + other.sample,
        )
        if other.least is not None:
            joined.least = other.least if self.least is None else _first((self.least, other.least), min)
            joined.greatest = other.greatest if self.greatest is None else _first((self.greatest, other.greatest), max)
        return joined

    @property
    def mean(self) -> float | None:
        """The mean of the finite numbers; None where there are none."""
        return self.total / self.numbers if self.numbers else None

    @property
    def deviation(self) -> float | None:
        """The standard deviation of the finite numbers (of the whole, not of a sample)."""
        if not self.numbers:
            return None
        mean_difference = self.shifted / self.numbers
        variance = self.squares / self.numbers - mean_difference * mean_difference
        return math.sqrt(max(0.0, variance)) if math.isfinite(variance) else None

    @property
    def mean_length(self) -> float | None:
        """The mean length of texts; None where there are none."""
        present = self.rows - self.nulls
        return self.length / present if self.length and present else None


def _brief(value: object) -> object:
    """A value as it is kept in a sample, which must not become large."""
    if isinstance(value, str):
        return value[:_BRIEF]
    return f"{len(value)} bytes" if isinstance(value, bytes) else value


def _first(pair: tuple[Any, Any], choose: Any) -> Any:
    try:
        return choose(pair)
    except TypeError:
        return choose(pair, key=str)


def _as_float(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _sum(values: Iterable[float]) -> float:
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return math.inf


class TableTallies:
    """The observer of a comparison: figures of every column on both sides.

    Rows that are equal are counted once, for both.
    """

    def __init__(self, kinds: Sequence[Kind], expected_rows: int) -> None:
        self._stride = max(1, expected_rows // SAMPLE_ROWS)
        self._common = [Tally(kind) for kind in kinds]
        self._lone = ([Tally(kind) for kind in kinds], [Tally(kind) for kind in kinds])
        self._seen = [0, 0]

    def both(self, columns: Columns) -> None:
        """Take in rows that are equal."""
        # A sample of one row in so many, by its number on the source: the same rows for both sides.
        self._add(self._common, columns, side=0)
        self._seen[1] += len(columns[0]) if columns else 0

    def source(self, columns: Columns) -> None:
        """Take in rows of the source."""
        self._add(self._lone[0], columns, side=0)

    def target(self, columns: Columns) -> None:
        """Take in rows of the target."""
        self._add(self._lone[1], columns, side=1)

    def _add(self, tallies: Sequence[Tally], columns: Columns, *, side: int) -> None:
        if not columns:
            return
        first = -self._seen[side] % self._stride
        for tally, common, values in zip(tallies, self._common, columns, strict=True):
            if tally.shift is None:
                tally.shift = common.shift
            tally.add(values, values[first :: self._stride])
            if common.shift is None:
                common.shift = tally.shift
        self._seen[side] += len(columns[0])

    def of_source(self) -> list[Tally]:
        """The figures of the source's columns."""
        return [common.joined(lone) for common, lone in zip(self._common, self._lone[0], strict=True)]

    def of_target(self) -> list[Tally]:
        """The figures of the target's columns."""
        return [common.joined(lone) for common, lone in zip(self._common, self._lone[1], strict=True)]
