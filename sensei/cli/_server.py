"""Which server does the work: the embedded one, or the one that is configured."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sensei.cli._errors import USAGE, CommandError
from sensei.cli._options import Options
from sensei.cli._text import listing

if TYPE_CHECKING:
    from sensei import Client

_SERVER_NEEDS = ("cryptography", "fastapi", "psycopg", "sqlalchemy", "uvicorn")
_NAMING_VARIABLES = ("SENSEI_API_KEY", "SENSEI_API_URL", "SENSEI_PROFILE")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready, and a client of it."""

    client: Client
    name: str
    """`embedded`, or the origin of the API."""
    embedded: bool


def is_configured(options: Options) -> bool:
    """Whether the user has named a server or a key; a broken configuration counts too, and is then reported."""
    from sensei import ConfigurationError

    if options.profile or any(os.environ.get(name) for name in _NAMING_VARIABLES):
        return True
    try:
        make_client(Options()).close()
    except ConfigurationError as error:
        return error.code != "no_api_key"
    return True


def make_client(options: Options, *, base_url: str | None = None, api_key: str | None = None) -> Client:
    """A client as `Client()` would be, which keeps what was exchanged when `--debug` asks for it.

    A profile that was asked for with `--profile` comes before the environment, like every option.
    """
    from sensei import Client, __version__
    from sensei._config import DEFAULT_TIMEOUT

    hooks = None
    if options.debug:
        from sensei.cli._exchange import ExchangeLog

        options.exchange = ExchangeLog()
        hooks = options.exchange.hooks()
    if options.profile and api_key is None and base_url is None:
        base_url, api_key = _named_profile(options.profile)
    return Client(
        api_key,
        base_url=base_url,
        profile=options.profile,
        timeout=options.settings.timeout or DEFAULT_TIMEOUT,
        hooks=hooks,
        app_info=("sensei-cli", __version__),
    )


def _named_profile(name: str) -> tuple[str | None, str | None]:
    """URL and key of a profile, whatever the environment says; nothing when the profile has no key of its own."""
    from sensei import ConfigurationError
    from sensei._config import resolve

    try:
        found = resolve(
            None, credentials=None, base_url=None, profile=name, allow_insecure=False, environ=_without_server()
        )
    except ConfigurationError as error:
        if error.code == "no_api_key":
            return None, None
        raise
    return found.server.url, found.api_key if isinstance(found.api_key, str) else None


def _without_server() -> dict[str, str]:
    """The environment without what it says of a server: a profile that was asked for comes before it."""
    return {key: value for key, value in os.environ.items() if key not in {"SENSEI_API_KEY", "SENSEI_API_URL"}}


def require_server() -> None:
    """Make sure that the reference server can be run here.

    Raises:
        CommandError: Its extra is not installed.
    """
    from importlib.util import find_spec

    missing = [name for name in _SERVER_NEEDS if find_spec(name) is None]
    if missing:
        raise CommandError(
            f'the local server needs an extra ({listing(missing)}): pip install "sensei-sdk[all]"', exit_code=USAGE
        )


@contextmanager
def configured_server(options: Options) -> Generator[Server]:
    """The hosted or self-hosted server that the environment or the profile names."""
    with make_client(options) as client:
        parts = urlsplit(str(client.base_url))
        yield Server(client, f"{parts.scheme}://{parts.netloc}", embedded=False)


@contextmanager
def open_client(options: Options) -> Generator[Client]:
    """A client of the configured server, closed at the end."""
    with configured_server(options) as server:
        yield server.client


@contextmanager
def open_public_client(options: Options) -> Generator[Client]:
    """A client for what the configured server shows to everyone; needs no key."""
    from sensei._config import resolve

    # The SDK wants a key for every client. This one goes nowhere.
    key = "none"
    found = resolve(
        key,
        credentials=None,
        base_url=None,
        profile=options.profile,
        allow_insecure=False,
        environ=_without_server() if options.profile else os.environ,
    )
    with make_client(options, api_key=key, base_url=found.server.url) as client:
        yield client


@contextmanager
def embedded_server(options: Options, folder: Path, *, keep_state: bool) -> Generator[Server]:
    """The reference server, inside this process, on a free loopback port.

    Args:
        options: Shared options.
        folder: Where it writes `server.log`, when there is anything to write, and its state.
        keep_state: Whether its state outlives the process.
    """
    require_server()
    from sensei.server.crypto.vault import VaultError
    from sensei.server.serve import ServeError
    from sensei.server.store.database import StoreError
    from sensei.testing import LocalServer

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    local = LocalServer(state=folder / "state.db" if keep_state else None)
    with _log_to(folder / "server.log", options):
        try:
            local.start()
        except (ServeError, StoreError, VaultError) as error:
            raise CommandError(f"the embedded server could not start: {error}") from None
        try:
            # The profile is about other servers.
            own = Options(debug=options.debug)
            with make_client(own, base_url=local.url, api_key=local.api_key) as client:
                options.exchange = own.exchange
                yield Server(client, "embedded", embedded=True)
        finally:
            local.stop()


class _PrivateFile(logging.FileHandler):
    """A log file for its owner only: what went wrong with data may tell of the data."""

    def _open(self) -> TextIOWrapper:
        os.close(os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT, 0o600))
        return super()._open()


@contextmanager
def _log_to(path: Path, options: Options) -> Generator[None]:
    """Keep what the server logs out of the way of what the user is told."""
    log = logging.getLogger("sensei.server")
    handler = logging.StreamHandler() if options.debug else _PrivateFile(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.setLevel(logging.WARNING)
    propagated, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagated
        handler.close()
