"""What is known about the HTTP answer that an object came with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The allowance that binds now, as the server last reported it.

    Attributes:
        limit: Requests allowed in the window.
        remaining: Requests left in the window.
        reset_at: When the window begins anew.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResponseInfo:
    """The answer behind an object, found at its ``last_response``.

    Attributes:
        status_code: HTTP status.
        headers: Response headers; names in lower case.
        request_id: Id of the request, to be named when asking for help.
        rate_limit: The allowance that the answer reported; None when it reported none.
        attempts: How many times the request was sent, 1 when the first try was answered.
        elapsed: Seconds from the first attempt to the answer, waits included.
        idempotent_replay: True when the server repeated the stored answer of an earlier request with the same key.
    """

    status_code: int
    headers: Mapping[str, str]
    request_id: str | None = None
    rate_limit: RateLimit | None = None
    attempts: int = 1
    elapsed: float = 0.0
    idempotent_replay: bool = False
