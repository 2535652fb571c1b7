"""What every call goes through: ids, credentials, limits, and what becomes of bad input."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensei.server.clock import ControllableClock
from sensei.server.serve import ServerThread
from sensei.server.settings import DOCUMENTED_ENDPOINT_LIMITS, TIERS, RateLimits, Settings
from tests.server.scripted_engine import ScriptedEngine
from tests.support.contract import ContractClient

CONNECTION = {"name": "a", "type": "sqlite", "role": "both", "config": {"path": "/nowhere.db"}}
MIGRATION: dict[str, Any] = {"name": "m", "source": {"connection_id": "c"}, "target": {"connection_id": "c"}}
LONG = "x" * 256


@pytest.fixture(autouse=True)
def _scripted(engine: ScriptedEngine) -> None:
    """No test of this file is about databases."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContractClient]:
    """One server for the tables of bad input, which leave nothing behind."""
    server = ServerThread(Settings(state=tmp_path_factory.mktemp("requests") / "state.db"))
    server.start()
    with ContractClient(server.url, server.api_key) as client:
        yield client
    server.stop()


def test_a_uuid_of_the_client_comes_back_and_anything_else_is_replaced(admin: ContractClient) -> None:
    mine = str(uuid.uuid4())
    assert admin.get("/v1/connections", headers={"X-Request-Id": mine}).headers["X-Request-Id"] == mine
    for bad in ("mine", "", "x" * 36, "{" + mine + "}"):
        answer = admin.get("/v1/connections/none", headers={"X-Request-Id": bad})
        assert answer.headers["X-Request-Id"].startswith("req_")
        assert answer.json()["error"]["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Basic abc", "Bearer sk_test_unknown", "Bearer x.y.z", "sk_test_x"]
)
def test_without_a_good_credential_there_is_only_401(shared: ContractClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with ContractClient(str(shared.base_url)) as client:
        for path in ("/v1/connections", "/v1/connections/conn_none"):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_credential_in_the_query_is_not_one(server: ServerThread) -> None:
    for name in ("api_key", "access_token", "token", "key"):
        answer = httpx.get(f"{server.url}/v1/connections", params={name: server.api_key})
        assert answer.status_code == 401


def test_a_missing_scope_is_told_before_anything_else(
    admin: ContractClient, calling: Callable[[str], ContractClient]
) -> None:
    key = admin.post("/v1/api-keys", json={"name": "r", "scopes": ["connections:read"]}).json()["key"]
    reader = calling(key)
    assert reader.get("/v1/connections").status_code == 200
    for method, path in (("POST", "/v1/connections"), ("DELETE", "/v1/connections/conn_none")):
        error = reader.request(method, path, content=b"{").json()["error"]
        assert (error["code"], error["details"]["required_scope"]) == ("forbidden", "connections:write")


def test_what_belongs_to_another_environment_does_not_exist(start_server: Callable[..., ServerThread]) -> None:
    server = start_server(api_key="sk_live_0123456789abcdef")
    from sensei.server.runtime import ensure_api_key

    sandbox = ensure_api_key(server.runtime)
    with ContractClient(server.url, server.api_key) as live, ContractClient(server.url, sandbox) as test:
        made = live.post("/v1/connections", json=CONNECTION).json()["id"]
        assert test.get(f"/v1/connections/{made}").json()["error"]["code"] == "connection_not_found"
        assert test.get("/v1/connections").json()["data"] == []
        body = {**MIGRATION, "source": {"connection_id": made}}
        assert test.post("/v1/migrations", json=body).json()["error"]["code"] == "connection_not_found"


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/nothing", "/v1/connections/", "/v1/connections/a/b/c", "/v1/%2e%2e"]
)
def test_paths_that_do_not_exist(shared: ContractClient, path: str) -> None:
    answer = httpx.get(f"{shared.base_url}{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-RateLimit-Limit"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/connections", "GET, POST"),
        ("DELETE", "/v1/connections", "GET, POST"),
        ("HEAD", "/v1/connections", "GET, POST"),
        ("POST", "/v1/connections/c", "DELETE, GET, PATCH"),
        ("GET", "/v1/migrations/m/start", "POST"),
        ("PUT", "/v1/migrations/m/schedule", "DELETE, GET, PATCH, POST"),
        # The literal path wins, although the one with a parameter has the method.
        ("GET", "/v1/connections/test", "POST"),
        ("DELETE", "/v1/webhooks/bulk", "POST"),
        ("GET", "/v1/migrations/m/mappings/bulk", "PATCH"),
        ("GET", "/v1/migrations/m/errors/bulk-resolve", "POST"),
        ("DELETE", "/v1/validations/rules", "GET, POST"),
    ],
)
def test_methods_that_a_path_does_not_have(shared: ContractClient, method: str, path: str, allowed: str) -> None:
    answer = httpx.request(method, f"{shared.base_url}{path}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


def test_a_body_of_another_type(admin: ContractClient) -> None:
    for content_type in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        answer = admin.post("/v1/connections", content=b"{}", headers={"Content-Type": content_type})
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    raw = json.dumps(CONNECTION).encode()
    for content_type in ("application/json", "application/json; charset=utf-8", "application/x-www-form-urlencoded"):
        assert admin.post("/v1/connections", content=raw, headers={"Content-Type": content_type}).status_code == 201


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"nonsense",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"\xff\xfe",
        b'{"name": "\\ud800"}',
        b"[" * 100_000,
        b"{} {}",
    ],
)
def test_a_body_that_is_no_json(shared: ContractClient, raw: bytes) -> None:
    answer = shared.post("/v1/connections", content=raw, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


def test_a_body_that_is_too_large(start_server: Callable[..., ServerThread]) -> None:
    server = start_server(max_body_bytes=1000)
    with ContractClient(server.url, server.api_key) as client:
        just = {**CONNECTION, "description": ""}
        just["description"] = "x" * (1000 - len(json.dumps(just)))
        headers = {"Content-Type": "application/json"}
        assert client.post("/v1/connections", content=json.dumps(just), headers=headers).status_code == 201
        answer = client.post("/v1/connections", content=json.dumps(just) + " ", headers=headers)
        assert (answer.status_code, answer.json()["error"]["details"]["limit"]) == (413, 1000)


def _changed(body: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {name: value for name, value in {**body, **members}.items() if value is not ...}


CONNECTIONS: list[tuple[Any, str, str]] = [
    ([], "", "type"),
    ("text", "", "type"),
    ({}, "type", "required"),
    (_changed(CONNECTION, name=...), "name", "required"),
    (_changed(CONNECTION, name=""), "name", "min_length"),
    (_changed(CONNECTION, name=LONG), "name", "max_length"),
    (_changed(CONNECTION, name=None), "name", "type"),
    (_changed(CONNECTION, name=1), "name", "type"),
    (_changed(CONNECTION, description="x" * 2001), "description", "max_length"),
    (_changed(CONNECTION, type="excel"), "type", "enum"),
    (_changed(CONNECTION, type=None), "type", "required"),
    (_changed(CONNECTION, role="middle"), "role", "enum"),
    (_changed(CONNECTION, role=...), "role", "required"),
    (_changed(CONNECTION, colour="red"), "colour", "unknown_member"),
    (_changed(CONNECTION, config=...), "config", "required"),
    (_changed(CONNECTION, config={}), "config.path", "required"),
    (_changed(CONNECTION, config={"path": "/a", "host": "h"}), "config.host", "unknown_member"),
    (_changed(CONNECTION, config={"path": "/a", "read_only": "yes"}), "config.read_only", "type"),
    (_changed(CONNECTION, config={"path": "/a", "read_only": None}), "config.read_only", "type"),
    (_changed(CONNECTION, tags=["a"] * 51), "tags", "max_length"),
    (_changed(CONNECTION, tags=[""]), "tags.0", "min_length"),
    (_changed(CONNECTION, options={"max_connections": 0}), "options.max_connections", "minimum"),
    (_changed(CONNECTION, options={"query_timeout_seconds": 3601}), "options.query_timeout_seconds", "maximum"),
    (_changed(CONNECTION, options={"ssl_mode": "maybe"}), "options.ssl_mode", "enum"),
    (_changed(CONNECTION, type="postgresql", config={"host": "h", "port": 0}), "config.port", "minimum"),
    (_changed(CONNECTION, type="postgresql", config={"host": "h", "port": 5432.5}), "config.port", "type"),
    (_changed(CONNECTION, type="postgresql", config={"host": "h", "port": "5432"}), "config.port", "type"),
    (_changed(CONNECTION, type="oracle", config={"host": "h"}), "config.service_name", "required"),
    (
        _changed(CONNECTION, type="oracle", config={"host": "h", "sid": "a", "service_name": "b"}),
        "config.sid",
        "one_of",
    ),
    (
        _changed(CONNECTION, config={"path": "/a", "tunnel": {"type": "ssh", "host": "h"}}),
        "config.tunnel.username",
        "required",
    ),
    (
        _changed(CONNECTION, config={"path": "/a", "credentials": {"provider": "x", "secret_name": "s"}}),
        "config.credentials.provider",
        "enum",
    ),
]


@pytest.mark.parametrize(("body", "field", "reason"), CONNECTIONS)
def test_bad_connections(shared: ContractClient, body: Any, field: str, reason: str) -> None:
    answer = shared.post("/v1/connections", json=body)
    details = answer.json()["error"]["details"]
    assert (answer.status_code, details["field"], details["reason"]) == (422, field, reason)


def _options(**members: Any) -> dict[str, Any]:
    return _changed(MIGRATION, options=members)


MIGRATIONS: list[tuple[Any, str, str]] = [
    (_changed(MIGRATION, name=...), "name", "required"),
    (_changed(MIGRATION, name=LONG), "name", "max_length"),
    (_changed(MIGRATION, source=...), "source", "required"),
    (_changed(MIGRATION, source={}), "source.connection_id", "required"),
    (_changed(MIGRATION, source=None), "source", "type"),
    (_changed(MIGRATION, source={"type": "sqlite"}), "source.connection_string", "required"),
    (_changed(MIGRATION, source={"connection_string": "x"}), "source.type", "required"),
    (
        _changed(MIGRATION, source={"connection_id": "c", "connection_string": "x"}),
        "source.connection_string",
        "unknown_member",
    ),
    (_changed(MIGRATION, source={"connection_id": "c", "tables": [""]}), "source.tables.0", "min_length"),
    (_changed(MIGRATION, target={"connection_id": "c", "tables": []}), "target.tables", "unknown_member"),
    (
        _changed(MIGRATION, target={"connection_id": "c", "options": {"drop_existing_tables": 1}}),
        "target.options.drop_existing_tables",
        "type",
    ),
    (_changed(MIGRATION, strategy="fast"), "strategy", "enum"),
    (_changed(MIGRATION, dry_run=True), "dry_run", "unknown_member"),
    (_options(parallelism=0), "options.parallelism", "minimum"),
    (_options(parallelism=65), "options.parallelism", "maximum"),
    (_options(parallelism=True), "options.parallelism", "type"),
    (_options(batch_size=100_001), "options.batch_size", "maximum"),
    (_options(auto_approve_above=1.1), "options.auto_approve_above", "maximum"),
    (_options(mode="sideways"), "options.mode", "enum"),
    (_options(validation_type=None), "options.validation_type", "type"),
    (_options(unknown=1), "options.unknown", "unknown_member"),
    (_options(notify_on_completion=["nobody"]), "options.notify_on_completion.0", "format"),
    (_changed(MIGRATION, schedule={}), "schedule.start_at", "required"),
    (_changed(MIGRATION, schedule={"start_at": "tomorrow"}), "schedule.start_at", "format"),
    (_changed(MIGRATION, schedule={"start_at": "2026-02-30T00:00:00Z"}), "schedule.start_at", "format"),
    (_changed(MIGRATION, schedule={"start_at": "2026-02-03T00:00:00"}), "schedule.start_at", "format"),
    (_changed(MIGRATION, schedule={"start_at": 5}), "schedule.start_at", "type"),
    (
        _changed(MIGRATION, schedule={"maintenance_window": {"start": "25:00", "end": "06:00"}}),
        "schedule.maintenance_window.start",
        "pattern",
    ),
    (
        _changed(MIGRATION, schedule={"maintenance_window": {"start": "06:00", "end": "06:00"}}),
        "schedule.maintenance_window.end",
        "one_of",
    ),
    (_changed(MIGRATION, schedule={"maintenance_windows": []}), "schedule.maintenance_windows", "min_length"),
    (
        _changed(MIGRATION, schedule={"start_at": "2100-01-01T00:00:00Z", "timezone": "Mars/Base"}),
        "schedule.timezone",
        "format",
    ),
    (_changed(MIGRATION, notifications={"on_events": ["birthday"]}), "notifications.on_events.0", "enum"),
]


@pytest.mark.parametrize(("body", "field", "reason"), MIGRATIONS)
def test_bad_migrations(shared: ContractClient, body: Any, field: str, reason: str) -> None:
    answer = shared.post("/v1/migrations", json=body)
    details = answer.json()["error"]["details"]
    assert (answer.status_code, details["field"], details["reason"]) == (422, field, reason)


def test_ends_that_cannot_be_used(admin: ContractClient) -> None:
    def refused(source: dict[str, Any], target: dict[str, Any]) -> tuple[str, str | None]:
        error = admin.post("/v1/migrations", json={"name": "m", "source": source, "target": target}).json()["error"]
        return error["code"], error["details"].get("reason") if "details" in error else None

    reader = admin.post("/v1/connections", json={**CONNECTION, "role": "source"}).json()["id"]
    oracle = {"name": "o", "type": "oracle", "role": "both", "config": {"host": "h", "sid": "x"}}
    other = admin.post("/v1/connections", json=oracle).json()["id"]
    good = {"connection_id": reader}
    assert refused({"connection_id": "conn_none"}, good) == ("connection_not_found", None)
    assert refused(good, good) == ("validation_error", "role_mismatch")
    # Who may use a stored password need not be who may have it sent in the clear.
    for name in ("ssl_mode", "encrypt", "trust_server_certificate"):
        loosened = {**good, "options": {name: "disable"}}
        assert refused(loosened, good) == ("validation_error", "unsupported")
    assert refused({"connection_id": other}, good)[0] == "connector_unavailable"
    read_only = {"type": "mysql", "connection_string": "mysql://h/d"}
    assert refused(good, read_only)[0] == "connector_unavailable"
    inline = {"type": "mongodb", "connection_string": "mongodb://h"}
    assert refused(inline, good)[0] == "connector_unavailable"


QUERIES = [
    ("/v1/connections", {"limit": "0"}, "limit", "minimum"),
    ("/v1/connections", {"limit": "101"}, "limit", "maximum"),
    ("/v1/connections", {"limit": "1.0"}, "limit", "type"),
    ("/v1/connections", {"limit": ""}, "limit", "type"),
    ("/v1/connections", {"limit": "٣"}, "limit", "type"),
    ("/v1/connections", {"offset": "-1"}, "offset", "minimum"),
    ("/v1/connections", {"type": "excel"}, "type", "enum"),
    ("/v1/connections", {"status": "fine"}, "status", "enum"),
    ("/v1/migrations", {"sort": "size"}, "sort", "enum"),
    ("/v1/migrations", {"order": "up"}, "order", "enum"),
    ("/v1/migrations", {"created_after": "never"}, "created_after", "format"),
    ("/v1/migrations", {"status": "done"}, "status", "enum"),
    ("/v1/connections/c/schema", {"refresh": "1"}, "refresh", "type"),
    ("/v1/connections/c/preview", {}, "table", "required"),
    ("/v1/connections/c/preview", {"table": ""}, "table", "min_length"),
    ("/v1/migrations/m/mappings", {"min_confidence": "2"}, "min_confidence", "maximum"),
    ("/v1/migrations/m/mappings", {"min_confidence": "nan"}, "min_confidence", "type"),
    ("/v1/migrations/m/logs", {"level": "loud"}, "level", "enum"),
    ("/v1/migrations/m/logs", {"follow": "yes"}, "follow", "type"),
]


@pytest.mark.parametrize(("path", "params", "field", "reason"), QUERIES)
def test_bad_query_parameters(shared: ContractClient, path: str, params: Any, field: str, reason: str) -> None:
    answer = shared.get(path, params=params)
    details = answer.json()["error"]["details"]
    assert (answer.status_code, details["field"], details["reason"]) == (422, field, reason)


def test_unknown_query_parameters_and_far_offsets_are_no_mistakes(admin: ContractClient) -> None:
    page = admin.get("/v1/connections", params={"colour": "red", "offset": 10**15}).json()
    assert (page["data"], page["pagination"]["has_more"]) == ([], False)


def test_all_offending_members_are_told(admin: ContractClient) -> None:
    error = admin.post("/v1/connections", json={**CONNECTION, "name": "", "role": "x", "z": 1}).json()["error"]
    assert {(one["field"], one["reason"]) for one in error["details"]["errors"]} == {
        ("name", "min_length"),
        ("role", "enum"),
        ("z", "unknown_member"),
    }


def test_limits_are_counted_and_told(start_server: Callable[..., ServerThread]) -> None:
    server = start_server(limits=RateLimits(per_second=None, per_day=3))
    with ContractClient(server.url, server.api_key) as client:
        left = [client.get("/v1/connections").headers["X-RateLimit-Remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        answer = client.get("/v1/connections")
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["details"]["window"]) == (429, "rate_limited", "day")
        assert int(answer.headers["Retry-After"]) == error["retry_after"] > 0
        assert answer.headers["X-RateLimit-Remaining"] == "0"


def test_a_new_second_brings_a_new_allowance(
    start_server: Callable[..., ServerThread], clock: ControllableClock
) -> None:
    server = start_server(limits=TIERS["free"])
    with ContractClient(server.url, server.api_key) as client:
        assert 429 in [client.get("/v1/connections").status_code for _ in range(25)]
        clock.advance(1)
        assert client.get("/v1/connections").status_code == 200


def test_single_operations_can_be_limited(start_server: Callable[..., ServerThread]) -> None:
    server = start_server(limits=RateLimits(endpoints=DOCUMENTED_ENDPOINT_LIMITS))
    with ContractClient(server.url, server.api_key) as client:
        answers = [client.post("/v1/migrations", json=MIGRATION) for _ in range(11)]
        assert [a.status_code for a in answers] == [404] * 10 + [429]
        assert answers[-1].json()["error"]["details"] == {"window": "endpoint", "limit": 10, "reason_code": "E7006"}
        assert client.get("/v1/migrations").status_code == 200


def test_the_day_is_remembered_over_a_restart(start_server: Callable[..., ServerThread]) -> None:
    limits = RateLimits(per_second=None, per_day=10)
    first = start_server(limits=limits)
    with ContractClient(first.url, first.api_key) as client:
        for _ in range(6):
            client.get("/v1/connections")
    first.stop()
    second = start_server(limits=limits, api_key=first.api_key)
    with ContractClient(second.url, first.api_key) as client:
        assert client.get("/v1/connections").headers["X-RateLimit-Remaining"] == "3"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*CONNECTION, "x", ""]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON)
def test_no_json_upsets_the_server(shared: ContractClient, body: Any) -> None:
    answer = shared.post("/v1/connections", json=body)
    assert answer.status_code in (201, 422)
    assert shared.patch("/v1/connections/conn_none", json=body).status_code in (404, 422)


@settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=40))
def test_no_bytes_upset_the_server(shared: ContractClient, raw: bytes) -> None:
    answer = shared.post("/v1/connections", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400], ids=["infinite", "-infinite", "400 digits"])
def test_a_number_that_no_client_could_read_back_is_refused(shared: ContractClient, number: str) -> None:
    body = json.dumps({**CONNECTION, "options": {"some_setting": 4711}}).replace("4711", number)
    answer = shared.post("/v1/connections", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert "Infinity" not in shared.get("/v1/connections").text


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"name": "a\0b"}, "name"),
        ({"tags": ["good", "\0"]}, "tags.1"),
        ({"options": {"deep": [{"text": "\0"}]}}, "options.deep.0.text"),
        ({"options": {"key\0": 1}}, "options"),
    ],
)
def test_a_text_with_a_nul_character_is_refused_with_every_kind_of_state(
    shared: ContractClient, members: dict[str, Any], field: str
) -> None:
    error = shared.post("/v1/connections", json={**CONNECTION, **members}).json()["error"]
    assert (error["code"], error["details"]["field"], error["details"]["reason"]) == (
        "validation_error",
        field,
        "pattern",
    )
    assert shared.post("/v1/connections", json={**CONNECTION, "name": "a\\u0000b"}).status_code == 201
