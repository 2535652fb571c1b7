"""From a raw delivery to a typed event, with every check on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from inspect import iscoroutine
from typing import TYPE_CHECKING, Protocol, cast

from sensei._redact import concealed
from sensei.errors import InvalidArgumentError, WebhookVerificationError
from sensei.webhooks._signature import RAW_BODY_HINT, Payload, Secret, verify_signature

if TYPE_CHECKING:
    from sensei.models.webhooks import WebhookEvent

SIGNATURE_HEADER = "X-Sensei-Signature"

HeaderText = str | bytes


class HeaderMapping(Protocol):
    """Headers in the form of a mapping, as every web framework and the standard library have them."""

    def items(self) -> Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]:
        """Pairs of name and value."""
        ...


Headers = HeaderMapping | Sequence[tuple[HeaderText, HeaderText]]


class DuplicateEventError(WebhookVerificationError):
    """The delivery is genuine, but `seen` says that its event was handled before.

    Answer it with a 2xx, or Sensei sends it again.

    Attributes:
        event: The event, for those who want to look at it.
    """

    def __init__(self, message: str, event: WebhookEvent) -> None:
        super().__init__(message)
        self.event = event


class DeliveryKindError(WebhookVerificationError, TypeError):
    """What was given as payload or headers of a delivery is of another kind than those have."""


def unwrap(
    payload: Payload,
    headers: Headers,
    *,
    secret: Secret,
    tolerance: float | timedelta | None = None,
    seen: Callable[[str], bool] | None = None,
    now: datetime | None = None,
) -> WebhookEvent:
    """Check a webhook delivery and read it into a typed event.

    Args:
        payload: The raw body as it arrived, bytes or str.
        headers: The request headers: a mapping, or pairs of name and value; each text or bytes, as an ASGI scope has
            them. The case of names does not matter.
        secret: The signing secret of the endpoint, or several while one replaces another.
        tolerance: The largest distance between `created_at` of the event and now, in seconds, to either side;
            None does not look at the time. Attempts repeat the body unchanged for about 35 hours, so a smaller
            tolerance refuses late ones: prefer `seen` against replays.
        seen: Called with the id of the event once all other checks passed; answers whether it was handled
            before. A `RecentEvents`, any `SeenEvents`, or a function of your own; not an asynchronous one.
        now: The time to compare with, aware; the clock when None.

    Returns:
        The event. `event.data` has the type that belongs to `event.type`; members and types that this
        version does not know are kept.

    Raises:
        WebhookVerificationError: A check failed; the message says which, and never what was expected. It is a
            TypeError as well when `payload` or `headers` are of another kind.
        DuplicateEventError: All is well, but `seen` answered True. A subclass of the former.
        ConfigurationError: No secret was given, or an empty one.
        InvalidArgumentError: `tolerance` is no time or below zero, `now` has no time zone, or `seen` is asynchronous.

    Examples:
        >>> import json
        >>> from sensei.webhooks import sign, unwrap
        >>> body = json.dumps({
        ...     "id": "evt_1",
        ...     "type": "migration.completed",
        ...     "created_at": "2026-02-02T14:45:30Z",
        ...     "data": {"migration_id": "mig_1"},
        ... })
        >>> event = unwrap(body, {"x-sensei-signature": sign(body, "whsec_example")}, secret="whsec_example")
        >>> event.type, event.data.migration_id
        ('migration.completed', 'mig_1')
    """
    secret = concealed(secret)  # reports of crashes print the variables of this frame
    allowed = checked_tolerance(tolerance)
    if now is not None and now.utcoffset() is None:
        raise InvalidArgumentError("`now` must have a time zone, such as datetime.now(UTC).")
    _check_signature(payload, headers, secret)
    event = _read(payload)
    if allowed is not None:
        _check_age(event.created_at, allowed, now)
    if seen is not None and _claimed(event.id, seen):
        raise DuplicateEventError(
            "The event was handled before: `seen` knows its id. Answer 2xx and do nothing.", event
        )
    return event


def checked_tolerance(tolerance: object) -> timedelta | None:
    """`tolerance` as a time, when it is one."""
    if tolerance is None:
        return None
    try:
        allowed = tolerance if isinstance(tolerance, timedelta) else timedelta(seconds=cast("float", tolerance))
    except (TypeError, ValueError, OverflowError):
        allowed = timedelta(seconds=-1)
    if allowed < timedelta(0):
        raise InvalidArgumentError("`tolerance` must be seconds, zero or more, a timedelta, or None for no check.")
    return allowed


def given_up_coroutine(answer: object) -> bool:
    """Whether a plain function gave what would have to be awaited; a coroutine is closed, for it will not be."""
    if iscoroutine(answer):
        answer.close()
        return True
    return isinstance(answer, Awaitable)


def _claimed(event_id: str, seen: Callable[[str], object]) -> bool:
    answer = seen(event_id)
    if given_up_coroutine(answer):
        # It is true whatever it would come to: every event would be taken for a repeated one.
        raise InvalidArgumentError("`seen` is asynchronous: leave it out here, and await it with the id of the event.")
    return bool(answer)


def _check_signature(payload: Payload, headers: Headers, secret: Secret) -> None:
    values = _values(headers, SIGNATURE_HEADER)
    if not values:
        raise WebhookVerificationError(
            f"The {SIGNATURE_HEADER} header is missing: the request does not come from Sensei, or a proxy dropped it."
        )
    # A second, different value would leave it to chance which one counts.
    signature = values[0] if len(set(values)) == 1 else None
    if not isinstance(cast("object", payload), bytes | bytearray | memoryview | str):
        raise DeliveryKindError(f"payload is a {type(payload).__name__}: {RAW_BODY_HINT}.")
    if not verify_signature(payload, signature, secret):
        raise WebhookVerificationError(
            f"The {SIGNATURE_HEADER} header does not fit the body and the secret. Check that the secret is the one "
            "of this endpoint and that the body is the raw one, byte for byte."
        )


def _read(payload: Payload) -> WebhookEvent:
    from pydantic import ValidationError

    from sensei.models.webhooks import parse_webhook_event

    try:
        return parse_webhook_event(payload if isinstance(payload, str | bytes) else bytes(payload))
    except ValidationError as error:
        where = ", ".join(sorted({".".join(map(str, one["loc"])) or "the body" for one in error.errors()}))
    raise WebhookVerificationError(f"The delivery is signed, but it is no Sensei event: see {where}.")


def _check_age(created_at: datetime, allowed: timedelta, now: datetime | None) -> None:
    age = (now or datetime.now(UTC)) - created_at
    if abs(age) > allowed:
        side = "old" if age > timedelta(0) else "far in the future"
        raise WebhookVerificationError(
            f"The event is too {side}: created {abs(age).total_seconds():.0f} seconds "
            f"{'ago' if age > timedelta(0) else 'from now'}, {allowed.total_seconds():.0f} are allowed."
        )


def _values(headers: Headers, name: str) -> list[str]:
    items: Callable[[], Iterable[tuple[HeaderText, HeaderText]]] | None = getattr(headers, "items", None)
    try:
        pairs = list(items() if items is not None else cast("Iterable[tuple[HeaderText, HeaderText]]", headers))
        named = [value for key, value in pairs if _text(key).lower() == name.lower()]
    except (TypeError, ValueError):
        kind = type(headers).__name__
        problem = f"headers must be a mapping, or pairs of name and value, each text or bytes, not this {kind}."
    else:
        try:
            return [_text(value) for value in named]
        except TypeError as error:
            problem = f"The {name} header must be text or bytes, {error}."
    raise DeliveryKindError(problem)


def _text(value: HeaderText) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(cast("object", value), str):
        return value
    raise TypeError(f"not {type(value).__name__}")
