"""`sensei connections`."""

from __future__ import annotations

import click

from sensei.cli._ask import confirm, limited, yes_option
from sensei.cli._choices import values_of
from sensei.cli._definition import file_option
from sensei.cli._errors import CommandError, StoppedError
from sensei.cli._groups import Group
from sensei.cli._numbers import Whole
from sensei.cli._options import Options
from sensei.models.enums import ConnectionRoleParam, ConnectionStatusParam, ConnectionTypeParam

_LISTED = "id name type role status created_at"
_SHOWN = (
    "id name type role status description tags config.host config.port config.database config.username config.path "
    "created_at last_test.tested_at last_test.server_version last_test.error.message"
)
_TESTED = "status server_version latency_ms table_count estimated_rows write_test tested_at error.message"
_connection_argument = click.argument("connection")


@click.group("connections", cls=Group)
def command() -> None:
    """Make, test, look into and delete connections to databases.

    CONNECTION is an id, or a name that only one connection has.
    """


@command.command("list")
@click.option("--type", "kind", type=click.Choice(values_of(ConnectionTypeParam)), help="Only this kind of database.")
@click.option("--role", type=click.Choice(values_of(ConnectionRoleParam)), help="Only this side of migrations.")
@click.option("--status", type=click.Choice(values_of(ConnectionStatusParam)), help="Only this status.")
@click.option("--tag", help="Only those with this tag.")
@limited
@click.pass_obj
def list_connections(
    options: Options,
    kind: ConnectionTypeParam | None,
    role: ConnectionRoleParam | None,
    status: ConnectionStatusParam | None,
    tag: str | None,
    limit: int | None,
) -> None:
    """List connections, newest first.

    \b
    Example: sensei connections list --role source --status connected
    """
    from sensei.cli._result import listed, write_list
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = listed(
            lambda size: client.connections.list(type=kind, role=role, status=status, tag=tag, limit=size),
            limit,
        )
    filtered = any(given is not None for given in (kind, role, status, tag))
    write_list(options, found, _LISTED, nothing="No such connections." if filtered else "No connections.")


@command.command("create")
@file_option
@click.option("--name", help="What to call it.  [default: the URL without its password]")
@click.option(
    "--role",
    type=click.Choice(values_of(ConnectionRoleParam)),
    help="Side of migrations it may be used on.  [default: both]",
)
@click.option("--url", metavar="URL", help="How to reach it; - reads a line of stdin.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(values_of(ConnectionTypeParam)),
    help="Kind of database, with the options below.",
)
@click.option("--host", help="Host of the database.")
@click.option("--port", type=Whole(1, 65535), help="Port.  [default: that of the kind]")
@click.option("--database", help="Name of the database.")
@click.option("--username", help="User of the database.")
@click.option("--password", metavar="TEXT", help="Password; - reads a line of stdin. Asked for when left out.")
@click.option("--path", metavar="PATH", help="File on the machine of the server, for sqlite.")
@click.option("--description", help="For people.")
@click.option("--tag", "tags", multiple=True, help="Label to filter by; may be repeated.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the test that follows.")
@click.pass_obj
def create(
    options: Options,
    /,
    file: str | None,
    no_wait: bool,
    **given: object,
) -> None:
    """Make a connection and wait for its test. Asks for what is needed when nothing is given.

    Exit code 1 when the test fails; the connection is there then, and can be mended or deleted.

    \b
    Examples:
      sensei connections create
      sensei connections create -f connection.yaml
      sensei connections create --name Shop --role source --url postgresql://ada:secret@db/shop
      sensei connections create --type mysql --host db --database shop --username ada --password - < secret.txt
    """
    from sensei.cli._connection import define
    from sensei.cli._definition import blamed_on
    from sensei.cli._result import write_object
    from sensei.cli._server import open_client

    members = define(file, given)
    with open_client(options) as client:
        with blamed_on(file):
            connection = client.connections.create(**members)
        if not no_wait:
            try:
                connection = client.connections.wait(connection.id)
            except KeyboardInterrupt:
                raise StoppedError(f"{connection.id} is made, and its test goes on at the server") from None
    write_object(options, connection, fields=_SHOWN)
    if connection.status == "failed":
        raise _failed(connection.last_test and connection.last_test.error, f"{connection.id} is made, but")


@command.command("get")
@_connection_argument
@click.pass_obj
def get(options: Options, connection: str) -> None:
    """Show a connection. Passwords never come back.

    \b
    Example: sensei connections get conn_8f3kq2 --output yaml
    """
    from sensei.cli._lookup import connection_id
    from sensei.cli._result import write_object
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = client.connections.get(connection_id(client, connection))
    write_object(options, found, fields=_SHOWN)


@command.command("test")
@_connection_argument
@click.pass_obj
def test(options: Options, connection: str) -> None:
    """Test a connection now. Exit code 1 when it cannot be used.

    \b
    Example: sensei connections test Shop && sensei migrations start mig_4x8fk1
    """
    from sensei.cli._lookup import connection_id
    from sensei.cli._result import write_object
    from sensei.cli._server import open_client

    with open_client(options) as client:
        ident = connection_id(client, connection)
        result = client.connections.test(ident)
    write_object(options, result, fields=_TESTED, quiet=ident)
    if result.status != "success":
        raise _failed(result.error, ident)


def _failed(problem: object, subject: str) -> CommandError:
    from sensei.models import Problem

    if not isinstance(problem, Problem):
        return CommandError(f"{subject} cannot be used")
    code = f" ({problem.reason_code})" if problem.reason_code else ""
    return CommandError(f"{subject} cannot be used: {problem.message}{code}")


@command.command("schema")
@_connection_argument
@click.option("--schema", help="Only this schema.")
@click.option("--table", help="Only this table.")
@click.option("--tables", "tables_only", is_flag=True, help="A line for each table instead of each column.")
@click.option("--refresh", is_flag=True, help="Read it anew; else it is at most 10 minutes old.")
@click.pass_obj
def schema(
    options: Options,
    connection: str,
    schema: str | None,
    table: str | None,
    tables_only: bool,
    refresh: bool,
) -> None:
    """Show the tables and columns of a database.

    \b
    Examples:
      sensei connections schema Shop --tables
      sensei connections schema Shop --schema public --output json
    """
    from sensei.cli._connection import write_columns, write_tables
    from sensei.cli._lookup import connection_id
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = client.connections.schema(
            connection_id(client, connection), schema=schema, table=table, refresh=refresh
        )
    (write_tables if tables_only else write_columns)(options, found)


@command.command("preview")
@_connection_argument
@click.option("--table", required=True, help="Table to look into.")
@click.option("--schema", help="Its schema.  [default: that of the connection]")
@click.option("--limit", type=Whole(1, 100), default=10, show_default=True, help="Rows to show.")
@click.pass_obj
def preview(options: Options, connection: str, table: str, schema: str | None, limit: int) -> None:
    """Show some rows of a table, in no particular order.

    \b
    Example: sensei connections preview Shop --schema public --table orders --limit 5
    """
    from sensei.cli._connection import write_rows
    from sensei.cli._lookup import connection_id
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = client.connections.preview(connection_id(client, connection), table=table, schema=schema, limit=limit)
    write_rows(options, found)


@command.command("delete")
@_connection_argument
@yes_option
@click.pass_obj
def delete(options: Options, connection: str, yes: bool) -> None:
    """Delete a connection; the database it leads to is not touched.

    \b
    Example: sensei connections delete conn_8f3kq2 --yes
    """
    from sensei.cli._lookup import connection_id
    from sensei.cli._result import write_deleted
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = client.connections.get(connection_id(client, connection))
        confirm(f"Delete the connection {found.name} ({found.id})?", yes=yes, refusal="nothing was deleted")
        client.connections.delete(found.id)
    write_deleted(options, found.id, "connection")
