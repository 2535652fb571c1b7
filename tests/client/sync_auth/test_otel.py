# Generated from tests/client/async_auth/test_otel.py by scripts/generate_sync.py: change that file and run the script.
"""Traces and metrics: what an exporter gets to see of the calls."""

from __future__ import annotations

import threading
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
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import SpanKind, StatusCode

from sensei import Client, FailureEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent, RetryPolicy
from sensei.auth import OAuth2ClientCredentials
from sensei.errors import APIConnectionError, InvalidArgumentError, NotFoundError
from sensei.otel import telemetry
from tests.client.faulty import Answer, FaultyServer
from tests.client.samples import sse

API = "https://sensei.example.com:8443/v1"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
NONE = {"data": [], "pagination": {"total": 0, "limit": 20, "offset": 0, "has_more": False}}
IMPATIENT = RetryPolicy(max_retries=1, initial_delay=0)


class Seen:
    """What the exporters were given."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(sampler)
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
            return_value=httpx.Response(200, json=NONE, headers={"X-Request-Id": "req_1"})
        )
        with client_with(seen.hooks()) as client:
            client.webhooks.list(limit=7)
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

    def test_a_path_of_the_users_own_makes_no_name_and_no_series(self, wire: respx.MockRouter, seen: Seen) -> None:
        wire.route(host="sensei.example.com").mock(return_value=httpx.Response(200, json={}))
        with client_with(seen.hooks()) as client:
            for number in range(5):
                client.request("GET", f"/things/{number}?token=TOPSECRET")
        assert {span.name for span in seen.spans} == {"GET"}
        assert [(span.attributes or {})["url.full"] for span in seen.spans][-1] == f"{API}/things/4"
        ((count, attributes),) = seen.points()
        assert count == 5
        assert "url.template" not in attributes

    def test_a_method_of_the_users_own_makes_none_either(self, wire: respx.MockRouter, seen: Seen) -> None:
        wire.route(host="sensei.example.com").mock(return_value=httpx.Response(200, json={}))
        with client_with(seen.hooks()) as client:
            client.request("BREW", "/coffee")
        (span,) = seen.spans
        assert span.name == "HTTP"
        assert (span.attributes or {})["http.request.method"] == "_OTHER"
        assert (span.attributes or {})["http.request.method_original"] == "BREW"
        ((_, attributes),) = seen.points()
        assert attributes["http.request.method"] == "_OTHER"
        assert "http.request.method_original" not in attributes

    @pytest.mark.parametrize("header", [None, {"X-Bad": "a\nb"}])
    def test_a_request_that_a_hook_spoils_ends_its_span(
        self, wire: respx.MockRouter, seen: Seen, header: dict[str, str] | None
    ) -> None:
        def spoil(event: RequestEvent) -> None:
            if header is None:
                raise OSError("not today")
            event.headers.update(header)

        with client_with(seen.hooks(also=Hooks(on_request=spoil))) as client:
            with pytest.raises(OSError if header is None else InvalidArgumentError):
                client.webhooks.list()
        assert not wire.calls
        (span,) = seen.spans
        expected = "OSError" if header is None else "sensei.errors.InvalidArgumentError"
        assert (span.attributes or {})["error.type"] == expected

    def test_a_hook_may_make_calls_of_its_own(self, wire: respx.MockRouter, seen: Seen) -> None:
        wire.route(host="sensei.example.com").mock(return_value=httpx.Response(200, json=NONE))

        def look_up(event: RequestEvent) -> None:
            if event.route == "/webhooks":
                with Client("sk_test_2", base_url=API, hooks=hooks) as other:
                    other.request("GET", "/inner")

        hooks = seen.hooks(also=Hooks(on_request=look_up))
        with client_with(hooks) as client:
            client.webhooks.list()
        ends = {span.name: (span.attributes or {})["http.response.status_code"] for span in seen.spans}
        assert ends == {"GET": 200, "GET /webhooks": 200}

    def test_a_try_whose_answer_is_cut_within_an_error_is_told_of_once(self, seen: Seen) -> None:
        head = b"HTTP/1.1 409 X\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
        told: list[str] = []
        own = Hooks(on_response=lambda _: told.append("response"), on_failure=lambda _: told.append("failure"))
        with FaultyServer(lambda heard: Answer(head, close=True)) as server:
            with Client("sk_test_1", base_url=server.url, hooks=seen.hooks(also=own), max_retries=0) as client:
                with pytest.raises(APIConnectionError):
                    with client.migrations.stream_events("mig_1") as events:
                        next(events)
        assert told == ["response"]
        assert len(seen.spans) == 1

    @pytest.mark.parametrize("error", [OSError("disk full"), ValueError("no such team")])
    @pytest.mark.parametrize("place", ["key", "request", "response"])
    def test_what_functions_of_the_user_raise_a_stream_raises(self, place: str, error: Exception) -> None:
        def refuse(event: object = None) -> str:
            raise error

        hooks = Hooks(
            on_request=refuse if place == "request" else None, on_response=refuse if place == "response" else None
        )
        key = refuse if place == "key" else "sk_test_1"
        with FaultyServer(lambda heard: Answer(STREAM + sse(1))) as server:
            with Client(key, base_url=server.url, hooks=hooks) as client:
                with pytest.raises(type(error), match=str(error)):
                    with client.migrations.stream_events("mig_1") as events:
                        next(events)
        assert len(server.heard) == (1 if place == "response" else 0)

    def test_a_hook_that_is_exhausted_is_no_end_of_a_stream(self) -> None:
        def exhausted(event: object) -> None:
            raise StopIteration

        with FaultyServer(lambda heard: Answer(STREAM + sse(1))) as server:
            with Client("sk_test_1", base_url=server.url, hooks=Hooks(on_request=exhausted)) as client:
                events = client.migrations.stream_events("mig_1")
                with pytest.raises(RuntimeError, match="nothing more to give"):
                    assert [event for event in events] == []

    def test_a_stream_that_is_left_has_no_open_span(self, seen: Seen) -> None:
        hold = threading.Event()
        with FaultyServer(lambda heard: Answer(STREAM + sse(1), hold=hold)) as server:
            with Client("sk_test_1", base_url=server.url, hooks=seen.hooks()) as client:
                with client.migrations.stream_events("mig_1") as events:
                    next(events)
                hold.set()
        assert [span.name for span in seen.spans] == ["GET /migrations/{id}/events"]

    def test_what_is_not_sampled_is_measured_and_its_context_sent(self, wire: respx.MockRouter) -> None:
        seen = Seen(sampler=ALWAYS_OFF)
        route = wire.get(f"{API}/webhooks").mock(return_value=httpx.Response(200, json=NONE))
        with client_with(seen.hooks()) as client:
            client.webhooks.list()
        assert seen.spans == []
        assert [count for count, _ in seen.points()] == [1]
        assert route.calls.last.request.headers["traceparent"][-2:] in {"00", "02"}

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
        child = next(span for span in seen.spans if span.name == "GET")
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
        assert [span.name for span in seen.spans] == ["POST /token", "POST"]
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
