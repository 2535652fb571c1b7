"""Ctrl-C and SIGTERM: one line that says what was left behind, an exit code, and the work at the server goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from sensei import Client, Migration
from sensei.cli import main
from sensei.cli._app import root
from sensei.cli._options import Command
from sensei.cli._signals import Terminated, stoppable
from sensei.testing import LocalServer
from tests.cli.conftest import User
from tests.cli.jobs import begun, made
from tests.server.scripted_engine import ScriptedEngine

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedEngine]:
    """An engine whose phases wait until the test lets them go on."""
    scripted = ScriptedEngine()
    scripted.install(monkeypatch)
    yield scripted
    scripted.go_on.set()


@pytest.fixture
def working(engine: ScriptedEngine, user: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of a server over that engine, which the user's environment names."""
    with LocalServer() as server, Client(server.api_key, base_url=server.url) as client:
        monkeypatch.setenv("SENSEI_API_URL", server.url)
        monkeypatch.setenv("SENSEI_API_KEY", server.api_key)
        yield client
        # Before the server waits for its work.
        engine.go_on.set()


def planned(client: Client) -> Migration:
    migration = client.migrations.create(
        source={"type": "sqlite", "connection_string": "sqlite:////nowhere/source.db"},
        target={"type": "sqlite", "connection_string": "sqlite:////nowhere/target.db"},
    )
    migration.wait_for_plan(timeout=60)
    return migration


def stopped(number: signal.Signals, *arguments: str, at: str) -> tuple[int, str, list[str]]:
    """Send a signal to a command once it has said `at`; what it says after that."""
    with begun(*arguments) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if at in line:
                break
        else:
            pytest.fail(f"it never said {at!r}")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    return process.returncode, out, [line for line in err.splitlines() if not line.startswith("  ")]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("command", ["start", "watch", "wait"])
def test_a_migration_goes_on(
    working: Client, engine: ScriptedEngine, command: str, number: signal.Signals, code: int
) -> None:
    engine.hold_in = {"data_transfer"}
    migration = planned(working)
    if command != "start":
        migration.start()
        assert engine.arrived.wait(60)
    wait = ["--wait"] if command == "start" else []
    said = {"start": "Starting", "watch": f"Migration {migration.id} is running", "wait": " %  data transfer"}[command]

    returned, out, err = stopped(number, "migrations", command, migration.id, *wait, at=said)

    assert (returned, out) == (code, "")
    (line,) = err
    assert line.startswith(f"Stopped: {migration.id} goes on at the server; `sensei migrations watch {migration.id}` ")
    assert engine.arrived.wait(60)
    assert migration.refresh().status == "running"
    engine.go_on.set()
    assert migration.wait(timeout=60).status == "completed"


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_migration_that_was_resumed_goes_on(
    working: Client, engine: ScriptedEngine, number: signal.Signals, code: int
) -> None:
    engine.hold_in = {"data_transfer"}
    migration = planned(working)
    migration.start()
    assert engine.arrived.wait(60)
    migration.pause()
    with migration.stream_events() as events:
        assert any(event.type == "status" and event.status == "paused" for event in events)

    returned, out, err = stopped(number, "migrations", "resume", migration.id, "--wait", at="Going on")

    assert (returned, out) == (code, "")
    assert len(err) == 1
    assert f"Stopped: {migration.id} goes on at the server" in err[0]
    assert migration.refresh().status == "running"
    engine.go_on.set()
    assert migration.wait(timeout=60).status == "completed"


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_log_that_was_followed_goes_on(
    working: Client, engine: ScriptedEngine, number: signal.Signals, code: int
) -> None:
    engine.hold_in = {"data_transfer"}
    engine.batches = 3
    migration = planned(working)
    migration.start()
    assert engine.arrived.wait(60)

    with begun("migrations", "logs", migration.id, "--follow") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (code, f"Stopped: {migration.id} goes on at the server\n")
    assert migration.refresh().status == "running"


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("command", ["run", "wait"])
def test_a_validation_goes_on(
    working: Client, engine: ScriptedEngine, command: str, number: signal.Signals, code: int
) -> None:
    migration = planned(working)
    migration.start().wait(timeout=60, raise_on_failure=True)
    engine.hold_in = {"validation"}
    given = ["run", migration.id, "--wait"] if command == "run" else ["wait", migration.run_validation(type="quick").id]

    returned, out, err = stopped(number, "validations", *given, at="Validating")

    validation = next(iter(working.validations.list(migration_id=migration.id, limit=1)))
    assert (returned, out) == (code, "")
    assert err == [
        f"Stopped: {validation.id} goes on at the server; `sensei validations wait {validation.id}` waits for it again"
    ]
    engine.go_on.set()
    assert validation.wait(timeout=60).status == "completed"


@pytest.mark.parametrize(
    ("method", "arguments", "says"),
    [
        ("sensei.Migration.start", ("migrations", "start", "{id}", "--wait"), "{id} may have started; "),
        ("sensei.Migration.resume", ("migrations", "resume", "{id}"), "{id} may go on by now; "),
        ("sensei.Validations.create", ("validations", "run", "{id}"), "it may have begun; "),
        (
            "sensei.Connections.wait",
            ("connections", "create", "--url", "sqlite:///x.db"),
            " is made, and its test goes",
        ),
    ],
)
def test_what_may_have_happened_is_told(
    connected: User,
    client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    ident = made(client, tmp_path / "shop").id

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(method, stop)
    said = connected.run(*(one.format(id=ident) for one in arguments))

    assert (said.code, said.out) == (130, "")
    assert said.err.startswith("Stopped: ")
    assert says.format(id=ident) in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_whatever_else_is_stopped_says_so(
    stop: type[BaseException], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("look", cls=Command)
    def look() -> None:
        raise stop

    monkeypatch.setitem(root.commands, "look", look)

    assert main(["look"]) == code
    assert capsys.readouterr() == ("", "Stopped.\n")


@pytest.mark.parametrize(
    ("answer", "code", "says"), [(EOFError, 1, "Error: no answer"), (KeyboardInterrupt, 130, "Stop")]
)
def test_a_question_can_be_left(
    user: User,
    types: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    answer: type[BaseException],
    code: int,
    says: str,
) -> None:
    def leave(_prompt: str) -> str:
        raise answer

    types()
    monkeypatch.setattr("click.termui.hidden_prompt_func", leave)

    said = user.run("config", "profile", "create", "work")

    assert said.code == code
    assert said.err.splitlines()[-1].startswith(says)
    assert not (user.home / ".sensei" / "config.yaml").exists()


def test_a_signal_that_was_to_be_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with stoppable():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
