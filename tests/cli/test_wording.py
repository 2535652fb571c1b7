"""Errors in the words of the command line: `conftest` holds every message of every test to that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sensei import errors
from sensei.cli._wording import in_words
from sensei.errors._status import _HINTS, error_class
from sensei.server.faults import Fault
from sensei.testing import LocalServer
from tests.cli.conftest import FOR_PROGRAMMERS, User
from tests.cli.test_migrate import closed_port


def refused(
    kind: type[errors.APIStatusError], status: int, code: str, message: str = "It is so.", **details: object
) -> errors.APIStatusError:
    return kind(message, status_code=status, code=code, request_id="req_1", details=details)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            refused(errors.InvalidStateError, 409, "invalid_state", current_status="running"),
            "It is so (invalid_state, 409, req_1). Its status is running",
        ),
        (
            refused(errors.InvalidStateError, 409, "invalid_state", "It is running.", current_status="running"),
            "It is running (invalid_state, 409, req_1)",
        ),
        (
            refused(errors.UnprocessableEntityError, 422, "validation_error", field="name", reason="format"),
            "It is so (validation_error, 422, req_1). It is about name",
        ),
        (
            refused(errors.PermissionDeniedError, 403, "forbidden", required_scope="migrations:write"),
            "It is so (forbidden, 403, req_1). Use a key that has the scope migrations:write",
        ),
        (
            errors.RateLimitError("Too many.", status_code=429, code="rate_limited", retry_after=90),
            "Too many (rate_limited, 429). Try again in 1 min 30 s",
        ),
        (
            errors.InternalServerError("Out of order", status_code=500, documentation_url="https://example.com/e"),
            "Out of order (500). Try again later; give the request id to support if it stays. See https://example.com/e",
        ),
        (
            errors.ConfigurationError(
                "the key of profile 'a' is for https://a and is not sent to https://b: pass api_key= for that server"
            ),
            (
                "the key of profile 'a' is for https://a and is not sent to https://b: "
                "give SENSEI_API_KEY a key of that server, or name a --profile that has one"
            ),
        ),
    ],
)
def test_what_a_program_would_look_up_is_told(error: errors.SenseiError, words: str) -> None:
    assert in_words(error) == words


@pytest.mark.parametrize("code", sorted(_HINTS))
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 503])
def test_no_advice_is_for_programmers(code: str, status: int) -> None:
    error = error_class(status, code)("It is so", status_code=status, code=code)

    assert FOR_PROGRAMMERS.search(in_words(error)) is None


@pytest.fixture
def faulty(user: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """A server that does as it is told, which the user's environment names."""
    with LocalServer(faults=True) as server:
        monkeypatch.setenv("SENSEI_API_URL", server.url)
        monkeypatch.setenv("SENSEI_API_KEY", server.api_key)
        yield server


CREATE = ("connections", "create", "--url", "sqlite:///x.db", "--no-wait")


def test_what_may_have_been_done_is_to_be_looked_at(user: User, faulty: LocalServer) -> None:
    faulty.faults.cut(0, times=9, method="POST")

    said = user.run(*CREATE)

    assert (said.code, said.out) == (5, "")
    assert "so it may have happened: look whether it did before you run the command again" in said.err
    assert said.err.count("\n") == 1


def test_a_server_that_is_too_slow(user: User, faulty: LocalServer) -> None:
    assert user.run("config", "set", "timeout", "0.05").code == 0
    faulty.faults.cut(0, ending="stall", times=9)

    said = user.run("ping")

    assert said.code == 5
    assert "`sensei config set timeout SECONDS` waits longer" in said.err


def test_a_page_of_a_proxy(user: User, faulty: LocalServer) -> None:
    faulty.faults.add(Fault(status=200, body="<html>Sign in</html>"))

    said = user.run("ping")

    assert said.code == 1
    assert "Is it a Sensei server, and is sensei-sdk up to date?" in said.err


def test_an_old_key_that_stays(user: User, faulty: LocalServer) -> None:
    made = user.run("api-keys", "create", "--name", "CI", "--scope", "migrations:read", "--output", "yaml")
    ident = made.out.partition("id: ")[2].split()[0]
    faulty.faults.fail(403, times=9, method="DELETE")

    said = user.run("api-keys", "rotate", ident, "--yes", "--quiet")

    assert said.code != 0
    assert said.out.startswith("sk_test_")
    assert "still works too" in said.err
    assert "`sensei api-keys delete` ends the old one" in said.err


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://host", "SENSEI_API_URL 'ftp://host' must be a full URL"),
        ("http://example.com", "is plain http, which would show the credential to everyone on the way: use https\n"),
        ("https://me:secret@host", "SENSEI_API_URL must not carry a user or password: give the key by itself"),
        ("https://host/?a=b", "must end with its path"),
    ],
)
def test_an_address_that_cannot_be(user: User, monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    monkeypatch.setenv("SENSEI_API_KEY", "sk_test_0123456789abcdef")
    monkeypatch.setenv("SENSEI_API_URL", url)
    said = user.run("ping")
    assert said.code == 2
    assert says in said.err

    login = user.run("login", "--api-key", "sk_test_0123456789abcdef", "--base-url", url)
    assert login.code == 2
    assert says.replace("SENSEI_API_URL", "--base-url") in login.err


def test_a_key_of_a_profile_for_another_server(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        user.run(
            "config", "profile", "create", "a", "--api-key", "sk_test_0123456789abcdef", "--base-url", "https://a"
        ).code
        == 0
    )
    monkeypatch.setenv("SENSEI_API_URL", f"http://127.0.0.1:{closed_port()}")

    said = user.run("ping")

    assert said.code == 2
    assert "give SENSEI_API_KEY a key of that server" in said.err


def test_a_server_that_is_not_there_names_its_address(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setenv("SENSEI_API_URL", url)
    monkeypatch.setenv("SENSEI_API_KEY", "sk_test_0123456789abcdef")
    (user.home / ".sensei").mkdir()
    (Path(user.home) / ".sensei" / "config.yaml").write_text("timeout: 5\n")

    said = user.run("--debug", "ping")

    assert said.code == 5
    assert url in said.err
    assert "  again in " in said.err
