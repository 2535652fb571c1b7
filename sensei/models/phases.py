"""States and phases that several resources speak of."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from sensei.models.base import OpenEnum

__all__ = ["FINISHED_STATUSES", "LogLevel", "MigrationStatus", "PhaseName", "PhaseStatus", "RollbackState", "Strategy"]

MigrationStatus = Annotated[
    Literal[
        "pending",
        "planning",
        "plan_ready",
        "approved",
        "running",
        "pausing",
        "paused",
        "validating",
        "completed",
        "failed",
        "cancelling",
        "cancelled",
        "rolling_back",
        "rolled_back",
    ]
    | str,
    OpenEnum,
]
"""State of a migration."""

FINISHED_STATUSES: Final = frozenset({"completed", "failed", "cancelled", "rolled_back"})
"""The statuses in which a migration does nothing more by itself."""

PhaseName = Annotated[Literal["planning", "schema_migration", "data_transfer", "validation", "cutover"] | str, OpenEnum]
"""One of the five phases, in this order."""

PhaseStatus = Annotated[Literal["pending", "running", "completed", "failed", "skipped"] | str, OpenEnum]
"""State of a phase, or of a table in it."""

Strategy = Annotated[Literal["safe", "balanced", "speed"] | str, OpenEnum]
"""Preset for the trade between pace and caution."""

RollbackState = Annotated[
    Literal["none", "not_required", "initiated", "in_progress", "completed", "failed"] | str, OpenEnum
]
"""How far undoing has come. `none`: never asked for. `not_required`: nothing had been written."""

LogLevel = Annotated[Literal["debug", "info", "warning", "error"] | str, OpenEnum]
"""Weight of a log entry; as a filter, the least weight to be shown."""
