"""Connections: kept with their secrets sealed, tested in the background, looked into."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest

from sensei.server.clock import ControllableClock
from sensei.server.connections import gateway
from sensei.server.engine.errors import ConnectorUnavailableError, EngineError
from sensei.server.engine.job import Endpoint
from sensei.server.schemas.connection_configs import SECRET_MEMBERS
from sensei.server.schemas.connections import ConnectionType
from sensei.server.serve import ServerThread
from sensei.server.settings import Quotas
from tests.server.waiting import wait_until
from tests.support.contract import ContractClient, document


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as db:
        db.executescript(
            """
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x', photo BLOB, big INTEGER);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id) ON DELETE CASCADE);
            CREATE INDEX orders_by_customer ON orders (customer);
            INSERT INTO customers VALUES (1, 'ä', x'00ff', 9007199254740993), (2, '', NULL, 1), (3, 'c', NULL, NULL);
            """
        )
    db.close()
    return path


def _make(client: ContractClient, path: Path | str, **members: Any) -> dict[str, Any]:
    body = {"name": "shop", "type": "sqlite", "role": "both", "config": {"path": str(path)}, **members}
    answer = client.post("/v1/connections", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/v1/connections/{made['id']}"
    return made


def _settled(client: ContractClient, id_: str) -> dict[str, Any]:
    wait_until(lambda: client.get(f"/v1/connections/{id_}").json()["status"] != "testing")
    found: dict[str, Any] = client.get(f"/v1/connections/{id_}").json()
    return found


def test_a_fresh_connection_is_tested_by_itself(admin: ContractClient, shop: Path) -> None:
    made = _make(admin, shop, description="d", tags=["prod"], options={"max_connections": 3, "own_setting": [1]})
    assert (made["status"], made["last_test"]) == ("testing", None)
    assert made["options"]["max_connections"] == 3
    assert made["options"]["own_setting"] == [1]
    shown = _settled(admin, made["id"])
    assert (shown["status"], shown["last_test"]["status"]) == ("connected", "success")
    assert shown["last_test"]["table_count"] == 2


FAILING = [
    ({"config": {"path": "/nowhere/at/all.db"}, "role": "source"}, "E1"),
    ({"type": "oracle", "config": {"host": "h", "sid": "x"}}, "E6005"),
    ({"type": "postgresql", "config": {"host": "127.0.0.1", "port": 1, "database": "d"}}, "E1001"),
]


@pytest.mark.parametrize(("members", "reason"), FAILING)
def test_a_database_that_cannot_be_used_is_a_failed_connection(
    admin: ContractClient, members: dict[str, Any], reason: str
) -> None:
    made = _make(admin, "unused", **members)
    shown = _settled(admin, made["id"])
    assert shown["status"] == "failed"
    assert shown["last_test"]["error"]["reason_code"].startswith(reason)
    again = admin.post(f"/v1/connections/{made['id']}/test")
    assert (again.status_code, again.json()["status"]) == (200, "failed")


def test_secrets_never_come_back(admin: ContractClient, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = {
        "host": "127.0.0.1",
        "port": 1,
        "username": "u",
        "password": "hunter2-password",
        "ssl_key": "hunter2-key",
        "connection_string": "postgresql://u:hunter2-string@127.0.0.1:1/d",
        "tunnel": {"type": "ssh", "host": "t", "username": "t", "private_key": "hunter2-tunnel"},
        "extra_params": {"sslpassword": "hunter2-driver", "keepalives": "1", "inner": {"apiToken": "hunter2-inner"}},
    }
    made = _make(admin, "unused", type="postgresql", config=config)
    assert made["config"] == {
        "host": "127.0.0.1",
        "port": 1,
        "username": "u",
        "tunnel": {"type": "ssh", "host": "t", "username": "t"},
        "extra_params": {"keepalives": "1"},
    }
    _settled(admin, made["id"])
    path = f"/v1/connections/{made['id']}"
    answers = [
        admin.get(path),
        admin.get("/v1/connections"),
        admin.post(f"{path}/test"),
        admin.get(f"{path}/schema"),
        admin.patch(path, json={"config": {"port": 2}}),
        admin.get("/v1/audit-logs"),
    ]
    assert not [answer.text for answer in answers if "hunter2" in answer.text]
    assert "hunter2" not in caplog.text
    assert not [file for file in tmp_path.iterdir() if b"hunter2" in file.read_bytes()]


def test_the_state_of_the_server_is_no_database_to_migrate(admin: ContractClient, tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    (tmp_path / "linked.db").symlink_to(state)
    os.link(state, tmp_path / "hard.db")
    for path in (state, tmp_path / "linked.db", tmp_path / "hard.db", tmp_path / "." / "x" / ".." / "state.db"):
        (tmp_path / "x").mkdir(exist_ok=True)
        for role in ("source", "target"):
            tried = admin.post(
                "/v1/connections/test", json={"type": "sqlite", "role": role, "config": {"path": str(path)}}
            ).json()
            assert (tried["status"], tried["error"]["reason_code"]) == ("failed", "E1006")
    made = _make(admin, str(state))
    assert _settled(admin, made["id"])["status"] == "failed"
    for read in (f"/v1/connections/{made['id']}/preview?table=api_keys", f"/v1/connections/{made['id']}/schema"):
        assert admin.get(read).json()["error"]["code"] == "connection_unreachable"


def test_the_state_is_for_its_owner_only(server: ServerThread, admin: ContractClient, tmp_path: Path) -> None:
    _make(admin, "unused")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("state.db*")}
    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm", "state.db.key"), 0o600)


def test_the_write_only_members_are_those_of_the_contract() -> None:
    schemas = document()["components"]["schemas"]
    found: set[str] = set()
    for name, schema in schemas.items():
        if name.endswith("Config") or name in ("ConfigCommon", "ConfigNetwork", "SshTunnel"):
            for part in (schema, *schema.get("allOf", ())):
                members = part.get("properties", {})
                found |= {member for member, one in members.items() if one.get("writeOnly")}
    assert found == SECRET_MEMBERS


def test_a_change_of_settings_means_another_test(admin: ContractClient, shop: Path) -> None:
    made = _make(admin, "/nowhere/x.db", role="source")
    assert _settled(admin, made["id"])["status"] == "failed"
    path = f"/v1/connections/{made['id']}"
    changed = admin.patch(path, json={"config": {"path": str(shop)}, "name": "n", "description": None}).json()
    assert (changed["status"], changed["name"], changed["description"]) == ("testing", "n", None)
    assert _settled(admin, made["id"])["status"] == "connected"
    # What does not concern the database leaves the status alone.
    assert admin.patch(path, json={"tags": ["a"]}).json()["status"] == "connected"


CHANGES: list[tuple[Any, str, str]] = [
    ({}, "", "required"),
    ({"name": None}, "name", "type"),
    ({"type": "mysql"}, "type", "immutable"),
    ({"role": "source"}, "role", "immutable"),
    ({"config": None}, "config", "type"),
    ({"config": {"path": None}}, "config.path", "required"),
    ({"config": {"host": "h"}}, "config.host", "unknown_member"),
    ({"options": {"max_connections": 0}}, "options.max_connections", "minimum"),
]


@pytest.mark.parametrize(("body", "field", "reason"), CHANGES)
def test_bad_changes(admin: ContractClient, shop: Path, body: Any, field: str, reason: str) -> None:
    made = _make(admin, shop)
    details = admin.patch(f"/v1/connections/{made['id']}", json=body).json()["error"]["details"]
    assert (details["field"], details["reason"]) == (field, reason)


def test_members_of_config_and_options_are_removed_by_null(admin: ContractClient, shop: Path) -> None:
    made = _make(admin, shop, options={"own_setting": 1})
    body = {"config": {"read_only": True}, "options": {"own_setting": None, "other": 2}}
    changed = admin.patch(f"/v1/connections/{made['id']}", json=body).json()
    assert changed["config"] == {"path": str(shop), "read_only": True}
    assert "own_setting" not in changed["options"]
    assert changed["options"]["other"] == 2
    again = admin.patch(f"/v1/connections/{made['id']}", json={"config": {"read_only": None}}).json()
    assert again["config"] == {"path": str(shop)}


def test_settings_are_tried_without_being_kept(admin: ContractClient, shop: Path) -> None:
    tries: list[tuple[dict[str, Any], str]] = [
        ({"type": "sqlite", "config": {"path": str(shop)}}, "success"),
        ({"type": "sqlite", "path": str(shop), "name": "n", "role": "source"}, "success"),
        ({"type": "sqlite", "path": "/nowhere/x.db", "config": {"path": str(shop)}}, "success"),
        ({"type": "sqlite", "connection_string": f"sqlite:///{shop}"}, "success"),
        ({"type": "snowflake", "config": {"account": "a"}}, "failed"),
    ]
    for body, status in tries:
        assert admin.post("/v1/connections/test", json=body).json()["status"] == status
    assert admin.get("/v1/connections").json()["data"] == []
    bad = admin.post("/v1/connections/test", json={"type": "sqlite", "config": {"host": "h"}}).json()["error"]
    assert bad["details"]["field"] in ("config.host", "config.path")


def test_the_structure_of_a_database(admin: ContractClient, shop: Path, clock: ControllableClock) -> None:
    made = _make(admin, shop)
    path = f"/v1/connections/{made['id']}/schema"
    shown = admin.get(path).json()
    assert shown["summary"] == {"tables": 2, "columns": 6, "estimated_rows": 3, "relationships": 1}
    orders = next(t for t in shown["schemas"][0]["tables"] if t["name"] == "orders")
    assert orders["foreign_keys"][0]["references"]["table"] == "customers"
    assert orders["foreign_keys"][0]["on_delete"] == "CASCADE"
    assert orders["indexes"][0]["columns"] == ["customer"]
    only = admin.get(path, params={"table": "orders"}).json()
    assert only["summary"]["tables"] == 1
    assert admin.get(path, params={"schema": "main"}).json()["summary"]["tables"] == 2
    assert admin.get(path, params={"table": "nothing"}).json()["error"]["code"] == "table_not_found"
    with sqlite3.connect(shop) as db:
        db.execute("CREATE TABLE fresh (id INTEGER)")
    db.close()
    assert admin.get(path).json()["summary"]["tables"] == 2, "a copy of a few moments ago"
    assert admin.get(path, params={"refresh": "true"}).json()["summary"]["tables"] == 3
    clock.advance(601)
    assert admin.get(path).json()["captured_at"] != only["captured_at"]


def test_some_rows_of_a_table(admin: ContractClient, shop: Path) -> None:
    made = _make(admin, shop)
    path = f"/v1/connections/{made['id']}/preview"
    shown = admin.get(path, params={"table": "customers", "limit": 1}).json()
    assert shown["rows"] == [{"id": 1, "name": "ä", "photo": "AP8=", "big": "9007199254740993"}]
    assert (shown["row_count"], shown["truncated"]) == (1, True)
    assert admin.get(path, params={"table": "customers"}).json()["truncated"] is False
    hostile = 'customers"; DROP TABLE orders; --'
    assert admin.get(path, params={"table": hostile}).json()["error"]["code"] == "table_not_found"


def test_a_database_that_went_away(admin: ContractClient, shop: Path) -> None:
    made = _make(admin, shop, role="source")
    _settled(admin, made["id"])
    shop.unlink()
    for path in ("schema", "preview?table=customers"):
        answer = admin.get(f"/v1/connections/{made['id']}/{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "connection_unreachable")


def test_postgresql_behind_a_connection(admin: ContractClient, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as db:
        db.execute("CREATE TABLE things (id bigint PRIMARY KEY, price numeric(10, 2), made timestamptz DEFAULT now())")
        db.execute("INSERT INTO things VALUES (1, 2.50, '2026-02-02 16:00:00+00')")
    made = _make(admin, "unused", type="postgresql", config={"connection_string": postgres_url})
    shown = _settled(admin, made["id"])
    assert shown["status"] == "connected", shown["last_test"]
    assert shown["last_test"]["write_test"] == "success"
    assert "public" in shown["last_test"]["accessible_schemas"]
    table = admin.get(f"/v1/connections/{made['id']}/schema", params={"table": "things"}).json()
    assert table["schemas"][0]["tables"][0]["columns"][0]["type"] == "bigint"
    rows = admin.get(f"/v1/connections/{made['id']}/preview", params={"table": "things"}).json()["rows"]
    assert rows[0]["price"] == "2.50"


def test_lists_are_filtered(admin: ContractClient, shop: Path) -> None:
    first = _make(admin, shop, tags=["a"])
    second = _make(admin, shop, role="source", tags=["a", "b"], type="mysql", config={"host": "127.0.0.1", "port": 1})

    def ids(**params: str) -> list[str]:
        return [c["id"] for c in admin.get("/v1/connections", params=params).json()["data"]]

    assert ids() == [second["id"], first["id"]]
    assert ids(type="mysql") == [second["id"]]
    assert ids(role="both") == [first["id"]]
    assert ids(tag="a", limit="1", offset="1") == [first["id"]]
    assert ids(tag="c") == []
    _settled(admin, first["id"])
    assert ids(status="connected") == [first["id"]]


def test_as_many_as_the_plan_allows(start_server: Callable[..., ServerThread], shop: Path) -> None:
    server = start_server(quotas=Quotas(connections=1))
    with ContractClient(server.url, server.api_key) as client:
        _make(client, shop)
        body = {"name": "x", "type": "sqlite", "role": "both", "config": {"path": str(shop)}}
        error = client.post("/v1/connections", json=body).json()["error"]
        assert (error["code"], error["details"]["limit"]) == ("quota_exceeded", 1)


@pytest.mark.parametrize("type_", get_args(ConnectionType))
def test_the_types_with_a_connector_are_those_the_engine_opens(type_: str) -> None:
    from sensei.server.engine.connectors import open_connector

    try:
        open_connector(Endpoint(type=type_, config={"connection_string": "nonsense://"})).close()
    except ConnectorUnavailableError:
        available = False
    except EngineError:
        available = True
    else:
        available = True
    assert (type_ in gateway.WITH_CONNECTOR) == available
