"""A stored secret goes where it was meant to go: whoever moves a connection says its secrets again."""

from __future__ import annotations

from typing import Any

import pytest

from sensei.server.serve import ServerThread
from sensei.server.settings import Settings
from sensei.server.store.tables import Connection
from tests.support.contract import ContractClient

PLAIN = {"host": "db.example.com", "port": 5432, "database": "d", "username": "u", "password": "stored"}
BY_URL = {"connection_string": "postgresql://u:stored@db.example.com/d"}
MIXED = {**BY_URL, "password": "stored"}
HIDDEN = {"host": "db.example.com", "extra_params": {"password": "stored", "application_name": "x"}}
OPEN = {"host": "db.example.com", "database": "d"}


def _make(client: ContractClient, config: dict[str, Any], type_: str = "postgresql", **members: Any) -> str:
    body = {"name": "c", "type": type_, "role": "both", "config": config, **members}
    answer = client.post("/v1/connections", json=body)
    assert answer.status_code == 201, answer.text
    return f"/v1/connections/{answer.json()['id']}"


@pytest.mark.parametrize(
    ("config", "change", "again"),
    [
        (PLAIN, {"host": "evil.example.com"}, ["password"]),
        (PLAIN, {"port": 5433}, ["password"]),
        (PLAIN, {"ssl_ca": "-----BEGIN CERTIFICATE-----"}, ["password"]),
        (PLAIN, {"extra_params": {"sslmode": "disable"}}, ["password"]),
        (PLAIN, {"connection_string": "postgresql://evil.example.com/d"}, ["password"]),
        (PLAIN, {"tunnel": {"type": "ssh", "host": "evil.example.com", "username": "u"}}, ["password"]),
        (PLAIN, {"host": "other.example.com", "password": "new"}, []),
        (PLAIN, {"host": "other.example.com", "password": None}, []),
        (PLAIN, {"host": "db.example.com"}, []),
        (PLAIN, {"database": "other", "schema": "s"}, []),
        (PLAIN, {"username": "other"}, []),
        (PLAIN, {"password": "new"}, []),
        (BY_URL, {"host": "evil.example.com"}, ["connection_string"]),
        (BY_URL, {"host": "other.example.com", "password": "new"}, []),
        (BY_URL, {"connection_string": "postgresql://u:new@other.example.com/d"}, []),
        (MIXED, {"host": "evil.example.com"}, ["password", "connection_string"]),
        (MIXED, {"connection_string": "postgresql://evil.example.com/d"}, ["password"]),
        (HIDDEN, {"host": "evil.example.com"}, ["extra_params"]),
        (HIDDEN, {"host": "other.example.com", "extra_params": {"application_name": "x"}}, []),
        (OPEN, {"host": "other.example.com"}, []),
    ],
)
def test_a_change_of_place_asks_for_the_secrets(
    lasting_admin: ContractClient, config: dict[str, Any], change: dict[str, Any], again: list[str]
) -> None:
    path = _make(lasting_admin, config)
    answer = lasting_admin.patch(path, json={"config": change})

    if not again:
        assert answer.status_code == 200, answer.text
        return
    assert answer.status_code == 422
    details = answer.json()["error"]["details"]
    assert (details["field"], details["reason"]) == (f"config.{again[0]}", "required")
    assert [problem["field"] for problem in details.get("errors", [details])] == [f"config.{name}" for name in again]
    assert "stored" not in answer.text
    assert lasting_admin.get(path).json()["config"].get("host") == config.get("host")


@pytest.mark.parametrize("options", [{"ssl_mode": "disable"}, {"ssl_mode": None}])
def test_less_protection_on_the_way_asks_for_them_too(lasting_admin: ContractClient, options: dict[str, Any]) -> None:
    path = _make(lasting_admin, PLAIN, options={"ssl_mode": "verify-full"})
    refused = lasting_admin.patch(path, json={"options": options})
    assert refused.json()["error"]["details"]["field"] == "config.password"
    assert lasting_admin.patch(path, json={"options": {"max_connections": 3}}).status_code == 200
    both = {"options": options, "config": {"password": "stored"}}
    assert lasting_admin.patch(path, json=both).status_code == 200


def test_the_documented_change_of_host_and_password_passes(lasting_admin: ContractClient) -> None:
    config = {"host": "oracle.company.internal", "service_name": "PROD", "password": "old"}
    path = _make(lasting_admin, config, "oracle")
    change = {"config": {"host": "oracle-replica.company.internal", "password": "new_password_here"}}
    assert lasting_admin.patch(path, json=change).json()["config"]["host"] == "oracle-replica.company.internal"


def test_tokens_of_other_systems_are_kept_in_their_place_too(lasting_admin: ContractClient) -> None:
    lake = {"host": "lake.example.com", "http_path": "/sql", "access_token": "stored"}
    answer = lasting_admin.patch(_make(lasting_admin, lake, "databricks"), json={"config": {"host": "evil.example"}})
    assert answer.json()["error"]["details"]["field"] == "config.access_token"
    documents = {"uri": "mongodb://u:stored@docs.example.com"}
    answer = lasting_admin.patch(_make(lasting_admin, documents, "mongodb"), json={"config": {"host": "evil.example"}})
    assert answer.json()["error"]["details"]["field"] == "config.uri"


def test_a_shared_server_tries_no_database_of_its_own_machine(tmp_path: Any) -> None:
    settings = Settings(state=tmp_path / "state.db", shared=True, data_dirs=(tmp_path / "data",))
    server = ServerThread(settings)
    server.start()
    try:
        with ContractClient(server.url, server.api_key) as client:
            for type_, config, code in (
                ("postgresql", {"host": "127.0.0.1"}, "E1001"),
                ("postgresql", {"host": "/tmp"}, "E1001"),
                ("postgresql", {"host": "169.254.169.254"}, "E1001"),
                ("postgresql", {"host": "10.0.0.1", "extra_params": {"passfile": "/etc/passwd"}}, "E1009"),
                ("sqlite", {"path": "/etc/passwd"}, "E1006"),
                ("sqlite", {"path": str(tmp_path / "state.db")}, "E1006"),
            ):
                tried = client.post("/v1/connections/test", json={"type": type_, "config": config}).json()
                assert (tried["status"], tried["error"]["reason_code"]) == ("failed", code), config
            with server.runtime.store.read() as session:
                assert session.query(Connection).count() == 0
    finally:
        server.stop()
