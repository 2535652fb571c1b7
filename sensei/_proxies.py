"""The proxies of the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, and NO_PROXY for hosts that need none."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sensei._redact import SecretBytes, SecretText, mask_text
from sensei.errors import ConfigurationError

if TYPE_CHECKING:
    import httpcore

    from sensei._config import Server
    from sensei._network import AsyncNetwork, Network


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy as the HTTP library wants it.

    Attributes:
        url: scheme, host and port.
        user: user and password, or None where it asks for neither.
    """

    url: str
    user: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def is_socks(self) -> bool:
        """True when it does not speak HTTP."""
        return self.url.startswith("socks")

    def connection(
        self, origin: httpcore.Origin, tls: ssl.SSLContext | None, keep_alive: float, network: Network
    ) -> httpcore.ConnectionInterface:
        """A connection to `origin` that goes through it, not opened yet.

        Raises:
            ConfigurationError: a library that it needs is missing.
        """
        import httpcore

        pool: httpcore.ConnectionPool
        if self.is_socks:
            check_socks()
            pool = httpcore.SOCKSProxy(
                self.url, self.user, ssl_context=tls, keepalive_expiry=keep_alive, network_backend=network
            )
        else:
            pool = httpcore.HTTPProxy(
                self.url,
                proxy_headers=self._headers(),
                ssl_context=tls,
                proxy_ssl_context=self._tls(),
                keepalive_expiry=keep_alive,
                network_backend=network,
            )
        return pool.create_connection(origin)

    def async_connection(
        self, origin: httpcore.Origin, tls: ssl.SSLContext | None, keep_alive: float, network: AsyncNetwork
    ) -> httpcore.AsyncConnectionInterface:
        """The same for the async client."""
        import httpcore

        pool: httpcore.AsyncConnectionPool
        if self.is_socks:
            check_socks()
            pool = httpcore.AsyncSOCKSProxy(
                self.url, self.user, ssl_context=tls, keepalive_expiry=keep_alive, network_backend=network
            )
        else:
            pool = httpcore.AsyncHTTPProxy(
                self.url,
                proxy_headers=self._headers(),
                ssl_context=tls,
                proxy_ssl_context=self._tls(),
                keepalive_expiry=keep_alive,
                network_backend=network,
            )
        return pool.create_connection(origin)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        if self.user is None:
            return []
        pair = ":".join(self.user).encode()
        return [(b"Proxy-Authorization", SecretBytes(b"Basic " + base64.b64encode(pair)))]

    def _tls(self) -> ssl.SSLContext | None:
        from sensei._http import tls_context

        return tls_context() if self.url.startswith("https:") else None


def check_socks() -> None:
    """See to it that a SOCKS proxy can be spoken to.

    Raises:
        ConfigurationError: a library is missing.
    """
    if find_spec("socksio") is None:
        raise ConfigurationError(
            "the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used: one of SOCKS needs socksio: "
            "pip install socksio"
        )


def proxy_of(server: Server) -> Proxy | None:
    """The proxy that the environment names for `server`, if any.

    Raises:
        ConfigurationError: there is one, and it cannot be used.
    """
    from urllib.request import getproxies, proxy_bypass

    if proxy_bypass(server.netloc):
        return None
    proxies = getproxies()
    named = SecretText(proxies.get(server.scheme) or proxies.get("all") or "")
    del proxies  # which may hold passwords, and reports of crashes print the variables of frames
    if not named:
        return None
    found = _parsed(named if "://" in named else f"http://{named}")
    if isinstance(found, str):
        raise ConfigurationError(f"the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used: {found}")
    return found


def _parsed(url: str) -> Proxy | str:
    """The proxy, or what is wrong with `url`; told in this way, no traceback passes its parts."""
    shown = mask_text(url)[:100]
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna" if not (parts.hostname or "").isascii() else "ascii").decode()
        port = parts.port or {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}[parts.scheme]
    except (ValueError, KeyError):
        return f"{shown} is no URL of a proxy, which begins with http, https, socks5 or socks5h and has a host and port"
    if not host:
        return f"{shown} names no host"
    user = None
    if parts.username or parts.password:
        user = (unquote(parts.username or ""), unquote(parts.password or ""))
    return Proxy(f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}", user)
