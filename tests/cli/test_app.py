"""What every command line can rely on: what is loaded, where things are written, and how it exits."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import io
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sensei import errors
from sensei.cli import main
from sensei.cli._app import COMMANDS, root
from sensei.cli._errors import CommandError, StoppedError, describe, report
from sensei.cli._groups import Group
from sensei.cli._options import Command, Options
from tests.cli.conftest import User


def loaded_by(*arguments: str) -> tuple[str, set[str]]:
    """What a fresh process prints, and which modules it has loaded by then."""
    program = (
        f"import sys; from sensei.cli import main; code = main({list(arguments)!r}); "
        "sys.stderr.write(' '.join(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.split())


def test_the_version_loads_nothing() -> None:
    from sensei._version import __version__

    said, modules = loaded_by("--version")

    assert said == f"sensei {__version__}\n"
    assert not modules & {"click", "rich", "yaml", "pydantic", "pydantic_core", "httpx", "httpcore", "anyio"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("migrate", "--help"),
        ("demo", "--help"),
        ("serve", "-h"),
        ("connections", "--help"),
        ("connections", "list", "--help"),
        ("config", "profile", "create", "--help"),
        ("api-keys", "create", "--help"),
        ("login", "--help"),
        ("completion", "bash"),
    ],
)
def test_help_loads_neither_the_sdk_nor_rich(arguments: tuple[str, ...]) -> None:
    said, modules = loaded_by(*arguments)

    assert said.startswith("Usage: sensei" if "completion" not in arguments else "_sensei_completion")
    assert not modules & {"rich", "yaml", "pydantic", "pydantic_core", "httpx", "httpcore", "anyio", "sqlalchemy"}


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    said = capsys.readouterr().out
    assert all(name in said and line in said for name, (_, line) in COMMANDS.items())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_overview_says_what_the_command_says(name: str) -> None:
    command = root.get_command(click.Context(root), name)

    assert isinstance(command, Command | Group)
    assert command.name == name
    assert (command.help or "").splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["migrat"], "No such command 'migrat'"),
        (["migrate"], "Missing argument 'SOURCE_URL'"),
        (["migrate", "--nothing"], "No such option"),
        (["--output", "xml", "ping"], "'xml' is not one of"),
        (["serve", "--port", "70000"], "70000"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2

    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """What a command is given as shared options."""
    given: list[Options] = []

    @click.command("look", cls=Command)
    @click.pass_obj
    def look(options: Options) -> None:
        given.append(options)

    monkeypatch.setitem(root.commands, "look", look)
    return given


@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "json", "--quiet", "--debug", "--profile", "work", "look"],
        ["look", "--output", "json", "--quiet", "--debug", "--profile", "work"],
        ["--output", "yaml", "--quiet", "look", "--output", "json", "--debug", "--profile", "work"],
    ],
)
def test_shared_options_stand_before_or_after_the_command(arguments: list[str], seen: list[Options]) -> None:
    assert main(arguments) == 0

    assert seen == [Options(debug=True, profile="work", output="json", quiet=True)]


def _status(kind: type[errors.APIStatusError], status: int) -> errors.APIStatusError:
    return kind("It is so.", status_code=status, code="some_code", request_id="req_1")


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (CommandError("do this"), 1, "do this"),
        (CommandError("write that", exit_code=2), 2, "write that"),
        (StoppedError("go on so"), 130, "go on so"),
        (_status(errors.AuthenticationError, 401), 3, "req_1"),
        (_status(errors.PermissionDeniedError, 403), 3, "req_1"),
        (_status(errors.NotFoundError, 404), 4, "req_1"),
        (_status(errors.BadRequestError, 400), 2, "req_1"),
        (_status(errors.UnprocessableEntityError, 422), 2, "req_1"),
        (_status(errors.ConflictError, 409), 1, "req_1"),
        (_status(errors.InternalServerError, 500), 1, "req_1"),
        (errors.APIConnectionError("no answer from host"), 5, "no answer from host"),
        (errors.APITimeoutError("too late"), 5, "too late"),
        (errors.ConfigurationError("bad URL"), 2, "bad URL"),
        (errors.ConfigurationError("no key", code="no_api_key"), 3, "sensei serve"),
        (errors.WaitTimeoutError("still running", waited=1.0, last_status="running"), 1, "still running"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/report.html"), 1, "/x/report.html: No space left"),
        (KeyError("x"), 1, "unexpected KeyError"),
    ],
)
def test_every_error_has_its_exit_code_and_its_line(error: Exception, code: int, says: str) -> None:
    message, found = describe(error, Options())

    assert found == code
    assert says in message


def test_an_error_is_one_line_on_stderr_without_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(ValueError("broken\x1b[2J"), Options()) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: unexpected ValueError: broken\N{REPLACEMENT CHARACTER}[2J")
    assert said.err.count("\n") == 1


def test_debug_shows_where_an_unexpected_error_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        report(error, Options(debug=True))

    assert "test_app.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("migrat", "'migrate'"), ("dmeo", "'demo'"), ("ServE", "'serve'"), ("xyzzy", "connections, demo, login")],
)
def test_a_mistyped_command_is_told_what_there_is(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([typed, "--yes"]) == 2
    assert meant in capsys.readouterr().err


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @click.command("look", cls=Command)
    def look() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(root.commands, "look", look)

    assert main(["look"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error() -> None:
    program = f"{sys.executable} -m sensei --help | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", program], capture_output=True, text=True, check=False)

    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_a_missing_server_names_the_extra(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else found(name))
    monkeypatch.chdir(tmp_path)

    with contextlib.redirect_stderr(io.StringIO()) as said:
        assert main([command]) == 2

    assert 'pip install "sensei-sdk[all]"' in said.getvalue()
    assert list(tmp_path.iterdir()) == []


CLOSED = "Error: stdout: Bad file descriptor\n"


@pytest.mark.parametrize(
    ("line", "code", "err"),
    [
        ("--version >&-", 1, CLOSED),
        ("--help >&-", 1, CLOSED),
        ("completion bash >&-", 1, CLOSED),
        ("config show --output json >&-", 1, CLOSED),
        ("--version > /dev/full", 1, "Error: No space left on device\n"),
        ("config show > /dev/full", 1, "Error: No space left on device\n"),
        ("frob 2>&-", 2, ""),
        ("config profile use nothing 2>&-", 4, ""),
        ("config profile delete nothing <&-", 4, None),
        ("login <&-", 2, "Error: API key is missing: give it with --api-key\n"),
        ("login --api-key - <&-", 2, "Error: API key: there is nothing on stdin\n"),
        ("--help | true", None, ""),
        ("config show --output json | head -1", None, ""),
    ],
)
def test_closed_and_full_streams(line: str, code: int | None, err: str | None, user: User) -> None:
    program = f"{shlex.quote(sys.executable)} -m sensei {line}"
    done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    assert code is None or done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert err is None or done.stderr == err


def test_a_key_that_cannot_be_written_is_no_reason_to_stop_serving(user: User) -> None:
    program = f"exec {shlex.quote(sys.executable)} -m sensei serve --port 0 >&-"
    with subprocess.Popen(["sh", "-c", program], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)

    assert said[0].startswith("Warning: the key could not be written to stdout (Bad file descriptor)")
    assert said[1].startswith("Serving http://127.0.0.1:")
    assert (process.returncode, err) == (0, "Stopped.\n")
