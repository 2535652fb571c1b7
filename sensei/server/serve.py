"""Binding and running the server: what `sensei serve` and the test kit stand on. Prints nothing."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from sensei.server.app import create_app
from sensei.server.http.protocol import WatchedProtocol
from sensei.server.runtime import Runtime, ensure_api_key
from sensei.server.settings import Settings


class ServeError(Exception):
    """The server cannot run as asked; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Facts about a server that is ready."""

    url: str
    """Origin, e.g. ``http://127.0.0.1:8080``."""
    api_key: str = field(repr=False)
    """A key with every scope."""
    state: str
    """Where the state is, without passwords."""


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_origin(text: str) -> bool:
    """Whether this is scheme and host of a website, and nothing more."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return good and text.rstrip("/") == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        ServeError: The address is taken or not possible.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or else asyncio leaves Nagle's algorithm on for accepted sockets and answers take 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        number = error.errno if isinstance(error, OSError) else None
        if number == errno.EADDRINUSE:
            raise ServeError(
                f"port {port} on {host} is taken; choose another with --port, or 0 for a free one"
            ) from None
        if number == errno.EACCES:
            raise ServeError(f"port {port} needs more rights; choose one above 1023") from None
        raise ServeError(f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}") from None
    return listener


def origin_of(listener: socket.socket, *, tls: bool = False) -> str:
    """The origin a client uses for this socket."""
    host, port = listener.getsockname()[:2]
    # Whoever listens everywhere can be reached here; how others reach it, only --public-url can tell.
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = "::1" if ":" in host else "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{shown}:{port}"


class HttpServer(uvicorn.Server):
    """uvicorn that tells when it is ready, and lets event streams end before it waits for open connections."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._runtime = runtime
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """Ask ten times a second whether to go on: not without a disk that takes what is committed."""
        if self._runtime.store.is_lost and not self.should_exit:
            self.ask_to_stop()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's hook
        """A signal to stop; a second one stops waiting for open connections.

        Unlike uvicorn's own it does not raise the signal again afterwards: a server that stopped in good order returns.
        """
        self.force_exit: bool = self.should_exit
        self.ask_to_stop()

    def ask_to_stop(self) -> None:
        """Stop soon: running work is checkpointed, streams are closed, requests in flight are answered."""
        self._runtime.begin_stop()
        self.should_exit = True


def http_server(
    app: FastAPI,
    on_ready: Callable[[], None],
    *,
    certificate: Path | None = None,
    private_key: Path | None = None,
) -> HttpServer:
    """A server for the application, not yet running."""
    settings: Settings = app.state.runtime.settings
    config = uvicorn.Config(
        app,
        http=_protocol(settings),
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        # Without a proxy in front, anybody could put any address into X-Forwarded-For.
        proxy_headers=settings.public_url is not None,
        timeout_graceful_shutdown=10,
        ssl_certfile=certificate,
        ssl_keyfile=private_key,
    )
    return HttpServer(config, app.state.runtime, on_ready)


def _protocol(settings: Settings) -> type[asyncio.Protocol]:
    if not settings.faults:
        return WatchedProtocol
    from sensei.server.faults.transport import BreakableProtocol

    return BreakableProtocol


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    api_key: str | None = None,
    certificate: Path | None = None,
    private_key: Path | None = None,
    allow_remote: bool = False,
    on_ready: Callable[[Serving], None] | None = None,
) -> None:
    """Run the server in this thread until it is told to stop (SIGINT or SIGTERM).

    Parameters:
        settings: State, limits, clock.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        api_key: A key with every scope to be accepted (``sk_test_…`` or ``sk_live_…``); a fresh one when absent.
        certificate: PEM file of the TLS certificate.
        private_key: PEM file of its key.
        allow_remote: Listen beyond loopback without TLS.
        on_ready: Called once, with the facts, when the server answers.

    Raises:
        ServeError: The address is taken, or not allowed without TLS; or the disk of the state refused to write.
        StoreError, VaultError: The state cannot be opened.
        ValueError: The key is not of the form of a key.
    """
    tls = certificate is not None
    if not is_loopback(host) and not tls and not allow_remote:
        raise ServeError(
            f"{host} can be reached from other machines and there is no TLS: credentials would travel in the clear; "
            "give --tls-cert and --tls-key, or --allow-remote if something in front does TLS"
        )
    if settings.public_url is not None and not is_origin(settings.public_url):
        raise ServeError("the public URL must be an origin such as https://sensei.example, without a path")
    listener = bind(host, port)
    try:
        app = create_app(settings)
        runtime: Runtime = app.state.runtime
        runtime.origin = (settings.public_url or origin_of(listener, tls=tls)).rstrip("/")
        key = ensure_api_key(runtime, api_key)
        facts = Serving(url=runtime.origin, api_key=key, state=runtime.store.description)
        server = http_server(
            app, lambda: on_ready(facts) if on_ready else None, certificate=certificate, private_key=private_key
        )
        server.run(sockets=[listener])
    finally:
        listener.close()
    if not server.started:
        raise ServeError("the server could not start; see the log")
    if runtime.store.is_lost:
        raise ServeError(
            f"the disk did not take a change of {runtime.store.description}; what was answered before is on it"
        )


class ServerThread:
    """A server in a thread of its own. `start` returns when it answers; `stop` when everything is closed.

    Parameters:
        settings: State, limits, clock.
        api_key: As for `serve`.
        host: A loopback address.
        port: 0 takes a free one.
    """

    def __init__(
        self, settings: Settings, *, api_key: str | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._listener = bind(host, port)
        try:
            self.app: FastAPI = create_app(settings)
            self.runtime: Runtime = self.app.state.runtime
            self.runtime.origin = (settings.public_url or origin_of(self._listener)).rstrip("/")
            self.api_key: str = ensure_api_key(self.runtime, api_key)
        except BaseException:
            self._listener.close()
            raise
        self.url: str = origin_of(self._listener)
        self._ready = threading.Event()
        self._server = http_server(self.app, self._ready.set)
        self._thread = threading.Thread(target=self._run, name="sensei-server", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Run, and return once requests are answered.

        Raises:
            ServeError: The server could not start.
        """
        self._thread.start()
        self._ready.wait()
        if not self._server.started:
            self._thread.join()
            raise ServeError("the server could not start; see the log") from self._failure

    def stop(self) -> None:
        """Checkpoint what runs, answer what is in flight, close everything."""
        if self._thread.is_alive():
            self._server.ask_to_stop()
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()
