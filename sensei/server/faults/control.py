"""``/_faults`` and ``/_clock``: steering a test server from any language. Only there when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sensei.server.auth import access_control
from sensei.server.clock import ControllableClock
from sensei.server.errors import ApiError, invalid
from sensei.server.faults.rules import Fault, Faults, RandomFaults
from sensei.server.http import request_body, request_validation
from sensei.server.http.messages import RequestFacts, error_response
from sensei.server.runtime import Runtime

_MAX_BODY_BYTES = 1024 * 1024
_FARTHEST = 10 * 366 * 86_400.0

Handler = Callable[[Faults, Any], dict[str, Any]]


async def plan(request: Request) -> Response:
    """Plan a fault, or failures by chance with ``{"random": {...}}`` (null ends them)."""
    return await _steer(request, _plan)


async def clear(request: Request) -> Response:
    """Forget everything that was planned."""

    def forget(faults: Faults, _body: Any) -> dict[str, Any]:
        faults.clear()
        return {"cleared": True}

    return await _steer(request, forget)


async def advance(request: Request) -> Response:
    """Move the clock on by ``{"advance": seconds}``."""
    clock = request.app.state.runtime.settings.clock

    def move(_faults: Faults, body: Any) -> dict[str, Any]:
        given = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        seconds = given.get("advance")
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= _FARTHEST:
            raise invalid("advance", "type", "must be seconds, from 0 to those of ten years")
        if not isinstance(clock, ControllableClock):
            raise ApiError("not_found", "This server runs on the machine's clock.")
        clock.advance(seconds)
        return {"now": clock.now().isoformat()}

    return await _steer(request, move)


def _plan(faults: Faults, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise invalid("", "type", "must be an object")
    try:
        if "random" in body:
            faults.at_random(_chance(body["random"]))
        else:
            faults.add(Fault.from_json(cast("dict[str, Any]", body)))
    except ValueError as error:
        raise invalid("", "type", str(error)) from None
    return {"planned": True}


def _chance(data: Any) -> RandomFaults | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise ValueError("random must be an object or null")
    return RandomFaults.from_json(cast("dict[str, Any]", data))


async def _steer(request: Request, handle: Handler) -> Response:
    runtime: Runtime = request.app.state.runtime
    faults: Faults = request.app.state.faults
    facts = RequestFacts.of(request)
    raw: bytes | None = b""

    def admit() -> None:
        with runtime.store.read() as session:
            now = runtime.settings.clock.now()
            principal = access_control.authenticate(session, request.headers.get("authorization"), now)
        access_control.require(principal, "*")

    def work() -> dict[str, Any]:
        if raw is None:
            raise request_validation.TooLargeError(_MAX_BODY_BYTES)
        return handle(faults, request_validation.parse_json(raw) if raw else {})

    try:
        await anyio.to_thread.run_sync(admit)
        raw = await request_body.read(request, _MAX_BODY_BYTES, runtime.settings.body_timeout_seconds)
        return JSONResponse(await anyio.to_thread.run_sync(work))
    except request_body.SlowBodyError:
        slow = ApiError("invalid_request", "The body did not arrive in time.", headers={"Connection": "close"})
        return error_response(slow, facts)
    except ApiError as error:
        return error_response(error, facts)
