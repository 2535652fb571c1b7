"""Clients that mean no good: strangers with big bodies, clients that dawdle, bytes that are no HTTP."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from sensei.server.serve import ServerThread
from tests.support.contract import ContractClient

StartServer = Callable[..., ServerThread]
PATIENCE = 20.0


@pytest.fixture
def strict(start_server: StartServer) -> ServerThread:
    """A server that does not wait long."""
    return start_server(header_timeout_seconds=0.2, body_timeout_seconds=0.2)


def _connect(server: ServerThread) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def _head(server: ServerThread, *lines: str, key: str | None = None, method: str = "POST") -> bytes:
    given = [f"{method} /v1/connections HTTP/1.1", "Host: sensei", "Content-Type: application/json", *lines]
    if key is not None:
        given.append(f"Authorization: Bearer {key}")
    return "\r\n".join([*given, "", ""]).encode()


def _answer(connection: socket.socket) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body of the next answer; the connection stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        assert chunk, f"closed after {received!r}"
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(first.split()[1]), headers, json.loads(body)


def _send_for_ever(connection: socket.socket) -> None:
    for _ in range(1_000_000):
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def _is_closed(connection: socket.socket) -> bool:
    """Whether the server ends the connection, within the patience of the test."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return True


@pytest.mark.parametrize("framing", ["Content-Length: 10000000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("key", [None, "sk_test_unknown_unknown_unknown"])
def test_a_stranger_is_refused_before_the_body_is_sent(server: ServerThread, framing: str, key: str | None) -> None:
    with closing(_connect(server)) as connection:
        connection.sendall(_head(server, framing, key=key))
        status, headers, body = _answer(connection)
    assert (status, body["error"]["code"]) == (401, "unauthorized")
    assert "x-ratelimit-limit" in headers
    assert headers["x-request-id"] == body["error"]["request_id"]


def test_who_lacks_the_scope_is_refused_before_the_body_is_sent(server: ServerThread, admin: ContractClient) -> None:
    key = admin.post("/v1/api-keys", json={"name": "r", "scopes": ["connections:read"]}).json()["key"]
    with closing(_connect(server)) as connection:
        connection.sendall(_head(server, "Content-Length: 10000000", key=key))
        assert _answer(connection)[0] == 403


def test_what_a_stranger_goes_on_sending_is_not_kept_and_not_for_ever(strict: ServerThread) -> None:
    with closing(_connect(strict)) as connection:
        connection.sendall(_head(strict, "Transfer-Encoding: chunked"))
        assert _answer(connection)[0] == 401
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            _send_for_ever(connection)


def test_a_stranger_may_go_on_with_another_request_on_the_same_connection(server: ServerThread) -> None:
    with closing(_connect(server)) as connection:
        connection.sendall(_head(server, "Content-Length: 100000") + b"x" * 100_000)
        assert _answer(connection)[0] == 401
        connection.sendall(_head(server, "Content-Length: 2", key=server.api_key) + b"{}")
        assert _answer(connection)[0] == 422


def test_a_big_body_of_a_known_caller_is_read(server: ServerThread) -> None:
    body = json.dumps({"name": "x" * 100_000}).encode()
    for framing in (f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"):
        with closing(_connect(server)) as connection:
            connection.sendall(_head(server, framing, key=server.api_key))
            chunked = framing.startswith("T")
            connection.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body)
            assert _answer(connection)[0] == 422


@pytest.mark.parametrize("beginning", [b"", b"P", b"POST /v1/connections HTTP/1.1\r\nHost: s\r\nX-Slow: "])
def test_who_does_not_finish_a_head_is_hung_up_on(strict: ServerThread, beginning: bytes) -> None:
    with closing(_connect(strict)) as connection:
        connection.sendall(beginning)
        assert _is_closed(connection)


def test_dripping_does_not_prolong_the_wait(strict: ServerThread) -> None:
    with closing(_connect(strict)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: s\r\n")
        connection.settimeout(0.05)
        for _ in range(400):
            try:
                connection.sendall(b"X-Slow: 1\r\n")
                if connection.recv(1) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
    pytest.fail("it went on for ever")


def test_a_second_request_that_is_not_finished_is_hung_up_on_too(strict: ServerThread) -> None:
    with closing(_connect(strict)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: s\r\n\r\n")
        assert _answer(connection)[0] == 200
        connection.sendall(b"GET /healthz HTT")
        assert _is_closed(connection)


@pytest.mark.parametrize("length", [5, 100_000])
def test_a_body_that_does_not_come_is_answered_and_hung_up_on(strict: ServerThread, length: int) -> None:
    with closing(_connect(strict)) as connection:
        connection.sendall(_head(strict, f"Content-Length: {length}", key=strict.api_key) + b"{")
        status, headers, body = _answer(connection)
        assert (status, body["error"]["code"]) == (400, "invalid_request")
        assert "in time" in body["error"]["message"]
        assert "x-ratelimit-limit" in headers
        assert _is_closed(connection)


def test_an_oauth_body_that_does_not_come_is_answered_too(strict: ServerThread) -> None:
    with closing(_connect(strict)) as connection:
        head = b"POST /oauth/token HTTP/1.1\r\nHost: s\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
        connection.sendall(head)
        status, _, body = _answer(connection)
        assert (status, body["error"]) == (400, "invalid_request")


def test_a_stream_that_is_silent_is_left_alone(start_server: StartServer) -> None:
    server = start_server(header_timeout_seconds=0.1, keep_alive_seconds=0.3)
    body = {"type": "sqlite", "connection_string": "sqlite:////nowhere/x.db"}
    with ContractClient(server.url, server.api_key) as client:
        made = client.post("/v1/migrations", json={"name": "m", "source": body, "target": body}).json()
        path = f"/v1/migrations/{made['id']}/events"
        with client.stream("GET", path) as stream:
            assert any(line == "event: end" for line in stream.iter_lines())


def _garbage() -> Iterator[bytes]:
    dice = random.Random(2026)
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)  # TLS to a plain port
    yield b"\x00" * 5000
    yield b"GET / HTTP/9.9\r\n\r\n"
    yield b"GET /v1/connections/%00%ff%fe HTTP/1.1\r\nHost: s\r\n\r\n"
    yield b"GET /v1/connections/\xff\xfe HTTP/1.1\r\nHost: s\r\n\r\n"
    yield b"GET " + b"/a" * 100_000 + b" HTTP/1.1\r\nHost: s\r\n\r\n"
    yield b"GET / HTTP/1.1\r\nHost: s\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 500) for n in range(500)) + b"\r\n"
    yield b"GET / HTTP/1.1\r\nHost: s\r\nHost: t\r\n\r\n"
    yield b"POST /v1/connections HTTP/1.1\r\nHost: s\r\nContent-Length: -1\r\n\r\n"
    yield b"POST /v1/connections HTTP/1.1\r\nHost: s\r\nContent-Length: 99999999999999999999\r\n\r\n"
    yield b"POST /v1/connections HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"
    yield b"POST /v1/connections HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    yield b"POST /v1/connections HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: gzip\r\n\r\n"
    yield b"POST /v1/connections HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc"
    yield b"GET / HTTP/1.1\r\nHost: s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    yield b"GET / HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    for _ in range(40):
        yield dice.randbytes(dice.randrange(1, 3000))


def test_no_bytes_upset_the_server(strict: ServerThread) -> None:
    for garbage in _garbage():
        with closing(_connect(strict)) as connection:
            try:
                connection.sendall(garbage)
                received = b""
                while chunk := connection.recv(65536):
                    received += chunk
            except ConnectionResetError:
                continue
            assert b"HTTP/1.1 5" not in received, garbage[:100]
    with ContractClient(strict.url, strict.api_key) as client:
        assert client.get("/v1/connections").status_code == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"name":"\xff\xfe"}',
        b'{"name":"\\ud800"}',
        b'{"name":"\\u0000","type":"sqlite","role":"both","config":{"path":"a\\u0000b"}}',
        b'{"name":1e999999}',
        b'{"name":' + b"9" * 100_000 + b"}",
        b"\xef\xbb\xbf{}",
        b'{"name":"a","name":"b"}',
        b"NaN",
    ],
)
def test_no_json_upsets_the_server(lasting_admin: ContractClient, raw: bytes) -> None:
    for path in ("/v1/connections", "/v1/migrations", "/v1/webhooks", "/v1/api-keys"):
        answer = lasting_admin.post(path, content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code in (201, 400, 422), answer.text
