"""Requests about migrations: making, changing, acting on them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from sensei.server.schemas.base import (
    Closed,
    Description,
    InstantOrDate,
    Maybe,
    Name,
    Open,
    PageQuery,
    QueryBoolean,
    QueryModel,
    refuse_members,
)
from sensei.server.schemas.connections import ConnectionType
from sensei.server.schemas.schedules import ScheduleInput

Status = Literal[
    "pending",
    "planning",
    "plan_ready",
    "approved",
    "running",
    "pausing",
    "paused",
    "validating",
    "completed",
    "failed",
    "cancelling",
    "cancelled",
    "rolling_back",
    "rolled_back",
]
PhaseName = Literal["planning", "schema_migration", "data_transfer", "validation", "cutover"]
Strategy = Literal["safe", "balanced", "speed"]
TablePatterns = list[Annotated[str, Field(min_length=1)]]
Reason = Annotated[str, Field(max_length=1000)]


def _like_an_address(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise PydanticCustomError("format", "must be an email address")
    return value


Email = Annotated[str, AfterValidator(_like_an_address), WithJsonSchema({"type": "string", "format": "email"})]


def by_end(value: Any) -> str:
    """Which of the two ways an end is given: inline when it says a type or a connection string."""
    named: set[str] = (
        set(cast("dict[str, Any]", value))
        if isinstance(value, dict)
        else getattr(value, "model_fields_set", set[str]())
    )
    return "=inline" if "connection_id" not in named and {"type", "connection_string"} & named else "=connection"


class _SourceBase(Closed):
    """What both forms of a source have."""

    schemas: Maybe[list[str]] = None
    schema_: Maybe[str] = Field(default=None, alias="schema")
    tables: Maybe[TablePatterns] = None
    exclude_tables: Maybe[TablePatterns] = None
    options: Maybe[dict[str, Any]] = None


class SourceByConnection(_SourceBase):
    """A source that is a stored connection."""

    connection_id: str


class SourceInline(_SourceBase):
    """A source given on the spot."""

    type: ConnectionType
    connection_string: Annotated[str, Field(min_length=1)]


class TargetOptions(Open):
    """How existing objects on the target are treated; writer settings may stand beside."""

    create_schema_if_missing: Maybe[bool] = None
    drop_existing_tables: Maybe[bool] = None
    truncate_existing_tables: Maybe[bool] = None
    append_to_existing: Maybe[bool] = None


class _TargetBase(Closed):
    """What both forms of a target have."""

    schema_: Maybe[str] = Field(default=None, alias="schema")
    options: Maybe[TargetOptions] = None


class TargetByConnection(_TargetBase):
    """A target that is a stored connection."""

    connection_id: str


class TargetInline(_TargetBase):
    """A target given on the spot."""

    type: ConnectionType
    connection_string: Annotated[str, Field(min_length=1)]


SourceInput = Annotated[
    Annotated[SourceByConnection, Tag("=connection")] | Annotated[SourceInline, Tag("=inline")], Discriminator(by_end)
]
TargetInput = Annotated[
    Annotated[TargetByConnection, Tag("=connection")] | Annotated[TargetInline, Tag("=inline")], Discriminator(by_end)
]


class TypeMapping(Open):
    """An override of a built-in type conversion."""

    source_type: str
    target_type: str


class MigrationOptions(Closed):
    """What a migration does and how hard it works."""

    mode: Maybe[Literal["full", "incremental"]] = None
    parallelism: Maybe[Annotated[int, Field(ge=1, le=64)]] = None
    batch_size: Maybe[Annotated[int, Field(ge=1, le=100_000)]] = None
    auto_approve_above: Annotated[float, Field(ge=0, le=1)] | None = None
    generate_rollback: Maybe[bool] = None
    validation_type: Maybe[Literal["quick", "standard", "full", "behavioral_only"]] = None
    type_mappings: Maybe[list[TypeMapping]] = None
    auto_approve_high_confidence: Maybe[bool] = None
    notify_on_completion: Maybe[list[Email]] = None


class Notifications(Closed):
    """Who is told about what."""

    email: Maybe[Annotated[list[Email], Field(max_length=50)]] = None
    slack_channel: Maybe[str] = None
    on_events: Maybe[
        list[
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
        ]
    ] = None


class MigrationCreate(Closed):
    """A migration to be made."""

    name: Name
    description: Maybe[Description] = None
    source: SourceInput
    target: TargetInput
    strategy: Maybe[Strategy] = None
    options: Maybe[MigrationOptions] = None
    schedule: Maybe[ScheduleInput] = None
    notifications: Maybe[Notifications] = None


class MigrationUpdate(Closed):
    """Members to change."""

    name: Maybe[Name] = None
    description: Description | None = None
    strategy: Maybe[Strategy] = None
    options: Maybe[MigrationOptions] = None
    notifications: Notifications | None = None

    @model_validator(mode="before")
    @classmethod
    def _keeps_its_ends(cls, data: Any) -> Any:
        refuse_members(data, "source", "target")
        return data

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("required", "must have at least one member")
        return self


class MigrationStart(Closed):
    """How to start."""

    skip_approval: bool = False
    start_from_phase: Maybe[Literal["schema_migration", "data_transfer", "validation", "cutover"]] = None
    dry_run: bool = False


class MigrationPause(Closed):
    """How to pause."""

    reason: Maybe[Reason] = None
    immediate: bool = False


class MigrationCancel(Closed):
    """How to cancel."""

    reason: Maybe[Reason] = None
    rollback: Maybe[bool] = None
    force: bool = False


class MigrationListQuery(PageQuery):
    """Filters and order of the list."""

    status: Maybe[Status] = None
    source_id: Maybe[str] = None
    target_id: Maybe[str] = None
    created_after: Maybe[InstantOrDate] = None
    created_before: Maybe[InstantOrDate] = None
    sort: Literal["created_at", "started_at", "name"] = "created_at"
    order: Maybe[Literal["asc", "desc"]] = None


class MigrationDeleteQuery(QueryModel):
    """What to keep of a deleted migration."""

    keep_logs: QueryBoolean = True
    keep_metrics: QueryBoolean = True
