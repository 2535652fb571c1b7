"""Calls through a session of aiohttp, for programs that make very many at a time; the `[aiohttp]` extra."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from sensei._client_adapters import AsyncClientAdapter, check_open
from sensei._http import LONGEST_TIMEOUT, Limit, RawHeaders, remaining
from sensei._redact import SecretBytes, SecretText
from sensei.errors import ConfigurationError

if TYPE_CHECKING:
    import aiohttp

PIECE = 64 * 1024


class _Answer:
    """A response of aiohttp, with the names that the transport reads."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status_code = response.status
        self.raw: RawHeaders = list(response.raw_headers)
        self.is_stream_consumed: bool = False

    @property
    def headers(self) -> _Answer:
        return self

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        while chunk := await self._response.content.readany():
            yield chunk

    aiter_raw = aiter_bytes  # unpacked by aiohttp itself

    async def aclose(self) -> None:
        # A connection whose answer was not read to its end cannot be used again.
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class AiohttpAdapter(AsyncClientAdapter):
    """A session of aiohttp. Its connector, proxies, TLS and cookies apply; redirects are not followed."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(
        self, method: str, url: str, headers: RawHeaders, body: bytes | None, timeouts: dict[str, float | None]
    ) -> _Answer:
        check_open(self._session.closed)
        lines = CIMultiDict((name.decode("ascii"), _text(value)) for name, value in headers)
        try:
            response = await self._session.request(
                method,
                URL(url, encoded=True),
                headers=lines,
                data=body,
                allow_redirects=False,
                timeout=_limits(timeouts),
            )
        except ValueError as error:
            if isinstance(error, ClientError) or not self._session.trust_env:
                raise
            # Its own words for a header beside what it found in that file name nothing that the user could change.
            raise ConfigurationError(
                "the aiohttp session trusts its environment (trust_env=True), and the netrc file there has a password "
                "for this host, or cannot be read: take the host out of the file, or set NETRC to another one"
            ) from None
        return _Answer(response)


def _text(value: bytes) -> str:
    return SecretText(value.decode("ascii")) if isinstance(value, SecretBytes) else value.decode("ascii")


def _limits(timeouts: dict[str, float | None]) -> ClientTimeout:
    read = timeouts["read"]
    return ClientTimeout(
        total=_at_least_a_moment(read) if isinstance(read, Limit) else None,
        connect=_at_least_a_moment(timeouts["pool"]),
        sock_connect=_at_least_a_moment(timeouts["connect"]),
        sock_read=_at_least_a_moment(read),
        ceil_threshold=LONGEST_TIMEOUT,  # else it rounds up to whole seconds from five on
    )


def _at_least_a_moment(timeout: float | None) -> float | None:
    # None left must not become zero, which means without end here.
    left = remaining(timeout)
    return None if left is None else max(left, 0.001)
