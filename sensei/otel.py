"""Traces and metrics with OpenTelemetry, by the semantic conventions for HTTP clients. Needs the `otel` extra.

Examples:
    >>> from sensei import Client
    >>> from sensei.otel import telemetry
    >>> with Client("sk_test_your_key", base_url="https://api.sensei.ai", hooks=telemetry()) as client:
    ...     print(client)
    <Client of https://api.sensei.ai/v1>
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sensei._hooks import FailureEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent
from sensei._version import __version__
from sensei.errors import ConfigurationError

try:
    from opentelemetry import metrics, propagate, trace
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode
except ImportError:
    raise ConfigurationError('OpenTelemetry is not installed: pip install "sensei-sdk[otel]"') from None

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.trace import Tracer, TracerProvider

__all__ = ["telemetry"]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bounds of the histogram in seconds, those that the conventions advise."""

Attributes = dict[str, str | int]


def telemetry(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    also: Hooks | None = None,
) -> Hooks:
    """Make hooks that report every request to OpenTelemetry.

    Each try is a span of kind client, named after method and route, such as ``POST /migrations/{id}/start``, and one
    measurement of ``http.client.request.duration`` in seconds. A path of your own, given to ``client.request``, stays
    out of names and measurements, since it may hold ids. The trace context travels in ``traceparent``. Query
    values, bodies and credentials are never reported.

    Args:
        tracer_provider: Where spans go; the global one when None.
        meter_provider: Where measurements go; the global one when None.
        also: Your own hooks, called as well.

    Returns:
        Hooks for ``Client(hooks=…)`` or ``AsyncClient(hooks=…)``. They may be shared by clients.

    Raises:
        ConfigurationError: The `otel` extra is not installed (when this module is imported).

    Examples:
        >>> from sensei import Client
        >>> from sensei.otel import telemetry
        >>> client = Client("sk_test_1", hooks=telemetry())
    """
    tracer = trace.get_tracer("sensei", __version__, tracer_provider)
    meter = metrics.get_meter("sensei", __version__, meter_provider)
    duration = meter.create_histogram(
        "http.client.request.duration",
        unit="s",
        description="Duration of HTTP client requests.",
        explicit_bucket_boundaries_advisory=_BUCKETS,
    )
    reporter = _Reporter(tracer, duration, also or Hooks())
    return Hooks(
        on_request=reporter.on_request,
        on_response=reporter.on_response,
        on_failure=reporter.on_failure,
        on_retry=reporter.on_retry,
    )


_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Those that may be named; any other is `_OTHER`, by the conventions, so that there are never too many."""


@dataclass(frozen=True, slots=True)
class _Try:
    """A request under way."""

    span: Span
    started: float
    attributes: Attributes


class _Reporter:
    def __init__(self, tracer: Tracer, duration: Histogram, also: Hooks) -> None:
        self._tracer = tracer
        self._duration = duration
        self._also = also
        self._under_way: dict[str, _Try] = {}
        """By the ids of the requests, since one hook may make calls inside another."""

    def on_request(self, event: RequestEvent) -> None:
        attributes = _attributes(event)
        span = self._tracer.start_span(_name(attributes), kind=SpanKind.CLIENT, attributes=attributes)
        self._under_way[event.request_id] = _Try(span, monotonic(), attributes)
        try:
            if span.is_recording():
                _describe(span, event)
            propagate.inject(event.headers, trace.set_span_in_context(span))
            if self._also.on_request is not None:
                self._also.on_request(event)
        except BaseException as error:
            self._finish(event.request_id, _failed(error))
            raise

    def on_response(self, event: ResponseEvent) -> None:
        status = event.response.status_code
        outcome: Attributes = {"http.response.status_code": status}
        if status >= 400:
            outcome["error.type"] = str(status)
        self._finish(event.request_id, outcome, answered_as=event.response.request_id)
        if self._also.on_response is not None:
            self._also.on_response(event)

    def on_failure(self, event: FailureEvent) -> None:
        self._finish(event.request_id, _failed(event.error))
        if self._also.on_failure is not None:
            self._also.on_failure(event)

    def on_retry(self, event: RetryEvent) -> None:
        if self._also.on_retry is not None:
            self._also.on_retry(event)

    def _finish(self, request_id: str, outcome: Attributes, answered_as: str | None = None) -> None:
        current = self._under_way.pop(request_id, None)
        if current is None:
            return
        span = current.span
        if span.is_recording():
            span.set_attributes(outcome)
            if answered_as is not None:
                span.set_attribute("sensei.request_id", answered_as)
            if "error.type" in outcome:
                span.set_status(Status(StatusCode.ERROR))
        span.end()
        self._duration.record(
            monotonic() - current.started, current.attributes | outcome, trace.set_span_in_context(span)
        )


def _attributes(event: RequestEvent) -> Attributes:
    """What a span begins with and a measurement is grouped by: nothing of it differs from call to call."""
    parts = urlsplit(event.url)
    attributes: Attributes = {
        "http.request.method": event.method if event.method in _METHODS else "_OTHER",
        "server.address": parts.hostname or "",
        "server.port": parts.port or {"http": 80}.get(parts.scheme, 443),
        "url.scheme": parts.scheme,
    }
    if event.is_template:
        attributes["url.template"] = event.route
    return attributes


def _name(attributes: Attributes) -> str:
    method = attributes["http.request.method"]
    method = "HTTP" if method == "_OTHER" else method
    return f"{method} {attributes['url.template']}" if "url.template" in attributes else f"{method}"


def _describe(span: Span, event: RequestEvent) -> None:
    """What is for the span alone."""
    span.set_attribute("url.full", event.url.partition("?")[0])
    if event.attempt > 1:
        span.set_attribute("http.request.resend_count", event.attempt - 1)
    if event.method not in _METHODS:
        span.set_attribute("http.request.method_original", event.method)


def _failed(error: BaseException) -> Attributes:
    kind = type(error)
    return {
        "error.type": kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    }
