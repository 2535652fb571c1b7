# Generated from sensei/_async/body.py by scripts/generate_sync.py: change that file and run the script.
"""Bodies of answers: closed in the middle, and bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from sensei._concurrency import shielded
from sensei.models.response import ResponseInfo

LONGEST_ERROR = 1024 * 1024
"""Bytes of an error answer that are read where a stream was asked for."""


def drained(chunks: Iterator[bytes], close: Callable[[], None]) -> None:
    """Close a connection, and run the generators of the HTTP library over its body to their end.

    The end is near without a connection, and trio complains of those that are left in the middle.
    """
    close()
    with suppress(Exception):
        for _ in chunks:
            pass


class Body:
    """An answer whose body is still to be read.

    Attributes:
        info: what its head said.
    """

    def __init__(
        self,
        info: ResponseInfo,
        chunks: Iterator[bytes],
        close: Callable[[], None],
        socket: object,
    ) -> None:
        self.info = info
        self._chunks = iter(chunks)
        self._close = close
        self._socket = socket

    def chunk(self) -> bytes:
        """The next bytes; none at the end."""
        return next(self._chunks, b"")

    def rest(self) -> bytes:
        """All bytes that are left, up to a bound that no error answer reaches."""
        parts: list[bytes] = []
        size = 0
        while size < LONGEST_ERROR and (part := self.chunk()):
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close the connection, also in the middle of the body and while the task is being cancelled."""
        shielded(self._finish)

    def _finish(self) -> None:
        drained(self._chunks, self._close)

    def abandon(self) -> None:
        """Close the socket of a stream that nobody closed."""
        abandon = getattr(self._socket, "abandon", None)
        if abandon is not None:
            abandon()
