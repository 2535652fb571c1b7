# Generated from tests/client/async_core/test_transport.py by scripts/generate_sync.py: change that file and run the script.
"""What a call sends, and what comes of each answer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import httpx
import pytest
import respx

from sensei._retry import RetryPolicy
from sensei._sync.client import Client
from sensei.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    ApprovalRequiredError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    IdempotencyInProgressError,
    IdempotencyKeyReuseError,
    InternalServerError,
    InvalidArgumentError,
    InvalidStateError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PlanNotReadyError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
    UnprocessableEntityError,
)
from tests.client.samples import CONNECTION

BASE = "https://api.sensei.ai/v1"
AT_ONCE = RetryPolicy(max_retries=3, initial_delay=0)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def failing(status: int, code: str, headers: dict[str, str] | None = None, **details: object) -> httpx.Response:
    error = {
        "code": code,
        "message": "No luck.",
        "request_id": "req_7",
        "details": details,
        "documentation_url": f"https://docs.sensei.ai/errors/{code}",
    }
    return httpx.Response(status, json={"error": error}, headers=headers)


OK = httpx.Response(200, json=CONNECTION)


class TestWhatIsSent:
    def test_a_call_carries_the_key_its_ids_and_the_program(self, wire: respx.MockRouter) -> None:
        route = wire.get(f"{BASE}/connections/conn_1").mock(OK)
        with Client("sk_test_1", app_info=("my-tool", "1.2"), default_headers={"X-Team": "data"}) as client:
            client.connections.get("conn_1", headers={"X-Trace": "t"})
        sent = route.calls.last.request.headers
        assert sent["authorization"] == "Bearer sk_test_1"
        assert sent["accept"] == "application/json"
        assert sent["user-agent"].startswith("my-tool/1.2 sensei-python/")
        assert (sent["x-team"], sent["x-trace"]) == ("data", "t")
        assert uuid.UUID(sent["x-request-id"]).version == 4
        assert "x-idempotency-key" not in sent
        assert sent["host"] == "api.sensei.ai"

    def test_each_request_has_its_own_id_and_a_post_one_key(self, wire: respx.MockRouter) -> None:
        route = wire.post(f"{BASE}/connections").mock(
            side_effect=[failing(503, "service_unavailable"), failing(500, "internal_error"), OK]
        )
        with Client("sk_test_1", retry=AT_ONCE) as client:
            made = client.connections.create(name="Shop", type="sqlite", role="source", config={"path": "/x"})
        sent = [call.request for call in route.calls]
        assert len({request.headers["x-request-id"] for request in sent}) == 3
        assert len({request.headers["x-idempotency-key"] for request in sent}) == 1
        assert uuid.UUID(sent[0].headers["x-idempotency-key"])
        assert {request.content for request in sent} == {sent[0].content}
        assert json.loads(sent[0].content) == {
            "name": "Shop",
            "type": "sqlite",
            "role": "source",
            "config": {"path": "/x"},
        }
        assert made.last_response is not None
        assert made.last_response.attempts == 3

    def test_a_given_idempotency_key_is_used(self, wire: respx.MockRouter) -> None:
        route = wire.post(f"{BASE}/connections/conn_1/test").mock(httpx.Response(200, json={"status": "success"}))
        with Client("sk_test_1") as client:
            client.connections.test("conn_1", idempotency_key="order-66")
            with pytest.raises(InvalidArgumentError, match="idempotency_key"):
                client.connections.test("conn_1", idempotency_key="with blank")
        assert [call.request.headers["x-idempotency-key"] for call in route.calls] == ["order-66"]

    def test_only_what_was_given_is_sent(self, wire: respx.MockRouter) -> None:
        route = wire.patch(f"{BASE}/connections/conn_1").mock(OK)
        with Client("sk_test_1") as client:
            client.connections.update("conn_1", description=None, name="New")
        assert json.loads(route.calls.last.request.content) == {"name": "New", "description": None}

    def test_an_id_cannot_leave_its_segment(self, wire: respx.MockRouter) -> None:
        route = wire.route().mock(OK)
        with Client("sk_test_1") as client:
            client.connections.get("../api-keys")
            client.connections.get("a/b?c=d#e")
            for bad in ("", "  ", ".", ".."):
                with pytest.raises(ValueError, match="id"):
                    client.connections.get(bad)
        assert [call.request.url.raw_path for call in route.calls] == [
            b"/v1/connections/..%2Fapi-keys",
            b"/v1/connections/a%2Fb%3Fc%3Dd%23e",
        ]

    def test_a_header_that_would_break_the_request_is_refused(self, wire: respx.MockRouter) -> None:
        route = wire.route().mock(OK)
        with Client("sk_test_1") as client:
            for name in ("X-Evil", "X-Evil ", "", "Host", "content-length", "Transfer-Encoding"):
                with pytest.raises(InvalidArgumentError, match=name or "''"):
                    client.connections.get("conn_1", headers={name: "a\r\nX-Other: b" if name == "X-Evil" else "1"})
        assert not route.called

    def test_two_frames_lie_between_the_user_and_the_http_library(self, wire: respx.MockRouter) -> None:
        import inspect

        seen: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            names = [frame.filename for frame in inspect.stack()]
            seen.extend(name for name in names if "/sensei/_" in name)
            return OK

        wire.get(f"{BASE}/connections/conn_1").mock(side_effect=answer)
        with Client("sk_test_1") as client:
            client.connections.get("conn_1")
        assert [name.rsplit("/", 1)[1] for name in seen] == ["transport.py", "connections.py"]


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "code", "expected"),
        [
            (400, "invalid_request", BadRequestError),
            (401, "unauthorized", AuthenticationError),
            (403, "forbidden", PermissionDeniedError),
            (404, "connection_not_found", NotFoundError),
            (405, "method_not_allowed", APIStatusError),
            (409, "connection_in_use", ConflictError),
            (409, "invalid_state", InvalidStateError),
            (409, "plan_not_ready", PlanNotReadyError),
            (409, "approval_required", ApprovalRequiredError),
            (409, "idempotency_in_progress", IdempotencyInProgressError),
            (413, "payload_too_large", APIStatusError),
            (422, "validation_error", UnprocessableEntityError),
            (422, "idempotency_key_reuse", IdempotencyKeyReuseError),
            (429, "rate_limited", RateLimitError),
            (429, "rate_limit_exceeded", RateLimitError),
            (500, "internal_error", InternalServerError),
            (502, "connection_unreachable", ServerError),
            (503, "service_unavailable", ServiceUnavailableError),
            (504, "upstream_timeout", ServerError),
            (418, "new_code", APIStatusError),
            (599, "new_code", ServerError),
        ],
    )
    def test_status_and_code_choose_the_class(
        self, wire: respx.MockRouter, status: int, code: str, expected: type[APIStatusError]
    ) -> None:
        wire.get(f"{BASE}/connections/conn_1").mock(failing(status, code, {"X-Request-Id": "req_8"}, field="name"))
        with Client("sk_test_1", max_retries=0) as client:
            with pytest.raises(APIStatusError) as caught:
                client.connections.get("conn_1")
        error = caught.value
        assert type(error) is expected
        assert (error.status_code, error.code, error.request_id) == (status, code, "req_8")
        assert error.message == "No luck."
        assert str(error).startswith(f"No luck. ({code}, {status}, req_8)")
        assert str(error).endswith(f"See https://docs.sensei.ai/errors/{code}")
        assert error.details == {"field": "name"}
        assert error.attempts == 1

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(502, html="<h1>Bad Gateway</h1>"),
            httpx.Response(500),
            httpx.Response(503, json=["no", "object"]),
            httpx.Response(500, json={"error": None}),
            httpx.Response(500, content=b"\xff\xfe\x00" * 100_000),
            httpx.Response(302, headers={"Location": "https://elsewhere.example.com/"}),
        ],
    )
    def test_what_is_no_error_of_the_api_goes_by_its_status(
        self, wire: respx.MockRouter, answer: httpx.Response
    ) -> None:
        wire.get(f"{BASE}/connections/conn_1").mock(answer)
        with Client("sk_test_1", max_retries=0) as client:
            with pytest.raises(APIStatusError) as caught:
                client.connections.get("conn_1")
        assert caught.value.status_code == answer.status_code
        assert caught.value.code is None
        assert len(caught.value.body) < 10_000
        assert len(str(caught.value)) < 1_000

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": 1}', b"<html>", b'{"id": "conn_1"}', b"\xff"])
    def test_an_answer_that_breaks_the_contract_is_an_error_that_carries_it(
        self, wire: respx.MockRouter, content: bytes
    ) -> None:
        wire.get(f"{BASE}/connections/conn_1").mock(httpx.Response(200, content=content))
        with Client("sk_test_1") as client:
            with pytest.raises(APIResponseValidationError) as caught:
                client.connections.get("conn_1")
        assert caught.value.status_code == 200
        assert caught.value.request is not None
        assert caught.value.body == content.decode("utf-8", "replace").replace(" ", "")

    def test_a_redirect_is_not_followed(self, wire: respx.MockRouter) -> None:
        elsewhere = wire.route(host="elsewhere.example.com").mock(OK)
        wire.get(f"{BASE}/connections/conn_1").mock(
            httpx.Response(307, headers={"Location": "https://elsewhere.example.com/v1/connections/conn_1"})
        )
        with Client("sk_test_1") as client:
            with pytest.raises(APIStatusError, match="redirects are not followed"):
                client.connections.get("conn_1")
        assert not elsewhere.called


class TestRetries:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
    @pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
    def test_a_passing_failure_is_tried_again(self, wire: respx.MockRouter, method: str, status: int) -> None:
        route = wire.route(method=method).mock(side_effect=[failing(status, "x", {"Retry-After": "0"}), OK])
        with Client("sk_test_1", retry=AT_ONCE, rate_limiter=None) as client:
            client.request(method, "/anything")
        assert route.call_count == 2

    @pytest.mark.parametrize(
        "answer",
        [
            failing(400, "invalid_request"),
            failing(403, "forbidden"),
            failing(404, "not_found"),
            failing(409, "invalid_state"),
            failing(422, "validation_error"),
            failing(418, "something_new"),
            failing(502, "source_unreachable", reason_code="E1002"),
        ],
    )
    def test_a_lasting_failure_is_not(self, wire: respx.MockRouter, answer: httpx.Response) -> None:
        route = wire.route().mock(answer)
        with Client("sk_test_1", retry=AT_ONCE) as client:
            with pytest.raises(APIStatusError):
                client.request("POST", "/anything")
        assert route.call_count == 1

    def test_the_first_request_still_running_is_waited_for(self, wire: respx.MockRouter) -> None:
        route = wire.post(f"{BASE}/connections/conn_1/test").mock(
            side_effect=[
                failing(409, "idempotency_in_progress", {"Retry-After": "0"}),
                httpx.Response(200, json={"status": "success"}, headers={"X-Idempotent-Replayed": "true"}),
            ]
        )
        with Client("sk_test_1", retry=AT_ONCE) as client:
            result = client.connections.test("conn_1")
        assert route.call_count == 2
        assert result.last_response is not None
        assert result.last_response.idempotent_replay

    def test_it_ends_after_the_tries_that_were_allowed(self, wire: respx.MockRouter) -> None:
        route = wire.route().mock(side_effect=httpx.ConnectError("refused"))
        with Client("sk_test_1", retry=AT_ONCE) as client:
            with pytest.raises(APIConnectionError, match="after 4 tries") as caught:
                client.connections.get("conn_1")
        assert route.call_count == 4
        assert caught.value.attempts == 4
        assert not isinstance(caught.value, OutcomeUnknownError)

    def test_a_wait_that_is_too_long_is_not_waited(self, wire: respx.MockRouter) -> None:
        route = wire.route().mock(failing(429, "rate_limited", {"Retry-After": "3600"}))
        with Client("sk_test_1", rate_limiter=None) as client:
            with pytest.raises(RateLimitError) as caught:
                client.connections.get("conn_1")
            assert caught.value.retry_after == 3600
            with pytest.raises(RateLimitError):
                client.with_options(retry=RetryPolicy(max_retry_after=7200), deadline=5).connections.get("conn_1")
        assert route.call_count == 2

    def test_a_post_that_was_sent_and_never_answered_is_an_open_question(self, wire: respx.MockRouter) -> None:
        route = wire.post(f"{BASE}/connections/conn_1/test").mock(side_effect=httpx.ReadError("cut"))
        with Client("sk_test_1", retry=AT_ONCE) as client:
            with pytest.raises(OutcomeUnknownError) as caught:
                client.connections.test("conn_1")
            key = caught.value.idempotency_key
            assert {call.request.headers["x-idempotency-key"] for call in route.calls} == {key}
            assert key in str(caught.value)
            assert not isinstance(caught.value, TimeoutError)
            route.mock(httpx.Response(200, json={"status": "success"}))
            client.connections.test("conn_1", idempotency_key=key)

    def test_one_that_timed_out_is_a_timeout_too(self, wire: respx.MockRouter) -> None:
        wire.post(f"{BASE}/connections/conn_1/test").mock(side_effect=httpx.ReadTimeout("late"))
        with Client("sk_test_1", max_retries=0) as client:
            with pytest.raises(TimeoutError) as caught:
                client.connections.test("conn_1")
        assert isinstance(caught.value, OutcomeUnknownError)
        assert isinstance(caught.value, APITimeoutError)

    @pytest.mark.parametrize(
        ("last", "expected"),
        [
            (failing(503, "service_unavailable"), OutcomeUnknownError),
            (failing(401, "unauthorized"), OutcomeUnknownError),
            (httpx.ConnectError("refused"), OutcomeUnknownError),
            (failing(422, "validation_error"), UnprocessableEntityError),
            (failing(409, "invalid_state"), InvalidStateError),
            (failing(404, "connection_not_found"), NotFoundError),
        ],
    )
    def test_a_later_answer_settles_it_or_not(
        self, wire: respx.MockRouter, last: httpx.Response | Exception, expected: type[Exception]
    ) -> None:
        wire.post(f"{BASE}/connections/conn_1/test").mock(side_effect=[httpx.ReadError("cut"), last])
        with Client("sk_test_1", retry=RetryPolicy(max_retries=1, initial_delay=0)) as client:
            with pytest.raises(expected):
                client.connections.test("conn_1")

    def test_one_that_was_never_sent_is_no_open_question(self, wire: respx.MockRouter) -> None:
        wire.post(f"{BASE}/connections/conn_1/test").mock(side_effect=httpx.ConnectTimeout("late"))
        with Client("sk_test_1", retry=AT_ONCE) as client:
            with pytest.raises(APITimeoutError) as caught:
                client.connections.test("conn_1")
        assert not isinstance(caught.value, OutcomeUnknownError)

    @pytest.mark.parametrize("first", [httpx.ReadError("cut"), failing(502, "x"), failing(500, "internal_error")])
    def test_a_delete_that_finds_nothing_the_second_time_is_done(
        self, wire: respx.MockRouter, first: httpx.Response | Exception
    ) -> None:
        wire.delete(f"{BASE}/connections/conn_1").mock(side_effect=[first, failing(404, "connection_not_found")])
        with Client("sk_test_1", retry=AT_ONCE) as client:
            client.connections.delete("conn_1")

    @pytest.mark.parametrize("first", [None, httpx.ConnectError("refused"), failing(429, "rate_limited")])
    def test_one_that_cannot_have_been_done_is_not_found(
        self, wire: respx.MockRouter, first: httpx.Response | Exception | None
    ) -> None:
        answers = [failing(404, "connection_not_found")]
        wire.delete(f"{BASE}/connections/conn_1").mock(side_effect=answers if first is None else [first, *answers])
        with Client("sk_test_1", retry=AT_ONCE, rate_limiter=None) as client:
            with pytest.raises(NotFoundError):
                client.connections.delete("conn_1")
