"""Where faults happen: between the network and the application."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sensei.server.errors import STATUS_BY_CODE
from sensei.server.faults.rules import Fault, Faults
from sensei.server.faults.transport import BreakableTransport
from sensei.server.http.disconnect import CONNECTION

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime

_USUAL_CODES = {status: code for code, status in reversed(STATUS_BY_CODE.items())} | {502: "connection_unreachable"}
"""The most general code of each status, which the table names first."""

CONTROL_PREFIX = "/_"
"""Paths that steer the faults themselves never meet one."""


class FaultMiddleware:
    """Lets calls meet the faults that were planned for them."""

    def __init__(self, app: ASGIApp, faults: Faults, runtime: Runtime) -> None:
        self._app = app
        self._faults = faults
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or let it fail."""
        fault = None
        if scope["type"] == "http" and not scope["path"].startswith(CONTROL_PREFIX):
            fault = self._faults.next(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        await _Meeting(self._app, fault, self._runtime, scope, receive, send).run()


class _Meeting:
    """One call that meets a fault."""

    def __init__(
        self, app: ASGIApp, fault: Fault, runtime: Runtime, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._app = app
        self._fault = fault
        self._runtime = runtime
        self._scope = scope
        self._receive = receive
        self._send = send
        self._held: list[Message] = []
        self._events = 0

    async def run(self) -> None:
        fault = self._fault
        await self._sleep(fault.delay_before)
        if fault.status is not None and fault.when == "before":
            self._cut(fault.cut_at)
            await self._drain()
            await self._answer(fault.status)
        elif fault.cut_after_events is not None:
            await self._app(self._scope, self._receive, self._count_events)
        elif fault.status is not None or fault.body is not None or fault.set_members:
            await self._app(self._scope, self._receive, self._hold)
            await self._sleep(fault.delay_after)
            self._cut(fault.cut_at)
            if fault.status is not None:
                await self._answer(fault.status)
            else:
                for message in self._changed():
                    await self._send(message)
        else:
            await self._app(self._scope, self._receive, self._pass_on)
        if fault.cut_at is not None and fault.ending == "stall":
            await self._wait_for_client()

    async def _hold(self, message: Message) -> None:
        self._held.append(message)

    async def _pass_on(self, message: Message) -> None:
        """Send the answer as it comes, so that streams stream; late or cut from its first byte on."""
        if message["type"] == "http.response.start":
            await self._sleep(self._fault.delay_after)
            self._cut(self._fault.cut_at)
        await self._send(message)

    async def _drain(self) -> None:
        """Take the body in: a server that answers without reading looks like another fault."""
        while (await self._receive()).get("more_body"):
            pass

    def _changed(self) -> list[Message]:
        fault = self._fault
        if fault.body is None and not fault.set_members:
            return self._held
        start, *rest = self._held
        body = b"".join(message.get("body", b"") for message in rest)
        kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        if fault.body is not None:
            body = fault.body.encode()
            kept = [(name, value) for name, value in kept if name != b"content-type"]
            kept.append((b"content-type", fault.content_type.encode("latin-1")))
        else:
            body = json.dumps(_with_members(json.loads(body), fault.set_members)).encode()
        headers = [*kept, (b"content-length", str(len(body)).encode())]
        return [{**start, "headers": headers}, {"type": "http.response.body", "body": body}]

    async def _answer(self, status: int) -> None:
        fault = self._fault
        if fault.body is not None:
            body, content_type = fault.body.encode(), fault.content_type
        else:
            code = fault.code or _USUAL_CODES.get(status, "internal_error")
            error: dict[str, Any] = {"code": code, "message": "A fault was asked for.", "request_id": "req_fault"}
            if isinstance(fault.retry_after, int | float):
                error["retry_after"] = fault.retry_after
            body, content_type = json.dumps({"error": error}).encode(), "application/json"
        headers = [
            (b"content-type", content_type.encode("latin-1")),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", b"req_fault"),
        ]
        if fault.retry_after is not None:
            headers.append((b"retry-after", str(fault.retry_after).encode("latin-1")))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def _count_events(self, message: Message) -> None:
        """Let events through one by one, and break the connection after the last that is allowed."""
        limit = self._fault.cut_after_events or 0
        if message["type"] != "http.response.body" or self._events > limit:
            if message["type"] == "http.response.start":
                await self._send(message)
            return
        for frame in _frames(message.get("body", b"")):
            is_event = frame.startswith(b"id:")
            if is_event and self._events == limit:
                self._events += 1
                connection = self._connection()
                if connection is not None:
                    connection.break_after(0, self._fault.ending)
                    if self._fault.ending != "stall":
                        connection.end()
                return
            self._events += is_event
            await self._send({"type": "http.response.body", "body": frame, "more_body": True})
        if not message.get("more_body"):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _cut(self, at: int | None) -> None:
        connection = self._connection()
        if at is not None and connection is not None:
            connection.break_after(at, self._fault.ending)
            if at == 0 and self._fault.ending != "stall":
                connection.end()

    def _connection(self) -> BreakableTransport | None:
        found = self._scope.get(CONNECTION)
        return found if isinstance(found, BreakableTransport) else None

    async def _sleep(self, seconds: float) -> None:
        """Wait, but not longer than the server runs."""
        with anyio.move_on_after(seconds):
            while not self._runtime.is_stopping:
                await anyio.sleep(min(seconds, 0.05))
                if seconds <= 0.05:
                    return

    async def _wait_for_client(self) -> None:
        """Stay silent until the client goes away or the server stops."""
        while not self._runtime.is_stopping:
            with anyio.move_on_after(0.1):
                if (await self._receive())["type"] == "http.disconnect":
                    return


def _frames(chunk: bytes) -> list[bytes]:
    return [part + b"\n\n" for part in chunk.split(b"\n\n") if part]


def _with_members(data: Any, members: dict[str, Any]) -> Any:
    """The answer with other values; of a page, its items are meant."""
    if not isinstance(data, dict):
        return data
    found = cast("dict[str, Any]", data)
    if "pagination" in found:
        return {**found, "data": [_with_members(item, members) for item in found["data"]]}
    return {**found, **members}
