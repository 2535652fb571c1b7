"""A user at a command line: a home and a folder of their own, no server configured."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from sensei import Client
from sensei.cli import main
from sensei.testing import LocalServer

FOR_PROGRAMMERS = re.compile(
    r"(?<![\w/.*])\.[a-z_]{3,}\b(?![./])|\b[a-z_]{3,}=|\w\(\)|\bClient\(|"
    r"\b(None|True|False|tzinfo|dictionary|base_url|datetime)\b"
)
"""What only somebody who writes Python can read."""


@dataclass(frozen=True)
class Said:
    """What a command line came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class User:
    """Runs command lines in a folder of their own."""

    folder: Path
    home: Path
    run: Callable[..., Said]

    def database(self, name: str, *statements: str) -> Path:
        """Make a SQLite file."""
        path = self.folder / name
        with closing(sqlite3.connect(path)) as database, database:
            for statement in statements:
                database.execute(statement)
        return path

    def rows(self, name: str, query: str) -> list[tuple[object, ...]]:
        """Read from a SQLite file that must exist."""
        with closing(sqlite3.connect(f"file:{self.folder / name}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()


SHOP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), note TEXT)",
    "INSERT INTO customers VALUES (1, 'Ada'), (2, 'Zoë')",
    "INSERT INTO orders VALUES (1, 1, ''), (2, 1, NULL), (3, 2, 'x')",
)
"""A small shop for `User.database`."""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> User:
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    for name in ("SENSEI_API_KEY", "SENSEI_API_URL", "SENSEI_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        # Whatever is tried: messages speak of options and commands, never of arguments and methods.
        assert "--debug" in arguments or (found := FOR_PROGRAMMERS.search(said.err)) is None, f"{found}: {said.err}"
        return Said(code, said.out, said.err)

    return User(folder, home, run)


@pytest.fixture(scope="session")
def local_server() -> Iterator[LocalServer]:
    """A real server, one per test process."""
    with LocalServer() as server:
        yield server


@pytest.fixture
def connected(user: User, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> User:
    """A user whose environment names a server."""
    monkeypatch.setenv("SENSEI_API_URL", local_server.url)
    monkeypatch.setenv("SENSEI_API_KEY", local_server.api_key)
    return user


@pytest.fixture
def client(local_server: LocalServer) -> Iterator[Client]:
    """A client of the server that `connected` uses."""
    with Client(local_server.api_key, base_url=local_server.url) as client:
        yield client


class Typing(io.StringIO):
    """A stdin at which somebody sits and types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sits somebody down at the terminal, who types these lines; hidden ones too."""

    def type_lines(*lines: str) -> None:
        typed = Typing("".join(f"{line}\n" for line in lines))
        monkeypatch.setattr("sys.stdin", typed)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: typed.readline().rstrip("\n"))
        monkeypatch.setattr("click.termui.hidden_prompt_func", lambda prompt: typed.readline().rstrip("\n"))

    return type_lines
