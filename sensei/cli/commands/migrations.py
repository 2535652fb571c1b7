"""`sensei migrations`."""

from __future__ import annotations

from typing import Literal

import click

from sensei.cli._ask import limited
from sensei.cli._choices import values_of
from sensei.cli._definition import file_option
from sensei.cli._groups import Group
from sensei.cli._migration_result import write_action, write_migration
from sensei.cli._numbers import Number, Whole
from sensei.cli._options import Options
from sensei.models.enums import LogLevelParam, MigrationStatusParam

_COMPLETED = frozenset({"completed"})
_NOT_FAILED = frozenset({"completed", "cancelled", "rolled_back"})

_id_argument = click.argument("migration_id", metavar="ID")


_UNDOING = "sensei.cli.commands.undoing"


@click.group(
    "migrations",
    cls=Group,
    lazy={
        "cancel": (f"{_UNDOING}:cancel", "End a migration for good."),
        "rollback": (f"{_UNDOING}:rollback", "Undo what a migration has written; it goes on in the background."),
        "delete": (f"{_UNDOING}:delete", "Delete a migration that is over."),
    },
)
def command() -> None:
    """Make, start, watch, pause, undo and delete migrations."""


@command.command("list")
@click.option(
    "--status",
    type=click.Choice(values_of(MigrationStatusParam)),
    metavar="STATUS",
    help="Only this status, such as running.",
)
@limited
@click.pass_obj
def list_(options: Options, status: MigrationStatusParam | None, limit: int | None) -> None:
    """List migrations, newest first.

    \b
    Example: sensei migrations list --status running
    """
    from sensei.cli._result import columns_of, listed, write_list
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = listed(lambda size: client.migrations.list(status=status, limit=size), limit)
    write_list(
        options,
        found,
        columns_of(
            "id status progress_percent name source.connection_name target.connection_name created_at",
            progress_percent="%",
            source__connection_name="source",
            target__connection_name="target",
        ),
        nothing="There are no such migrations." if status else "There are no migrations yet.",
    )


@command.command("create")
@click.option("--name", help="What to call it.")
@click.option("--source", metavar="CONNECTION", help="Connection to read from: its id or its name.")
@click.option("--target", metavar="CONNECTION", help="Connection to write to: its id or its name.")
@click.option("--schemas", metavar="A,B", help="Schemas of the source to take; all when not given.")
@file_option
@click.pass_obj
def create(
    options: Options, name: str | None, source: str | None, target: str | None, schemas: str | None, file: str | None
) -> None:
    """Make a migration; planning begins at once, nothing is written.

    \b
    A file says all that the API takes, with connections by id or name:
        name: Move the shop
        source: {connection: Shop, schemas: [public]}
        target: {connection: Warehouse, schema: shop}
        options: {parallelism: 8}
        notifications: {slack: "#data", events: [completed, failed]}

    What is given as an option comes before what the file says. ${NAME} in the file is read from the environment.

    \b
    Examples:
      sensei migrations create --source Shop --target Warehouse --schemas public
      sensei migrations create -f migration.yaml --quiet
    """
    from sensei.cli._definition import blamed_on, read_definition
    from sensei.cli._lookup import connection_id
    from sensei.cli._migration_file import migration_of, with_options
    from sensei.cli._result import tell
    from sensei.cli._server import open_client
    from sensei.models.params.migrations import MigrationCreateBody

    if file is None and (source is None or target is None):
        raise click.UsageError("Give --source and --target, or a file with -f.")
    given = {} if file is None else read_definition(file, MigrationCreateBody)
    definition = with_options(given, name=name, source=source, target=target, schemas=schemas)
    with open_client(options) as client, blamed_on(file):
        body = migration_of(definition, lambda named, _role: connection_id(client, named))
        migration = client.migrations.create(**body)
    write_migration(options, migration)
    if not options.quiet:
        tell(f"It is being planned: `sensei migrations wait {migration.id} --for plan_ready` waits for the plan.")


@command.command("get")
@_id_argument
@click.pass_obj
def get(options: Options, migration_id: str) -> None:
    """Show one migration, with its phases.

    \b
    Example: sensei migrations get mig_4x8fk1 --output json
    """
    from sensei.cli._server import open_client

    with open_client(options) as client:
        write_migration(options, client.migrations.get(migration_id))


@command.command("start")
@_id_argument
@click.option("--wait", is_flag=True, help="Stay until it is over or paused; exit with 1 unless it completed.")
@click.option("--dry-run", is_flag=True, help="Only check that it could start.")
@click.pass_obj
def start(options: Options, migration_id: str, wait: bool, dry_run: bool) -> None:
    """Start a migration, once its plan is there.

    Mappings that are in review but need no decision are taken as proposed.

    \b
    Example: sensei migrations start mig_4x8fk1 --wait
    """
    from sensei import ApprovalRequiredError
    from sensei.cli._errors import CommandError
    from sensei.cli._following import await_plan, follow, left_alone, perhaps_begun, refuse_unfinished
    from sensei.cli._presenters import presenter_for
    from sensei.cli._server import open_client
    from sensei.cli._wording import said_by_server

    tell = presenter_for(options)
    with open_client(options) as client, left_alone(migration_id, tell):
        migration = client.migrations.get(migration_id)
        if migration.status in {"pending", "planning"}:
            migration = await_plan(migration, tell, None)
        try:
            with perhaps_begun(f"{migration_id} may have started; `sensei migrations get {migration_id}` tells"):
                migration.start(dry_run=dry_run)
        except ApprovalRequiredError as error:
            raise CommandError(
                f"{said_by_server(error)}. `sensei plans mappings {migration_id} --undecided` shows them, "
                f"`sensei plans approve {migration_id} --all` takes them as proposed"
            ) from None
        if dry_run:
            write_migration(options, migration, said=f"{migration_id} could start; nothing was changed.")
            return
        if wait:
            migration = follow(migration, tell, doing="Starting")
            write_migration(options, migration)
            refuse_unfinished(migration, unless=_COMPLETED)
            return
        write_action(options, migration)


@command.command("watch")
@_id_argument
@click.pass_obj
def watch(options: Options, migration_id: str) -> None:
    """Show a migration live until it is over. Ctrl-C leaves it running.

    Exit code 1 when it failed.

    \b
    Example: sensei migrations watch mig_4x8fk1
    """
    from sensei.cli._following import follow, refuse_unfinished
    from sensei.cli._presenters import presenter_for
    from sensei.cli._server import open_client

    with open_client(options) as client:
        migration = client.migrations.get(migration_id)
        if not migration.is_finished:
            doing = f"Migration {migration.id} is {migration.status.replace('_', ' ')}"
            # What led to an undoing is past and would only confuse.
            since = migration.updated_at if migration.status in {"cancelling", "rolling_back"} else None
            migration = follow(migration, presenter_for(options), doing=doing, since=since, stay=True)
        write_migration(options, migration)
        refuse_unfinished(migration, unless=_NOT_FAILED)


@command.command("pause")
@_id_argument
@click.option("--reason", help="Why, for those who look at it later.")
@click.option("--immediate", is_flag=True, help="Drop the batches in flight, which are read again on resume.")
@click.pass_obj
def pause(options: Options, migration_id: str, reason: str | None, immediate: bool) -> None:
    """Stop a migration at its next checkpoint.

    \b
    Example: sensei migrations pause mig_4x8fk1 --reason 'the nightly backup'
    """
    from sensei.cli._server import open_client

    with open_client(options) as client:
        if reason is None:
            client.migrations.pause(migration_id, immediate=immediate)
        else:
            client.migrations.pause(migration_id, immediate=immediate, reason=reason)
        write_action(options, client.migrations.get(migration_id))


@command.command("resume")
@_id_argument
@click.option("--wait", is_flag=True, help="Stay until it is over or paused; exit with 1 unless it completed.")
@click.pass_obj
def resume(options: Options, migration_id: str, wait: bool) -> None:
    """Go on after a pause.

    \b
    Example: sensei migrations resume mig_4x8fk1 --wait
    """
    from sensei.cli._following import follow, left_alone, perhaps_begun, refuse_unfinished
    from sensei.cli._presenters import presenter_for
    from sensei.cli._server import open_client

    tell = presenter_for(options)
    with open_client(options) as client, left_alone(migration_id, tell):
        migration = client.migrations.get(migration_id)
        paused_at = migration.updated_at
        with perhaps_begun(f"{migration_id} may go on by now; `sensei migrations get {migration_id}` tells"):
            migration.resume()
        if wait:
            migration = follow(migration, tell, doing="Going on", since=paused_at)
            write_migration(options, migration)
            refuse_unfinished(migration, unless=_COMPLETED)
            return
        write_action(options, migration)


@command.command("logs")
@_id_argument
@click.option("--level", type=click.Choice(values_of(LogLevelParam)), help="This weight and those above it.")
@click.option("--limit", type=Whole(min=1), metavar="NUMBER", help="Newest lines to show.  [default: 100]")
@click.option("--all", "everything", is_flag=True, help="Show all lines.")
@click.option("--follow", is_flag=True, help="Begin with the newest 100, and stay until the migration is over.")
@click.pass_obj
def logs(
    options: Options,
    migration_id: str,
    level: LogLevelParam | None,
    limit: int | None,
    everything: bool,
    follow: bool,
) -> None:
    """Show the log of a migration, the newest lines last.

    With --follow, the forms for programs are one document for each line: JSON Lines, or YAML documents.

    \b
    Examples:
      sensei migrations logs mig_4x8fk1 --level warning --all
      sensei migrations logs mig_4x8fk1 --follow --output json
    """
    from sensei.cli import _logs
    from sensei.cli._server import open_client

    if sum((limit is not None, everything, follow)) > 1:
        raise click.UsageError("Give one of --limit, --all and --follow.")
    with open_client(options) as client:
        if follow:
            _logs.follow(options, client, migration_id, level)
        else:
            _logs.show(options, client, migration_id, level, None if everything else limit or 100)


@command.command("wait")
@_id_argument
@click.option(
    "--for",
    "goal",
    type=click.Choice(["plan_ready", "completed"]),
    default="completed",
    show_default=True,
    help="What to wait for.",
)
@click.option("--timeout", type=Number(min=0), metavar="SECONDS", help="Give up then, with exit code 1.")
@click.pass_obj
def wait(options: Options, migration_id: str, goal: Literal["plan_ready", "completed"], timeout: float | None) -> None:
    """Wait for the plan of a migration, or for its end.

    Exit code 1 when it ends otherwise, or is not there in time.

    \b
    Example: sensei migrations wait mig_4x8fk1 --for plan_ready --timeout 600
    """
    from sensei.cli._following import await_end, await_plan, refuse_unfinished
    from sensei.cli._presenters import presenter_for
    from sensei.cli._server import open_client

    tell = presenter_for(options)
    with open_client(options) as client:
        migration = client.migrations.get(migration_id)
        if goal == "plan_ready":
            write_migration(options, await_plan(migration, tell, timeout))
            return
        migration = await_end(migration, tell, timeout)
        write_migration(options, migration)
        refuse_unfinished(migration, unless=_COMPLETED)
