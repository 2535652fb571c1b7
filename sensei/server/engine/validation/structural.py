"""Is the target built as planned?"""

from __future__ import annotations

from collections.abc import Sequence

from sensei.server.engine.catalog import Catalog, Column, ForeignKey, Table
from sensei.server.engine.job import Selection
from sensei.server.engine.validation import defaults, sequences
from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.pairs import TablePair
from sensei.server.engine.validation.scoring import Findings
from sensei.server.engine.validation.type_names import canonical
from sensei.server.engine.validation.types import PerspectiveResult


def check(context: Context) -> PerspectiveResult:
    """Compare the target's structure with the plan as it was decided."""
    findings = Findings("structural")
    actual = target_catalog(context)
    columns = 0
    for number, pair in enumerate(context.pairs):
        context.tell(f"looking at the structure of {pair.target.qualified_name}", number / max(1, len(context.pairs)))
        context.go_on()
        table = find_table(actual, pair.target)
        if table is None:
            findings.found(
                "E2001",
                f"the table {pair.target.qualified_name} is missing",
                severity="critical",
                table=pair.target,
                expected=pair.target.qualified_name,
                actual=None,
            )
            continue
        findings.passed()
        columns += len(pair.target.columns)
        _check_columns(context, pair, table, findings)
        _check_keys(context, pair.target, table, findings)
        if not context.validation.before_cutover:
            _check_indexes(pair.target, table, findings)
            _check_foreign_keys(pair.target, table, actual.default_schema, findings)
            sequences.check(context, pair, findings)
    return findings.result({"tables_checked": len(context.pairs), "columns_checked": columns})


def target_catalog(context: Context) -> Catalog:
    """What there is on the target now, of the tables of the plan."""
    schemas = {pair.target.schema for pair in context.pairs if pair.target.schema}
    return context.target.read_catalog(Selection(schemas=tuple(sorted(schemas))))


def find_table(catalog: Catalog, planned: Table) -> Table | None:
    """The planned table as it is; None if there is none."""
    for table in catalog.tables:
        if table.name == planned.name and same_schema(table.schema, planned.schema, catalog.default_schema):
            return table
    return None


def same_schema(first: str | None, second: str | None, default: str | None) -> bool:
    """Whether two schema names mean the same schema, none being the default one."""
    return (first or default) == (second or default)


def _check_columns(context: Context, pair: TablePair, table: Table, findings: Findings) -> None:
    there = {column.name: column for column in table.columns}
    for planned in pair.target.columns:
        column = there.get(planned.name)
        if column is None:
            findings.found(
                "E2002",
                f"the column {pair.target.qualified_name}.{planned.name} is missing",
                severity="critical",
                table=pair.target,
                column=planned.name,
                expected=planned.type,
                actual=None,
            )
            continue
        _check_column(context, pair.target, planned, column, findings)
    known = {column.name for column in pair.target.columns}
    for name in there.keys() - known:
        if not context.validation.job.options.append_to_existing:
            findings.found(
                "E2004",
                f"the column {pair.target.qualified_name}.{name} is not of the plan",
                severity="warning",
                table=pair.target,
                column=name,
                classification="acceptable_variance",
            )


def _check_column(context: Context, table: Table, planned: Column, column: Column, findings: Findings) -> None:
    system = context.target.system
    label = f"{table.qualified_name}.{planned.name}"
    if canonical(system, planned.type) == canonical(system, column.type):
        findings.passed()
    else:
        findings.found(
            "E2004",
            f"the type of {label} is not as planned",
            table=table,
            column=planned.name,
            expected=planned.type,
            actual=column.type,
        )
    # A primary key implies NOT NULL, whether or not it is written.
    nullable = planned.nullable and planned.name not in table.primary_key
    if nullable == (column.nullable and column.name not in table.primary_key):
        findings.passed()
    else:
        findings.found(
            "E2004",
            f"{label} {'must' if column.nullable else 'need'} not be null"
            + (" as planned" if nullable else ", but may be"),
            table=table,
            column=planned.name,
            expected="NULL" if nullable else "NOT NULL",
            actual="NULL" if column.nullable else "NOT NULL",
        )
    if defaults.same(context.target, planned, column):
        findings.passed()
    else:
        findings.found(
            "E2004",
            f"the default of {label} is not as planned",
            table=table,
            column=planned.name,
            expected=planned.default,
            actual=column.default,
        )


def _check_keys(context: Context, planned: Table, table: Table, findings: Findings) -> None:
    if set(planned.primary_key) == set(table.primary_key):
        findings.passed()
    elif not (context.validation.before_cutover and not table.primary_key):
        findings.found(
            "E2005" if not table.primary_key else "E2004",
            f"the primary key of {planned.qualified_name} is not as planned",
            table=planned,
            expected=list(planned.primary_key),
            actual=list(table.primary_key),
        )
    if context.validation.before_cutover:
        return
    unique = _unique_column_sets(table)
    for constraint in planned.unique_constraints:
        if frozenset(constraint.columns) in unique:
            findings.passed()
        else:
            findings.found(
                "E2007",
                f"the unique constraint over {_names(constraint.columns)} of {planned.qualified_name} is missing",
                table=planned,
                column=constraint.columns[0] if len(constraint.columns) == 1 else None,
                expected=list(constraint.columns),
                actual=None,
            )
    names = {check.name for check in table.check_constraints}
    for check in planned.check_constraints:
        # Databases write conditions in words of their own, so that names and numbers are all there is to compare.
        if check.name in names or len(table.check_constraints) >= len(planned.check_constraints):
            findings.passed()
        else:
            findings.found(
                "E2007",
                f"a check constraint of {planned.qualified_name} is missing: {check.expression[:200]}",
                table=planned,
                expected=check.expression,
                actual=None,
            )


def _unique_column_sets(table: Table) -> set[frozenset[str]]:
    """The sets of columns whose values are unique, by whatever means."""
    found = {frozenset(constraint.columns) for constraint in table.unique_constraints}
    found |= {frozenset(i.columns) for i in table.indexes if i.unique and i.expression is None and i.where is None}
    if table.primary_key:
        found.add(frozenset(table.primary_key))
    return found


def _check_indexes(planned: Table, table: Table, findings: Findings) -> None:
    unique = _unique_column_sets(table)
    plain = [(index.columns, set(index.descending)) for index in table.indexes if index.expression is None]
    plain += [(constraint.columns, set[str]()) for constraint in table.unique_constraints]
    for index in planned.indexes:
        if index.expression is not None:
            continue
        partial = any(i.columns == index.columns and i.unique and i.where is not None for i in table.indexes)
        if index.unique:
            good = frozenset(index.columns) in unique or (index.where is not None and partial)
        else:
            good = (index.columns, set(index.descending)) in plain or index.columns == table.primary_key
        if good:
            findings.passed()
        else:
            findings.found(
                "E2008",
                f"the {'unique ' if index.unique else ''}index over {_names(index.columns)} of "
                f"{planned.qualified_name} is missing",
                severity="error",
                table=planned,
                column=index.columns[0] if len(index.columns) == 1 else None,
                expected=list(index.columns),
                actual=None,
            )


def _check_foreign_keys(planned: Table, table: Table, default_schema: str | None, findings: Findings) -> None:
    def described(key: ForeignKey) -> tuple[frozenset[tuple[str, str]], str | None, str]:
        pairs = frozenset(zip(key.columns, key.referenced_columns, strict=False))
        return pairs, key.referenced_schema or planned.schema or default_schema, key.referenced_table

    there = {described(key): key for key in table.foreign_keys}
    for key in planned.foreign_keys:
        if key.inferred:
            continue
        found = there.get(described(key))
        if found is None:
            findings.found(
                "E2007",
                f"the foreign key over {_names(key.columns)} of {planned.qualified_name} is missing",
                table=planned,
                column=key.columns[0] if len(key.columns) == 1 else None,
                expected=f"{key.referenced_table} ({', '.join(key.referenced_columns)})",
                actual=None,
            )
        elif (_rule(key.on_delete), _rule(key.on_update)) != (_rule(found.on_delete), _rule(found.on_update)):
            findings.found(
                "E2007",
                f"the foreign key over {_names(key.columns)} of {planned.qualified_name} acts otherwise than planned",
                table=planned,
                column=key.columns[0] if len(key.columns) == 1 else None,
                expected=f"ON DELETE {_rule(key.on_delete)} ON UPDATE {_rule(key.on_update)}",
                actual=f"ON DELETE {_rule(found.on_delete)} ON UPDATE {_rule(found.on_update)}",
            )
        else:
            findings.passed()


def _rule(action: str | None) -> str:
    return (action or "NO ACTION").upper()


def _names(columns: Sequence[str]) -> str:
    return ", ".join(columns)
