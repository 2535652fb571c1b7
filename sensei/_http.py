"""The only place that names the HTTP library.

The SDK's own calls stand on httpcore, the ground of httpx. A client that the user passes is spoken to in
`_client_adapters`. Failures are told apart by the names of their classes, so that no library is loaded without need.
"""

from __future__ import annotations

import enum
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    import aiohttp
    import httpcore
    import httpx

    from sensei._config import Server
    from sensei._network import AsyncNetwork, Network
    from sensei._proxies import Proxy
    from sensei._request import TimeoutTypes

Request: TypeAlias = "httpcore.Request"
Response: TypeAlias = "httpcore.Response"
AsyncConnection: TypeAlias = "httpcore.AsyncConnectionInterface"
Connection: TypeAlias = "httpcore.ConnectionInterface"

HTTPClient: TypeAlias = "httpx.Client"
"""A client of the user's own; one of httpx2 works as well."""

AsyncHTTPClient: TypeAlias = "httpx.AsyncClient | aiohttp.ClientSession"
"""A client of the user's own; one of httpx2 works as well."""

RawHeaders: TypeAlias = "list[tuple[bytes, bytes]]"

KEEP_ALIVE = 20.0
"""Seconds that an idle connection is kept."""


# Time

LONGEST_TIMEOUT = 2_000_000.0
"""Seconds, some three weeks: more than that, the sockets of some systems cannot count."""


class Limit(float):
    """Seconds for one operation on a socket, and the moment at which all of them must be over.

    The HTTP library hands the very object on to the network, where `left` makes both count: an answer that drips in
    byte by byte cannot outlast the deadline.
    """

    __slots__ = ("deadline",)

    deadline: float

    def left(self) -> float:
        """Seconds for the next operation, zero or more."""
        return max(0.0, min(self, self.deadline - monotonic()))


def limits(timeout: TimeoutTypes, deadline: float | None) -> dict[str, float | None]:
    """The time-outs of one attempt, as the HTTP library wants them.

    Args:
        timeout: seconds for the whole attempt, or an httpx timeout object for each of its operations.
        deadline: when the call must be over, on the monotonic clock, or None.
    """
    if timeout is None or isinstance(timeout, int | float):
        end = None if timeout is None else monotonic() + timeout
        if end is not None and deadline is not None:
            end = min(end, deadline)
        one = _limit(timeout, deadline if end is None else end)
        return {"connect": one, "read": one, "write": one, "pool": one}
    each = cast("httpx.Timeout", timeout).as_dict()
    return {name: _limit(each.get(name), deadline) for name in ("connect", "read", "write", "pool")}


def _limit(seconds: float | None, end: float | None) -> float | None:
    if end is None:
        return None if seconds is None else min(seconds, LONGEST_TIMEOUT)
    limit = Limit(LONGEST_TIMEOUT if seconds is None else min(seconds, LONGEST_TIMEOUT))
    limit.deadline = end
    return limit


def end_of(timeouts: dict[str, float | None]) -> float | None:
    """When an attempt must be over, on the monotonic clock; None when nothing bounds the whole of it."""
    read = timeouts["read"]
    return read.deadline if isinstance(read, Limit) else None


def remaining(timeout: float | None) -> float | None:
    """Seconds that are left now, for those who do not know of limits."""
    return timeout.left() if isinstance(timeout, Limit) else timeout


# Failures


class Trouble(enum.Enum):
    """How an attempt failed."""

    NOT_SENT = "the connection could not be made"
    NOT_SENT_IN_TIME = "the connection could not be made in time"
    CUT = "the connection broke before the whole answer came"
    TOO_LATE = "the answer did not come in time"
    UNSENDABLE = "the request cannot be sent as it is"
    UNTRUSTED = "the certificate of the server was not accepted"
    UNWELCOME = "the server wants a certificate of this client that it accepts, and got none"
    NO_TLS = "what answers there does not speak TLS"
    NO_WAY = "the proxy did not make the connection"


_TROUBLES = {
    "ConnectTimeout": Trouble.NOT_SENT_IN_TIME,
    "ConnectionTimeoutError": Trouble.NOT_SENT_IN_TIME,
    "PoolTimeout": Trouble.NOT_SENT_IN_TIME,
    "TimeoutException": Trouble.TOO_LATE,
    "ConnectError": Trouble.NOT_SENT,
    "ClientConnectorError": Trouble.NOT_SENT,
    "ServerTimeoutError": Trouble.TOO_LATE,
    "ClientConnectionError": Trouble.CUT,
    "ClientPayloadError": Trouble.CUT,
    "ClientResponseError": Trouble.CUT,
    "ProxyError": Trouble.NO_WAY,
    "UnsupportedProtocol": Trouble.UNSENDABLE,
    "InvalidURL": Trouble.UNSENDABLE,
    "LocalProtocolError": Trouble.UNSENDABLE,
    "NetworkError": Trouble.CUT,
    "RemoteProtocolError": Trouble.CUT,
    "DecodingError": Trouble.CUT,
    "TransportError": Trouble.CUT,
    "StaleAnswer": Trouble.CUT,
    "TimeoutError": Trouble.TOO_LATE,
    "OSError": Trouble.CUT,
}


_UNMADE = {Trouble.CUT: Trouble.NO_WAY, Trouble.TOO_LATE: Trouble.NOT_SENT_IN_TIME}
"""What the same failures are on a way that is not made yet: nothing was sent."""


def trouble(error: BaseException, *, unmade: bool = False) -> Trouble | None:
    """How the attempt that raised `error` failed; None when the error is not one of the network.

    Args:
        error: what was raised.
        unmade: True when a proxy had not made the way to the server yet.
    """
    for cls in type(error).__mro__:
        found = _TROUBLES.get(cls.__name__)
        if found is not None:
            if unmade:
                found = _UNMADE.get(found, found)
            return (_tls_trouble(error) or found) if found in {Trouble.NOT_SENT, Trouble.CUT} else found
    return None


_UNWELCOME = re.compile(r"ALERT_(CERTIFICATE_\w+|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA)$").search
"""What a server says that refuses a handshake for the client's certificate. It has done nothing then."""


def _tls_trouble(error: BaseException) -> Trouble | None:
    for one in _chain(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return Trouble.UNTRUSTED
        if isinstance(one, ssl.SSLError) and one.reason:
            if _UNWELCOME(one.reason):
                return Trouble.UNWELCOME
            if one.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
                return Trouble.NO_TLS
    return None


def reason_of(error: BaseException) -> str:
    """What the library or the system says of a failure; some say it only below the error that comes out."""
    for one in _chain(error):
        if isinstance(one, ssl.SSLCertVerificationError) and one.verify_message:
            return one.verify_message.rstrip(".")
    return next((text for one in _chain(error) if (text := str(one))), "")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that led to it; they may run in a circle."""
    one: BaseException | None = error
    for _ in range(10):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__


class StaleAnswer(Exception):  # noqa: N818 - troubles are told apart by their names
    """An answer that was there before its request."""


def socket_of(response: Response) -> object:
    """The network stream below a response; None where there is no network, as in tests."""
    extensions: Mapping[str, object] = vars(response)["extensions"]
    return extensions.get("network_stream")


def check_fresh(response: Response) -> None:
    """See to it that an answer came after its request.

    A server that sends more bytes than it announced leaves the rest in the buffer of the connection, where it would
    be taken for the answer to the next request.

    Raises:
        StaleAnswer: it did not.
    """
    if getattr(socket_of(response), "asked", False):
        raise StaleAnswer("the connection carried an answer that nobody had asked for")


# TLS


@cache
def tls_context() -> ssl.SSLContext:
    """The one TLS context of this process, made when the first https connection needs it.

    It trusts what `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else the certificates that come with the HTTP library.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        context = ssl.create_default_context(cafile=file or None, capath=folder or None)
    else:
        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


# Requests and connections


class _Content:
    """The body of a request, in one piece.

    That of the HTTP library goes through generators, which trio complains of when a call is cancelled in between.
    """

    __slots__ = ("_body",)

    def __init__(self, body: bytes | None) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(()) if self._body is None else iter((self._body,))

    def __aiter__(self) -> _Pieces:
        return _Pieces(iter(self))


class _Pieces:
    __slots__ = ("_left",)

    def __init__(self, left: Iterator[bytes]) -> None:
        self._left = left

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._left:
            return piece
        raise StopAsyncIteration


_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


class Target:
    """Where the connections of a pool lead, with what every request to it has in common.

    Raises:
        ConfigurationError: the environment names a proxy that cannot be used.
    """

    def __init__(self, server: Server) -> None:
        import httpcore

        self.proxy: Proxy | None = None
        if any(name.lower() in _PROXIES and os.environ[name] for name in os.environ):
            from sensei._proxies import proxy_of

            self.proxy = proxy_of(server)

        self._library = httpcore
        self.server = server
        self.scheme: bytes = server.scheme.encode("ascii")
        self.host: bytes = server.host.encode("ascii")
        self.host_header: tuple[bytes, bytes] = (b"Host", server.netloc.encode("ascii"))
        self.origin: httpcore.Origin = httpcore.Origin(
            self.scheme, self.host, server.port or {"http": 80, "https": 443}[server.scheme]
        )

    def request(
        self, method: str, path: str, headers: RawHeaders, body: bytes | None, timeouts: dict[str, float | None]
    ) -> Request:
        """A request ready to be sent. `path` includes the query."""
        url = self._library.URL(scheme=self.scheme, host=self.host, port=self.server.port, target=path.encode("ascii"))
        return self._library.Request(
            method, url, headers=[self.host_header, *headers], content=_Content(body), extensions={"timeout": timeouts}
        )

    def connection(self, network: Network) -> Connection:
        """A connection, not opened yet."""
        if self.proxy is not None:
            return self.proxy.connection(self.origin, self._tls(), KEEP_ALIVE, network)
        return self._library.HTTPConnection(
            self.origin, ssl_context=self._tls(), keepalive_expiry=KEEP_ALIVE, network_backend=network
        )

    def async_connection(self, network: AsyncNetwork) -> AsyncConnection:
        """A connection, not opened yet."""
        if self.proxy is not None:
            return self.proxy.async_connection(self.origin, self._tls(), KEEP_ALIVE, network)
        return self._library.AsyncHTTPConnection(
            self.origin, ssl_context=self._tls(), keepalive_expiry=KEEP_ALIVE, network_backend=network
        )

    def is_unmade(self, connection: Connection | AsyncConnection) -> bool:
        """True when a proxy has not made the way yet, so that no request of ours can have gone it."""
        if self.proxy is None or (self.scheme == b"http" and not self.proxy.is_socks):
            return False
        # It says whom it speaks to: the proxy, until it is asked to hand on.
        return str(self.origin) not in connection.info()

    def _tls(self) -> ssl.SSLContext | None:
        return tls_context() if self.scheme == b"https" else None
