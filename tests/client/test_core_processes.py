"""One client among threads, forks, event loops and cancelled tasks."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest

from sensei import AsyncClient, Client, RetryPolicy
from sensei.auth import OAuth2ClientCredentials
from sensei.errors import ConfigurationError, OutcomeUnknownError, SenseiError
from tests.client.faulty import Answer, FaultyServer, Heard, refusal, reply
from tests.client.samples import CONNECTION, connection, page, sse


def by_id(heard: Heard) -> Answer:
    return reply(connection(int(heard.path.rsplit("_", 1)[1])))


class TestThreads:
    def test_each_of_many_threads_gets_its_own_answer(self) -> None:
        with FaultyServer(by_id) as server, Client("sk_test_1", base_url=server.url) as client:
            with ThreadPoolExecutor(20) as pool:
                found = list(pool.map(lambda n: client.connections.get(f"conn_{n}").id, range(300)))
            assert found == [f"conn_{n}" for n in range(300)]
            assert server.connections <= 20

    def test_more_threads_than_connections_wait_their_turn(self) -> None:
        with FaultyServer(by_id) as server, Client("sk_test_1", base_url=server.url) as client:
            client._transport.pools.of(client._transport.server)._size = 2
            with ThreadPoolExecutor(10) as pool:
                found = list(pool.map(lambda n: client.connections.get(f"conn_{n}").id, range(50)))
            assert found == [f"conn_{n}" for n in range(50)]
            assert server.connections <= 2

    def test_pacing_is_shared_so_that_few_are_refused(self) -> None:
        # A server that allows 40 calls in each window of a second, by its own clock.
        allowed, window, used = 40, 0, 0
        lock = threading.Lock()

        def serve(heard: Heard) -> Answer:
            nonlocal window, used
            with lock:
                now = time.time()
                if int(now) != window:
                    window, used = int(now), 0
                used += 1
                left = allowed - used
                headers = {
                    "X-RateLimit-Limit": str(allowed),
                    "X-RateLimit-Remaining": str(max(left, 0)),
                    "X-RateLimit-Reset": str(window + 1),
                }
                if left < 0:
                    refusals.append(now)
                    return refusal(429, "rate_limited", headers | {"Retry-After": "1"})
            return reply(CONNECTION, 200, headers)

        refusals: list[float] = []
        with FaultyServer(serve) as server, Client("sk_test_1", base_url=server.url) as client:
            with ThreadPoolExecutor(60) as pool:
                done = list(pool.map(lambda _: client.connections.get("conn_1").id, range(120)))
            assert len(done) == 120
            # Unpaced it is more than a third. On a busy machine an answer, and what it tells, may come a window late.
            assert len(refusals) <= 0.15 * len(server.heard)


class Slow:
    """A server of which each answer waits to be let go; it tells which connections its client has closed."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.go = threading.Event()
        self.server = FaultyServer(self.answer)

    def answer(self, heard: Heard) -> Answer:
        self.arrived.set()
        if heard.path.endswith("/events"):
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
            return Answer(head + sse(1), hold=self.go)
        self.go.wait(20)
        return by_id(heard)


class TestClosing:
    def test_calls_under_way_end_well_and_leave_no_connection(self) -> None:
        slow = Slow()
        with slow.server as server:
            client = Client("sk_test_1", base_url=server.url)
            network = client._transport.pools.of(client._transport.server)._network
            with ThreadPoolExecutor(1) as pool:
                call = pool.submit(client.connections.get, "conn_1")
                slow.arrived.wait(20)
                client.close()
                slow.go.set()
                assert call.result().id == "conn_1"
            assert all(stream.get_extra_info("socket").fileno() < 0 for stream in network._streams)  # type: ignore[attr-defined]
            with pytest.raises(ConfigurationError, match="closed"):
                client.connections.get("conn_1")

    @pytest.mark.anyio
    async def test_so_do_those_of_the_async_client(self) -> None:
        slow = Slow()
        with slow.server as server:
            client = AsyncClient("sk_test_1", base_url=server.url)
            found: list[str] = []

            async def one() -> None:
                found.append((await client.connections.get("conn_1")).id)

            async with anyio.create_task_group() as group:
                group.start_soon(one)
                await anyio.to_thread.run_sync(slow.arrived.wait, 20)
                pool = client._transport.pools.of(client._transport.server)
                await client.aclose()
                slow.go.set()
            assert found == ["conn_1"]
            assert not pool._idle
            assert pool._lent == 0

    def test_a_stream_closed_by_another_thread_ends_at_once(self) -> None:
        slow = Slow()
        with slow.server as server, Client("sk_test_1", base_url=server.url) as client:
            stream = client.migrations.stream_events("mig_1")
            assert next(stream).id == "1"
            with ThreadPoolExecutor(1) as pool:
                rest = pool.submit(list, stream)
                while not rest.running():
                    time.sleep(0.01)
                stream.close()
                assert rest.result(20) == []
            slow.go.set()
        assert len(server.heard) == 1

    @pytest.mark.anyio
    async def test_one_closed_by_another_task_does_too(self) -> None:
        slow = Slow()
        with slow.server as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                stream = client.migrations.stream_events("mig_1")
                assert (await anext(stream)).id == "1"
                rest: list[object] = []

                async def read() -> None:
                    rest.extend([event async for event in stream])
                    rest.append("over")

                with anyio.fail_after(20):
                    async with anyio.create_task_group() as group:
                        group.start_soon(read)
                        await anyio.wait_all_tasks_blocked()
                        await stream.aclose()
                assert rest == ["over"]
            slow.go.set()
        assert len(server.heard) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
class TestForks:
    def test_a_child_opens_its_own_connection_and_the_parent_keeps_its_own(self) -> None:
        with FaultyServer(by_id) as server, Client("sk_test_1", base_url=server.url, timeout=10) as client:
            client.connections.get("conn_1")
            limiter = client._transport.limiter
            assert limiter is not None
            pool = client._transport.pools.of(client._transport.server)
            # Another thread holds the locks at the moment of the fork.
            with limiter._lock, pool._lock:
                child = os.fork()
                if child == 0:
                    code = 1
                    with suppress(BaseException):
                        code = 0 if client.connections.get("conn_2").id == "conn_2" else 2
                    os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            client.connections.get("conn_3")
        assert [(heard.path[-1], heard.connection) for heard in server.heard] == [("1", 1), ("2", 2), ("3", 1)]


class TestLoops:
    def test_a_client_made_outside_a_loop_works_in_one_after_another(self) -> None:
        client = AsyncClient("sk_test_1", base_url="http://127.0.0.1:1")

        async def use() -> str:
            return (await client.connections.get("conn_1")).id

        with FaultyServer(by_id) as server:
            client = AsyncClient("sk_test_1", base_url=server.url)
            assert [asyncio.run(use()) for _ in range(3)] == ["conn_1"] * 3
            asyncio.run(client.aclose())
        assert server.connections == 3

    def test_loops_in_threads_side_by_side_share_a_client(self) -> None:
        with FaultyServer(by_id) as server:
            client = AsyncClient("sk_test_1", base_url=server.url)

            async def use(number: int) -> list[str]:
                many = [client.connections.get(f"conn_{number}") for _ in range(10)]
                return [found.id for found in await asyncio.gather(*many)]

            with ThreadPoolExecutor(4) as pool:
                found = list(pool.map(lambda n: asyncio.run(use(n)), range(4)))
            assert found == [[f"conn_{n}"] * 10 for n in range(4)]
            asyncio.run(client.aclose())

    @pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run there")
    def test_the_loop_of_uvloop_works_as_well(self) -> None:
        import uvloop

        async def use() -> list[str]:
            many = [client.connections.get(f"conn_{n}") for n in range(20)]
            return [found.id for found in await asyncio.gather(*many)]

        with FaultyServer(by_id) as server:
            client = AsyncClient("sk_test_1", base_url=server.url)
            for _ in range(2):
                assert uvloop.run(use()) == [f"conn_{n}" for n in range(20)]
            uvloop.run(client.aclose())

    @pytest.mark.parametrize("with_trio", [True, False])
    def test_outside_of_any_loop_it_says_so(self, monkeypatch: pytest.MonkeyPatch, with_trio: bool) -> None:
        if not with_trio:
            monkeypatch.delitem(sys.modules, "trio", raising=False)
        client = AsyncClient("sk_test_1", base_url="http://127.0.0.1:1")
        with pytest.raises(RuntimeError, match="must be called from async context" if with_trio else "needs a running"):
            client.connections.get("conn_1").send(None)


@pytest.mark.anyio
class TestCancellation:
    async def test_a_cancelled_post_frees_its_connection_and_what_follows_works(self) -> None:
        never = threading.Event()
        arrived = threading.Event()

        def serve(heard: Heard) -> Answer:
            if heard.method == "POST":
                arrived.set()
                return Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", hold=never)
            return by_id(heard)

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                pool = client._transport.pools.of(client._transport.server)
                async with anyio.create_task_group() as group:
                    group.start_soon(client.connections.test, "conn_1")
                    await anyio.to_thread.run_sync(arrived.wait)
                    group.cancel_scope.cancel()
                assert pool._lent == 0
                assert (await client.connections.get("conn_2")).id == "conn_2"
                never.set()
        assert [heard.method for heard in server.heard] == ["POST", "GET"]

    async def test_one_that_waits_for_a_connection_leaves_the_line(self) -> None:
        never = threading.Event()
        with FaultyServer(lambda heard: Answer(b"", hold=never)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                pool = client._transport.pools.of(client._transport.server)
                pool._size = 1
                async with anyio.create_task_group() as group:
                    for _ in range(3):
                        group.start_soon(client.connections.get, "conn_1")
                    while len(pool._waiting) < 2 or not server.heard:
                        await anyio.lowlevel.checkpoint()
                    group.cancel_scope.cancel()
                assert (pool._lent, len(pool._waiting)) == (0, 0)
                never.set()

    async def test_all_connections_in_use_for_too_long_is_a_timeout(self) -> None:
        never = threading.Event()
        with FaultyServer(lambda heard: Answer(b"", hold=never)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, timeout=0.3, max_retries=0) as client:
                client._transport.pools.of(client._transport.server)._size = 1
                failures: list[str] = []

                async def one() -> None:
                    with pytest.raises(TimeoutError) as caught:
                        await client.connections.get("conn_1")
                    failures.append(str(caught.value))

                async with anyio.create_task_group() as group:
                    group.start_soon(one)
                    group.start_soon(one)
                never.set()
        assert len(failures) == 2


def every_kind(heard: Heard) -> Answer:
    """A server for calls of every kind; every second POST is refused for a moment."""
    if heard.path == "/oauth/token":
        return reply({"access_token": "token_1", "token_type": "Bearer", "expires_in": 3600})
    if heard.path.endswith("/events"):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 1\n\n"
        return Answer(head + sse(1) + sse(2, "end"), close=True)
    if heard.method == "GET" and heard.path.endswith("/connections"):
        offset = int(heard.target.partition("offset=")[2] or 0)
        return reply(page([offset + 1], 3, offset, 1))
    if heard.method == "DELETE":
        return reply(None, 204)
    if heard.method == "POST" and heard.number % 2:
        return refusal(503, "service_unavailable", {"Retry-After": "0"})
    return reply(CONNECTION)


async def get(client: AsyncClient) -> object:
    return (await client.connections.get("conn_1")).id


async def post(client: AsyncClient) -> object:
    return (await client.connections.create(name="S", type="sqlite", role="source", config={"path": "/s.db"})).id


async def delete(client: AsyncClient) -> object:
    return await client.connections.delete("conn_1")


async def listing(client: AsyncClient) -> object:
    return [item.id async for item in client.connections.list(limit=1)]


async def prefetched(client: AsyncClient) -> object:
    return [item.id async for item in client.connections.list(limit=1, prefetch=1)]


async def stream(client: AsyncClient) -> object:
    return [event.id async for event in client.migrations.stream_events("mig_1")]


async def wait(client: AsyncClient) -> object:
    return (await client.connections.wait("conn_1", timeout=10)).id


async def signed_in(client: AsyncClient) -> object:
    client._transport.authorizer._held = None  # type: ignore[attr-defined]
    return (await client.connections.get("conn_1")).id


@pytest.mark.anyio
class TestCancelledAtEveryStep:
    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (get, "conn_1"),
            (post, "conn_1"),
            (delete, None),
            (listing, ["conn_1", "conn_2", "conn_3"]),
            (prefetched, ["conn_1", "conn_2", "conn_3"]),
            (stream, ["1", "2"]),
            (wait, "conn_1"),
            (signed_in, "conn_1"),
        ],
    )
    async def test_nothing_is_lent_or_open_or_held_up_afterwards(
        self, kind: Callable[[AsyncClient], Awaitable[object]], expected: object
    ) -> None:
        with FaultyServer(every_kind) as server:
            credentials = OAuth2ClientCredentials("id_1", "secret_1") if kind is signed_in else None
            async with AsyncClient(
                None if credentials else "sk_test_1",
                credentials=credentials,
                base_url=server.url,
                retry=RetryPolicy(initial_delay=0),
            ) as client:
                pool = client._transport.pools.of(client._transport.server)
                for steps in range(60):
                    async with anyio.create_task_group() as group:
                        group.start_soon(kind, client)
                        for _ in range(steps):
                            await anyio.lowlevel.checkpoint()
                        group.cancel_scope.cancel()
                    assert (pool._lent, len(pool._waiting)) == (0, 0), steps
                with anyio.fail_after(20):
                    assert await kind(client) == expected
                sockets = [stream.get_extra_info("socket") for stream in pool._network._streams]
                assert sum(sock is not None and sock.fileno() >= 0 for sock in sockets) <= len(pool._idle)  # type: ignore[attr-defined]
            gc.collect()  # what was left open or half done would be warned of now


@pytest.mark.anyio
class TestManyFaults:
    async def test_each_post_happens_once_or_its_outcome_can_be_asked_for(self) -> None:
        """A server that keeps keys as the contract says, and fails three calls in ten in every way."""
        effects: dict[str, int] = {}
        lock = threading.Lock()
        ways = [
            "before",
            "after",
            "503",
            "429",
            "half",
            "ok",
            "ok",
            "ok",
            "ok",
            "ok",
            "ok",
            "ok",
            "ok",
            "ok",
            "ok",
            "ok",
        ]

        def serve(heard: Heard) -> Answer | None:
            key = heard.headers["x-idempotency-key"]
            way = ways[heard.number * 7 % len(ways)] if troubled else "ok"
            if way == "before":
                return None
            if way in {"503", "429"}:
                return refusal(int(way), "x", {"Retry-After": "0"})
            with lock:
                effects.setdefault(key, 0)
                if effects[key] == 0:
                    effects[key] += 1
            answer = reply({"status": "success"})
            if way == "after":
                return None
            return Answer(answer.data[:-5], close=True) if way == "half" else answer

        troubled = True
        policy = RetryPolicy(max_retries=1, initial_delay=0)
        wanted = 300
        done, open_questions = 0, []
        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=policy, rate_limiter=None) as client:

                async def one() -> None:
                    nonlocal done
                    try:
                        await client.connections.test("conn_1")
                        done += 1
                    except OutcomeUnknownError as error:
                        open_questions.append(error.idempotency_key)
                    except SenseiError:
                        refused.append(1)

                refused: list[int] = []
                for _ in range(wanted // 10):
                    async with anyio.create_task_group() as group:
                        for _ in range(10):
                            group.start_soon(one)
                troubled = False
                for key in open_questions:
                    await client.connections.test("conn_1", idempotency_key=key)
                    done += 1
        assert done + len(refused) == wanted
        assert open_questions
        assert len(effects) == done
        assert set(effects.values()) == {1}
