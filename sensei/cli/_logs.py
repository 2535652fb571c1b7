"""The log of a migration: its newest lines, or all that come."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from sensei.cli._errors import StoppedError
from sensei.cli._migration_views import log_line
from sensei.cli._options import Options
from sensei.cli._result import emit, serialized, tell, write_result

if TYPE_CHECKING:
    from sensei import Client
    from sensei.models.enums import LogLevelParam
    from sensei.models.events import LogEvent
    from sensei.models.migrations import LogEntry

_BIGGEST_PAGE = 100


def show(options: Options, client: Client, migration_id: str, level: LogLevelParam | None, most: int | None) -> None:
    """Write the newest lines, the oldest of them first.

    Args:
        options: Say which form.
        client: Whom to ask.
        migration_id: Whose log.
        level: This weight and those above it.
        most: How many lines; None for all.
    """
    page = client.migrations.logs(migration_id, level=level, limit=_BIGGEST_PAGE)
    total = page.pagination.total
    skipped = 0 if most is None else max(total - most, 0)
    if skipped:
        page = client.migrations.logs(migration_id, level=level, limit=_BIGGEST_PAGE, offset=skipped)
    entries: list[LogEntry] = page.to_list(max_items=most)
    shown = {"total": max(total, skipped + len(entries)), "limit": len(entries), "offset": skipped, "has_more": False}
    document = {"data": [entry.to_dict() for entry in entries], "pagination": shown}
    if options.form == "table" and not options.quiet:
        emit("".join(f"{log_line(entry)}\n" for entry in entries))
    else:
        write_result(options, document, ids=[migration_id], text="")
    if skipped:
        tell(f"The newest {len(entries)} of {total} lines; --limit NUMBER shows more, --all shows all.")


def follow(options: Options, client: Client, migration_id: str, level: LogLevelParam | None) -> None:
    """Write the newest lines and all that come, until the migration is over.

    Raises:
        StoppedError: Ctrl-C; the migration goes on.
    """
    try:
        with client.migrations.stream_logs(migration_id, level=level) as events:
            for event in events:
                if event.type == "log":
                    emit(_written(options, event))
                    sys.stdout.flush()
                elif event.type == "end":
                    tell(f"Migration {migration_id} is {event.status.replace('_', ' ')}.")
    except KeyboardInterrupt:
        raise StoppedError(f"{migration_id} goes on at the server") from None


def _written(options: Options, event: LogEvent) -> str:
    if options.quiet:
        return f"{event.id}\n"
    if options.form == "table":
        return f"{log_line(event)}\n"
    document = {"id": event.id, **event.to_dict()}
    if options.form == "yaml":
        return f"---\n{serialized(options, document)}\n"
    return json.dumps(document) + "\n"
