"""Receive webhooks with Starlette or FastAPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, cast

try:
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import PlainTextResponse, Response
except ImportError as _error:  # pragma: no cover  # the dev extra brings it
    raise ImportError("sensei.webhooks.starlette needs Starlette or FastAPI: pip install starlette") from _error

from sensei._redact import concealed
from sensei.webhooks._deduplication import AsyncSeenEvents, SeenEvents
from sensei.webhooks._receive import (
    CUT_OFF,
    MAX_BODY_BYTES,
    TOO_LARGE,
    Answer,
    Checks,
    check_store,
    handle_once_async,
    is_asynchronous,
    named_like,
)
from sensei.webhooks._signature import Secret

if TYPE_CHECKING:
    from sensei.models.webhooks import WebhookEvent

__all__ = ["webhook_handler", "verified_event"]

Endpoint = Callable[[Request], Awaitable[Response]]


def webhook_handler(
    *,
    secret: Secret,
    tolerance: float | timedelta | None = None,
    seen: SeenEvents | AsyncSeenEvents | None = None,
) -> Callable[[Callable[[WebhookEvent], object]], Endpoint]:
    """Make an endpoint of a function that takes an event.

    A delivery that fails a check is answered 400 and never reaches the function. When the function returns, the
    answer is 204; when it raises, the error goes its usual way (500), and Sensei tries again later.

    Args:
        secret: The signing secret of the endpoint, or several while one replaces another.
        tolerance: The largest age of an event in seconds; see `sensei.webhooks.unwrap`.
        seen: Remembers events, so that the function gets each one once. An event whose function raised is given
            back. A plain `SeenEvents` is asked on the event loop: give an asynchronous one if it waits for anything.

    Returns:
        A decorator. The function may be ``async`` or not (then it runs in a worker thread).

    Raises:
        ConfigurationError: No secret was given, or an empty one; or `seen` is no store.
        InvalidArgumentError: `tolerance` is no time, or below zero.

    Examples:
        >>> from fastapi import FastAPI
        >>> from sensei.webhooks import RecentEvents
        >>> from sensei.webhooks.starlette import webhook_handler
        >>> app = FastAPI()
        >>> @app.post("/webhooks/sensei")
        ... @webhook_handler(secret="whsec_example", seen=RecentEvents())
        ... async def on_event(event):
        ...     print(event.type, event.data)
    """
    secret = concealed(secret)  # reports of crashes print the variables of this frame
    checks = Checks(secret, tolerance)
    check_store(seen, waits=True)

    def decorate(handle: Callable[[WebhookEvent], object]) -> Endpoint:
        waiting = handle if is_asynchronous(handle) else _in_a_thread(handle)

        async def endpoint(request: Request) -> Response:
            event = await _read(request, checks)
            answer = event if isinstance(event, Answer) else await handle_once_async(event, waiting, seen)
            return PlainTextResponse(answer.text, answer.status) if answer.text else Response(status_code=answer.status)

        named_like(endpoint, handle)
        return endpoint

    return decorate


def verified_event(
    *, secret: Secret, tolerance: float | timedelta | None = None
) -> Callable[[Request], Awaitable[WebhookEvent]]:
    """Make a dependency for FastAPI that gives the verified event, for endpoints that need other dependencies too.

    Args:
        secret: The signing secret of the endpoint, or several while one replaces another.
        tolerance: The largest age of an event in seconds; see `sensei.webhooks.unwrap`.

    Returns:
        A function from request to event, for ``Depends``. A delivery that fails a check raises Starlette's
        ``HTTPException`` with status 400.

    Raises:
        ConfigurationError: No secret was given, or an empty one.
        InvalidArgumentError: `tolerance` is no time, or below zero.

    Examples:
        >>> from typing import Annotated
        >>> from fastapi import Depends, FastAPI
        >>> from sensei.models.webhooks import WebhookEvent
        >>> from sensei.webhooks.starlette import verified_event
        >>> app = FastAPI()
        >>> sensei_event = verified_event(secret="whsec_example")
        >>> @app.post("/webhooks/sensei", status_code=204)
        ... async def on_event(event: Annotated[WebhookEvent, Depends(sensei_event)]) -> None:
        ...     print(event.type, event.data)
    """
    secret = concealed(secret)
    checks = Checks(secret, tolerance)

    async def event_of(request: Request) -> WebhookEvent:
        event = await _read(request, checks)
        if isinstance(event, Answer):
            raise HTTPException(event.status, event.text)
        return event

    return event_of


async def _read(request: Request, checks: Checks) -> WebhookEvent | Answer:
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdecimal() and int(announced[:20]) > MAX_BODY_BYTES:
        return TOO_LARGE
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return TOO_LARGE
    except ClientDisconnect:
        return CUT_OFF
    return checks.read(bytes(body), request.headers)


def _in_a_thread(handle: Callable[[WebhookEvent], object]) -> Callable[[WebhookEvent], Awaitable[object]]:
    async def waiting(event: WebhookEvent) -> object:
        done: object = await run_in_threadpool(handle, event)
        # A lambda around an asynchronous function, for instance, has only begun.
        return await cast("Awaitable[object]", done) if isinstance(done, Awaitable) else done

    return waiting
