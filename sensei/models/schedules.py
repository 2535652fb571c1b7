"""Start times and maintenance windows of migrations."""

from typing import Annotated, Literal

from pydantic import Field

from sensei.models.base import Model, OpenEnum, Timestamp

__all__ = ["MaintenanceWindow", "Schedule", "ScheduleBehavior"]


Weekday = Annotated[
    Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | str, OpenEnum
]
"""A day on which a window opens."""


class MaintenanceWindow(Model):
    """A time of day in which a migration may work.

    Attributes:
        start: When it opens, `HH:MM`.
        end: When it closes, `HH:MM`; earlier than `start` means the next day.
        timezone: IANA zone name.
        name: For people.
        days: Days on which it opens, `monday` to `sunday`; every day when empty.
    """

    start: str
    end: str
    timezone: str | None = None
    name: str | None = None
    days: list[Weekday] = Field(default_factory=list[str])


class ScheduleBehavior(Model):
    """What happens when a window closes.

    Attributes:
        outside_window: What becomes of a running migration: `pause`, `continue` or `fail`.
        window_ending_warning: How long before the end a warning is logged, such as `30m`.
        complete_current_batch: Whether the batch in work is finished first.
    """

    outside_window: Annotated[Literal["pause", "continue", "fail"] | str, OpenEnum] | None = None
    window_ending_warning: str | None = None
    complete_current_batch: bool | None = None


class Schedule(Model):
    """When a migration starts and in which windows it works.

    Attributes:
        migration_id: The migration.
        status: `scheduled`, `waiting_for_approval` (its time has come but the plan is not approved), `active`
            (windows are being observed), `missed` or `done`.
        start_at: When it starts; always sent.
        timezone: IANA zone for windows that name none.
        maintenance_window: The window.
        maintenance_windows: The windows, when there are several.
        behavior: What happens when a window closes.
        next_window_opens_at: When the next window opens.
        created_at: When the schedule was made; always sent.
        updated_at: When it was last changed; always sent.
    """

    migration_id: str
    status: Annotated[Literal["scheduled", "waiting_for_approval", "active", "missed", "done"] | str, OpenEnum]
    start_at: Timestamp | None = None
    timezone: str | None = None
    maintenance_window: MaintenanceWindow | None = None
    maintenance_windows: list[MaintenanceWindow] = Field(default_factory=list[MaintenanceWindow])
    behavior: ScheduleBehavior | None = None
    next_window_opens_at: Timestamp | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
