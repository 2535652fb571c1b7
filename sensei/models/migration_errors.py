"""Data errors of a migration and their resolution."""

from typing import ClassVar

from pydantic import Field

from sensei.models.base import Model, Timestamp
from sensei.models.enums import ErrorResolutionType, MigrationErrorStatus, MigrationErrorType, PhaseName

__all__ = [
    "MigrationErrorType",
    "MigrationErrorStatus",
    "ErrorResolutionType",
    "MigrationErrorData",
    "ErrorAnalysis",
    "ErrorContext",
    "ErrorDescription",
    "ErrorImpact",
    "ErrorResolution",
]


class ErrorDescription(Model):
    """What went wrong; prints as its message.

    Attributes:
        type: Kind of the error.
        message: One sentence for a person.
        reason_code: Engine error number, such as `E3006`.
        table: Table concerned.
        column: Column concerned.
        record_id: Key of the record.
        constraint: Constraint that was broken.
        sample: The offending value, shortened or masked.
    """

    _shown: ClassVar[tuple[str, ...]] = ("type", "message", "table", "column")

    type: MigrationErrorType
    message: str
    reason_code: str | None = None
    table: str | None = None
    column: str | None = None
    record_id: str | int | None = None
    constraint: str | None = None
    sample: str | None = None

    def __str__(self) -> str:
        return self.message


class ErrorContext(Model):
    """What was tried already.

    Attributes:
        affected_records: Number of records concerned.
        attempted_fixes: How many times the engine tried to mend it.
        last_fix_attempt: What it tried last.
    """

    affected_records: int | None = None
    attempted_fixes: int | None = None
    last_fix_attempt: str | None = None


class ErrorAnalysis(Model):
    """What the engine makes of it.

    Attributes:
        likely_cause: The probable cause.
        confidence: How sure that is, 0 to 1.
    """

    likely_cause: str | None = None
    confidence: float | None = None


class ErrorImpact(Model):
    """What it stands in the way of.

    Attributes:
        blocked_records: Number of records that wait.
        downstream_tables: Tables that depend on them.
        business_impact: What it means, for people.
    """

    blocked_records: int | None = None
    downstream_tables: list[str] = Field(default_factory=list[str])
    business_impact: str | None = None


class ErrorResolution(Model):
    """How a data error was resolved.

    Attributes:
        type: What was done.
        reason: Why.
        transformation: The expression that was applied.
        default_value: The value that replaced the offending one.
        retry: Whether the records were tried again right after.
        fix_applied: What was repaired before.
        resolved_by: Who resolved it.
        resolved_at: When.
    """

    type: ErrorResolutionType
    reason: str | None = None
    transformation: str | None = None
    default_value: object = None
    retry: bool | None = None
    fix_applied: str | None = None
    resolved_by: str | None = None
    resolved_at: Timestamp | None = None


class MigrationErrorData(Model):
    """A data error of a migration.

    Attributes:
        id: Id, `err_…`.
        migration_id: The migration.
        timestamp: When it occurred.
        status: `open`, `retrying`, `recovered`, `escalated` or `resolved`.
        phase: Phase in which it occurred; always sent.
        error: What went wrong.
        context: What was tried already; always sent.
        analysis: What the engine makes of it.
        recommended_actions: What a person can do; always sent.
        impact: What it stands in the way of; always sent.
        resolution: How it was resolved; always sent, None before.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "status", "error")

    id: str
    migration_id: str
    timestamp: Timestamp
    status: MigrationErrorStatus
    phase: PhaseName | None = None
    error: ErrorDescription
    context: ErrorContext | None = None
    analysis: ErrorAnalysis | None = None
    recommended_actions: list[str] = Field(default_factory=list[str])
    impact: ErrorImpact | None = None
    resolution: ErrorResolution | None = None
