"""Checkpoints, restoring one, and undoing a migration."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sensei.models.base import Model, OpenEnum, Problem, Timestamp
from sensei.models.enums import PhaseName, RollbackScope, RollbackState, RollbackStrategy
from sensei.models.migration_actions import ActionResult

__all__ = [
    "Checkpoint",
    "RestoreResult",
    "RollbackResult",
    "RollbackScope",
    "RollbackStatus",
    "RollbackStrategy",
    "RollbackVerification",
]


class Checkpoint(Model):
    """A point from which a migration can go on.

    Attributes:
        id: Id, `ckpt_…`.
        migration_id: The migration; always sent.
        timestamp: When it was stored.
        type: `automatic`, `manual` or `phase_boundary`.
        phase: Number of the phase, from 1; always sent.
        phase_name: The phase; always sent.
        table: Table that was being read.
        records_completed: Records moved by then; always sent.
        size_bytes: Its size in bytes; always sent.
        reason: Why somebody made it.
        expires_at: Until when it is kept.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "phase_name", "records_completed", "timestamp")

    id: str
    migration_id: str | None = None
    timestamp: Timestamp
    type: Annotated[Literal["automatic", "manual", "phase_boundary"] | str, OpenEnum]
    phase: int | None = None
    phase_name: PhaseName | None = None
    table: str | None = None
    records_completed: int | None = None
    size_bytes: int | None = None
    reason: str | None = None
    expires_at: Timestamp | None = None


class RestoreResult(ActionResult):
    """The answer to a restore; the migration is `paused` afterwards.

    Attributes:
        checkpoint_id: The checkpoint that is restored.
        restored_at: When it was.
        warnings: What to mind.
    """

    checkpoint_id: str | None = None
    restored_at: Timestamp | None = None
    warnings: list[str] = Field(default_factory=list[str])


class RollbackResult(ActionResult):
    """The answer to a rollback, which goes on in the background.

    Attributes:
        rollback_status: How far undoing has come.
        strategy: How it is undone.
    """

    rollback_status: RollbackState | None = None
    strategy: RollbackStrategy | None = None


class RollbackVerification(Model):
    """What the comparison after a rollback found.

    Attributes:
        source_comparison: `passed`, `failed` or `skipped`.
        record_counts_match: Whether the counts agree.
        sample_verification: `passed`, `failed` or `skipped`.
    """

    source_comparison: Annotated[Literal["passed", "failed", "skipped"] | str, OpenEnum] | None = None
    record_counts_match: bool | None = None
    sample_verification: Annotated[Literal["passed", "failed", "skipped"] | str, OpenEnum] | None = None


class RollbackStatus(Model):
    """How far undoing has come.

    Attributes:
        migration_id: The migration; always sent.
        rollback_status: How far it is.
        strategy_used: How it is undone; always sent.
        scope: How much is undone.
        restored_to: The instant that was restored.
        verification: What the comparison found; always sent, None before.
        started_at: When it began.
        completed_at: When it ended.
        duration_seconds: Seconds it took; always sent.
        error: What went wrong.
    """

    migration_id: str | None = None
    rollback_status: RollbackState
    strategy_used: RollbackStrategy | None = None
    scope: RollbackScope | None = None
    restored_to: Timestamp | None = None
    verification: RollbackVerification | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    duration_seconds: float | None = None
    error: Problem | None = None
