"""Receive webhooks on this machine and hand them on to a program under development, byte for byte."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sensei.cli._errors import USAGE, CommandError

if TYPE_CHECKING:
    import socket

MAX_BODY_BYTES = 1_048_576
"""Deliveries have at most 256 KB; what is four times larger is not read into memory."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_AT_ONCE = 32
_FORWARD_SECONDS = 25.0
"""The sender gives up after 30 seconds; by then it should have been told."""
_SILENCE_SECONDS = 30.0
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that belong to one connection and not to the message."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What became of one delivery.

    Attributes:
        received_at: When it arrived.
        type: Name of the event; empty for a delivery that was refused.
        event_id: Id of the event; empty for a delivery that was refused.
        delivery_id: Id of the delivery, as its header says.
        status: What the sender was answered.
        milliseconds: How long that took.
        problem: Why it was not handed on, or why the program could not take it.
    """

    received_at: datetime
    type: str
    event_id: str
    delivery_id: str
    status: int
    milliseconds: float
    problem: str | None = None


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine.

    Examples:
        >>> is_loopback("http://127.0.0.1:8080/v1"), is_loopback("https://api.sensei.ai/v1")
        (True, False)
    """
    return urlsplit(url).hostname in _LOOPBACK


def check_target(url: str) -> str:
    """Make sure that deliveries may be handed on to `url`.

    Raises:
        CommandError: It is no URL, or would carry them over a network in the clear.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _refused() from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise _refused()
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise CommandError(
            f"--forward-to: {parts.hostname} is another machine, and http would show it everything on the way; "
            "write https",
            exit_code=USAGE,
        )
    return url


def _refused() -> CommandError:
    # It may hold a password, so it is not repeated.
    return CommandError(
        "--forward-to: this is no address of a program; write http://localhost:PORT/PATH, with no user and no password",
        exit_code=USAGE,
    )


class Forwarder:
    """Checks a delivery and hands it on.

    Args:
        target: Where to.
        secret: What deliveries are signed with.
        tell: Called with what became of each delivery, from several threads but never at once.
    """

    def __init__(self, target: str, secret: str, tell: Callable[[Forwarded], None]) -> None:
        import httpx

        self._target = target
        self._secret = secret
        self._tell = tell
        self._telling = threading.Lock()
        # A proxy has nothing to do with a program on this machine.
        self._client = httpx.Client(timeout=_FORWARD_SECONDS, follow_redirects=False, trust_env=not is_loopback(target))

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def take(self, body: bytes, headers: Iterable[tuple[str, str]]) -> int:
        """Check one delivery, hand it on, and give the status to answer."""
        from sensei import WebhookVerificationError
        from sensei.webhooks import unwrap

        began, given = time.perf_counter(), list(headers)
        name = event_id = ""
        try:
            event = unwrap(body, given, secret=self._secret)
        except WebhookVerificationError as error:
            status: int = 400
            problem: str | None = str(error)
        else:
            name, event_id = event.type, event.id
            status, problem = self._forward(body, given)
        outcome = Forwarded(
            received_at=datetime.now(UTC),
            type=name,
            event_id=event_id,
            delivery_id=next((value for key, value in given if key.lower() == "x-sensei-delivery-id"), ""),
            status=status,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
            problem=problem,
        )
        with self._telling:
            self._tell(outcome)
        return status

    def _forward(self, body: bytes, headers: list[tuple[str, str]]) -> tuple[int, str | None]:
        import httpx

        # Made by hand: a client would add headers of its own.
        request = httpx.Request(
            "POST",
            self._target,
            headers=[(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP],
            content=body,
        )
        try:
            answer = self._client.send(request, stream=True)
        except httpx.TimeoutException:
            return 504, f"no answer within {_FORWARD_SECONDS:.0f} s"
        except httpx.HTTPError as error:
            return 502, f"not reached: {error}"
        # Whatever it says: only the status counts.
        answer.close()
        return answer.status_code, None


@contextmanager
def receiving(forwarder: Forwarder, port: int, *, path: str | None = None) -> Generator[str]:
    """Receive on loopback while the block runs; gives the URL to register.

    Args:
        forwarder: Takes what arrives.
        port: Where to listen; 0 for a free one.
        path: Prefix of the paths that are taken; one that nobody can guess when None.

    Raises:
        CommandError: The port cannot be had.
    """
    path = path or f"/{secrets.token_urlsafe(16)}"
    try:
        server = _Server(("127.0.0.1", port), _handler(forwarder, path))
    except OSError as error:
        raise CommandError(f"cannot listen on port {port}: {error.strerror}; choose another one with --port") from None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{path}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._places = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        # The sender tries again; a flood must not take all threads and memory of the machine.
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a sender that hangs up is its own affair."""


def _handler(forwarder: Forwarder, path: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SILENCE_SECONDS

        def do_POST(self) -> None:
            status = self._refusal()
            if status is None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return
                status = forwarder.take(body, self.headers.items())
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _refusal(self) -> int | None:
            """The status for a request that cannot be a delivery of ours."""
            length = self.headers.get("Content-Length", "")
            if not self.path.startswith(path):
                return 404
            if "Transfer-Encoding" in self.headers or not length:
                return 411
            if not (length.isascii() and length.isdecimal()):
                return 400
            return 413 if len(length) > 10 or int(length) > MAX_BODY_BYTES else None

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing: what arrives is told of elsewhere."""

    return Handler
