"""Requests and answers of schedules."""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Any, Literal, NotRequired, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from sensei.server.schemas.base import Closed, Instant, Maybe

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WallClock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


def _known_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("format", "is no IANA time zone") from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class MaintenanceWindow(Closed):
    """A daily span of wall-clock time; it may run past midnight."""

    start: WallClock
    end: WallClock
    timezone: Maybe[Zone] = None
    name: Maybe[str] = None
    days: Maybe[list[Day]] = None

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.end:
            raise PydanticCustomError("one_of", "start and end must differ", {"field": "end"})
        return self


class ScheduleBehavior(Closed):
    """What happens at the edges of a window."""

    outside_window: Maybe[Literal["pause", "continue", "fail"]] = None
    window_ending_warning: Maybe[Annotated[str, Field(pattern=r"^[0-9]+[smh]$")]] = None
    complete_current_batch: Maybe[bool] = None


Windows = Annotated[list[MaintenanceWindow], Field(min_length=1, max_length=20)]


class ScheduleInput(Closed):
    """When a migration starts by itself: an instant, windows, or both."""

    start_at: Maybe[Instant] = None
    timezone: Maybe[Zone] = None
    maintenance_window: Maybe[MaintenanceWindow] = None
    maintenance_windows: Maybe[Windows] = None
    behavior: Maybe[ScheduleBehavior] = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not self.model_fields_set & {"start_at", "maintenance_window", "maintenance_windows"}:
            raise PydanticCustomError("required", "needs start_at or a maintenance window", {"field": "start_at"})
        return self


class ScheduleUpdate(Closed):
    """Members to change; null removes one."""

    start_at: Instant | None = None
    timezone: Zone | None = None
    maintenance_window: MaintenanceWindow | None = None
    maintenance_windows: Windows | None = None
    behavior: Maybe[ScheduleBehavior] = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("required", "must have at least one member")
        return self


class ScheduleAnswer(TypedDict):
    """A schedule."""

    migration_id: str
    status: str
    start_at: str | None
    timezone: str | None
    maintenance_window: NotRequired[dict[str, Any] | None]
    maintenance_windows: NotRequired[list[dict[str, Any]]]
    behavior: dict[str, Any]
    next_window_opens_at: str | None
    created_at: str
    updated_at: str
