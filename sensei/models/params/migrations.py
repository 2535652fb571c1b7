"""What migrations, their schedules and their actions take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Required, cast

from pydantic import ConfigDict, Discriminator, Field, Tag, with_config
from typing_extensions import TypedDict

from sensei.models.base import OpenEnum
from sensei.models.enums import (
    ConnectionTypeParam,
    PhaseNameParam,
    RollbackScopeParam,
    RollbackStrategyParam,
    StrategyParam,
    ValidationTypeParam,
)
from sensei.models.params.base import STRICT, Description, Instant, Name, OpenObject, Reason, Text

__all__ = [
    "MaintenanceWindowParam",
    "MigrationCancelBody",
    "MigrationCreateBody",
    "MigrationOptionsParam",
    "MigrationPauseBody",
    "MigrationSourceByConnection",
    "MigrationSourceInline",
    "MigrationSourceParam",
    "MigrationStartBody",
    "MigrationTargetByConnection",
    "MigrationTargetInline",
    "MigrationTargetParam",
    "MigrationUpdateBody",
    "NotificationsParam",
    "RollbackBody",
    "ScheduleBehaviorParam",
    "ScheduleParam",
    "ScheduleUpdateBody",
    "StartPhase",
    "TargetOptionsParam",
    "TypeMappingParam",
]

Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
NotifyOn = Annotated[
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
    ],
    OpenEnum,
]
StartPhase = Literal["schema_migration", "data_transfer", "validation", "cutover"]
"""Phase to begin with; the ones before it are marked skipped."""


@with_config(STRICT)
class MigrationSourceByConnection(TypedDict, total=False):
    """The side to read from, by a stored connection.

    Attributes:
        connection_id: The connection.
        schemas: Schemas to migrate; all in view if not given.
        schema: Short form for a single schema.
        tables: Tables to take, `*` and `?` being wildcards; all if not given.
        exclude_tables: Tables to leave out, applied after `tables`.
        options: Reader settings of the connector.
    """

    connection_id: Required[str]
    schemas: Sequence[str]
    schema: str
    tables: Sequence[Text]
    exclude_tables: Sequence[Text]
    options: OpenObject


@with_config(STRICT)
class MigrationSourceInline(TypedDict, total=False):
    """The side to read from, by a connection string that is used for this migration only.

    Attributes:
        type: Kind of the database.
        connection_string: How to reach it. Write-only.
        schemas: Schemas to migrate; all in view if not given.
        schema: Short form for a single schema.
        tables: Tables to take, `*` and `?` being wildcards; all if not given.
        exclude_tables: Tables to leave out, applied after `tables`.
        options: Reader settings of the connector.
    """

    type: Required[ConnectionTypeParam]
    connection_string: Required[Text]
    schemas: Sequence[str]
    schema: str
    tables: Sequence[Text]
    exclude_tables: Sequence[Text]
    options: OpenObject


@with_config(ConfigDict(extra="allow", strict=True))
class TargetOptionsParam(TypedDict, total=False):
    """Writer settings. Further ones of the connector may be given beside these.

    Attributes:
        create_schema_if_missing: Make the schema when it is not there; true if not given.
        drop_existing_tables: Drop tables that are there and make them anew. Destroys what is in them.
        truncate_existing_tables: Empty tables that are there, but keep their structure.
        append_to_existing: Add rows to what is there.
    """

    create_schema_if_missing: bool
    drop_existing_tables: bool
    truncate_existing_tables: bool
    append_to_existing: bool


@with_config(STRICT)
class MigrationTargetByConnection(TypedDict, total=False):
    """The side to write to, by a stored connection.

    Attributes:
        connection_id: The connection.
        schema: Schema to write into; the connection's default if not given.
        options: Writer settings.
    """

    connection_id: Required[str]
    schema: str
    options: TargetOptionsParam


@with_config(STRICT)
class MigrationTargetInline(TypedDict, total=False):
    """The side to write to, by a connection string that is used for this migration only.

    Attributes:
        type: Kind of the database.
        connection_string: How to reach it. Write-only.
        schema: Schema to write into; the connection's default if not given.
        options: Writer settings.
    """

    type: Required[ConnectionTypeParam]
    connection_string: Required[Text]
    schema: str
    options: TargetOptionsParam


MigrationSourceParam = MigrationSourceByConnection | MigrationSourceInline
"""The side to read from: a stored connection or an inline one."""

MigrationTargetParam = MigrationTargetByConnection | MigrationTargetInline
"""The side to write to, given like the source."""


def _end(value: Any) -> str:
    # Tags in <> never show in an error: they are no part of the path.
    names = set(cast("dict[str, object]", value)) if isinstance(value, dict) else set[str]()
    inline = bool(names) and "connection_id" not in names
    return "<inline>" if inline else "<stored>"


@with_config(STRICT)
class TypeMappingParam(TypedDict):
    """An override of a built-in column type conversion.

    Attributes:
        source_type: Type in the source, in its own notation.
        target_type: Type to be made in the target, in its own notation.
    """

    source_type: str
    target_type: str


@with_config(STRICT)
class MigrationOptionsParam(TypedDict, total=False):
    """Settings of a migration.

    Attributes:
        mode: `full` copies everything once, `incremental` what changed since the last migration of the same ends.
        parallelism: Workers at a time, 1 to 64; 4 if not given.
        batch_size: Records per batch, 1 to 100,000; 10,000 if not given.
        auto_approve_above: A mapping at least this sure, 0 to 1, is approved without review; 0.95 if not given, None
            switches that off.
        generate_rollback: Prepare what a rollback needs; true if not given.
        validation_type: Kind of the validation that the validation phase runs; `standard` if not given.
        type_mappings: Overrides of the built-in column type conversions.
        auto_approve_high_confidence: Older form: true means `auto_approve_above` 0.95, false means None.
        notify_on_completion: Older form of notifications by mail when completed.
    """

    mode: Annotated[Literal["full", "incremental"], OpenEnum]
    parallelism: Annotated[int, Field(ge=1, le=64)]
    batch_size: Annotated[int, Field(ge=1, le=100_000)]
    auto_approve_above: Annotated[float, Field(ge=0, le=1)] | None
    generate_rollback: bool
    validation_type: ValidationTypeParam
    type_mappings: Sequence[TypeMappingParam]
    auto_approve_high_confidence: bool
    notify_on_completion: Sequence[str]


@with_config(STRICT)
class MaintenanceWindowParam(TypedDict, total=False):
    """A time of day in which a migration may work.

    Attributes:
        start: When it opens, `HH:MM`.
        end: When it closes, `HH:MM`; earlier than `start` means the next day.
        timezone: IANA zone name; that of the schedule, or UTC, if not given.
        name: For people.
        days: Days on which it opens; every day if not given.
    """

    start: Required[Clock]
    end: Required[Clock]
    timezone: str
    name: str
    days: Sequence[Day]


@with_config(STRICT)
class ScheduleBehaviorParam(TypedDict, total=False):
    """What happens when a window closes.

    Attributes:
        outside_window: What becomes of a running migration: `pause` (if not given), `continue` or `fail`.
        window_ending_warning: How long before the end a warning is logged, such as `30m`.
        complete_current_batch: Whether the batch in work is finished first; true if not given.
    """

    outside_window: Annotated[Literal["pause", "continue", "fail"], OpenEnum]
    window_ending_warning: Annotated[str, Field(pattern=r"^[0-9]+[smh]$")]
    complete_current_batch: bool


Windows = Annotated[Sequence[MaintenanceWindowParam], Field(min_length=1, max_length=20)]


@with_config(STRICT)
class ScheduleParam(TypedDict, total=False):
    """When a migration starts and in which windows it works; one of the two is needed.

    Attributes:
        start_at: When it starts: an aware datetime or RFC 3339 text.
        timezone: IANA zone for windows that name none.
        maintenance_window: The window.
        maintenance_windows: The windows, when there are several, up to 20.
        behavior: What happens when a window closes.
    """

    start_at: Instant
    timezone: str
    maintenance_window: MaintenanceWindowParam
    maintenance_windows: Windows
    behavior: ScheduleBehaviorParam


@with_config(STRICT)
class ScheduleUpdateBody(TypedDict, total=False):
    """The body of `migrations.update_schedule`."""

    start_at: Instant | None
    timezone: str | None
    maintenance_window: MaintenanceWindowParam | None
    maintenance_windows: Windows | None
    behavior: ScheduleBehaviorParam


@with_config(STRICT)
class NotificationsParam(TypedDict, total=False):
    """Who is told about what.

    Attributes:
        email: Addresses, up to 50.
        slack_channel: Channel, with its `#`.
        on_events: What they are told about.
    """

    email: Annotated[Sequence[str], Field(max_length=50)]
    slack_channel: str
    on_events: Sequence[NotifyOn]


@with_config(STRICT)
class MigrationCreateBody(TypedDict, total=False):
    """The body of `migrations.create`."""

    name: Required[Name]
    description: Description
    source: Required[
        Annotated[
            Annotated[MigrationSourceByConnection, Tag("<stored>")] | Annotated[MigrationSourceInline, Tag("<inline>")],
            Discriminator(_end),
        ]
    ]
    target: Required[
        Annotated[
            Annotated[MigrationTargetByConnection, Tag("<stored>")] | Annotated[MigrationTargetInline, Tag("<inline>")],
            Discriminator(_end),
        ]
    ]
    strategy: StrategyParam
    options: MigrationOptionsParam
    schedule: ScheduleParam
    notifications: NotificationsParam


@with_config(STRICT)
class MigrationUpdateBody(TypedDict, total=False):
    """The body of `migrations.update`."""

    name: Name
    description: Description | None
    strategy: StrategyParam
    options: MigrationOptionsParam
    notifications: NotificationsParam | None


@with_config(STRICT)
class MigrationStartBody(TypedDict, total=False):
    """The body of `migrations.start`."""

    skip_approval: bool
    start_from_phase: StartPhase
    dry_run: bool


@with_config(STRICT)
class MigrationPauseBody(TypedDict, total=False):
    """The body of `migrations.pause`."""

    reason: Reason
    immediate: bool


@with_config(STRICT)
class MigrationCancelBody(TypedDict, total=False):
    """The body of `migrations.cancel`."""

    reason: Reason
    rollback: bool
    force: bool


@with_config(STRICT)
class CheckpointCreateBody(TypedDict, total=False):
    """The body of `migrations.create_checkpoint`."""

    reason: Reason


@with_config(STRICT)
class RestoreBody(TypedDict):
    """The body of `migrations.restore`."""

    checkpoint_id: Text


@with_config(STRICT)
class RollbackBody(TypedDict, total=False):
    """The body of `migrations.rollback`."""

    strategy: Required[RollbackStrategyParam]
    verify_after: bool
    restore_to: Instant
    backup_id: str
    scope: RollbackScopeParam
    phase: Annotated[int, Field(ge=1, le=5)] | PhaseNameParam
    tables: Annotated[Sequence[str], Field(min_length=1)]
