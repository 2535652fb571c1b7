"""The comparison of two tables agrees with a slow and obvious one, whatever the rows and wherever batches end."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei.server.engine.catalog import Column
from sensei.server.engine.validation import digests
from sensei.server.engine.validation.cells import Difference, NotInKeyOrderError, compare_in_key_order
from sensei.server.engine.validation.digests import compare_by_digest
from sensei.server.engine.validation.distributions import ks_distance, ks_p_value
from sensei.server.engine.validation.forms import normalizer
from sensei.server.engine.validation.kinds import Kind, compared_as
from sensei.server.engine.validation.tallies import TableTallies, Tally
from sensei.server.engine.validation.type_names import canonical

KINDS = (Kind.INTEGER, Kind.TEXT, Kind.DECIMAL)
NORMALIZERS = [normalizer(kind) for kind in KINDS]
Rows = list[tuple[Any, ...]]

texts = st.sampled_from(["", "a", "é", "e\u0301", "\U0001f98a", "z" * 300]) | st.none()
numbers = st.sampled_from([0, 1, -1, -2, 0.5, Decimal("0.50"), "2.5", None])
tables = st.dictionaries(st.integers(-30, 30), st.tuples(texts, numbers), max_size=40).map(
    lambda rows: [(key, *rows[key]) for key in sorted(rows)]
)
sizes = st.integers(1, 7)


def _batches(rows: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for begin in range(0, len(rows), size):
        yield list(rows[begin : begin + size])


def _normal(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(normalize(value) for normalize, value in zip(NORMALIZERS, row, strict=True))


def _expected(source: Rows, target: Rows) -> tuple[int, int, int, int]:
    here, there = ({row[0]: _normal(row) for row in rows} for rows in (source, target))
    changed = [key for key in here.keys() & there.keys() if here[key] != there[key]]
    cells = sum(a != b for key in changed for a, b in zip(here[key], there[key], strict=True))
    return len(here.keys() - there.keys()), len(there.keys() - here.keys()), len(changed), cells


def _found(difference: Difference) -> tuple[int, int, int, int]:
    return (
        difference.missing_rows,
        difference.extra_rows,
        difference.changed_rows,
        sum(difference.changed_cells.values()),
    )


@settings(max_examples=300, derandomize=True, deadline=None)
@given(source=tables, target=tables, here=sizes, there=sizes)
def test_walking_by_key_finds_exactly_what_differs(source: Rows, target: Rows, here: int, there: int) -> None:
    tallies = TableTallies(KINDS, len(source))
    difference = compare_in_key_order(
        _batches(source, here), _batches(target, there), key=[0], normalizers=NORMALIZERS, observer=tallies
    )
    assert _found(difference) == _expected(source, target)
    assert (difference.source_rows, difference.target_rows) == (len(source), len(target))
    for rows, tallied in ((source, tallies.of_source()), (target, tallies.of_target())):
        for position, tally in enumerate(tallied):
            assert tally.rows == len(rows)
            assert tally.nulls == sum(row[position] is None for row in rows)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(source=tables, target=tables, here=sizes, there=sizes, order=st.randoms(use_true_random=False))
def test_comparing_by_digest_finds_the_same_in_any_order(
    source: Rows, target: Rows, here: int, there: int, order: Any
) -> None:
    shuffled = list(target)
    order.shuffle(shuffled)
    difference = compare_by_digest(
        lambda: _batches(source, here),
        lambda: _batches(shuffled, there),
        key=[0],
        normalizers=NORMALIZERS,
        observer=TableTallies(KINDS, len(source)),
    )
    assert _found(difference) == _expected(source, target)
    assert difference.by_digest


@settings(max_examples=200, derandomize=True, deadline=None)
@given(source=st.lists(st.tuples(texts, numbers), max_size=30), target=st.lists(st.tuples(texts, numbers), max_size=30))
def test_without_a_key_rows_are_counted_as_often_as_they_occur(source: Rows, target: Rows) -> None:
    normalizers = NORMALIZERS[1:]
    difference = compare_by_digest(
        lambda: _batches(source, 4),
        lambda: _batches(target, 3),
        key=[],
        normalizers=normalizers,
        observer=TableTallies(KINDS[1:], len(source)),
    )
    here, there = (
        Counter(tuple(n(value) for n, value in zip(normalizers, row, strict=True)) for row in rows)
        for rows in (source, target)
    )
    assert (difference.missing_rows, difference.extra_rows) == ((here - there).total(), (there - here).total())


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ([(2, "a", 1), (1, "b", 1)], [(1, "b", 1), (2, "a", 1)]),
        ([("b", "a", 1), (1, "b", 1)], [(1, "b", 1), (2, "a", 1)]),
        ([(1, "a", 1), (1, "b", 1)], [(1, "a", 1), (1, "c", 1)]),
        ([(None, "a", 1)], [(1, "a", 1)]),
    ],
)
def test_rows_out_of_order_are_noticed_rather_than_misjudged(source: Rows, target: Rows) -> None:
    with pytest.raises(NotInKeyOrderError):
        compare_in_key_order(
            iter([source]),
            iter([target]),
            key=[0],
            normalizers=[normalizer(Kind.ANY), *NORMALIZERS[1:]],
            observer=TableTallies(KINDS, 2),
        )


def test_minus_one_and_minus_two_are_not_the_same() -> None:
    # Python's own hash is equal for the two.
    difference = compare_by_digest(
        lambda: iter([[(-1,)]]),
        lambda: iter([[(-2,)]]),
        key=[],
        normalizers=[normalizer(Kind.INTEGER)],
        observer=TableTallies([Kind.INTEGER], 1),
    )
    assert (difference.missing_rows, difference.extra_rows) == (1, 1)


PLUS_TWO = timezone(timedelta(hours=2))

EQUAL = [
    (Kind.INTEGER, 1, True),
    (Kind.INTEGER, "12", 12),
    (Kind.INTEGER, 3.0, 3),
    (Kind.DECIMAL, 25, Decimal("25.00")),
    (Kind.DECIMAL, 0.1, Decimal("0.1")),
    (Kind.DECIMAL, "1E+3", Decimal(1000)),
    (Kind.DECIMAL, "NaN", Decimal("NaN")),
    (Kind.DECIMAL_TEXT, "25.00", "25.00"),
    (Kind.FLOAT, math.nan, math.nan),
    (Kind.FLOAT, "Infinity", math.inf),
    (Kind.FLOAT, 1, 1.0),
    (Kind.FLOAT32, 0.1, 0.10000000149011612),
    (Kind.BOOLEAN, 1, True),
    (Kind.BOOLEAN, "t", 1),
    (Kind.TEXT, "e\u0301", "é"),
    (Kind.TEXT, 5, "5"),
    (Kind.CHAR, "ab", "ab   "),
    (Kind.DATE, "2024-01-01", date(2024, 1, 1)),
    (Kind.DATE, "2024-01-01 00:00:00", "2024-01-01"),
    (Kind.TIME, "10:00", time(10)),
    (Kind.TIMESTAMP, "2024-01-01T10:00:00", datetime.fromisoformat("2024-01-01T10:00:00")),
    (Kind.TIMESTAMP, "2024-01-01 10:00:00.1234567", "2024-01-01 10:00:00.123457"),
    (Kind.TIMESTAMPTZ, "2024-01-01 10:00:00+02:00", "2024-01-01 08:00:00+00"),
    (Kind.TIMESTAMPTZ, "2024-01-01T08:00:00Z", datetime(2024, 1, 1, 10, tzinfo=PLUS_TWO)),
    (Kind.TIMESTAMPTZ, "2024-01-01 08:00:00", datetime(2024, 1, 1, 8, tzinfo=UTC)),
    (Kind.UUID, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    (Kind.UUID, UUID(int=5).bytes, str(UUID(int=5))),
    (Kind.JSON, '{"a": 1, "b": [1.10]}', '{"b":[1.1],"a":1}'),
    (Kind.BINARY, "abc", b"abc"),
    (Kind.OTHER, "1 day", "1 day"),
]

DIFFERENT = [
    (Kind.INTEGER, 9007199254740993, 9007199254740992.0),
    (Kind.INTEGER, "x", 0),
    (Kind.DECIMAL, Decimal("0.10"), Decimal("0.1000000000000000055")),
    (Kind.DECIMAL_TEXT, "25.00", "25"),
    (Kind.FLOAT, 0.1, 0.10000000000000002),
    (Kind.FLOAT, math.nan, None),
    (Kind.BOOLEAN, 2, True),
    (Kind.TEXT, "", None),
    (Kind.TEXT, "a\x00b", "a"),
    (Kind.TEXT, " a", "a"),
    (Kind.CHAR, "ab", " ab"),
    (Kind.TIMESTAMP, "2024-01-01 10:00:00", "2024-01-01 10:00:00.000001"),
    (Kind.TIMESTAMP, "2024-01-01 10:00:00+02:00", "2024-01-01 10:00:00"),
    (Kind.TIMESTAMPTZ, "2024-01-01 10:00:00+02:00", "2024-01-01 10:00:00+00"),
    (Kind.TIMESTAMP, "0000-00-00 00:00:00", None),
    (Kind.DATE, "2024-01-01 10:00:00", "2024-01-01"),
    (Kind.JSON, "1.0000000000000000001", "1"),
    (Kind.JSON, "null", None),
    (Kind.BINARY, b"", None),
    (Kind.BINARY, b"\x00", b""),
    (Kind.ANY, "5", 5),
]


@pytest.mark.parametrize(("kind", "source", "target"), EQUAL)
def test_two_spellings_of_one_value_are_equal(kind: Kind, source: object, target: object) -> None:
    assert normalizer(kind)(source) == normalizer(kind)(target)


@pytest.mark.parametrize(("kind", "source", "target"), DIFFERENT)
def test_two_values_are_not_taken_for_one(kind: Kind, source: object, target: object) -> None:
    assert normalizer(kind)(source) != normalizer(kind)(target)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(list(Kind)),
    value=st.none() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.datetimes(),
)
def test_no_value_breaks_a_comparison(kind: Kind, value: object) -> None:
    normal = normalizer(kind)(value)
    assert (normal is None) == (value is None)


@pytest.mark.parametrize(
    ("source_system", "source", "target_system", "target", "kind"),
    [
        ("sqlite", "DATETIME", "postgresql", "TIMESTAMP WITH TIME ZONE", Kind.TIMESTAMPTZ),
        ("sqlite", "", "postgresql", "TEXT", Kind.TEXT),
        ("postgresql", "numeric(10,2)", "sqlite", "TEXT", Kind.DECIMAL_TEXT),
        ("postgresql", "numeric(10,2)", "sqlite", "NUMERIC(10, 2)", Kind.DECIMAL),
        ("postgresql", "timestamptz", "sqlite", "TEXT", Kind.TIMESTAMPTZ),
        ("postgresql", "integer[]", "sqlite", "TEXT", Kind.OTHER),
        ("postgresql", "real", "postgresql", "double precision", Kind.FLOAT),
        ("postgresql", "uuid", "postgresql", "text", Kind.UUID),
        ("sqlite", "REAL", "sqlite", "REAL", Kind.FLOAT),
        ("sqlite", "POINT", "sqlite", "POINT", Kind.ANY),
        ("mysql", "bigint(20) unsigned", "postgresql", "numeric(20,0)", Kind.DECIMAL),
        ("mysql", "timestamp", "postgresql", "timestamp with time zone", Kind.TIMESTAMPTZ),
    ],
)
def test_the_types_of_both_sides_decide_how_values_are_compared(
    source_system: str, source: str, target_system: str, target: str, kind: Kind
) -> None:
    columns = Column(name="a", type=source), Column(name="a", type=target)
    assert compared_as(source_system, columns[0], target_system, columns[1]) is kind


@pytest.mark.parametrize(
    ("system", "first", "second"),
    [
        ("postgresql", "VARCHAR( 40 )", "character varying(40)"),
        ("postgresql", "NUMERIC(10, 2)", "numeric(10,2)"),
        ("postgresql", "NUMERIC(10)", "numeric(10,0)"),
        ("postgresql", "TIMESTAMP WITH TIME ZONE", "timestamptz"),
        ("postgresql", "TIMESTAMP(3) WITH TIME ZONE", "timestamp(3) with time zone"),
        ("postgresql", "TIMESTAMP(6)", "timestamp without time zone"),
        ("postgresql", "INT4", "integer"),
        ("postgresql", "CHAR", "character(1)"),
        ("postgresql", "int4[]", "integer[]"),
        ("mysql", "int(11)", "INTEGER"),
        ("mysql", "DECIMAL(10)", "decimal(10,0)"),
        ("mysql", "bigint(20) unsigned", "BIGINT UNSIGNED"),
        ("mysql", "BOOLEAN", "tinyint(1)"),
        ("sqlite", "Decimal(10,  2)", "decimal(10,2)"),
    ],
)
def test_a_type_is_recognised_in_another_spelling(system: str, first: str, second: str) -> None:
    assert canonical(system, first) == canonical(system, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("varchar(40)", "varchar(41)"),
        ("numeric(10,2)", "numeric(10,3)"),
        ("numeric(10,2)", "numeric"),
        ("timestamp", "timestamptz"),
        ("timestamp(3)", "timestamp"),
        ("integer", "bigint"),
        ("integer", "integer[]"),
        ("varchar", "text"),
    ],
)
def test_two_types_are_not_taken_for_one(first: str, second: str) -> None:
    assert canonical("postgresql", first) != canonical("postgresql", second)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60))
def test_figures_gathered_in_batches_are_those_of_the_whole(values: list[float]) -> None:
    tally = Tally(Kind.FLOAT)
    for batch in _batches(values, 7):
        tally.add(batch, batch)
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    assert tally.mean == pytest.approx(mean, abs=1e-6)
    assert tally.deviation == pytest.approx(deviation, rel=1e-6, abs=1e-4)
    assert (tally.least, tally.greatest) == (min(values), max(values))


def test_figures_survive_what_cannot_be_added_up() -> None:
    tally = Tally(Kind.FLOAT)
    values = [math.inf, -math.inf, math.nan, 1e308, 1e308, None, "text", 2.0]
    tally.add(values, values)
    assert (tally.rows, tally.nulls, tally.numbers) == (8, 1, 3)


@pytest.mark.parametrize("batches", [[["a", "b"], [1, 3]], [[1, 3], ["a", b"b"]], [["a"], [b"b"]], [[None], ["a"]]])
def test_a_column_of_anything_may_have_batches_without_a_number(batches: list[list[object]]) -> None:
    tally = Tally(Kind.ANY)
    for batch in batches:
        tally.add(batch, batch)
    numbers = [value for batch in batches for value in batch if isinstance(value, int)]
    assert tally.numbers == len(numbers)
    assert tally.mean == (sum(numbers) / len(numbers) if numbers else None)


@pytest.mark.parametrize(
    ("first", "second", "distance", "p"),
    [
        ([1, 2, 3], [1, 2, 3], 0.0, 1.0),
        (list(range(100)), [n + 50 for n in range(100)], 0.5, 1.0e-11),
        (list(range(100)), [n + 10 for n in range(100)], 0.1, 0.6766),
        ([0] * 50 + [1] * 50, [0] * 80 + [1] * 20, 0.3, 1.5e-4),
    ],
)
def test_the_kolmogorov_smirnov_test_agrees_with_known_values(
    first: list[float], second: list[float], distance: float, p: float
) -> None:
    assert ks_distance(first, second) == pytest.approx(distance)
    assert ks_p_value(first, second) == pytest.approx(p, rel=0.35, abs=1e-10)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(source=tables, target=tables, most=st.integers(1, 8))
def test_memory_for_few_rows_finds_as_many_that_differ(source: Rows, target: Rows, most: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(digests, "_MOST_UNMATCHED", most)
        difference = compare_by_digest(
            lambda: _batches(source, 2),
            lambda: _batches(target, 3),
            key=[],
            normalizers=NORMALIZERS,
            observer=TableTallies(KINDS, len(source)),
        )
    here, there = (Counter(map(_normal, rows)) for rows in (source, target))
    assert (difference.missing_rows, difference.extra_rows) == ((here - there).total(), (there - here).total())


def test_tables_in_the_same_order_are_read_three_times_however_large_they_are() -> None:
    rows: Rows = [(n, "a", n) for n in range(2_000)]
    readings = 0

    def read(given: Rows) -> Iterator[list[Any]]:
        nonlocal readings
        readings += 1
        return _batches(given, 50)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(digests, "_MOST_UNMATCHED", 200)
        difference = compare_by_digest(
            lambda: read(rows),
            lambda: read([*rows[:-1], (1_999, "b", 1_999)]),
            key=[0],
            normalizers=NORMALIZERS,
            observer=TableTallies(KINDS, len(rows)),
        )
    assert _found(difference) == (0, 0, 1, 1)
    assert readings == 2 * 3


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ('{"a": 1, "b": [1e2]}', '{"b":[100],"a":1.0}', True),
        ("[-0.0, 0, -0]", "[0,0.00,0e5]", True),
        ("1E-20", "0.00000000000000000001", True),
        ("1e400", "1" + "0" * 400, True),
        ("0.1", "0.1000000000000000055", False),
        ("1.0000000000000000000000000000000001", "1.0000000000000000000000000000000002", False),
        ("12345678901234567890123456789012345678.5", "12345678901234567890123456789012345679.5", False),
        ('{"number": "1.5"}', "1.5", False),
        ("1", "true", False),
        ("1", '"1"', False),
        ("null", '""', False),
        ("1e999999999", "1e999999998", False),
    ],
)
def test_json_is_compared_by_what_it_says(first: str, second: str, same: bool) -> None:
    normalize = normalizer(Kind.JSON)
    assert (normalize(first) == normalize(second)) is same
