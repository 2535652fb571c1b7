"""`sensei completion`: scripts that the shells take, with what is listed lazily."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from sensei.cli._app import COMMANDS
from tests.cli.conftest import User


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_for_the_shell(user: User, shell: str) -> None:
    said = user.run("completion", shell)

    assert (said.code, said.err) == (0, "")
    assert f"_SENSEI_COMPLETE={shell}_complete" in said.out
    if found := shutil.which(shell):
        checked = subprocess.run([found, "-n"], input=said.out, text=True, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("sensei conn", {"connections"}),
        ("sensei connections ", {"list", "create", "get", "test", "schema", "preview", "delete"}),
        ("sensei config profile ", {"create", "use", "list", "delete"}),
        ("sensei config set ", {"api-key", "output-format", "timeout", "color", "default-organization"}),
        ("sensei config profile use ", {"work"}),
    ],
)
def test_bash_completes(user: User, line: str, offered: set[str]) -> None:
    assert user.run("config", "profile", "create", "work", "--api-key", "sk_test_0123456789abcdef").code == 0
    words = line.split(" ")

    done = subprocess.run(
        [sys.executable, "-c", "from sensei.cli import main; raise SystemExit(main([]))"],
        env={
            **os.environ,
            "_SENSEI_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert {one.partition(",")[2] for one in done.stdout.split()} == offered, done.stderr


def test_fish_shows_lines_with_commas_whole(user: User) -> None:
    """Only the first comma of an answer parts what is typed from what is shown."""
    script = user.run("completion", "fish").out

    assert 'string split --max 1 ","' in script
    assert 'string split ","' not in script
    if found := shutil.which("fish"):
        (user.folder / "sensei.fish").write_text(script)
        asked = "source sensei.fish; complete -C 'sensei conn'"
        done = subprocess.run([found, "--no-config", "-c", asked], capture_output=True, text=True, check=True)
        assert done.stdout == f"connections\t{COMMANDS['connections'][1]}\n"
