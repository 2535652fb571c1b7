"""What the environment says beside the SDK's own settings: netrc files, and proxies that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aiohttp
import anyio
import pytest

from sensei import AsyncClient, Client, ConfigurationError
from tests.client.faulty import FaultyServer, reply


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")  # of aiohttp's own use of it
@pytest.mark.parametrize("netrc", [b"machine 127.0.0.1 login me password HUSH\n", b"default login x password HUSH\n"])
def test_a_netrc_file_that_stands_in_the_way_of_the_key_is_named(
    netrc: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "netrc"
    file.write_bytes(netrc)
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))

    async def ask() -> None:
        async with aiohttp.ClientSession(trust_env=True) as session:
            client = AsyncClient("sk_test_1", base_url=server.url, http_client=session)
            await client.request("GET", "/alerts")

    with FaultyServer(lambda heard: reply({})) as server, pytest.raises(ConfigurationError, match="netrc") as caught:
        anyio.run(ask)
    assert server.heard == []
    assert "HUSH" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1", "http://127.0.0.1:99999"])
def test_a_proxy_that_cannot_be_used_is_named(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    def ask() -> None:
        with Client("sk_test_1", base_url="http://127.0.0.1:1", max_retries=0) as client:
            client.usage.current()

    async def ask_async() -> None:
        async with AsyncClient("sk_test_1", base_url="http://127.0.0.1:1", max_retries=0) as client:
            await client.usage.current()

    tries: list[Callable[[], object]] = [ask, lambda: anyio.run(ask_async)]
    for one in tries:
        with pytest.raises(ConfigurationError, match="HTTP_PROXY"):
            one()
