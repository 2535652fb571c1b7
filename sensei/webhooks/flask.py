"""Receive webhooks with Flask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING

try:
    from flask import Response, current_app, request
except ImportError as _error:  # pragma: no cover  # the dev extra brings it
    raise ImportError("sensei.webhooks.flask needs Flask: pip install flask") from _error

from sensei._redact import concealed
from sensei.errors import ConfigurationError
from sensei.webhooks._deduplication import SeenEvents
from sensei.webhooks._receive import (
    MAX_BODY_BYTES,
    TOO_LARGE,
    Answer,
    Checks,
    check_store,
    handle_once,
    is_asynchronous,
    named_like,
)
from sensei.webhooks._signature import Secret

if TYPE_CHECKING:
    from sensei.models.webhooks import WebhookEvent

__all__ = ["webhook_handler"]


def webhook_handler(
    *,
    secret: Secret,
    tolerance: float | timedelta | None = None,
    seen: SeenEvents | None = None,
) -> Callable[[Callable[[WebhookEvent], object]], Callable[[], Response]]:
    """Make a view of a function that takes an event.

    A delivery that fails a check is answered 400 and never reaches the function. When the function returns, the
    answer is 204; when it raises, the error goes its usual way (500), and Sensei tries again later.

    Args:
        secret: The signing secret of the endpoint, or several while one replaces another.
        tolerance: The largest age of an event in seconds; see `sensei.webhooks.unwrap`.
        seen: Remembers events, so that the function gets each one once. An event whose function raised is given
            back.

    Returns:
        A decorator. An ``async`` function is run to its end, which needs ``pip install "flask[async]"``.

    Raises:
        ConfigurationError: No secret was given, or an empty one; `seen` is no store, or an asynchronous one; the
            function is asynchronous and Flask lacks what it runs such with.
        InvalidArgumentError: `tolerance` is no time, or below zero.

    Examples:
        >>> from flask import Flask
        >>> from sensei.webhooks import RecentEvents
        >>> from sensei.webhooks.flask import webhook_handler
        >>> app = Flask("receiver")
        >>> @app.post("/webhooks/sensei")
        ... @webhook_handler(secret="whsec_example", seen=RecentEvents())
        ... def on_event(event):
        ...     print(event.type, event.data)
    """
    secret = concealed(secret)  # reports of crashes print the variables of this frame
    checks = Checks(secret, tolerance)
    check_store(seen, waits=False)

    def decorate(handle: Callable[[WebhookEvent], object]) -> Callable[[], Response]:
        runs = _awaiting(handle) if is_asynchronous(handle) else handle

        def view() -> Response:
            # One that comes in chunks says nothing of its length.
            announced = request.content_length
            body = request.stream.read(MAX_BODY_BYTES + 1) if announced is None else b""
            if len(body) > MAX_BODY_BYTES or (announced or 0) > MAX_BODY_BYTES:
                answer = TOO_LARGE
            else:
                event = checks.read(body or request.get_data(cache=False), request.headers)
                plain = current_app.ensure_sync(runs)
                answer = event if isinstance(event, Answer) else handle_once(event, plain, seen)
            return Response(answer.text, answer.status, mimetype="text/plain")

        named_like(view, handle)
        return view

    return decorate


def _awaiting(handle: Callable[[WebhookEvent], Awaitable[object]]) -> Callable[[WebhookEvent], Awaitable[object]]:
    """The same in a form that Flask knows for asynchronous, whatever `handle` is."""
    if find_spec("asgiref") is None:
        raise ConfigurationError('An asynchronous function needs the async extra of Flask: pip install "flask[async]"')

    async def run(event: WebhookEvent) -> object:
        return await handle(event)

    return run
