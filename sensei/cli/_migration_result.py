"""What the commands about migrations write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensei.cli._options import Options

if TYPE_CHECKING:
    from sensei import Migration


def called(migration: Migration) -> str:
    """What a migration is called in a question."""
    return f"{migration.name!r} ({migration.id}, {migration.status.replace('_', ' ')})"


def write_migration(options: Options, migration: Migration, *, said: str | None = None) -> None:
    """Write a migration.

    Args:
        options: Say which form.
        migration: Which one.
        said: What people are told instead of all about it.
    """
    from sensei.cli._migration_views import migration_text
    from sensei.cli._result import write_result

    text = migration_text(migration) if said is None else said
    write_result(options, migration.to_dict(), ids=[migration.id], text=text)


def write_action(options: Options, migration: Migration) -> None:
    """What an action came to. Most go on in the background."""
    from sensei.cli._result import tell

    write_migration(options, migration, said=f"{migration.id} is {migration.status.replace('_', ' ')}.")
    if not options.quiet and not migration.is_finished and migration.status != "paused":
        tell(f"`sensei migrations watch {migration.id}` shows it live.")
