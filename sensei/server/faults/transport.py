"""A uvicorn protocol whose connections can be broken after a number of bytes."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, cast

from sensei.server.http.protocol import WatchedProtocol


class BreakableTransport:
    """A transport that lets a given number of bytes through and then breaks."""

    def __init__(self, inner: asyncio.Transport) -> None:
        self._inner = inner
        self._left: int | None = None
        self._ending = "reset"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def break_after(self, count: int, ending: str) -> None:
        """Let so many bytes through from now on, then end as told."""
        self._left = count
        self._ending = ending

    def write(self, data: bytes) -> None:
        """Send, as far as there is allowance."""
        if self._left is None:
            self._inner.write(data)
            return
        if self._left > 0:
            self._inner.write(data[: self._left])
        self._left = max(0, self._left - len(data))
        if self._left == 0 and self._ending != "stall":
            self.end()

    def end(self) -> None:
        """Tear the connection down, or close it in good order."""
        if self._ending == "close":
            self._inner.close()
            return
        raw = self._inner.get_extra_info("socket")
        if raw is not None:
            # Without lingering, closing sends a reset instead of a proper end.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._inner.abort()


class BreakableProtocol(WatchedProtocol):
    """HTTP/1.1 over breakable transports; the application finds its connection in the scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a transport that can be broken."""
        super().connection_made(cast("asyncio.Transport", BreakableTransport(transport)))
