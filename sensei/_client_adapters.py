"""Calls through a client of the user's own, of httpx or httpx2, or through one that goes by a proxy.

It is used as it is, through its own `build_request` and `send`; a session of aiohttp is spoken to in `_aiohttp`.
Loaded only where there is one.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from sensei._concurrency import async_place, async_place_is_over, call_after_fork, place
from sensei._http import RawHeaders, end_of, remaining, tls_context
from sensei._redact import mask_text
from sensei.errors import ConfigurationError

if TYPE_CHECKING:
    import aiohttp
    import httpx


ClientT = TypeVar("ClientT")


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

    def close(self) -> None:
        """Leave the client open: it is the user's."""

    def shut(self) -> None:
        """Close the client."""
        self._client.close()


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

    async def aclose(self) -> None:
        """Leave the client open: it is the user's."""

    async def shut(self) -> None:
        """Close the client."""
        await self._client.aclose()


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


def proxy_adapter() -> ClientAdapter:
    """A client that goes through the proxies of the environment."""
    return ProxyClientAdapter()


def async_proxy_adapter() -> AsyncClientAdapter:
    """A client that goes through the proxies of the environment."""
    return AsyncProxyClientAdapter()


class _Places(Generic[ClientT]):
    """Clients of our own, one for each process and event loop, since their connections belong there."""

    def __init__(self, make: Callable[[], ClientT], here: Callable[[], object]) -> None:
        self._make = make
        self._here = here
        self._clients: dict[object, ClientT] = {}
        self._inherited: list[ClientT] = []
        call_after_fork(self)

    def _after_fork(self) -> None:
        # Kept, not closed: their connections are in use in the parent.
        self._inherited += self._clients.values()
        self._clients = {}

    def client(self) -> ClientT:
        """The one for here."""
        here = self._here()
        found = self._clients.get(here)
        if found is None:
            for place in [place for place in self._clients if async_place_is_over(place)]:
                del self._clients[place]
            found = self._clients.setdefault(here, self._make())
        return found

    def take(self) -> ClientT | None:
        """The one for here, to be closed; those of other places are forgotten."""
        found = self._clients.pop(self._here(), None)
        self._clients.clear()
        return found


def _made() -> ClientAdapter:
    import httpx

    with _named_proxies():
        return ClientAdapter(httpx.Client(verify=tls_context()))


def _async_made() -> AsyncClientAdapter:
    import httpx

    with _named_proxies():
        return AsyncClientAdapter(httpx.AsyncClient(verify=tls_context()))


@contextmanager
def _named_proxies() -> Generator[None, None, None]:
    """Tells who names a proxy that cannot be used."""
    from urllib.parse import urlsplit
    from urllib.request import getproxies

    try:
        for scheme in ("http", "https", "all"):
            # A port that no machine has would fail when it is used, and differently from system to system.
            _ = urlsplit(getproxies().get(scheme, "")).port
        yield
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used: {mask_text(str(error))}"
        ) from None


class ProxyClientAdapter(ClientAdapter):
    """A sync client of our own that goes through the proxies of the environment."""

    def __init__(self) -> None:
        self._places = _Places(_made, place)

    def send(
        self, method: str, url: str, headers: RawHeaders, body: bytes | None, timeouts: dict[str, float | None]
    ) -> AdaptedResponse:
        return self._places.client().send(method, url, headers, body, timeouts)

    def close(self) -> None:
        found = self._places.take()
        if found is not None:
            found.shut()


class AsyncProxyClientAdapter(AsyncClientAdapter):
    """What `ProxyClientAdapter` is for the async client."""

    def __init__(self) -> None:
        self._places = _Places(_async_made, async_place)

    async def send(
        self, method: str, url: str, headers: RawHeaders, body: bytes | None, timeouts: dict[str, float | None]
    ) -> AsyncAdaptedResponse:
        return await self._places.client().send(method, url, headers, body, timeouts)

    async def aclose(self) -> None:
        found = self._places.take()
        if found is not None:
            await found.shut()
