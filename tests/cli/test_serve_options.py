"""The options of `sensei serve`, also as variables; a bad one is refused in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import httpx
import pytest

from sensei import Client
from sensei.cli.commands.serve import command
from sensei.server.oauth.registration import application, applications_in, without_repeats
from sensei.server.serve import is_origin
from tests.cli.conftest import User
from tests.cli.test_serve_and_ping import serving, variables

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "server" / "options.md"


def test_starts_on_one_state_print_the_same_key(user: User) -> None:
    keys = set()
    for _ in range(2):
        with serving(user) as process:
            keys.add(variables(process)["SENSEI_API_KEY"])
    assert len(keys) == 1


def test_every_option_can_be_a_variable(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    (user.folder / "data").mkdir()
    for name, value in {
        "API_KEY": "sk_test_from_the_environment",
        "TIER": "free",
        "SHARED": "1",
        "DATA_DIRS": str(user.folder / "data"),
        "STATE": "own.db",
    }.items():
        monkeypatch.setenv(f"SENSEI_SERVER_{name}", value)
    with serving(user) as process:
        found = variables(process)
        assert found["SENSEI_API_KEY"] == "sk_test_from_the_environment"
        with Client(found["SENSEI_API_KEY"], base_url=found["SENSEI_API_URL"]) as client:
            outcome = client.connections.test_config(type="sqlite", config={"path": "/etc/passwd"})
            assert outcome.error is not None
            assert "--data-dir" in outcome.error.message
            answer = client.connections.list().last_response
            assert answer is not None
            assert answer.headers["X-RateLimit-Limit"] == "10"
    assert (user.folder / "own.db").is_file()


def test_an_application_is_registered_and_named(user: User) -> None:
    arguments = ("--oauth-app", "Monthly reports=http://127.0.0.1/callback", "--output", "json")
    with serving(user, *arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("}"):
            lines.append(process.stdout.readline())
        assert json.loads("".join(lines))["api_key"].startswith("sk_test_")
        told = [process.stderr.readline() for _ in range(2)]
    assert told[1] == "The application 'Monthly reports' is the OAuth client monthly-reports.\n"


APPLICATION = """
[[application]]
name = "Monthly reports"
client_id = "reports"
redirect_uris = ["https://reports.example/callback"]
scopes = ["migrations:read"]
client_secret = "a-secret-of-the-application"
"""


def test_an_application_with_a_secret_is_registered_by_a_file(user: User, tmp_path: Path) -> None:
    file = tmp_path / "applications.toml"
    file.write_text(APPLICATION)
    with serving(user, "--oauth-apps-file", str(file), "--output", "json") as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("}"):
            lines.append(process.stdout.readline())
        url = json.loads("".join(lines))["url"]
        form = {"grant_type": "authorization_code", "code": "none", "redirect_uri": "https://reports.example/callback"}
        # Who proves to be the application hears of the code; who does not, hears nothing.
        for secret, problem in (("a-secret-of-the-application", "invalid_grant"), ("another", "invalid_client")):
            answer = httpx.post(f"{url}/oauth/token", data=form, auth=("reports", secret))
            assert answer.json()["error"] == problem


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("name =", "title ="), "application.0"),
        (("migrations:read", "migrations:fly"), "application.0.scopes"),
        (("https://reports", "http://reports"), "application.0.redirect_uris.0: must be https"),
        (("a-secret-of-the-application", "short"), "application.0.client_secret"),
        (("a-secret-of-the-application", 'a-secret-of" the-application'), "is no TOML (line 7)"),
        (('"reports"', '"rep orts"'), "application.0.client_id"),
        (("[[application]]", "[[app]]"), "application"),
        (("[[application]]", APPLICATION + "[[application]]"), "two applications are the OAuth client 'reports'"),
    ],
)
def test_a_bad_file_of_applications_is_told_without_its_secrets(
    tmp_path: Path, change: tuple[str, str], problem: str
) -> None:
    file = tmp_path / "applications.toml"
    file.write_text(APPLICATION.replace(*change))
    with pytest.raises(ValueError, match=re.escape(problem)) as refused:
        without_repeats(applications_in(file, "sandbox"))
    assert "\n" not in str(refused.value)
    assert "secret-of" not in str(refused.value)


def test_what_a_file_of_applications_leaves_out(tmp_path: Path) -> None:
    file = tmp_path / "applications.toml"
    file.write_text('[[application]]\nname = "My App"\nredirect_uris = ["http://127.0.0.1/cb"]\n')
    (app,) = applications_in(file, "production")
    assert (app.client_id, app.client_secret, app.environment) == ("my-app", None, "production")
    assert app.scopes == application("My App=http://127.0.0.1/cb", "production").scopes


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--public-url", "sensei.example"], "must be an origin"),
        (["--public-url", "https://sensei.example/v1"], "must be an origin"),
        (["--oauth-app", "Reports"], "NAME=REDIRECT_URI"),
        (["--oauth-app", "Reports=http://reports.example/cb"], "must be https"),
        (["--smtp", "mail.example:25"], "must look like smtp://"),
        (["--smtp", "smtp://mail.example", "--mail-from", "nobody"], "must look like sensei@example.com"),
        (["--slack-webhook-url", "http://hooks.slack.com/x"], "must look like https://hooks.slack.com"),
        (["--allow-network", "inside"], "'inside'"),
        (["--data-dir", "nowhere"], "nowhere"),
        (["--host", "0.0.0.0"], "--allow-remote"),
    ],
)
def test_a_bad_option_is_refused_in_one_line(user: User, arguments: list[str], problem: str) -> None:
    run = user.run("serve", "--port", "0", *arguments)
    assert run.code != 0
    assert problem in run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("A=https://a.example/cb", True),
        ("A=https://a.example/cb?x=1", True),
        ("A=http://127.0.0.1/cb", True),
        ("A=http://[::1]:8000/cb", True),
        ("A=http://localhost/cb", False),
        ("A=https://a.example/cb#x", False),
        ("A=https://a@b.example/cb", False),
        ("A=javascript:alert(1)", False),
        ("A=https:///cb", False),
        ("A=https://a.example/\tcb", False),
        ("=https://a.example/cb", False),
        ("!=https://a.example/cb", False),
    ],
)
def test_which_applications_can_be_registered(text: str, good: bool) -> None:
    if good:
        app = application(text, "sandbox")
        assert (app.client_id, app.client_secret, app.redirect_uris) == ("a", None, (text[2:],))
        assert not any(scope.startswith(("admin", "*")) for scope in app.scopes)
    else:
        with pytest.raises(ValueError, match=r"redirect URI|REDIRECT_URI"):
            application(text, "sandbox")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://sensei.example", True),
        ("https://sensei.example:8443/", True),
        ("http://127.0.0.1:8080", True),
        ("https://sensei.example/api", False),
        ("https://a:b@sensei.example", False),
        ("https://sensei.example?x", False),
        ("ftp://sensei.example", False),
        ("https://", False),
        ("https://sensei.example:x", False),
    ],
)
def test_what_an_origin_is(text: str, good: bool) -> None:
    assert is_origin(text) is good


def test_the_page_lists_every_option_with_its_variable() -> None:
    page = DOCUMENTATION.read_text()
    for option in command.params:
        if isinstance(option, click.Option) and option.expose_value:
            assert f"`{option.opts[0]}`" in page, option.opts
            assert f"`SENSEI_SERVER_{str(option.name).upper()}`" in page, option.name
