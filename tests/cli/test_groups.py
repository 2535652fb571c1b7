"""Groups within groups: listed without an import, told what was meant, completed by shells."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from click.shell_completion import ShellComplete

from sensei.cli import main
from sensei.cli._app import root
from sensei.cli._groups import Group
from sensei.cli._options import Command, Options


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """What the command `box open` is given; `box close` cannot be imported."""
    given: list[Options] = []

    @click.group("box", cls=Group, lazy={"close": ("sensei.cli.no_such_module", "Close it.")})
    def box() -> None:
        """A box."""

    @box.command("open")
    @click.pass_obj
    def opened(options: Options) -> None:
        """Open it."""
        given.append(options)

    @box.group("lid")
    def lid() -> None:
        """Its lid."""

    @lid.command("turn")
    @click.pass_obj
    def turned(options: Options) -> None:
        """Turn it."""
        given.append(options)

    assert isinstance(opened, Command)
    monkeypatch.setitem(root.commands, "box", box)
    return given


@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "json", "box", "open"],
        ["box", "--output", "json", "open"],
        ["box", "open", "--output", "json"],
        ["box", "lid", "turn", "--output", "json"],
        ["box", "--output", "yaml", "lid", "--output", "json", "turn"],
    ],
)
def test_shared_options_stand_anywhere(arguments: list[str], seen: list[Options]) -> None:
    assert main(arguments) == 0
    assert [one.form for one in seen] == ["json"]


def test_the_overview_of_a_group_imports_nothing(seen: list[Options], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["box", "--help"]) == 0

    said = capsys.readouterr().out
    assert all(text in said for text in ("close", "Close it.", "open", "Open it.", "lid", "Its lid."))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["box", "opne"], "Did you mean 'open'?"),
        (["box", "xyz"], "There are close, lid, open."),
        (["box", "lid", "tun"], "Did you mean 'turn'?"),
        (["box", "open", "--nothing"], "No such option"),
        (["box", "open", "more"], "unexpected extra argument"),
    ],
)
def test_a_slip_in_a_group_exits_with_2(
    arguments: list[str], says: str, seen: list[Options], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""
    assert seen == []


@pytest.mark.parametrize(
    ("typed", "incomplete", "offered"),
    [
        (["box"], "", {"close", "lid", "open"}),
        (["box"], "o", {"open"}),
        (["box", "lid"], "", {"turn"}),
        ([], "mig", {"migrate"}),
        (["box", "open"], "--out", {"--output"}),
        (["box", "open", "--output"], "", {"table", "json", "yaml"}),
    ],
)
def test_shells_complete_what_is_listed(
    typed: list[str], incomplete: str, offered: set[str], seen: list[Options]
) -> None:
    found = ShellComplete(root, {}, "sensei", "_SENSEI_COMPLETE").get_completions(typed, incomplete)

    assert {item.value for item in found} >= offered
    assert all(item.value.startswith(incomplete) for item in found)


def leaves(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Every command, and how it is called."""
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        inner = click.Context(found, parent=context, info_name=name)
        if isinstance(found, click.Group):
            yield from leaves(found, inner)
        else:
            yield inner.command_path, found


LEAVES = dict(leaves(root, click.Context(root, info_name="sensei")))


@pytest.mark.parametrize("path", LEAVES)
def test_every_help_has_an_example_that_can_be_typed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_SENSEI_KEY", "sk_test_0123456789abcdef")
    described = (LEAVES[path].help or "").partition("Example")[2]
    examples = re.findall(r"(?m)^(?:s:)?\W*(?:[A-Z]+=\$\()?(?:eval \"\$\()?(sensei [^|<>&#)\n]+)", described)

    assert any(f"{example} ".startswith(f"{path} ") for example in examples), described
    for example in examples:
        # It is read as a command line, and not carried out.
        words = shlex.split(example)
        command = next(one for one in sorted(LEAVES, key=len, reverse=True) if f"{example} ".startswith(f"{one} "))
        LEAVES[command].make_context(command, words[len(command.split()) :], obj=Options())


def test_commands_of_a_group_say_in_its_overview_what_their_help_says() -> None:
    migrations = root.get_command(click.Context(root), "migrations")
    assert isinstance(migrations, Group)
    assert set(migrations.lazy) == {"cancel", "rollback", "delete"}
    for name, (_, line) in migrations.lazy.items():
        assert (LEAVES[f"sensei migrations {name}"].help or "").startswith(line)
