"""The pytest plugin. It is loaded in every run of pytest, so it imports nothing before a fixture is used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sensei import AsyncClient, Client
    from sensei.testing.local_server import LocalServer


@pytest.fixture
def sensei_server() -> Iterator[LocalServer]:
    """A running `LocalServer` with a fresh state and scripted faults available."""
    from sensei.testing.local_server import LocalServer

    with LocalServer(faults=True) as server:
        yield server


@pytest.fixture
def sensei_client(sensei_server: LocalServer) -> Iterator[Client]:
    """A `Client` of `sensei_server`."""
    from sensei import Client

    with Client(base_url=sensei_server.url, api_key=sensei_server.api_key) as client:
        yield client


@pytest.fixture
async def sensei_async_client(sensei_server: LocalServer) -> AsyncIterator[AsyncClient]:
    """An `AsyncClient` of `sensei_server`, for tests that run under anyio's plugin (``@pytest.mark.anyio``)."""
    from sensei import AsyncClient

    async with AsyncClient(base_url=sensei_server.url, api_key=sensei_server.api_key) as client:
        yield client
