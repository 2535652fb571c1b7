"""Streams: every event once and in order, over any number of cuts."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from sensei._async.client import AsyncClient
from sensei._async.streaming import AsyncEventStream
from sensei._retry import RetryPolicy
from sensei.errors import (
    APIConnectionError,
    APIResponseValidationError,
    InvalidArgumentError,
    NotFoundError,
    ServerError,
    StreamInterruptedError,
)
from tests.client.faulty import Answer, FaultyServer, Heard, refusal, reply
from tests.client.samples import CONNECTION, sse

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 1\n\n"
AT_ONCE = RetryPolicy(max_retries=3, initial_delay=0)


def history(total: int) -> list[bytes]:
    return [sse(number) for number in range(1, total)] + [sse(total, "end")]


def after(heard: Heard, events: list[bytes]) -> list[bytes]:
    """What a server that knows its ids sends."""
    return events[int(heard.headers.get("last-event-id", "0")) :]


async def numbers(stream: AsyncEventStream) -> list[int]:
    return [int(event.id or 0) async for event in stream]


@pytest.mark.anyio
class TestResuming:
    async def test_it_ends_with_the_end_and_the_connection_is_free(self) -> None:
        events = history(5)
        with FaultyServer(lambda heard: Answer(HEAD + b"".join(events), hold=threading.Event())) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                stream = client.migrations.stream_events("mig_1")
                got = [event async for event in stream]
                assert [event.type for event in got] == ["progress"] * 4 + ["end"]
                assert (got[0].id, got[0].phase, got[0].percent) == ("1", "data_transfer", 50)
                assert stream.last_event_id == "5"
        assert server.heard[0].headers["accept"] == "text/event-stream"
        assert "last-event-id" not in server.heard[0].headers

    async def test_a_stream_cut_at_every_byte_loses_and_repeats_nothing(self) -> None:
        events = history(3)
        whole = HEAD + b"".join(events)
        cut = 0

        def serve(heard: Heard) -> Answer:
            if "x-second" in heard.headers or "last-event-id" in heard.headers or seen:
                return Answer(HEAD + b"".join(after(heard, events)), close=True)
            seen.append(True)
            return Answer(whole[:cut], close=True)

        seen: list[bool] = []
        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=AT_ONCE) as client:
                for place in range(len(whole)):
                    cut = place
                    seen.clear()
                    stream = client.migrations.stream_events("mig_1")
                    stream._place.hint = 0
                    assert await numbers(stream) == [1, 2, 3], place

    async def test_one_cut_again_and_again_goes_on(self) -> None:
        events = history(200)

        def serve(heard: Heard) -> Answer:
            return Answer(HEAD + b"".join(after(heard, events)[:7]) + b"id: 99999\nevent: progr", close=True)

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=AT_ONCE) as client:
                assert await numbers(client.migrations.stream_events("mig_1")) == list(range(1, 201))
        assert len(server.heard) == 29

    async def test_a_server_that_forgot_the_last_id_repeats_nothing(self) -> None:
        events = history(4)
        answers = [HEAD + b"".join(events[:2]), HEAD + b"".join(events)]
        with FaultyServer(lambda heard: Answer(answers[heard.number], close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=AT_ONCE) as client:
                assert await numbers(client.migrations.stream_events("mig_1")) == [1, 2, 3, 4]

    async def test_an_id_given_by_the_user_is_where_it_begins(self) -> None:
        events = history(5)
        with FaultyServer(lambda heard: Answer(HEAD + b"".join(after(heard, events)), close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                assert await numbers(client.migrations.stream_events("mig_1", last_event_id="3")) == [4, 5]
                with pytest.raises(InvalidArgumentError):
                    client.migrations.stream_events("mig_1", last_event_id="3\n4")
                with pytest.raises(ValueError, match="id"):
                    client.migrations.stream_events("")

    async def test_silence_is_a_cut(self) -> None:
        events = history(2)

        def serve(heard: Heard) -> Answer:
            if heard.number == 0:
                return Answer(HEAD + events[0] + b": keep-alive\n\n", hold=threading.Event())
            return Answer(HEAD + b"".join(after(heard, events)), close=True)

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=AT_ONCE) as client:
                assert await numbers(client.migrations.stream_events("mig_1", timeout=0.2)) == [1, 2]

    async def test_one_that_cannot_be_resumed_tells_where_it_stopped(self) -> None:
        answers = [Answer(HEAD + b"".join(history(9)[:4]), close=True)]
        with FaultyServer(lambda heard: answers[0] if heard.number == 0 else None) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=AT_ONCE) as client:
                stream = client.migrations.stream_events("mig_1")
                got = [(await anext(stream)).id for _ in range(4)]
                with pytest.raises(StreamInterruptedError) as caught:
                    await anext(stream)
        assert got == ["1", "2", "3", "4"]
        assert caught.value.last_event_id == "4"
        assert "last_event_id='4'" in str(caught.value)
        assert len(server.heard) == 4

    @pytest.mark.parametrize("how", ["refused", "cut"])
    async def test_an_outage_of_the_server_does_not_end_it(self, how: str) -> None:
        def serve(heard: Heard) -> Answer | None:
            if heard.number == 0:
                return Answer(HEAD + sse(1), close=True)
            if heard.number <= 7:  # more than any other call would try
                return refusal(503, "service_unavailable") if how == "refused" else None
            return Answer(HEAD + sse(2, "end"), close=True)

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                assert await numbers(client.migrations.stream_events("mig_1")) == [1, 2]

    @pytest.mark.parametrize(
        ("options", "requests"),
        [
            ({"max_retries": 2}, 3),
            ({"retry": RetryPolicy(max_retries=0)}, 1),
            ({"retry": RetryPolicy(max_retries=2, max_outage=0.001)}, 3),
        ],
    )
    async def test_what_the_user_says_of_retries_bounds_an_outage(
        self, options: dict[str, object], requests: int
    ) -> None:
        with FaultyServer(lambda heard: None if heard.number else Answer(HEAD + sse(1), close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, **options) as client:  # type: ignore[arg-type]
                stream = client.migrations.stream_events("mig_1")
                assert (await anext(stream)).id == "1"
                with pytest.raises(StreamInterruptedError):
                    await anext(stream)
        assert len(server.heard) == requests

    async def test_an_outage_is_borne_for_as_long_as_it_is_allowed(self) -> None:
        policy = RetryPolicy(max_retries=1, max_outage=0.2)
        with FaultyServer(lambda heard: None if heard.number else Answer(HEAD + sse(1), close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=policy) as client:
                stream = client.migrations.stream_events("mig_1")
                await anext(stream)
                with pytest.raises(StreamInterruptedError):
                    await anext(stream)
        assert len(server.heard) > 3

    async def test_a_server_that_answers_and_brings_nothing_is_no_outage(self) -> None:
        with FaultyServer(lambda heard: Answer(HEAD + (b"" if heard.number else sse(1)), close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                stream = client.migrations.stream_events("mig_1")
                await anext(stream)
                with pytest.raises(StreamInterruptedError):
                    await anext(stream)
        assert len(server.heard) == 5

    @pytest.mark.parametrize("asks", ["Retry-After", "retry"])
    async def test_one_that_is_to_wait_too_long_is_given_up_at_once(self, asks: str) -> None:
        def serve(heard: Heard) -> Answer:
            if asks == "retry":
                return Answer(HEAD + b"retry: 61000\n\n" + sse(1), close=True)
            if heard.number:
                return refusal(503, "service_unavailable", {"Retry-After": "61"})
            return Answer(HEAD + sse(1), close=True)

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                stream = client.migrations.stream_events("mig_1")
                assert (await anext(stream)).id == "1"
                with pytest.raises(StreamInterruptedError) as caught:
                    await anext(stream)
        assert caught.value.last_event_id == "1"
        assert len(server.heard) == (1 if asks == "retry" else 2)

    async def test_a_hint_that_is_no_time_does_no_harm(self) -> None:
        whole = HEAD + b"retry: " + b"9" * 400 + b"\n\n" + b"retry: 1\n\n" + sse(1, "end")
        with FaultyServer(lambda heard: Answer(whole, close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                assert await numbers(client.migrations.stream_events("mig_1")) == [1]

    @pytest.mark.parametrize(
        ("answer", "expected", "requests"),
        [
            (refusal(404, "migration_not_found"), NotFoundError, 1),
            (refusal(503, "service_unavailable", {"Retry-After": "0"}), ServerError, 4),
            (None, APIConnectionError, 4),
            (reply({"data": []}), APIResponseValidationError, 1),
        ],
    )
    async def test_one_that_never_began_gives_the_plain_error(
        self, answer: Answer | None, expected: type[Exception], requests: int
    ) -> None:
        with FaultyServer(lambda heard: answer) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=AT_ONCE, rate_limiter=None) as client:
                stream = client.migrations.stream_events("mig_1")
                stream._place.hint = 0
                with pytest.raises(expected):
                    await anext(stream)
        assert len(server.heard) == requests

    async def test_an_event_that_breaks_the_contract_is_a_typed_error(self) -> None:
        broken = b'id: 1\nevent: progress\ndata: {"phase": "cutover", "percent": "much"}\n\n'
        with FaultyServer(lambda heard: Answer(HEAD + broken, close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                stream = client.migrations.stream_events("mig_1")
                with pytest.raises(APIResponseValidationError, match="percent"):
                    await anext(stream)
                await stream.aclose()

    async def test_events_that_are_not_known_are_handed_out(self) -> None:
        strange = sse(1, "confetti", colour="red") + b"id: 2\nevent: blob\ndata: not json\n\n" + sse(3, "end")
        with FaultyServer(lambda heard: Answer(HEAD + strange, close=True)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                got: list[Any] = [event async for event in client.migrations.stream_events("mig_1")]
        assert [event.type for event in got] == ["confetti", "blob", "end"]
        assert got[0].colour == "red"


@pytest.mark.anyio
class TestLeaving:
    async def test_leaving_the_block_closes_the_connection_at_once(self) -> None:
        closed = threading.Event()
        never = threading.Event()

        class Watching(FaultyServer):
            def _serve(self, connection: Any, number: int) -> None:
                super()._serve(connection, number)
                closed.set()

        with Watching(lambda heard: Answer(HEAD + sse(1), hold=never)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                async with client.migrations.stream_events("mig_1") as stream:
                    assert (await anext(stream)).id == "1"
                    socket = server._open[0]
                    socket.settimeout(10)
                # The client has hung up: nothing more comes from it but the end.
                assert socket.recv(1) == b""
                assert [event async for event in stream] == []
                never.set()

    # async only: begin
    async def test_giving_up_on_one_event_frees_the_connection_and_loses_none(self) -> None:
        events = history(4)
        never = threading.Event()

        def serve(heard: Heard) -> Answer:
            if heard.number == 0:
                return Answer(HEAD + b"".join(events[:2]), hold=never)
            return Answer(HEAD + b"".join(after(heard, events)), close=True)

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                async with client.migrations.stream_events("mig_1") as stream:
                    got = [(await anext(stream)).id for _ in range(2)]
                    with anyio.move_on_after(0.1) as scope:
                        await anext(stream)
                    assert scope.cancelled_caught
                    assert stream._body is None
                    got += [event.id async for event in stream]
                never.set()
        assert got == ["1", "2", "3", "4"]
        assert server.heard[1].headers["last-event-id"] == "2"

    # async only: end

    async def test_streams_do_not_use_up_the_connections_of_calls(self) -> None:
        never = threading.Event()

        def serve(heard: Heard) -> Answer:
            if heard.path.endswith("/events"):
                return Answer(HEAD + sse(1), hold=never)
            return reply(CONNECTION)

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, timeout=10) as client:
                client._transport.pools.of(client._transport.server)._size = 1
                streams = [client.migrations.stream_events("mig_1") for _ in range(3)]
                for stream in streams:
                    await anext(stream)
                assert (await client.connections.get("conn_1")).id == "conn_1"
                for stream in streams:
                    await stream.aclose()
                never.set()
