"""Requests and answers of logs, events, metrics and data errors."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Discriminator, Field, Tag
from typing_extensions import TypedDict

from sensei.server.schemas.base import (
    Closed,
    Description,
    Instant,
    Maybe,
    PageQuery,
    QueryBoolean,
    QueryInteger,
    QueryModel,
)
from sensei.server.schemas.connections import Problem
from sensei.server.schemas.migrations import PhaseName
from sensei.server.schemas.plans import BulkSummary

LogLevel = Literal["debug", "info", "warning", "error"]
ErrorType = Literal[
    "encoding_mismatch",
    "type_mismatch",
    "constraint_violation",
    "null_constraint_violation",
    "truncation_warning",
    "network",
    "resource",
    "logic",
]
ErrorStatus = Literal["open", "retrying", "recovered", "escalated", "resolved"]
ResolutionType = Literal[
    "retry", "skip", "default", "transform", "accept_truncation", "escalate", "apply_default", "apply_transformation"
]
SHORT_NAMES = {"apply_default": "default", "apply_transformation": "transform"}
"""Older names of resolution types; answers use the short ones."""


class LogQuery(PageQuery):
    """What part of the logs, and whether to follow them."""

    level: Maybe[LogLevel] = None
    phase: Maybe[PhaseName] = None
    since: Maybe[Instant] = None
    follow: QueryBoolean = False
    limit: Annotated[QueryInteger, Field(ge=1, le=100)] = 100


class EventQuery(QueryModel):
    """Where to begin."""

    since: Maybe[Instant] = None


class ErrorListQuery(PageQuery):
    """Filters of the list."""

    status: Maybe[ErrorStatus] = None
    type: Maybe[ErrorType] = None
    table: Maybe[str] = None


class ResolutionInput(Closed):
    """A resolution with its parameters."""

    type: ResolutionType
    reason: Maybe[Description] = None
    transformation: Maybe[str] = None
    default_value: Any = None
    retry: Maybe[bool] = None


def _resolution_form(value: Any) -> str:
    return "=type" if isinstance(value, str) else "=object"


Resolution = Annotated[
    Annotated[ResolutionType, Tag("=type")] | Annotated[ResolutionInput, Tag("=object")],
    Discriminator(_resolution_form),
]


class ErrorResolveRequest(Closed):
    """What becomes of the records of an error."""

    resolution: Resolution
    reason: Maybe[Description] = None
    transformation: Maybe[str] = None
    default_value: Any = None
    retry: Maybe[bool] = None


class ErrorBulkResolveRequest(ErrorResolveRequest):
    """The same for many errors."""

    error_ids: Annotated[list[str], Field(min_length=1, max_length=1000)]


class ErrorRetryRequest(Closed):
    """What was repaired before."""

    fix_applied: Maybe[Description] = None


class LogEntry(TypedDict):
    """An entry of the log."""

    timestamp: str
    level: str
    message: str
    phase: str | None
    table: NotRequired[str | None]
    records: NotRequired[int | None]
    component: NotRequired[str]
    correlation_id: NotRequired[str]
    checkpoint_id: NotRequired[str]
    data: NotRequired[dict[str, Any]]


class ThroughputAnswer(TypedDict):
    """How fast."""

    current_records_per_second: float
    average_records_per_second: float
    peak_records_per_second: float
    current_bytes_per_second: str
    current_bytes_per_second_bytes: int


class ResourcesAnswer(TypedDict):
    """What is used."""

    active_workers: int


class QualityAnswer(TypedDict):
    """How clean."""

    error_rate_percent: float
    recovery_success_rate_percent: float
    validation_pass_rate_percent: NotRequired[float]


class TableMetrics(TypedDict):
    """Figures of one table."""

    schema: str | None
    table: str
    status: str
    records_total: int | None
    records_processed: int
    errors: int


class MetricsAnswer(TypedDict):
    """A snapshot of the figures."""

    migration_id: str
    snapshot_at: str
    throughput: ThroughputAnswer
    resources: ResourcesAnswer
    quality: QualityAnswer
    by_table: list[TableMetrics]


class ErrorFacts(TypedDict):
    """What went wrong."""

    type: str
    message: str
    reason_code: str
    table: str | None
    column: str | None
    record_id: str | int | None
    sample: str | None


class ErrorContext(TypedDict):
    """What was tried."""

    affected_records: int
    attempted_fixes: int
    last_fix_attempt: str | None


class ErrorImpact(TypedDict):
    """What it holds up."""

    blocked_records: int
    downstream_tables: list[str]


class ErrorAnswer(TypedDict):
    """A data error."""

    id: str
    migration_id: str
    timestamp: str
    status: str
    phase: str | None
    error: ErrorFacts
    context: ErrorContext
    recommended_actions: list[str]
    impact: ErrorImpact
    resolution: dict[str, Any] | None


class ErrorBulkItemResult(TypedDict):
    """What became of one item."""

    id: str
    success: bool
    migration_error: NotRequired[ErrorAnswer]
    error: NotRequired[Problem]


class ErrorBulkResult(TypedDict):
    """What became of each item."""

    summary: BulkSummary
    results: list[ErrorBulkItemResult]
