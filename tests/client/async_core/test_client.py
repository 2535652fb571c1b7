"""The client as a whole: options, hooks, warnings, foreign clients, its end."""

from __future__ import annotations

import copy
import logging
import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from types import NoneType
from typing import Any

import anyio
import httpx
import pytest
import respx
from pydantic import BaseModel, TypeAdapter

from sensei import Hooks, OperationDeprecatedWarning, RateLimiter
from sensei._async.client import AsyncClient
from sensei._hooks import RequestEvent, ResponseEvent, RetryEvent
from sensei._retry import RetryPolicy
from sensei.errors import (
    APIConnectionError,
    APIStatusError,
    ConfigurationError,
    InvalidArgumentError,
    OutcomeUnknownError,
    RateLimitError,
)
from tests.client.faulty import FaultyServer, reply
from tests.client.samples import CONNECTION

BASE = "https://api.sensei.ai/v1"
OK = httpx.Response(200, json=CONNECTION)
AT_ONCE = RetryPolicy(max_retries=3, initial_delay=0)


class Unreadable:
    """A class that pydantic knows nothing of."""


class Unfinished(BaseModel):
    id: "Nothing"  # type: ignore[name-defined]  # noqa: F821, UP037 - this is what is wrong with it


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def failing(status: int, code: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": "No luck."}}, headers=headers)


@pytest.mark.anyio
class TestOptions:
    async def test_a_copy_shares_connections_and_has_its_own_options(self) -> None:
        with FaultyServer(lambda heard: reply(CONNECTION)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, default_headers={"X-A": "1"}) as client:
                copy = client.with_options(headers={"X-B": "2"}, max_retries=0, timeout=5)
                async with copy:
                    await copy.connections.get("conn_1")
                found = await client.connections.get("conn_1")
                assert found._client is client
                with pytest.raises(ConfigurationError, match="not both"):
                    client.with_options(max_retries=1, retry=AT_ONCE)
        assert server.connections == 1
        assert [("x-a" in heard.headers, "x-b" in heard.headers) for heard in server.heard] == [
            (True, True),
            (True, False),
        ]

    @pytest.mark.parametrize(
        "arguments",
        [
            {"timeout": 0},
            {"timeout": -1},
            {"timeout": "5"},
            {"deadline": 0},
            {"max_retries": -1},
            {"http_client": 1},
            {"app_info": "tool"},
            {"app_info": 5},
            {"app_info": ("tool", 5)},
            {"default_headers": {"x-idempotency-key": "k"}},
            {"default_headers": [("X-A", "1")]},
            {"default_headers": {"X-A": 1}},
            {"default_headers": {"X A": "1"}},
            {"base_url": 5},
            {"base_url": b"https://api.sensei.ai"},
            {"profile": []},
            {"timeout": True},
            {"timeout": float("nan")},
            {"deadline": "5"},
            {"max_retries": "4"},
            {"max_retries": 1.5},
            {"retry": 5},
            {"retry": {}},
            {"hooks": 5},
            {"hooks": Hooks},
            {"rate_limiter": True},
            {"http_client": httpx.AsyncClient},
            {"allow_insecure": "no"},
        ],
    )
    async def test_bad_settings_are_refused_by_name_when_the_client_is_made(self, arguments: dict[str, object]) -> None:
        (name,) = arguments
        said = {"default_headers": "default_headers|X-Idempotency-Key"}.get(name, name)
        with pytest.raises(ConfigurationError, match=said):
            AsyncClient("sk_test_1", **arguments)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("timeout", "5"),
            ("deadline", -1),
            ("max_retries", "4"),
            ("retry", 5),
            ("retry", {}),
            ("hooks", {}),
            ("headers", 5),
            ("headers", [("X-A", "1")]),
        ],
    )
    async def test_so_are_those_of_a_copy(self, name: str, value: object) -> None:
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(ConfigurationError, match=name):
                client.with_options(**{name: value})  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("name", "value"),
        [("headers", 5), ("headers", ["X-A"]), ("headers", {5: "1"}), ("params", [("a", 1)]), ("idempotency_key", 5)],
    )
    async def test_arguments_of_a_wrong_kind_are_refused_before_anything_is_sent(
        self, name: str, value: object
    ) -> None:
        with FaultyServer(lambda heard: reply({})) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                with pytest.raises(InvalidArgumentError, match=name):
                    await client.request("POST", "/alerts", **{name: value})  # type: ignore[call-overload]
                for method, path in ((5, "/alerts"), ("GET", 5)):
                    with pytest.raises(InvalidArgumentError, match="must be a str"):
                        await client.request(method, path)  # type: ignore[call-overload]
        assert server.heard == []

    @pytest.mark.parametrize(
        "arguments",
        [{"timeout": "x"}, {"timeout": float("nan")}, {"interval": "x"}, {"interval": -1}, {"on_progress": 5}],
    )
    async def test_so_are_those_of_a_wait(self, arguments: dict[str, object]) -> None:
        (name,) = arguments
        with FaultyServer(lambda heard: reply(CONNECTION)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                with pytest.raises(InvalidArgumentError, match=name):
                    await client.connections.wait("conn_1", **arguments)  # type: ignore[arg-type]
        assert server.heard == []

    @pytest.mark.parametrize("carry", [pickle.dumps, copy.copy, copy.deepcopy])
    async def test_it_is_neither_pickled_nor_copied(self, carry: Callable[[object], object]) -> None:
        client = AsyncClient("sk_test_SECRET")
        with pytest.raises(ConfigurationError, match="make one in each process") as caught:
            carry(client)
        assert "SECRET" not in str(caught.value)

    async def test_credentials_of_another_kind_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match=r"sensei\.auth, not str"):
            AsyncClient(credentials="sk_test_1")  # type: ignore[arg-type]

    async def test_every_answer_tells_of_itself(self, wire: respx.MockRouter) -> None:
        wire.get(f"{BASE}/connections/conn_1").mock(
            httpx.Response(
                200,
                json=CONNECTION,
                headers={
                    "X-Request-Id": "req_5",
                    "X-RateLimit-Limit": "50",
                    "X-RateLimit-Remaining": "49",
                    "X-RateLimit-Reset": "1900000000",
                    "Set-Cookie": "session=secret",
                },
            )
        )
        async with AsyncClient("sk_test_1") as client:
            assert client.rate_limit is None
            response = (await client.connections.get("conn_1")).last_response
            assert response is not None
            assert (response.status_code, response.request_id, response.attempts) == (200, "req_5", 1)
            assert response.headers["X-Request-ID"] == "req_5"
            assert "set-cookie" not in response.headers
            assert response.elapsed > 0
            assert not response.idempotent_replay
            assert client.rate_limit is response.rate_limit
            assert client.rate_limit is not None
            assert (client.rate_limit.limit, client.rate_limit.remaining) == (50, 49)
            assert client.rate_limit.reset_at is not None
            assert client.rate_limit.reset_at.timestamp() == 1900000000


@pytest.mark.anyio
class TestEscapeHatch:
    async def test_it_reaches_what_the_sdk_does_not_know(self, wire: respx.MockRouter) -> None:
        alert = httpx.Response(200, content=b'{"id":"al_1"}', headers={"Content-Type": "application/json"})
        route = wire.post(f"{BASE}/alerts", params={"dry": "true"}).mock(alert)

        class Alert(BaseModel):
            id: str

        async with AsyncClient("sk_test_1") as client:
            answer = await client.request("post", "/alerts", params={"dry": True}, json={"at": 5})
            assert (answer.status_code, answer.json(), answer.text) == (200, {"id": "al_1"}, '{"id":"al_1"}')
            assert answer.headers["content-type"] == "application/json"
            typed = await client.request("POST", "alerts?dry=true", cast_to=Alert)
            assert typed.id == "al_1"
            listed = await client.request("POST", "/v1/alerts?dry=true", cast_to=TypeAdapter(dict[str, str]))
            assert listed == {"id": "al_1"}
            link = await client.request("POST", f"{BASE}/alerts?dry=true", cast_to=bytes)
            assert link == b'{"id":"al_1"}'
        assert all("x-idempotency-key" in call.request.headers for call in route.calls)

    @pytest.mark.parametrize(
        "cast_to", [5, [int], {"id": 1}, ..., "Nothing", len, Unreadable, Unfinished, list[Unfinished]]
    )
    async def test_what_no_answer_can_become_is_refused_before_anything_is_sent(
        self, wire: respx.MockRouter, cast_to: Any
    ) -> None:
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(InvalidArgumentError, match="cast_to must be a model"):
                await client.request("POST", "/alerts", cast_to=cast_to)
        assert not wire.calls

    @pytest.mark.parametrize(
        ("cast_to", "made"),
        [(dict[str, str], {"id": "al_1"}), (object, {"id": "al_1"}), (bytes, b'{"id":"al_1"}'), (NoneType, None)],
    )
    async def test_any_type_that_pydantic_reads_will_do(
        self, wire: respx.MockRouter, cast_to: Any, made: object
    ) -> None:
        wire.get(f"{BASE}/alerts").mock(httpx.Response(200, content=b'{"id":"al_1"}'))
        async with AsyncClient("sk_test_1") as client:
            assert await client.request("GET", "/alerts", cast_to=cast_to) == made

    @pytest.mark.parametrize(
        "path",
        [
            "https://elsewhere.example.com/v1/alerts",
            "http://api.sensei.ai/v1/alerts",
            "https://api.sensei.ai.example.com/v1/alerts",
            "https://api.sensei.ai/oauth/token",
            "//elsewhere.example.com/alerts",
            "/../oauth/token",
            "/alerts/%2e%2e/x",
            "",
            "/",
        ],
    )
    async def test_the_credential_stays_at_home(self, wire: respx.MockRouter, path: str) -> None:
        route = wire.route().mock(OK)
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(InvalidArgumentError):
                await client.request("GET", path)
        assert not route.called


@pytest.mark.anyio
class TestHooksAndLogs:
    # async only: begin
    @pytest.mark.parametrize("name", ["on_request", "on_response", "on_failure", "on_retry"])
    async def test_an_asynchronous_hook_which_nobody_would_await_is_refused(self, name: str) -> None:
        async def note(event: object) -> None:
            raise AssertionError

        with pytest.raises(ConfigurationError, match=f"{name} of Hooks must be a plain function"):
            Hooks(**{name: note})

    # async only: end
    async def test_hooks_see_each_try_and_may_add_headers(self, wire: respx.MockRouter) -> None:
        route = wire.get(f"{BASE}/connections/conn_1").mock(side_effect=[failing(503, "service_unavailable"), OK])
        events: list[object] = []

        def on_request(event: RequestEvent) -> None:
            event.headers["traceparent"] = f"00-{event.attempt}"
            event.headers["Authorization"] = "mine"
            events.append(event)

        hooks = Hooks(on_request=on_request, on_response=events.append, on_retry=events.append)
        async with AsyncClient("sk_test_1", hooks=hooks, retry=AT_ONCE) as client:
            await client.connections.get("conn_1")
        assert [type(event).__name__ for event in events] == [
            "RequestEvent",
            "ResponseEvent",
            "RetryEvent",
            "RequestEvent",
            "ResponseEvent",
        ]
        assert [call.request.headers["traceparent"] for call in route.calls] == ["00-1", "00-2"]
        assert {call.request.headers["authorization"] for call in route.calls} == {"Bearer sk_test_1"}
        retry, answer = events[2], events[4]
        assert isinstance(retry, RetryEvent)
        assert (retry.route, retry.attempt, type(retry.error).__name__) == (
            "/connections/{id}",
            2,
            "ServiceUnavailableError",
        )
        assert isinstance(answer, ResponseEvent)
        assert (answer.response.status_code, answer.response.attempts) == (200, 2)

    @pytest.mark.parametrize("name", ["on_request", "on_response", "on_failure", "on_retry"])
    def test_a_hook_that_nothing_would_await_is_refused(self, name: str) -> None:
        # async only: begin
        async def hook(event: object) -> None: ...

        with pytest.raises(ConfigurationError, match=f"{name} of Hooks must be a plain function"):
            Hooks(**{name: hook})
        # async only: end
        Hooks(**{name: print})

    async def test_logs_hold_no_secrets_and_no_bodies(
        self, wire: respx.MockRouter, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        wire.post(f"{BASE}/connections").mock(side_effect=[failing(503, "service_unavailable"), OK])
        async with AsyncClient("sk_test_SECRET", retry=AT_ONCE) as client:
            await client.connections.create(
                name="HIDDEN", type="postgresql", role="source", config={"host": "h", "password": "PASSWORD"}
            )
        mine = [record.getMessage() for record in caplog.records if record.name.startswith("sensei")]
        assert len(mine) == 3
        text = "\n".join(record.getMessage() for record in caplog.records)
        for secret in ("SECRET", "HIDDEN", "PASSWORD"):
            assert secret not in text

    async def test_a_deprecated_operation_is_warned_of_once_where_it_is_called(self, wire: respx.MockRouter) -> None:
        from sensei import _deprecations

        _deprecations._told.clear()
        wire.route().mock(
            httpx.Response(
                200, json=CONNECTION, headers={"Deprecation": "@1700000000", "Sunset": "Sat, 31 Dec 2033 23:59:59 GMT"}
            )
        )
        async with AsyncClient("sk_test_1") as client:
            with pytest.warns(OperationDeprecatedWarning, match=r"GET /connections/\{id\} is deprecated.*2033") as seen:
                await client.connections.get("conn_1")
            assert [str(one.filename) for one in seen] == [__file__]
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                await client.connections.get("conn_2")
        _deprecations._told.clear()


@pytest.mark.anyio
class TestForeignClients:
    async def test_a_client_of_the_users_is_used_and_left_open(self, wire: respx.MockRouter) -> None:
        route = wire.get(f"{BASE}/connections/conn_1").mock(OK)
        own = httpx.AsyncClient(headers={"X-Own": "1"}, follow_redirects=True, auth=("user", "pass"))
        async with AsyncClient("sk_test_1", http_client=own) as client:
            found = await client.connections.get("conn_1")
        assert found.id == "conn_1"
        sent = route.calls.last.request
        assert sent.headers["x-own"] == "1"
        assert sent.headers["authorization"] == "Bearer sk_test_1"
        assert not own.is_closed
        await own.aclose()

    async def test_it_does_not_follow_redirects_with_the_credential(self, wire: respx.MockRouter) -> None:
        elsewhere = wire.route(host="elsewhere.example.com").mock(OK)
        wire.get(f"{BASE}/connections/conn_1").mock(
            httpx.Response(302, headers={"Location": "https://elsewhere.example.com/"})
        )
        async with httpx.AsyncClient(follow_redirects=True) as own, AsyncClient("sk_test_1", http_client=own) as client:
            with pytest.raises(APIStatusError, match="redirects are not followed"):
                await client.connections.get("conn_1")
        assert not elsewhere.called

    async def test_what_it_cannot_even_build_is_a_typed_error(self) -> None:
        async with httpx.AsyncClient() as own, AsyncClient("sk_test_1", http_client=own) as client:
            with pytest.raises(InvalidArgumentError, match="cannot be sent as it is"):
                await client.connections.get("x" * 70_000)

    async def test_its_failures_are_the_same(self) -> None:
        async with httpx.AsyncClient() as own:
            with FaultyServer(lambda heard: None) as server:
                async with AsyncClient("sk_test_1", base_url=server.url, http_client=own, retry=AT_ONCE) as client:
                    with pytest.raises(OutcomeUnknownError):
                        await client.connections.test("conn_1")
                    with pytest.raises(APIConnectionError):
                        await client.connections.get("conn_1")
            assert len(server.heard) == 8


@pytest.mark.anyio
class TestPacing:
    async def test_a_limiter_that_does_not_wait_fails_before_anything_is_sent(self, wire: respx.MockRouter) -> None:
        used_up = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}
        route = wire.route().mock(httpx.Response(200, json=CONNECTION, headers=used_up))
        limiter = RateLimiter(block=False, max_wait=float("inf"))
        async with AsyncClient("sk_test_1", rate_limiter=limiter) as client:
            await client.connections.get("conn_1")
            with pytest.raises(RateLimitError, match="was not sent"):
                await client.connections.get("conn_1")
        assert route.call_count == 1

    async def test_nor_does_it_wait_before_a_second_try(self, wire: respx.MockRouter) -> None:
        used_up = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}
        route = wire.route().mock(httpx.Response(503, headers=used_up | {"Retry-After": "0"}))
        limiter = RateLimiter(block=False, max_wait=float("inf"))
        async with AsyncClient("sk_test_1", rate_limiter=limiter) as client:
            with pytest.raises(RateLimitError, match="was not sent"):
                await client.connections.get("conn_1")
        assert route.call_count == 1

    # async only: begin
    async def test_nor_is_anything_refused_before_the_allowance_is_known(self) -> None:
        with FaultyServer(lambda heard: reply(CONNECTION)) as server:
            limiter = RateLimiter(block=False)
            async with (
                AsyncClient("sk_test_1", base_url=server.url, rate_limiter=limiter) as client,
                anyio.create_task_group() as group,
            ):
                for _ in range(30):
                    group.start_soon(client.connections.get, "conn_1")
        assert len(server.heard) == 30

    async def test_cancelled_calls_leave_the_line(self, wire: respx.MockRouter) -> None:
        used_up = {
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time.time()) + 30),
        }
        wire.route().mock(httpx.Response(200, json=CONNECTION, headers=used_up))
        limiter = RateLimiter()
        async with AsyncClient("sk_test_1", rate_limiter=limiter) as client:
            await client.connections.get("conn_1")
            before = limiter.admit()
            async with anyio.create_task_group() as group:
                for _ in range(50):
                    group.start_soon(client.connections.get, "conn_1")
                await anyio.wait_all_tasks_blocked()
                assert limiter.admit() > before + 5
                group.cancel_scope.cancel()
            assert limiter.admit() <= before

    # async only: end
    async def test_a_deadline_that_comes_first_is_an_error_at_once(self, wire: respx.MockRouter) -> None:
        soon = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 30)}
        route = wire.route().mock(httpx.Response(200, json=CONNECTION, headers=soon))
        async with AsyncClient("sk_test_1") as client:
            await client.connections.get("conn_1")
            with pytest.raises(RateLimitError, match="was not sent") as caught:
                await client.with_options(deadline=20).connections.get("conn_1")
        assert route.call_count == 1
        assert 20 < (caught.value.retry_after or 0) < 40

    async def test_a_limit_of_one_operation_holds_up_no_other(self, wire: respx.MockRouter) -> None:
        used_up = {
            "X-RateLimit-Limit": "10",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time.time()) + 50),
            "Retry-After": "50",
        }
        error = {"code": "rate_limited", "message": "No.", "details": {"window": "endpoint", "limit": 10}}
        wire.post().mock(httpx.Response(429, json={"error": error}, headers=used_up))
        plenty = {
            "X-RateLimit-Limit": "10",
            "X-RateLimit-Remaining": "5",
            "X-RateLimit-Reset": str(int(time.time()) + 1),
        }
        wire.get().mock(httpx.Response(200, json=CONNECTION, headers=plenty))
        limiter = RateLimiter(block=False)
        async with AsyncClient("sk_test_1", max_retries=0, rate_limiter=limiter) as client:
            with pytest.raises(RateLimitError):
                await client.connections.test("conn_1")
            await client.connections.get("conn_1")

    async def test_a_hook_that_refuses_a_request_takes_nothing_of_the_allowance(self, wire: respx.MockRouter) -> None:
        wire.route().mock(httpx.Response(200, json=CONNECTION))
        limiter = RateLimiter()

        def refuse(event: object) -> None:
            raise RuntimeError("not today")

        async with AsyncClient("sk_test_1", rate_limiter=limiter) as client:
            for _ in range(30):
                with pytest.raises(RuntimeError, match="not today"):
                    await client.with_options(hooks=Hooks(on_request=refuse)).connections.get("conn_1")
            assert limiter.admit() == 0

    async def test_without_a_limiter_it_is_sent(self, wire: respx.MockRouter) -> None:
        used_up = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}
        route = wire.route().mock(httpx.Response(200, json=CONNECTION, headers=used_up))
        async with AsyncClient("sk_test_1", rate_limiter=None) as client:
            for _ in range(3):
                await client.connections.get("conn_1")
        assert route.call_count == 3


@pytest.mark.anyio
class TestTheEnd:
    async def test_a_closed_client_says_so(self) -> None:
        with FaultyServer(lambda heard: reply(CONNECTION)) as server:
            client = AsyncClient("sk_test_1", base_url=server.url)
            await client.connections.get("conn_1")
            await client.aclose()
            await client.aclose()
            with pytest.raises(ConfigurationError, match="closed"):
                await client.connections.get("conn_1")

    async def test_one_that_is_dropped_open_is_warned_of(self) -> None:
        import gc

        with FaultyServer(lambda heard: reply(CONNECTION)) as server:
            client = AsyncClient("sk_test_1", base_url=server.url)
            await client.connections.get("conn_1")
            del client
            with pytest.warns(ResourceWarning, match="unclosed AsyncClient"):
                gc.collect()

    async def test_one_that_was_never_used_needs_no_closing(self) -> None:
        import gc

        client = AsyncClient("sk_test_1")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            del client
            gc.collect()

    async def test_its_repr_holds_no_key(self) -> None:
        client = AsyncClient("sk_test_SECRET", base_url="https://sensei.example.com")
        assert repr(client) == "<AsyncClient of https://sensei.example.com/v1>"
        for thing in (client, client._transport, client.connections):
            assert "SECRET" not in repr(thing)
