"""Follow a running migration and tell a person about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensei.cli._presenter import Presenter, Progress
from sensei.cli._text import seconds

if TYPE_CHECKING:
    from datetime import datetime

    from sensei import Migration

_SETTLE_SECONDS = 60.0

_WAITING = {
    "plan_ready": "The plan is ready and waits for decisions: `sensei plans mappings {0}` shows them, then "
    "`sensei migrations start {0}`",
    "approved": "The plan is approved: `sensei migrations start {0}` starts it",
    "paused": "Paused: `sensei migrations resume {0}` goes on",
}
"""What a migration that does nothing by itself waits for."""


def watch(
    migration: Migration,
    tell: Presenter,
    *,
    since: datetime | None = None,
    doing: str | None = None,
    stay: bool = False,
) -> Migration:
    """Show the event stream until the migration has finished or paused; returns it refreshed.

    Args:
        migration: Which one.
        tell: Whom to tell.
        since: When it was taken up again. What was before is not shown, and neither is how long phases took: their
            time would hold the break.
        doing: What to show until there is progress.
        stay: Whether to go on while it waits for somebody, as it does when it is paused, and to say what for.

    Raises:
        StreamInterruptedError: The stream was cut and could not be resumed; the migration goes on.
        KeyboardInterrupt: The user had enough; the migration goes on.
    """
    from sensei.models.events import ErrorEvent, LogEvent, PhaseEvent, ProgressEvent, StatusEvent

    tell.begin(doing or ("Starting" if since is None else "Going on"))
    with migration.stream_events(since=since) as events:
        for event in events:
            match event:
                case ProgressEvent() if event.phase != "planning":
                    tell.progress(
                        Progress(
                            phase=event.phase,
                            percent=event.percent,
                            done=event.records_processed or 0,
                            total=event.records_total,
                            per_second=event.throughput_records_per_second,
                            table=event.table,
                        )
                    )
                case PhaseEvent(action="completed") if event.phase != "planning":
                    name = event.phase.replace("_", " ").capitalize()
                    known = event.duration_seconds if since is None else None
                    took = f" ({seconds(known)})" if known is not None else ""
                    tell.end(f"{name}: {event.message or 'done'}{took}")
                case LogEvent(level="warning"):
                    tell.warn(event.message)
                case ErrorEvent(action="occurred"):
                    place = ".".join(part for part in (event.table, event.column_name) if part)
                    tell.warn(f"{place}: {event.message}" if place else event.message)
                case StatusEvent(status="paused") if not stay and migration.refresh().status == "paused":
                    return migration
                # What is replayed may be long over.
                case StatusEvent(status=status) if stay and status in _WAITING and migration.refresh().status == status:
                    tell.say(_WAITING[status].format(migration.id))
                case _:
                    pass
    return migration.wait(timeout=_SETTLE_SECONDS)
