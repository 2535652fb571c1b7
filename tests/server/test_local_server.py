"""LocalServer, the pytest plugin and `serve`: what users of the package stand on."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from sensei.server.serve import ServeError, Serving, bind, is_loopback, serve
from sensei.server.settings import Settings
from sensei.testing import LocalServer


def _get(server: LocalServer, path: str = "/v1/connections") -> httpx.Response:
    return httpx.get(server.url + path, headers={"Authorization": f"Bearer {server.api_key}"})


def test_it_answers_before_start_returns_and_not_after_it_stopped() -> None:
    with LocalServer() as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server.api_key.startswith("sk_test_")
        assert _get(server).status_code == 200
        url = server.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url


def test_several_run_at_once_and_know_nothing_of_each_other() -> None:
    with LocalServer() as one, LocalServer() as two:
        assert one.url != two.url
        headers = {"Authorization": f"Bearer {one.api_key}"}
        assert httpx.get(two.url + "/v1/connections", headers=headers).status_code == 401


def test_a_given_state_is_kept_and_a_temporary_one_is_not(tmp_path: Path) -> None:
    body = {"name": "a", "type": "sqlite", "role": "both", "config": {"path": "/nowhere.db"}}
    key = "sk_test_0123456789abcdef"
    server = LocalServer(state=tmp_path / "state.db", api_key=key)
    for expected in (1, 2):
        with server:
            headers = {"Authorization": f"Bearer {key}"}
            httpx.post(server.url + "/v1/connections", json=body, headers=headers)
            assert _get(server).json()["pagination"]["total"] == expected
    assert (tmp_path / "state.db").exists()
    with LocalServer() as temporary:
        folder = temporary._folder
        assert folder is not None
        assert folder.exists()
    assert not folder.exists()


def test_start_and_stop_may_be_called_twice() -> None:
    server = LocalServer()
    assert server.start() is server.start()
    server.stop()
    server.stop()
    assert repr(server) == "LocalServer(stopped)"


def test_no_thread_is_left_behind() -> None:
    before = {thread.name for thread in threading.enumerate()}
    with LocalServer() as server:
        _get(server)
    left = {thread.name for thread in threading.enumerate()} - before
    assert not {name for name in left if name.startswith("sensei")}


def test_the_clock_and_the_faults_are_there_when_asked_for() -> None:
    with LocalServer(clock=True, faults=True) as server:
        before = server.clock.now()
        server.clock.advance(60)
        assert (server.clock.now() - before).total_seconds() >= 60
        with pytest.raises(ValueError, match="moved back"):
            server.clock.advance(-1)
        server.faults.fail(503)
        assert _get(server).status_code == 503
    with LocalServer() as plain:
        with pytest.raises(RuntimeError, match="faults=True"):
            _ = plain.faults
        with pytest.raises(RuntimeError, match="clock=True"):
            _ = plain.clock


def test_the_key_is_never_in_its_repr() -> None:
    with LocalServer() as server:
        assert server.api_key not in repr(server)
        assert server.url in repr(server)


def test_a_key_must_look_like_one() -> None:
    with pytest.raises(ValueError, match="begins with sk_test_ or sk_live_"):
        LocalServer(api_key="secret").start()


@pytest.mark.parametrize(("path", "status"), [("/healthz", "ok"), ("/readyz", "ready")])
def test_it_tells_how_it_is(path: str, status: str) -> None:
    with LocalServer() as server:
        assert httpx.get(server.url + path).json()["status"] == status


pytest_plugins = ["pytester"]


def test_the_plugin_gives_fixtures_and_imports_nothing_before(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        import pytest

        def test_nothing_heavy_is_loaded_yet():
            for name in ("sqlalchemy", "fastapi", "uvicorn", "sensei.server"):
                assert name not in sys.modules

        def test_a_client_works(sensei_client):
            assert sensei_client.connections.list().pagination.total == 0

        @pytest.mark.anyio
        async def test_an_async_client_works(sensei_async_client):
            page = await sensei_async_client.connections.list()
            assert page.pagination.total == 0

        def test_the_server_shows_faults(sensei_server):
            sensei_server.faults.fail(500)

        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        """
    )
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=4)


class Ready:
    """Runs `serve` in a process and tells its address."""

    def __init__(self, *arguments: str) -> None:
        code = (
            "import sys; from sensei.server.serve import serve; from sensei.server.settings import Settings\n"
            "serve(Settings(state=sys.argv[1]), port=int(sys.argv[2]),"
            " on_ready=lambda f: print(f.url, f.api_key, f.state, flush=True))"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


def test_serve_tells_facts_and_stops_in_good_order(tmp_path: Path) -> None:
    ready = Ready(str(tmp_path / "state.db"), "0")
    assert ready.process.stdout is not None
    url, key, state = ready.process.stdout.readline().split()
    assert httpx.get(url + "/v1/connections", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert state == str(tmp_path / "state.db")
    ready.process.send_signal(signal.SIGTERM)
    _, errors = ready.process.communicate(timeout=30)
    assert (ready.process.returncode, errors) == (0, "")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"host": "0.0.0.0"}, "there is no TLS"),
    ({"host": "192.0.2.1", "allow_remote": True}, "cannot listen on 192.0.2.1"),
    ({"port": 70_000}, "cannot listen"),
]


@pytest.mark.parametrize(("arguments", "told"), REFUSED)
def test_serve_refuses_in_one_line(tmp_path: Path, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ServeError, match=told) as refused:
        serve(Settings(state=tmp_path / "state.db"), **arguments)
    assert "\n" not in str(refused.value)


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=f"port {port} on 127.0.0.1 is taken; choose another with --port"):
            serve(Settings(state=tmp_path / "state.db"), port=port)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("10.0.0.1", False), ("x", False)],
)
def test_what_loopback_is(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_answers_are_not_held_back_by_nagle() -> None:
    listener = bind("127.0.0.1", 0)
    try:
        assert listener.proto == socket.IPPROTO_TCP
    finally:
        listener.close()


def test_the_facts_do_not_show_the_key() -> None:
    assert "sk_test_secret" not in repr(Serving(url="http://x", api_key="sk_test_secret", state="s"))
