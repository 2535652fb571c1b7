"""Take back what a migration wrote."""

from __future__ import annotations

from dataclasses import dataclass

from sensei.server.engine.job import Job, Journal, MigrationState


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackReport:
    """What a rollback did; names are qualified target names."""

    dropped_tables: tuple[str, ...] = ()
    dropped_schemas: tuple[str, ...] = ()
    emptied_tables: tuple[str, ...] = ()
    """Tables that were there before: rows written by this migration are gone, the tables stay."""
    removed_rows: int = 0
    kept: tuple[str, ...] = ()
    """What could not be taken back, one sentence each."""


def roll_back(
    job: Job, state: MigrationState, journal: Journal, *, tables: frozenset[str] | None = None
) -> RollbackReport:
    """Remove what this migration wrote; `state` is set back accordingly. Safe to repeat.

    Args:
        job: The migration.
        state: Its state, changed in place.
        journal: Told what is done.
        tables: Only these, by qualified source name; they can be transferred again afterwards. All when None.

    Raises:
        EndpointError: The target cannot be used.
        ExecutionError: Something cannot be removed.
    """
    raise NotImplementedError
