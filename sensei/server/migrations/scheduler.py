"""Schedules put into effect: starts at their time, and windows that open and close. All truth is in the store."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from sensei.server.migrations import action_checks, event_log, lifecycle, schedule_windows
from sensei.server.store.migration_tables import Migration, ScheduleRow

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime

log: logging.Logger = logging.getLogger("sensei.server")

_LIVE = ("scheduled", "waiting_for_approval", "active")


class Timers:
    """Looks at the schedules whenever it is run; a time that passed while no server ran is made up for."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def run(self) -> None:
        """Do whatever is due now."""
        with self._runtime.store.read() as session:
            ids = list(session.scalars(select(ScheduleRow.migration_id).where(ScheduleRow.status.in_(_LIVE))))
            due = [id_ for id_ in ids if self._look(session, id_, act=False)]
        for id_ in due:
            with self._runtime.store.write() as session:
                self._look(session, id_, act=True)
            self._runtime.hub.notify(id_)

    def _look(self, session: Session, migration_id: str, *, act: bool) -> bool:
        """Whether something is due; done at once with `act`."""
        row = session.get(Migration, migration_id, with_for_update=act or None)
        schedule = session.get(ScheduleRow, migration_id)
        if row is None or schedule is None or schedule.status not in _LIVE:
            return False
        now = self._runtime.settings.clock.now()
        if row.started_at is None:
            return self._look_at_start(session, row, schedule, now, act=act)
        if not schedule.windows:
            return False
        return self._look_at_window(session, row, schedule, now, act=act)

    def _look_at_start(
        self, session: Session, row: Migration, schedule: ScheduleRow, now: datetime, *, act: bool
    ) -> bool:
        if schedule.start_at is not None and schedule.start_at > now:
            return False
        if schedule.windows and schedule_windows.open_until(schedule, now) is None:
            return False
        if row.status == "plan_ready" and schedule.status != "waiting_for_approval":
            if act:
                schedule.status = "waiting_for_approval"
                schedule.updated_at = now
                event_log.append_log(
                    session, row, "warning", "The start waits for the mappings in review", now, phase=row.phase
                )
            return True
        quota = self._runtime.settings.quotas.concurrent_migrations
        if row.status != "approved" or not action_checks.has_room(session, row, quota):
            return False
        if act:
            schedule.status = "active" if schedule.windows else "done"
            schedule.updated_at = now
            row.wanted = "run"
            lifecycle.move(session, row, "running", now, "The scheduled start time has come")
        return True

    def _look_at_window(
        self, session: Session, row: Migration, schedule: ScheduleRow, now: datetime, *, act: bool
    ) -> bool:
        behavior = {**schedule_windows.DEFAULT_BEHAVIOR, **schedule.behavior}
        closes = schedule_windows.open_until(schedule, now)
        if closes is not None and row.status == "paused" and row.paused_by_window:
            if act:
                row.paused_by_window = False
                row.wanted = "run"
                lifecycle.move(session, row, "running", now, "A maintenance window is open")
            return True
        if closes is not None and row.status in ("running", "validating"):
            warning = timedelta(seconds=schedule_windows.seconds_of(behavior["window_ending_warning"]))
            if closes - warning > now or schedule.warned_for == closes:
                return False
            if act:
                schedule.warned_for = closes
                event_log.append_log(
                    session,
                    row,
                    "warning",
                    f"The maintenance window closes at {closes:%H:%M} UTC",
                    now,
                    phase=row.phase,
                )
            return True
        if closes is None and row.status == "running" and behavior["outside_window"] != "continue":
            if act:
                self._close(session, row, behavior, now)
            return True
        return False

    def _close(self, session: Session, row: Migration, behavior: dict[str, object], now: datetime) -> None:
        text = "The maintenance window has closed"
        if behavior["outside_window"] == "fail":
            lifecycle.fail(session, row, now, "window_closed", text + " before the migration was through")
            return
        row.paused_by_window = True
        row.wanted = "pause" if behavior["complete_current_batch"] else "stop"
        row.reason = text
        lifecycle.move(session, row, "pausing", now, text, reason=text)
