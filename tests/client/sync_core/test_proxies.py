# Generated from tests/client/async_core/test_proxies.py by scripts/generate_sync.py: change that file and run the script.
"""Calls that go through the proxies of the environment."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensei._http import tls_context
from sensei._retry import RetryPolicy
from sensei._sync.client import Client
from sensei.errors import APIConnectionError, APIStatusError, APITimeoutError, ConfigurationError, OutcomeUnknownError
from tests.client.faulty import Answer, FaultyServer, TLSServer, reply
from tests.client.samples import CONNECTION
from tests.client.secrecy import SECRET, everything_said, leaks
from tests.support.certificate import make_certificate

AT_ONCE = RetryPolicy(max_retries=2, initial_delay=0)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """That of a server whose certificate is trusted here."""
    files = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    tls_context.cache_clear()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(files.certificate, files.private_key)
    yield made
    tls_context.cache_clear()


class Tunnel(FaultyServer):
    """A proxy that makes a way to this machine for whoever asks by CONNECT."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(lambda heard: None)
        self.context = context

    def _serve(self, connection: socket.socket, number: int) -> None:
        if self.context is not None:
            with self._lock:
                self._open.remove(connection)
            connection = self.context.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.append(connection)
        try:
            with connection.makefile("rb", buffering=0) as reader:
                heard = self._read(reader, number)
            if heard is not None:
                with socket.create_connection(("127.0.0.1", int(heard.target.rpartition(":")[2]))) as server:
                    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=pump, args=(server, connection))
                    back.start()
                    pump(connection, server)
                    back.join()
        finally:
            with self._lock:
                self._open.remove(connection)
            connection.close()


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(one, socket.SHUT_RDWR)


def with_user(url: str) -> str:
    return url.replace("://", f"://ada%40:{SECRET}@")


USER = "Basic " + base64.b64encode(f"ada@:{SECRET}".encode()).decode()


class TestTheWay:
    def test_plain_calls_are_forwarded_by_a_connection_that_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(lambda heard: reply(CONNECTION)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", with_user(proxy.url))
            with Client("sk_test_1", base_url="http://sensei.invalid", allow_insecure=True) as client:
                for _ in range(3):
                    assert (client.connections.get("conn_1")).id == CONNECTION["id"]
        heard = proxy.heard[0]
        assert heard.target == "http://sensei.invalid/v1/connections/conn_1"
        assert (heard.headers["host"], heard.headers["proxy-authorization"]) == ("sensei.invalid", USER)
        assert heard.headers["authorization"] == "Bearer sk_test_1"
        assert proxy.connections == 1

    @pytest.mark.parametrize("secure", [False, True])
    def test_tls_goes_through_a_tunnel_and_the_proxy_sees_no_key(
        self, secure: bool, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with (
            TLSServer(lambda heard: reply(CONNECTION), context) as server,
            Tunnel(context if secure else None) as proxy,
        ):
            url = proxy.url.replace("http://127.0.0.1", "https://localhost") if secure else proxy.url
            monkeypatch.setenv("HTTPS_PROXY", with_user(url))
            with Client("sk_test_1", base_url=server.url) as client:
                for _ in range(3):
                    client.connections.get("conn_1")
        assert [heard.method for heard in proxy.heard] == ["CONNECT"]
        assert proxy.heard[0].headers["proxy-authorization"] == USER
        assert "authorization" not in proxy.heard[0].headers
        assert [heard.headers["authorization"] for heard in server.heard] == ["Bearer sk_test_1"] * 3
        assert not any("proxy-authorization" in heard.headers for heard in server.heard)

    def test_hosts_that_are_excepted_are_asked_themselves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(lambda heard: reply(CONNECTION)) as server:
            monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
            monkeypatch.setenv("NO_PROXY", "example.com,127.0.0.1")
            with Client("sk_test_1", base_url=server.url) as client:
                client.connections.get("conn_1")
        assert server.heard[0].target == "/v1/connections/conn_1"


class TestTime:
    @pytest.mark.parametrize("limit", [{"timeout": 60, "deadline": 0.3}, {"timeout": 0.3}])
    def test_a_head_that_drips_is_bounded(self, limit: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(lambda heard: Answer(b"HTTP/1.1 200 OK\r\nX-A: " + b"y" * 5000, drip=0.02)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            client = Client(
                "sk_test_1",
                base_url="http://sensei.localhost",
                max_retries=0,
                **limit,  # type: ignore[arg-type]
            )
            with client:
                with pytest.raises(APITimeoutError):
                    client.connections.get("conn_1")

    def test_so_is_a_way_that_is_never_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(lambda heard: Answer(b"HTTP/1.1 200 OK\r\nX-A: " + b"y" * 5000, drip=0.02)) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            client = Client("sk_test_1", base_url="https://sensei.localhost", max_retries=0, deadline=0.3)
            with client:
                with pytest.raises(APITimeoutError):
                    client.connections.get("conn_1")


class TestTrouble:
    def test_a_proxy_that_wants_another_password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(lambda heard: Answer(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as proxy:
            for name in ("HTTP_PROXY", "HTTPS_PROXY"):
                monkeypatch.setenv(name, with_user(proxy.url))
            for scheme, error in (("http", APIStatusError), ("https", APIConnectionError)):
                with Client("sk_test_1", base_url=f"{scheme}://sensei.localhost", retry=AT_ONCE) as client:
                    with pytest.raises(error, match="407") as caught:
                        client.connections.get("conn_1")
                assert not leaks(everything_said(caught.value))
                assert USER not in everything_said(caught.value)

    @pytest.mark.parametrize("late", [False, True])
    def test_a_way_that_was_not_made_leaves_no_doubt_that_nothing_happened(
        self, late: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        never = threading.Event()
        with FaultyServer(lambda heard: Answer(b"HTTP/1.1 200", hold=never) if late else None) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            client = Client("sk_test_1", base_url="https://sensei.localhost", max_retries=0, timeout=0.3)
            with client:
                with pytest.raises(APITimeoutError if late else APIConnectionError) as caught:
                    client.request("POST", "/things", json={})
        assert not isinstance(caught.value, OutcomeUnknownError)
        assert "connection" in str(caught.value)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_what_went_through_and_got_no_answer_may_have_happened(
        self, scheme: str, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with (
            TLSServer(lambda heard: None, context) as server,
            Tunnel() as tunnel,
            FaultyServer(lambda heard: None) as plain,
        ):
            monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
            monkeypatch.setenv("HTTP_PROXY", plain.url)
            url = server.url if scheme == "https" else "http://sensei.localhost"
            with Client("sk_test_1", base_url=url, max_retries=0) as client:
                with pytest.raises(OutcomeUnknownError):
                    client.request("POST", "/things", json={})

    @pytest.mark.parametrize(
        "proxy",
        [
            f"ftp://ada:{SECRET}@proxy",
            f"http://ada:{SECRET}@proxy:99999",
            f"http://ada:{SECRET}@proxy:port",
            f"http://ada:{SECRET}@",
            f"http://ada:{SECRET}@[::1",
            f"socks5://ada:{SECRET}@proxy",
        ],
    )
    def test_one_that_cannot_be_used_is_named_without_its_password(
        self, proxy: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sensei._proxies.find_spec", lambda name: None)
        monkeypatch.setenv("ALL_PROXY", proxy)
        with Client("sk_test_1", base_url="http://127.0.0.1:1", max_retries=0) as client:
            with pytest.raises(ConfigurationError, match="HTTP_PROXY, HTTPS_PROXY or ALL_PROXY") as caught:
                client.connections.get("conn_1")
        assert not leaks(everything_said(caught.value))

    def test_one_without_a_scheme_speaks_http(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(lambda heard: reply(CONNECTION)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url.removeprefix("http://"))
            with Client("sk_test_1", base_url="http://sensei.localhost") as client:
                client.connections.get("conn_1")
        assert proxy.heard[0].target.startswith("http://sensei.localhost/")
