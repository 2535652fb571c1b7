"""Schedules: when windows are open, what comes next, and how a schedule is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sensei.server.schemas.base import wire_time, wire_time_or_none
from sensei.server.schemas.schedules import ScheduleAnswer
from sensei.server.store.migration_tables import ScheduleRow

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"s": 1, "m": 60, "h": 3600}

DEFAULT_BEHAVIOR: dict[str, Any] = {
    "outside_window": "pause",
    "window_ending_warning": "30m",
    "complete_current_batch": True,
}

_LONGEST = 366 * 86_400
"""A warning longer before than a year is as good as at once."""

Span = tuple[datetime, datetime]


def seconds_of(text: str) -> int:
    """A duration such as ``30m`` in seconds.

    Examples:
        >>> seconds_of("30m")
        1800
    """
    number = text[:-1].lstrip("0")
    return _LONGEST if len(number) > 8 else min(int(number or "0") * _UNITS[text[-1]], _LONGEST)


def open_until(schedule: ScheduleRow, now: datetime) -> datetime | None:
    """When the windows that are open now close; None when none is open. Windows that overlap count as one."""
    end: datetime | None = None
    spans = _spans(schedule, now)
    for _ in spans:
        at = end or now
        reached = max((stop for start, stop in spans if start <= at < stop), default=None)
        if reached is None or reached == end:
            break
        end = reached
    return end


def next_opening(schedule: ScheduleRow, now: datetime) -> datetime | None:
    """When a window opens next."""
    return min((start for start, _ in _spans(schedule, now) if start > now), default=None)


def _spans(schedule: ScheduleRow, now: datetime) -> list[Span]:
    return [span for window in schedule.windows for span in _window_spans(window, schedule.timezone, now)]


def _window_spans(window: dict[str, Any], default_zone: str | None, now: datetime) -> list[Span]:
    zone = ZoneInfo(window.get("timezone") or default_zone or "UTC")
    days = window.get("days") or _DAYS
    today = now.astimezone(zone).date()
    found: list[Span] = []
    for offset in range(-2, 9):
        day = today + timedelta(days=offset)
        if _DAYS[day.weekday()] not in days:
            continue
        start = _at(day, window["start"], zone)
        # The clock may be put back or forward meanwhile, so the end is found on the wall clock, not by a duration.
        end = _at(day + timedelta(days=1) if window["end"] < window["start"] else day, window["end"], zone)
        if end > start:
            found.append((start, end))
    return found


def _at(day: Any, wall_clock: str, zone: ZoneInfo) -> datetime:
    hour, minute = wall_clock.split(":")
    return datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=zone).astimezone(UTC)


def show(schedule: ScheduleRow, now: datetime) -> ScheduleAnswer:
    """A schedule as the wire has it."""
    shown: ScheduleAnswer = {
        "migration_id": schedule.migration_id,
        "status": schedule.status,
        "start_at": wire_time_or_none(schedule.start_at),
        "timezone": schedule.timezone,
        "behavior": {**DEFAULT_BEHAVIOR, **schedule.behavior},
        "next_window_opens_at": wire_time_or_none(next_opening(schedule, now)),
        "created_at": wire_time(schedule.created_at),
        "updated_at": wire_time(schedule.updated_at),
    }
    if schedule.single and schedule.windows:
        shown["maintenance_window"] = schedule.windows[0]
    several = schedule.windows[1:] if schedule.single else schedule.windows
    if several:
        shown["maintenance_windows"] = several
    return shown
