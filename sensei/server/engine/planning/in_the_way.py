"""What the target already has under the names of the migration's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sensei.server.engine.catalog import Table
from sensei.server.engine.plan import PlanOptions, Risk
from sensei.server.engine.planning.columns import PlannedColumns
from sensei.server.engine.planning.target import Target

_Key = tuple[str | None, str]


def in_the_way(
    tables: Sequence[Table],
    targets: Mapping[_Key, str],
    columns: Mapping[_Key, PlannedColumns],
    target: Target,
    options: PlanOptions,
) -> list[Risk]:
    """A risk for each table that is there already: what becomes of it, or why the migration would stop.

    Args:
        targets: The name of each table on the target, by (schema, name) on the source.
        columns: What was planned for its columns.
    """
    risks: list[Risk] = []
    for table in tables:
        key = table.schema, table.name
        there = target.existing(targets[key])
        if there is not None:
            risks.append(_risk(there, columns[key], target, options))
    return risks


def _risk(there: Table, planned: PlannedColumns, target: Target, options: PlanOptions) -> Risk:
    name = there.qualified_name

    def risk(severity: str, description: str, mitigation: str | None = None) -> Risk:
        return Risk(
            severity=severity,
            type="target_not_empty",
            description=description,
            affected=(name,),
            mitigation=mitigation,
        )

    if there.type != "table":
        return risk("critical", f"the target has a {there.type.replace('_', ' ')} {name}", "Rename or drop it.")
    if options.drop_existing_tables:
        return risk("high", f"the existing table {name} is dropped with all its rows, as asked")
    if options.fills_existing_tables:
        lacking = _lacking(there, planned, target)
        if lacking:
            return risk(
                "critical",
                f"the existing table {name} lacks the columns {', '.join(lacking)}",
                "Reject their mappings, or add the columns.",
            )
        if options.truncate_existing_tables:
            return risk("high", f"the existing table {name} is emptied first, as asked")
        return risk("medium", f"rows are added to those of the existing table {name}, as asked")
    filled = "with rows" if target.has_rows(there) else "without rows"
    return risk(
        "critical",
        f"the target already has a table {name} {filled}; the migration would stop there",
        "Choose another schema, or drop_existing_tables, truncate_existing_tables or append_to_existing.",
    )


def _lacking(there: Table, planned: PlannedColumns, target: Target) -> list[str]:
    ours = {target.fold(column.name) for column in planned.columns if not column.computed}
    return sorted(ours - {target.fold(column.name) for column in there.columns})
