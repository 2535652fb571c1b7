"""`sensei demo` proves itself, and touches nothing that is not its own."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from sensei.certificates import Verdict, check
from sensei.cli import _shop
from sensei.cli._shop import Size
from tests.cli.conftest import User
from tests.cli.jobs import begun

LEFT = {"shop.db", "shop-copy.db", "certificate.json", "certificate-keys.json", "report.html"}


def test_the_demo_ends_with_a_verified_certificate_and_a_summary(user: User) -> None:
    said = user.run("demo")

    assert said.code == 0, said.err
    assert {path.name for path in (user.folder / "sensei-demo").iterdir()} == LEFT
    for name in LEFT:
        assert str(user.folder / "sensei-demo" / name) in said.out
    for step in ("Made a shop", "Source", "Target", "Plan", "Mappings", "Risks", "Moved", "Validation", "Certificate"):
        assert step in said.err
    assert "verified offline" in said.err
    certificate = (user.folder / "sensei-demo" / "certificate.json").read_bytes()
    keys = json.loads((user.folder / "sensei-demo" / "certificate-keys.json").read_bytes())
    assert check(certificate, keys) is Verdict.VALID


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop of a few hundred rows, where its size is not the point."""
    monkeypatch.setattr(_shop, "Size", lambda: Size(products=120, customers=1_000, orders=1_100))


def test_every_cell_arrives(user: User, small: None) -> None:
    assert user.run("demo", "--directory", "here").code == 0

    tables = user.rows(
        "here/shop.db", "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    assert len(tables) == 8
    for (table,) in tables:
        columns = [row[1] for row in user.rows("here/shop.db", f"PRAGMA table_info({table})")]
        # Compared as storage class and bytes, which no comparison of values can paper over.
        cells = ", ".join(f"typeof({column}), CAST({column} AS BLOB)" for column in columns)
        query = f"SELECT {cells} FROM {table} ORDER BY 1, 2, 3, 4"
        assert user.rows("here/shop-copy.db", query) == user.rows("here/shop.db", query), table


def test_a_second_demo_replaces_the_first(user: User, small: None) -> None:
    assert user.run("demo").code == 0
    first = (user.folder / "sensei-demo" / "certificate.json").read_bytes()

    said = user.run("demo")

    assert said.code == 0, said.err
    assert (user.folder / "sensei-demo" / "certificate.json").read_bytes() != first


def test_the_demo_replaces_nothing_that_it_did_not_make(user: User) -> None:
    user.database("shop.db", "CREATE TABLE precious (id INTEGER)")

    said = user.run("demo", "--directory", ".")

    assert said.code == 1
    assert "--directory" in said.err.splitlines()[-1]
    assert user.rows("shop.db", "SELECT name FROM sqlite_master") == [("precious",)]


def test_a_target_file_that_exists_is_left_alone(user: User) -> None:
    path = user.database("mine.db", "CREATE TABLE precious (id INTEGER)")
    before = path.read_bytes()

    said = user.run("demo", "--target", "sqlite:///mine.db")

    assert said.code == 1
    assert "exists already" in said.err.splitlines()[-1]
    assert path.read_bytes() == before


def test_the_demo_leaves_no_state_behind(user: User, small: None) -> None:
    assert user.run("demo").code == 0

    assert not (user.home / ".sensei").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line(user: User) -> None:
    (user.folder / "file").write_text("")

    said = user.run("demo", "--directory", "file/inside")

    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("Error: ")
    assert str(Path("file") / "inside") in said.err
    assert "Traceback" not in said.err


def test_the_demo_moves_to_postgresql_too_and_says_what_to_do_the_second_time(
    user: User, small: None, postgres_url: str
) -> None:
    said = user.run("demo", "--target", postgres_url)

    assert said.code == 0, said.err
    assert "verified offline" in said.err
    again = user.run("demo", "--target", postgres_url)
    assert again.code == 1
    assert "drop the schema sensei_demo" in again.err.splitlines()[-1]


def test_a_demo_that_was_stopped_begins_anew(user: User, small: None) -> None:
    with begun("demo") as process:
        assert process.stderr is not None
        assert any("Connecting to the source" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (143, "")
    assert err.splitlines()[-1] == (
        f"Stopped: what there is of it is in {user.folder / 'sensei-demo'}; run it again to begin anew"
    )
    assert user.run("demo").code == 0
