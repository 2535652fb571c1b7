"""Does every child find its parent?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sensei.server.engine.catalog import ForeignKey
from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.pairs import TablePair
from sensei.server.engine.validation.readable import attempt, readable
from sensei.server.engine.validation.scoring import Findings
from sensei.server.engine.validation.types import PerspectiveResult
from sensei.server.engine.wording import counted

# Of an inferred relation, this share of the children must find their parents.
_INFERRED_SHARE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A reference from one table of the migration to another, or to itself."""

    child: TablePair
    parent: TablePair
    columns: tuple[tuple[int, int], ...]
    """(position in the child's columns, position in the parent's columns)"""
    inferred: bool

    @property
    def label(self) -> str:
        """E.g. ``orders.customer_id → customers.id``."""
        child = ", ".join(self.child.columns[c].source.name for c, _ in self.columns)
        parent = ", ".join(self.parent.columns[p].source.name for _, p in self.columns)
        return f"{self.child.label}.{child} → {self.parent.label}.{parent}"

    def join(self, side: str, *, lone: bool) -> str:
        """SQL for the children ``c`` together with their parents ``p``.

        Columns are called ``k0``, ``k1``, … as the database compares them, and ``v0``, ``v1``, … as they were
        transferred, in the order of `columns`.

        Parameters:
            lone: Also children without a parent.
        """
        child = _renamed(self.child, [c for c, _ in self.columns], side)
        parent = _renamed(self.parent, [p for _, p in self.columns], side)
        condition = " AND ".join(f"c.k{number} = p.k{number}" for number in range(len(self.columns)))
        return f"{child} AS c {'LEFT JOIN' if lone else 'JOIN'} {parent} AS p ON {condition}"


def _renamed(pair: TablePair, positions: Sequence[int], side: str) -> str:
    columns: list[str] = []
    for number, position in enumerate(positions):
        column = pair.columns[position]
        name, value = (
            (column.source_name, column.source_value) if side == "source" else (column.target_name, column.target_value)
        )
        columns += [f"{name} AS k{number}", f"{value} AS v{number}"]
    return f"(SELECT {', '.join(columns)} FROM {pair.source_name if side == 'source' else pair.target_name})"


def relations(pairs: tuple[TablePair, ...]) -> list[Relation]:
    """All references between tables that were carried over with the columns they need, as they came."""
    found: list[Relation] = []
    for child in pairs:
        for key in child.source.foreign_keys:
            relation = _relation(child, key, pairs)
            if relation is not None:
                found.append(relation)
    return found


def _relation(child: TablePair, key: ForeignKey, pairs: tuple[TablePair, ...]) -> Relation | None:
    schema = key.referenced_schema or child.source.schema
    parent = next((p for p in pairs if p.source.name == key.referenced_table and p.source.schema == schema), None)
    if parent is None:
        return None
    columns: list[tuple[int, int]] = []
    for here, there in zip(key.columns, key.referenced_columns, strict=False):
        position, referred = child.position(here), parent.position(there)
        if position is None or referred is None:
            return None
        if child.columns[position].is_transformed or parent.columns[referred].is_transformed:
            return None
        columns.append((position, referred))
    return Relation(child=child, parent=parent, columns=tuple(columns), inferred=key.inferred) if columns else None


def check(context: Context) -> PerspectiveResult:
    """Count orphans on both sides, for every reference."""
    findings = Findings("referential")
    known = relations(tuple(readable(context, findings)))
    orphans = 0
    for number, relation in enumerate(known):
        context.tell(f"following {relation.label}", number / len(known))
        context.go_on()
        with attempt(context, findings, relation.child, relation.label):
            on_target = _orphans(context, relation, "target")
            orphans += on_target
            if on_target:
                _judge(context, relation, on_target, _orphans(context, relation, "source"), findings)
            else:
                findings.passed()
    return findings.result({"relationships_verified": len(known), "orphan_records": orphans})


def _orphans(context: Context, relation: Relation, side: str) -> int:
    present = " AND ".join(f"c.k{number} IS NOT NULL" for number in range(len(relation.columns)))
    query = f"SELECT count(*) FROM {relation.join(side, lone=True)} WHERE {present} AND p.k0 IS NULL"
    return int(context.side(side).scalar(query) or 0)


def _judge(context: Context, relation: Relation, on_target: int, on_source: int, findings: Findings) -> None:
    column = relation.child.columns[relation.columns[0][0]].target.name if len(relation.columns) == 1 else None
    explained = context.left_out(relation.parent) > 0
    new = on_target - on_source
    if relation.inferred:
        name = relation.child.target_name
        children = int(context.target.scalar(f"SELECT count(*) FROM {name}") or 0)
        if children and 1 - on_target / children >= _INFERRED_SHARE:
            findings.passed()
            return
    if new > 0:
        findings.found(
            "E4005",
            f"{counted(on_target, 'row', 'rows')} of {relation.label} without the row referred to"
            + (", since rows of the parent table were left out" if explained else ""),
            severity="warning" if explained or relation.inferred else "error",
            table=relation.child.target,
            column=column,
            expected=on_source,
            actual=on_target,
            affected_records=on_target,
            classification="acceptable_variance" if explained else "migration_defect",
        )
    else:
        findings.found(
            "E4005",
            f"{counted(on_target, 'row', 'rows')} of {relation.label} without the row referred to, as on the source",
            severity="warning",
            table=relation.child.target,
            column=column,
            expected=on_source,
            actual=on_target,
            affected_records=on_target,
            classification="acceptable_variance",
        )
