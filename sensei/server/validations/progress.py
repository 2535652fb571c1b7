"""How far a running validation is: what its perspectives have given so far, and when it will probably be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sensei.server import leases
from sensei.server.clock import monotonic
from sensei.server.engine.job import DataErrorRecord, Journal, MigrationState, Progress
from sensei.server.engine.validation.types import PerspectiveResult
from sensei.server.store.validation_tables import Validation, ValidationForecast
from sensei.server.validations import serialization

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime

_WRITTEN_EVERY_SECONDS = 1.0
_EARLIEST_PERCENT = 2.0
"""Below it, nothing can be said of the rest."""


def partial_results(
    perspectives: Sequence[str], done: Sequence[PerspectiveResult], running: str | None
) -> dict[str, dict[str, Any]]:
    """`ValidationResults` of a validation that is not done: each perspective it covers, in order."""
    found = serialization.results(done)
    waiting = {name: "running" if name == running else "pending" for name in perspectives if name not in found}
    return {name: found.get(name) or serialization.no_result(name, waiting[name]) for name in perspectives}


def estimate(started: datetime, now: datetime, percent: float) -> datetime | None:
    """When what has come so far since it started will be through, at the same pace.

    Examples:
        >>> from datetime import timedelta
        >>> noon = datetime(2026, 2, 2, 12)
        >>> estimate(noon, noon + timedelta(seconds=30), 25).time().isoformat()
        '12:02:00'
        >>> estimate(noon, noon, 0) is None
        True
    """
    if percent < _EARLIEST_PERCENT:
        return None
    return now + (now - started) * ((100 - min(percent, 100.0)) / percent)


class ProgressJournal:
    """A journal that also keeps the validation's row up to date, once a second and at each perspective."""

    def __init__(self, runtime: Runtime, row: Validation, journal: Journal) -> None:
        self._runtime = runtime
        self._id = row.id
        self._started = runtime.settings.clock.now()
        self._perspectives = tuple(row.perspectives)
        self._journal = journal
        self._percent = 0.0
        self._running: str | None = None
        self._done: Sequence[PerspectiveResult] = ()
        self._written_at = float("-inf")

    def log(
        self,
        level: str,
        message: str,
        *,
        phase: str,
        table: str | None = None,
        records: int | None = None,
        component: str = "engine",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Pass it on."""
        self._journal.log(level, message, phase=phase, table=table, records=records, component=component, data=data)

    def progress(self, progress: Progress) -> None:
        """Pass it on, and note it now and then."""
        self._journal.progress(progress)
        self._percent = progress.phase_percent
        if monotonic() - self._written_at >= _WRITTEN_EVERY_SECONDS:
            self._write()

    def data_error(self, record: DataErrorRecord) -> None:
        """Pass it on."""
        self._journal.data_error(record)

    def checkpoint(self, state: MigrationState, *, kind: str = "automatic", table: str | None = None) -> None:
        """Pass it on."""
        self._journal.checkpoint(state, kind=kind, table=table)

    def perspective(self, name: str, done: Sequence[PerspectiveResult]) -> None:
        """A perspective begins, after those that are done."""
        self._running, self._done = name, tuple(done)
        self._write()

    def _write(self) -> None:
        self._written_at = monotonic()
        now = self._runtime.settings.clock.now()
        with self._runtime.store.write() as session:
            row = session.get(Validation, self._id, with_for_update=True)
            if row is None or row.status != "running" or row.owner != leases.this_owner():
                return
            row.results = partial_results(self._perspectives, self._done, self._running)
            if row.forecast is None:
                row.forecast = ValidationForecast(validation_id=row.id)
            row.forecast.percent = self._percent
            row.forecast.estimated_completion = estimate(self._started, now, self._percent)
