"""Receive webhooks with Django."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, cast, overload

try:
    from django.http import HttpRequest, HttpResponse
    from django.views.decorators.csrf import csrf_exempt
    from django.views.decorators.http import require_POST
except ImportError as _error:  # pragma: no cover  # the dev extra brings it
    raise ImportError("sensei.webhooks.django needs Django: pip install django") from _error

from sensei._redact import concealed
from sensei.webhooks._deduplication import AsyncSeenEvents, SeenEvents
from sensei.webhooks._receive import (
    MAX_BODY_BYTES,
    TOO_LARGE,
    Answer,
    Checks,
    check_store,
    handle_once,
    handle_once_async,
    is_asynchronous,
    named_like,
)
from sensei.webhooks._signature import Secret

if TYPE_CHECKING:
    from sensei.models.webhooks import WebhookEvent

__all__ = ["webhook_handler"]


class Decorator(Protocol):
    """Makes a view of a function; an asynchronous view of an asynchronous function."""

    @overload
    def __call__(
        self, handle: Callable[[WebhookEvent], Coroutine[object, object, None]], /
    ) -> Callable[[HttpRequest], Coroutine[object, object, HttpResponse]]: ...

    @overload
    def __call__(self, handle: Callable[[WebhookEvent], None], /) -> Callable[[HttpRequest], HttpResponse]: ...


def webhook_handler(
    *,
    secret: Secret,
    tolerance: float | timedelta | None = None,
    seen: SeenEvents | AsyncSeenEvents | None = None,
) -> Decorator:
    """Make a view of a function that takes an event.

    The view takes POST only and is exempt from the CSRF check. A delivery that fails a check is answered 400 and
    never reaches the function. When the function returns, the answer is 204; when it raises, the error goes its
    usual way (500), and Sensei tries again later.

    Args:
        secret: The signing secret of the endpoint, or several while one replaces another.
        tolerance: The largest age of an event in seconds; see `sensei.webhooks.unwrap`.
        seen: Remembers events, so that the function gets each one once. An event whose function raised is given
            back. With an ``async`` function it may be an `AsyncSeenEvents`, and a plain one must not wait.

    Returns:
        A decorator. An ``async`` function becomes an ``async`` view.

    Raises:
        ConfigurationError: No secret was given, or an empty one; `seen` is no store, or is asynchronous and the
            function is not.
        InvalidArgumentError: `tolerance` is no time, or below zero.

    Examples:
        >>> from django.urls import path
        >>> from sensei.webhooks import RecentEvents
        >>> from sensei.webhooks.django import webhook_handler
        >>> @webhook_handler(secret="whsec_example", seen=RecentEvents())
        ... def on_event(event):
        ...     print(event.type, event.data)
        >>> urlpatterns = [path("webhooks/sensei", on_event)]
    """
    secret = concealed(secret)  # reports of crashes print the variables of this frame
    checks = Checks(secret, tolerance)

    @overload
    def decorate(
        handle: Callable[[WebhookEvent], Coroutine[object, object, None]], /
    ) -> Callable[[HttpRequest], Coroutine[object, object, HttpResponse]]: ...

    @overload
    def decorate(handle: Callable[[WebhookEvent], None], /) -> Callable[[HttpRequest], HttpResponse]: ...

    def decorate(
        handle: Callable[[WebhookEvent], Coroutine[object, object, None]] | Callable[[WebhookEvent], None], /
    ) -> Callable[[HttpRequest], HttpResponse] | Callable[[HttpRequest], Coroutine[object, object, HttpResponse]]:
        check_store(seen, waits=is_asynchronous(handle))
        if is_asynchronous(handle):

            @csrf_exempt
            @require_POST
            async def async_view(request: HttpRequest) -> HttpResponse:
                event = _read(request, checks)
                return _response(event if isinstance(event, Answer) else await handle_once_async(event, handle, seen))

            named_like(async_view, handle)
            return async_view

        plain_seen = cast("SeenEvents | None", seen)

        @csrf_exempt
        @require_POST
        def view(request: HttpRequest) -> HttpResponse:
            event = _read(request, checks)
            return _response(event if isinstance(event, Answer) else handle_once(event, handle, plain_seen))

        named_like(view, handle)
        return view

    return decorate


def _read(request: HttpRequest, checks: Checks) -> WebhookEvent | Answer:
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or -1)
    except ValueError:
        announced = -1
    if announced > MAX_BODY_BYTES:
        return TOO_LARGE
    # One that comes in chunks says nothing of its length.
    body = request.body if announced >= 0 else request.read(MAX_BODY_BYTES + 1)
    return TOO_LARGE if len(body) > MAX_BODY_BYTES else checks.read(body, request.headers)


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.text, status=answer.status, content_type="text/plain; charset=utf-8")
