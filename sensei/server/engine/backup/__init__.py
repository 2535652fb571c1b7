"""What was on the target before a migration: put aside before the first write, brought back by a rollback.

The backup is in the target itself: made in the transaction that empties or drops the tables, so that there is no
moment at which neither is there. Names that begin with ``_sensei_`` are the engine's own; no plan ever takes them up.
"""

from __future__ import annotations

from sensei.server.engine.backup.kept import Keeper, Kept, kept_from_json
from sensei.server.engine.backup.postgresql import PostgresqlKeeper
from sensei.server.engine.backup.sqlite import SqliteKeeper
from sensei.server.engine.transfer.target import TargetDatabase
from sensei.server.engine.transfer.write_postgresql import PostgresqlTarget
from sensei.server.engine.transfer.write_sqlite import SqliteTarget

__all__ = ["Keeper", "Kept", "keeper_for", "kept_from_json"]


def keeper_for(target: TargetDatabase, migration_id: str) -> Keeper | None:
    """Who puts aside what is on a target; None for a system that nobody knows how to do it for."""
    name = migration_id.removeprefix("mig_")
    if isinstance(target, PostgresqlTarget):
        return PostgresqlKeeper(target, name)
    if isinstance(target, SqliteTarget):
        return SqliteKeeper(target, name)
    return None
