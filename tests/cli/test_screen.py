"""What is shown fits the terminal, is broken between words only, and stays whole in a pipe."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from sensei import Client
from sensei.cli._screen import room_of, width, wrapped
from sensei.cli._terminal import fitted
from tests.cli.conftest import User
from tests.cli.jobs import made


@settings(derandomize=True, max_examples=300)
@given(st.text("ab `(東\u0308", max_size=80), st.integers(10, 60))
def test_a_line_is_broken_between_words_only(line: str, room: int) -> None:
    shown = wrapped(line, room)

    assert shown.split() == line.split()
    for part in shown.split("\n"):
        # Only what fits no line goes beyond the edge.
        *_, last = re.findall(r"(?:[^\s`]|`[^`]*`|`)+", part) or [""]
        assert width(part) <= room or width(last) > room


def test_styles_stay_on_their_words() -> None:
    text = Text.assemble(("✓ ", "bold green"), "Certificate ", ("cert_52ivpgmr2lcuekfutb6r", "red"), " is valid")

    lines = fitted(text, 28)

    assert lines.plain == "✓ Certificate\n  cert_52ivpgmr2lcuekfutb6r\n  is valid"
    assert [(str(span.style), lines.plain[span.start : span.end]) for span in lines.spans] == [
        ("bold green", "✓"),
        ("red", "cert_52ivpgmr2lcuekfutb6r"),
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("short", "short"),
        ("from  " + "/a/path/that/fits/no/line/of/this/screen", "from  /a/path/that/fits/no/line/of/this/screen"),
        ("a " * 12 + "conn_x1xe2e4l3di5z51owt7j.", "a a a a a a a a a a a a\n  conn_x1xe2e4l3di5z51owt7j."),
        ("target  The one (conn_x1xe2e4l3di5z51owt7j)", "target  The one\n   (conn_x1xe2e4l3di5z51owt7j)"),
        ("Wait for it: `sensei migrations wait mig_4x8fk1`", "Wait for it: `sensei migrations wait mig_4x8fk1`"),
    ],
)
def test_ids_and_commands_stay_in_one_piece(line: str, shown: str) -> None:
    assert wrapped(line, 30) == shown


def on_a_terminal(columns: int, *arguments: str) -> list[str]:
    """The lines that a terminal of so many columns is given."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "sensei", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environment, "TERM": "xterm"},
    )
    os.close(slave)
    shown = b""
    # Reading fails when the last one who writes has gone.
    with closing(os.fdopen(master, "rb", buffering=0)) as reader, suppress(OSError):
        while chunk := reader.read(65_536):
            shown += chunk
    process.wait(timeout=60)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).splitlines()


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_no_line_is_longer_than_the_terminal_and_ids_are_whole(
    connected: User, client: Client, tmp_path: Path, columns: int
) -> None:
    migration = made(client, tmp_path / "shop")
    client.connections.update(migration.source.connection_id or "", name="The warehouse in the north, second floor")
    for arguments in (
        ("migrations", "list"),
        ("migrations", "get", migration.id),
        ("plans", "get", migration.id),
        ("plans", "mappings", migration.id),
        ("connections", "list"),
        ("connections", "get", migration.source.connection_id or ""),
        ("migrations", "start", migration.id, "--dry-run"),
        ("migrations", "pause", migration.id),
        ("migrations", "get", "mig_that_is_not_there_at_all"),
        ("migrations", "lst"),
    ):
        lines = on_a_terminal(columns, *arguments)

        assert lines, arguments
        # What is longer than a line goes on in the next one: a path.
        assert all(width(line) <= columns or width(line.split()[-1]) > columns for line in lines), (arguments, lines)
        # Names may be shortened, also those that the SDK makes of ids; that is told by a sign. Ids never are.
        for ident, sign in re.findall(r"\b((?:mig|conn|map)_[a-z0-9]+)(…?)", "\n".join(lines)):
            assert sign or len(ident) >= 20 or ident.startswith("mig_that"), (arguments, ident)
        assert not any(re.match(r"(mig|conn|map)_[a-z0-9]+…", line) for line in lines)


@pytest.mark.parametrize(("given", "columns", "room"), [("", 72, 72), ("", 0, 80), ("100", 72, 100), ("wide", 72, 72)])
def test_the_width_is_that_of_the_terminal_behind_the_stream(
    given: str, columns: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", given)
    master, slave = os.openpty()
    with closing(os.fdopen(master, "rb", buffering=0)), os.fdopen(slave, "w") as stream:
        fcntl.ioctl(stream, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        assert room_of(stream) == room


def test_a_pipe_has_no_width(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        assert room_of(stream) is None
