"""TLS, proxies, and clients of the user's own."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from sensei import AsyncClient, Client
from sensei.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConfigurationError,
    OutcomeUnknownError,
)
from tests.client.faulty import Answer, FaultyServer, Heard, TLSServer, reply
from tests.client.samples import CONNECTION, connection, sse


def by_id(heard: Heard) -> Answer:
    return reply(connection(int(heard.path.rsplit("_", 1)[1])))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost with its key, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls_server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TLSServer]:
    from sensei._http import tls_context

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = TLSServer(by_id, context)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_context.cache_clear()
    with server:
        yield server
    tls_context.cache_clear()


class TestTLS:
    def test_sync(self, tls_server: TLSServer) -> None:
        with Client("sk_test_1", base_url=tls_server.url) as client:
            assert [client.connections.get(f"conn_{n}").id for n in range(3)] == ["conn_0", "conn_1", "conn_2"]
        assert tls_server.connections == 1

    @pytest.mark.anyio
    async def test_async(self, tls_server: TLSServer) -> None:
        async with AsyncClient("sk_test_1", base_url=tls_server.url) as client:
            for n in range(3):
                assert (await client.connections.get(f"conn_{n}")).id == f"conn_{n}"
        assert tls_server.connections == 1

    @pytest.mark.anyio
    async def test_a_certificate_nobody_trusts_is_refused(
        self, tls_server: TLSServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from sensei._http import tls_context

        monkeypatch.delenv("SSL_CERT_FILE")
        tls_context.cache_clear()
        async with AsyncClient("sk_test_1", base_url=tls_server.url, max_retries=0) as client:
            with pytest.raises(APIConnectionError, match=r"(?i)certificate"):
                await client.connections.get("conn_1")
        client = Client("sk_test_1", base_url=tls_server.url, max_retries=0)
        with client, pytest.raises(APIConnectionError, match=r"(?i)certificate"):
            client.connections.get("conn_1")
        assert tls_server.heard == []


class TestProxies:
    def test_the_proxy_of_the_environment_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(by_id) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", "")
            with Client("sk_test_1", base_url="http://sensei.invalid", allow_insecure=True) as client:
                assert client.connections.get("conn_7").id == "conn_7"
            assert proxy.heard[0].target == "http://sensei.invalid/v1/connections/conn_7"

    def test_not_for_hosts_that_are_excepted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(by_id) as server:
            monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            with Client("sk_test_1", base_url=server.url) as client:
                assert client.connections.get("conn_7").id == "conn_7"


class TestForeignClients:
    @pytest.mark.parametrize("library", ["httpx", "httpx2"])
    def test_sync_clients_of_either_library(self, library: str) -> None:
        module = __import__(library)
        with FaultyServer(by_id) as server, module.Client() as own:
            with Client("sk_test_1", base_url=server.url, http_client=own) as client:
                assert client.connections.get("conn_5").id == "conn_5"
                assert client.with_options(timeout=httpx.Timeout(5, read=1)).connections.get("conn_6").id == "conn_6"
            assert not own.is_closed

    @pytest.mark.parametrize("library", ["httpx", "httpx2"])
    @pytest.mark.anyio
    async def test_async_clients_of_either_library(self, library: str) -> None:
        module = __import__(library)
        with FaultyServer(lambda heard: None if heard.method == "POST" else by_id(heard)) as server:
            async with module.AsyncClient() as own:
                async with AsyncClient("sk_test_1", base_url=server.url, http_client=own, max_retries=0) as client:
                    assert (await client.connections.get("conn_5")).id == "conn_5"
                    with pytest.raises(OutcomeUnknownError):
                        await client.connections.test("conn_5")
                assert not own.is_closed

    @pytest.mark.parametrize("library", ["httpx", "httpx2"])
    def test_all_settings_of_the_client_apply(self, library: str) -> None:
        module = __import__(library)
        seen: list[str] = []
        cookie = {"Set-Cookie": "lane=7; Path=/"}
        with (
            FaultyServer(lambda heard: reply({"data": [CONNECTION]}, headers=cookie)) as server,
            module.Client(
                headers={"X-Own": "1", "User-Agent": "mine", "Accept": "text/html"},
                params={"tenant": "t1"},
                cookies={"first": "1"},
                base_url="https://elsewhere.example.com/",
                event_hooks={
                    "request": [lambda request: seen.append(request.headers["x-request-id"])],
                    "response": [lambda response: response.read()],
                },
            ) as own,
            Client("sk_test_1", base_url=server.url, http_client=own) as client,
        ):
            for _ in range(2):
                assert [one.id for one in client.connections.list(limit=5, tag="a&b")] == [CONNECTION["id"]]
            own.headers["X-Own"] = "2"
            client.request("POST", "/alerts", json={"a": 1}, headers={"User-Agent": "this call"})
        first, second, post = server.heard
        path, _, query = first.target.partition("?")
        assert (path, sorted(query.split("&"))) == ("/v1/connections", ["limit=5", "tag=a%26b", "tenant=t1"])
        assert (first.headers["cookie"], second.headers["cookie"]) == ("first=1", "first=1; lane=7")
        assert (first.headers["x-own"], post.headers["x-own"]) == ("1", "2")
        assert first.headers["accept"] == "application/json"
        assert first.headers["user-agent"].startswith("sensei-python/")
        assert (post.headers["user-agent"], post.body, post.headers["content-length"]) == ("this call", b'{"a":1}', "7")
        assert [heard.headers["x-request-id"] for heard in server.heard] == seen

    def test_a_build_request_of_the_users_own_sees_the_headers(self) -> None:
        class Signing(httpx.Client):
            def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
                request = super().build_request(*args, **kwargs)
                request.headers["X-Signed"] = request.headers["authorization"][-1]
                return request

        with (
            FaultyServer(by_id) as server,
            Signing() as own,
            Client("sk_test_1", base_url=server.url, http_client=own) as client,
        ):
            assert client.connections.get("conn_5").id == "conn_5"
        assert server.heard[0].headers["x-signed"] == "1"

    @pytest.mark.parametrize("library", ["httpx", "httpx2"])
    def test_packed_answers_are_unpacked(self, library: str) -> None:
        module = __import__(library)
        packed = gzip.compress(json.dumps(CONNECTION).encode())
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
        with (
            FaultyServer(lambda heard: Answer(head + packed)) as server,
            module.Client() as own,
            Client("sk_test_1", base_url=server.url, http_client=own) as client,
        ):
            assert client.connections.get("conn_1").id == CONNECTION["id"]

    def test_the_other_kind_is_refused(self) -> None:
        with httpx.Client() as own, pytest.raises(ConfigurationError, match="AsyncClient"):
            AsyncClient("sk_test_1", http_client=own)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match=r"httpx\.Client"):
            Client("sk_test_1", http_client=httpx.AsyncClient())  # type: ignore[arg-type]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
class TestAiohttp:
    async def test_a_session_is_used_and_left_open(self) -> None:
        async with aiohttp.ClientSession(headers={"X-Own": "1"}) as own:
            with FaultyServer(by_id) as server:
                async with AsyncClient("sk_test_1", base_url=server.url, http_client=own) as client:
                    for n in range(3):
                        assert (await client.connections.get(f"conn_{n}")).id == f"conn_{n}"
                    await client.request("POST", "/alerts_7", json={"a": "ü"})
            assert not own.closed
        assert server.connections == 1
        assert {heard.headers["authorization"] for heard in server.heard} == {"Bearer sk_test_1"}
        assert {heard.headers["x-own"] for heard in server.heard} == {"1"}
        assert server.heard[-1].body == '{"a":"ü"}'.encode()

    async def test_ids_stay_in_their_segment(self) -> None:
        async with aiohttp.ClientSession() as own:
            with FaultyServer(lambda heard: reply(CONNECTION)) as server:
                async with AsyncClient("sk_test_1", base_url=server.url, http_client=own) as client:
                    await client.connections.get("../api-keys")
        assert server.heard[0].target == "/v1/connections/..%2Fapi-keys"

    async def test_an_answer_cut_anywhere_is_a_typed_error(self) -> None:
        whole, cut = reply(CONNECTION).data, 0
        async with aiohttp.ClientSession() as own:
            with FaultyServer(lambda heard: Answer(whole[:cut], close=True)) as server:
                async with AsyncClient("sk_test_1", base_url=server.url, http_client=own, max_retries=0) as client:
                    for place in range(0, len(whole), 7):
                        cut = place
                        with pytest.raises(OutcomeUnknownError):
                            await client.connections.test("conn_1")

    async def test_time_outs_and_refused_connections(self) -> None:
        never = threading.Event()
        async with aiohttp.ClientSession() as own:
            options = {"http_client": own, "timeout": 0.2, "max_retries": 0}
            with FaultyServer(lambda heard: Answer(b"HTTP/1.1 200 OK\r\n", hold=never)) as server:
                async with AsyncClient("sk_test_1", base_url=server.url, **options) as client:  # type: ignore[arg-type]
                    with pytest.raises(APITimeoutError):
                        await client.connections.get("conn_1")
                never.set()
            async with AsyncClient("sk_test_1", base_url="http://127.0.0.1:1", **options) as client:  # type: ignore[arg-type]
                with pytest.raises(APIConnectionError) as caught:
                    await client.connections.test("conn_1")
                assert not isinstance(caught.value, OutcomeUnknownError)

    async def test_redirects_are_not_followed(self) -> None:
        away = reply(None, 302, {"Location": "https://elsewhere.example.com/"})
        async with aiohttp.ClientSession() as own:
            with FaultyServer(lambda heard: away) as server:
                async with AsyncClient("sk_test_1", base_url=server.url, http_client=own) as client:
                    with pytest.raises(APIStatusError, match="redirects are not followed"):
                        await client.connections.get("conn_1")

    async def test_streams(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 1\n\n"

        def serve(heard: Heard) -> Answer:
            last = int(heard.headers.get("last-event-id", "0"))
            return Answer(head + sse(last + 1, "end" if last == 4 else "progress"), close=True)

        async with aiohttp.ClientSession() as own:
            with FaultyServer(serve) as server:
                async with AsyncClient("sk_test_1", base_url=server.url, http_client=own) as client:
                    assert [e.id async for e in client.migrations.stream_events("mig_1")] == ["1", "2", "3", "4", "5"]

    async def test_a_session_with_a_credential_of_its_own_is_refused(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # aiohttp's way of giving one is on its way out
            session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "pass"))
        async with session as own:
            with pytest.raises(ConfigurationError, match="credential"):
                AsyncClient("sk_test_1", http_client=own)
