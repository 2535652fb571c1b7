"""What this machine has made at an API for the time being, so that a later run removes what a killed one left.

A claim is an empty file named after a mark that nobody can guess. While its process lives, the file is locked; a file
that can be locked belongs to a process that is gone.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from sensei.cli._result import tell

_KEPT_SECONDS = 30 * 24 * 3600.0
"""How long a claim is kept that fits nothing: the next run may be about another server."""


class Claim:
    """A mark, and the file that remembers it; None where there is no place for one.

    Attributes:
        mark: Tells what is ours from what is not.
    """

    def __init__(self, mark: str, path: Path | None) -> None:
        self.mark = mark
        self._path = path

    def settle(self) -> None:
        """What was made is gone: forget it."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def grow_old(self) -> None:
        """Nothing was found for it; forget it when that has been so for long."""
        if self._path is not None:
            with suppress(FileNotFoundError):
                if time.time() - self._path.stat().st_mtime > _KEPT_SECONDS:
                    self._path.unlink()


@contextmanager
def claimed(folder: Path) -> Generator[Claim]:
    """A claim of this process, kept until it is settled, whatever becomes of the process."""
    mark = secrets.token_hex(8)
    path = folder / mark
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = _locked(path, os.O_CREAT | os.O_EXCL)
    except OSError as error:
        tell(f"Warning: {folder}: {error.strerror}; should this be killed, nothing removes what it leaves at the API")
        handle = None
    if handle is None:
        yield Claim(mark, None)
        return
    try:
        yield Claim(mark, path)
    finally:
        os.close(handle)


@contextmanager
def abandoned(folder: Path) -> Generator[list[Claim]]:
    """The claims of processes that are gone; no other process sees them meanwhile."""
    found: list[Claim] = []
    handles: list[int] = []
    try:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            # One that is locked belongs to a process that lives.
            with suppress(OSError):
                handle = _locked(path, 0)
                if handle is not None:
                    handles.append(handle)
                    found.append(Claim(path.name, path))
        yield found
    finally:
        for handle in handles:
            os.close(handle)


def _locked(path: Path, how: int) -> int | None:
    """Open and lock a file; None where files cannot be locked so.

    Raises:
        OSError: Another process has it, or it cannot be opened.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | how, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(handle)
        raise
    return handle
