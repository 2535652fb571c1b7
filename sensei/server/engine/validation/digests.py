"""The exact comparison of two tables that have no common order: as multisets of row digests.

The first reading adds up a digest of every row's normal form on each side. Equal sums mean equal tables, in constant
memory. Only when they differ are the tables read again, in as many parts as memory asks for, to find the rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from sensei.server.engine.validation.cells import Columns, Difference, Observer, Row, Sample, shortened
from sensei.server.engine.validation.forms import Normalize, settled

Reader = Callable[[], Iterator[list[Row]]]
_DIGEST_BYTES = 16
_ROWS_LOOKED_INTO = 10_000
_MOST_UNMATCHED = 1_000_000
"""Digests of rows without a counterpart (yet) that are kept in memory."""
_PREFIX_BYTES = 4
_ALL_DIGESTS = 1 << (8 * _PREFIX_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    source: Reader
    target: Reader
    normalizers: Sequence[Normalize]

    def normal_batches(self) -> Iterator[tuple[Columns, Columns]]:
        """Batches of both sides, turn about, as columns in normal form; empty where one side is at its end."""
        for here, there in zip_longest(self.source(), self.target(), fillvalue=()):
            yield self._normal(here), self._normal(there)

    def _normal(self, rows: Sequence[Row]) -> Columns:
        columns: list[Sequence[object]] = list(zip(*rows, strict=True))
        return [list(map(normalize, column)) for normalize, column in zip(self.normalizers, columns, strict=False)]


def compare_by_digest(
    source: Reader,
    target: Reader,
    *,
    key: Sequence[int],
    normalizers: Sequence[Normalize],
    observer: Observer,
) -> Difference:
    """Compare two tables whatever the order of their rows.

    Parameters:
        source: Begins a new reading of the source each time it is called.
        target: The same of the target.
        key: Positions of columns that identify a row, to tell a changed row from a missing and an extra one;
            empty where there are none.
        normalizers: One per column.
        observer: Told of every row, once.
    """
    sides = _Sides(source=source, target=target, normalizers=normalizers)
    found = Difference(by_digest=True)
    sums = [0, 0]
    for here, there in sides.normal_batches():
        for side, columns in enumerate((here, there)):
            sums[side] += sum(int.from_bytes(digest) for digest in _digests(columns))
        found.source_rows += len(here[0]) if here else 0
        found.target_rows += len(there[0]) if there else 0
        if here == there:
            observer.both(here)
            continue
        if here:
            observer.source(here)
        if there:
            observer.target(there)
    modulus = 1 << (8 * _DIGEST_BYTES)
    if found.source_rows != found.target_rows or sums[0] % modulus != sums[1] % modulus:
        _find_rows(sides, found, key)
    return found


def _digests(columns: Columns) -> Iterator[bytes]:
    ready = [list(map(settled, column)) for column in columns]
    for row in zip(*ready, strict=True):
        yield hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def _find_rows(sides: _Sides, found: Difference, key: Sequence[int]) -> None:
    remembered: Counter[bytes] = Counter()
    begin, size = 0, _ALL_DIGESTS
    while begin < _ALL_DIGESTS:
        unmatched = _unmatched(sides, begin, begin + size)
        if unmatched is None:
            size //= 2
            continue
        begin += size
        found.missing_rows += sum(count for count in unmatched.values() if count > 0)
        found.extra_rows -= sum(count for count in unmatched.values() if count < 0)
        # Of tables that have little in common, not every row can be remembered.
        remembered.update(dict(islice(unmatched.items(), max(0, _MOST_UNMATCHED - len(remembered)))))
    _look_into(sides, found, key, remembered)


def _unmatched(sides: _Sides, begin: int, end: int) -> Counter[bytes] | None:
    """How often more a row is on the source than on the target, by its digest, of digests in a range.

    Rows that both sides give in about the same order cancel out at once. None where too many do not.
    """
    balance: Counter[bytes] = Counter()
    for columns in sides.normal_batches():
        for sign, side in zip((1, -1), columns, strict=True):
            for digest in _digests(side):
                if begin <= int.from_bytes(digest[:_PREFIX_BYTES]) < end:
                    balance[digest] += sign
                    if not balance[digest]:
                        del balance[digest]
        if len(balance) > _MOST_UNMATCHED and end - begin > 1:
            return None
    return balance


def _look_into(sides: _Sides, found: Difference, key: Sequence[int], unmatched: Counter[bytes]) -> None:
    """Fetch the unmatched rows again, and pair those of one key."""
    lone: tuple[list[Row], list[Row]] = ([], [])
    for batch in sides.normal_batches():
        for sign, columns, rows in zip((1, -1), batch, lone, strict=True):
            for digest, row in zip(_digests(columns), zip(*columns, strict=True), strict=True):
                if unmatched.get(digest, 0) * sign > 0 and len(rows) < _ROWS_LOOKED_INTO:
                    unmatched[digest] -= sign
                    rows.append(row)
    missing, extra = lone
    if key:
        by_key = {_key(row, key): row for row in extra}
        for row in missing:
            other = by_key.pop(_key(row, key), None)
            if other is None:
                found.note(Sample(finding="missing", row=shortened(_shown_key(row, key))))
                continue
            found.missing_rows -= 1
            found.extra_rows -= 1
            found.changed_rows += 1
            for position, (source, target) in enumerate(zip(row, other, strict=True)):
                if source != target:
                    found.note_changed_cell(position, _shown_key(row, key), source, target)
        extra = list(by_key.values())
    else:
        for row in missing:
            found.note(Sample(finding="missing", row=shortened(row)))
    for row in extra:
        found.note(Sample(finding="extra", row=shortened(_shown_key(row, key) if key else row)))


def _key(row: Row, key: Sequence[int]) -> str:
    return repr(tuple(settled(row[position]) for position in key))


def _shown_key(row: Row, key: Sequence[int]) -> Row:
    return tuple(row[position] for position in key)
