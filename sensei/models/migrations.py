"""Migrations: what they are, how far they are, and what they log."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sensei.models.base import JsonObject, Model, OpenEnum, Problem, Timestamp
from sensei.models.enums import (
    FINISHED_STATUSES,
    ConnectionType,
    LogLevel,
    MigrationStatus,
    PhaseName,
    PhaseStatus,
    RollbackState,
    Strategy,
)
from sensei.models.migration_actions import (
    ActionResult,
    CancelResult,
    MigrationDeleted,
    PauseResult,
    ResumeResult,
    StartResult,
)
from sensei.models.schedules import Schedule

__all__ = [
    "MigrationData",
    "MigrationSummaryData",
    "MigrationSource",
    "MigrationTarget",
    "MigrationOptions",
    "MigrationProgress",
    "MigrationCounters",
    "MigrationTiming",
    "Notifications",
    "PhaseProgress",
    "TypeMapping",
    "LogEntry",
    "MigrationStatus",
    "PhaseName",
    "PhaseStatus",
    "LogLevel",
    "Strategy",
    "RollbackState",
    # Where they stood before, as older pickles say.
    "ActionResult",
    "StartResult",
    "PauseResult",
    "ResumeResult",
    "CancelResult",
    "MigrationDeleted",
]


class TypeMapping(Model):
    """An override of a built-in column type conversion.

    Attributes:
        source_type: Type in the source, in its own notation.
        target_type: Type to be made in the target, in its own notation.
    """

    source_type: str
    target_type: str


class MigrationOptions(Model):
    """Settings of a migration.

    Attributes:
        mode: `full` copies everything once, `incremental` what changed since the last migration of the same ends.
        parallelism: Workers at a time.
        batch_size: Records per batch.
        auto_approve_above: A mapping at least this sure is approved without review; None switches that off.
        generate_rollback: Whether what a rollback needs is prepared while migrating.
        validation_type: Kind of the validation that the validation phase runs.
        type_mappings: Overrides of the built-in column type conversions.
    """

    mode: Annotated[Literal["full", "incremental"] | str, OpenEnum] | None = None
    parallelism: int | None = None
    batch_size: int | None = None
    auto_approve_above: float | None = None
    generate_rollback: bool | None = None
    validation_type: Annotated[Literal["quick", "standard", "full", "behavioral_only"] | str, OpenEnum] | None = None
    type_mappings: list[TypeMapping] = Field(default_factory=list[TypeMapping])


class Notifications(Model):
    """Who is told about what.

    Attributes:
        email: Addresses.
        slack_channel: Channel, with its `#`.
        on_events: What they are told about, such as `completed` and `failed`.
    """

    email: list[str] = Field(default_factory=list[str])
    slack_channel: str | None = None
    on_events: list[
        Annotated[
            Literal[
                "started",
                "paused",
                "resumed",
                "completed",
                "failed",
                "cancelled",
                "approval_required",
                "error_escalated",
                "validation_failed",
            ]
            | str,
            OpenEnum,
        ]
    ] = Field(default_factory=list[str])


class MigrationSource(Model):
    """The side that is read.

    Attributes:
        connection_id: The stored connection; always sent, None for an inline source.
        connection_name: Its name; always sent.
        type: Kind of the system; always sent.
        schema: Short form for a single schema.
        schemas: Schemas to migrate; always sent.
        tables: The patterns given at creation; None when all tables are taken.
        exclude_tables: Patterns of the tables that are left out.
        tables_count: Number of tables; always sent, None until the source has been analysed.
        estimated_rows: Approximate number of rows.
    """

    _shown: ClassVar[tuple[str, ...]] = ("connection_id", "connection_name", "type", "schemas", "tables_count")

    connection_id: str | None = None
    connection_name: str | None = None
    type: ConnectionType | None = None
    schema: str | None = None  # type: ignore[assignment]  # a wire name, see Model
    schemas: list[str] | None = None
    tables: list[str] | None = None
    exclude_tables: list[str] | None = None
    tables_count: int | None = None
    estimated_rows: int | None = None


class MigrationTarget(Model):
    """The side that is written.

    Attributes:
        connection_id: The stored connection; always sent, None for an inline target.
        connection_name: Its name; always sent.
        type: Kind of the system; always sent.
        schema: Schema written into; always sent.
    """

    connection_id: str | None = None
    connection_name: str | None = None
    type: ConnectionType | None = None
    schema: str | None = None  # type: ignore[assignment]  # a wire name, see Model


class PhaseProgress(Model):
    """How far one phase is.

    Attributes:
        name: The phase.
        status: Its state.
        progress_percent: Share of its work that is done, 0 to 100.
        duration_seconds: Seconds it took so far.
        started_at: When it began.
        completed_at: When it ended.
    """

    _shown: ClassVar[tuple[str, ...]] = ("name", "status", "progress_percent")

    name: PhaseName
    status: PhaseStatus
    progress_percent: float | None = None
    duration_seconds: float | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None


class MigrationProgress(Model):
    """How far a migration is.

    Attributes:
        overall_percent: Share of the work that is done, 0 to 100.
        current_phase: Phase being worked on; always sent.
        phases: All five phases in order; always sent.
    """

    overall_percent: float
    current_phase: PhaseName | None = None
    phases: list[PhaseProgress] = Field(default_factory=list[PhaseProgress])


class MigrationCounters(Model):
    """What a migration has moved. All members are always sent.

    Attributes:
        records_processed: Records moved so far.
        records_total: Records to move; None until known.
        bytes_transferred: Bytes moved, as a text for people such as `47.2 GB`.
        bytes_transferred_bytes: The same as a number of bytes.
        throughput_records_per_second: Records moved per second now.
        errors_recovered: Errors that were mended without help.
        errors_escalated: Errors that need a person.
    """

    records_processed: int | None = None
    records_total: int | None = None
    bytes_transferred: str | None = None
    bytes_transferred_bytes: int | None = None
    throughput_records_per_second: float | None = None
    errors_recovered: int | None = None
    errors_escalated: int | None = None


class MigrationTiming(Model):
    """When things happened.

    Attributes:
        created_at: When the migration was made.
        started_at: When it was started.
        paused_at: When it was last paused.
        completed_at: When a finished status was reached.
        estimated_completion: When it should be done.
        elapsed_seconds: Seconds spent executing, pauses not counted.
    """

    created_at: Timestamp
    started_at: Timestamp | None = None
    paused_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    estimated_completion: Timestamp | None = None
    elapsed_seconds: float | None = None


class MigrationData(Model):
    """A migration. The plan stands in the classes derived from this one.

    Attributes:
        id: Id, `mig_…`.
        name: Its name; names need not be unique.
        description: For people; always sent.
        status: Its state.
        phase: Phase being worked on, or the last one that was; always sent, None before planning.
        created_at: When it was made; always sent.
        created_by: Id of the user, key or account that made it; always sent.
        updated_at: When it last changed.
        source: The side that is read; always sent.
        target: The side that is written; always sent.
        strategy: Preset for the trade between pace and caution; always sent.
        options: Its settings; always sent.
        schedule: Its schedule, when it has one.
        notifications: Who is told about what.
        progress: How far it is; always sent.
        metrics: What it has moved; always sent.
        timing: When things happened; always sent.
        rollback_status: How far undoing has come; always sent.
        validation_id: The validation that the validation phase ran; always sent, None before.
        error: What went wrong, when `status` is `failed`; prints as its message. Always sent.
        links: Paths of related operations, relative to the origin; always sent.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "name", "status", "phase")

    id: str
    name: str
    description: str | None = None
    status: MigrationStatus
    phase: PhaseName | None = None
    created_at: Timestamp | None = None
    created_by: str | None = None
    updated_at: Timestamp | None = None
    source: MigrationSource | None = None
    target: MigrationTarget | None = None
    strategy: Strategy | None = None
    options: MigrationOptions | None = None
    schedule: Schedule | None = None
    notifications: Notifications | None = None
    progress: MigrationProgress | None = None
    metrics: MigrationCounters | None = None
    timing: MigrationTiming | None = None
    rollback_status: RollbackState | None = None
    validation_id: str | None = None
    error: Problem | None = None
    links: dict[str, str] = Field(default_factory=dict[str, str])

    @property
    def records_processed(self) -> int:
        """Records moved so far: `metrics.records_processed`, 0 when the server sent no figure."""
        return (self.metrics.records_processed or 0) if self.metrics else 0

    @property
    def percent(self) -> float:
        """Share of the work that is done, 0 to 100: `progress.overall_percent`, 0 when the server sent no figure."""
        return self.progress.overall_percent if self.progress else 0.0

    @property
    def is_finished(self) -> bool:
        """Whether it is completed, failed, cancelled or rolled back, and does nothing more by itself."""
        return self.status in FINISHED_STATUSES


class MigrationSummaryData(Model):
    """A migration as lists show it; the rest is in what `get` returns.

    Attributes:
        id: Id, `mig_…`.
        name: Its name.
        status: Its state.
        phase: Phase being worked on, or the last one that was; always sent, None before planning.
        progress_percent: Share of the work that is done, 0 to 100; always sent.
        created_at: When it was made.
        started_at: When it was started; always sent.
        completed_at: When a finished status was reached; always sent.
        source: The side that is read; always sent.
        target: The side that is written; always sent.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "name", "status", "phase", "progress_percent")

    id: str
    name: str
    status: MigrationStatus
    phase: PhaseName | None = None
    progress_percent: float | None = None
    created_at: Timestamp
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    source: MigrationSource | None = None
    target: MigrationTarget | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it is completed, failed, cancelled or rolled back, and does nothing more by itself."""
        return self.status in FINISHED_STATUSES


class LogEntry(Model):
    """A line of a migration's log.

    Attributes:
        timestamp: When it was written.
        level: Its weight.
        message: One sentence for a person.
        phase: Phase it was written in; always sent.
        table: Table it is about.
        records: Number of records it is about.
        component: Part of the engine that speaks.
        correlation_id: Shared by lines that belong together.
        checkpoint_id: The checkpoint, when the entry reports a new one.
        data: Further facts, as the server sent them.
    """

    _shown: ClassVar[tuple[str, ...]] = ("timestamp", "level", "message")

    timestamp: Timestamp
    level: LogLevel
    message: str
    phase: PhaseName | None = None
    table: str | None = None
    records: int | None = None
    component: str | None = None
    correlation_id: str | None = None
    checkpoint_id: str | None = None
    data: JsonObject | None = None
