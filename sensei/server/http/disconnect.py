"""Closing a connection without an answer, where every answer would claim to know what nobody knows."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

CONNECTION = "sensei.connection"
"""Where the protocol puts a call's connection in its scope."""


class Disconnect(Response):
    """No answer at all: to a client the outcome of its call is unknown, and it asks again with its key."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Cut the connection.

        Raises:
            RuntimeError: The application runs under a server that does not give its connections away.
        """
        connection: Any = scope.get(CONNECTION)
        if connection is None:
            raise RuntimeError("the outcome of a call is unknown, and its connection cannot be cut")
        connection.abort()
        # Before it is lost, the protocol would send an answer of its own.
        while (await receive())["type"] != "http.disconnect":
            pass
