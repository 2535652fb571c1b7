"""Calls through a client of the user's own, of httpx or httpx2.

It is used as it is, through its own `build_request` and `send`; a session of aiohttp is spoken to in `_aiohttp`.
Loaded only where there is one.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Protocol, cast

from sensei._http import RawHeaders, end_of, remaining
from sensei.errors import ConfigurationError

if TYPE_CHECKING:
    import aiohttp
    import httpx


class AdaptedResponse(Protocol):
    """What is used of a response of httpx or httpx2."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> AdaptedHeaders: ...

    @property
    def is_stream_consumed(self) -> bool: ...

    def iter_bytes(self) -> Iterator[bytes]:
        """The body, unpacked."""
        ...

    def iter_raw(self) -> Iterator[bytes]:
        """The body as it came."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


class AsyncAdaptedResponse(Protocol):
    """What is used of a response of an async client."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> AdaptedHeaders: ...

    @property
    def is_stream_consumed(self) -> bool: ...

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body, unpacked."""
        ...

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The body as it came."""
        ...

    async def aclose(self) -> None:
        """Let the connection go."""
        ...


class AdaptedHeaders(Protocol):
    """What is used of their headers."""

    @property
    def raw(self) -> RawHeaders: ...


class _Requests:
    """Makes requests by a client's own `build_request`, so that all its settings apply.

    Two parts of that cost more than the rest together, and are done more simply here: the URL, which is parsed once
    for each text, as programs ask for the same things again and again; and our headers, which would be looked up one
    by one among the client's.
    """

    def __init__(self, client: httpx.Client | httpx.AsyncClient) -> None:
        self._client = client
        # Of httpx or of httpx2: whichever the client is of.
        self._url = lru_cache(maxsize=256)(type(client.base_url))
        self._headers = type(client.headers)
        # A method of the user's own may look at the headers it is given.
        self._plain = type(client).build_request.__module__.startswith("httpx")

    def build(
        self, method: str, url: str, headers: RawHeaders, body: bytes | None, timeouts: dict[str, float | None]
    ) -> httpx.Request:
        """A request with the client's settings and our headers, which win."""
        client, target = self._client, self._url(url)
        # The client's own query members would take the place of those in the URL.
        params = target.params if client.params else None
        one = timeouts["connect"]
        left = remaining(one)  # mostly they are all the same
        extensions = {"timeout": {name: left if each is one else remaining(each) for name, each in timeouts.items()}}
        if not self._plain:
            return client.build_request(
                method, target, content=body, params=params, headers=headers, extensions=extensions
            )
        request = client.build_request(method, target, content=body, params=params, extensions=extensions)
        ours = {name.lower() for name, _ in headers}
        theirs = [line for line in request.headers.raw if line[0].lower() not in ours]
        request.headers = self._headers(theirs + headers)
        return request


class ClientAdapter:
    """A sync client of httpx or httpx2. Its cookies, proxies, TLS and transports apply; redirects are not followed."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._requests = _Requests(client)

    def send(
        self, method: str, url: str, headers: RawHeaders, body: bytes | None, timeouts: dict[str, float | None]
    ) -> AdaptedResponse:
        """Send a request and give the response before its body."""
        check_open(self._client.is_closed)
        request = self._requests.build(method, url, headers, body, timeouts)
        return self._client.send(request, stream=True, follow_redirects=False, auth=None)

    def pieces(self, answer: AdaptedResponse, *, packed: bool) -> Iterator[bytes]:
        """The body of an answer; `packed` when it must be unpacked."""
        # Past the layers for unpacking when there is nothing to do. A body that a hook has read is only there.
        return answer.iter_bytes() if packed or answer.is_stream_consumed else answer.iter_raw()


class AsyncClientAdapter:
    """An async client of httpx or httpx2: what `ClientAdapter` is for a sync one."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._requests = _Requests(client)

    async def send(
        self, method: str, url: str, headers: RawHeaders, body: bytes | None, timeouts: dict[str, float | None]
    ) -> AsyncAdaptedResponse:
        """Send a request and give the response before its body."""
        check_open(self._client.is_closed)
        from anyio import move_on_after

        request = self._requests.build(method, url, headers, body, timeouts)
        end = end_of(timeouts)
        # The client counts each piece of a head that drips in by itself.
        with move_on_after(None if end is None else end - monotonic()):
            return await self._client.send(request, stream=True, follow_redirects=False, auth=None)
        raise TimeoutError("the time is up")

    def pieces(self, answer: AsyncAdaptedResponse, *, packed: bool) -> AsyncIterator[bytes]:
        """The body of an answer; `packed` when it must be unpacked."""
        return answer.aiter_bytes() if packed or answer.is_stream_consumed else answer.aiter_raw()


def adapt(client: object) -> ClientAdapter:
    """Wrap the client that the user passed to a sync client.

    Raises:
        ConfigurationError: it is none, or an async one.
    """
    if _kind(client) is not False:
        raise ConfigurationError(
            "http_client must be an httpx.Client (or an httpx2.Client); AsyncClient takes the async one"
        )
    return ClientAdapter(cast("httpx.Client", client))


def async_adapt(client: object) -> AsyncClientAdapter:
    """Wrap the client that the user passed to an async client.

    Raises:
        ConfigurationError: it is none, or a sync one.
    """
    if type(client).__module__.partition(".")[0] == "aiohttp":
        if getattr(client, "auth", None) is not None:
            raise ConfigurationError("the aiohttp session has a credential of its own, which would replace this one")
        from sensei._aiohttp import AiohttpAdapter

        return AiohttpAdapter(cast("aiohttp.ClientSession", client))
    if _kind(client) is not True:
        raise ConfigurationError(
            "http_client must be an httpx.AsyncClient, an httpx2.AsyncClient or an aiohttp.ClientSession; "
            "Client takes the sync ones"
        )
    return AsyncClientAdapter(cast("httpx.AsyncClient", client))


def check_open(is_closed: bool) -> None:
    """See to it that a client of the user's can be used.

    Raises:
        ConfigurationError: it was closed.
    """
    if is_closed:
        raise ConfigurationError("the http_client that was given to this client is closed: keep it open meanwhile")


def _kind(client: object) -> bool | None:
    """True for an async client, False for a sync one, None for anything else."""
    send = getattr(client, "send", None)
    if isinstance(client, type) or not callable(send) or not callable(getattr(client, "build_request", None)):
        return None
    return inspect.iscoroutinefunction(send)
