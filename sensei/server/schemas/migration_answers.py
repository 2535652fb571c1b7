"""Answers of migrations: how they are shown, and what came of actions on them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from sensei.server.schemas.connections import Problem
from sensei.server.schemas.schedules import ScheduleAnswer


class SourceAnswer(TypedDict):
    """The source as the server knows it."""

    connection_id: str | None
    connection_name: str | None
    type: str
    schema: NotRequired[str | None]
    schemas: list[str]
    tables: list[str] | None
    exclude_tables: list[str]
    tables_count: int | None
    estimated_rows: int | None


class TargetAnswer(TypedDict):
    """The target as the server knows it."""

    connection_id: str | None
    connection_name: str | None
    type: str
    schema: str | None


class PlanReference(TypedDict):
    """How far the plan is."""

    status: str
    estimated_completion: str | None


class PhaseProgress(TypedDict):
    """How far a phase is."""

    name: str
    status: str
    progress_percent: float
    started_at: str | None
    completed_at: str | None
    duration_seconds: NotRequired[float]


class Progress(TypedDict):
    """How far the whole is."""

    overall_percent: float
    current_phase: str | None
    phases: list[PhaseProgress]


class Counters(TypedDict):
    """Running totals of the transfer."""

    records_processed: int
    records_total: int | None
    bytes_transferred: str
    bytes_transferred_bytes: int
    throughput_records_per_second: float
    errors_recovered: int
    errors_escalated: int


class Timing(TypedDict):
    """When and how long."""

    created_at: str
    started_at: str | None
    paused_at: str | None
    completed_at: str | None
    estimated_completion: str | None
    elapsed_seconds: float


class MigrationAnswer(TypedDict):
    """A migration."""

    id: str
    name: str
    description: str | None
    status: str
    phase: str | None
    created_at: str
    created_by: str | None
    updated_at: str
    source: SourceAnswer
    target: TargetAnswer
    strategy: str
    options: dict[str, Any]
    schedule: ScheduleAnswer | None
    notifications: NotRequired[dict[str, Any]]
    plan: PlanReference
    progress: Progress
    metrics: Counters
    timing: Timing
    rollback_status: str
    validation_id: str | None
    error: Problem | None
    links: dict[str, str]


class MigrationSummary(TypedDict):
    """A migration in a list."""

    id: str
    name: str
    status: str
    phase: str | None
    progress_percent: float
    created_at: str
    started_at: str | None
    completed_at: str | None
    source: SourceAnswer
    target: TargetAnswer


class ActionAnswer(TypedDict):
    """What every action answers."""

    id: str
    status: str
    phase: str | None
    message: str
    status_url: str


class StartAnswer(ActionAnswer):
    """The execution has begun, or would."""

    started_at: str | None
    dry_run: bool


class PauseAnswer(ActionAnswer):
    """Pausing."""

    checkpoint_eta: str | None


class ResumeAnswer(ActionAnswer):
    """Running again."""

    resumed_at: str
    resumed_from_checkpoint: str | None


class CancelAnswer(ActionAnswer):
    """Cancelled, or on the way."""

    rollback_status: str


class MigrationDeleted(TypedDict):
    """What was deleted and what stays."""

    id: str
    deleted: Literal[True]
    logs_retained: bool
    metrics_retained: bool


class StatusPhase(TypedDict):
    """Position of the phase."""

    current: int
    total: int
    name: str


class StatusProgress(TypedDict):
    """Figures of the progress."""

    percent: float
    records_processed: int
    records_total: int | None
    throughput_per_hour: float


class StatusTiming(TypedDict):
    """Times of the report."""

    started_at: str | None
    elapsed_hours: float
    eta_completion: str | None


class StatusErrors(TypedDict):
    """Errors of the report."""

    total: int
    recovered: int
    escalated: int
    recovery_rate: float


class StatusReport(TypedDict):
    """The compact report for polling."""

    id: str
    status: str
    phase: StatusPhase | None
    progress: StatusProgress
    timing: StatusTiming
    errors: StatusErrors
