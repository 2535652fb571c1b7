"""Clients that outlive what is below them: loops that end, processes that fork, proxies, clients of the user's."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from contextlib import suppress
from typing import Any

import aiohttp
import anyio
import httpx
import pytest
import trio

from sensei import AsyncClient, Client
from sensei.errors import APIConnectionError, ConfigurationError, InvalidArgumentError
from tests.client.faulty import Answer, FaultyServer, Heard, reply
from tests.client.samples import connection, page
from tests.client.wire import operations


def by_id(heard: Heard) -> Answer:
    return reply(connection(int(heard.target.rsplit("_", 1)[1])))


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> FaultyServer:
    server = FaultyServer(by_id)
    monkeypatch.setenv("NO_PROXY", "")
    return server


BEHIND = {"base_url": "http://sensei.invalid", "allow_insecure": True, "max_retries": 0}


class TestProxies:
    def test_each_loop_has_connections_of_its_own(self, proxy: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
        with proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            client = AsyncClient("sk_test_1", **BEHIND)  # type: ignore[arg-type]

            async def use(number: int) -> str:
                return (await client.connections.get(f"conn_{number}")).id

            assert [asyncio.run(use(number)) for number in range(3)] == ["conn_0", "conn_1", "conn_2"]
            assert trio.run(use, 3) == "conn_3"
            asyncio.run(client.aclose())
        assert proxy.connections == 4

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_a_child_opens_its_own(self, proxy: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
        with proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            with Client("sk_test_1", **BEHIND) as client:  # type: ignore[arg-type]
                client.connections.get("conn_1")
                child = os.fork()
                if child == 0:
                    code = 1
                    with suppress(BaseException):
                        code = 0 if client.connections.get("conn_2").id == "conn_2" else 2
                    os._exit(code)
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                client.connections.get("conn_3")
        assert [(heard.target[-1], heard.connection) for heard in proxy.heard] == [("1", 1), ("2", 2), ("3", 1)]

    def test_after_its_end_a_client_says_so(self, proxy: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
        with proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            with Client("sk_test_1", **BEHIND) as client:  # type: ignore[arg-type]
                client.connections.get("conn_1")
            with pytest.raises(ConfigurationError, match="this client is closed"):
                client.connections.get("conn_1")


class TestClientsOfTheUsers:
    def test_sync(self) -> None:
        with FaultyServer(by_id) as server, httpx.Client() as own:
            with Client("sk_test_1", base_url=server.url, http_client=own) as client:
                client.connections.get("conn_1")
            with pytest.raises(ConfigurationError, match="this client is closed"):
                client.connections.get("conn_1")
            client = Client("sk_test_1", base_url=server.url, http_client=own)
            own.close()
            with pytest.raises(ConfigurationError, match="http_client"):
                client.connections.get("conn_1")

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    @pytest.mark.parametrize("make", [httpx.AsyncClient, aiohttp.ClientSession])
    @pytest.mark.anyio
    async def test_async(self, make: type[httpx.AsyncClient]) -> None:
        with FaultyServer(by_id) as server:
            async with make() as own:
                async with AsyncClient("sk_test_1", base_url=server.url, http_client=own) as client:
                    await client.connections.get("conn_1")
                with pytest.raises(ConfigurationError, match="this client is closed"):
                    await client.connections.get("conn_1")
                client = AsyncClient("sk_test_1", base_url=server.url, http_client=own)
            with pytest.raises(ConfigurationError, match="http_client"):
                await client.connections.get("conn_1")


class TestLoops:
    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_the_connections_of_a_loop_that_ended_are_let_go(self, backend: str) -> None:
        with FaultyServer(by_id) as server:
            client = AsyncClient("sk_test_1", base_url=server.url)

            async def use(number: int) -> str:
                return (await client.connections.get(f"conn_{number}")).id

            for number in range(4):
                assert anyio.run(use, number, backend=backend) == f"conn_{number}"
                assert len(client._transport.pools._pools) == 1
            anyio.run(client.aclose, backend=backend)

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    @pytest.mark.anyio
    async def test_a_socket_closed_while_something_waits_to_be_sent_wakes_the_sender(self) -> None:
        from sensei._asyncio_network import LoopSocket

        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        connection = LoopSocket(ours, asyncio.get_running_loop())
        sending = asyncio.ensure_future(connection.send(bytes(50_000_000)))
        await anyio.wait_all_tasks_blocked()
        threading.Thread(target=connection.close).start()
        with pytest.raises(OSError, match="descriptor"):
            async with asyncio.timeout(20):
                await sending
        theirs.close()


@pytest.mark.skipif(sys.platform == "win32", reason="connections are made in another way there")
class TestConnecting:
    def test_addresses_of_both_families_are_tried_by_turns(self) -> None:
        from sensei._asyncio_network import _interleaved

        def address(family: socket.AddressFamily, name: str) -> Any:
            return (family, socket.SOCK_STREAM, 6, "", (name, 1))

        six = [address(socket.AF_INET6, name) for name in ("a", "b", "c")]
        four = [address(socket.AF_INET, name) for name in ("x", "y")]
        assert _interleaved([*six, *four]) == [six[0], four[0], six[1], four[1], six[2]]

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    @pytest.mark.parametrize("dead", ["refused", "silent"])
    @pytest.mark.anyio
    async def test_one_that_answers_is_found_among_those_that_do_not(
        self, dead: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from sensei import _asyncio_network

        real = _asyncio_network._connect
        cancelled: list[object] = []

        async def connect(loop: asyncio.AbstractEventLoop, address: Any) -> socket.socket:
            if address[4][1] != 1:
                return await real(loop, address)
            if dead == "refused":
                raise ConnectionRefusedError("nobody there")
            try:
                return await loop.create_future()
            finally:
                cancelled.append(address)

        monkeypatch.setattr(_asyncio_network, "_connect", connect)
        monkeypatch.setattr(_asyncio_network, "HEAD_START", 0.01)
        loop = asyncio.get_running_loop()
        with FaultyServer(by_id) as server:
            port = int(server.url.rpartition(":")[2])
            nowhere = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))

            async def look_up(*arguments: object, **more: object) -> list[Any]:
                return [nowhere, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)), nowhere]

            monkeypatch.setattr(loop, "getaddrinfo", look_up)
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                assert (await client.connections.get("conn_1")).id == "conn_1"
        await asyncio.sleep(0)
        assert len(cancelled) == (1 if dead == "silent" else 0)

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    @pytest.mark.anyio
    async def test_when_none_answers_it_is_said(self) -> None:
        client = AsyncClient("sk_test_1", base_url="http://localhost:1", max_retries=0)
        async with client:
            with pytest.raises(APIConnectionError, match="could not be made"):
                await client.connections.get("conn_1")


class TestFunctionsOfTheOtherKind:
    def test_a_sync_wait_refuses_a_progress_function_that_it_cannot_await(self) -> None:
        async def on_progress(one: object) -> None: ...

        refused = pytest.raises(
            InvalidArgumentError, match=r"on_progress is asynchronous.*use AsyncClient, or a plain one"
        )
        with FaultyServer(by_id) as server, Client("sk_test_1", base_url=server.url) as client, refused:
            client.connections.wait("conn_1", on_progress=on_progress)

    def test_a_sync_rotation_refuses_one_before_a_key_is_made(self) -> None:
        """The new key would be handed to nobody, and the old one deleted."""

        async def on_created(key: object) -> None: ...

        refused = pytest.raises(InvalidArgumentError, match="on_created is asynchronous")
        with FaultyServer(by_id) as server, Client("sk_test_1", base_url=server.url) as client:
            with refused:
                client.api_keys.rotate("key_1", on_created=on_created)
            assert server.heard == []


class TestManyThreads:
    def test_of_many_who_need_the_keys_of_certificates_one_fetches(self) -> None:
        """The others wait for what it gets."""
        together = threading.Barrier(8)
        go = threading.Event()

        def answer(heard: Heard) -> Answer:
            if heard.path.endswith("/keys"):
                go.wait(10)
                return reply({"keys": []})
            return reply(operations()["certificates.get"].answers()["signed"][1])

        with FaultyServer(answer) as server, Client("sk_test_1", base_url=server.url) as client:
            certificate = client.certificates.get("cert_1")
            acquire = client.certificates._asking.acquire
            waiting: list[int] = []

            def noted(deadline: float | None) -> bool:
                waiting.append(1)
                if len(waiting) == 8:
                    go.set()
                return acquire(deadline)

            client.certificates._asking.acquire = noted  # type: ignore[method-assign]

            def check() -> None:
                together.wait()
                certificate.check()

            threads = [threading.Thread(target=check) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [heard.path for heard in server.heard if heard.path.endswith("/keys")] == ["/v1/certificates/keys"]


class TestAtTheEnd:
    def test_a_page_is_fetched_ahead_without_a_thread_where_there_are_no_more(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def serve(heard: Heard) -> Answer:
            offset = int(heard.target.partition("offset=")[2] or 0)
            return reply(page([offset + 1], 3, offset, 1))

        with FaultyServer(serve) as server, Client("sk_test_1", base_url=server.url) as client:
            first = client.connections.list(prefetch=1)

            class NoMore(threading.Thread):
                def start(self) -> None:
                    raise RuntimeError("can't start new thread at interpreter shutdown")

            with monkeypatch.context() as patch:
                patch.setattr("sensei._concurrency.threading.Thread", NoMore)
                # The server needs no thread for a connection that is open already.
                assert [item.id for item in first] == ["conn_1", "conn_2", "conn_3"]
