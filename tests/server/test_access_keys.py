"""API keys: shown once, limited to what their maker holds, ended at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sensei.server.auth.access_control import Principal, check_address, grants
from sensei.server.clock import ControllableClock
from sensei.server.errors import ApiError
from sensei.server.runtime import ensure_api_key
from sensei.server.schemas.base import wire_time
from sensei.server.serve import ServerThread
from sensei.server.settings import Quotas
from tests.support.contract import ContractClient

PRODUCTION_KEY = "sk_live_0123456789abcdef"
Call = Callable[[str | None], ContractClient]


@pytest.fixture
def server(start_server: Callable[..., ServerThread]) -> ServerThread:
    return start_server(quotas=Quotas(api_keys=40))


def _make(client: ContractClient, **members: Any) -> dict[str, Any]:
    answer = client.post("/v1/api-keys", json={"name": "k", "scopes": ["admin:*"], **members})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_key_is_shown_once_and_works(admin: ContractClient, calling: Call, tmp_path: Path) -> None:
    made = _make(admin, scopes=["connections:read"])
    key = made.pop("key")
    assert key.startswith("sk_test_")
    assert len(key.removeprefix("sk_test_")) >= 32
    assert made["key_prefix"] == key[:12]
    assert admin.get(f"/v1/api-keys/{made['id']}").json() == made
    assert key not in admin.get("/v1/api-keys").text
    assert calling(key).get("/v1/connections").status_code == 200
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert key.encode() not in stored


def test_the_use_of_a_key_is_noted(admin: ContractClient, calling: Call) -> None:
    made = _make(admin, scopes=["connections:read"])
    assert made["last_used_at"] is None
    calling(made["key"]).get("/v1/connections")
    assert admin.get(f"/v1/api-keys/{made['id']}").json()["last_used_at"] is not None


def test_a_replay_shows_the_same_key_again_but_the_state_does_not_hold_it(
    admin: ContractClient, tmp_path: Path
) -> None:
    body = {"name": "k", "scopes": ["connections:read"]}
    first, second = (admin.post("/v1/api-keys", json=body, headers={"X-Idempotency-Key": "once"}) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["X-Idempotent-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    assert admin.get("/v1/api-keys").json()["pagination"]["total"] == 2
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert first.json()["key"].encode() not in stored


@pytest.mark.parametrize(
    ("held", "wanted", "allowed"),
    [
        (["*"], "*", True),
        (["*"], "migrations:write", True),
        (["migrations:*"], "migrations:write", True),
        (["migrations:*"], "migrations:*", True),
        (["migrations:write"], "migrations:read", False),
        (["migrations:read"], "migrations:*", False),
        (["*:read"], "webhooks:read", True),
        (["*:read"], "webhooks:write", False),
        (["*:read"], "*:read", True),
        (["*:read"], "*", False),
        (["admin:*"], "*", False),
        (["admin:*", "*:read", "*:write"], "billing:write", True),
        (["admin:*", "*:read", "*:write"], "*", False),
        ([], "migrations:read", False),
    ],
)
def test_what_scopes_allow(held: list[str], wanted: str, allowed: bool) -> None:
    assert grants(held, wanted) is allowed


@pytest.mark.parametrize(
    ("held", "handed_out", "lacking"),
    [
        (["admin:write"], ["admin:write"], None),
        (["admin:write"], ["admin:read"], "admin:read"),
        (["admin:*", "migrations:read"], ["migrations:read", "migrations:write"], "migrations:write"),
        (["admin:*", "migrations:*"], ["migrations:*"], None),
        (["admin:*", "migrations:read"], ["*:read"], "*:read"),
        (["admin:*"], ["*"], "*"),
    ],
)
def test_nobody_hands_out_a_scope_they_lack(
    admin: ContractClient, calling: Call, held: list[str], handed_out: list[str], lacking: str | None
) -> None:
    maker = calling(_make(admin, scopes=held)["key"])
    for path in ("/v1/api-keys", "/v1/service-accounts"):
        answer = maker.post(path, json={"name": "x", "scopes": handed_out})
        if lacking is None:
            assert answer.status_code == 201
        else:
            assert answer.status_code == 403
            assert answer.json()["error"]["details"]["required_scope"] == lacking


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ["admin:read"]},
        {"scopes": ["migrations:*", "webhooks:read", "admin:read"]},
        {"ip_whitelist": []},
        {"expires_at": None},
        {"name": "n"},
    ],
)
def test_a_weaker_credential_does_not_change_a_stronger_one(
    admin: ContractClient, calling: Call, change: dict[str, Any]
) -> None:
    strong = _make(admin, scopes=["migrations:*", "webhooks:read"], ip_whitelist=["10.0.0.1"])
    weak = calling(_make(admin, scopes=["admin:*"])["key"])
    answer = weak.patch(f"/v1/api-keys/{strong['id']}", json=change)
    assert answer.status_code == 403
    assert answer.json()["error"]["details"]["required_scope"] == "migrations:*"
    assert {**admin.get(f"/v1/api-keys/{strong['id']}").json()} == {k: v for k, v in strong.items() if k != "key"}


def test_a_weaker_credential_can_end_a_stronger_one_but_not_bring_it_back(
    admin: ContractClient, calling: Call, clock: ControllableClock
) -> None:
    weak = calling(_make(admin, scopes=["admin:*"])["key"])
    leaked = _make(admin, scopes=["*"])
    assert weak.delete(f"/v1/api-keys/{leaked['id']}").status_code == 204
    assert calling(leaked["key"]).get("/v1/webhooks").status_code == 401
    ended = _make(admin, scopes=["*"], expires_at=wire_time(clock.now() + timedelta(hours=1)))
    clock.advance(3601)
    assert weak.patch(f"/v1/api-keys/{ended['id']}", json={"expires_at": None}).status_code == 403
    assert calling(ended["key"]).get("/v1/webhooks").status_code == 401


def test_a_credential_changes_what_it_could_have_made(admin: ContractClient, calling: Call) -> None:
    equal = _make(admin, scopes=["migrations:read"])
    maker = calling(_make(admin, scopes=["admin:*", "migrations:*"])["key"])
    changed = maker.patch(f"/v1/api-keys/{equal['id']}", json={"scopes": ["migrations:write"], "name": "n"})
    assert (changed.json()["scopes"], changed.json()["name"]) == (["migrations:write"], "n")
    beyond = maker.patch(f"/v1/api-keys/{equal['id']}", json={"scopes": ["billing:read"]})
    assert beyond.json()["error"]["details"]["required_scope"] == "billing:read"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_another_environment_is_not_there(
    server: ServerThread, admin: ContractClient, calling: Call, method: str
) -> None:
    ensure_api_key(server.runtime, PRODUCTION_KEY)
    production = calling(PRODUCTION_KEY)
    made = _make(production, scopes=["migrations:read"])
    assert made["environment"] == "production"
    assert made["key"].startswith("sk_live_")
    answer = admin.request(method, f"/v1/api-keys/{made['id']}", json={"name": "y"} if method == "PATCH" else None)
    assert answer.status_code == 404
    assert admin.get("/v1/api-keys").json()["pagination"]["total"] == 1


def test_a_sandbox_credential_cannot_make_production_keys(admin: ContractClient) -> None:
    answer = admin.post("/v1/api-keys", json={"name": "x", "scopes": ["*"], "environment": "production"})
    assert answer.status_code == 403


def test_a_production_credential_can_make_and_manage_sandbox_keys(server: ServerThread, calling: Call) -> None:
    ensure_api_key(server.runtime, PRODUCTION_KEY)
    production = calling(PRODUCTION_KEY)
    made = production.post("/v1/api-keys", json={"name": "x", "scopes": ["*"], "environment": "sandbox"})
    assert made.json()["key"].startswith("sk_test_")
    assert production.delete(made.headers["Location"]).status_code == 204


def test_a_key_ends_at_its_time(admin: ContractClient, calling: Call, clock: ControllableClock) -> None:
    made = _make(admin, scopes=["connections:read"], expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    client = calling(made["key"])
    assert client.get("/v1/connections").status_code == 200
    clock.advance(3601)
    assert client.get("/v1/connections").status_code == 401
    assert admin.get(f"/v1/api-keys/{made['id']}").json()["status"] == "expired"
    admin.patch(f"/v1/api-keys/{made['id']}", json={"expires_at": None})
    assert client.get("/v1/connections").status_code == 200


def test_a_key_is_deleted_at_once_also_by_itself(admin: ContractClient, calling: Call) -> None:
    made = _make(admin, scopes=["admin:write"])
    itself = calling(made["key"])
    assert itself.delete(f"/v1/api-keys/{made['id']}").status_code == 204
    assert itself.get("/v1/api-keys").status_code == 401
    assert admin.get(f"/v1/api-keys/{made['id']}").status_code == 404


def test_an_address_list_shuts_others_out(admin: ContractClient, calling: Call) -> None:
    made = _make(admin, scopes=["connections:read"], ip_whitelist=["203.0.113.0/24", "2001:db8::/32"])
    refused = calling(made["key"]).get("/v1/connections")
    assert refused.status_code == 403
    assert refused.json()["error"]["details"]["reason"] == "ip_not_allowed"
    for own in ("127.0.0.1", "::ffff:127.0.0.1"):
        admin.patch(f"/v1/api-keys/{made['id']}", json={"ip_whitelist": [own]})
        assert calling(made["key"]).get("/v1/connections").status_code == 200, own


@pytest.mark.parametrize(
    ("entry", "address", "passes"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "::ffff:127.0.0.1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::FFFF:7f00:1", "::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.0/104", "10.200.3.4", True),
        ("::ffff:10.0.0.0/104", "11.0.0.1", False),
        ("::ffff:0:0/96", "203.0.113.7", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("::/0", "203.0.113.7", False),
        ("::/0", "::ffff:203.0.113.7", False),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("::127.0.0.1", "127.0.0.1", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("fe80::/64", "fe80::1%eth0", True),
        ("fe80::1", "fe80::1%eth0", True),
        ("127.0.0.1", "testclient", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", None, False),
    ],
)
def test_an_ipv4_caller_is_one_however_its_address_is_written(entry: str, address: str | None, passes: bool) -> None:
    principal = Principal(
        kind="api_key",
        id="key_1",
        name="k",
        organization_id="org_1",
        environment="sandbox",
        scopes=("*",),
        ip_whitelist=(entry,),
    )
    if passes:
        check_address(principal, address)
    else:
        with pytest.raises(ApiError, match="this address"):
            check_address(principal, address)


@pytest.mark.parametrize(("public_url", "status"), [(None, 403), ("https://sensei.example", 200)])
def test_the_address_a_caller_claims_counts_only_behind_a_proxy(
    start_server: Callable[..., ServerThread], public_url: str | None, status: int
) -> None:
    server = start_server(public_url=public_url)
    with ContractClient(server.url, server.api_key) as admin:
        key = _make(admin, scopes=["connections:read"], ip_whitelist=["203.0.113.7"])["key"]
    with ContractClient(server.url, key) as client:
        answer = client.get("/v1/connections", headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"scopes": ["*"]}, "name", "required"),
        ({"name": "x"}, "scopes", "required"),
        ({"name": "", "scopes": ["*"]}, "name", "min_length"),
        ({"name": "x" * 256, "scopes": ["*"]}, "name", "max_length"),
        ({"name": "x", "scopes": []}, "scopes", "min_length"),
        ({"name": "x", "scopes": ["validations:read"]}, "scopes.0", "enum"),
        ({"name": "x", "scopes": ["*:*"]}, "scopes.0", "enum"),
        ({"name": "x", "scopes": ["*"], "environment": "staging"}, "environment", "enum"),
        ({"name": "x", "scopes": ["*"], "expires_at": "2020-01-01T00:00:00Z"}, "expires_at", "in_the_past"),
        ({"name": "x", "scopes": ["*"], "expires_at": "tomorrow"}, "expires_at", "format"),
        ({"name": "x", "scopes": ["*"], "ip_whitelist": ["10.0.0.0/33"]}, "ip_whitelist.0", "format"),
        ({"name": "x", "scopes": ["*"], "ip_whitelist": None}, "ip_whitelist", "type"),
        ({"name": "x", "scopes": ["*"], "ip_list": []}, "ip_list", "unknown_member"),
    ],
)
def test_bad_keys_are_refused_with_the_member_and_the_reason(
    lasting_admin: ContractClient, body: dict[str, Any], field: str, reason: str
) -> None:
    answer = lasting_admin.post("/v1/api-keys", json=body)
    assert answer.status_code == 422
    details = answer.json()["error"]["details"]
    assert (details["field"], details["reason"]) == (field, reason)


@pytest.mark.parametrize(
    ("body", "field"), [({}, ""), ({"name": None}, "name"), ({"environment": "sandbox"}, "environment")]
)
def test_bad_changes_are_refused(lasting_admin: ContractClient, body: dict[str, Any], field: str) -> None:
    answer = lasting_admin.patch(f"/v1/api-keys/{_make(lasting_admin)['id']}", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["field"] == field


def test_the_quota_of_keys_is_kept(admin: ContractClient) -> None:
    for _ in range(39):
        _make(admin, scopes=["billing:read"])
    answer = admin.post("/v1/api-keys", json={"name": "x", "scopes": ["billing:read"]})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "quota_exceeded"
    assert answer.json()["error"]["details"]["limit"] == 40
