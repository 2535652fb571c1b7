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


class GroupSync:
    """Waits until everything committed so far is on the disk; those who wait at the same time wait for one write."""

    def __init__(self, database: Path) -> None:
        self._log = database.with_name(database.name + "-wal")
        self._changed = threading.Condition()
        self._asked = 0
        self._done = 0
        self._running = False

    def wait(self) -> None:
        """Return when what was committed before the call is on the disk.

        Raises:
            OSError: The disk refuses.
        """
        with self._changed:
            self._asked += 1
            ticket = self._asked
            while self._done < ticket:
                if self._running:
                    self._changed.wait()
                    continue
                self._running = True
                covered = self._asked
                self._changed.release()
                try:
                    self._sync()
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
