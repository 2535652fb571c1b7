"""Figures about a migration: its status report and its metrics."""

from pydantic import Field

from sensei.models.base import Model, Timestamp
from sensei.models.enums import MigrationStatus, PhaseName, PhaseStatus

__all__ = [
    "MigrationMetrics",
    "MigrationStatusReport",
    "QualityMetrics",
    "ResourceMetrics",
    "StatusErrors",
    "StatusPhase",
    "StatusProgress",
    "StatusTiming",
    "TableMetrics",
    "ThroughputMetrics",
]


class StatusPhase(Model):
    """Where a migration stands among its phases.

    Attributes:
        current: Number of the phase, from 1.
        total: How many there are.
        name: The phase.
    """

    current: int
    total: int
    name: PhaseName


class StatusProgress(Model):
    """How far a migration is.

    Attributes:
        percent: Share of the work that is done, 0 to 100.
        records_processed: Records moved so far.
        records_total: Records to move.
        throughput_per_hour: Records moved per hour.
    """

    percent: float
    records_processed: int | None = None
    records_total: int | None = None
    throughput_per_hour: float | None = None


class StatusTiming(Model):
    """How long a migration takes.

    Attributes:
        started_at: When it was started.
        elapsed_hours: Hours spent so far.
        eta_completion: When it should be done.
    """

    started_at: Timestamp | None = None
    elapsed_hours: float | None = None
    eta_completion: Timestamp | None = None


class StatusErrors(Model):
    """How many data errors there were.

    Attributes:
        total: All of them.
        recovered: Those mended without help.
        escalated: Those that need a person.
        recovery_rate: Share that was mended, 0 to 1.
    """

    total: int | None = None
    recovered: int | None = None
    escalated: int | None = None
    recovery_rate: float | None = None


class MigrationStatusReport(Model):
    """A short report on a migration.

    Attributes:
        id: The migration; always sent.
        status: Its state.
        phase: Where it stands among its phases; always sent, None before planning.
        progress: How far it is; always sent.
        timing: How long it takes; always sent.
        errors: How many data errors there were; always sent.
    """

    id: str | None = None
    status: MigrationStatus
    phase: StatusPhase | None = None
    progress: StatusProgress | None = None
    timing: StatusTiming | None = None
    errors: StatusErrors | None = None


class ThroughputMetrics(Model):
    """How fast a migration is.

    Attributes:
        current_records_per_second: Records per second now.
        average_records_per_second: On average.
        peak_records_per_second: At best.
        current_bytes_per_second: Bytes per second now, as a text for people.
        current_bytes_per_second_bytes: The same as a number of bytes.
    """

    current_records_per_second: float | None = None
    average_records_per_second: float | None = None
    peak_records_per_second: float | None = None
    current_bytes_per_second: str | None = None
    current_bytes_per_second_bytes: int | None = None


class ResourceMetrics(Model):
    """What a migration uses.

    Attributes:
        active_workers: Workers at work.
        cpu_utilization_percent: Share of the processors, 0 to 100.
        memory_utilization_percent: Share of the memory, 0 to 100.
        network_utilization_percent: Share of the network, 0 to 100.
    """

    active_workers: int | None = None
    cpu_utilization_percent: float | None = None
    memory_utilization_percent: float | None = None
    network_utilization_percent: float | None = None


class QualityMetrics(Model):
    """How well a migration goes.

    Attributes:
        error_rate_percent: Share of the records that met an error, 0 to 100.
        recovery_success_rate_percent: Share of the errors that were mended, 0 to 100.
        validation_pass_rate_percent: Share of the checks that passed, 0 to 100.
    """

    error_rate_percent: float | None = None
    recovery_success_rate_percent: float | None = None
    validation_pass_rate_percent: float | None = None


class TableMetrics(Model):
    """How far one table is.

    Attributes:
        schema: Schema of the table.
        table: The table.
        status: Its state.
        records_total: Records to move.
        records_processed: Records moved so far.
        throughput_records_per_second: Records per second.
        errors: Number of data errors.
    """

    schema: str | None = None  # type: ignore[assignment]  # a wire name, see Model
    table: str
    status: PhaseStatus | None = None
    records_total: int | None = None
    records_processed: int | None = None
    throughput_records_per_second: float | None = None
    errors: int | None = None


class MigrationMetrics(Model):
    """The figures of a migration at one moment.

    Attributes:
        migration_id: The migration.
        snapshot_at: The moment.
        throughput: How fast it is; always sent.
        resources: What it uses; always sent.
        quality: How well it goes; always sent.
        by_table: How far each table is; always sent.
    """

    migration_id: str
    snapshot_at: Timestamp
    throughput: ThroughputMetrics | None = None
    resources: ResourceMetrics | None = None
    quality: QualityMetrics | None = None
    by_table: list[TableMetrics] = Field(default_factory=list[TableMetrics])
