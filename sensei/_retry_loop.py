"""The loop of tries. The only place that knows tenacity; loaded after a first failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from sensei._retry import RetryPolicy
from sensei.errors import APIStatusError, SenseiError

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState, Retrying


class Repeatable(Protocol):
    """What the loop needs to know of a call."""

    def may_repeat(self, error: BaseException) -> bool:
        """False when it must not happen twice and may have happened."""
        ...

    def left(self) -> float:
        """Seconds until the deadline."""
        ...


CallT = TypeVar("CallT", bound=Repeatable)


@dataclass(frozen=True, slots=True)
class RetryLoop(Generic[CallT]):
    """The retrying of one call.

    Attributes:
        policy: what the user chose.
        call: the call.
        notify: told of each try that will follow: the call, the wait before it, the error.
    """

    policy: RetryPolicy
    call: CallT
    notify: Callable[[CallT, float, SenseiError], None]

    def _again(self, error: BaseException) -> bool:
        return self.policy.wants(error, repeatable=self.call.may_repeat(error))

    def _stop(self, state: RetryCallState) -> bool:
        if state.attempt_number > self.policy.max_retries:
            return True
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, APIStatusError) else None
        if asked is not None and asked > self.policy.max_retry_after:
            return True
        return state.upcoming_sleep >= self.call.left()

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return self.policy.delay(error, state.attempt_number) if error else 0.0

    def _before_sleep(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, SenseiError):
            self.notify(self.call, state.upcoming_sleep, error)

    def async_retrying(self, sleep: Callable[[float], Awaitable[None]]) -> AsyncRetrying:
        """Tenacity's loop for the async client."""
        from tenacity import AsyncRetrying, retry_if_exception

        return AsyncRetrying(
            sleep=sleep,
            retry=retry_if_exception(self._again),
            stop=self._stop,
            wait=self._wait,
            before_sleep=self._before_sleep,
            reraise=True,
        )

    def retrying(self, sleep: Callable[[float], None]) -> Retrying:
        """Tenacity's loop for the sync client."""
        from tenacity import Retrying, retry_if_exception

        return Retrying(
            sleep=sleep,
            retry=retry_if_exception(self._again),
            stop=self._stop,
            wait=self._wait,
            before_sleep=self._before_sleep,
            reraise=True,
        )
