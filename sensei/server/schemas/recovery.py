"""Requests and answers of checkpoints, restore and rollback."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from sensei.server.schemas.base import Closed, Instant, Maybe
from sensei.server.schemas.connections import Problem
from sensei.server.schemas.migration_answers import ActionAnswer
from sensei.server.schemas.migrations import PhaseName, Reason

RollbackStrategy = Literal["truncate", "reverse_migration", "point_in_time", "backup_restore"]


class CheckpointCreate(Closed):
    """Why a checkpoint is made."""

    reason: Maybe[Reason] = None


class RestoreRequest(Closed):
    """Where to go back to."""

    checkpoint_id: str


def _phase_form(value: Any) -> str:
    return "=name" if isinstance(value, str) else "=number"


PhaseRef = Annotated[
    Annotated[Annotated[int, Field(ge=1, le=5)], Tag("=number")] | Annotated[PhaseName, Tag("=name")],
    Discriminator(_phase_form),
]


class RollbackRequest(Closed):
    """What to undo, and how."""

    strategy: RollbackStrategy
    verify_after: bool = True
    restore_to: Maybe[Instant] = None
    backup_id: Maybe[str] = None
    scope: Literal["full", "phase", "tables"] = "full"
    phase: Maybe[PhaseRef] = None
    tables: Maybe[Annotated[list[str], Field(min_length=1)]] = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        needs = {
            "restore_to": self.strategy == "point_in_time",
            "backup_id": self.strategy == "backup_restore",
            "phase": self.scope == "phase",
            "tables": self.scope == "tables",
        }
        for name, needed in needs.items():
            if needed and name not in self.model_fields_set:
                raise PydanticCustomError("required", "is needed here", {"field": name})
        return self


class CheckpointAnswer(TypedDict):
    """A position to go back to."""

    id: str
    migration_id: str
    timestamp: str
    type: str
    phase: int
    phase_name: str
    table: str | None
    records_completed: int
    size_bytes: int
    reason: str | None
    expires_at: str | None


class RestoreAnswer(ActionAnswer):
    """Restored."""

    checkpoint_id: str
    restored_at: str
    warnings: list[str]


class RollbackAnswer(ActionAnswer):
    """Rolling back."""

    rollback_status: str
    strategy: str


class Verification(TypedDict):
    """What a look afterwards showed."""

    source_comparison: NotRequired[str]
    record_counts_match: NotRequired[bool]
    sample_verification: NotRequired[str]


class RollbackStatusAnswer(TypedDict):
    """How far a rollback is."""

    migration_id: str
    rollback_status: str
    strategy_used: str | None
    scope: NotRequired[str]
    restored_to: str | None
    verification: Verification | None
    started_at: str | None
    completed_at: str | None
    duration_seconds: float | None
    error: Problem | None
