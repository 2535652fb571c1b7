"""What the actions of migrations answer."""

from sensei.models.base import Model, Timestamp
from sensei.models.enums import MigrationStatus, PhaseName, RollbackState

__all__ = [
    "ActionResult",
    "StartResult",
    "PauseResult",
    "ResumeResult",
    "CancelResult",
    "MigrationDeleted",
]


class ActionResult(Model):
    """What an action on a migration answers.

    Attributes:
        id: The migration.
        status: Its state after the action.
        phase: Phase being worked on.
        message: One sentence for a person.
        status_url: Path to poll, relative to the origin.
    """

    id: str
    status: MigrationStatus
    phase: PhaseName | None = None
    message: str | None = None
    status_url: str | None = None


class StartResult(ActionResult):
    """The answer to a start.

    Attributes:
        started_at: When it started.
        dry_run: True when it was only checked that a start would work.
    """

    started_at: Timestamp | None = None
    dry_run: bool | None = None


class PauseResult(ActionResult):
    """The answer to a pause.

    Attributes:
        checkpoint_eta: When the next checkpoint, and with it the pause, is expected.
    """

    checkpoint_eta: Timestamp | None = None


class ResumeResult(ActionResult):
    """The answer to a resume.

    Attributes:
        resumed_at: When it went on.
        resumed_from_checkpoint: The checkpoint it went on from.
    """

    resumed_at: Timestamp | None = None
    resumed_from_checkpoint: str | None = None


class CancelResult(ActionResult):
    """The answer to a cancellation.

    Attributes:
        rollback_status: How far undoing has come.
    """

    rollback_status: RollbackState | None = None


class MigrationDeleted(Model):
    """The answer to a deletion.

    Attributes:
        id: The migration that is gone.
        deleted: True.
        logs_retained: Whether its logs are kept for audits.
        metrics_retained: Whether its history of metrics is kept.
    """

    id: str
    deleted: bool
    logs_retained: bool
    metrics_retained: bool
