"""Validations that were asked for, run in the background; what a dead process left is run again elsewhere."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from sensei.server import leases
from sensei.server.clock import monotonic
from sensei.server.engine.job import DataErrorRecord, MigrationState, Progress, Wanted
from sensei.server.errors import not_found
from sensei.server.migrations import engine_jobs
from sensei.server.store.migration_tables import Migration
from sensei.server.store.validation_tables import Validation
from sensei.server.validations.runs import UNFINISHED, ValidationWork, run_validation

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime

log: logging.Logger = logging.getLogger("sensei.server")
_ASKED_EVERY_SECONDS = 0.25


class ValidationWorker:
    """Runs validations that are `pending`, or `running` without a living owner.

    Those of a migration's validation phase are left to the worker of the migration.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sensei-validation")
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._heart: threading.Thread | None = None

    def start(self) -> None:
        """Take up what another process left, and keep the leases of what runs here."""
        self._heart = threading.Thread(target=self._beat, name="sensei-validation-leases", daemon=True)
        self._heart.start()
        self.sweep()

    def submit(self, validation_id: str) -> None:
        """Run a validation soon."""
        with self._lock:
            if self._stopped.is_set() or validation_id in self._taken:
                return
            self._taken.add(validation_id)
        self._pool.submit(self._run, validation_id)

    def sweep(self) -> None:
        """Take up the validations that nobody runs (any more)."""
        self._runtime.settings.clock.now()
        with self._runtime.store.read() as session:
            rows = session.scalars(
                select(Validation)
                .where(Validation.status.in_(UNFINISHED), Validation.in_phase.is_(False))
                .order_by(Validation.created_at)
            ).all()
        for row in rows:
            if leases.is_free(row.owner, row.lease_until):
                self.submit(row.id)

    def stop(self) -> None:
        """Take no more validations and let those that run go; they begin again at the next start."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._heart is not None:
            self._heart.join()

    def _run(self, validation_id: str) -> None:
        try:
            migration_id = self._claim(validation_id)
            if migration_id is not None:
                run_validation(
                    self._runtime,
                    validation_id,
                    lambda: self._work(migration_id),
                    journal=_DiscardingJournal(),
                    control=_ValidationControl(self._runtime, validation_id, self._stopped),
                )
        except Exception:
            log.exception("a validation could not be run; it is tried again", extra={"validation_id": validation_id})
        finally:
            with self._lock:
                self._taken.discard(validation_id)

    def _claim(self, validation_id: str) -> str | None:
        with self._runtime.store.write() as session:
            row = session.get(Validation, validation_id, with_for_update=True)
            if row is None or row.status not in UNFINISHED or not leases.is_free(row.owner, row.lease_until):
                return None
            row.owner = leases.this_owner()
            row.lease_until = leases.end_of_lease(self._runtime.settings.lease_seconds)
            return row.migration_id

    def _work(self, migration_id: str) -> ValidationWork:
        # Stands on the runtime, which stands on this module.
        from sensei.server.migrations import rollbacks

        with self._runtime.store.read() as session:
            row = session.get(Migration, migration_id)
            if row is None or row.deleted_at is not None:
                raise not_found("migration", migration_id)
            return ValidationWork(
                job=engine_jobs.load_job(self._runtime.store, session, row),
                skipped_rows=rollbacks.skipped_rows(session, row.id),
            )

    def _beat(self) -> None:
        """Renew the leases of what runs here; the engine may be inside one long query."""
        seconds = self._runtime.settings.lease_seconds
        while not self._stopped.wait(seconds / 3):
            with self._lock:
                taken = list(self._taken)
            if not taken:
                continue
            try:
                with self._runtime.store.write() as session:
                    session.execute(
                        update(Validation)
                        .where(Validation.id.in_(taken), Validation.owner == leases.this_owner())
                        .values(lease_until=leases.end_of_lease(seconds))
                    )
            except Exception:
                log.exception("leases of validations could not be renewed; tried again")


class _ValidationControl:
    """Stops the engine when the validation was cancelled or the server goes down."""

    def __init__(self, runtime: Runtime, validation_id: str, stopped: threading.Event) -> None:
        self._runtime = runtime
        self._validation_id = validation_id
        self._stopped = stopped
        self._asked_at = 0.0
        self._cancelled = False

    def wanted(self) -> Wanted:
        if self._stopped.is_set() or self._cancelled:
            return Wanted.STOP
        if monotonic() - self._asked_at >= _ASKED_EVERY_SECONDS:
            self._asked_at = monotonic()
            with self._runtime.store.read() as session:
                status = session.scalar(select(Validation.status).where(Validation.id == self._validation_id))
            self._cancelled = status != "running"
        return Wanted.STOP if self._cancelled else Wanted.RUN


class _DiscardingJournal:
    """A finished migration's log stays as it is; what a later validation finds is in its report."""

    def log(self, level: str, message: str, **facts: Any) -> None:
        log.debug("%s: %s", level, message, extra={"facts": facts})

    def progress(self, progress: Progress) -> None: ...

    def data_error(self, record: DataErrorRecord) -> None: ...

    def checkpoint(self, state: MigrationState, *, kind: str = "automatic", table: str | None = None) -> None: ...
