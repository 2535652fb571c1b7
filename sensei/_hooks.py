"""What hooks are told about a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING

from sensei._arguments import check_functions
from sensei.errors import ConfigurationError, SenseiError
from sensei.models.response import ResponseInfo

if TYPE_CHECKING:
    from sensei._call import Call


@dataclass(slots=True)
class RequestEvent:
    """A request that is about to be sent.

    Attributes:
        method: the HTTP method.
        route: the path with its ids left open, such as `/migrations/{id}/start`: good for grouping.
        url: the full URL.
        request_id: what is sent as `X-Request-Id`.
        attempt: 1 for the first try.
        headers: add headers here, such as `traceparent`; those of the SDK itself are not in it and win.
        is_template: False when `route` is the very path that `client.request` was given, ids and all.
    """

    method: str
    route: str
    url: str
    request_id: str
    attempt: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    is_template: bool = True


@dataclass(frozen=True, slots=True)
class ResponseEvent:
    """An answer that came, of whatever status.

    Attributes:
        method: the HTTP method.
        route: the path with its ids left open.
        url: the full URL.
        response: status, headers, request id, attempts, seconds elapsed.
        request_id: what was sent as `X-Request-Id`, by which it belongs to its `RequestEvent`.
    """

    method: str
    route: str
    url: str
    response: ResponseInfo
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class FailureEvent:
    """A try that got no answer: it could not be sent, was cut, took too long, or was cancelled.

    Attributes:
        method: the HTTP method.
        route: the path with its ids left open.
        url: the full URL.
        attempt: number of the try that failed.
        error: why; of the SDK, of the network, or what cancelled the call.
        request_id: what was sent as `X-Request-Id`, by which it belongs to its `RequestEvent`.
    """

    method: str
    route: str
    url: str
    attempt: int
    error: BaseException
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """A try that is going to follow a failed one.

    Attributes:
        method: the HTTP method.
        route: the path with its ids left open.
        url: the full URL.
        attempt: number of the try that follows, 2 or more.
        delay: seconds until then.
        error: how the last try ended.
    """

    method: str
    route: str
    url: str
    attempt: int
    delay: float
    error: SenseiError


@dataclass(frozen=True, slots=True)
class Hooks:
    """Functions to be called around every request. What they raise, the call raises.

    Attributes:
        on_request: before each try.
        on_response: after each answer, errors included.
        on_failure: after each try that got no answer; each `on_request` is followed by one of these two.
        on_retry: before each wait for another try.

    Raises:
        ConfigurationError: one of them is no function, or an asynchronous one.

    Examples:
        >>> from sensei import Client, Hooks
        >>> client = Client("sk_test_1", hooks=Hooks(on_retry=lambda event: print("again:", event.error)))
    """

    on_request: Callable[[RequestEvent], object] | None = None
    on_response: Callable[[ResponseEvent], object] | None = None
    on_failure: Callable[[FailureEvent], object] | None = None
    on_retry: Callable[[RetryEvent], object] | None = None

    def __post_init__(self) -> None:
        names = ("on_request", "on_response", "on_failure", "on_retry")
        hooks = {name: getattr(self, name) for name in names}
        check_functions("Hooks", hooks)
        for name, hook in hooks.items():
            if iscoroutinefunction(hook):
                raise ConfigurationError(f"{name} of Hooks must be a plain function: nothing awaits it")

    def notify_request(self, call: Call) -> dict[str, str]:
        """Before a try of `call`. Gives the headers to add to it."""
        if self.on_request is None:
            return {}
        event = RequestEvent(
            call.method, call.route, call.url, call.request_id, call.attempts, is_template=not call.extras.own_path
        )
        self.on_request(event)
        return event.headers

    def notify_response(self, call: Call, info: ResponseInfo) -> None:
        """After the answer `info` to `call`."""
        if self.on_response is not None:
            self.on_response(ResponseEvent(call.method, call.route, call.url, info, call.request_id))

    def notify_failure(self, call: Call, error: BaseException) -> None:
        """After a try of `call` that got no answer but `error`."""
        if self.on_failure is not None:
            self.on_failure(FailureEvent(call.method, call.route, call.url, call.attempts, error, call.request_id))

    def notify_retry(self, call: Call, delay: float, error: SenseiError) -> None:
        """Before a wait of `delay` seconds for another try of `call`, which ended in `error`."""
        if self.on_retry is not None:
            self.on_retry(RetryEvent(call.method, call.route, call.url, call.attempts + 1, delay, error))
