"""`sensei serve` runs a server that everything else can use, and `sensei ping` tells whether one is there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from sensei import Client
from sensei.testing import LocalServer
from tests.cli.conftest import User
from tests.cli.test_migrate import closed_port

# Where the tests run in the background of a shell, SIGINT is ignored and a child inherits that.
PROGRAM = """
import signal, sys
from sensei.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""


@contextmanager
def serving(user: User, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", "--port", "0", *arguments],
        cwd=user.folder,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def variables(process: subprocess.Popen[str]) -> dict[str, str]:
    """What `serve` prints, as a shell would read it."""
    assert process.stdout is not None
    lines = [process.stdout.readline().strip().removeprefix("export ") for _ in range(2)]
    return dict(line.split("=", 1) for line in lines)


def test_serve_prints_what_a_client_needs(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(user) as process:
        for name, value in variables(process).items():
            monkeypatch.setenv(name, value)
        with Client() as client:
            assert client.connections.list().pagination.total == 0
        pinged = user.run("ping")

    assert pinged.code == 0
    assert "accepts the key" in pinged.out
    assert process.returncode == 0
    assert (user.home / ".sensei" / "serve" / "state.db").is_file()


def test_serve_keeps_its_state(user: User) -> None:
    for expected in (0, 1):
        with serving(user, "--state", "state.db", "--api-key", "sk_test_0123456789abcdef") as process:
            url = variables(process)["SENSEI_API_URL"]
            with Client("sk_test_0123456789abcdef", base_url=url) as client:
                assert client.connections.list().pagination.total == expected
                client.connections.create(name="Shop", type="sqlite", role="source", config={"path": "/data/shop.db"})


def test_serve_enforces_the_limits_of_a_plan_and_shows_faults(user: User) -> None:
    with serving(user, "--tier", "starter", "--faults", "--api-key", "sk_test_0123456789abcdef") as process:
        url = variables(process)["SENSEI_API_URL"]
        with Client("sk_test_0123456789abcdef", base_url=url) as client:
            assert client.usage.current().last_response.rate_limit.limit == 50
            plan = httpx.post(
                f"{url}/_faults",
                json={"status": 503, "retry_after": 0},
                headers={"Authorization": "Bearer sk_test_0123456789abcdef"},
            )
            assert plan.status_code == 200
            assert client.connections.list().last_response.attempts == 2


def test_a_port_that_is_taken_is_one_clear_line(user: User) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = user.run("serve", "--port", str(port))

    assert said.code == 1
    assert f"port {port}" in said.err
    assert "--port" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "--allow-remote"),
        (["--api-key", "short"], "sk_test_"),
        (["--state", "."], "unable to open"),
        (["--state", "file/state.db"], "file"),
        (["--state", "none/state.db"], "there is no folder"),
        (["--state", "postgresql://127.0.0.1/state"], "--key-file"),
    ],
)
def test_a_server_that_cannot_be_is_one_clear_line(user: User, arguments: list[str], says: str) -> None:
    (user.folder / "file").touch()

    said = user.run("serve", "--port", "0", *arguments)

    assert said.code == 1
    assert said.err.startswith("Error: ")
    assert says in said.err
    assert said.err.count("\n") == 1


def test_ping_in_json_is_one_document(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer() as server:
        monkeypatch.setenv("SENSEI_API_URL", server.url)
        monkeypatch.setenv("SENSEI_API_KEY", server.api_key)
        url = server.url
        said = user.run("ping", "--output", "json")

    answer = json.loads(said.out)
    assert answer["url"] == url
    assert answer["request_id"]
    assert said.err == ""


@pytest.mark.parametrize(
    ("key", "port_is_open", "code"),
    [(None, True, 3), ("sk_test_0123456789abcdef", True, 3), ("sk_test_0123456789abcdef", False, 5)],
)
def test_ping_tells_a_refused_key_from_a_missing_server(
    user: User, monkeypatch: pytest.MonkeyPatch, key: str | None, port_is_open: bool, code: int
) -> None:
    with LocalServer() as server:
        monkeypatch.setenv("SENSEI_API_URL", server.url if port_is_open else f"http://127.0.0.1:{closed_port()}")
        if key:
            monkeypatch.setenv("SENSEI_API_KEY", key)
        said = user.run("ping")

    assert said.code == code, said.err
    assert said.out == ""
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1


def test_debug_shows_the_exchange_and_no_secret(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer() as server:
        monkeypatch.setenv("SENSEI_API_URL", server.url)
        monkeypatch.setenv("SENSEI_API_KEY", "sk_test_fedcba9876543210")
        said = user.run("--debug", "ping")

    assert "> GET /v1/migrations" in said.err
    assert "< 401" in said.err
    assert "curl" in said.err
    assert "fedcba9876543210" not in said.err
