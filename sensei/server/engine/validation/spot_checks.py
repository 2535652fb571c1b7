"""The quick look: counts, nulls, and some rows from the beginning, the end and between."""

from __future__ import annotations

from collections.abc import Iterator

from sensei.server.engine.validation.cells import Columns, Difference, NotInKeyOrderError, Row, compare_in_key_order
from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.kinds import Kind
from sensei.server.engine.validation.pairs import TablePair, key_order, rows_query

_ENDS = 200
_BETWEEN = 100
_PLACES = 8


def compare(context: Context, pair: TablePair) -> Difference:
    """Count both tables and compare some rows; gives what was found as if it were all."""
    found = Difference()
    counts = [_counts(context, pair, side) for side in ("source", "target")]
    found.source_rows, found.target_rows = counts[0][0], counts[1][0]
    found.missing_rows = max(0, found.source_rows - found.target_rows)
    found.extra_rows = max(0, found.target_rows - found.source_rows)
    if not context.left_out(pair) and not context.validation.job.options.append_to_existing:
        for position, (first, second) in enumerate(zip(counts[0][1:], counts[1][1:], strict=True)):
            if first != second and found.source_rows == found.target_rows:
                found.changed_cells[position] = found.nulls_changed[position] = abs(first - second)
                found.changed_rows = max(found.changed_rows, abs(first - second))
    if pair.can_be_walked:
        for spot in _spots(context, pair):
            _compare_spot(context, pair, spot, found)
    return found


def _counts(context: Context, pair: TablePair, side: str) -> list[int]:
    """Rows, then values that are not null by column."""
    connector = context.side(side)
    parts = ["count(*)", *(f"count({c.source_raw if side == 'source' else c.target_raw})" for c in pair.columns)]
    query = f"SELECT {', '.join(parts)} FROM {context.table_name(pair, side)}"
    return [int(value) for rows in connector.stream(query) for row in rows for value in row]


def _spots(context: Context, pair: TablePair) -> Iterator[tuple[str, bool, int]]:
    """(condition, from the end, rows) of each spot; the condition begins with WHERE, or is empty."""
    yield "", False, _ENDS
    yield "", True, _ENDS
    first = pair.columns[pair.key[0]]
    if first.kind is not Kind.INTEGER:
        return
    least, greatest = (
        context.source.scalar(f"SELECT {what}({first.source_value}) FROM {pair.source_name}") for what in ("min", "max")
    )
    if isinstance(least, int) and isinstance(greatest, int):
        for place in range(1, _PLACES + 1):
            yield f"{least + (greatest - least) * place // (_PLACES + 1)}", False, _BETWEEN


def _compare_spot(context: Context, pair: TablePair, spot: tuple[str, bool, int], found: Difference) -> None:
    beginning, from_end, size = spot
    sides = [_read_spot(context, pair, side, beginning, size, from_end=from_end) for side in ("source", "target")]
    try:
        difference = compare_in_key_order(
            iter([sides[0]]),
            iter([sides[1]]),
            key=pair.key,
            normalizers=[column.normalize for column in pair.columns],
            observer=_Blind(),
        )
    except NotInKeyOrderError:
        return
    # Rows that only one side shows may lie beyond the edge of the other's spot: the counts tell of those.
    found.changed_rows += difference.changed_rows
    for position, count in difference.changed_cells.items():
        found.changed_cells[position] = found.changed_cells.get(position, 0) + count
    for position, count in difference.nulls_changed.items():
        found.nulls_changed[position] = found.nulls_changed.get(position, 0) + count
    for sample in difference.samples:
        if sample.finding == "changed":
            found.note(sample)


def _read_spot(context: Context, pair: TablePair, side: str, beginning: str, size: int, *, from_end: bool) -> list[Row]:
    connector = context.side(side)
    query = rows_query(pair, side, connector.system, ordered=False)
    if beginning:
        first = pair.columns[pair.key[0]]
        query += f" WHERE {first.source_value if side == 'source' else first.target_value} >= {beginning}"
    query += f" ORDER BY {key_order(pair, side, connector.system, descending=from_end)} LIMIT {size}"
    rows = [row for batch in connector.stream(query) for row in batch]
    return rows[::-1] if from_end else rows


class _Blind:
    def both(self, columns: Columns) -> None: ...

    def source(self, columns: Columns) -> None: ...

    def target(self, columns: Columns) -> None: ...
