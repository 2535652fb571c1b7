"""The configuration file: what comes before what, who may read it, and that nothing in it is lost or shown."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sensei import Client
from sensei.cli import main
from sensei.testing import LocalServer
from tests.cli.conftest import User
from tests.cli.test_migrate import closed_port

KEY = "sk_test_0123456789abcdef"


def path_of(user: User) -> Path:
    return user.home / ".sensei" / "config.yaml"


def write(user: User, text: str, mode: int = 0o600) -> Path:
    path = path_of(user)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def content(user: User) -> object:
    return yaml.safe_load(path_of(user).read_text())


def test_what_is_set_is_kept_for_its_owner_only(user: User) -> None:
    for setting, value in (("api-key", KEY), ("output-format", "json"), ("timeout", "2.5"), ("color", "never")):
        said = user.run("config", "set", setting, value)
        assert said.code == 0, said.err
        assert KEY not in said.out + said.err

    assert content(user) == {
        "profiles": {"default": {"api_key": KEY}},
        "output_format": "json",
        "timeout": 2.5,
        "color": "never",
    }
    assert stat.S_IMODE(path_of(user).stat().st_mode) == 0o600
    assert stat.S_IMODE(path_of(user).parent.stat().st_mode) == 0o700
    assert sorted(one.name for one in path_of(user).parent.iterdir()) == ["config.lock", "config.yaml"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["output-format", "xml"], "one of table, json, yaml"),
        (["timeout", "soon"], "number of seconds"),
        (["timeout", "0"], "above 0"),
        (["timeout", "nan"], "above 0"),
        (["color", "blue"], "one of auto, always, never"),
        (["timeout"], "needs a VALUE"),
        (["nothing", "x"], "'nothing' is not one of"),
        (["api-key"], "API key is missing"),
        (["api-key", "two words"], "blanks"),
        (["api-key", ""], "empty"),
        (["api-key", "-"], "nothing on stdin"),
    ],
)
def test_what_cannot_be_is_not_written(
    user: User, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    said = user.run("config", "set", *arguments)

    assert (said.code, said.out) == (2, "")
    assert says in said.err
    assert not path_of(user).exists()


def test_a_key_is_typed_unseen_or_read_from_stdin(
    user: User, types: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    types(KEY)
    assert KEY not in "".join(user.run("config", "set", "api-key").out)
    assert content(user)["profiles"]["default"]["api_key"] == KEY  # type: ignore[index]  # it is a mapping

    monkeypatch.setattr("sys.stdin", io.StringIO("sk_test_fedcba9876543210\n"))
    assert user.run("config", "set", "api-key", "-").code == 0
    assert content(user)["profiles"]["default"]["api_key"] == "sk_test_fedcba9876543210"  # type: ignore[index]


def test_other_members_of_the_file_are_kept(user: User) -> None:
    write(user, "# mine\nprofile: p\nprofiles: {p: {api_key: '${K}', base_url: 'https://x.io', team: a}}\nmine: [1]\n")

    said = user.run("config", "set", "output-format", "yaml")

    assert content(user) == {
        "profile": "p",
        "profiles": {"p": {"api_key": "${K}", "base_url": "https://x.io", "team": "a"}},
        "mine": [1],
        "output_format": "yaml",
    }
    assert "Comments" in said.err


def test_a_link_stays_a_link(user: User) -> None:
    real = user.folder / "dotfiles.yaml"
    real.write_text("color: never\n")
    path_of(user).parent.mkdir(mode=0o700)
    path_of(user).symlink_to(real)

    assert user.run("config", "set", "timeout", "9").code == 0

    assert path_of(user).is_symlink()
    assert yaml.safe_load(real.read_text()) == {"color": "never", "timeout": 9}
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_no_key_is_written_where_others_may_change_it(user: User) -> None:
    folder = path_of(user).parent
    folder.mkdir()
    folder.chmod(0o777)

    said = user.run("config", "set", "api-key", KEY)

    assert (said.code, said.out) == (2, "")
    assert "chmod go-w" in said.err
    assert not path_of(user).exists()


def test_processes_that_change_it_at_once_lose_nothing(user: User) -> None:
    commands = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "sensei",
                "config",
                "profile",
                "create",
                f"p{number}",
                "--api-key",
                f"{KEY}{number}",
            ],
            env=dict(os.environ),
            stdout=subprocess.DEVNULL,
        )
        for number in range(4)
    ]
    assert [command.wait(60) for command in commands] == [0] * 4
    assert sorted(content(user)["profiles"]) == ["p0", "p1", "p2", "p3"]  # type: ignore[index]  # it is a mapping


@pytest.mark.parametrize("text", ["[", "- a", "profiles: 5", "profiles: {p: 5}", "\x00"])
def test_a_broken_file_is_named_and_never_replaced(user: User, text: str) -> None:
    write(user, text)

    for arguments in (("config", "show"), ("config", "set", "api-key", KEY), ("config", "validate"), ("login",)):
        said = user.run(*arguments)
        assert (said.code, said.out) == (2, ""), arguments
        assert "config.yaml" in said.err or arguments == ("login",)
        assert said.err.count("\n") == 1
    assert path_of(user).read_text() == text


def test_a_wrong_setting_stops_commands_and_can_be_mended(user: User) -> None:
    write(user, "output_format: xml\n")

    said = user.run("connections", "list")
    assert said.code == 2
    assert "output_format must be one of" in said.err

    assert user.run("config", "set", "output-format", "json").code == 0
    assert content(user) == {"output_format": "json"}


def test_profiles_are_made_chosen_listed_and_deleted(user: User) -> None:
    assert user.run("config", "profile", "create", "work", "--api-key", KEY).code == 0
    assert user.run("config", "profile", "create", "home", "--api-key", KEY, "--base-url", "https://h.io").code == 0
    assert user.run("config", "profile", "create", "home", "--api-key", KEY).code == 2

    listed = json.loads(user.run("config", "profile", "list", "--output", "json").out)
    assert listed["data"] == [
        {"id": "home", "name": "home", "in_use": False, "url": "https://h.io", "api_key": "sk_test_***cdef"},
        {"id": "work", "name": "work", "in_use": True, "url": "https://api.sensei.ai/v1", "api_key": "sk_test_***cdef"},
    ]

    assert user.run("config", "profile", "use", "home").code == 0
    assert user.run("config", "show", "--quiet").out == "home\n"
    assert user.run("config", "profile", "use", "none").code == 4
    assert user.run("config", "profile", "delete", "home").code == 2
    assert user.run("config", "profile", "delete", "home", "--yes").code == 0
    assert user.run("config", "profile", "delete", "home", "--yes").code == 4
    assert content(user) == {"profiles": {"work": {"api_key": KEY}}}


@pytest.mark.parametrize("name", ["", "-x", "a b", "../x", "a" * 65, "é", "a\nb"])
def test_a_profile_has_a_name_that_can_be_typed(user: User, name: str) -> None:
    assert user.run("config", "profile", "create", "--api-key", KEY, "--", name).code == 2
    assert not path_of(user).exists()


@pytest.mark.parametrize("url", ["h.io", "http://example.com", "https://u:p@h.io", "ftp://h.io"])
def test_a_profile_has_a_server_that_can_be(user: User, url: str) -> None:
    said = user.run("config", "profile", "create", "x", "--api-key", KEY, "--base-url", url)
    assert (said.code, said.out) == (2, "")


def test_what_is_in_force_is_shown_with_where_it_comes_from(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        user,
        f"profiles: {{a: {{api_key: {KEY}, api_url: 'https://a.io'}}, b: {{api_key: '${{B}}'}}}}\n"
        "current_profile: a\ntimeout: 5\n",
    )

    def shown(*arguments: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(user.run("config", "show", "--output", "json", *arguments).out)
        return found

    found = shown()
    assert (found["profile"], found["url"], found["api_key"]) == ("a", "https://a.io", "sk_test_***cdef")
    assert (found["url_from"], found["api_key_from"], found["timeout"]) == ("profile a", "profile a", 5.0)
    assert found["profiles"] == {
        "a": {"url": "https://a.io", "api_key": "sk_test_***cdef"},
        "b": {"url": "https://api.sensei.ai/v1", "api_key": "${B}"},
    }

    monkeypatch.setenv("SENSEI_API_KEY", "sk_live_ffffffffffffffff9999")
    monkeypatch.setenv("SENSEI_API_URL", "https://e.io")
    found = shown()
    assert (found["url"], found["url_from"]) == ("https://e.io", "SENSEI_API_URL")
    assert (found["api_key"], found["api_key_from"]) == ("sk_live_***9999", "SENSEI_API_KEY")
    assert (shown("--profile", "a")["url"], shown("--profile", "a")["api_key"]) == ("https://a.io", "sk_test_***cdef")


def test_an_option_comes_before_the_environment_and_that_before_the_file(
    user: User, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        user,
        f"profiles: {{good: {{api_key: {local_server.api_key}, api_url: '{local_server.url}'}}, "
        f"other: {{api_key: {KEY}, api_url: '{local_server.url}'}}}}\n"
        "current_profile: other\noutput_format: json\n",
    )

    assert user.run("ping").code == 3
    monkeypatch.setenv("SENSEI_PROFILE", "good")
    assert json.loads(user.run("ping").out)["url"] == local_server.url
    assert user.run("ping", "--profile", "other").code == 3
    monkeypatch.setenv("SENSEI_API_KEY", KEY)
    assert user.run("ping").code == 3
    said = user.run("ping", "--profile", "good", "--output", "table")
    assert said.code == 0
    assert said.out.startswith(local_server.url)


def test_validate_finds_what_is_wrong(user: User, local_server: LocalServer) -> None:
    path = write(
        user,
        "profiles: {a: {api_key: '${NOT_SET}'}, b: {api_url: 'http://far.io', kye: x}}\ncurrent_profile: c\n"
        "color: blue\nformat: json\n",
        0o644,
    )

    said = user.run("config", "validate")

    assert (said.code, said.out) == (2, "")
    for text in ("NOT_SET", "plain http", "'kye'", "'c', is not there", "color must", "'format'", "chmod 600"):
        assert text in said.err
    assert all(line.startswith("Error: ") for line in said.err.splitlines())
    path.unlink()
    assert user.run("config", "validate", "--offline").code == 0
    assert user.run("config", "validate").code == 3


@pytest.mark.parametrize(("key", "port_is_open", "code"), [(None, True, 0), (KEY, True, 3), (KEY, False, 5)])
def test_validate_asks_the_server(
    user: User, local_server: LocalServer, key: str | None, port_is_open: bool, code: int
) -> None:
    url = local_server.url if port_is_open else f"http://127.0.0.1:{closed_port()}"
    write(user, f"profiles: {{default: {{api_key: {key or local_server.api_key}, api_url: '{url}'}}}}")

    said = user.run("config", "validate")

    assert said.code == code, said.err
    assert user.run("config", "validate", "--offline").code == 0


def test_login_checks_before_it_stores_and_logout_removes(
    user: User, local_server: LocalServer, types: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    types(KEY)
    refused = user.run("login", "--base-url", local_server.url)
    assert (refused.code, refused.out) == (3, "")
    assert not path_of(user).exists()

    types(local_server.api_key)
    said = user.run("login", "--base-url", local_server.url)
    assert said.code == 0, said.err
    assert local_server.api_key not in said.out + said.err
    assert user.run("ping").code == 0

    monkeypatch.setattr("sys.stdin", io.StringIO(local_server.api_key))
    assert user.run("login", "--profile", "two", "--base-url", local_server.url, "--api-key", "-").code == 0
    assert user.run("config", "show", "--quiet").out == "default\n"

    assert user.run("logout").code == 0
    assert user.run("ping").code == 3
    assert user.run("logout").code == 4
    assert user.run("ping", "--profile", "two").code == 0
    # It is remembered where the profile was.
    assert user.run("login", "--api-key", local_server.api_key).code == 0


def test_login_without_a_server_stores_nothing(user: User) -> None:
    said = user.run("login", "--base-url", f"http://127.0.0.1:{closed_port()}", "--api-key", KEY)

    assert (said.code, said.out) == (5, "")
    assert not path_of(user).exists()


def test_the_file_of_the_command_line_is_the_file_of_the_sdk(
    user: User, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["login", "--base-url", local_server.url, "--api-key", local_server.api_key]) == 0

    with Client() as client:
        assert client.connections.list(limit=1).data is not None
        assert str(client.base_url).startswith(local_server.url)
