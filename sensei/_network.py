"""The sockets below the HTTP library: they keep a deadline, and a forked child lets go of them.

With `_http` the only place that names the library; loaded with the first call.
"""

from __future__ import annotations

import socket
import ssl
import sys
import weakref
from collections.abc import Iterable
from contextlib import suppress
from typing import cast

import httpcore

from sensei._concurrency import async_sleep, current_loop
from sensei._http import Limit


class Stream(httpcore.NetworkStream):
    """A connection whose every operation keeps the deadline.

    Attributes:
        asked: True from the sending of a request until something is read. What is taken for the answer while it is
            still True had come before the request: the rest of an answer that was longer than it said.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self.asked: bool = False

    def abandon(self) -> None:
        """Close the socket without a word to the peer."""
        _abandon(self._inner.get_extra_info("socket"))

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.asked = False
        return self._inner.read(max_bytes, _expired(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.asked = True
        self._inner.write(buffer, _expired(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        sock = self._inner.get_extra_info("socket")
        if isinstance(sock, socket.socket):
            # Closing alone does not wake another thread that is reading.
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._inner = self._inner.start_tls(ssl_context, server_hostname, _expired(timeout, httpcore.ConnectTimeout))
        return self

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class AsyncStream(httpcore.AsyncNetworkStream):
    """What `Stream` is for the async client."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self.asked: bool = False

    def abandon(self) -> None:
        """Close the socket without a word to the peer or to the event loop, which may be gone."""
        close = getattr(self._inner, "abandon", None)
        if close is None:
            _abandon(self._inner.get_extra_info("socket"))
        else:
            close()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.asked = False
        return await self._inner.read(max_bytes, _expired(timeout, httpcore.ReadTimeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.asked = True
        await self._inner.write(buffer, _expired(timeout, httpcore.WriteTimeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        self._inner = await self._inner.start_tls(
            ssl_context, server_hostname, _expired(timeout, httpcore.ConnectTimeout)
        )
        return self

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _expired(timeout: float | None, error: type[Exception]) -> float | None:
    """Seconds for the next operation; raises `error` when none are left."""
    if isinstance(timeout, Limit):
        left = timeout.left()
        if left <= 0.0:
            raise error("the time is up")
        return left
    return timeout


def _abandon(sock: object) -> None:
    # asyncio shows its sockets in a wrapper that cannot close them.
    inner = getattr(sock, "_sock", sock)
    if isinstance(inner, socket.socket):
        inner.close()


class Network(httpcore.NetworkBackend):
    """Opens connections, and knows those that are open."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> Stream:
        stream = Stream(
            self._inner.connect_tcp(
                host, port, _expired(timeout, httpcore.ConnectTimeout), local_address, socket_options
            )
        )
        self._streams.add(stream)
        return stream

    def abandon(self) -> None:
        """Close the sockets that are open, in a forked child or when nobody closed the client."""
        for stream in list(self._streams):
            stream.abandon()


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections, and knows those that are open."""

    def __init__(self) -> None:
        self._streams: weakref.WeakSet[AsyncStream] = weakref.WeakSet()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> AsyncStream:
        left = _expired(timeout, httpcore.ConnectTimeout)
        inner: httpcore.AsyncNetworkStream
        if current_loop() is not None and sys.platform != "win32":
            from sensei._asyncio_network import open_stream

            inner = await open_stream(host, port, left)
        else:
            backend = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
            inner = await backend.connect_tcp(host, port, left, local_address, socket_options)
        stream = AsyncStream(inner)
        self._streams.add(stream)
        return stream

    async def sleep(self, seconds: float) -> None:
        await async_sleep(seconds)

    def abandon(self) -> None:
        """Close the sockets that are open, in a forked child or when nobody closed the client."""
        for stream in list(self._streams):
            stream.abandon()
