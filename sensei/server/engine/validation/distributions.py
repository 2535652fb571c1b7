"""Whether two samples are of one distribution, and pictures of them."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, cast

from sensei.server.engine.validation.forms import normalizer
from sensei.server.engine.validation.kinds import Kind
from sensei.server.engine.validation.tallies import Tally

BINS = 20
_OUTLYING = 5
_COMMON_VALUES = 10


def ks_p_value(first: Sequence[float], second: Sequence[float]) -> float:
    """The p-value of the two-sample Kolmogorov-Smirnov test (asymptotic).

    Small values say that the samples are hardly of one distribution; equal samples give 1.

    Examples:
        >>> ks_p_value([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
        1.0
    """
    if not first or not second:
        return 1.0
    distance = ks_distance(first, second)
    if distance == 0.0:
        return 1.0
    effective = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    # Stephens' correction makes the limit distribution good from a handful of values on.
    x = (effective + 0.12 + 0.11 / effective) * distance
    if x < 0.3:
        # The series converges slowly here, and the value is 1 to ten digits.
        return 1.0
    total = 2 * math.fsum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    return min(1.0, max(0.0, total))


def ks_distance(first: Sequence[float], second: Sequence[float]) -> float:
    """The greatest distance between the two empirical distribution functions."""
    a, b = sorted(first), sorted(second)
    i = j = 0
    distance = 0.0
    while i < len(a) and j < len(b):
        value = min(a[i], b[j])
        while i < len(a) and a[i] <= value:
            i += 1
        while j < len(b) and b[j] <= value:
            j += 1
        distance = max(distance, abs(i / len(a) - j / len(b)))
    return distance


def numbers(kind: Kind, values: Sequence[object]) -> list[float]:
    """The values of a sample as finite numbers, as far as they have one: moments as seconds."""
    normalize = normalizer(kind)
    found = (_number(normalize(value)) for value in values if value is not None)
    return [number for number in found if number is not None and math.isfinite(number)]


def _number(value: object) -> float | None:
    if isinstance(value, tuple):
        # A decimal together with its digits behind the point.
        value = cast("tuple[object, ...]", value)[0]
    if isinstance(value, datetime):
        moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    if isinstance(value, date):
        return float((value - date(1970, 1, 1)).days * 86_400)
    if isinstance(value, str | bytes) or value is None:
        return None
    try:
        return float(cast("Any", value))
    except (TypeError, ValueError, OverflowError):
        return None


def median(tally: Tally) -> float | None:
    """The median of a column's sample; None where it has no numbers."""
    found = numbers(tally.kind, tally.sample) if tally.kind.is_number else []
    return statistics.median(found) if found else None


def histograms(source: Tally, target: Tally) -> tuple[list[list[Any]], list[list[Any]]]:
    """The samples of both sides over the same bins, ``[[label, count], …]``.

    Numbers and moments fall into equal ranges; of other values, the most frequent are counted.
    """
    kind = source.kind
    if kind.is_number or kind.is_moment:
        first, second = numbers(kind, source.sample), numbers(kind, target.sample)
        if first or second:
            return _ranges(kind, first, second)
    return _most_frequent(kind, source.sample, target.sample)


def _ranges(kind: Kind, first: list[float], second: list[float]) -> tuple[list[list[Any]], list[list[Any]]]:
    together = first + second
    low, high = _range(sorted(together))
    width = (high / BINS - low / BINS) or 1.0
    count = BINS if high > low else 1
    labels = [_label(kind, low + width * i) for i in range(count)]

    def fill(values: list[float]) -> list[list[Any]]:
        counts = Counter(max(0, min(count - 1, int((value - low) / width))) for value in values)
        return [[label, counts[i]] for i, label in enumerate(labels)]

    return fill(first), fill(second)


def _range(ordered: list[float]) -> tuple[float, float]:
    """From where to where the bins go: over everything, unless a few outliers would leave one bin for the rest.

    Those are then counted in the first and the last bin.
    """
    low, high = ordered[0], ordered[-1]
    inner_low, inner_high = ordered[len(ordered) // 50], ordered[-1 - len(ordered) // 50]
    few = inner_high > inner_low and (high / _OUTLYING - low / _OUTLYING) > inner_high - inner_low
    return (inner_low, inner_high) if few else (low, high)


def _label(kind: Kind, value: float) -> str:
    if kind.is_moment and kind is not Kind.TIME:
        try:
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d")
        except (OverflowError, ValueError, OSError):
            return f"{value:.4g}"
    return f"{value:.4g}"


def _most_frequent(
    kind: Kind, first: Sequence[object], second: Sequence[object]
) -> tuple[list[list[Any]], list[list[Any]]]:
    normalize = normalizer(kind)

    def count(values: Sequence[object]) -> Counter[str]:
        # Of binary values, a sample keeps the lengths alone.
        return Counter(
            _name(value if kind is Kind.BINARY else normalize(value)) for value in values if value is not None
        )

    counts = count(first), count(second)
    together = counts[0] + counts[1]
    labels = [name for name, _ in sorted(together.items(), key=lambda item: (-item[1], item[0]))[:_COMMON_VALUES]]
    return [[label, counts[0][label]] for label in labels], [[label, counts[1][label]] for label in labels]


def _name(value: object) -> str:
    if value == "":
        return "(empty)"
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def patterns(kind: Kind, values: Sequence[object]) -> Counter[str]:
    """The shapes of texts: letters as ``a``, digits as ``9``, runs as one sign."""
    if kind not in (Kind.TEXT, Kind.CHAR):
        return Counter()
    return Counter(_shape(str(value)) for value in values if value is not None)


def _shape(text: str) -> str:
    signs = ["9" if c.isdigit() else "a" if c.isalpha() else c for c in text[:100]]
    return "".join(sign for previous, sign in pairwise(["", *signs]) if sign != previous)
