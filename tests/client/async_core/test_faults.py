"""A server that cuts, stalls, drips and lies: the result is right or a typed error, and no POST happens twice."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from time import monotonic

import httpx
import pytest

from sensei import _parse
from sensei._async import transport
from sensei._async.client import AsyncClient
from sensei._retry import RetryPolicy
from sensei.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    InternalServerError,
    NotFoundError,
    OutcomeUnknownError,
    SenseiError,
)
from tests.client.faulty import Answer, FaultyServer, Heard, refusal, reply
from tests.client.samples import CONNECTION, page

Call = Callable[[AsyncClient], Awaitable[object]]
PATIENT = RetryPolicy(max_retries=3, initial_delay=0)


async def get(client: AsyncClient) -> object:
    return (await client.connections.get("conn_1")).name


async def listing(client: AsyncClient) -> object:
    return [item.id for item in await (await client.connections.list()).to_list()]


async def create(client: AsyncClient) -> object:
    return (
        await client.connections.create(name="Shop", type="sqlite", role="source", config={"path": "/data/shop.db"})
    ).id


async def update(client: AsyncClient) -> object:
    return (await client.connections.update("conn_1", name="Shop")).id


async def delete(client: AsyncClient) -> object:
    await client.connections.delete("conn_1")
    return None


async def raw(client: AsyncClient) -> object:
    return (await client.request("GET", "/alerts")).json()


KINDS = [
    pytest.param(get, reply(CONNECTION), "Shop", id="get"),
    pytest.param(listing, reply(page([1, 2], 2)), ["conn_1", "conn_2"], id="list"),
    pytest.param(create, reply(CONNECTION, 201), "conn_1", id="create"),
    pytest.param(update, reply(CONNECTION), "conn_1", id="update"),
    pytest.param(delete, reply(None, 204), None, id="delete"),
    pytest.param(raw, reply({"data": []}), {"data": []}, id="raw"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("call", "answer", "expected"), KINDS)
class TestCutAtEveryByte:
    async def test_without_retries_it_is_right_or_a_typed_error(
        self, call: Call, answer: Answer, expected: object
    ) -> None:
        cut = 0
        with FaultyServer(lambda heard: Answer(answer.data[:cut], close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                for place in range(len(answer.data)):
                    cut = place
                    with pytest.raises(APIConnectionError) as caught:
                        await call(client)
                    posted = server.heard[-1].method == "POST"
                    assert isinstance(caught.value, OutcomeUnknownError) == posted, cut
                cut = len(answer.data)
                assert await call(client) == expected

    async def test_with_retries_it_is_right_and_has_one_effect(
        self, call: Call, answer: Answer, expected: object
    ) -> None:
        keys: dict[str, int] = {}
        cut, first = 0, True

        def serve(heard: Heard) -> Answer:
            nonlocal first
            key = heard.headers.get("x-idempotency-key", "")
            keys[key] = keys.get(key, 0) + 1
            if first:
                first = False
                return Answer(answer.data[:cut], close=True)
            return answer

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=PATIENT) as client:
                for place in range(0, len(answer.data), 3):
                    cut, first = place, True
                    assert await call(client) == expected
        if "" not in keys:
            assert set(keys.values()) == {2}


@pytest.mark.anyio
class TestLies:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"HTTP/1.1 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 11\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n",
            b"\x00" * 200_000,
            bytes(range(256)) * 20,
        ],
    )
    async def test_garbage_is_a_typed_error(self, data: bytes) -> None:
        with FaultyServer(lambda heard: Answer(data, close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                with pytest.raises((APIConnectionError, APIResponseValidationError)):
                    await client.connections.get("conn_1")

    @pytest.mark.parametrize("own", [True, False])
    @pytest.mark.parametrize(
        ("status", "error"), [(200, APIResponseValidationError), (404, NotFoundError), (500, InternalServerError)]
    )
    async def test_an_answer_that_does_not_end_is_given_up_and_leaves_no_connection(
        self, monkeypatch: pytest.MonkeyPatch, own: bool, status: int, error: type[SenseiError]
    ) -> None:
        for module in (_parse, transport):
            monkeypatch.setattr(module, "LONGEST_ANSWER", 10_000)
        never = threading.Event()
        endless = Answer(
            f"HTTP/1.1 {status} X\r\nContent-Length: 99999999999\r\n\r\n".encode() + b" " * 20_000, hold=never
        )
        with FaultyServer(lambda heard: reply(CONNECTION) if heard.number else endless) as server:
            http_client = None if own else httpx.AsyncClient()
            client = AsyncClient("sk_test_1", base_url=server.url, max_retries=0, timeout=30, http_client=http_client)
            async with client:
                with pytest.raises(error):
                    await client.connections.get("conn_1")
                assert (await client.connections.get("conn_1")).id == "conn_1"
            if http_client is not None:
                await http_client.aclose()
            assert server.connections == 2

    async def test_more_bytes_than_announced_do_not_leak_into_the_next_answer(self) -> None:
        answers = [
            Answer(reply(CONNECTION).data + b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n""'),
            reply(CONNECTION),
        ]
        with FaultyServer(lambda heard: answers[min(heard.number, 1)]) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=PATIENT) as client:
                for _ in range(3):
                    assert (await client.connections.get("conn_1")).id == "conn_1"


@pytest.mark.anyio
class TestTime:
    async def test_a_server_that_says_nothing_is_given_up(self) -> None:
        never = threading.Event()
        with FaultyServer(lambda heard: Answer(b"", hold=never)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, timeout=0.2, max_retries=1) as client:
                with pytest.raises(APITimeoutError, match="after 2 tries"):
                    await client.connections.get("conn_1")

    async def test_an_answer_that_drips_cannot_outlast_the_attempt(self) -> None:
        with FaultyServer(lambda heard: Answer(reply(CONNECTION).data, drip=0.05)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, timeout=0.4, max_retries=0) as client:
                started = monotonic()
                with pytest.raises(APITimeoutError):
                    await client.connections.get("conn_1")
                # The whole answer would take 16 seconds.
                assert monotonic() - started < 8

    async def test_the_deadline_bounds_attempts_waits_and_the_body_together(self) -> None:
        answers = [refusal(503, "service_unavailable", {"Retry-After": "0"}), Answer(reply(CONNECTION).data, drip=0.05)]
        with FaultyServer(lambda heard: answers[min(heard.number, 1)]) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, timeout=None, deadline=0.6) as client:
                started = monotonic()
                with pytest.raises(APITimeoutError):
                    await client.connections.get("conn_1")
                assert monotonic() - started < 8
            assert len(server.heard) == 2

    async def test_a_post_without_an_answer_by_the_deadline_can_be_asked_about(self) -> None:
        never = threading.Event()
        with FaultyServer(lambda heard: Answer(b"", hold=never)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, deadline=0.3) as client:
                with pytest.raises(OutcomeUnknownError) as caught:
                    await client.connections.test("conn_1")
            assert isinstance(caught.value, TimeoutError)
            assert server.heard[0].headers["x-idempotency-key"] == caught.value.idempotency_key


@pytest.mark.anyio
class TestConnections:
    async def test_one_connection_serves_call_after_call(self) -> None:
        with FaultyServer(lambda heard: reply(CONNECTION)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                for _ in range(5):
                    await client.connections.get("conn_1")
        assert server.connections == 1

    async def test_one_that_the_server_closed_meanwhile_is_replaced(self) -> None:
        with FaultyServer(lambda heard: Answer(reply(CONNECTION).data, close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=PATIENT) as client:
                for _ in range(5):
                    assert (await client.connections.get("conn_1")).id == "conn_1"

    async def test_a_storm_of_429_passes(self) -> None:
        stormy = {0, 1, 3, 4, 7}

        def serve(heard: Heard) -> Answer:
            if heard.number in stormy:
                return refusal(429, "rate_limited", {"Retry-After": "0"})
            return reply(CONNECTION)

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=PATIENT, rate_limiter=None) as client:
                for _ in range(4):
                    assert (await client.connections.get("conn_1")).id == "conn_1"

    async def test_errors_in_a_row_leave_no_connection_behind(self) -> None:
        with FaultyServer(lambda heard: Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                for _ in range(150):  # more than the pool lends
                    with pytest.raises(SenseiError):
                        await client.connections.get("conn_1")
