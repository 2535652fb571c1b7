"""Which failures are tried again, and after how long."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from sensei._arguments import is_number
from sensei.errors import (
    APIConnectionError,
    APIStatusError,
    ConfigurationError,
    IdempotencyInProgressError,
)

LONGEST_OUTAGE = 300.0
"""Seconds of an outage that a wait bears once it has seen what it waits for, and a stream once it was connected."""


UNTRUSTED, UNWELCOME = "tls_untrusted", "tls_client_certificate"
"""Codes of connections that failed for a certificate, which trying again does not mend."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a call is tried again.

    Attributes:
        max_retries: tries after the first one; 0 turns retrying off.
        initial_delay: seconds that the first wait is at most, when the server names none.
        max_delay: seconds that any such wait is at most; it doubles from `initial_delay` up to here.
        max_retry_after: seconds; when the server asks for a longer wait than this, the error is raised at once.
        max_outage: seconds that a stream which was connected once bears a server that cannot be reached or is not
            well, however many tries that takes; with 0, `max_retries` alone decides. A client that was given neither
            `retry` nor `max_retries` bears 300: a restart does not end its streams.

    Raises:
        ConfigurationError: one of them is negative, or no number.

    Examples:
        >>> RetryPolicy(max_retries=2, max_retry_after=10)
        RetryPolicy(max_retries=2, initial_delay=0.5, max_delay=8.0, max_retry_after=10, max_outage=0.0)
    """

    max_retries: int = 4
    initial_delay: float = 0.5
    max_delay: float = 8.0
    max_retry_after: float = 60.0
    max_outage: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(cast("object", self.max_retries), int) or isinstance(self.max_retries, bool):
            raise ConfigurationError("max_retries must be a whole number, zero or more")
        for name in ("max_retries", "initial_delay", "max_delay", "max_retry_after", "max_outage"):
            value: object = getattr(self, name)
            if not (is_number(value) and cast("float", value) >= 0):
                raise ConfigurationError(f"{name} must be a number, zero or more")

    def wants(self, error: BaseException, *, repeatable: bool = True) -> bool:
        """True when the call that ended in `error` may be tried again.

        Args:
            error: how the last try ended.
            repeatable: False when the call must not happen twice and may have happened.
        """
        if not repeatable:
            return False
        if isinstance(error, APIConnectionError):
            return error.code not in {UNTRUSTED, UNWELCOME}
        if isinstance(error, IdempotencyInProgressError):
            return True
        if not isinstance(error, APIStatusError):
            return False
        if error.status_code == 502 and error.details.get("reason_code") == "E1002":
            return False  # a refused password: asking again locks accounts
        return error.status_code in {408, 429} or error.status_code >= 500

    def delay(self, error: BaseException, attempt: int, *, rng: Callable[[], float] = random.random) -> float:
        """Seconds to wait after try number `attempt` (1 for the first) ended in `error`.

        A wait that the server asked for is kept, and a little added, so that a herd of clients spreads; any other is
        exponential with full jitter.

        Args:
            error: how the last try ended.
            attempt: how many tries there were.
            rng: gives numbers from 0 up to 1.
        """
        asked = error.retry_after if isinstance(error, APIStatusError) else None
        if asked is not None:
            return asked + rng() * (0.1 + 0.1 * asked)
        return rng() * min(self.max_delay, self.initial_delay * 2.0 ** min(attempt - 1, 30))
