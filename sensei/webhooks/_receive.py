"""What the receiver of every web framework does with a delivery, apart from the framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from sensei._redact import concealed
from sensei.errors import ConfigurationError, WebhookVerificationError
from sensei.webhooks._deduplication import AsyncSeenEvents, SeenEvents
from sensei.webhooks._signature import Secret, signing_keys
from sensei.webhooks._unwrap import Headers, checked_tolerance, given_up_coroutine, unwrap

if TYPE_CHECKING:
    from sensei.models.webhooks import WebhookEvent

T = TypeVar("T")

MAX_BODY_BYTES = 1_048_576
"""Deliveries have at most 256 KB; what is four times larger is not read into memory."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer Sensei: any 2xx is success, all else is tried again."""

    status: int
    text: str = ""


DONE = Answer(204)
TOO_LARGE = Answer(413, "The body is larger than any delivery of Sensei.")
CUT_OFF = Answer(400, "The body was cut off.")


class Checks:
    """What a delivery has to pass before it is an event."""

    def __init__(self, secret: Secret, tolerance: float | timedelta | None) -> None:
        secret = concealed(secret)  # reports of crashes print the variables of this frame
        # What is missing or wrong must stop the program when it starts, not refuse the first delivery.
        self._keys = signing_keys(secret)
        self._tolerance = checked_tolerance(tolerance)

    def read(self, body: bytes, headers: Headers) -> WebhookEvent | Answer:
        """The event, or the answer for a delivery that fails a check."""
        try:
            return unwrap(body, headers, secret=self._keys, tolerance=self._tolerance)
        except WebhookVerificationError as error:
            return Answer(400, str(error))


def named_like(view: object, handle: object) -> None:
    """Give a view the names of the function it serves, which routers, logs and API pages show.

    Unlike `functools.wraps` it leaves the signature alone, which FastAPI would take for parameters, and copes with
    functions that have no module.
    """
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        value = getattr(handle, attribute, None)
        if isinstance(value, str):
            setattr(view, attribute, value)


def is_asynchronous(function: Callable[..., object]) -> TypeGuard[Callable[..., Awaitable[object]]]:
    """Whether calling it gives something to be awaited: a coroutine function, or an object with such a `__call__`."""
    # Of an object the class counts: `callable` would say only that there is a call.
    made_of = (function, getattr(type(function), "__call__", None))  # noqa: B004
    return any(iscoroutinefunction(one) for one in made_of)


def check_store(seen: object, *, waits: bool) -> None:
    """See to it that claims can be made and given back, and are not taken for made because nobody awaited them."""
    if seen is None:
        return
    forget: object = getattr(seen, "forget", None)
    if isinstance(seen, type) or not callable(seen) or not callable(forget):
        raise ConfigurationError("`seen` must be an object that is called with an id and has `forget`: a SeenEvents.")
    if not waits and (is_asynchronous(seen) or is_asynchronous(forget)):
        raise ConfigurationError(
            "An asynchronous `seen` needs an asynchronous function, in Starlette or Django: write `async def`, "
            "or give a plain store."
        )


def handle_once(event: WebhookEvent, handle: Callable[[WebhookEvent], object], seen: SeenEvents | None) -> Answer:
    """Hand an event on unless it was before; a failed handler, or a claim that broke off, gives the claim back."""
    if seen is None:
        _finished(handle(event))
        return DONE
    try:
        if not _finished(seen(event.id)):
            _finished(handle(event))
    except BaseException:
        # A store that raised may have noted the claim all the same, and the event would never be handled.
        seen.forget(event.id)
        raise
    return DONE


async def handle_once_async(
    event: WebhookEvent,
    handle: Callable[[WebhookEvent], Awaitable[object]],
    seen: SeenEvents | AsyncSeenEvents | None,
) -> Answer:
    """The same for handlers, and stores, that wait for something."""
    if seen is None:
        await handle(event)
        return DONE
    try:
        if not await _awaited(seen(event.id)):
            await handle(event)
    except BaseException:
        await _forget(seen, event.id)
        raise
    return DONE


async def _forget(seen: SeenEvents | AsyncSeenEvents, event_id: str) -> None:
    from anyio import CancelScope

    # The sender may be gone and this task cancelled: the claim has to be given back all the same.
    with CancelScope(shield=True):
        await _awaited(seen.forget(event_id))


async def _awaited(answer: Awaitable[bool | None] | bool | None) -> bool | None:
    return await answer if isinstance(answer, Awaitable) else answer


def _finished(answer: T) -> T:
    """What a plain function gave. What was not awaited was not done, and the event would be lost."""
    if given_up_coroutine(answer):
        raise ConfigurationError("A plain function gave a coroutine, which nothing awaits here: write `async def`.")
    return answer
