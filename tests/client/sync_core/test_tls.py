# Generated from tests/client/async_core/test_tls.py by scripts/generate_sync.py: change that file and run the script.
"""Certificates of servers and clients: what is accepted, and what is said when one is not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import httpx2
import pytest

from sensei._http import tls_context
from sensei._retry import RetryPolicy
from sensei._sync.client import Client
from sensei.errors import APIConnectionError, OutcomeUnknownError
from tests.client.faulty import Answer, FaultyServer, TLSServer, reply
from tests.support.certificate import Certificate, make_certificate

OwnClient = Callable[[ssl.SSLContext], httpx.Client | None]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Certificate]:
    """The certificate, which programs of this machine trust."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    tls_context.cache_clear()
    yield certificate
    tls_context.cache_clear()


def with_httpx(context: ssl.SSLContext) -> httpx.Client:
    return httpx.Client(verify=context)


def with_httpx2(context: ssl.SSLContext) -> httpx.Client:
    return httpx2.Client(verify=context)  # type: ignore[return-value]  # as good as one of httpx


class PlainServer(FaultyServer):
    """One that takes TLS for a request it cannot read."""

    def _serve(self, connection: socket.socket, number: int) -> None:
        with self._lock:
            self._open.remove(connection)
        with connection:
            connection.recv(1024)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def ask(server: FaultyServer, make: OwnClient, context: ssl.SSLContext, url: str | None = None) -> str:
    own = make(context)
    patient = RetryPolicy(max_retries=3, initial_delay=0)
    try:
        client = Client("sk_test_1", base_url=url or server.url, http_client=own, retry=patient)
        with client:
            return (client.request("POST", "/things", json={"name": "a"})).text
    finally:
        if own is not None:
            own.close()


@pytest.mark.parametrize("make", [lambda context: None, with_httpx, with_httpx2], ids=["own", "httpx", "httpx2"])
class TestCertificates:
    def test_one_that_is_trusted_is_accepted(self, trusted: Certificate, make: OwnClient) -> None:
        with TLSServer(lambda heard: reply("done"), trusted.server) as server:
            assert ask(server, make, trusted.client) == '"done"'

    def test_one_that_nobody_vouches_for_is_said_to_be_and_not_tried_again(
        self, certificate: Certificate, make: OwnClient
    ) -> None:
        with (
            TLSServer(lambda heard: reply("done"), certificate.server) as server,
            pytest.raises(APIConnectionError, match=r"certificate of the server.* SSL_CERT_FILE") as caught,
        ):
            ask(server, make, ssl.create_default_context())
        assert (caught.value.code, caught.value.attempts) == ("tls_untrusted", 1)
        assert not isinstance(caught.value, OutcomeUnknownError)
        assert server.heard == []

    def test_one_for_another_host_is_said_to_be(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: OwnClient
    ) -> None:
        other = make_certificate(tmp_path, host="other.example.com")
        monkeypatch.setenv("SSL_CERT_FILE", str(other.certificate))
        tls_context.cache_clear()
        with (
            TLSServer(lambda heard: reply("done"), other.server) as server,
            pytest.raises(APIConnectionError, match=r"not valid for 'localhost'.*Check that https://localhost"),
        ):
            ask(server, make, other.client)
        tls_context.cache_clear()
        assert server.heard == []

    def test_plain_http_is_said_to_be(self, trusted: Certificate, make: OwnClient) -> None:
        with PlainServer(lambda heard: None) as server:
            url = server.url.replace("http://127.0.0.1", "https://localhost")
            with pytest.raises(APIConnectionError, match=r"does not speak TLS.*plain http") as caught:
                ask(server, make, trusted.client, url)
        assert not isinstance(caught.value, OutcomeUnknownError)


@pytest.mark.parametrize("make", [with_httpx, with_httpx2], ids=["httpx", "httpx2"])
class TestCertificatesOfClients:
    def test_a_server_may_ask_for_one(self, trusted: Certificate, make: OwnClient) -> None:
        trusted.server.verify_mode = ssl.CERT_REQUIRED
        trusted.server.load_verify_locations(trusted.certificate)
        trusted.client.load_cert_chain(trusted.certificate, trusted.private_key)
        with TLSServer(lambda heard: reply("done"), trusted.server) as server:
            assert ask(server, make, trusted.client) == '"done"'
        assert server.heard[0].body == b'{"name":"a"}'

    def test_one_that_misses_it_says_so_and_the_post_has_not_happened(
        self, trusted: Certificate, make: OwnClient
    ) -> None:
        trusted.server.verify_mode = ssl.CERT_REQUIRED
        trusted.server.load_verify_locations(trusted.certificate)
        # With an older TLS the handshake is over before anything is sent, so that the refusal always arrives.
        trusted.server.maximum_version = ssl.TLSVersion.TLSv1_2
        with (
            TLSServer(lambda heard: reply("done"), trusted.server) as server,
            pytest.raises(APIConnectionError) as caught,
        ):
            ask(server, make, trusted.client)
        assert not isinstance(caught.value, OutcomeUnknownError)
        assert server.heard == []


def test_a_proxy_that_wants_a_password_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = Answer(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", close=True)
    with FaultyServer(lambda heard: refusal) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://ada:TOPSECRET@"))
        with Client("sk_test_1", base_url="https://sensei.example.com", max_retries=0) as client:
            with pytest.raises(APIConnectionError, match=r"407 Proxy.*Check the proxy that HTTPS_PROXY") as caught:
                client.request("POST", "/things", json={})
    assert not isinstance(caught.value, OutcomeUnknownError)
    assert "TOPSECRET" not in str(caught.value)
    assert proxy.heard[0].method == "CONNECT"
