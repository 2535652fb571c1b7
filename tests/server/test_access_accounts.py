"""Service accounts, the audit log and usage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sensei.server.clock import ControllableClock
from sensei.server.serve import ServerThread
from sensei.server.settings import TIERS
from tests.support.contract import ContractClient

Call = Callable[[str | None], ContractClient]
DAY = 24 * 3600


def _account(client: ContractClient, **members: Any) -> dict[str, Any]:
    answer = client.post("/v1/service-accounts", json={"name": "ci", "scopes": ["connections:read"], **members})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _token(client: ContractClient, credentials: dict[str, str]) -> httpx.Response:
    return client.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(credentials["client_id"], credentials["client_secret"]),
    )


def _works(calling: Call, credential: str) -> bool:
    return calling(credential).get("/v1/connections").status_code == 200


def test_both_kinds_of_credentials_work_and_are_shown_once(admin: ContractClient, calling: Call) -> None:
    made = _account(admin, description="builds")
    credentials = made.pop("credentials")
    assert made["description"] == "builds"
    assert credentials["client_id"] == made["id"]
    assert _works(calling, credentials["token"])
    assert _works(calling, _token(admin, credentials).json()["access_token"])
    shown = admin.get("/v1/service-accounts").text + admin.get(f"/v1/service-accounts/{made['id']}").text
    assert credentials["token"] not in shown
    assert credentials["client_secret"] not in shown


def test_behind_a_proxy_addresses_are_those_that_clients_use(start_server: Callable[..., ServerThread]) -> None:
    server = start_server(public_url="https://sensei.example/")
    with ContractClient(server.url, server.api_key) as client:
        credentials = _account(client)["credentials"]
        assert credentials["token_endpoint"] == "https://sensei.example/oauth/token"
        token = _token(client, credentials).json()["access_token"]
        facts = client.post("/oauth/introspect", data={"token": token}).json()
    assert facts["iss"] == "https://sensei.example"


def test_the_client_id_is_no_credential(admin: ContractClient, calling: Call) -> None:
    assert not _works(calling, _account(admin)["id"])


def test_old_credentials_work_a_day_after_rotation(
    admin: ContractClient, calling: Call, clock: ControllableClock
) -> None:
    made = _account(admin)
    old = made["credentials"]
    rotated = admin.post(f"/v1/service-accounts/{made['id']}/rotate").json()
    new = rotated["credentials"]
    assert rotated["previous_credentials_valid_until"] is not None
    assert {new["token"], new["client_secret"]}.isdisjoint({old["token"], old["client_secret"]})
    clock.advance(DAY - 60)
    assert _works(calling, old["token"])
    assert _works(calling, new["token"])
    assert _token(admin, old).status_code == 200
    clock.advance(61)
    assert not _works(calling, old["token"])
    assert _token(admin, old).status_code == 401
    assert _works(calling, new["token"])
    assert _token(admin, new).status_code == 200
    assert admin.get(f"/v1/service-accounts/{made['id']}").json()["previous_credentials_valid_until"] is None


def test_a_second_rotation_ends_the_oldest_credentials_at_once(admin: ContractClient, calling: Call) -> None:
    made = _account(admin)
    path = f"/v1/service-accounts/{made['id']}/rotate"
    second, third = (admin.post(path).json()["credentials"] for _ in range(2))
    working = [_works(calling, pair["token"]) for pair in (made["credentials"], second, third)]
    assert working == [False, True, True]


def test_a_rotation_repeated_with_its_key_happens_once(admin: ContractClient, calling: Call) -> None:
    made = _account(admin)
    path = f"/v1/service-accounts/{made['id']}/rotate"
    first, second = (admin.post(path, headers={"X-Idempotency-Key": "r"}).json() for _ in range(2))
    assert first == second
    assert _works(calling, made["credentials"]["token"])


def test_who_lacks_the_scopes_of_an_account_cannot_get_its_credentials(admin: ContractClient, calling: Call) -> None:
    made = _account(admin, scopes=["migrations:*", "connections:read"])
    key = admin.post("/v1/api-keys", json={"name": "people", "scopes": ["admin:*"]}).json()["key"]
    answer = calling(key).post(f"/v1/service-accounts/{made['id']}/rotate")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert answer.json()["error"]["details"]["required_scope"] == "migrations:*"
    assert _works(calling, made["credentials"]["token"])
    assert admin.get(f"/v1/service-accounts/{made['id']}").json()["rotated_at"] is None


def test_a_deleted_account_is_out_at_once_with_its_tokens(admin: ContractClient, calling: Call) -> None:
    made = _account(admin)
    signed = _token(admin, made["credentials"]).json()["access_token"]
    assert admin.delete(f"/v1/service-accounts/{made['id']}").status_code == 204
    assert not _works(calling, made["credentials"]["token"])
    assert not _works(calling, signed)
    assert _token(admin, made["credentials"]).status_code == 401
    assert admin.get(f"/v1/service-accounts/{made['id']}").status_code == 404


def test_an_address_list_holds_for_every_way_in(admin: ContractClient, calling: Call) -> None:
    credentials = _account(admin, ip_whitelist=["203.0.113.7"])["credentials"]
    assert calling(credentials["token"]).get("/v1/connections").status_code == 403
    assert _token(admin, credentials).json()["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"scopes": ["*"]}, "name", "required"),
        ({"name": "x", "scopes": ["*"], "description": "d" * 2001}, "description", "max_length"),
        ({"name": "x", "scopes": ["*"], "permissions": []}, "permissions", "unknown_member"),
    ],
)
def test_bad_accounts_are_refused(lasting_admin: ContractClient, body: dict[str, Any], field: str, reason: str) -> None:
    details = lasting_admin.post("/v1/service-accounts", json=body).json()["error"]["details"]
    assert (details["field"], details["reason"]) == (field, reason)


def _records(client: ContractClient, **query: str) -> list[dict[str, Any]]:
    return client.get("/v1/audit-logs", params=query).json()["data"]


def test_every_change_is_recorded_with_who_where_and_how(admin: ContractClient) -> None:
    made = admin.post("/v1/api-keys", json={"name": "k", "scopes": ["*"]}, headers={"User-Agent": "audit-test/1"})
    newest = _records(admin)[0]
    own = next(key for key in admin.get("/v1/api-keys").json()["data"] if key["id"] != made.json()["id"])
    assert newest["action"] == "api_keys.create"
    assert newest["type"] == "authentication"
    assert newest["resource"] == made.json()["id"]
    assert newest["actor"] == {"type": "api_key", "id": own["id"], "name": own["name"]}
    assert newest["result"] == "success"
    assert newest["ip_address"] == "127.0.0.1"
    assert newest["user_agent"] == "audit-test/1"
    assert newest["request_id"] == made.headers["X-Request-Id"]
    assert made.json()["key"] not in str(_records(admin))


def test_refusals_and_failures_are_recorded_reads_are_not(admin: ContractClient, calling: Call) -> None:
    weak = admin.post("/v1/api-keys", json={"name": "weak", "scopes": ["webhooks:read"]}).json()
    calling(weak["key"]).post("/v1/webhooks", json={})
    admin.delete("/v1/webhooks/wh_none")
    before = admin.get("/v1/audit-logs").json()["pagination"]["total"]
    admin.get("/v1/webhooks")
    assert admin.get("/v1/audit-logs").json()["pagination"]["total"] == before
    (denied,) = _records(admin, result="denied")
    assert (denied["action"], denied["actor"]["id"]) == ("webhooks.create", weak["id"])
    (failed,) = _records(admin, result="failure")
    assert (failed["action"], failed["resource"]) == ("webhooks.delete", "wh_none")


def test_records_are_filtered(admin: ContractClient, clock: ControllableClock) -> None:
    admin.post("/v1/validations/rules", json={"name": "r", "type": "sql", "rule": "SELECT 1", "expected": 1})
    between = _records(admin)[0]["timestamp"]
    clock.advance(60)
    admin.post("/v1/api-keys", json={"name": "k", "scopes": ["*"]})
    assert [r["action"] for r in _records(admin)] == ["api_keys.create", "validations.rules.create"]
    assert [r["action"] for r in _records(admin, type="api")] == ["validations.rules.create"]
    assert [r["action"] for r in _records(admin, action="api_keys.create")] == ["api_keys.create"]
    assert [r["action"] for r in _records(admin, created_after=between)] == ["api_keys.create"]
    assert _records(admin, created_before=between) == []
    assert _records(admin, actor_id="key_none") == []
    assert admin.get("/v1/audit-logs", params={"result": "maybe"}).status_code == 422


def test_usage_counts_calls_of_the_whole_organization(admin: ContractClient, calling: Call) -> None:
    other = admin.post("/v1/api-keys", json={"name": "k", "scopes": ["*"]}).json()["key"]
    for _ in range(3):
        calling(other).get("/v1/webhooks")
    usage = admin.get("/v1/usage/current").json()
    assert usage["requests"] == {"total": 5, "limit": None, "remaining": None}
    assert usage["migrations"]["active"] == 0
    assert usage["data_processed_bytes"] == 0


def test_usage_survives_a_restart(server: ServerThread, admin: ContractClient, start_server: Any) -> None:
    admin.get("/v1/webhooks")
    server.stop()
    again = start_server(api_key=server.api_key, limits=TIERS["professional"])
    with ContractClient(again.url, server.api_key) as client:
        usage = client.get("/v1/usage/current").json()
    assert usage["requests"]["total"] == 2
    assert usage["tier"] == "professional"


def test_usage_needs_its_scope(admin: ContractClient, calling: Call) -> None:
    key = admin.post("/v1/api-keys", json={"name": "k", "scopes": ["admin:*"]}).json()["key"]
    answer = calling(key).get("/v1/usage/current")
    assert answer.status_code == 403
    assert answer.json()["error"]["details"]["required_scope"] == "billing:read"
