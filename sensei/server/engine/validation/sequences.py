"""Whether the next number that the target gives to a new row is free and not lower than the source's."""

from __future__ import annotations

from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.pairs import ColumnPair, TablePair
from sensei.server.engine.validation.scoring import Findings


def check(context: Context, pair: TablePair, findings: Findings) -> None:
    """Compare the next number of every column that the database numbers by itself."""
    for column in pair.columns:
        if not column.target.autoincrement:
            continue
        following = next_value(context.target, pair.target.schema, pair.target.name, column.target.name)
        greatest = context.target.scalar(f"SELECT max({column.target_value}) FROM {pair.target_name}")
        least_free = (greatest if isinstance(greatest, int) else 0) + 1
        wanted = next_value(context.source, pair.source.schema, pair.source.name, column.source.name)
        if following is None:
            _report(findings, pair, column, least_free, None)
        elif following < least_free:
            _report(findings, pair, column, max(least_free, wanted or 0), following)
        elif wanted is not None and following < wanted:
            findings.found(
                "E2009",
                f"the next number of {pair.target.qualified_name}.{column.target.name} has been given on the source",
                severity="warning",
                table=pair.target,
                column=column.target.name,
                expected=wanted,
                actual=following,
            )
        else:
            findings.passed()


def _report(findings: Findings, pair: TablePair, column: ColumnPair, expected: int, actual: int | None) -> None:
    findings.found(
        "E2009",
        f"the next number of {pair.target.qualified_name}.{column.target.name} is taken already"
        if actual is not None
        else f"{pair.target.qualified_name}.{column.target.name} is not numbered by the database",
        table=pair.target,
        column=column.target.name,
        expected=expected,
        actual=actual,
    )


def next_value(database: Connector, schema: str | None, table: str, column: str) -> int | None:
    """The number that a new row will get at least; None if the database gives none."""
    match database.system:
        case "postgresql":
            return _of_postgresql(database, schema, table, column)
        case "mysql":
            return _of_mysql(database, schema, table)
        case _:
            return _of_sqlite(database, table, column)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _of_postgresql(database: Connector, schema: str | None, table: str, column: str) -> int | None:
    name = database.scalar(f"SELECT pg_get_serial_sequence({_text(database.qualify(schema, table))}, {_text(column)})")
    if name is None:
        return None
    value = database.scalar(
        f"SELECT CASE WHEN is_called THEN last_value + (SELECT seqincrement FROM pg_sequence "
        f"WHERE seqrelid = {_text(str(name))}::regclass) ELSE last_value END FROM {name}"
    )
    return int(value)


def _of_mysql(database: Connector, schema: str | None, table: str) -> int | None:
    value = database.scalar(
        "SELECT auto_increment FROM information_schema.tables "
        f"WHERE table_schema = {_text(schema) if schema else 'database()'} AND table_name = {_text(table)}"
    )
    return None if value is None else int(value)


def _of_sqlite(database: Connector, table: str, column: str) -> int | None:
    greatest = database.scalar(f"SELECT max({database.quote(column)}) FROM {database.quote(table)}")
    following = greatest + 1 if isinstance(greatest, int) else 1
    has_counter = database.scalar("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'")
    if has_counter:
        last = database.scalar(f"SELECT seq FROM sqlite_sequence WHERE name = {_text(table)}")
        if isinstance(last, int):
            following = max(following, last + 1)
    return following
