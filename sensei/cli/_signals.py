"""End in order when the process is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 143
"""What a shell reports of a process that SIGTERM ended."""


@contextmanager
def orderly_end() -> Generator[None]:
    """Let SIGTERM unwind the block as an exit, so that what it holds is given back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
