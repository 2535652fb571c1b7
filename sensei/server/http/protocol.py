"""HTTP/1.1 as uvicorn speaks it, for connections that may mean no good."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from sensei.server.http.disconnect import CONNECTION


class WatchedProtocol(H11Protocol):
    """Closes connections that do not get a request said, or its rest, in time.

    uvicorn bounds the size of headers and the silence after an answer. Left to it is a client that sends its headers
    byte by byte, or goes on sending a body that was answered already; either would hold a connection for ever.
    """

    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._end()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take in what came: a whole request ends the wait, the beginning of one does not."""
        super().handle_events()
        scope: Any = self.scope
        if scope is not None:
            # The application's task has not begun yet.
            scope[CONNECTION] = self.transport
        if self._is_answering():
            self._end()
        elif not self.transport.is_closing():
            self._begin()

    def on_response_complete(self) -> None:
        """Wait for the rest of a request that was answered before it was read."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self._begin()

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _begin(self) -> None:
        if self._watch is None:
            app: Any = self.config.app
            seconds: float = app.state.runtime.settings.header_timeout_seconds
            self._watch = self.loop.call_later(seconds, self._give_up)

    def _end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _give_up(self) -> None:
        self._watch = None
        if not self._is_answering():
            self.transport.close()
