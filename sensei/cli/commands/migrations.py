"""`sensei migrations`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from sensei.cli._ask import limited, yes_option
from sensei.cli._choices import values_of
from sensei.cli._definition import file_option
from sensei.cli._groups import Group
from sensei.cli._numbers import Number
from sensei.cli._options import Options
from sensei.models.enums import LogLevelParam, MigrationStatusParam, RollbackStrategyParam

if TYPE_CHECKING:
    from sensei import Migration

_COMPLETED = frozenset({"completed"})
_NOT_FAILED = frozenset({"completed", "cancelled", "rolled_back"})

_id_argument = click.argument("migration_id", metavar="ID")


@click.group("migrations", cls=Group)
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
    """List migrations, newest first."""
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
    _write(options, migration)
    if not options.quiet:
        tell(f"It is being planned: `sensei migrations wait {migration.id} --for plan_ready` waits for the plan.")


@command.command("get")
@_id_argument
@click.pass_obj
def get(options: Options, migration_id: str) -> None:
    """Show one migration, with its phases."""
    from sensei.cli._server import open_client

    with open_client(options) as client:
        _write(options, client.migrations.get(migration_id))


@command.command("start")
@_id_argument
@click.option("--wait", is_flag=True, help="Stay until it is over or paused; exit with 1 unless it completed.")
@click.option("--dry-run", is_flag=True, help="Only check that it could start.")
@click.pass_obj
def start(options: Options, migration_id: str, wait: bool, dry_run: bool) -> None:
    """Start a migration, once its plan is there.

    Mappings that are in review but need no decision are taken as proposed.
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
            _write(options, migration, said=f"{migration_id} could start; nothing was changed.")
            return
        if wait:
            migration = follow(migration, tell, doing="Starting")
            _write(options, migration)
            refuse_unfinished(migration, unless=_COMPLETED)
            return
        _write_action(options, migration)


@command.command("watch")
@_id_argument
@click.pass_obj
def watch(options: Options, migration_id: str) -> None:
    """Show a migration live until it is over. Ctrl-C leaves it running.

    Exit code 1 when it failed.
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
        _write(options, migration)
        refuse_unfinished(migration, unless=_NOT_FAILED)


@command.command("pause")
@_id_argument
@click.option("--reason", help="Why, for those who look at it later.")
@click.option("--immediate", is_flag=True, help="Drop the batches in flight, which are read again on resume.")
@click.pass_obj
def pause(options: Options, migration_id: str, reason: str | None, immediate: bool) -> None:
    """Stop a migration at its next checkpoint."""
    from sensei.cli._server import open_client

    with open_client(options) as client:
        if reason is None:
            client.migrations.pause(migration_id, immediate=immediate)
        else:
            client.migrations.pause(migration_id, immediate=immediate, reason=reason)
        _write_action(options, client.migrations.get(migration_id))


@command.command("resume")
@_id_argument
@click.option("--wait", is_flag=True, help="Stay until it is over or paused; exit with 1 unless it completed.")
@click.pass_obj
def resume(options: Options, migration_id: str, wait: bool) -> None:
    """Go on after a pause."""
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
            _write(options, migration)
            refuse_unfinished(migration, unless=_COMPLETED)
            return
        _write_action(options, migration)


@command.command("cancel")
@_id_argument
@click.option(
    "--rollback/--no-rollback",
    default=None,
    help="Whether to undo what was written.  [default: as the migration's options say]",
)
@click.option("--reason", help="Why, for those who look at it later.")
@yes_option
@click.pass_obj
def cancel(options: Options, migration_id: str, rollback: bool | None, reason: str | None, yes: bool) -> None:
    """End a migration for good."""
    from sensei._request import UNSET
    from sensei.cli._ask import confirm
    from sensei.cli._server import open_client

    with open_client(options) as client:
        migration = client.migrations.get(migration_id)
        undo = {True: " and undo what it wrote", False: " and keep what it wrote", None: ""}[rollback]
        confirm(f"Cancel {_called(migration)}{undo}?", yes=yes, refusal="nothing was cancelled")
        migration.cancel(rollback=UNSET if rollback is None else rollback, reason=UNSET if reason is None else reason)
        _write_action(options, migration)


@command.command("rollback")
@_id_argument
@click.option(
    "--strategy",
    type=click.Choice(values_of(RollbackStrategyParam)),
    help="How.  [default: backup_restore where the target's tables were kept, else truncate]",
)
@click.option("--backup-id", metavar="BACKUP", help="Backup to bring back, for backup_restore.")
@click.option("--restore-to", metavar="INSTANT", help="Instant to go back to, for point_in_time.")
@click.option("--tables", metavar="A,B", help="Undo these tables only; the migration is paused afterwards.")
@yes_option
@click.pass_obj
def rollback(
    options: Options,
    migration_id: str,
    strategy: RollbackStrategyParam | None,
    backup_id: str | None,
    restore_to: str | None,
    tables: str | None,
    yes: bool,
) -> None:
    """Undo what a migration has written; it goes on in the background."""
    from sensei._request import UNSET
    from sensei.cli._ask import confirm
    from sensei.cli._leftovers import backup_of
    from sensei.cli._migration_file import parts_of
    from sensei.cli._server import open_client

    only = None if tables is None else parts_of(tables, "--tables")
    with open_client(options) as client:
        migration = client.migrations.get(migration_id)
        what = f"what {_called(migration)} wrote" + (f" to {', '.join(only)}" if only else "")
        confirm(f"Undo {what}?", yes=yes, refusal="nothing was undone")
        if backup_id is None and strategy in {None, "backup_restore"}:
            backup_id = backup_of(client, migration_id)
        migration.rollback(
            strategy=strategy or ("backup_restore" if backup_id else "truncate"),
            backup_id=backup_id or UNSET,
            restore_to=restore_to or UNSET,
            scope="tables" if only else UNSET,
            tables=only or UNSET,
        )
        _write_action(options, migration)


@command.command("logs")
@_id_argument
@click.option("--level", type=click.Choice(values_of(LogLevelParam)), help="This weight and those above it.")
@click.option("--limit", type=click.IntRange(min=1), metavar="NUMBER", help="Newest lines to show.  [default: 100]")
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
    """
    from sensei.cli._following import await_end, await_plan, refuse_unfinished
    from sensei.cli._presenters import presenter_for
    from sensei.cli._server import open_client

    tell = presenter_for(options)
    with open_client(options) as client:
        migration = client.migrations.get(migration_id)
        if goal == "plan_ready":
            _write(options, await_plan(migration, tell, timeout))
            return
        migration = await_end(migration, tell, timeout)
        _write(options, migration)
        refuse_unfinished(migration, unless=_COMPLETED)


@command.command("delete")
@_id_argument
@yes_option
@click.pass_obj
def delete(options: Options, migration_id: str, yes: bool) -> None:
    """Delete a migration that is over. Its logs and its certificates stay, and so does what it wrote."""
    from sensei.cli._ask import confirm
    from sensei.cli._result import write_result
    from sensei.cli._server import open_client

    with open_client(options) as client:
        migration = client.migrations.get(migration_id)
        confirm(f"Delete {_called(migration)}?", yes=yes, refusal="nothing was deleted")
        deleted = migration.delete()
    write_result(options, deleted.to_dict(), ids=[deleted.id], text=f"Deleted {deleted.id}.")


def _called(migration: Migration) -> str:
    return f"{migration.name!r} ({migration.id}, {migration.status.replace('_', ' ')})"


def _write(options: Options, migration: Migration, *, said: str | None = None) -> None:
    from sensei.cli._migration_views import migration_text
    from sensei.cli._result import write_result

    text = migration_text(migration) if said is None else said
    write_result(options, migration.to_dict(), ids=[migration.id], text=text)


def _write_action(options: Options, migration: Migration) -> None:
    """What an action came to. Most go on in the background."""
    from sensei.cli._result import tell

    _write(options, migration, said=f"{migration.id} is {migration.status.replace('_', ' ')}.")
    if not options.quiet and not migration.is_finished and migration.status != "paused":
        tell(f"`sensei migrations watch {migration.id}` shows it live.")
