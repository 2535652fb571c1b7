"""`sensei connections` against a real server and a real database."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
import yaml

from sensei import Client
from tests.cli.conftest import SHOP, Said, User


def made(said: Said) -> str:
    """The id of what was made with --quiet."""
    assert said.code == 0, said.err
    assert said.out.startswith("conn_")
    assert said.out.count("\n") == 1
    return said.out.strip()


@pytest.fixture
def shop(connected: User) -> str:
    connected.database("shop.db", *SHOP)
    return made(connected.run("connections", "create", "--name", "Shop", "--url", "sqlite:///shop.db", "--quiet"))


def test_a_connection_by_url_is_made_and_tested(connected: User) -> None:
    path = connected.database("shop.db", *SHOP)

    said = connected.run(
        "connections", "create", "--url", "sqlite:///shop.db", "--role", "source", "--tag", "a", "--output", "json"
    )

    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert found["status"] == "connected"
    assert found["role"] == "source"
    assert found["tags"] == ["a"]
    assert found["config"] == {"path": str(path)}
    assert found["last_test"]["status"] == "success"


def test_a_connection_from_a_file(connected: User, monkeypatch: pytest.MonkeyPatch) -> None:
    path = connected.database("shop.db", *SHOP)
    monkeypatch.setenv("SHOP_PATH", str(path))
    monkeypatch.setenv("SECONDS_TO_WAIT", "7")
    text = """
name: From a file
type: sqlite
role: source
config: {path: "${SHOP_PATH}", read_only: true}
options: {connection_timeout_seconds: "${SECONDS_TO_WAIT}"}
"""
    (connected.folder / "connection.yaml").write_text(text)

    said = connected.run("connections", "create", "-f", "connection.yaml", "--role", "both", "--output", "yaml")

    found = yaml.safe_load(said.out)
    assert (found["name"], found["role"], found["config"]["path"]) == ("From a file", "both", str(path))
    assert found["options"]["connection_timeout_seconds"] == 7

    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert made(connected.run("connections", "create", "-f", "-", "--quiet"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: x\ntype: sqlite", "config is missing"),
        ("name: x\ntype: sqlite\nrole: source\nconfig: {pth: /x}", "config.pth is unknown"),
        ("name: x\ntype: sqlite\nrole: sink\nconfig: {path: /x}", "role"),
        ("name: x\ntype: sqlite\nrole: source\nconfig: 5", "config"),
        ("nmae: x", "'nmae'; did you mean 'name'?"),
        ("name: x\ntype: sqlite\nrole: source\nconfig: {path: '${NOT_SET}'}", "${NOT_SET}"),
        ("name: x\ntype: postgresql\nrole: source\nconfig: {host: h, password: 5}", "config.password"),
    ],
)
def test_a_slip_in_a_file_names_file_and_member(connected: User, text: str, says: str) -> None:
    (connected.folder / "connection.yaml").write_text(text)

    said = connected.run("connections", "create", "-f", "connection.yaml")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Error: connection.yaml: ")
    assert says in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nobody to ask"),
        (["--url", "shop.db"], "no URL"),
        (["--url", "sqlite:///x.db", "--type", "sqlite"], "not both"),
        (["--host", "h"], "--type"),
        (["--type", "postgresql"], "--host is needed"),
        (["--type", "sqlite", "--path", "/x", "--host", "h"], "--path alone"),
        (["--type", "mysql", "--host", "h", "--path", "/x"], "--path is for sqlite"),
        (["--type", "snowflake", "--host", "h"], "settings of its own"),
        (["-f", "none.yaml", "--host", "h"], "only --name"),
        (["-f", "none.yaml"], "none.yaml: No such file"),
        (["--url", "mysql://ada@h/"], "names no database"),
    ],
)
def test_options_that_cannot_be_are_told_before_anything_is_sent(user: User, arguments: list[str], says: str) -> None:
    said = user.run("connections", "create", *arguments)

    assert (said.code, said.out) == (2, "")
    assert says in said.err


def test_a_connection_that_cannot_be_used_is_made_and_told(connected: User, client: Client) -> None:
    said = connected.run("connections", "create", "--url", "sqlite:///none/none.db", "--role", "source", "--quiet")

    assert said.code == 1
    assert client.connections.get(said.out.strip()).status == "failed"
    assert "is made, but cannot be used: " in said.err
    assert said.err.count("\n") == 1


def test_a_password_is_asked_for_and_never_shown(
    connected: User, types: Callable[..., None], client: Client, postgres_url: str
) -> None:
    types("postgresql", "db.invalid", "5433", "shop", "ada", "hunter2", "Asked", "target")

    said = connected.run("connections", "create", "--no-wait", "--output", "json")

    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["name"], found["role"]) == ("Asked", "target")
    assert (found["config"]["host"], found["config"]["port"]) == ("db.invalid", 5433)
    assert "hunter2" not in said.out + said.err


def test_a_password_comes_from_stdin(connected: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    arguments = ("--type", "mysql", "--host", "h.invalid", "--username", "ada", "--password", "-", "--no-wait")

    said = connected.run("connections", "create", *arguments)

    assert said.code == 0, said.err
    assert "hunter2" not in said.out + said.err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert connected.run("connections", "create", *arguments).code == 2


def test_lists_are_filtered_bounded_and_whole(connected: User, client: Client) -> None:
    for number in range(3):
        client.connections.create(
            name=f"c{number}", type="sqlite", role="target", config={"path": f"/{number}"}, tags=["three"]
        )

    bounded = connected.run("connections", "list", "--tag", "three", "--limit", "2", "--output", "json")
    document = json.loads(bounded.out)
    assert [one["name"] for one in document["data"]] == ["c2", "c1"]
    assert document["pagination"] == {"total": 3, "limit": 2, "offset": 0, "has_more": True}

    everything = connected.run("connections", "list", "--tag", "three", "--all", "--quiet")
    assert len(everything.out.split()) == 3
    assert everything.err == ""

    table = connected.run("connections", "list", "--tag", "three", "--limit", "1")
    assert table.out.splitlines()[0].split() == ["ID", "NAME", "TYPE", "ROLE", "STATUS", "CREATED"]
    assert table.err == "1 of 3 shown; --limit NUMBER shows more, --all shows all.\n"

    assert connected.run("connections", "list", "--tag", "nothing").err == "No such connections.\n"
    assert connected.run("connections", "list", "--all", "--limit", "2").code == 2
    assert connected.run("connections", "list", "--limit", "0").code == 2


def test_more_than_a_page_is_listed(connected: User, client: Client) -> None:
    for number in range(101):
        client.connections.create(name=f"c{number}", type="sqlite", role="target", config={"path": "/x"}, tags=["many"])

    assert len(connected.run("connections", "list", "--tag", "many", "--all", "--quiet").out.split()) == 101
    assert len(connected.run("connections", "list", "--tag", "many", "--limit", "101", "--quiet").out.split()) == 101


def test_a_connection_is_found_by_id_and_by_name(connected: User, shop: str, client: Client) -> None:
    client.connections.create(name="Only one", type="sqlite", role="source", config={"path": "/x"})
    for _ in range(2):
        client.connections.create(name="Two", type="sqlite", role="source", config={"path": "/x"})

    assert json.loads(connected.run("connections", "get", shop, "--output", "json").out)["id"] == shop
    assert connected.run("connections", "get", "Only one").code == 0
    several = connected.run("connections", "get", "Two")
    assert (several.code, several.out) == (2, "")
    assert "2 connections" in several.err
    for missing in ("conn_missing", "Nobody"):
        said = connected.run("connections", "get", missing)
        assert (said.code, said.out) == (4, "")


def test_a_test_tells_by_its_exit_code(connected: User, shop: str, client: Client) -> None:
    bad = client.connections.create(name="Bad", type="sqlite", role="source", config={"path": "/none/none.db"})

    good = connected.run("connections", "test", shop, "--output", "json")
    assert (good.code, json.loads(good.out)["status"]) == (0, "success")

    said = connected.run("connections", "test", bad.id, "--output", "json")
    assert (said.code, json.loads(said.out)["status"]) == (1, "failed")
    assert said.err.startswith(f"Error: {bad.id} cannot be used: ")


def test_the_structure_is_shown(connected: User, shop: str) -> None:
    tables = connected.run("connections", "schema", shop, "--tables")
    assert [line.split()[1] for line in tables.out.splitlines()] == ["TABLE", "customers", "orders"]

    columns = connected.run("connections", "schema", shop, "--table", "customers")
    assert [line.split()[1] for line in columns.out.splitlines()] == ["COLUMN", "id", "name"]
    assert "primary" in columns.out

    document = json.loads(connected.run("connections", "schema", shop, "--output", "json").out)
    assert [table["name"] for table in document["schemas"][0]["tables"]] == ["customers", "orders"]

    names = connected.run("connections", "schema", shop, "--tables", "--quiet")
    assert names.out == "main.customers\nmain.orders\n"


def test_rows_are_shown_as_they_are(connected: User) -> None:
    path = connected.database(
        "odd.db",
        'CREATE TABLE "t" ("a.b" TEXT, "n" INTEGER)',
        "INSERT INTO t VALUES ('2026-11-24T16:13:35Z', 1), (NULL, 2), ('', 3), ('x\x1b[2J' || char(10) || 'y', 4)",
    )
    ident = made(connected.run("connections", "create", "--url", f"sqlite:///{path}", "--quiet"))

    said = connected.run("connections", "preview", ident, "--schema", "main", "--table", "t", "--limit", "4")

    assert said.code == 0, said.err
    assert said.out.splitlines() == [
        "a.b                   n",
        "2026-11-24T16:13:35Z  1",
        "NULL                  2",
        "                      3",
        "x\N{REPLACEMENT CHARACTER}[2J y               4",
    ]
    document = json.loads(connected.run("connections", "preview", ident, "--table", "t", "--output", "json").out)
    assert document["rows"][3] == {"a.b": "x\x1b[2J\ny", "n": 4}
    assert connected.run("connections", "preview", ident, "--table", "none").code == 4
    assert connected.run("connections", "preview", ident).code == 2


def test_nothing_is_deleted_without_a_yes(
    connected: User, shop: str, types: Callable[..., None], client: Client
) -> None:
    said = connected.run("connections", "delete", shop)
    assert (said.code, said.out) == (2, "")
    assert "--yes" in said.err

    types("n")
    assert connected.run("connections", "delete", shop).code == 1
    assert client.connections.get(shop).id == shop

    done = connected.run("connections", "delete", shop, "--yes", "--output", "json")
    assert (done.code, json.loads(done.out)) == (0, {"id": shop, "deleted": True})
    assert connected.run("connections", "delete", shop, "--yes").code == 4


def test_a_yes_that_is_typed_deletes(connected: User, shop: str, types: Callable[..., None]) -> None:
    types("y")

    said = connected.run("connections", "delete", shop)

    assert said.code == 0
    assert "Delete the connection Shop" in said.err
    assert said.out == f"Deleted the connection {shop}.\n"
