"""What a call may take at most, and what it shows at most, whatever is asked for and whatever is answered."""

from __future__ import annotations

import gzip
import logging
import threading
import traceback
from collections.abc import Callable
from time import monotonic

import anyio
import httpcore
import httpx
import pytest

from sensei._async import transport
from sensei._async.client import AsyncClient
from sensei._hooks import Hooks
from sensei._network import AsyncStream
from sensei._parse import decompress
from sensei._retry import RetryPolicy
from sensei.auth import OAuth2ClientCredentials, OAuth2Token, ServiceAccount
from sensei.errors import (
    APIResponseValidationError,
    APITimeoutError,
    ConfigurationError,
    OutcomeUnknownError,
    SenseiError,
    ServiceUnavailableError,
)
from tests.client.faulty import Answer, FaultyServer, Heard, refusal, reply
from tests.client.samples import CONNECTION

INFINITE = float("inf")


@pytest.mark.anyio
class TestTime:
    @pytest.mark.parametrize(
        "options",
        [
            {"timeout": INFINITE},
            {"timeout": 1e300, "deadline": 1e300},
            {"timeout": None, "deadline": INFINITE},
            {"timeout": httpx.Timeout(INFINITE)},
        ],
    )
    async def test_a_time_that_no_clock_can_count_is_no_limit(self, options: dict[str, object]) -> None:
        with FaultyServer(lambda heard: reply(CONNECTION)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, **options) as client:  # type: ignore[arg-type]
                client._transport.pools.of(client._transport.server)._size = 1
                found: list[str] = []

                async def one() -> None:
                    found.append((await client.connections.get("conn_1")).id)

                async with anyio.create_task_group() as group:  # sync: for _ in range(3):
                    for _ in range(3):  # sync: drop
                        group.start_soon(one)  # sync: one()
                assert found == ["conn_1"] * 3

    async def test_the_time_of_an_attempt_bounds_a_body_that_drips_through_a_client_of_the_users(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
        with FaultyServer(lambda heard: Answer(head + b" " * 1000, drip=0.02)) as server:
            async with httpx.AsyncClient() as own:
                client = AsyncClient("sk_test_1", base_url=server.url, timeout=0.5, max_retries=0, http_client=own)
                with pytest.raises(APITimeoutError):
                    await client.connections.get("conn_1")

    # async only: begin
    async def test_so_it_does_a_head_that_drips(self) -> None:
        with FaultyServer(lambda heard: Answer(b"HTTP/1.1 200 OK\r\nX-A: " + b"y" * 1000, drip=0.02)) as server:
            async with httpx.AsyncClient() as own:
                client = AsyncClient("sk_test_1", base_url=server.url, timeout=0.5, max_retries=0, http_client=own)
                with pytest.raises(APITimeoutError):
                    await client.connections.get("conn_1")

    # async only: end
    async def test_the_deadline_bounds_what_goes_through_a_client_of_the_users(self) -> None:
        never = threading.Event()
        with FaultyServer(lambda heard: Answer(b"", hold=never)) as server:
            async with httpx.AsyncClient() as own:
                client = AsyncClient("sk_test_1", base_url=server.url, timeout=60, deadline=0.3, http_client=own)
                started = monotonic()
                with pytest.raises(APITimeoutError):
                    await client.connections.get("conn_1")
                assert monotonic() - started < 30

    async def test_the_deadline_bounds_the_unpacking_of_an_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        body = gzip.compress(bytes(10_000_000))
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with FaultyServer(lambda heard: Answer(head + body)) as server:
            client = AsyncClient("sk_test_1", base_url=server.url, deadline=30, retry=RetryPolicy(initial_delay=0))
            async with client:
                await client.request("GET", "/alerts", cast_to=bytes)
                given: list[float | None] = []

                def late(body: bytes, encoding: bytes, deadline: float | None) -> bytes:
                    given.append(deadline)
                    return decompress(body, encoding, 0.0)

                monkeypatch.setattr(transport, "decompress", late)
                client = client.with_options(max_retries=0)
                with pytest.raises(APITimeoutError):
                    await client.request("GET", "/alerts", cast_to=bytes)
                with pytest.raises(OutcomeUnknownError):
                    await client.request("POST", "/alerts", cast_to=bytes)
        assert len([deadline for deadline in given if deadline is not None]) == 2

    async def test_a_bomb_in_an_error_is_left_alone(self) -> None:
        body = gzip.compress(b"[" + b"{}," * 20_000_000 + b"{}]")
        head = f"HTTP/1.1 503 X\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with FaultyServer(lambda heard: Answer(head + body)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                started = monotonic()
                with pytest.raises(ServiceUnavailableError) as caught:
                    await client.connections.get("conn_1")
        assert len(caught.value.body) < 10_000
        assert monotonic() - started < 5  # unpacked and read as data, it took twelve, and 3 GB


def frames(error: BaseException) -> str:
    """What a report of a crash shows: the variables of our frames and of those of the libraries."""
    shown: list[str] = []
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is None:
            continue
        links += [link.__cause__, link.__context__]
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if "tests" not in frame.f_code.co_filename:
                shown += [f"{name}={value!r}" for name, value in frame.f_locals.items()]
    return "\n".join(shown)


def failing(heard: Heard) -> Answer | None:
    if heard.path.startswith("/oauth"):
        token = {"access_token": "token_HUSH", "token_type": "Bearer", "expires_in": 3600}
        return reply(token) if "id_good" in heard.body.decode() else None
    return {
        "conn_404": refusal(404, "connection_not_found"),
        "conn_401": refusal(401, "invalid_api_key"),
        "conn_503": refusal(503, "service_unavailable", {"Retry-After": "0"}),
        "conn_bad": reply({"id": 1}),
        "conn_cut": None,
    }[heard.path.rpartition("/")[2]]


@pytest.mark.anyio
class TestSecrets:
    @pytest.mark.parametrize("connection_id", ["conn_404", "conn_401", "conn_503", "conn_bad", "conn_cut"])
    @pytest.mark.parametrize("own", [True, False])
    @pytest.mark.parametrize(
        "credential",
        [
            {"api_key": "sk_test_HUSH"},
            {"credentials": OAuth2ClientCredentials("id_good", "secret_HUSH")},
            {"credentials": OAuth2ClientCredentials("id_bad", "secret_HUSH")},
        ],
    )
    async def test_a_report_of_a_crash_shows_no_credential(
        self, connection_id: str, own: bool, credential: dict[str, object]
    ) -> None:
        policy = RetryPolicy(max_retries=1, initial_delay=0)
        with FaultyServer(failing) as server:
            async with httpx.AsyncClient() as http_client:
                client = AsyncClient(
                    base_url=server.url,
                    retry=policy,
                    http_client=None if own else http_client,
                    **credential,  # type: ignore[arg-type]
                )
                async with client:
                    with pytest.raises(SenseiError) as caught:
                        await client.connections.get(connection_id)
        text = frames(caught.value)
        assert "call=" in text
        assert "HUSH" not in text

    @pytest.mark.parametrize(
        "wrong",
        [
            {"base_url": "nowhere"},
            {"timeout": "x"},
            {"max_retries": -1},
            {"app_info": "x"},
            {"profile": 5},
            {"http_client": 5},
            {"api_key": "sk_test_HUSH HUSH"},
        ],
    )
    async def test_nor_when_the_client_could_not_be_made(self, wrong: dict[str, object]) -> None:
        arguments: dict[str, object] = {"api_key": "sk_test_HUSH", **wrong}
        with pytest.raises(ConfigurationError) as caught:
            AsyncClient(**arguments)  # type: ignore[arg-type]
        assert "HUSH" not in frames(caught.value)

    @pytest.mark.parametrize("variables", [{"SENSEI_API_KEY": "sk_HUSH HUSH"}, {"SENSEI_API_KEY": "sk_HUSH"}])
    async def test_nor_what_the_environment_holds(
        self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
    ) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTHER_TOKEN", "HUSH")
        with pytest.raises(ConfigurationError) as caught:
            AsyncClient(base_url="https://other.example.com")
        assert "HUSH" not in frames(caught.value)

    async def test_nor_when_credentials_could_not_be_made(self) -> None:
        tries: list[Callable[[], object]] = [
            lambda: OAuth2ClientCredentials("", "HUSH"),
            lambda: OAuth2ClientCredentials("id", "HUSH", scopes=5),  # type: ignore[arg-type]
            lambda: ServiceAccount(5, "HUSH"),  # type: ignore[arg-type]
            lambda: ServiceAccount(token="HUSH HUSH"),
            lambda: OAuth2Token("HUSH HUSH"),
            lambda: OAuth2Token("HUSH", "HUSH"),
        ]
        for make in tries:
            with pytest.raises(ConfigurationError) as caught:
                make()
            assert "HUSH" not in frames(caught.value)
        kept = OAuth2ClientCredentials("id", "HUSH").client_secret
        assert (type(kept), repr(kept)) == (str, "'HUSH'")

    async def test_a_key_that_is_shown_once_is_in_no_traceback_of_an_answer_that_cannot_be_read(self) -> None:
        answer = reply({"id": "key_1", "key": "sk_test_HUSH", "scopes": "HUSH"})
        with FaultyServer(lambda heard: answer) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                with pytest.raises(APIResponseValidationError) as caught:
                    await client.api_keys.create(name="ci", scopes=["migrations:read"])
        assert "HUSH" not in "".join(traceback.format_exception(caught.value)).replace("sk_test_HUSH", "HUSH")
        assert "HUSH" not in frames(caught.value)

    async def test_nor_when_the_request_could_not_be_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def write(self: AsyncStream, buffer: bytes, timeout: float | None = None) -> None:
            raise httpcore.WriteTimeout("the time is up")

        monkeypatch.setattr(AsyncStream, "write", write)
        with FaultyServer(failing) as server:
            async with AsyncClient("sk_test_HUSH", base_url=server.url, max_retries=0) as client:
                with pytest.raises(APITimeoutError) as caught:
                    await client.connections.get("conn_404")
        assert "HUSH" not in frames(caught.value)

    async def test_logs_and_errors_and_traces_show_no_query_of_a_path_of_the_users(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        routes: list[str] = []
        hooks = Hooks(on_request=lambda event: routes.append(event.route))
        with FaultyServer(lambda heard: refusal(404, "not_found")) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, hooks=hooks) as client:
                with pytest.raises(SenseiError) as caught:
                    await client.request("GET", "/alerts?access_token=HUSH&limit=1", params={"secret": "HUSH"})
        assert server.heard[0].target == "/v1/alerts?access_token=HUSH&limit=1&secret=HUSH"
        assert routes == ["/alerts"]
        assert "GET /alerts: 404" in caplog.text
        assert "HUSH" not in caplog.text + str(caught.value) + caught.value.as_curl()  # type: ignore[attr-defined]
        assert "limit=1" in caught.value.as_curl()  # type: ignore[attr-defined]

    async def test_a_key_given_as_a_header_is_the_one_to_ask_again_with(self) -> None:
        with FaultyServer(lambda heard: None) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=1) as client:
                with pytest.raises(OutcomeUnknownError) as caught:
                    await client.connections.test("conn_1", headers={"x-idempotency-key": "mine"})
        assert {heard.headers["x-idempotency-key"] for heard in server.heard} == {"mine"}
        assert caught.value.idempotency_key == "mine"


@pytest.mark.anyio
class TestTidiness:
    @pytest.mark.parametrize("own", [True, False])
    async def test_a_hook_that_fails_leaves_no_stream_open(self, own: bool) -> None:
        def fail(event: object) -> None:
            raise KeyError("mine")

        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        closed = threading.Event()

        class Watching(FaultyServer):
            def _send(self, connection: object, answer: Answer) -> bool:
                connection.sendall(answer.data)  # type: ignore[attr-defined]
                connection.recv(1)  # type: ignore[attr-defined]
                closed.set()
                return False

        with Watching(lambda heard: Answer(head)) as server:
            async with httpx.AsyncClient() as http_client:
                client = AsyncClient(
                    "sk_test_1",
                    base_url=server.url,
                    hooks=Hooks(on_response=fail),
                    http_client=None if own else http_client,
                )
                async with client:
                    with pytest.raises(KeyError) as caught:
                        await anext(aiter(client.migrations.stream_events("mig_1")))
                    assert await anyio.to_thread.run_sync(closed.wait, 10)  # sync: assert closed.wait(10)
                    assert caught.value.args == ("mine",)
