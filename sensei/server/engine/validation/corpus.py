"""The queries that are replayed on both sides: what an application would ask, made from the structure.

The same migration always gets the same queries: chance is seeded by its id, and values come from the source.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.kinds import Kind
from sensei.server.engine.validation.pairs import ColumnPair, TablePair, bytewise, key_order
from sensei.server.engine.validation.referential import Relation

_KEYS_TRIED = 500
_LOOKUPS = 8
_RANGES = 3
_PAGES = 3
_PAGE_ROWS = 25
_FILTERS = 3
_GROUPS = 100
_LARGE_TABLE = 200_000
"""From so many rows on, a round reads a table as a whole once for every kind of question, not more often."""
_DOUBLES = {"postgresql": "double precision", "sqlite": "REAL"}
_SUMMED = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
_GROUPED = (Kind.TEXT, Kind.INTEGER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question in both languages."""

    shape: str
    """``lookup``, ``range``, ``page``, ``aggregate``, ``group``, ``filter``, ``missing``, ``top`` or ``join``."""
    pair: TablePair
    source_sql: str
    target_sql: str
    kinds: tuple[Kind, ...]
    """What the columns of the answer are compared as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What is known of a table before asking: some keys and values of the source."""

    rows: int
    keys: tuple[tuple[object, ...], ...]


def round_queries(
    context: Context, number: int, relations: Sequence[Relation], samples: dict[str, Sample]
) -> Iterator[Query]:
    """The queries of one round, in the order in which they are asked.

    Parameters:
        number: Of the round; each asks with other values.
        samples: By the table's label; filled as needed and kept between rounds.
    """
    for pair in context.pairs:
        # What only the target cannot read is asked all the same: that there is no answer is the finding.
        if not pair.comparable or not pair.columns or (pair.unreadable and pair.unreadable.side == "source"):
            continue
        if pair.label not in samples:
            samples[pair.label] = _sample(context, pair)
        sample = samples[pair.label]
        seed = f"{context.validation.job.migration_id}/{number}/{pair.label}"
        chance = random.Random(hashlib.sha256(seed.encode()).digest())  # noqa: S311  # repeatable on purpose
        maker = _Maker(context, pair, sample, chance)
        yield from maker.keyed()
        yield from maker.whole_table()
        for relation in relations:
            if relation.child is pair and relation.parent.comparable and not relation.parent.unreadable:
                yield from maker.joins(relation)


def _sample(context: Context, pair: TablePair) -> Sample:
    count = f"SELECT count(*) FROM {pair.source_name}"
    rows = int(context.source.scalar(count) or 0)
    if not pair.can_be_walked or any(pair.columns[p].kind is Kind.ANY for p in pair.key):
        return Sample(rows=rows, keys=())
    values = ", ".join(pair.columns[position].source_raw for position in pair.key)
    keys: list[tuple[object, ...]] = []
    for descending in (False, True):
        order = key_order(pair, "source", context.source.system, descending=descending)
        query = f"SELECT {values} FROM {pair.source_name} ORDER BY {order} LIMIT {_KEYS_TRIED}"
        keys.extend(key for batch in context.source.stream(query) for key in batch)
    return Sample(rows=rows, keys=tuple(keys))


class _Maker:
    """Makes the queries of one table for one round."""

    def __init__(self, context: Context, pair: TablePair, sample: Sample, chance: random.Random) -> None:
        self._systems = (context.source.system, context.target.system)
        self._pair = pair
        self._sample = sample
        self._chance = chance
        self._columns = list(pair.columns)
        self._few = self._columns[:8]

    def _query(self, shape: str, columns: Sequence[ColumnPair], rest: tuple[str, str]) -> Query:
        # Under names that no column has, as ORDER BY prefers what is selected: the text of a number, for instance.
        source = ", ".join(f"{column.source_raw} AS sensei_{n}" for n, column in enumerate(columns))
        target = ", ".join(f"{column.target_raw} AS sensei_{n}" for n, column in enumerate(columns))
        return Query(
            shape=shape,
            pair=self._pair,
            source_sql=f"SELECT {source} FROM {self._pair.source_name} {rest[0]}",
            target_sql=f"SELECT {target} FROM {self._pair.target_name} {rest[1]}",
            kinds=tuple(column.kind for column in columns),
        )

    def _count(self, shape: str, conditions: tuple[str, str]) -> Query:
        return Query(
            shape=shape,
            pair=self._pair,
            source_sql=f"SELECT count(*) FROM {self._pair.source_name} WHERE {conditions[0]}",
            target_sql=f"SELECT count(*) FROM {self._pair.target_name} WHERE {conditions[1]}",
            kinds=(Kind.INTEGER,),
        )

    def _orders(self, *, descending: bool = False) -> tuple[str, str]:
        return (
            key_order(self._pair, "source", self._systems[0], descending=descending),
            key_order(self._pair, "target", self._systems[1], descending=descending),
        )

    def keyed(self) -> Iterator[Query]:
        """Lookups, ranges and pages by the primary key."""
        if not self._sample.keys:
            return
        for _ in range(min(_LOOKUPS, len(self._sample.keys))):
            yield self._query("lookup", self._columns, self._where_key(self._chance.choice(self._sample.keys)))
        first = self._pair.columns[self._pair.key[0]]
        orders = self._orders()
        if first.kind is Kind.INTEGER:
            for _ in range(_RANGES):
                low = self._chance.choice(self._sample.keys)[0]
                span = self._chance.randint(1, 200)
                if isinstance(low, int):
                    yield self._query(
                        "range",
                        self._few,
                        (
                            f"WHERE {first.source_value} BETWEEN {low} AND {low + span} ORDER BY {orders[0]} LIMIT 50",
                            f"WHERE {first.target_value} BETWEEN {low} AND {low + span} ORDER BY {orders[1]} LIMIT 50",
                        ),
                    )
        for _ in range(_PAGES):
            orders = self._orders(descending=self._chance.random() < 0.5)
            skipped = self._chance.randint(0, min(1_000, self._sample.rows))
            page = f"LIMIT {_PAGE_ROWS} OFFSET {skipped}"
            yield self._query("page", self._few, (f"ORDER BY {orders[0]} {page}", f"ORDER BY {orders[1]} {page}"))

    def _where_key(self, key: tuple[object, ...]) -> tuple[str, str]:
        conditions: list[str] = []
        for system, side in zip(self._systems, ("source", "target"), strict=True):
            parts: list[str] = []
            for position, value in zip(self._pair.key, key, strict=True):
                column = self._pair.columns[position]
                name = column.source_value if side == "source" else column.target_value
                parts.append(_equals(system, column.kind, name, value))
            conditions.append("WHERE " + " AND ".join(parts))
        return conditions[0], conditions[1]

    def whole_table(self) -> Iterator[Query]:
        """Questions that need every row: totals, groups, filters, what is missing, the greatest."""
        few = 1 if self._sample.rows >= _LARGE_TABLE else _FILTERS
        yield self._totals()
        numbers = [c for c in self._columns if c.kind in _SUMMED and c.is_number]
        for column in self._some(numbers, few):
            yield self._filter(column)
        for column in self._some([c for c in self._columns if c.kind in _GROUPED and c.is_sorted_alike], few):
            yield self._groups(column)
        for column in self._some(self._columns, few):
            yield self._count("missing", self._both(_is_null, column))
        # Whether the blanks that fill up a CHAR count depends on the system.
        for column in self._some([c for c in self._columns if c.kind is Kind.TEXT and not c.is_respelled], few):
            yield self._count("missing", self._both(_is_empty, column))
            yield self._filter_length(column)
        if self._sample.keys:
            for column in self._some(numbers, 1):
                yield self._top(column)

    def _some(self, columns: Sequence[ColumnPair], count: int) -> list[ColumnPair]:
        return self._chance.sample(columns, min(count, len(columns)))

    def _totals(self) -> Query:
        sides: list[str] = []
        kinds: list[Kind] = [Kind.INTEGER]
        summed = [c for c in self._columns if c.kind in _SUMMED and c.is_number]
        for system, side in zip(self._systems, ("source", "target"), strict=True):
            parts = ["count(*)"]
            for column in summed:
                value = column.source_value if side == "source" else column.target_value
                parts += [f"count({value})", f"min({value})", f"max({value})", f"avg({_wide(system, value)})"]
            sides.append(", ".join(parts))
        for column in summed:
            kinds += [Kind.INTEGER, column.kind, column.kind, Kind.FLOAT]
        return Query(
            shape="aggregate",
            pair=self._pair,
            source_sql=f"SELECT {sides[0]} FROM {self._pair.source_name}",
            target_sql=f"SELECT {sides[1]} FROM {self._pair.target_name}",
            kinds=tuple(kinds),
        )

    def _filter(self, column: ColumnPair) -> Query:
        bound = self._chance.choice((0, 1, 2, 5, 10, 50, 100, 1_000, 10_000, -1))
        return self._count("filter", (f"{column.source_value} > {bound}", f"{column.target_value} > {bound}"))

    def _filter_length(self, column: ColumnPair) -> Query:
        bound = self._chance.randint(1, 40)
        source, target = self._systems
        return self._count(
            "filter",
            (_is_longer(source, column.source_value, bound), _is_longer(target, column.target_value, bound)),
        )

    def _both(self, write: Callable[[str, str], str], column: ColumnPair) -> tuple[str, str]:
        return write(self._systems[0], column.source_value), write(self._systems[1], column.target_value)

    def _groups(self, column: ColumnPair) -> Query:
        sides: list[str] = []
        for system, side, name in (
            (self._systems[0], "source", self._pair.source_name),
            (self._systems[1], "target", self._pair.target_name),
        ):
            value = column.source_raw if side == "source" else column.target_raw
            group = bytewise(system, column.kind, value)
            sides.append(
                f"SELECT min({group}) AS sensei_0, count(*) AS sensei_1 FROM {name} WHERE {value} IS NOT NULL "
                f"GROUP BY {group} ORDER BY count(*) DESC, {group} LIMIT {_GROUPS}"
            )
        return Query(
            shape="group",
            pair=self._pair,
            source_sql=sides[0],
            target_sql=sides[1],
            kinds=(column.kind, Kind.INTEGER),
        )

    def _top(self, column: ColumnPair) -> Query:
        orders = self._orders()
        keys = [self._pair.columns[position] for position in self._pair.key]
        return self._query(
            "top",
            [column, *keys],
            (
                f"WHERE {column.source_value} IS NOT NULL ORDER BY {column.source_value} DESC, {orders[0]} LIMIT 10",
                f"WHERE {column.target_value} IS NOT NULL ORDER BY {column.target_value} DESC, {orders[1]} LIMIT 10",
            ),
        )

    def joins(self, relation: Relation) -> Iterator[Query]:
        """Questions along a reference: how many children have a parent, and a page of both together."""
        inner = [relation.join(side, lone=False) for side in ("source", "target")]
        yield Query(
            shape="join",
            pair=self._pair,
            source_sql=f"SELECT count(*) FROM {inner[0]}",
            target_sql=f"SELECT count(*) FROM {inner[1]}",
            kinds=(Kind.INTEGER,),
        )
        if self._pair.columns[relation.columns[0][0]].is_sorted_alike:
            yield self._children_per_parent(relation)

    def _children_per_parent(self, relation: Relation) -> Query:
        """The parents with most children, by the first column of the reference."""
        child, _ = relation.columns[0]
        kind = self._pair.columns[child].kind
        sides: list[str] = []
        for system, side in zip(self._systems, ("source", "target"), strict=True):
            key = bytewise(system, kind, "p.v0")
            sides.append(
                f"SELECT min({key}) AS sensei_0, count(*) AS sensei_1 FROM {relation.join(side, lone=False)} "
                f"GROUP BY {key} ORDER BY count(*) DESC, {key} LIMIT {_PAGE_ROWS}"
            )
        return Query(
            shape="join", pair=self._pair, source_sql=sides[0], target_sql=sides[1], kinds=(kind, Kind.INTEGER)
        )


def _wide(system: str, value: str) -> str:
    """A number for averaging, in doubles on both sides, without those so large that their sum may run over."""
    double = f"{value} * 1e0" if system == "mysql" else f"CAST({value} AS {_DOUBLES[system]})"
    return f"CASE WHEN {value} BETWEEN -1e100 AND 1e100 THEN {double} END"


def _is_null(system: str, value: str) -> str:
    # To MySQL a date of zeroes IS NULL, for the sake of old drivers.
    return f"{value} <=> NULL" if system == "mysql" else f"{value} IS NULL"


def _is_empty(system: str, value: str) -> str:
    # To MySQL a text of blanks is mostly equal to an empty one.
    return f"length({value}) = 0" if system == "mysql" else f"{value} = ''"


def _is_longer(system: str, value: str, bound: int) -> str:
    """Whether a text has more than so many characters; of one with a NUL character, SQLite sees the beginning alone."""
    match system:
        case "mysql":
            whole = f"LOCATE(x'00', CAST(CONVERT({value} USING utf8mb4) AS BINARY)) = 0"
            return f"char_length({value}) > {bound} AND {whole}"
        case "sqlite":
            return f"length({value}) > {bound} AND instr({value}, char(0)) = 0"
        case _:
            return f"length({value}) > {bound}"


def _equals(system: str, kind: Kind, name: str, value: object) -> str:
    if isinstance(value, int):
        return f"{name} = {value}"
    text = "'" + str(value).replace("'", "''") + "'"
    if kind is Kind.UUID and system == "postgresql":
        return f"{name} = {text}::uuid"
    # By the bytes, as the key itself may ignore case or accents on one side.
    found = f"{bytewise(system, kind, name)} = {text}"
    return f"{name} = {text} AND {found}" if system == "mysql" else found
