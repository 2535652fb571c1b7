"""Real servers for the tests of the server, and clients that hold every answer against the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sensei.server.clock import ControllableClock
from sensei.server.serve import ServerThread
from sensei.server.settings import Settings
from tests.server.scripted_engine import ScriptedEngine
from tests.server.world import World
from tests.support.contract import ContractClient

StartServer = Callable[..., ServerThread]
Calling = Callable[[str | None], ContractClient]


@pytest.fixture
def clock() -> ControllableClock:
    """The clock of the servers of this test; it can be moved on."""
    return ControllableClock()


@pytest.fixture
def start_server(tmp_path: Path, clock: ControllableClock) -> Iterator[StartServer]:
    """Starts a server over this test's state; given settings win."""
    with ExitStack() as stack:

        def start(*, api_key: str | None = None, **settings: Any) -> ServerThread:
            server = ServerThread(
                Settings(**{"state": tmp_path / "state.db", "clock": clock, **settings}), api_key=api_key
            )
            server.start()
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture
def server(start_server: StartServer) -> ServerThread:
    """A server with nothing in it but its first key, a sandbox key with every scope."""
    return start_server()


@pytest.fixture
def calling(server: ServerThread) -> Iterator[Calling]:
    """Makes clients with a credential."""
    with ExitStack() as stack:
        yield lambda credential: stack.enter_context(ContractClient(server.url, credential))


@pytest.fixture
def admin(server: ServerThread, calling: Calling) -> ContractClient:
    """A client with the server's first key."""
    return calling(server.api_key)


@pytest.fixture(scope="module")
def lasting_settings() -> dict[str, Any]:
    """Settings of the lasting server of a module; modules that need some override this."""
    return {}


@pytest.fixture(scope="module")
def lasting_server(
    tmp_path_factory: pytest.TempPathFactory, lasting_settings: dict[str, Any]
) -> Iterator[ServerThread]:
    """One server for all tests of a module that do not mind what the others leave behind."""
    folder = tmp_path_factory.mktemp("lasting")
    server = ServerThread(Settings(**{"state": folder / "state.db", **lasting_settings}))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def lasting_admin(lasting_server: ServerThread) -> Iterator[ContractClient]:
    """A client of the lasting server with its first key."""
    with ContractClient(lasting_server.url, lasting_server.api_key) as client:
        yield client


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedEngine]:
    """An engine that does as the test says, in place of the real one."""
    scripted = ScriptedEngine()
    scripted.install(monkeypatch)
    yield scripted
    # Nothing may wait for a test that is over.
    scripted.go_on.set()


@pytest.fixture
def world(engine: ScriptedEngine, server: ServerThread, admin: ContractClient) -> World:
    """A server over a scripted engine, with two connections."""
    return World(server, admin)
