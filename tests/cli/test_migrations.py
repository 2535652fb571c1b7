"""`sensei migrations` against a real server: every command, every form, every exit code."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sensei import Client
from sensei.cli._errors import CommandError
from sensei.cli._migration_file import migration_of
from tests.cli.conftest import SHOP, User
from tests.cli.jobs import begun, made, moved

BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
"""A file of a few hundred bytes that stands for a hundred million values."""
DOUBTFUL = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, newsletter BOOLEAN)",
    "INSERT INTO people VALUES (1, 0), (2, 1), (3, 2)",
)
"""A column whose mapping has to be decided."""


def connections(connected: User) -> tuple[str, str]:
    connected.database("shop.db", *SHOP)
    name = connected.folder.parent.name  # names are shared by all tests of a server
    for given, role, path in ((f"{name} in", "source", "shop.db"), (f"{name} out", "target", "copy.db")):
        said = connected.run("connections", "create", "--name", given, "--url", f"sqlite:///{path}", "--role", role)
        assert said.code == 0, said.err
    return f"{name} in", f"{name} out"


def test_a_migration_by_names_from_create_to_delete(connected: User) -> None:
    source, target = connections(connected)
    created = connected.run("migrations", "create", "--source", source, "--target", target, "--name", "A", "--quiet")
    assert created.code == 0, created.err
    ident = created.out.strip()
    assert ident.startswith("mig_")
    assert created.err == ""

    ready = connected.run("migrations", "wait", ident, "--for", "plan_ready", "--timeout", "60", "--output", "json")
    assert ready.code == 0, ready.err
    assert json.loads(ready.out)["status"] in {"plan_ready", "approved"}

    checked = connected.run("migrations", "start", ident, "--dry-run")
    assert (checked.code, checked.out) == (0, f"{ident} could start; nothing was changed.\n")
    assert not (connected.folder / "copy.db").exists()

    started = connected.run("migrations", "start", ident, "--wait", "--output", "json")
    assert started.code == 0, started.err
    assert json.loads(started.out)["status"] == "completed"
    assert "data transfer" in started.err.lower()
    assert connected.rows("copy.db", "SELECT count(*) FROM orders") == [(3,)]

    shown = connected.run("migrations", "get", ident)
    assert shown.code == 0
    assert f"{source} (conn_" in shown.out
    assert "5 of 5" in shown.out
    assert "  data_transfer" in shown.out
    assert connected.run("migrations", "watch", ident, "--quiet").out == f"{ident}\n"
    assert connected.run("migrations", "wait", ident).code == 0

    deleted = connected.run("migrations", "delete", ident, "--yes", "--output", "json")
    assert json.loads(deleted.out) == {"id": ident, "deleted": True, "logs_retained": True, "metrics_retained": True}
    assert connected.run("migrations", "get", ident).code == 4


def test_a_file_with_short_forms_and_variables(connected: User, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = connections(connected)
    definition = {
        "name": "From ${WHERE}",
        "source": {"connection": source, "exclude_tables": ["orders"]},
        "target": {"connection": target},
        "options": {"parallelism": "${WORKERS}"},
        "notifications": {"slack": "#data", "events": ["failed"]},
    }
    (connected.folder / "migration.yaml").write_text(yaml.safe_dump(definition))

    missing = connected.run("migrations", "create", "-f", "migration.yaml")
    assert (missing.code, missing.out) == (2, "")
    assert "${WHERE}, which is not set" in missing.err

    monkeypatch.setenv("WHERE", "a file")
    monkeypatch.setenv("WORKERS", "2")
    said = connected.run("migrations", "create", "-f", "migration.yaml", "--name", "By option", "--output", "yaml")

    assert said.code == 0, said.err
    found = yaml.safe_load(said.out)
    assert found["name"] == "By option"
    assert found["source"]["exclude_tables"] == ["orders"]
    assert found["options"]["parallelism"] == 2
    assert found["notifications"] == {"slack_channel": "#data", "on_events": ["failed"]}


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", 2, "mapping"),
        ("[1, 2]", 2, "mapping"),
        ("name: x", 2, "source is missing"),
        ("nmae: x", 2, "did you mean 'name'"),
        ("source: shop\ntarget: {connection: a}", 2, "source must be a mapping"),
        ("source: {connection: a, connection_id: b}\ntarget: {connection: a}", 2, "mean the same"),
        ("source: {connection: no such one}\ntarget: {connection: a}", 4, "no connection 'no such one'"),
        ("source: {connection: ''}\ntarget: {connection: a}", 2, "source.connection"),
        ("source: {connection_id: conn_1}\ntarget: {connection_id: conn_2}\noptions: {parallelism: many}", 2, "parall"),
        (BOMB, 2, "too many values"),
        ("source: {connection_id: ../../x}\ntarget: {connection_id: conn_2}", 4, "connection"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(connected: User, text: str, code: int, says: str) -> None:
    (connected.folder / "m.yaml").write_text(text)

    said = connected.run("migrations", "create", "-f", "m.yaml")

    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert said.err.count("\n") == 1


def test_what_means_the_same_is_given_once() -> None:
    with pytest.raises(CommandError, match="slack and slack_channel mean the same"):
        migration_of(
            {
                "source": {"connection_id": "a"},
                "target": {"connection_id": "b"},
                "notifications": {"slack": "#a", "slack_channel": "#b"},
            },
            lambda name, _role: name,
        )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create",), 2),
        (("create", "--source", "x"), 2),
        (("create", "--source", "conn_1", "--target", "conn_2", "--schemas", "a,,b"), 2),
        (("list", "--status", "asleep"), 2),
        (("logs", "mig_1", "--all", "--follow"), 2),
        (("get", "../connections"), 4),
        (("get", "."), 2),
        (("get", ""), 2),
        (("get", "mig_\x1b[2J"), 4),
        (("start", "mig_none"), 4),
        (("watch", "mig_none"), 4),
        (("pause", "mig_none"), 4),
        (("resume", "mig_none"), 4),
        (("cancel", "mig_none", "--yes"), 4),
        (("rollback", "mig_none", "--yes"), 4),
        (("logs", "mig_none"), 4),
        (("logs", "mig_none", "--follow"), 4),
        (("wait", "mig_none"), 4),
        (("delete", "mig_none", "--yes"), 4),
    ],
)
def test_what_cannot_be_has_its_exit_code(connected: User, arguments: tuple[str, ...], code: int) -> None:
    said = connected.run("migrations", *arguments)

    assert (said.code, said.out) == (code, ""), said.err
    assert "\x1b" not in said.err


def test_lists_are_bounded_and_filtered(connected: User, client: Client, tmp_path: Path) -> None:
    ours = [made(client, tmp_path / str(number)).id for number in range(2)]

    one = connected.run("migrations", "list", "--limit", "1", "--output", "json")
    assert [item["id"] for item in json.loads(one.out)["data"]] == [ours[1]]
    assert connected.run("migrations", "list", "--all", "--quiet").out.split()[:2] == ours[::-1]
    assert "Move the shop" in connected.run("migrations", "list").out
    none = connected.run("migrations", "list", "--status", "rolling_back")
    assert (none.code, none.out, none.err) == (0, "", "There are no such migrations.\n")


def test_a_start_that_needs_decisions_says_where_they_are_made(connected: User, client: Client, tmp_path: Path) -> None:
    ident = made(client, tmp_path / "doubt", statements=DOUBTFUL).id

    said = connected.run("migrations", "start", ident)

    assert said.code == 1
    assert f"sensei plans mappings {ident} --undecided" in said.err
    waited = connected.run("migrations", "wait", ident, "--timeout", "0")
    assert (waited.code, waited.out) == (1, "")


def test_a_migration_that_fails_ends_with_1_after_its_result(connected: User, client: Client, tmp_path: Path) -> None:
    migration = made(client, tmp_path / "gone")
    (tmp_path / "gone" / "target.db").mkdir()

    said = connected.run("migrations", "start", migration.id, "--wait", "--output", "json")

    assert said.code == 1
    assert json.loads(said.out)["status"] in {"failed", "paused"}
    assert said.err.splitlines()[-1].startswith(f"Error: migration {migration.id} ")


def test_a_plan_that_cannot_be_made_ends_the_wait_with_1(connected: User, client: Client, tmp_path: Path) -> None:
    source, target = (
        client.connections.create(name=name, type="sqlite", role=role, config={"path": str(tmp_path / f"{name}.db")})
        for name, role in (("nothing", "source"), ("new", "target"))
    )
    migration = client.migrations.create(source={"connection_id": source.id}, target={"connection_id": target.id})

    said = connected.run("migrations", "wait", migration.id, "--for", "plan_ready")

    assert (said.code, said.out) == (1, "")
    assert "no plan can be made" in said.err
    assert connected.run("migrations", "watch", migration.id).code == 1
    assert connected.run("migrations", "wait", migration.id).code == 1


def test_what_destroys_asks_first(connected: User, client: Client, tmp_path: Path, types: Callable[..., None]) -> None:
    ident = made(client, tmp_path / "kept").id
    for command in ("cancel", "rollback", "delete"):
        said = connected.run("migrations", command, ident)
        assert said.code == 2
        assert "--yes" in said.err
    for command in ("cancel", "rollback", "delete"):
        types("n")
        said = connected.run("migrations", command, ident)
        assert said.code == 1, said.err
        assert "nothing was" in said.err
    assert not client.migrations.get(ident).is_finished

    cancelled = connected.run("migrations", "cancel", ident, "--reason", "a test", "--yes")

    assert (cancelled.code, cancelled.out) == (0, f"{ident} is cancelled.\n")
    assert connected.run("migrations", "resume", ident).code == 1
    assert connected.run("migrations", "pause", ident).code == 1
    assert connected.run("migrations", "watch", ident).code == 0
    assert connected.run("migrations", "wait", ident).code == 1


def test_what_was_written_is_undone(connected: User, client: Client, tmp_path: Path) -> None:
    ident = moved(client, tmp_path / "undone").id

    said = connected.run("migrations", "rollback", ident, "--yes")
    assert said.code == 0, said.err
    assert connected.run("migrations", "watch", ident, "--quiet").code == 0

    assert client.migrations.get(ident).status == "rolled_back"


def test_logs_in_every_form(connected: User, client: Client, tmp_path: Path) -> None:
    ident = moved(client, tmp_path / "logged").id
    entries = [entry.message for entry in client.migrations.logs(ident)]

    newest = connected.run("migrations", "logs", ident, "--limit", "2")
    assert [line.partition("info    ")[2].partition(" [")[0] for line in newest.out.splitlines()] == entries[-2:]
    assert f"The newest 2 of {len(entries)} lines" in newest.err
    document = json.loads(connected.run("migrations", "logs", ident, "--all", "--output", "json").out)
    assert [entry["message"] for entry in document["data"]] == entries
    lines = connected.run("migrations", "logs", ident, "--follow", "--output", "json").out.splitlines()
    assert [json.loads(line)["message"] for line in lines] == entries
    parts = yaml.safe_load_all(connected.run("migrations", "logs", ident, "--follow", "--output", "yaml").out)
    assert [part["message"] for part in parts] == entries
    followed = connected.run("migrations", "logs", ident, "--follow", "--level", "error")
    assert (followed.code, followed.out, followed.err) == (0, "", f"Migration {ident} is completed.\n")


@pytest.mark.parametrize("command", ["watch", "wait"])
def test_ctrl_c_leaves_the_migration_alone(connected: User, client: Client, tmp_path: Path, command: str) -> None:
    migration = made(client, tmp_path / "watched", statements=DOUBTFUL)

    with begun("migrations", command, migration.id) as process:
        assert process.stderr is not None
        assert process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, "")
    assert f"Stopped: {migration.id} goes on at the server; `sensei migrations watch {migration.id}`" in err
    assert client.migrations.get(migration.id).status == migration.status
