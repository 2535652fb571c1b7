"""Tests of saved connections in the background; one that its process did not finish is run again elsewhere."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sqlalchemy import select

from sensei.server import leases
from sensei.server.connections import gateway
from sensei.server.store.tables import Connection

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime

log: logging.Logger = logging.getLogger("sensei.server")
_LEASE_SECONDS = 120.0


class ConnectionTester:
    """Runs tests of connections that are `testing`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="sensei-test")
        self._stopped = threading.Event()

    def submit(self, connection_id: str) -> None:
        """Test a connection soon."""
        if not self._stopped.is_set():
            self._pool.submit(self._run, connection_id)

    def sweep(self) -> None:
        """Take up the tests that nobody runs (any more)."""
        with self._runtime.store.read() as session:
            rows = session.scalars(select(Connection).where(Connection.status == "testing")).all()
        for row in rows:
            if leases.is_free(row.test_owner, row.test_lease_until):
                self.submit(row.id)

    def stop(self) -> None:
        """Take no more tests and wait for those that run."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, connection_id: str) -> None:
        try:
            row = self._claim(connection_id)
            if row is not None:
                self._test(row)
        except Exception:
            log.exception("a connection test broke; it is run again", extra={"connection_id": connection_id})

    def _claim(self, connection_id: str) -> Connection | None:
        with self._runtime.store.write() as session:
            row = session.get(Connection, connection_id, with_for_update=True)
            if row is None or row.status != "testing" or not leases.is_free(row.test_owner, row.test_lease_until):
                return None
            row.test_owner = leases.this_owner()
            row.test_lease_until = leases.end_of_lease(_LEASE_SECONDS)
            return row

    def _test(self, row: Connection) -> None:
        config = gateway.join_config(row.config, self._runtime.store.vault.open(row.secrets))
        outcome = gateway.test(gateway.endpoint(row.type, config, row.options, self._runtime.store.reach), row.role)
        now = self._runtime.settings.clock.now()
        with self._runtime.store.write() as session:
            current = session.get(Connection, row.id, with_for_update=True)
            if current is None or current.test_owner != leases.this_owner():
                return
            current.test_owner = None
            current.test_lease_until = None
            if current.revision == row.revision:
                current.status = "connected" if outcome.status == "success" else "failed"
                current.last_test = dict(gateway.show_test(outcome, now))
                return
        self.submit(row.id)
