"""A server that cuts, stalls, drips and lies: the result is right or a typed error, and no POST happens twice."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Awaitable, Callable
from time import monotonic

import httpx
import pytest

from sensei import _parse
from sensei._async import transport
from sensei._async.client import AsyncClient
from sensei._retry import RetryPolicy
from sensei.auth import OAuth2ClientCredentials
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


async def second_page(client: AsyncClient) -> object:
    return [item.id for item in (await (await client.connections.list(limit=2)).next_page()).data]


async def download(client: AsyncClient) -> object:
    return await client.certificates.download("cert_1")


async def report(client: AsyncClient) -> object:
    return await client.validations.report("val_1", format="html")


async def wait(client: AsyncClient) -> object:
    return (await client.connections.wait("conn_1", timeout=10)).status


async def bulk(client: AsyncClient) -> object:
    return (await client.errors.bulk_resolve("mig_1", error_ids=["err_1"], resolution="skip")).summary.succeeded


async def token(client: AsyncClient) -> object:
    return (await client.oauth.client_credentials("id_1", "secret_1")).access_token


async def signed_in(client: AsyncClient) -> object:
    other = AsyncClient(
        credentials=OAuth2ClientCredentials("id_1", "secret_1"),
        base_url=client.base_url,
        retry=client._transport.options.retry,
    )
    async with other:
        return await other._transport.authorizer.authorization()


async def raw(client: AsyncClient) -> object:
    return (await client.request("GET", "/alerts")).json()


def chunked(answer: Answer, size: int) -> Answer:
    """The same in chunks."""
    _, _, body = answer.data.partition(b"\r\n\r\n")
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    return Answer(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        + b"0\r\n\r\n"
    )


def packed(answer: Answer) -> Answer:
    """The same in gzip, without saying how long it is: the end of the connection is its end."""
    _, _, body = answer.data.partition(b"\r\n\r\n")
    return Answer(b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(body), close=True)


LIBRARIES = ["httpx", "httpx2", "aiohttp"]  # sync: LIBRARIES = ["httpx", "httpx2"]

TOKEN = {"access_token": "token_1", "token_type": "Bearer", "expires_in": 3600}

KINDS = [
    pytest.param(get, reply(CONNECTION), "Shop", id="get"),
    pytest.param(listing, reply(page([1, 2], 2)), ["conn_1", "conn_2"], id="list"),
    pytest.param(create, reply(CONNECTION, 201), "conn_1", id="create"),
    pytest.param(update, reply(CONNECTION), "conn_1", id="update"),
    pytest.param(delete, reply(None, 204), None, id="delete"),
    pytest.param(raw, reply({"data": []}), {"data": []}, id="raw"),
    pytest.param(second_page, reply(page([1, 2], 9, 0, 2)), ["conn_1", "conn_2"], id="second-page"),
    pytest.param(download, Answer(reply({"a": "file"}).data), b'{"a": "file"}', id="download"),
    pytest.param(
        report,
        Answer(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>\xc3\xbc</p>"),
        "<p>ü</p>",
        id="report",
    ),
    pytest.param(wait, reply(CONNECTION), "connected", id="wait"),
    pytest.param(
        bulk,
        reply({"summary": {"total": 1, "succeeded": 1, "failed": 0}, "results": [{"id": "err_1", "success": True}]}),
        1,
        id="bulk",
    ),
    pytest.param(token, reply(TOKEN), "token_1", id="token"),
    pytest.param(signed_in, reply(TOKEN), "Bearer token_1", id="signed-in"),
    pytest.param(get, chunked(reply(CONNECTION), 50), "Shop", id="chunked"),
    pytest.param(create, packed(reply(CONNECTION, 201)), "conn_1", id="packed"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("call", "answer", "expected"), KINDS)
class TestCutAtEveryByte:
    async def test_without_retries_it_is_right_or_a_typed_error(
        self, call: Call, answer: Answer, expected: object
    ) -> None:
        cut = 0
        whole = len(answer.data)
        # A complete answer keeps its connection: the next request of the same call may come before a close is seen.
        with FaultyServer(lambda heard: Answer(answer.data[:cut], close=answer.close or cut < whole)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                for place in range(len(answer.data)):
                    cut = place
                    with pytest.raises((APIConnectionError, APIResponseValidationError)) as caught:
                        await call(client)
                    if isinstance(caught.value, APIResponseValidationError):
                        assert b"Content-Encoding" in answer.data[:cut]  # only there the length is not announced
                        continue
                    keyed = "x-idempotency-key" in server.heard[-1].headers
                    assert isinstance(caught.value, OutcomeUnknownError) == keyed, cut
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
            if first and (call is not second_page or "offset=2" in heard.target):
                first = False
                return Answer(answer.data[:cut], close=True)
            return answer

        with FaultyServer(serve) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=PATIENT) as client:
                unannounced = b"\r\n\r\n" if b"Content-Encoding" in answer.data else None
                for place in range(0, len(answer.data), 3):
                    if unannounced is not None and unannounced in answer.data[:place]:
                        break  # a cut of these is no cut, but an answer that is damaged
                    cut, first = place, True
                    assert await call(client) == expected
        if "" not in keys:
            assert set(keys.values()) == {2}


@pytest.mark.anyio
class TestWhatWorksOnce:
    """Cut at every byte too, but never asked for again."""

    async def test_an_exchange_of_a_code(self) -> None:
        await self.check(
            lambda client: client.oauth.exchange_code("code_1", redirect_uri="https://a.example/", client_id="id_1")
        )

    async def test_a_refresh(self) -> None:
        await self.check(lambda client: client.oauth.refresh("rt_1", client_id="id_1"))

    async def check(self, call: Call) -> None:
        answer, cut = reply(TOKEN), 0
        whole = len(answer.data)
        # A complete answer keeps its connection: the next request of the same call may come before a close is seen.
        with FaultyServer(lambda heard: Answer(answer.data[:cut], close=answer.close or cut < whole)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, retry=PATIENT) as client:
                for place in range(len(answer.data)):
                    cut = place
                    with pytest.raises(APIConnectionError):
                        await call(client)
                cut = len(answer.data)
                await call(client)
        assert len(server.heard) == len(answer.data) + 1


@pytest.mark.anyio
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("call", "answer", "expected"), KINDS)
class TestCutThroughAClientOfTheUsers:
    async def test_it_is_right_or_a_typed_error(
        self,
        call: Call,
        answer: Answer,
        expected: object,
        library: str,
        anyio_backend_name: str,  # sync: drop
    ) -> None:
        # async only: begin
        if library == "aiohttp" and anyio_backend_name == "trio":
            return  # which it does not know
        # async only: end
        cut = 0
        module = __import__(library)
        own = module.ClientSession() if library == "aiohttp" else module.AsyncClient()  # sync: own = module.Client()
        whole = len(answer.data)
        # A complete answer keeps its connection: the next request of the same call may come before a close is seen.
        with FaultyServer(lambda heard: Answer(answer.data[:cut], close=answer.close or cut < whole)) as server:
            async with own, AsyncClient("sk_test_1", base_url=server.url, http_client=own, max_retries=0) as client:
                for place in range(0, whole, 5):
                    cut = place
                    try:
                        found = await call(client)
                    except (APIConnectionError, APIResponseValidationError):
                        continue
                    assert found == expected, cut
                cut = whole
                assert await call(client) == expected


@pytest.mark.anyio
class TestLies:
    async def test_a_page_of_a_proxy_is_no_file(self) -> None:
        page = b"<html><form>Sign in</form></html>"
        for kind in ("text/html", "application/pdf", "application/json"):
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(page)}\r\n\r\n".encode()
            answer = Answer(head + page)
            with FaultyServer(lambda heard, answer=answer: answer) as server:
                async with AsyncClient("sk_test_1", base_url=server.url) as client:
                    with pytest.raises(APIResponseValidationError):
                        await client.certificates.download("cert_1")
                    with pytest.raises(APIResponseValidationError, match="no PDF"):
                        await client.validations.report("val_1", format="pdf")
                    with pytest.raises(APIResponseValidationError, match="not of Sensei"):
                        await client.validations.report("val_1", format="html")

    @pytest.mark.parametrize(
        ("page", "line", "taken"),
        [
            (b"<p>fine</p>", b"", True),
            (b"<form>", b"X-Request-Id: req_1\r\n", True),
            (b"<img src='data:image/png;base64,AA'><a href='#top'>", b"", True),
            (b"<FORM action=/login>", b"", False),
            (b"<script src=/js>", b"", False),
            (b'<link rel="icon" href="/icon">', b"", False),
            (b'<meta http-equiv="refresh" content="0;url=/login">', b"", False),
        ],
    )
    async def test_a_page_is_a_report_unless_it_leads_elsewhere_and_no_request_id_came(
        self, page: bytes, line: bytes, taken: bool
    ) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n%bContent-Length: %d\r\n\r\n" % (line, len(page))
        with FaultyServer(lambda heard: Answer(head + page)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                if taken:
                    assert await client.validations.report("val_1", format="html") == page.decode()
                    return
                with pytest.raises(APIResponseValidationError, match="not of Sensei"):
                    await client.validations.report("val_1", format="html")

    async def test_a_page_of_a_proxy_is_no_success(self) -> None:
        page = b"<html><form>Sign in</form></html>"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n".encode()
        with FaultyServer(lambda heard: Answer(head + page)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                for call in (get, listing, create, update, delete, token, wait, bulk):
                    with pytest.raises(APIResponseValidationError):
                        await call(client)

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
