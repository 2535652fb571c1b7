"""Carry out one phase of a plan."""

from __future__ import annotations

from collections.abc import Callable

from sensei.server.engine.errors import ExecutionError
from sensei.server.engine.job import Control, Job, Journal, MigrationState, PhaseOutcome
from sensei.server.engine.phases.context import Context, Halted
from sensei.server.engine.phases.cutover import cut_over
from sensei.server.engine.phases.data import transfer_data
from sensei.server.engine.phases.schema import migrate_schema

_PHASES: dict[str, Callable[[Context], None]] = {
    "schema_migration": migrate_schema,
    "data_transfer": transfer_data,
    "cutover": cut_over,
}


def run_phase(phase: str, job: Job, state: MigrationState, journal: Journal, control: Control) -> PhaseOutcome:
    """Do `schema_migration`, `data_transfer` or `cutover`, going on from `state`, which is kept up to date in place.

    Safe to call again after any kind of death, with this state or an older one: how far the data has come is kept in
    the target, in the same transaction as the data.

    Raises:
        EndpointError: One of the ends cannot be used.
        DataError: More rows than allowed cannot be carried.
        ExecutionError: The phase cannot go on.
        ExpressionError: A transformation is not a usable expression.
    """
    if phase not in _PHASES:
        raise ExecutionError(f"there is no phase {phase!r} to run here", reason_code="E6001")
    context = Context(phase, job, state, journal, control)
    try:
        _PHASES[phase](context)
    except Halted as halted:
        context.save()
        return halted.outcome
    context.save("phase_boundary")
    return PhaseOutcome.COMPLETED
