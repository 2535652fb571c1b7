"""What is wanted of a running phase."""

from __future__ import annotations

import time

from sensei.server.engine.job import Wanted
from sensei.server.migrations.journal import StoreJournal
from sensei.server.migrations.lease import LeaseHolder
from sensei.server.runtime import Runtime
from sensei.server.store.migration_tables import Migration

_LOOK_EVERY_SECONDS = 0.2


class RowControl:
    """What is wanted of a running phase, as the row says; looked up a few times a second."""

    def __init__(self, runtime: Runtime, holder: LeaseHolder, journal: StoreJournal | None) -> None:
        self._runtime = runtime
        self._holder = holder
        self._journal = journal
        self._looked_at = float("-inf")
        self._known = Wanted.RUN

    def wanted(self) -> Wanted:
        """Go on, stop after the batch, or drop it."""
        if self._journal is not None and self._journal.lost:
            return Wanted.STOP
        if time.monotonic() - self._looked_at >= _LOOK_EVERY_SECONDS:
            self._known = self._look()
            self._looked_at = time.monotonic()
        if self._known is Wanted.RUN and self._runtime.is_stopping:
            return Wanted.PAUSE
        return self._known

    def _look(self) -> Wanted:
        with self._runtime.store.read() as session:
            row = session.get(Migration, self._holder.migration_id)
        if row is None or row.owner != self._holder.owner:
            return Wanted.STOP
        if row.status in ("pausing", "cancelling"):
            return Wanted.STOP if row.wanted == "stop" else Wanted.PAUSE
        return Wanted.RUN
