"""Finds migrations that need work, takes them under a lease, and keeps the leases alive."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from sensei.server import leases
from sensei.server.migrations.lease import LeaseHolder
from sensei.server.migrations.state_machine import TRANSIENT
from sensei.server.store.migration_tables import Migration

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime

log: logging.Logger = logging.getLogger("sensei.server")

_LOOK_EVERY_SECONDS = 1.0


class Supervisor:
    """Runs workers, at most `settings.workers` at a time in this process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._wake = threading.Event()
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self._pool: ThreadPoolExecutor | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to look for work."""
        self._pool = ThreadPoolExecutor(self._runtime.settings.workers, thread_name_prefix="sensei-worker")
        self._threads = [
            threading.Thread(target=self._look, name="sensei-supervisor", daemon=True),
            threading.Thread(target=self._keep_alive, name="sensei-leases", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether this process works on a migration."""
        with self._lock:
            return bool(self._held)

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    def stop(self) -> None:
        """Wait until everything that runs has reached a checkpoint, and give the leases back."""
        self._wake.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._finished.set()
        for thread in self._threads:
            thread.join()
        self._release(list(self._held))

    def _look(self) -> None:
        while not self._runtime.is_stopping:
            self._wake.wait(_LOOK_EVERY_SECONDS)
            self._wake.clear()
            try:
                self._runtime.timers.run()
                self._take_work()
            except Exception:
                log.exception("looking for work failed; it is tried again")

    def _take_work(self) -> None:
        with self._lock:
            free = self._runtime.settings.workers - len(self._held)
        if free <= 0 or self._runtime.is_stopping:
            return
        owner = leases.this_owner()
        taken: list[str] = []
        waiting = (
            select(Migration)
            .where(Migration.status.in_(TRANSIENT), Migration.deleted_at.is_(None))
            .order_by(Migration.updated_at)
        )
        # Looked at first without the write lock, for mostly there is nothing to do.
        with self._runtime.store.read() as session:
            if not any(leases.is_free(row.owner, row.lease_until) for row in session.scalars(waiting)):
                return
        with self._runtime.store.write() as session:
            for row in session.scalars(waiting.with_for_update(skip_locked=True)):
                if len(taken) >= free:
                    break
                if row.id not in self._held and leases.is_free(row.owner, row.lease_until):
                    row.owner = owner
                    row.lease_until = leases.end_of_lease(self._runtime.settings.lease_seconds)
                    taken.append(row.id)
        for migration_id in taken:
            with self._lock:
                self._held.add(migration_id)
            if self._pool is not None and not self._runtime.is_stopping:
                self._pool.submit(self._work, LeaseHolder(migration_id, owner))

    def _work(self, holder: object) -> None:
        from sensei.server.migrations.worker import Worker

        if not isinstance(holder, LeaseHolder):
            raise TypeError("a holder is needed")
        try:
            Worker(self._runtime, holder).run()
        except Exception:
            log.exception("a worker broke; its migration is taken up again", extra={"migration": holder.migration_id})
        finally:
            self._release([holder.migration_id])
            # Something may have been asked for between the worker's last look and the release.
            self._wake.set()

    def _release(self, ids: list[str]) -> None:
        if not ids:
            return
        try:
            with self._runtime.store.write() as session:
                session.execute(
                    update(Migration)
                    .where(Migration.id.in_(ids), Migration.owner == leases.this_owner())
                    .values(owner=None, lease_until=None)
                )
        except Exception:
            log.exception("leases could not be given back; they run out by themselves")
        finally:
            # Else they would be renewed for ever, and nobody would take the work up again.
            with self._lock:
                self._held.difference_update(ids)

    def _keep_alive(self) -> None:
        """Renew the leases as long as work goes on, also while it comes to an end."""
        while not self._finished.wait(self._runtime.settings.lease_seconds / 3):
            with self._lock:
                held = list(self._held)
            if not held:
                continue
            try:
                with self._runtime.store.write() as session:
                    session.execute(
                        update(Migration)
                        .where(Migration.id.in_(held), Migration.owner == leases.this_owner())
                        .values(lease_until=leases.end_of_lease(self._runtime.settings.lease_seconds))
                    )
            except Exception:
                log.exception("the leases could not be renewed; it is tried again")
