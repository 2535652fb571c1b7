"""One attempt: resolve, check the address, connect to that address, post, read the status."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import anyio
import httpcore
import httpx

from sensei.server.webhooks.addresses import BlockedAddressError, IPAddress, IPNetwork, blocked_because

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptOutcome:
    """How one attempt went. `error` is None exactly when it succeeded."""

    response_status: int | None
    duration_ms: float
    error: str | None
    answer: bytes = field(default=b"", repr=False)
    """The beginning of the answer's body, where it was asked for."""

    @property
    def delivered(self) -> bool:
        return self.error is None


class _CheckingBackend(httpcore.AsyncNetworkBackend):
    """Opens connections only to addresses that were looked at, never to a name that may resolve anew."""

    def __init__(self, allowed: Sequence[IPNetwork], *, loopback_only: bool) -> None:
        self._allowed = allowed
        self._loopback_only = loopback_only
        # httpcore types it as the stand-in it has where anyio is not installed.
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await _resolve(host, port)
        for address in addresses:
            self._check(address, host)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("the host name has no address")

    def _check(self, address: IPAddress, host: str) -> None:
        why = blocked_because(address, host=host, allowed=self._allowed)
        if why is None and self._loopback_only and not address.is_loopback:
            why = "non-loopback"
        if why is not None:
            raise BlockedAddressError(f"{host} resolves to a {why} address; nothing is delivered there")


async def _resolve(host: str, port: int) -> list[IPAddress]:
    try:
        infos = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError("the host name does not resolve") from error
    # Link-local IPv6 addresses come with a zone; `ip_address` knows it, and a repeated address need not be tried twice.
    return [ipaddress.ip_address(text) for text in dict.fromkeys(str(info[4][0]) for info in infos)]


async def attempt(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Sequence[IPNetwork] = (),
    ssl_context: ssl.SSLContext | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    answer_bytes: int = 0,
) -> AttemptOutcome:
    """Post `body` to `url` once. Never raises for what a receiver or the network does.

    The time counts from the look-up of the name to the status line, and to the end of what is read of the answer's
    body: `answer_bytes` at most. For a webhook that is nothing: it says nothing that a delivery needs.
    """
    started = time.perf_counter()
    status: int | None = None
    error: str | None = None
    answer = b""
    try:
        with anyio.fail_after(timeout_seconds):
            status, answer = await _post(url, body, headers, allowed, ssl_context, answer_bytes)
        if 300 <= status < 400:
            error = f"HTTP {status}; redirects are not followed"
        elif not 200 <= status < 300:
            error = f"HTTP {status}"
    except (TimeoutError, httpcore.TimeoutException):
        error = f"no answer within {timeout_seconds:g} s"
    except BlockedAddressError as blocked:
        error = str(blocked)
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as failure:
        error = _one_line(failure)
    except (OSError, ssl.SSLError, UnicodeError, httpx.InvalidURL) as failure:
        error = _one_line(failure)
    duration_ms = round((time.perf_counter() - started) * 1000, 3)
    return AttemptOutcome(response_status=status, duration_ms=duration_ms, error=error, answer=answer)


@cache
def _trusted() -> ssl.SSLContext:
    # Reads some hundred certificates; once is enough. Knows SSL_CERT_FILE and SSL_CERT_DIR.
    return httpx.create_ssl_context()


async def _post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allowed: Sequence[IPNetwork],
    ssl_context: ssl.SSLContext | None,
    answer_bytes: int,
) -> tuple[int, bytes]:
    parsed = httpx.URL(url)
    loopback_only = parsed.scheme == "http"
    wire_headers = [
        (b"Host", parsed.netloc),
        *((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()),
        (b"Content-Length", str(len(body)).encode("ascii")),
        (b"Connection", b"close"),
    ]
    target = httpcore.URL(
        scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path or b"/"
    )
    backend = _CheckingBackend(allowed, loopback_only=loopback_only)
    async with (
        httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or _trusted(), network_backend=backend, max_keepalive_connections=0
        ) as pool,
        pool.stream("POST", target, headers=wire_headers, content=body) as response,
    ):
        answer = b""
        if answer_bytes:
            async for chunk in response.aiter_stream():
                answer += chunk
                if len(answer) >= answer_bytes:
                    break
        return response.status, answer[:answer_bytes]


def _one_line(failure: BaseException) -> str:
    """What went wrong in a line that a person can act on."""
    for cause in _causes(failure):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the TLS certificate was refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "the TLS handshake failed"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
    if isinstance(failure, httpcore.ReadError | httpcore.WriteError):
        return "the connection broke before an answer came"
    if isinstance(failure, httpcore.ProtocolError):
        return "the answer is not HTTP"
    text = " ".join(str(failure).split())
    return (text or "the connection could not be made")[:500]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and the members of groups on the way."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _causes(member)
    cause = error.__cause__ or error.__context__
    if cause is not None:
        yield from _causes(cause)
