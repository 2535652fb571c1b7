"""Carry out one phase of a plan."""

from __future__ import annotations

from sensei.server.engine.job import Control, Job, Journal, MigrationState, PhaseOutcome


def run_phase(phase: str, job: Job, state: MigrationState, journal: Journal, control: Control) -> PhaseOutcome:
    """Do `schema_migration`, `data_transfer` or `cutover`, going on from `state`, which is kept up to date in place.

    Safe to call again after any kind of death, with this state or an older one: how far the data has come is kept in
    the target, in the same transaction as the data.

    Raises:
        EndpointError: One of the ends cannot be used.
        DataError: More rows than allowed cannot be carried.
        ExecutionError: The phase cannot go on.
    """
    raise NotImplementedError
