"""What the receiver of every web framework does with a delivery, apart from the framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sensei.errors import WebhookVerificationError
from sensei.webhooks._deduplication import AsyncSeenEvents, SeenEvents
from sensei.webhooks._signature import Secret, signing_keys
from sensei.webhooks._unwrap import Headers, unwrap

if TYPE_CHECKING:
    from sensei.models.webhooks import WebhookEvent

MAX_BODY_BYTES = 1_048_576
"""Deliveries have at most 256 KB; what is four times larger is not read into memory."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer Sensei: any 2xx is success, all else is tried again."""

    status: int
    text: str = ""


DONE = Answer(204)
TOO_LARGE = Answer(413, "The body is larger than any delivery of Sensei.")


class Checks:
    """What a delivery has to pass before it is an event."""

    def __init__(self, secret: Secret, tolerance: float | timedelta | None) -> None:
        # A missing secret must stop the program when it starts, not refuse the first delivery.
        self._keys = signing_keys(secret)
        self._tolerance = tolerance

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


def handle_once(event: WebhookEvent, handle: Callable[[WebhookEvent], object], seen: SeenEvents | None) -> Answer:
    """Hand an event on unless it was before; a failed handler gives its claim back."""
    if seen is None:
        handle(event)
    elif not seen(event.id):
        try:
            handle(event)
        except BaseException:
            seen.forget(event.id)
            raise
    return DONE


async def handle_once_async(
    event: WebhookEvent,
    handle: Callable[[WebhookEvent], Awaitable[object]],
    seen: SeenEvents | AsyncSeenEvents | None,
) -> Answer:
    """The same for handlers, and stores, that wait for something."""
    if seen is not None and await _awaited(seen(event.id)):
        return DONE
    try:
        await handle(event)
    except BaseException:
        if seen is not None:
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
