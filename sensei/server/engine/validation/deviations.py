"""Whether the figures of a column on both sides are within the contract's tolerances."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sensei.server.engine.validation.distributions import ks_p_value, median, numbers, patterns
from sensei.server.engine.validation.tallies import Tally

MEAN = 0.0001
MEDIAN = 0.001
DEVIATION = 0.01
MEAN_LENGTH = 0.05
PATTERN_SHARE = 0.01
KS_P = 0.05
_PATTERNS = 10


@dataclass(frozen=True, slots=True)
class Deviation:
    """A figure that differs by more than is tolerated."""

    what: str
    source: float | int
    target: float | int


@dataclass(slots=True)
class Deviations:
    """What comparing one column's figures gave."""

    checks: int = 0
    distributions: int = 0
    largest: float = 0.0
    """The largest relative difference, 0.002 being 0.2 %."""
    beyond: list[Deviation] = field(default_factory=list[Deviation])

    def compare(self, what: str, source: float | None, target: float | None, tolerance: float, scale: float) -> None:
        """Compare one figure; differences are relative to the greater of the figures and `scale`."""
        if source is None and target is None:
            return
        self.checks += 1
        difference = relative(source or 0.0, target or 0.0, scale)
        self.largest = max(self.largest, difference)
        if difference > tolerance:
            self.beyond.append(Deviation(what, source or 0.0, target or 0.0))


def relative(first: float, second: float, scale: float = 0.0) -> float:
    """How far two figures are apart, in proportion; 0 when equal, at most 2."""
    if first == second:
        return 0.0
    base = max(abs(first), abs(second), abs(scale))
    return abs(first - second) / base if math.isfinite(base) else 1.0


def compare(source: Tally, target: Tally) -> Deviations:
    """Compare all figures of a column but counts of rows and cells, which the exact comparison settles."""
    found = Deviations()
    found.compare("number of nulls", source.nulls, target.nulls, 0.0, 0.0)
    spread = source.deviation or 0.0
    found.compare("mean", source.mean, target.mean, MEAN, spread)
    found.compare("standard deviation", source.deviation, target.deviation, DEVIATION, 0.0)
    if source.kind.is_number:
        found.compare("median", median(source), median(target), MEDIAN, spread)
    found.compare("mean length", source.mean_length, target.mean_length, MEAN_LENGTH, 0.0)
    _compare_distribution(found, source, target)
    _compare_patterns(found, source, target)
    return found


def _compare_distribution(found: Deviations, source: Tally, target: Tally) -> None:
    if not (source.kind.is_number or source.kind.is_moment):
        return
    first, second = numbers(source.kind, source.sample), numbers(target.kind, target.sample)
    if not first and not second:
        return
    found.checks += 1
    found.distributions += 1
    p = ks_p_value(first, second) if first and second else 0.0
    if p <= KS_P:
        found.beyond.append(Deviation("distribution (p of the Kolmogorov-Smirnov test)", 1.0, round(p, 6)))


def _compare_patterns(found: Deviations, source: Tally, target: Tally) -> None:
    first, second = patterns(source.kind, source.sample), patterns(target.kind, target.sample)
    if not first or not second:
        return
    found.checks += 1
    found.distributions += 1
    for pattern, count in first.most_common(_PATTERNS):
        here, there = count / first.total(), second[pattern] / second.total()
        if abs(here - there) > PATTERN_SHARE:
            found.beyond.append(
                Deviation(f"share of values that look like {pattern[:40]!r}", round(here, 4), round(there, 4))
            )
            return
