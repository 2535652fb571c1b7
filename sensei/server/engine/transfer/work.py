"""A plan after review, table by table: what is really made and copied."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sensei.server.engine.catalog import Column, Table
from sensei.server.engine.errors import ExecutionError, ExpressionError, PlanningError
from sensei.server.engine.expressions import render_expression
from sensei.server.engine.job import Job
from sensei.server.engine.kinds import Kind, kind_of, parse_type
from sensei.server.engine.plan import DecidedMapping, TablePlan
from sensei.server.engine.planning.target import check_type


@dataclass(frozen=True, slots=True)
class ColumnWork:
    """One column to be filled."""

    source: Column
    target: Column
    expression: str | None
    """In the source's SQL, checked and ready to use; None copies the value."""


@dataclass(frozen=True, slots=True)
class TableWork:
    """One table to be made and filled. Plain picklable data."""

    source: Table
    target: Table
    columns: tuple[ColumnWork, ...]
    source_system: str = ""
    target_system: str = ""

    @property
    def name(self) -> str:
        """What the table is called in states and messages: its qualified source name."""
        return self.source.qualified_name


def works(job: Job) -> list[TableWork]:
    """The tables of a job in dependency order, as the reviewed mappings say.

    Raises:
        ExecutionError: The mappings contradict each other.
        ExpressionError: A transformation is not a usable expression.
    """
    decided: dict[tuple[str | None, str], dict[str, DecidedMapping]] = {}
    for mapping in job.mappings or tuple(
        DecidedMapping(source=m.source, target=m.target, transformation=m.transformation) for m in job.plan.mappings
    ):
        decided.setdefault((mapping.source.schema, mapping.source.table), {})[mapping.source.column] = mapping
    system = job.plan.source.system
    found = [
        _work(plan, decided.get((plan.source.schema, plan.source.name), {}), system, job) for plan in job.plan.tables
    ]
    renamed = {plan.target.name: work.target.name for plan, work in zip(job.plan.tables, found, strict=True)}
    names = [work.target.name for work in found]
    if len(set(names)) < len(names):
        raise ExecutionError("two tables are mapped to one target table", reason_code="E2004")
    columns = {plan.target.name: _renames(plan, work) for plan, work in zip(job.plan.tables, found, strict=True)}
    return [replace(work, target=_references(work.target, renamed, columns)) for work in found]


def _renames(plan: TablePlan, work: TableWork) -> dict[str, str]:
    """Planned target column → target column after review; left out columns are missing."""
    by_source = {column.source.name: column.target.name for column in work.columns}
    renames = {
        planned.name: by_source[source.name]
        for source, planned in zip(plan.source.columns, plan.target.columns, strict=True)
        if source.name in by_source
    }
    renames.update({column.name: column.name for column in work.target.columns if column.computed is not None})
    return renames


def _work(plan: TablePlan, decided: dict[str, DecidedMapping], system: str, job: Job) -> TableWork:
    table_names = {mapping.target.table for mapping in decided.values() if not mapping.rejected}
    if len(table_names) > 1:
        raise ExecutionError(
            f"columns of {plan.source.qualified_name} are mapped to several tables: {', '.join(sorted(table_names))}",
            reason_code="E2004",
            table=plan.source.qualified_name,
        )
    columns: list[ColumnWork] = []
    made: list[Column] = []
    for source, planned in zip(plan.source.columns, plan.target.columns, strict=True):
        if planned.computed is not None:
            made.append(planned)
            continue
        mapping = decided.get(source.name)
        if mapping is None or mapping.rejected:
            continue
        column = _column(planned, mapping, plan, job.plan.target_system)
        made.append(column)
        expression = None
        if mapping.transformation is not None:
            try:
                expression = render_expression(mapping.transformation, plan.source, system)
            except ExpressionError as error:
                error.table, error.column = plan.source.qualified_name, source.name
                raise
        columns.append(ColumnWork(source, column, expression))
    if not columns:
        raise ExecutionError(
            f"no column of {plan.source.qualified_name} is left to carry; exclude the table instead",
            reason_code="E2004",
            table=plan.source.qualified_name,
        )
    if len({column.name for column in made}) < len(made):
        raise ExecutionError(
            f"two columns of {plan.source.qualified_name} are mapped to one",
            reason_code="E2004",
            table=plan.source.qualified_name,
        )
    bare = TableWork(plan.source, plan.target, tuple(columns))
    renames = _renames(plan, bare)
    target = _restrict(
        replace(plan.target, name=next(iter(table_names), plan.target.name), columns=tuple(made)), renames
    )
    return TableWork(plan.source, target, tuple(columns), system, job.plan.target_system)


def _column(planned: Column, mapping: DecidedMapping, plan: TablePlan, system: str) -> Column:
    wanted = mapping.target
    if wanted.column == planned.name and (not wanted.type or wanted.type == planned.type):
        return planned
    try:
        type_ = check_type(wanted.type or planned.type)
    except PlanningError as error:
        raise ExecutionError(error.message, reason_code="E2003", table=plan.source.qualified_name) from None
    kind = kind_of(system, type_)
    same_kind = kind is kind_of(system, planned.type)
    arguments = parse_type(type_).arguments
    return replace(
        planned,
        name=wanted.column,
        type=type_,
        length=arguments[0] if arguments and kind is Kind.TEXT else None,
        autoincrement=planned.autoincrement and kind is Kind.INTEGER,
        default=planned.default if same_kind else None,
    )


def _restrict(table: Table, renames: dict[str, str]) -> Table:
    """The table's keys and indexes over the columns that are left, by their final names."""

    def all_left(columns: tuple[str, ...]) -> bool:
        return all(column in renames for column in columns)

    def new(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(renames[column] for column in columns)

    unchanged = all(old == now for old, now in renames.items()) and len(renames) == len(table.columns)
    extra = dict(table.extra)
    alias = extra.get("rowid_alias")
    if alias is not None:
        if alias in renames:
            extra["rowid_alias"] = renames[str(alias)]
        else:
            del extra["rowid_alias"]
    if not all_left(table.primary_key):
        extra.pop("without_rowid", None)
        extra.pop("autoincrement", None)
    return replace(
        table,
        primary_key=new(table.primary_key) if all_left(table.primary_key) else (),
        foreign_keys=tuple(replace(k, columns=new(k.columns)) for k in table.foreign_keys if all_left(k.columns)),
        unique_constraints=tuple(
            replace(u, columns=new(u.columns)) for u in table.unique_constraints if all_left(u.columns)
        ),
        # Conditions and expressions are text: they are kept only where no column changed its name or went.
        check_constraints=table.check_constraints if unchanged else (),
        indexes=tuple(
            replace(
                i,
                columns=new(i.columns),
                descending=tuple(renames[c] for c in i.descending),
                included=tuple(renames[c] for c in i.included if c in renames),
            )
            for i in table.indexes
            if all_left(i.columns) and (unchanged or not (i.where or i.expression))
        ),
        extra=extra,
    )


def _references(table: Table, renamed: dict[str, str], columns: dict[str, dict[str, str]]) -> Table:
    """Foreign keys by the final names of the tables and columns that they refer to."""
    return replace(
        table,
        foreign_keys=tuple(
            replace(
                key,
                referenced_table=renamed[key.referenced_table],
                referenced_columns=tuple(columns[key.referenced_table][column] for column in key.referenced_columns),
            )
            for key in table.foreign_keys
            if all(column in columns.get(key.referenced_table, {}) for column in key.referenced_columns)
        ),
    )
