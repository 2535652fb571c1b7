# Generated from sensei/_async/pool.py by scripts/generate_sync.py: change that file and run the script.
"""Keep-alive connections, lent out one call at a time.

Each is a connection of the HTTP library by itself: finding a free one takes the same time however many there are,
where the library's own pool looks at all of them for every request.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections import deque
from time import monotonic

from sensei._concurrency import Signal, call_after_fork, place, place_is_over, shielded
from sensei._config import Server
from sensei._http import Connection, Target, remaining
from sensei.errors import ConfigurationError
from sensei.models.response import RateLimit

MOST_CONNECTIONS = 100
"""Calls under way at a time, to one server; more wait their turn. Streams are not counted."""

PRUNE_EVERY = 5.0
"""Seconds between looks for connections that were idle for too long."""


class PoolTimeout(Exception):  # noqa: N818 - failures of the network are told apart by these names
    """All connections were in use for the time allowed."""


class Pool:
    """The connections to one server, in one process and one event loop."""

    def __init__(self, target: Target, size: int = MOST_CONNECTIONS) -> None:
        from sensei._network import Network

        self.target = target
        self._size = size
        self._network = Network()
        # The ends of a deque are safe for threads; the lock guards what is counted.
        self._idle: deque[Connection] = deque()
        self._waiting: deque[Signal] = deque()
        self._lock = threading.Lock()
        self._lent = 0
        self._closed = False
        self._pruned = monotonic()

    def acquire(self, timeout: float | None, *, fresh: bool = False) -> Connection:
        """Lend a connection: the one used last that still works, else a new one.

        Args:
            timeout: seconds to wait while all are in use.
            fresh: True for one that was never used, so that the server cannot just have closed it.

        Raises:
            PoolTimeout: all were in use all the time.
        """
        while True:
            with self._lock:
                signal = None
                if self._lent >= self._size:
                    signal = Signal()
                    self._waiting.append(signal)
                else:
                    self._lent += 1
            if signal is not None:
                self._turn(signal, timeout)
                continue
            try:
                return self.target.connection(self._network) if fresh else self._usable()
            except BaseException:
                self._returned()
                raise

    def _usable(self) -> Connection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                break
            if not (connection.is_closed() or connection.has_expired()):
                return connection
            connection.close()
        return self.target.connection(self._network)

    def _turn(self, signal: Signal, timeout: float | None) -> None:
        try:
            if not signal.wait(remaining(timeout)):
                raise PoolTimeout(f"all {self._size} connections were in use")
        except BaseException:
            self._forget(signal)
            raise

    def _forget(self, signal: Signal) -> None:
        with self._lock:
            if signal in self._waiting:
                self._waiting.remove(signal)
                return
        self._wake()  # it was woken, but will not take its turn

    def release(self, connection: Connection) -> None:
        """Take back a connection after a complete answer."""
        if self._closed:
            self.discard(connection)
            return
        if not connection.is_closed():
            self._idle.append(connection)
        self._returned()
        now = monotonic()
        if now - self._pruned > PRUNE_EVERY:
            self._pruned = now
            self._prune()

    def discard(self, connection: Connection) -> None:
        """Take back a connection whose answer was not read to its end."""
        try:
            if not connection.is_closed():
                shielded(connection.close)
        finally:
            self._returned()

    def extra(self) -> Connection:
        """A connection beyond the count, for a stream; its user closes it."""
        return self.target.connection(self._network)

    def _returned(self) -> None:
        with self._lock:
            self._lent -= 1
        if self._waiting:
            self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()

    def _prune(self) -> None:
        """Close what lay idle for too long; the oldest are at the left."""
        while self._idle:
            try:
                connection = self._idle.popleft()
            except IndexError:
                return
            if not connection.has_expired():
                self._idle.appendleft(connection)
                return
            connection.close()

    def close(self) -> None:
        """Close the idle connections; those in use close when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def abandon(self) -> None:
        """Close all sockets without a word to the peer or to the event loop."""
        self._closed = True
        self._network.abandon()
        self._idle.clear()


class Pools:
    """The pools of a client and of its copies: one for each server and event loop, none before it is needed.

    Attributes:
        rate_limit: what the last answer said of the allowance, or None.
    """

    def __init__(self, owner: str) -> None:
        self._pools: dict[tuple[object, Server], Pool] = {}
        self.rate_limit: RateLimit | None = None
        self._closed = False
        self._last: tuple[object, Server, Pool] | None = None
        # Not __del__: in a cycle the sockets might go first, each with a warning of its own.
        self._finalizer = weakref.finalize(self, _unclosed, owner, self._pools)
        self._finalizer.atexit = False
        call_after_fork(self)

    def of(self, server: Server) -> Pool:
        """The pool for `server`, here.

        Raises:
            ConfigurationError: the client was closed.
        """
        here, last = place(), self._last
        if last is not None and last[0] is here and last[1] is server:
            return last[2]
        self.check_open()
        pool = self._pools.get((here, server))
        if pool is None:
            self._drop_dead_places()
            pool = self._pools.setdefault((here, server), Pool(Target(server)))
        self._last = (here, server, pool)
        return pool

    def check_open(self) -> None:
        """See to it that the client was not closed.

        Raises:
            ConfigurationError: it was.
        """
        if self._closed:
            raise ConfigurationError("this client is closed: make a new one, or leave its `with` block later")

    def _drop_dead_places(self) -> None:
        for key in list(self._pools):
            if place_is_over(key[0]):
                self._pools.pop(key).abandon()

    def close(self) -> None:
        """Close the connections. Calls made afterwards are refused."""
        self._closed, self._last = True, None
        here = place()
        while self._pools:
            (where, _), pool = self._pools.popitem()
            if where is here:
                pool.close()
            else:
                pool.abandon()

    def _after_fork(self) -> None:
        self._last = None
        while self._pools:
            self._pools.popitem()[1].abandon()


def _unclosed(owner: str, pools: dict[tuple[object, Server], Pool]) -> None:
    if pools:
        for pool in pools.values():
            pool.abandon()
        warnings.warn(f"unclosed {owner}: use it in a `with` block, or close it", ResourceWarning, stacklevel=2)
