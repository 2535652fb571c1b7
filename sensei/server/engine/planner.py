"""Make a plan: what becomes of every table and column, how sure that is, and what may be lost."""

from __future__ import annotations

from sensei.server.engine.job import Endpoint, Selection
from sensei.server.engine.plan import Plan, PlanOptions


def make_plan(
    source: Endpoint, target: Endpoint, selection: Selection, target_schema: str | None, options: PlanOptions
) -> Plan:
    """Read both ends, look at the data, and propose how to move it.

    Args:
        source: The database to read.
        target: The database to write; looked at, never changed.
        selection: Which tables are meant.
        target_schema: Where to write; None takes the target's default, or the source's schemas where both ends have them.
        options: What the user asked for.

    Raises:
        EndpointError: One of the ends cannot be used.
        ConnectorUnavailableError: There is no driver for one of the ends.
        TableNotFoundError: A table or schema named in the selection does not exist.
        PlanningError: Nothing is selected, or the two ends do not admit a plan.
    """
    raise NotImplementedError
