"""The tables of a migration: itself, its plan, mappings, events, errors, checkpoints and schedule."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from sensei.server.store.tables import Base

_OBJECT = JSON(none_as_null=True)


class Migration(Base, kw_only=True):
    """A migration. `status` is only ever changed through `sensei.server.migrations.lifecycle`."""

    __tablename__ = "migrations"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    name: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str]
    phase: Mapped[str | None] = mapped_column(default=None)
    strategy: Mapped[str]
    options: Mapped[dict[str, Any]]
    source: Mapped[dict[str, Any]]
    """As asked for, without secrets."""
    target: Mapped[dict[str, Any]]
    source_connection_id: Mapped[str | None] = mapped_column(index=True)
    target_connection_id: Mapped[str | None] = mapped_column(index=True)
    source_secret: Mapped[bytes | None]
    """Sealed connection string of an inline end."""
    target_secret: Mapped[bytes | None]
    notifications: Mapped[dict[str, Any] | None] = mapped_column(_OBJECT)
    created_at: Mapped[datetime]
    created_by: Mapped[str | None]
    updated_at: Mapped[datetime]
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    paused_at: Mapped[datetime | None] = mapped_column(default=None)
    completed_at: Mapped[datetime | None] = mapped_column(default=None)
    executing_since: Mapped[datetime | None] = mapped_column(default=None)
    executed_seconds: Mapped[float] = mapped_column(default=0.0)
    """Time spent executing before `executing_since`."""

    plan_status: Mapped[str] = mapped_column(default="generating")
    tables_count: Mapped[int | None] = mapped_column(default=None)
    estimated_rows: Mapped[int | None] = mapped_column(default=None)
    estimated_seconds: Mapped[float | None] = mapped_column(default=None)

    phases: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    """By phase name: status, percent, started_at, completed_at (wire times)."""
    records_processed: Mapped[int] = mapped_column(default=0)
    records_total: Mapped[int | None] = mapped_column(default=None)
    bytes_processed: Mapped[int] = mapped_column(default=0)
    throughput: Mapped[float] = mapped_column(default=0.0)
    peak_throughput: Mapped[float] = mapped_column(default=0.0)
    active_workers: Mapped[int] = mapped_column(default=0)
    errors_recovered: Mapped[int] = mapped_column(default=0)
    errors_escalated: Mapped[int] = mapped_column(default=0)

    state: Mapped[dict[str, Any] | None] = mapped_column(_OBJECT, default=None)
    """The engine's `MigrationState` as of the last checkpoint."""
    last_checkpoint_id: Mapped[str | None] = mapped_column(default=None)
    start_from_phase: Mapped[str | None] = mapped_column(default=None)
    wanted: Mapped[str] = mapped_column(default="run")
    """What a running worker is asked for: ``run``, ``pause`` or ``stop``."""
    paused_by_window: Mapped[bool] = mapped_column(default=False)
    cancel_rollback: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(default=None)
    """Why it was paused or cancelled, as the user said."""
    rollback: Mapped[dict[str, Any] | None] = mapped_column(_OBJECT, default=None)
    rollback_status: Mapped[str] = mapped_column(default="none")
    validation_id: Mapped[str | None] = mapped_column(default=None)
    error: Mapped[dict[str, Any] | None] = mapped_column(_OBJECT, default=None)

    last_event_id: Mapped[int] = mapped_column(default=0)
    end_event_id: Mapped[int | None] = mapped_column(default=None)
    """The one `end` event that counts; earlier ones were taken back by a rollback or a restore."""
    owner: Mapped[str | None] = mapped_column(default=None)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    deleted_at: Mapped[datetime | None] = mapped_column(default=None)


Index("migrations_by_owner", Migration.organization_id, Migration.environment, Migration.created_at)
Index("migrations_by_work", Migration.status, Migration.lease_until)


class PlanRow(Base, kw_only=True):
    """The engine's plan, as JSON."""

    __tablename__ = "migration_plans"

    migration_id: Mapped[str] = mapped_column(primary_key=True)
    generated_at: Mapped[datetime]
    plan: Mapped[dict[str, Any]]
    target_catalog: Mapped[dict[str, Any] | None] = mapped_column(_OBJECT, default=None)


class MappingRow(Base, kw_only=True):
    """One column mapping with what was decided about it."""

    __tablename__ = "migration_mappings"

    id: Mapped[str] = mapped_column(primary_key=True)
    migration_id: Mapped[str]
    position: Mapped[int]
    source: Mapped[dict[str, Any]]
    target: Mapped[dict[str, Any]]
    source_table: Mapped[str]
    transformation: Mapped[str | None]
    transformation_type: Mapped[str]
    confidence: Mapped[float]
    status: Mapped[str]
    requires_approval: Mapped[bool]
    reasoning: Mapped[str | None]
    type_compatible: Mapped[bool]
    has_data_loss_risk: Mapped[bool]
    is_pii: Mapped[bool]
    flags: Mapped[list[str]]
    decided_by: Mapped[str | None] = mapped_column(default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    comment: Mapped[str | None] = mapped_column(default=None)


Index("mappings_in_order", MappingRow.migration_id, MappingRow.position)


class EventRow(Base, kw_only=True):
    """One entry of the append-only log of a migration; the id grows by one within the migration."""

    __tablename__ = "migration_events"

    migration_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    timestamp: Mapped[datetime]
    level: Mapped[int] = mapped_column(default=0)
    """Rank of a log entry's level: debug 10, info 20, warning 30, error 40; 0 for other events."""
    phase: Mapped[str | None] = mapped_column(default=None)
    data: Mapped[str] = mapped_column(Text())
    """The event's JSON object, as sent."""


Index("events_by_time", EventRow.migration_id, EventRow.timestamp)


class ErrorRow(Base, kw_only=True):
    """A data error and what became of it."""

    __tablename__ = "migration_errors"

    id: Mapped[str] = mapped_column(primary_key=True)
    migration_id: Mapped[str]
    timestamp: Mapped[datetime]
    status: Mapped[str]
    phase: Mapped[str | None]
    type: Mapped[str]
    message: Mapped[str]
    reason_code: Mapped[str]
    table: Mapped[str | None] = mapped_column("table_name")
    column: Mapped[str | None] = mapped_column("column_name")
    affected_records: Mapped[int]
    sample: Mapped[list[dict[str, Any]]]
    attempted_fixes: Mapped[int] = mapped_column(default=0)
    last_fix_attempt: Mapped[str | None] = mapped_column(default=None)
    resolution: Mapped[dict[str, Any] | None] = mapped_column(_OBJECT, default=None)


Index("errors_by_migration", ErrorRow.migration_id, ErrorRow.timestamp)


class CheckpointRow(Base, kw_only=True):
    """A position to go back to."""

    __tablename__ = "migration_checkpoints"

    id: Mapped[str] = mapped_column(primary_key=True)
    migration_id: Mapped[str]
    timestamp: Mapped[datetime]
    type: Mapped[str]
    phase: Mapped[str]
    table: Mapped[str | None] = mapped_column("table_name")
    records_completed: Mapped[int]
    size_bytes: Mapped[int]
    reason: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    state: Mapped[dict[str, Any]]
    phases: Mapped[dict[str, Any]]


Index("checkpoints_by_migration", CheckpointRow.migration_id, CheckpointRow.timestamp)


class ScheduleRow(Base, kw_only=True):
    """When a migration starts by itself and when it may run."""

    __tablename__ = "migration_schedules"

    migration_id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    start_at: Mapped[datetime | None]
    timezone: Mapped[str | None]
    windows: Mapped[list[dict[str, Any]]]
    """All windows; the first is `maintenance_window` when `single` is true."""
    single: Mapped[bool]
    behavior: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    warned_for: Mapped[datetime | None] = mapped_column(default=None)
    """End of the window that a warning was logged for."""
