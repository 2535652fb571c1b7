"""What a connection is made from, and how the database behind it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sensei.cli._ask import ask, ask_secret, can_ask, secret_from
from sensei.cli._endpoint import parse_endpoint
from sensei.cli._errors import USAGE, CommandError
from sensei.cli._options import Options
from sensei.cli._table import Column, one_line

if TYPE_CHECKING:
    from sensei.models import DatabaseSchema, TablePreview

_FILES = {"sqlite"}
_PARTS = ("host", "port", "database", "username", "password", "path")
_BY_PARTS = ("postgresql", "mysql", "sqlserver", "redshift", "sqlite")
"""Kinds whose options say enough; the others have members of their own, which a definition file names."""


def define(file: str | None, given: dict[str, object]) -> dict[str, Any]:
    """The members of a new connection: from a file, from options, or from what is asked.

    Args:
        file: The definition file; `-` for stdin.
        given: The options; those that were not given are None or empty.

    Raises:
        CommandError: The options contradict one another, or something is missing and there is nobody to ask.
    """
    named = {name: value for name, value in given.items() if value not in (None, ())}
    if file is not None:
        _only_overrides(named)
        members = _from_file(file)
    elif "url" in named:
        if {"kind", *_PARTS} & named.keys():
            raise CommandError("give --url, or --type and what goes with it, not both", exit_code=USAGE)
        members = _from_url(secret_from(str(named["url"]), "URL", option="--url"))
    elif "kind" in named:
        members = _from_parts(str(named["kind"]), named)
    elif any(part in named for part in _PARTS):
        raise CommandError("give --type as well: it says what kind of database that is", exit_code=USAGE)
    else:
        members = _asked(named)
    for name in ("name", "role", "description"):
        if name in named:
            members[name] = named[name]
    if "tags" in named:
        members["tags"] = list(cast("tuple[str, ...]", named["tags"]))
    members.setdefault("role", "both")
    return members


def _only_overrides(named: dict[str, object]) -> None:
    clash = {"url", "kind", *_PARTS} & named.keys()
    if clash:
        raise CommandError(
            "a definition file says how to reach the database: only --name, --role, --description and --tag go with -f",
            exit_code=USAGE,
        )


def _from_file(file: str) -> dict[str, Any]:
    from sensei.cli._definition import read_definition, retyped
    from sensei.models.params.connections import CONFIGS, ConnectionCreateBody

    where = "stdin" if file == "-" else file
    members: dict[str, Any] = read_definition(file, ConnectionCreateBody)
    for name in ("name", "type", "config"):
        if name not in members:
            raise CommandError(f"{where}: {name} is missing", exit_code=USAGE)
    config, kind = members["config"], members["type"]
    if isinstance(config, dict) and isinstance(kind, str) and kind in CONFIGS:
        members["config"] = retyped(cast("dict[str, object]", config), cast("type", CONFIGS[kind]))
    return members


def _from_url(url: str) -> dict[str, Any]:
    end = parse_endpoint(url, Path.cwd(), role="this")
    return {"name": end.shown[:255], "type": end.type, "config": end.config}


def _from_parts(kind: str, named: dict[str, object]) -> dict[str, Any]:
    if kind not in _BY_PARTS:
        raise CommandError(f"{kind} has settings of its own: give --url, or -f with a definition file", exit_code=USAGE)
    config = {part: named[part] for part in _PARTS if part in named}
    needed = "path" if kind in _FILES else "host"
    if needed not in config:
        raise CommandError(f"--{needed} is needed for {kind}", exit_code=USAGE)
    if kind in _FILES:
        if len(config) > 1:
            raise CommandError(f"{kind} is a file: give --path alone", exit_code=USAGE)
        return {"name": str(config["path"])[:255], "type": kind, "config": config}
    if "path" in config:
        raise CommandError(f"--path is for sqlite, not for {kind}", exit_code=USAGE)
    if "password" in config:
        config["password"] = secret_from(str(config["password"]), "Password", option="--password")
    elif "username" in config and can_ask():
        config["password"] = ask_secret("Password", option="--password", empty=True)
        if not config["password"]:
            del config["password"]
    shown = f"{kind} {config.get('database', '')} on {config['host']}".replace("  ", " ")
    return {"name": shown[:255], "type": kind, "config": config}


def _asked(named: dict[str, object]) -> dict[str, Any]:
    if not can_ask():
        raise CommandError("give -f FILE, --url or --type: there is nobody to ask", exit_code=USAGE)
    kind = ask("Kind of database", option="--type", default="postgresql", choices=_BY_PARTS)
    if kind in _FILES:
        parts: dict[str, object] = {"path": ask("File, on the machine of the server", option="--path")}
    else:
        parts = {"host": ask("Host", option="--host", default="localhost")}
        port = ask("Port", option="--port", default="that of the kind")
        if port.isdigit():
            parts["port"] = int(port)
        elif port != "that of the kind":
            raise CommandError(f"{port!r} is no port", exit_code=USAGE)
        parts["database"] = ask("Database", option="--database")
        parts["username"] = ask("User", option="--username")
    members = _from_parts(kind, parts)
    if "name" not in named:
        members["name"] = ask("Name of the connection", option="--name", default=str(members["name"]))
    if "role" not in named:
        members["role"] = ask(
            "Side of migrations", option="--role", default="both", choices=("source", "target", "both")
        )
    return members


def write_tables(options: Options, found: DatabaseSchema) -> None:
    """Write a line for each table."""
    from sensei.cli._result import Listed, write_list

    items: list[dict[str, object]] = [
        {
            # What --quiet prints.
            "id": f"{space.name}.{table.name}",
            "schema": space.name,
            "table": table.name,
            "type": table.type,
            "columns": len(table.columns),
            "row_estimate": table.row_estimate,
        }
        for space in found.schemas
        for table in space.tables
    ]
    columns = [
        Column("SCHEMA", "schema"),
        Column("TABLE", "table", whole=True),
        Column("TYPE", "type"),
        Column("COLUMNS", "columns"),
        Column("ROWS (ABOUT)", "row_estimate"),
    ]
    write_list(options, Listed(items, len(items)), columns, nothing="No tables.")


def write_columns(options: Options, found: DatabaseSchema) -> None:
    """Write a line for each column; for programs, the structure as the API has it."""
    from sensei.cli._result import tell, write_result, write_table

    names = [f"{space.name}.{table.name}" for space in found.schemas for table in space.tables]
    if options.quiet or options.form != "table":
        write_result(options, found.to_dict(), ids=names, text="")
        return
    rows = [
        [
            one_line(f"{space.name}.{table.name}"),
            one_line(column.name),
            one_line(column.type),
            "yes" if column.nullable else "no",
            "primary" if column.name in table.primary_key else "-",
        ]
        for space in found.schemas
        for table in space.tables
        for column in table.columns
    ]
    if not rows:
        tell("No tables.")
        return
    titles = ("TABLE", "COLUMN", "TYPE", "NULL", "KEY")
    write_table(options, rows, [Column(title, "") for title in titles])


def write_rows(options: Options, found: TablePreview) -> None:
    """Write rows of a table: data as it is, NULL told from an empty text."""
    from sensei.cli._result import tell, write_result, write_table

    if options.quiet or options.form != "table":
        write_result(options, found.to_dict(), ids=[f"{found.schema}.{found.table}"], text="")
        return
    columns = [Column(one_line(column.name), "") for column in found.columns]
    write_table(options, [[_datum(row.get(column.name)) for column in found.columns] for row in found.rows], columns)
    if not found.rows:
        tell("No rows.")
    elif found.truncated:
        tell("The table has more rows.")


def _datum(value: object) -> str:
    """A value of a row on one line."""
    import json

    if isinstance(value, str):
        return one_line(value)
    return "NULL" if value is None else one_line(json.dumps(value, ensure_ascii=False))
