"""SIGTERM ends a command as Ctrl-C does: in order, and with one line that says what was left behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143
"""What a shell reports of a process that SIGINT or SIGTERM ended."""


class Terminated(KeyboardInterrupt):  # named after what happened, like its base
    """SIGTERM came. Whatever knows what to do about Ctrl-C does the same."""


@contextmanager
def stoppable() -> Generator[None]:
    """Let SIGTERM unwind the block like Ctrl-C. One that the process was told to ignore stays ignored."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code_of(error: BaseException) -> int:
    """The exit code for an error that a signal led to.

    Examples:
        >>> exit_code_of(KeyboardInterrupt()), exit_code_of(Terminated())
        (130, 143)
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Terminated):
            return TERMINATED
        cause = cause.__cause__ or cause.__context__
    return INTERRUPTED
