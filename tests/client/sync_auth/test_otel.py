# Generated from tests/client/async_auth/test_otel.py by scripts/generate_sync.py: change that file and run the script.
"""Traces and metrics: what an exporter gets to see of the calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import respx
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from sensei import Client, FailureEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent, RetryPolicy
from sensei.auth import OAuth2ClientCredentials
from sensei.errors import APIConnectionError, NotFoundError
from sensei.otel import telemetry

API = "https://sensei.example.com:8443/v1"
IMPATIENT = RetryPolicy(max_retries=1, initial_delay=0)


class Seen:
    """What the exporters were given."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meter_provider = MeterProvider([self.reader])

    def hooks(self, **options: Any) -> Hooks:
        return telemetry(tracer_provider=self.tracer_provider, meter_provider=self.meter_provider, **options)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def points(self) -> list[tuple[int, dict[str, Any]]]:
        """Count and attributes of each series of the duration metric."""
        data = self.reader.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        for metric in metrics:
            assert (metric.name, metric.unit) == ("http.client.request.duration", "s")
        return [(point.count, dict(point.attributes)) for metric in metrics for point in metric.data.data_points]


@pytest.fixture
def seen() -> Iterator[Seen]:
    made = Seen()
    yield made
    made.tracer_provider.shutdown()
    made.meter_provider.shutdown()


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def client_with(hooks: Hooks, **options: Any) -> Client:
    return Client("sk_test_TOPSECRET", base_url=API, hooks=hooks, retry=IMPATIENT, **options)


class TestTelemetry:
    def test_a_call_is_a_span_by_the_conventions_and_a_measurement(self, wire: respx.MockRouter, seen: Seen) -> None:
        route = wire.get(f"{API}/webhooks").mock(
            return_value=httpx.Response(200, json={}, headers={"X-Request-Id": "req_1"})
        )
        with client_with(seen.hooks()) as client:
            client.request("GET", "/webhooks", params={"limit": 7})
        (span,) = seen.spans
        assert (span.name, span.kind, span.status.status_code) == ("GET /webhooks", SpanKind.CLIENT, StatusCode.UNSET)
        shared = {
            "http.request.method": "GET",
            "server.address": "sensei.example.com",
            "server.port": 8443,
            "url.scheme": "https",
            "url.template": "/webhooks",
            "http.response.status_code": 200,
        }
        assert dict(span.attributes or {}) == {
            **shared,
            "url.full": f"{API}/webhooks",
            "sensei.request_id": "req_1",
        }
        assert seen.points() == [(1, shared)]
        context = span.get_span_context()
        sent = route.calls.last.request.headers["traceparent"]
        assert sent == f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"

    def test_ids_make_no_names(self, wire: respx.MockRouter, seen: Seen) -> None:
        answer = httpx.Response(404, json={"error": {"code": "webhook_not_found", "message": "No."}})
        wire.get(f"{API}/webhooks/wh_1").mock(return_value=answer)
        with client_with(seen.hooks()) as client:
            with pytest.raises(NotFoundError):
                client.webhooks.get("wh_1")
        (span,) = seen.spans
        assert (span.name, span.status.status_code) == ("GET /webhooks/{id}", StatusCode.ERROR)
        assert (span.attributes or {})["error.type"] == "404"

    def test_each_try_is_a_span_of_its_own(self, wire: respx.MockRouter, seen: Seen) -> None:
        wire.get(f"{API}/webhooks").mock(side_effect=[httpx.Response(503), httpx.Response(200, json={})])
        with client_with(seen.hooks()) as client:
            client.request("GET", "/webhooks")
        first, second = (dict(span.attributes or {}) for span in seen.spans)
        assert (first["http.response.status_code"], first["error.type"]) == (503, "503")
        assert "http.request.resend_count" not in first
        assert (second["http.response.status_code"], second["http.request.resend_count"]) == (200, 1)
        assert [count for count, _ in seen.points()] == [1, 1]

    def test_a_call_without_an_answer_ends_its_span_too(self, wire: respx.MockRouter, seen: Seen) -> None:
        wire.get(f"{API}/webhooks").mock(side_effect=httpx.ConnectError("refused"))
        with client_with(seen.hooks()) as client:
            with pytest.raises(APIConnectionError):
                client.request("GET", "/webhooks")
        assert [span.status.status_code for span in seen.spans] == [StatusCode.ERROR] * 2
        assert all(str((span.attributes or {})["error.type"]).endswith("ConnectError") for span in seen.spans)
        ((count, attributes),) = seen.points()
        assert count == 2
        assert "http.response.status_code" not in attributes

    def test_spans_are_children_of_the_programs_own(self, wire: respx.MockRouter, seen: Seen) -> None:
        wire.get(f"{API}/webhooks").mock(return_value=httpx.Response(200, json={}))
        with client_with(seen.hooks()) as client:
            with trace.get_tracer("program", tracer_provider=seen.tracer_provider).start_as_current_span("job") as job:
                client.request("GET", "/webhooks")
        child = next(span for span in seen.spans if span.name == "GET /webhooks")
        assert child.parent is not None
        assert child.parent.span_id == job.get_span_context().span_id

    def test_no_secret_is_reported(self, wire: respx.MockRouter, seen: Seen) -> None:
        wire.post("https://sensei.example.com:8443/oauth/token").mock(
            return_value=httpx.Response(200, json={"access_token": "at_1", "token_type": "Bearer", "expires_in": 60})
        )
        wire.post(f"{API}/webhooks").mock(return_value=httpx.Response(201, json={"secret": "whsec_TOPSECRET"}))
        credentials = OAuth2ClientCredentials("my-client", "TOPSECRET")
        with Client(credentials=credentials, base_url=API, hooks=seen.hooks()) as client:
            client.request("POST", "/webhooks", json={"secret": "whsec_TOPSECRET"}, params={"q": "TOPSECRET"})
        assert [span.name for span in seen.spans] == ["POST /token", "POST /webhooks"]
        for span in seen.spans:
            assert "TOPSECRET" not in span.to_json()
            assert "at_1" not in span.to_json()

    def test_hooks_of_your_own_are_called_as_well(self, wire: respx.MockRouter, seen: Seen) -> None:
        wire.get(f"{API}/webhooks").mock(
            side_effect=[httpx.ConnectError("refused"), httpx.Response(200, json={}), httpx.Response(200, json={})]
        )
        events: list[object] = []
        own = Hooks(
            on_request=events.append, on_response=events.append, on_failure=events.append, on_retry=events.append
        )
        with client_with(seen.hooks(also=own)) as client:
            client.request("GET", "/webhooks")
        kinds = [type(event) for event in events]
        assert kinds == [RequestEvent, FailureEvent, RetryEvent, RequestEvent, ResponseEvent]
