"""Server-sent events from the log of a migration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import anyio
import anyio.to_thread

from sensei.server.migrations import event_log
from sensei.server.runtime import Runtime
from sensei.server.store.migration_tables import EventRow, Migration

RETRY_MS = 3000
_PAGE = 500
_LOOK_EVERY_SECONDS = 1.0
"""How long an addition by another process may go unnoticed."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events as read at one moment, and whether the stream ends after them."""

    events: list[EventRow]
    ends: bool
    last_seen: int


def _frame(event: EventRow) -> bytes:
    return f"id: {event.id}\nevent: {event.kind}\ndata: {event.data}\n\n".encode()


async def follow(
    runtime: Runtime, migration_id: str, after: int, wants: Callable[[EventRow], bool]
) -> AsyncIterator[bytes]:
    """Frames of a stream that begins after an event and ends with the `end` of a finished migration.

    When the server stops, the stream is closed without `end`: to the client it was cut, and it comes back.

    Parameters:
        after: Id of the last event that the client has.
        wants: Whether an event is of this stream; the one `end` that counts always is.
    """
    loop = asyncio.get_running_loop()
    added = asyncio.Event()

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(added.set)
        except RuntimeError:
            return  # The loop is closed; so is the stream.

    runtime.hub.listen(migration_id, wake)
    try:
        yield f"retry: {RETRY_MS}\n\n".encode()
        silent_since = loop.time()
        while not runtime.is_stopping:
            added.clear()
            batch = await anyio.to_thread.run_sync(_read, runtime, migration_id, after, wants, limiter=runtime.readers)
            after = batch.last_seen
            if batch.events:
                yield b"".join(_frame(event) for event in batch.events)
                silent_since = loop.time()
            if batch.ends:
                return
            if batch.last_seen and len(batch.events) >= _PAGE:
                continue
            keep_alive = runtime.settings.keep_alive_seconds
            left = silent_since + keep_alive - loop.time()
            if left <= 0:
                yield b": keep-alive\n\n"
                silent_since = loop.time()
                left = keep_alive
            with anyio.move_on_after(min(left, _LOOK_EVERY_SECONDS)):
                await added.wait()
    finally:
        runtime.hub.leave(migration_id, wake)


def _read(runtime: Runtime, migration_id: str, after: int, wants: Callable[[EventRow], bool]) -> Batch:
    """The next events. Their rows and the migration's are read on one snapshot, so an `end` cannot slip between."""
    with runtime.store.read() as session:
        row = session.get(Migration, migration_id)
        if row is None:
            return Batch([], True, after)
        found = event_log.read_after(session, migration_id, after, _PAGE)
        wanted: list[EventRow] = []
        for event in found:
            after = event.id
            if event.kind == "end":
                # One that a rollback or a restore took back is left out.
                if event.id == row.end_event_id:
                    return Batch([*wanted, event], True, after)
            elif wants(event):
                wanted.append(event)
        more = len(found) == _PAGE
        # Resumed after the `end` itself: it is sent once more.
        if not found and row.end_event_id is not None and after >= row.end_event_id:
            end = session.get(EventRow, (migration_id, row.end_event_id))
            if end is not None:
                return Batch([end], True, end.id)
    if more and not wanted:
        return _read(runtime, migration_id, after, wants)
    return Batch(wanted, False, after)
