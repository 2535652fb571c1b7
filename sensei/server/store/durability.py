"""Making commits safe from a power cut, many at a time.

SQLite in WAL mode could wait for the disk inside of each commit (`synchronous=FULL`), holding the one write lock
meanwhile. Here a commit only hands its pages to the operating system, which a crash of the process cannot undo, and
whoever acknowledges something to the outside waits afterwards, together with all others who do so at that moment.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path


class OutcomeUnknownError(Exception):
    """A change was committed, or may have been, and nobody knows whether it lasts."""


class GroupSync:
    """Waits until everything committed so far is on the disk; those who wait at the same time wait for one write.

    A disk that refused once is not asked again: the system may have dropped what it could not write, and would call
    the next attempt a success.
    """

    def __init__(self, database: Path) -> None:
        self._log = database.with_name(database.name + "-wal")
        self._changed = threading.Condition()
        self._asked = 0
        self._done = 0
        self._running = False
        self._failed = threading.Event()

    @property
    def has_failed(self) -> bool:
        """Whether the disk refused."""
        return self._failed.is_set()

    def wait(self) -> None:
        """Return when what was committed before the call is on the disk.

        Raises:
            OutcomeUnknownError: The disk refuses, or did so before.
        """
        with self._changed:
            self._asked += 1
            ticket = self._asked
            while self._done < ticket:
                if self.has_failed:
                    raise OutcomeUnknownError("the disk did not take what was committed")
                if self._running:
                    self._changed.wait()
                    continue
                self._running = True
                covered = self._asked
                self._changed.release()
                try:
                    self._sync()
                except OSError as error:
                    self._failed.set()
                    covered = self._done
                    raise OutcomeUnknownError(f"the disk did not take what was committed: {error}") from error
                except BaseException:
                    covered = self._done
                    raise
                finally:
                    self._changed.acquire()
                    self._done = max(self._done, covered)
                    self._running = False
                    self._changed.notify_all()

    def _sync(self) -> None:
        # The log is no file that SQLite takes locks on, so that closing it here gives none of them up.
        try:
            descriptor = os.open(self._log, os.O_RDWR)
        except FileNotFoundError:
            # Everything was moved into the database, and that is synced before the log goes.
            return
        try:
            if sys.platform == "darwin":
                import fcntl

                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            else:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
