"""Connections for asyncio, on plain sockets that the loop watches.

A socket of its own, rather than a transport of the loop, can be closed at any time: when the loop is gone, in a forked
child, or when nobody closed the client. It is also quicker, since a call mostly finds its bytes already there.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections import deque
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import anyio
import httpcore
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

CHUNK = 64 * 1024
FULL = 4 * CHUNK
"""Bytes that wait for a reader before the socket is left alone, so that the sender slows down."""


HEAD_START = 0.25
"""Seconds that an address has before the next one is tried beside it."""

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""What `getaddrinfo` gives of one: the form of its last part depends on the family."""


class LoopSocket(ByteStream):
    """A connected socket and what has arrived on it."""

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self.sock = sock
        self._loop = loop
        self._process = os.getpid()
        self._arrived: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: OSError | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._watched = False
        self._watch()

    @property
    def has_news(self) -> bool:
        """True when there is something to read, be it the end."""
        return bool(self._arrived) or self._ended

    def _watch(self) -> None:
        if not (self._watched or self._ended):
            self._loop.add_reader(self.sock.fileno(), self._arrive)
            self._watched = True

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_reader(self.sock.fileno())

    def _arrive(self) -> None:
        try:
            data = self.sock.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._error, data = error, b""
        if data:
            self._arrived.append(data)
            self._size += len(data)
            if self._size >= FULL:
                self._unwatch()
        else:
            self._ended = True
            self._unwatch()
        waiting = self._reader
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def receive(self, max_bytes: int = CHUNK, timeout: float | None = None) -> bytes:
        """The next bytes.

        Raises:
            anyio.EndOfStream: there are no more.
            TimeoutError: none came in `timeout` seconds.
            OSError: the connection broke.
        """
        if not self.has_news:
            self._watch()
            self._reader = self._loop.create_future()
            await self._until(self._reader, timeout)
        if not self._arrived:
            if self._error is not None:
                raise self._error
            raise anyio.EndOfStream
        data = self._arrived.popleft()
        if len(data) > max_bytes:
            self._arrived.appendleft(data[max_bytes:])
            data = data[:max_bytes]
        self._size -= len(data)
        return data

    async def send(self, item: bytes, timeout: float | None = None) -> None:
        """Send all of `item`.

        Raises:
            TimeoutError: it took longer than `timeout` seconds.
            OSError: the connection broke.
        """
        left = memoryview(item)
        while left:
            try:
                left = left[self.sock.send(left) :]
            except (BlockingIOError, InterruptedError):
                room: asyncio.Future[None] = self._loop.create_future()
                self._writer = room
                self._loop.add_writer(self.sock.fileno(), _settle, room)
                try:
                    await self._until(room, timeout)
                finally:
                    if self.sock.fileno() >= 0:  # else it was closed meanwhile, and its number may be another's
                        self._writer = None
                        self._loop.remove_writer(self.sock.fileno())

    async def _until(self, future: asyncio.Future[None], timeout: float | None) -> None:
        if timeout is None:
            await future
            return
        alarm = self._loop.call_later(timeout, _too_late, future)
        try:
            await future
        finally:
            alarm.cancel()

    async def send_eof(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket, wherever this is called and whatever has become of the loop."""
        if self.sock.fileno() < 0:
            return
        # In a forked child the loop's watch list is shared with the parent, whose it is.
        if self._process == os.getpid() and not self._loop.is_closed():
            self._unwatch()
            if self._writer is not None:
                self._loop.remove_writer(self.sock.fileno())
        waiting = [future for future in (self._reader, self._writer) if future is not None and not future.done()]
        self._watched, self._writer = False, None
        self._ended = True
        self.sock.close()
        if waiting and not self._loop.is_closed():
            self._error = ConnectionAbortedError("the connection was closed here")
            for future in waiting:
                self._loop.call_soon_threadsafe(_settle, future)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _too_late(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


class LoopStream(httpcore.AsyncNetworkStream):
    """The form in which the HTTP library wants a connection."""

    def __init__(self, sock: LoopSocket, tls: TLSStream | None = None) -> None:
        self._socket = sock
        self._tls = tls

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            if self._tls is None:
                return await self._socket.receive(max_bytes, timeout)
            with anyio.fail_after(timeout):
                return await self._tls.receive(max_bytes)
        except anyio.EndOfStream:
            return b""
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            if self._tls is None:
                await self._socket.send(buffer, timeout)
                return
            with anyio.fail_after(timeout):
                await self._tls.send(buffer)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._socket.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> LoopStream:
        try:
            with anyio.fail_after(timeout):
                tls = await TLSStream.wrap(
                    self._tls or self._socket,  # a proxy may be spoken to by TLS as well
                    hostname=server_hostname,
                    ssl_context=ssl_context,
                    standard_compatible=False,
                )
        except TimeoutError as error:
            self._socket.close()
            raise httpcore.ConnectTimeout("TLS: the time is up") from error
        except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
            self._socket.close()
            raise httpcore.ConnectError(f"TLS: {error}") from error
        except BaseException:
            self._socket.close()
            raise
        return LoopStream(self._socket, tls)

    def get_extra_info(self, info: str) -> object:
        if info == "is_readable":
            return self._socket.has_news
        if info == "socket":
            return self._socket.sock
        if info == "server_addr":
            return self._socket.sock.getpeername()
        return self._socket.sock.getsockname() if info == "client_addr" else None

    def abandon(self) -> None:
        """Close the socket without a word."""
        self._socket.close()


async def open_stream(host: str, port: int, timeout: float | None) -> LoopStream:
    """Connect to the first of the addresses of `host` that answers.

    Raises:
        httpcore.ConnectTimeout: it took longer than `timeout` seconds.
        httpcore.ConnectError: no address answers.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            addresses = _interleaved(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            if len(addresses) == 1:
                sock = await _connect(loop, addresses[0])
            else:
                sock = await _first_of(loop, addresses)
    except TimeoutError as error:
        # Without words when it is ours, with words when it is that of the system.
        raise httpcore.ConnectTimeout(str(error) or f"no connection in {timeout:.3g} s") from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return LoopStream(LoopSocket(sock, loop))


def _interleaved(addresses: Sequence[Address]) -> list[Address]:
    """The addresses in their order, but those of IPv6 and IPv4 by turns: often one of the two leads nowhere."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    return [address for turn in zip_longest(*families.values()) for address in turn if address is not None]


async def _connect(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket:
    family, kind, protocol, _, place = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, place)
    except BaseException:
        sock.close()
        raise
    return sock


async def _first_of(loop: asyncio.AbstractEventLoop, addresses: list[Address]) -> socket.socket:
    """Try the addresses one after the other, each with a head start before the next (RFC 8305).

    The loop's own way loses a socket when it is cancelled in the moment it has connected.
    """
    left = deque(addresses)
    tries: set[asyncio.Task[socket.socket]] = set()
    failure = OSError("the name has no address")
    try:
        while left or tries:
            if left:
                tries.add(loop.create_task(_connect(loop, left.popleft())))
            ended, _ = await asyncio.wait(
                tries, timeout=HEAD_START if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for one in ended:
                tries.discard(one)
                error = one.exception()
                if error is None:
                    return one.result()
                if not isinstance(error, OSError):
                    raise error
                failure = error
        raise failure
    finally:
        for one in tries:
            one.cancel()
            one.add_done_callback(_close_unwanted)


def _close_unwanted(one: asyncio.Task[socket.socket]) -> None:
    if not one.cancelled() and one.exception() is None:
        one.result().close()
