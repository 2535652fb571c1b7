"""What MySQL does with a table's rows that another system will not do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sensei.server.engine.catalog import Column, Table
from sensei.server.engine.plan import Risk
from sensei.server.engine.wording import counted


def stays_in_mysql(tables: Sequence[Table]) -> list[Risk]:
    """The risks that lie in how MySQL keeps and compares, table by table."""
    return [*(risk for table in tables for risk in _of(table)), *_collations(tables)]


def _of(table: Table) -> Iterator[Risk]:
    name = table.qualified_name
    if columns := table.extra.get("set_on_update"):
        yield _risk(
            "medium",
            f"{name} sets {columns} to the time of every update; the target does not",
            name,
            mitigation="Make a trigger on the target, or set it in the application.",
        )
    if table.extra.get("versioned"):
        yield _risk(
            "medium", f"{name} keeps the history of its rows; the rows of now are carried, not the history", name
        )
    if engine := table.extra.get("engine"):
        yield _risk(
            "medium",
            f"{name} is kept by {engine}, which cannot be read as of one moment; let nobody write to it meanwhile",
            name,
        )
    if not _can_be_paged(table):
        yield _risk(
            "low",
            f"{name} has no key that is unique and never null; after a stop its rows are copied again from the first",
            name,
            kind="performance",
        )


def _can_be_paged(table: Table) -> bool:
    nullable = {column.name for column in table.columns if column.nullable}
    return bool(table.primary_key) or any(not nullable & set(unique.columns) for unique in table.unique_constraints)


def _collations(tables: Sequence[Table]) -> Iterator[Risk]:
    """Texts that compare without regard to case: keys one by one, the others together."""
    others: list[str] = []
    for table in tables:
        keyed = {*table.primary_key, *(c for unique in table.unique_constraints for c in unique.columns)}
        keyed |= {c for key in table.foreign_keys for c in key.columns}
        for column in table.columns:
            if not _folds(column):
                continue
            place = f"{table.qualified_name}.{column.name}"
            if column.name not in keyed:
                others.append(place)
                continue
            yield _risk(
                "medium",
                f"the key {place} compares by {column.collation}, to which 'a' and 'A' are one; to the target they are "
                "two, so that both may be stored",
                place,
                mitigation="Use an index over lower(…), or a collation that ignores case, where that matters.",
            )
    if others:
        yield Risk(
            severity="low",
            type="semantic_ambiguity",
            description=f"{counted(len(others), 'text column compares', 'text columns compare')} without regard to "
            "case in MySQL; the target compares exactly",
            affected=tuple(others),
            mitigation="Use lower(…) in queries where case must not matter.",
        )


def _folds(column: Column) -> bool:
    collation = column.collation or ""
    return bool(collation) and column.type != "json" and not collation.endswith(("_bin", "_cs"))


def _risk(
    severity: str, description: str, affected: str, *, kind: str = "semantic_ambiguity", mitigation: str | None = None
) -> Risk:
    return Risk(severity=severity, type=kind, description=description, affected=(affected,), mitigation=mitigation)
