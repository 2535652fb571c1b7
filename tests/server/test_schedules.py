"""Schedules: starts at their time, windows that open and close, on a clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sensei.server.clock import ControllableClock
from sensei.server.migrations import schedule_windows
from sensei.server.schemas.base import wire_time
from sensei.server.store.migration_tables import ScheduleRow
from tests.server.scripted_engine import ScriptedEngine
from tests.server.waiting import wait_until
from tests.server.world import World

NIGHT = {"start": "22:00", "end": "06:00"}
NEW_YORK = {**NIGHT, "timezone": "America/New_York", "days": ["monday", "friday"]}


def _schedule(*windows_: dict[str, Any], **members: Any) -> ScheduleRow:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    given = {"start_at": None, "timezone": None, "single": False, "behavior": {}, **members}
    return ScheduleRow(
        migration_id="m", status="scheduled", windows=list(windows_), created_at=now, updated_at=now, **given
    )


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OPEN: list[tuple[ScheduleRow, str, str | None, str]] = [
    # schedule, now, open until, next opening
    (_schedule(NIGHT), "2026-02-02T21:59", None, "2026-02-02T22:00"),
    (_schedule(NIGHT), "2026-02-02T22:00", "2026-02-03T06:00", "2026-02-03T22:00"),
    (_schedule(NIGHT), "2026-02-03T05:59", "2026-02-03T06:00", "2026-02-03T22:00"),
    (_schedule(NIGHT), "2026-02-03T06:00", None, "2026-02-03T22:00"),
    # Monday evening in New York is Tuesday 03:00 UTC; it runs past midnight there.
    (_schedule(NEW_YORK), "2026-02-03T03:00", "2026-02-03T11:00", "2026-02-07T03:00"),
    (_schedule(NEW_YORK), "2026-02-02T04:00", None, "2026-02-03T03:00"),
    # The schedule's zone counts for windows that name none.
    (_schedule(NIGHT, timezone="America/New_York"), "2026-02-03T03:30", "2026-02-03T11:00", "2026-02-04T03:00"),
    # Windows that overlap or touch are one.
    (
        _schedule({"start": "08:00", "end": "10:00"}, {"start": "10:00", "end": "12:00"}),
        "2026-02-03T09:00",
        "2026-02-03T12:00",
        "2026-02-03T10:00",
    ),
    # The clocks go forward in Berlin on 2026-03-29: the night is an hour shorter.
    (_schedule(NIGHT, timezone="Europe/Berlin"), "2026-03-28T22:00", "2026-03-29T04:00", "2026-03-29T20:00"),
]


@pytest.mark.parametrize(("schedule", "now", "until", "opening"), OPEN)
def test_when_windows_are_open(schedule: ScheduleRow, now: str, until: str | None, opening: str) -> None:
    assert schedule_windows.open_until(schedule, _utc(now)) == (None if until is None else _utc(until))
    assert schedule_windows.next_opening(schedule, _utc(now)) == _utc(opening)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("2h", 7200), ("5s", 5), ("0s", 0), ("9" * 50 + "h", 366 * 86400)]
)
def test_how_long_before_a_warning_comes(text: str, seconds: int) -> None:
    assert schedule_windows.seconds_of(text) == seconds


def _at(clock: ControllableClock, hours: float) -> str:
    return wire_time(clock.now() + timedelta(hours=hours))


def _closed_now(clock: ControllableClock) -> dict[str, str]:
    """A window that opens in about two hours, for an hour."""
    start = clock.now() + timedelta(hours=2)
    return {"start": f"{start:%H:%M}", "end": f"{start + timedelta(hours=1):%H:%M}"}


def _open_now(clock: ControllableClock) -> dict[str, str]:
    """A window that closes in about two hours."""
    return {"start": f"{clock.now() - timedelta(hours=1):%H:%M}", "end": f"{clock.now() + timedelta(hours=2):%H:%M}"}


def _move_to_wednesday_noon(clock: ControllableClock) -> None:
    """To a time at which none of the windows above is open."""
    now = clock.now()
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=(2 - now.weekday()) % 7)
    clock.advance((noon + timedelta(days=7) - now).total_seconds())


def test_a_schedule_can_be_set_changed_and_removed(world: World, clock: ControllableClock) -> None:
    _move_to_wednesday_noon(clock)
    mig = world.planned()
    path = f"/v1/migrations/{mig}/schedule"
    assert world.client.get(path).json()["error"]["code"] == "schedule_not_found"
    made = world.client.post(path, json={"start_at": _at(clock, 1), "maintenance_window": NIGHT})
    assert (made.status_code, made.headers["Location"]) == (201, path)
    assert made.json()["behavior"] == schedule_windows.DEFAULT_BEHAVIOR
    assert world.get(mig)["schedule"] == world.client.get(path).json()
    changed = world.client.patch(path, json={"behavior": {"outside_window": "fail"}, "start_at": None}).json()
    assert changed["behavior"] == {**schedule_windows.DEFAULT_BEHAVIOR, "outside_window": "fail"}
    assert (changed["start_at"], changed["maintenance_window"]["start"]) == (None, "22:00")
    refused = world.client.patch(path, json={"maintenance_window": None}).json()["error"]["details"]
    assert (refused["field"], refused["reason"]) == ("start_at", "required")
    several = {"maintenance_windows": [NIGHT, NEW_YORK], "maintenance_window": None}
    assert len(world.client.patch(path, json=several).json()["maintenance_windows"]) == 2
    replaced = world.client.post(path, json={"start_at": _at(clock, 2)}).json()
    assert "maintenance_windows" not in replaced
    assert replaced["created_at"] == made.json()["created_at"]
    assert world.client.delete(path).status_code == 204
    assert world.client.delete(path).json()["error"]["code"] == "schedule_not_found"
    past = world.client.post(path, json={"start_at": _at(clock, -1)}).json()["error"]["details"]
    assert (past["field"], past["reason"]) == ("start_at", "in_the_past")


def test_the_start_comes_at_its_time(world: World, clock: ControllableClock) -> None:
    mig = world.planned(schedule={"start_at": _at(clock, 1)})
    world.server.runtime.timers.run()
    assert world.get(mig)["status"] == "approved"
    clock.advance(3601)
    world.server.runtime.supervisor.wake()
    shown = world.wait_for(mig, "completed")
    assert shown["schedule"]["status"] == "done"


def test_a_start_that_waits_for_approval_follows_it(
    world: World, engine: ScriptedEngine, clock: ControllableClock
) -> None:
    engine.confidences = (0.5,)
    mig = world.planned(schedule={"start_at": _at(clock, 1)})
    clock.advance(3601)
    world.server.runtime.timers.run()
    assert world.get(mig)["schedule"]["status"] == "waiting_for_approval"
    mapping = world.client.get(f"/v1/migrations/{mig}/mappings").json()["data"][0]["id"]
    world.client.post(f"/v1/migrations/{mig}/plan/mappings/{mapping}/approve", json={"approved": True})
    world.wait_for(mig, "completed")


def test_a_window_starts_and_stops_the_work(world: World, engine: ScriptedEngine, clock: ControllableClock) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned(schedule={"maintenance_window": _closed_now(clock)})
    world.server.runtime.timers.run()
    assert world.get(mig)["status"] == "approved"
    clock.advance(2.1 * 3600)
    world.server.runtime.supervisor.wake()
    assert engine.arrived.wait(10)
    assert world.get(mig)["schedule"]["status"] == "active"
    clock.advance(3600)
    world.server.runtime.supervisor.wake()
    world.wait_for(mig, "paused")
    logs = world.client.get(f"/v1/migrations/{mig}/logs", params={"level": "warning"}).json()["data"]
    assert not logs, "the clock jumped over the time of the warning"
    engine.hold_in.clear()
    clock.advance(23 * 3600)
    world.server.runtime.supervisor.wake()
    world.wait_for(mig, "completed")


def test_what_a_user_paused_no_window_resumes(world: World, engine: ScriptedEngine, clock: ControllableClock) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.create(schedule={"maintenance_window": _open_now(clock)})
    assert engine.arrived.wait(10)
    world.post(mig, "pause")
    world.wait_for(mig, "paused")
    world.server.runtime.timers.run()
    assert world.get(mig)["status"] == "paused"


def test_the_end_of_a_window_is_announced_once(world: World, engine: ScriptedEngine, clock: ControllableClock) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.create(schedule={"maintenance_window": _open_now(clock)})
    assert engine.arrived.wait(10)
    clock.advance(1.8 * 3600)
    for _ in range(3):
        world.server.runtime.timers.run()
    logs = world.client.get(f"/v1/migrations/{mig}/logs", params={"level": "warning"}).json()["data"]
    assert [entry["message"].startswith("The maintenance window closes at") for entry in logs] == [True]


OUTSIDE = [("continue", "running"), ("fail", "failed")]


@pytest.mark.parametrize(("behavior", "status"), OUTSIDE)
def test_what_happens_when_a_window_closes(
    world: World, engine: ScriptedEngine, clock: ControllableClock, behavior: str, status: str
) -> None:
    engine.hold_in.add("data_transfer")
    schedule = {"maintenance_window": _open_now(clock), "behavior": {"outside_window": behavior}}
    mig = world.create(schedule=schedule)
    assert engine.arrived.wait(10)
    clock.advance(3 * 3600)
    world.server.runtime.timers.run()
    assert world.get(mig)["status"] == status
    engine.go_on.set()


def test_a_schedule_that_never_came_to_pass_is_missed(world: World, clock: ControllableClock) -> None:
    mig = world.planned(schedule={"start_at": _at(clock, 1)})
    world.post(mig, "cancel")
    assert world.client.get(f"/v1/migrations/{mig}/schedule").json()["status"] == "missed"


def test_no_more_run_at_a_time_than_allowed_even_by_schedule(world: World, clock: ControllableClock) -> None:
    others = [world.planned() for _ in range(10)]
    for other in others:
        world.put_into(other, "validating")
    mig = world.planned(schedule={"start_at": _at(clock, 1)})
    clock.advance(3601)
    world.server.runtime.timers.run()
    assert world.get(mig)["status"] == "approved"
    world.put_into(others[0], "paused")
    world.server.runtime.supervisor.wake()
    wait_until(lambda: world.get(mig)["status"] == "completed")
