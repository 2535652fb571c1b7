"""`sensei migrations cancel`, `rollback` and `delete`: what ends a migration, undoes it, or removes it; each asks."""

from __future__ import annotations

import click

from sensei.cli._ask import yes_option
from sensei.cli._choices import values_of
from sensei.cli._migration_result import called, write_action
from sensei.cli._options import Command, Options
from sensei.models.enums import RollbackStrategyParam

_id_argument = click.argument("migration_id", metavar="ID")


@click.command("cancel", cls=Command)
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
    """End a migration for good.

    \b
    Example: sensei migrations cancel mig_4x8fk1 --rollback --yes
    """
    from sensei._request import UNSET
    from sensei.cli._ask import confirm
    from sensei.cli._server import open_client

    with open_client(options) as client:
        migration = client.migrations.get(migration_id)
        undo = {True: " and undo what it wrote", False: " and keep what it wrote", None: ""}[rollback]
        confirm(f"Cancel {called(migration)}{undo}?", yes=yes, refusal="nothing was cancelled")
        migration.cancel(rollback=UNSET if rollback is None else rollback, reason=UNSET if reason is None else reason)
        write_action(options, migration)


@click.command("rollback", cls=Command)
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
    """Undo what a migration has written; it goes on in the background.

    \b
    Examples:
      sensei migrations rollback mig_4x8fk1
      sensei migrations rollback mig_4x8fk1 --tables orders,customers --yes
    """
    from sensei._request import UNSET
    from sensei.cli._ask import confirm
    from sensei.cli._leftovers import backup_of
    from sensei.cli._migration_file import parts_of
    from sensei.cli._server import open_client

    only = None if tables is None else parts_of(tables, "--tables")
    with open_client(options) as client:
        migration = client.migrations.get(migration_id)
        what = f"what {called(migration)} wrote" + (f" to {', '.join(only)}" if only else "")
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
        write_action(options, migration)


@click.command("delete", cls=Command)
@_id_argument
@yes_option
@click.pass_obj
def delete(options: Options, migration_id: str, yes: bool) -> None:
    """Delete a migration that is over. Its logs and its certificates stay, and so does what it wrote.

    \b
    Example: sensei migrations delete mig_4x8fk1 --yes
    """
    from sensei.cli._ask import confirm
    from sensei.cli._result import write_result
    from sensei.cli._server import open_client

    with open_client(options) as client:
        migration = client.migrations.get(migration_id)
        confirm(f"Delete {called(migration)}?", yes=yes, refusal="nothing was deleted")
        deleted = migration.delete()
    write_result(options, deleted.to_dict(), ids=[deleted.id], text=f"Deleted {deleted.id}.")
