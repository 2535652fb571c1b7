"""Traces and metrics with OpenTelemetry, by the semantic conventions for HTTP clients. Needs the `otel` extra.

Examples:
    >>> from sensei import Client
    >>> from sensei.otel import telemetry
    >>> with Client("sk_test_your_key", base_url="https://api.sensei.ai", hooks=telemetry()) as client:
    ...     print(client)
    <Client of https://api.sensei.ai/v1>
"""

from __future__ import annotations

from contextvars import ContextVar
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
    measurement of ``http.client.request.duration`` in seconds. The trace context travels in ``traceparent``. Query
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
        # Hooks run in the task or thread of their call, which has one request under way at a time.
        self._current: ContextVar[_Try | None] = ContextVar("sensei_otel_try", default=None)

    def on_request(self, event: RequestEvent) -> None:
        attributes = _attributes(event)
        span = self._tracer.start_span(f"{event.method} {event.route}", kind=SpanKind.CLIENT, attributes=attributes)
        span.set_attribute("url.full", event.url.partition("?")[0])
        if event.attempt > 1:
            span.set_attribute("http.request.resend_count", event.attempt - 1)
        propagate.inject(event.headers, trace.set_span_in_context(span))
        self._current.set(_Try(span, monotonic(), attributes))
        if self._also.on_request is not None:
            self._also.on_request(event)

    def on_response(self, event: ResponseEvent) -> None:
        status = event.response.status_code
        outcome: Attributes = {"http.response.status_code": status}
        if status >= 400:
            outcome["error.type"] = str(status)
        self._finish(outcome, request_id=event.response.request_id)
        if self._also.on_response is not None:
            self._also.on_response(event)

    def on_failure(self, event: FailureEvent) -> None:
        error = event.error
        self._finish({"error.type": f"{type(error).__module__}.{type(error).__qualname__}"})
        if self._also.on_failure is not None:
            self._also.on_failure(event)

    def on_retry(self, event: RetryEvent) -> None:
        if self._also.on_retry is not None:
            self._also.on_retry(event)

    def _finish(self, outcome: Attributes, request_id: str | None = None) -> None:
        current = self._current.get()
        if current is None:
            return
        self._current.set(None)
        current.span.set_attributes(outcome)
        if request_id is not None:
            current.span.set_attribute("sensei.request_id", request_id)
        if "error.type" in outcome:
            current.span.set_status(Status(StatusCode.ERROR))
        current.span.end()
        self._duration.record(monotonic() - current.started, current.attributes | outcome)


def _attributes(event: RequestEvent) -> Attributes:
    parts = urlsplit(event.url)
    return {
        "http.request.method": event.method,
        "server.address": parts.hostname or "",
        "server.port": parts.port or {"http": 80}.get(parts.scheme, 443),
        "url.scheme": parts.scheme,
        "url.template": event.route,
    }
