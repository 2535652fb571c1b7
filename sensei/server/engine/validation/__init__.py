"""Prove that a migration carried everything over: five perspectives, each on the real data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sensei.server.engine.validation.types import ValidationStopped

if TYPE_CHECKING:
    from sensei.server.engine.job import Control, Journal
    from sensei.server.engine.validation.types import PerspectiveResult, ValidationJob, ValidationOutcome

__all__ = ["ValidationStopped", "validate"]


def validate(
    validation: ValidationJob,
    journal: Journal,
    control: Control,
    at_perspective: Callable[[str, Sequence[PerspectiveResult]], None] | None = None,
) -> ValidationOutcome:
    """Check a migration from the perspectives that are asked for.

    Both databases are only read, each as of one moment.

    Parameters:
        validation: What was migrated and what is to be checked.
        journal: Told of progress (phase ``validation``) and of each perspective's result.
        control: Asked whether to go on, between batches and queries.
        at_perspective: Told which perspective begins, and the results of those that are done.

    Returns:
        The results with their evidence. A database that holds something else than it should is a result.

    Raises:
        ValidationStopped: `control` wants something else than to run.
        EndpointError: One of the ends cannot be reached or read.
        EngineError: The validation cannot be carried out for another reason.
    """
    # The types of this package are also used where no driver need be loaded.
    from sensei.server.engine.validation.run import run

    return run(validation, journal, control, at_perspective)
