"""`sensei api-keys`: what is shown once is shown once, to the one who asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from sensei import AuthenticationError, Client
from sensei.testing import LocalServer
from tests.cli.conftest import User


def made(user: User, *arguments: str) -> dict[str, object]:
    said = user.run("api-keys", "create", "--name", "CI", "--scope", "migrations:read", "--output", "json", *arguments)
    assert said.code == 0, said.err
    found: dict[str, object] = json.loads(said.out)
    return found


def works(local_server: LocalServer, key: object) -> bool:
    with Client(str(key), base_url=local_server.url) as client:
        try:
            client.migrations.list(limit=1)
        except AuthenticationError:
            return False
        return True


def test_a_key_is_shown_once_on_stdout(connected: User, local_server: LocalServer) -> None:
    said = connected.run(
        "api-keys", "create", "--name", "CI", "--scope", "migrations:read,migrations:write", "--output", "json"
    )

    found = json.loads(said.out)
    assert works(local_server, found["key"])
    assert found["scopes"] == ["migrations:read", "migrations:write"]
    assert said.err == "This is the only time that the key is shown: store it now.\n"

    listed = connected.run("api-keys", "list", "--all", "--output", "json").out
    assert found["id"] in listed
    assert found["key"] not in listed
    assert connected.run("api-keys", "list", "--quiet").out.splitlines()[0] == found["id"]


def test_quiet_gives_the_key_alone(connected: User, local_server: LocalServer) -> None:
    said = connected.run("api-keys", "create", "--name", "CI", "--scope", "migrations:read", "--quiet")

    assert said.out.count("\n") == 1
    assert works(local_server, said.out.strip())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2099-01-31", "2099-01-31T00:00:00"),
        ("2099-01-31T12:00:00+02:00", "2099-01-31T10:00:00"),
    ],
)
def test_a_key_ends_when_it_is_told(connected: User, given: str, expected: str) -> None:
    assert str(made(connected, "--expires", given)["expires_at"]).startswith(expected)


def test_a_key_ends_some_days_from_now(connected: User) -> None:
    before = datetime.now(UTC)
    ends = datetime.fromisoformat(str(made(connected, "--expires", "90d")["expires_at"]))

    # The server keeps milliseconds.
    assert before - timedelta(milliseconds=1) <= ends - timedelta(days=90) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--name", "x"], "--scope"),
        (["--scope", "migrations:read"], "--name"),
        (["--name", "x", "--scope", "migrations:read", "--expires", "soon"], "'soon' is no time"),
        (["--name", "x", "--scope", "migrations:read", "--expires", "5 days"], "write 2027-01-31"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(user: User, arguments: list[str], says: str) -> None:
    said = user.run("api-keys", "create", *arguments)

    assert (said.code, said.out) == (2, "")
    assert says in said.err


def test_a_rotated_key_is_replaced(connected: User, local_server: LocalServer) -> None:
    old = made(connected, "--allow-ip", "127.0.0.0/8")
    assert connected.run("api-keys", "rotate", str(old["id"])).code == 2

    said = connected.run("api-keys", "rotate", str(old["id"]), "--yes", "--output", "json")

    new = json.loads(said.out)
    assert new["ip_whitelist"] == ["127.0.0.0/8"]
    assert works(local_server, new["key"])
    assert not works(local_server, old["key"])
    assert "only time" in said.err


def test_a_key_that_cannot_be_written_leaves_the_old_one(
    connected: User, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = made(connected)

    def full(_text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sensei.cli._result.emit", full)
    assert connected.run("api-keys", "rotate", str(old["id"]), "--yes").code == 1
    assert works(local_server, old["key"])


def test_a_deleted_key_stops_working(connected: User, local_server: LocalServer, types: Callable[..., None]) -> None:
    key = made(connected)
    types("no")
    assert connected.run("api-keys", "delete", str(key["id"])).code == 1
    assert works(local_server, key["key"])

    said = connected.run("api-keys", "delete", str(key["id"]), "--yes", "--quiet")

    assert (said.code, said.out) == (0, f"{key['id']}\n")
    assert not works(local_server, key["key"])
    assert connected.run("api-keys", "delete", str(key["id"]), "--yes").code == 4


def test_a_key_without_the_scope_is_told(
    connected: User, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSEI_API_KEY", str(made(connected)["key"]))

    said = connected.run("api-keys", "list")

    assert (said.code, said.out) == (3, "")
    assert "admin:read" in said.err
