"""Do the data agree? Every cell of every row, and the figures that come with reading them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sensei.server.engine.validation import deviations, spot_checks
from sensei.server.engine.validation.cells import (
    Difference,
    NotInKeyOrderError,
    Row,
    compare_in_key_order,
    shortened,
)
from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.digests import compare_by_digest
from sensei.server.engine.validation.distributions import histograms
from sensei.server.engine.validation.kinds import Kind
from sensei.server.engine.validation.pairs import ColumnPair, TablePair, rows_query
from sensei.server.engine.validation.readable import attempt, readable
from sensei.server.engine.validation.scoring import Findings
from sensei.server.engine.validation.tallies import TableTallies, Tally
from sensei.server.engine.validation.types import ColumnProfile, PerspectiveResult

_BATCH_ROWS = 20_000
_BATCH_BYTES = 16 * 1024 * 1024
_GREATEST_BATCH_BYTES = 64 * 1024 * 1024
_EXPANSION = 2
_DISTINCT_COUNTED_UP_TO = 100_000
_PROFILE_KINDS = {
    Kind.BOOLEAN: "boolean",
    Kind.BINARY: "binary",
    **dict.fromkeys((kind for kind in Kind if kind.is_number), "number"),
    **dict.fromkeys((kind for kind in Kind if kind.is_moment), "time"),
}


def check(context: Context) -> tuple[PerspectiveResult, tuple[ColumnProfile, ...]]:
    """Compare all tables; gives the result and a profile of every column that was read."""
    findings = Findings("statistical")
    profiles: list[ColumnProfile] = []
    figures: dict[str, int | float] = {"distributions_compared": 0, "max_deviation": 0.0}
    for number, pair in enumerate(readable(context, findings)):
        context.tell(f"comparing the rows of {pair.label}", number / len(context.pairs))
        context.go_on()
        with attempt(context, findings, pair, f"the rows of {pair.label}"):
            if context.validation.sampled:
                _judge(context, pair, spot_checks.compare(context, pair), findings)
            else:
                profiles.extend(_compare_table(context, pair, number, findings, figures))
    return findings.result(figures), tuple(profiles)


def _compare_table(
    context: Context, pair: TablePair, number: int, findings: Findings, figures: dict[str, int | float]
) -> Iterator[ColumnProfile]:
    rows = int(context.source.scalar(f"SELECT count(*) FROM {pair.source_name}") or 0)
    difference, tallies = _read_both(context, pair, number, rows)
    findings.facts["rows_compared"] = findings.facts.get("rows_compared", 0) + difference.source_rows
    cells = difference.source_rows * len(pair.columns)
    findings.facts["cells_compared"] = findings.facts.get("cells_compared", 0) + cells
    _judge(context, pair, difference, findings)
    of_source, of_target = tallies.of_source(), tallies.of_target()
    appended = context.validation.job.options.append_to_existing
    # What both sides have is then equal, and figures differ only for rows that are judged already.
    settled = not difference.changed_rows and (not difference.extra_rows or appended)
    for position, column in enumerate(pair.columns):
        first, second = of_source[position], of_target[position]
        found = deviations.compare(first, second)
        figures["distributions_compared"] += found.distributions
        if not settled:
            figures["max_deviation"] = max(figures["max_deviation"], round(found.largest, 6))
            for deviation in found.beyond:
                findings.found(
                    "E4004",
                    f"the {deviation.what} of {pair.label}.{column.source.name} has changed",
                    severity="warning",
                    table=pair.target,
                    column=column.target.name,
                    expected=deviation.source,
                    actual=deviation.target,
                )
        findings.passed(found.checks - len(found.beyond))
        equal = not (difference.missing_rows or difference.extra_rows or position in difference.changed_cells)
        yield _profile(context, pair, column, first, second, equal=equal)


def _read_both(context: Context, pair: TablePair, number: int, rows: int) -> tuple[Difference, TableTallies]:
    batch = _batch_rows(context, pair)
    kinds = [column.kind for column in pair.columns]
    normalizers = [column.normalize for column in pair.columns]

    def read(side: str, *, ordered: bool) -> Iterator[list[Row]]:
        connector = context.side(side)
        done = 0
        for read_rows in connector.stream(rows_query(pair, side, connector.system, ordered=ordered), batch):
            yield read_rows
            context.go_on()
            done += len(read_rows)
            share = min(1.0, done / rows) if rows else 1.0
            context.tell(f"comparing the rows of {pair.label}", (number + share) / len(context.pairs))

    if pair.can_be_walked:
        tallies = TableTallies(kinds, rows)
        try:
            difference = compare_in_key_order(
                read("source", ordered=True),
                read("target", ordered=True),
                key=pair.key,
                normalizers=normalizers,
                observer=tallies,
            )
        except NotInKeyOrderError:
            pass
        else:
            return difference, tallies
    tallies = TableTallies(kinds, rows)
    difference = compare_by_digest(
        lambda: read("source", ordered=False),
        lambda: read("target", ordered=False),
        key=pair.key,
        normalizers=normalizers,
        observer=tallies,
    )
    return difference, tallies


def _batch_rows(context: Context, pair: TablePair) -> int:
    """How many rows at a time fit the memory set aside, by their mean and their greatest length."""
    long = [c for c in pair.columns if c.kind in (Kind.TEXT, Kind.BINARY, Kind.JSON, Kind.OTHER, Kind.ANY)]
    if not long:
        return _BATCH_ROWS
    size = "pg_column_size" if context.source.system == "postgresql" else "length"
    lengths = " + ".join(f"coalesce({size}({column.source_value}), 0)" for column in long)
    query = f"SELECT avg(l), max(l) FROM (SELECT {lengths} AS l FROM {pair.source_name}) AS measured"
    [[(mean, greatest)]] = context.source.stream(query)
    # PostgreSQL tells the size as stored, where long values are compressed.
    by_mean = _BATCH_BYTES / max(1.0, _EXPANSION * float(mean or 0))
    by_greatest = _GREATEST_BATCH_BYTES / max(1.0, _EXPANSION * float(greatest or 0))
    return int(max(10, min(_BATCH_ROWS, by_mean, by_greatest)))


def _judge(context: Context, pair: TablePair, difference: Difference, findings: Findings) -> None:
    """Turn what a comparison found into findings; every column is a check, and so is the number of rows."""
    _judge_rows(context, pair, difference, findings)
    for position, column in enumerate(pair.columns):
        changed = difference.changed_cells.get(position, 0)
        if not changed:
            findings.passed()
            continue
        findings.found(
            "E4002",
            f"{_count(changed, 'value')} of {pair.label}.{column.source.name} differ",
            table=pair.target,
            column=column.target.name,
            expected=0,
            actual=changed,
            affected_records=changed,
            details=_details(pair, difference, "changed", position),
        )
        nulls = difference.nulls_changed.get(position, 0)
        if nulls:
            findings.found(
                "E4003",
                f"{_count(nulls, 'value')} of {pair.label}.{column.source.name} are null on one side alone",
                table=pair.target,
                column=column.target.name,
                expected=0,
                actual=nulls,
                affected_records=nulls,
                details=_details(pair, difference, "changed", position),
            )


def _judge_rows(context: Context, pair: TablePair, difference: Difference, findings: Findings) -> None:
    among_missing = 0 if pair.left_out else min(context.left_out(pair), difference.missing_rows)
    missing = difference.missing_rows - among_missing
    left_out = pair.left_out + among_missing
    extra = 0 if context.validation.job.options.append_to_existing else difference.extra_rows
    if not (left_out or missing or difference.extra_rows):
        findings.passed()
    if left_out:
        findings.found(
            "E4001",
            f"{_count(left_out, 'row')} of {pair.label} were left out with a recorded error",
            severity="warning",
            table=pair.target,
            expected=difference.source_rows + pair.left_out,
            actual=difference.target_rows,
            affected_records=left_out,
            classification="acceptable_variance",
            details=_details(pair, difference, "missing"),
        )
    if missing:
        findings.found(
            "E4001",
            f"{_count(missing, 'row')} of {pair.label} are missing on the target",
            table=pair.target,
            expected=difference.source_rows - among_missing,
            actual=difference.target_rows,
            affected_records=missing,
            details=_details(pair, difference, "missing"),
        )
    if extra:
        findings.found(
            "E4001",
            f"{_count(extra, 'row')} of {pair.target.qualified_name} are not on the source",
            table=pair.target,
            expected=difference.source_rows,
            actual=difference.target_rows,
            affected_records=extra,
            details=_details(pair, difference, "extra"),
        )
    elif difference.extra_rows:
        findings.found(
            "E4001",
            f"{_count(difference.extra_rows, 'row')} of {pair.target.qualified_name} are not of this migration",
            severity="info",
            table=pair.target,
            affected_records=difference.extra_rows,
            classification="acceptable_variance",
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _details(pair: TablePair, difference: Difference, finding: str, position: int | None = None) -> dict[str, Any]:
    names = [pair.columns[p].source.name for p in pair.key]
    shown: list[dict[str, object]] = []
    for sample in difference.samples:
        if sample.finding != finding or sample.position != position:
            continue
        row: dict[str, object] = {"row": sample.row}
        if position is not None:
            row |= {"source": _shown(sample.source), "target": _shown(sample.target)}
        shown.append(row)
    return {"row_identified_by": names or "all columns", "samples": shown}


def _shown(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


@dataclass(frozen=True, slots=True)
class _Distinct:
    source: int | None
    target: int | None


def _profile(
    context: Context, pair: TablePair, column: ColumnPair, first: Tally, second: Tally, *, equal: bool
) -> ColumnProfile:
    distinct = _distinct(context, pair, column, max(first.rows, second.rows), equal=equal)
    bars = histograms(first, second)
    return ColumnProfile(
        table=pair.label,
        column=column.source.name,
        kind=_PROFILE_KINDS.get(column.kind) or ("number" if first.numbers and not first.length else "text"),
        source=_side_profile(first, distinct.source, bars[0]),
        target=_side_profile(second, distinct.target, bars[1]),
    )


def _side_profile(tally: Tally, distinct: int | None, bars: list[list[Any]]) -> dict[str, Any]:
    return {
        "rows": tally.rows,
        "nulls": tally.nulls,
        "distinct": distinct,
        "min": shortened(tally.least),
        "max": shortened(tally.greatest),
        "mean": tally.mean,
        "histogram": bars,
    }


def _distinct(context: Context, pair: TablePair, column: ColumnPair, rows: int, *, equal: bool) -> _Distinct:
    """How many different values there are, counted where that is cheap.

    What is equal cell by cell has as many on both sides, however the source may spell them.
    """
    if rows > _DISTINCT_COUNTED_UP_TO or column.kind in (Kind.BINARY, Kind.JSON, Kind.OTHER):
        return _Distinct(None, None)
    on_target = context.target.scalar(f"SELECT count(DISTINCT {column.target_raw}) FROM {pair.target_name}")
    if equal:
        return _Distinct(int(on_target), int(on_target))
    on_source = context.source.scalar(f"SELECT count(DISTINCT {column.source_raw}) FROM {pair.source_name}")
    return _Distinct(int(on_source), int(on_target))
