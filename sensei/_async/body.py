"""Bodies of answers: closed in the middle, and bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from sensei._concurrency import async_shielded
from sensei.models.response import ResponseInfo

LONGEST_ERROR = 1024 * 1024
"""Bytes of an error answer that are read where a stream was asked for."""


async def drained(chunks: AsyncIterator[bytes], close: Callable[[], Awaitable[None]]) -> None:
    """Close a connection, and run the generators of the HTTP library over its body to their end.

    The end is near without a connection, and trio complains of those that are left in the middle.
    """
    await close()
    with suppress(Exception):
        async for _ in chunks:
            pass


class AsyncBody:
    """An answer whose body is still to be read.

    Attributes:
        info: what its head said.
    """

    def __init__(
        self,
        info: ResponseInfo,
        chunks: AsyncIterator[bytes],
        close: Callable[[], Awaitable[None]],
        socket: object,
    ) -> None:
        self.info = info
        self._chunks = aiter(chunks)
        self._close = close
        self._socket = socket

    async def chunk(self) -> bytes:
        """The next bytes; none at the end."""
        return await anext(self._chunks, b"")

    async def rest(self) -> bytes:
        """All bytes that are left, up to a bound that no error answer reaches."""
        parts: list[bytes] = []
        size = 0
        while size < LONGEST_ERROR and (part := await self.chunk()):
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    async def aclose(self) -> None:
        """Close the connection, also in the middle of the body and while the task is being cancelled."""
        await async_shielded(self._finish)

    async def _finish(self) -> None:
        await drained(self._chunks, self._close)

    def abandon(self) -> None:
        """Close the socket of a stream that nobody closed."""
        abandon = getattr(self._socket, "abandon", None)
        if abandon is not None:
            abandon()
