"""Webhooks as their owner and their receiver meet them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sensei.server.clock import ControllableClock
from sensei.server.runtime import ensure_api_key
from sensei.server.serve import ServerThread
from sensei.server.settings import WEBHOOK_DELAYS, Quotas
from sensei.server.store.tables import ApiKey
from sensei.server.store.webhook_tables import WebhookDelivery
from sensei.server.webhooks import outbox, signing
from tests.support.contract import ContractClient, check
from tests.support.receiver import Receiver, running_receiver

Call = Callable[[str | None], ContractClient]
StartServer = Callable[..., ServerThread]
PRODUCTION_KEY = "sk_live_0123456789abcdef"
COMPLETED = {"migration_id": "mig_1", "migration_name": "m", "status": "completed", "phase": "cutover"}
FAST = tuple(delay * 1e-6 for delay in WEBHOOK_DELAYS)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


def _make(client: ContractClient, url: str, *names: str, **members: Any) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", json={"url": url, "events": names or ["*"], **members})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _emit(
    server: ServerThread,
    type_: str = "migration.completed",
    data: dict[str, Any] | None = None,
    *,
    ago: timedelta = timedelta(),
) -> str:
    """An event of the server's organization, as some change of a migration emits it."""
    with server.runtime.store.write() as session:
        key = session.scalars(select(ApiKey).where(ApiKey.environment == "sandbox")).first()
        assert key is not None
        return outbox.emit(
            session,
            organization_id=key.organization_id,
            environment="sandbox",
            type=type_,
            data=COMPLETED if data is None else data,
            now=server.runtime.settings.clock.now() - ago,
        ).id


def _deliveries(client: ContractClient, webhook: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    return client.get(f"/v1/webhooks/{webhook['id']}/deliveries", params=query).json()["data"]


def _settled(client: ContractClient, webhook: dict[str, Any], status: str) -> dict[str, Any]:
    """The webhook's one delivery, once it has this status."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = _deliveries(client, webhook)
        if found and found[0]["status"] == status:
            return found[0]
        time.sleep(0.02)
    raise AssertionError(f"no delivery became {status}: {_deliveries(client, webhook)}")


# --- the resource


def test_the_secret_is_shown_once(admin: ContractClient, tmp_path: Any) -> None:
    made = _make(admin, "https://example.com/h", "migration.*", "migration.*")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert len(secret.removeprefix("whsec_")) >= 32
    assert made["events"] == ["migration.*"]
    assert admin.get(f"/v1/webhooks/{made['id']}").json() == made
    assert secret not in admin.get("/v1/webhooks").text
    assert secret.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_a_change_replaces_what_it_names(admin: ContractClient) -> None:
    made = _make(admin, "https://example.com/h", description="d")
    path = f"/v1/webhooks/{made['id']}"
    changed = admin.patch(path, json={"description": None, "enabled": False, "events": ["error.*"]}).json()
    assert (changed["description"], changed["enabled"], changed["events"]) == (None, False, ["error.*"])
    assert changed["url"] == made["url"]
    assert "secret" not in admin.patch(path, json={"secret": "whsec_another"}).json()


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"events": ["*"]}, "url", "required"),
        ({"url": "https://e.com", "events": []}, "events", "min_length"),
        ({"url": "https://e.com", "events": ["*"] * 51}, "events", "max_length"),
        ({"url": "https://e.com", "events": ["migration.ended"]}, "events.0", "enum"),
        ({"url": "https://e.com", "events": ["Migration.*"]}, "events.0", "pattern"),
        ({"url": "https://e.com", "events": ["migration.**"]}, "events.0", "pattern"),
        ({"url": "http://e.com", "events": ["*"]}, "url", "https_required"),
        ({"url": "https://169.254.169.254/", "events": ["*"]}, "url", "unsupported"),
        ({"url": "not a url", "events": ["*"]}, "url", "format"),
        ({"url": "https://e.com/" + "x" * 2048, "events": ["*"]}, "url", "max_length"),
        ({"url": "https://e.com", "events": ["*"], "secret": "short"}, "secret", "min_length"),
        ({"url": "https://e.com", "events": ["*"], "secret": None}, "secret", "type"),
        ({"url": "https://e.com", "events": ["*"], "enabled": "yes"}, "enabled", "type"),
        ({"url": "https://e.com", "events": ["*"], "active": True}, "active", "unknown_member"),
    ],
)
def test_bad_webhooks_are_refused_with_the_member_and_the_reason(
    lasting_admin: ContractClient, body: dict[str, Any], field: str, reason: str
) -> None:
    answer = lasting_admin.post("/v1/webhooks", json=body)
    assert answer.status_code == 422
    details = answer.json()["error"]["details"]
    assert (details["field"], details["reason"]) == (field, reason)


def test_plain_http_is_for_the_sandbox_alone(server: ServerThread, admin: ContractClient, calling: Call) -> None:
    ensure_api_key(server.runtime, PRODUCTION_KEY)
    body = {"url": "http://localhost:9/h", "events": ["*"]}
    assert admin.post("/v1/webhooks", json=body).status_code == 201
    refused = calling(PRODUCTION_KEY).post("/v1/webhooks", json=body)
    assert refused.json()["error"]["details"]["reason"] == "https_required"


def test_the_other_environment_does_not_see_it(server: ServerThread, admin: ContractClient, calling: Call) -> None:
    ensure_api_key(server.runtime, PRODUCTION_KEY)
    made = _make(admin, "https://example.com/h")
    production = calling(PRODUCTION_KEY)
    assert production.get(f"/v1/webhooks/{made['id']}").status_code == 404
    assert production.get("/v1/webhooks").json()["data"] == []


def test_bulk_items_succeed_and_fail_by_themselves(start_server: StartServer) -> None:
    server = start_server(quotas=Quotas(webhooks=2))
    items = [
        {"url": "https://a.example/h", "events": ["*"]},
        {"url": "http://b.example/h", "events": ["*"]},
        {"url": "https://c.example/h", "events": ["nothing.*"]},
        {"url": "https://d.example/h", "events": ["error.*"], "secret": "whsec_mine"},
        {"url": "https://e.example/h", "events": ["*"]},
    ]
    with ContractClient(server.url, server.api_key) as client:
        answer = client.post("/v1/webhooks/bulk", json={"webhooks": items}).json()
        assert answer["summary"] == {"total": 5, "succeeded": 2, "failed": 3}
        assert [r["index"] for r in answer["results"]] == list(range(5))
        assert [r["success"] for r in answer["results"]] == [True, False, False, True, False]
        assert answer["results"][3]["webhook"]["secret"] == "whsec_mine"
        codes = [r["error"]["code"] for r in answer["results"] if not r["success"]]
        assert codes == ["validation_error", "validation_error", "quota_exceeded"]
        assert answer["results"][1]["error"]["details"]["reason"] == "https_required"
        assert client.get("/v1/webhooks").json()["pagination"]["total"] == 2
        assert client.post("/v1/webhooks/bulk", json={"webhooks": []}).status_code == 422
        too_many = client.post("/v1/webhooks/bulk", json={"webhooks": items[:1] * 101})
        assert too_many.json()["error"]["details"]["reason"] == "max_length"


# --- deliveries


def test_an_event_arrives_signed_and_whole(server: ServerThread, admin: ContractClient, receiver: Receiver) -> None:
    webhook = _make(admin, f"{receiver.url}/hook?x=1")
    event_id = _emit(server)
    (got,) = receiver.wait_for_count(1)
    assert got.path == "/hook?x=1"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-sensei-signature"] == signing.signature(got.body, webhook["secret"])
    assert got.headers["x-sensei-event-id"] == event_id
    body = json.loads(got.body)
    check("WebhookEvent", body)
    check("MigrationEventData", body["data"])
    assert (body["id"], body["type"], body["data"]) == (event_id, "migration.completed", COMPLETED)
    assert body["metadata"]["environment"] == "sandbox"
    delivery = _settled(admin, webhook, "delivered")
    assert got.headers["x-sensei-delivery-id"] == delivery["id"]
    assert (delivery["attempt_count"], delivery["response_status"], delivery["next_attempt_at"]) == (1, 200, None)
    assert admin.get(f"/v1/webhooks/{webhook['id']}").json()["last_delivery_at"] == delivery["delivered_at"]


def test_only_those_that_want_an_event_are_told(
    server: ServerThread, admin: ContractClient, receiver: Receiver
) -> None:
    _make(admin, f"{receiver.url}/all", "*")
    _make(admin, f"{receiver.url}/phases", "migration.phase.*")
    _make(admin, f"{receiver.url}/migrations", "migration.*", "error.*")
    _make(admin, f"{receiver.url}/off", "*", enabled=False)
    _emit(server)
    got = receiver.wait_for_count(2)
    _emit(server, "certificate.generated", {"certificate_id": "c"})
    got = receiver.wait_for_count(3)
    assert sorted(r.path for r in got) == ["/all", "/all", "/migrations"]


def test_what_happened_before_a_webhook_was_made_is_not_sent(
    server: ServerThread, admin: ContractClient, receiver: Receiver
) -> None:
    webhook = _make(admin, receiver.url)
    _emit(server, ago=timedelta(seconds=1))
    second = _emit(server)
    (got,) = receiver.wait_for_count(1)
    assert got.headers["x-sensei-event-id"] == second
    assert [d["event_id"] for d in _deliveries(admin, webhook)] == [second]


def test_seven_attempts_with_the_same_bytes_then_failed_then_by_hand(
    start_server: StartServer, receiver: Receiver
) -> None:
    server = start_server(webhook_delays=FAST)
    with ContractClient(server.url, server.api_key) as client:
        webhook = _make(client, receiver.url)
        receiver.answers = [500, 404, 302, 503, 400, 429, 500, 500, 204]
        receiver.headers = {"Location": f"{receiver.url}/elsewhere"}
        _emit(server)
        failed = _settled(client, webhook, "failed")
        assert failed["attempt_count"] == 7
        assert [a["attempt"] for a in failed["attempts"]] == [1, 2, 3, 4, 5, 6, 7]
        assert [a["response_status"] for a in failed["attempts"]] == [500, 404, 302, 503, 400, 429, 500]
        assert failed["attempts"][2]["error"] == "HTTP 302; redirects are not followed"
        assert failed["next_attempt_at"] is None
        path = f"/v1/webhooks/{webhook['id']}/deliveries/{failed['id']}/retry"
        assert client.post(path).status_code == 202
        delivered = _settled(client, webhook, "delivered")
        assert delivered["attempt_count"] == 9
        refused = client.post(path)
        assert refused.json()["error"]["details"]["current_status"] == "delivered"
    got = receiver.wait_for_count(9)
    assert {r.path for r in got} == {"/"}
    assert len({r.body for r in got}) == 1
    assert len({(r.headers["x-sensei-event-id"], r.headers["x-sensei-delivery-id"]) for r in got}) == 1


def test_attempts_follow_the_documented_schedule(
    server: ServerThread, admin: ContractClient, receiver: Receiver, clock: ControllableClock
) -> None:
    webhook = _make(admin, receiver.url)
    receiver.answers = [500] * 7
    _emit(server)
    for attempt, delay in enumerate(WEBHOOK_DELAYS, start=1):
        receiver.wait_for_count(attempt)
        pending = _when(lambda n=attempt: (d := _deliveries(admin, webhook)[0])["attempt_count"] == n and d)
        assert pending["status"] == "pending"
        last = pending["attempts"][-1]["attempted_at"]
        waiting = _seconds(pending["next_attempt_at"]) - _seconds(last)
        assert delay <= waiting < delay + 20
        clock.advance(delay - 20)
        assert len(receiver.received) == attempt
        clock.advance(20)
    receiver.wait_for_count(7)
    assert _settled(admin, webhook, "failed")["attempt_count"] == 7


def _when(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def _seconds(wire_time: str) -> float:
    return datetime.fromisoformat(wire_time).timestamp()


def test_a_new_secret_and_address_hold_for_attempts_still_to_come(
    server: ServerThread, admin: ContractClient, receiver: Receiver, clock: ControllableClock
) -> None:
    webhook = _make(admin, f"{receiver.url}/old")
    receiver.answers = [500]
    _emit(server)
    receiver.wait_for_count(1)
    _when(lambda: _deliveries(admin, webhook)[0]["attempt_count"] == 1)
    admin.patch(f"/v1/webhooks/{webhook['id']}", json={"secret": "whsec_new_one", "url": f"{receiver.url}/new"})
    clock.advance(60)
    first, second = receiver.wait_for_count(2)
    assert (first.path, second.path) == ("/old", "/new")
    assert first.body == second.body
    assert first.headers["x-sensei-signature"] == signing.signature(first.body, webhook["secret"])
    assert second.headers["x-sensei-signature"] == signing.signature(second.body, "whsec_new_one")


def test_a_disabled_webhook_is_left_alone_until_it_is_enabled_again(
    server: ServerThread, admin: ContractClient, receiver: Receiver, clock: ControllableClock
) -> None:
    webhook = _make(admin, receiver.url)
    receiver.answers = [500]
    _emit(server)
    _when(lambda: (d := _deliveries(admin, webhook)) and d[0]["attempt_count"] == 1)
    path = f"/v1/webhooks/{webhook['id']}"
    admin.patch(path, json={"enabled": False})
    clock.advance(3600)
    other = _make(admin, f"{receiver.url}/other")
    _emit(server)
    _settled(admin, other, "delivered")
    assert _deliveries(admin, webhook)[0]["attempt_count"] == 1
    admin.patch(path, json={"enabled": True})
    assert _settled(admin, webhook, "delivered")["attempt_count"] == 2


def test_a_deleted_webhook_takes_its_deliveries_with_it(
    server: ServerThread, admin: ContractClient, receiver: Receiver, clock: ControllableClock
) -> None:
    webhook = _make(admin, receiver.url)
    receiver.answers = [500]
    _emit(server)
    _when(lambda: (d := _deliveries(admin, webhook)) and d[0]["attempt_count"] == 1)
    assert admin.delete(f"/v1/webhooks/{webhook['id']}").status_code == 204
    with server.runtime.store.read() as session:
        assert session.query(WebhookDelivery).count() == 0
    assert admin.get(f"/v1/webhooks/{webhook['id']}/deliveries").status_code == 404


def test_deleting_while_an_attempt_is_under_way_harms_nobody(
    server: ServerThread, admin: ContractClient, receiver: Receiver
) -> None:
    webhook = _make(admin, f"{receiver.url}/slow")
    receiver.gate.clear()
    _emit(server)
    receiver.wait_for_count(1)
    admin.delete(f"/v1/webhooks/{webhook['id']}")
    receiver.gate.set()
    other = _make(admin, f"{receiver.url}/next")
    _emit(server)
    _settled(admin, other, "delivered")


def test_deliveries_go_on_where_a_restart_found_them(
    start_server: StartServer, receiver: Receiver, clock: ControllableClock
) -> None:
    first = start_server()
    with ContractClient(first.url, first.api_key) as client:
        webhook = _make(client, receiver.url)
        receiver.answers = [500]
        event_id = _emit(first)
        _when(lambda: (d := _deliveries(client, webhook)) and d[0]["attempt_count"] == 1)
        # One more event, cut in the middle of its first attempt.
        receiver.gate.clear()
        cut = _emit(first)
        receiver.wait_for(lambda got: any(r.headers["x-sensei-event-id"] == cut for r in got))
        first.stop()
    receiver.gate.set()
    clock.advance(60)
    second = start_server(api_key=first.api_key)
    with ContractClient(second.url, second.api_key) as client:
        _when(lambda: all(d["status"] == "delivered" for d in _deliveries(client, webhook)))
        counts = {d["event_id"]: d["attempt_count"] for d in _deliveries(client, webhook)}
    assert counts == {event_id: 2, cut: 1}
    assert len({(r.headers["x-sensei-event-id"], r.body) for r in receiver.received}) == 2


def test_two_servers_share_a_queue_without_sending_twice(start_server: StartServer, receiver: Receiver) -> None:
    first = start_server()
    second = start_server(api_key=first.api_key)
    with ContractClient(first.url, first.api_key) as client:
        webhook = _make(client, receiver.url)
        sent = {_emit(server) for server in (first, second) * 20}
        _when(lambda: len(_deliveries(client, webhook, status="delivered", limit="100")) == 40)
    assert sorted(r.headers["x-sensei-event-id"] for r in receiver.received) == sorted(sent)


def test_a_slow_receiver_does_not_hold_up_the_others(
    server: ServerThread, admin: ContractClient, receiver: Receiver
) -> None:
    slow = _make(admin, f"{receiver.url}/slow")
    receiver.gate.clear()
    for _ in range(40):
        _emit(server)
    receiver.wait_for_count(4)
    with running_receiver() as quick:
        other = _make(admin, quick.url)
        _emit(server)
        quick.wait_for_count(1)
        _settled(admin, other, "delivered")
    assert len(receiver.received) == 4
    receiver.gate.set()
    receiver.wait_for_count(41)
    _when(lambda: len(_deliveries(admin, slow, status="delivered", limit="100")) == 41)


def test_a_receiver_that_does_not_answer_in_time_has_failed(start_server: StartServer, receiver: Receiver) -> None:
    server = start_server(webhook_timeout_seconds=0.3)
    receiver.gate.clear()
    with ContractClient(server.url, server.api_key) as client:
        webhook = _make(client, receiver.url)
        _emit(server)
        pending = _when(lambda: (d := _deliveries(client, webhook)) and d[0]["attempt_count"] == 1 and d[0])
    (attempt,) = pending["attempts"]
    assert (attempt["response_status"], attempt["error"]) == (None, "no answer within 0.3 s")


def test_nobody_at_the_address_is_a_failed_attempt(server: ServerThread, admin: ContractClient) -> None:
    with running_receiver() as gone:
        url = gone.url
    webhook = _make(admin, url)
    _emit(server)
    pending = _when(lambda: (d := _deliveries(admin, webhook)) and d[0]["attempt_count"] == 1 and d[0])
    assert pending["attempts"][0]["error"] == "the connection was refused"


def test_a_name_that_points_inwards_is_not_called(
    server: ServerThread, admin: ContractClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def inwards(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1" if host in ("rebound.example", b"rebound.example") else host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", inwards)
    webhook = _make(admin, "https://rebound.example/h")
    tested = admin.post(f"/v1/webhooks/{webhook['id']}/test").json()
    assert tested["status"] == "failed"
    assert "loopback" in tested["attempts"][0]["error"]


def test_deliveries_can_be_doubled_and_late_on_purpose(start_server: StartServer, receiver: Receiver) -> None:
    server = start_server(faults=True)
    server.app.state.faults.webhooks(copies=2, delay=0.2)
    with ContractClient(server.url, server.api_key) as client:
        webhook = _make(client, receiver.url)
        emitted = time.monotonic()
        event_id = _emit(server)
        got = receiver.wait_for_count(3)
        assert time.monotonic() - emitted >= 0.2
        assert {(r.headers["x-sensei-event-id"], r.body) for r in got} == {(event_id, got[0].body)}
        assert _settled(client, webhook, "delivered")["attempt_count"] == 1


# --- test events


@pytest.mark.parametrize("event_type", outbox.EVENT_TYPES)
def test_a_test_event_of_every_type_is_as_the_contract_says(
    lasting_admin: ContractClient, receiver: Receiver, event_type: str
) -> None:
    webhook = _make(lasting_admin, receiver.url, "certificate.*")
    delivery = lasting_admin.post(f"/v1/webhooks/{webhook['id']}/test", json={"event_type": event_type}).json()
    assert (delivery["status"], delivery["test"], delivery["attempt_count"]) == ("delivered", True, 1)
    (got,) = receiver.received
    body = json.loads(got.body)
    check("WebhookEvent", body)
    check(_data_schema(event_type), body["data"])
    assert body["metadata"]["test"] is True
    assert body["id"] == delivery["event_id"] == got.headers["x-sensei-event-id"]
    assert got.headers["x-sensei-signature"] == signing.signature(got.body, webhook["secret"])
    assert _deliveries(lasting_admin, webhook) == [delivery]


def _data_schema(event_type: str) -> str:
    if event_type.startswith("migration.phase."):
        return "PhaseEventData"
    return f"{event_type.partition('.')[0].title()}EventData"


def test_a_test_is_synchronous_tried_once_and_needs_no_body(admin: ContractClient, receiver: Receiver) -> None:
    webhook = _make(admin, receiver.url)
    receiver.answers = [500, 500]
    failed = admin.post(f"/v1/webhooks/{webhook['id']}/test").json()
    assert (failed["status"], failed["event_type"], failed["response_status"]) == ("failed", "migration.completed", 500)
    again = admin.post(f"/v1/webhooks/{webhook['id']}/deliveries/{failed['id']}/retry")
    assert again.json()["status"] == "pending"
    assert _settled(admin, webhook, "failed")["attempt_count"] == 2


def test_a_test_repeated_with_its_key_is_sent_once(admin: ContractClient, receiver: Receiver) -> None:
    webhook = _make(admin, receiver.url)
    path = f"/v1/webhooks/{webhook['id']}/test"
    first, second = (admin.post(path, headers={"X-Idempotency-Key": "t"}) for _ in range(2))
    assert first.json() == second.json()
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("query", "status"), [({"status": "lost"}, 422), ({"event_type": "x"}, 422), ({"limit": "0"}, 422)]
)
def test_bad_filters_are_refused(lasting_admin: ContractClient, query: dict[str, str], status: int) -> None:
    webhook = _make(lasting_admin, "https://example.com/h")
    assert lasting_admin.get(f"/v1/webhooks/{webhook['id']}/deliveries", params=query).status_code == status


def test_deliveries_are_filtered(server: ServerThread, admin: ContractClient, receiver: Receiver) -> None:
    webhook = _make(admin, receiver.url)
    _emit(server)
    _settled(admin, webhook, "delivered")
    assert len(_deliveries(admin, webhook, event_type="migration.completed")) == 1
    assert _deliveries(admin, webhook, event_type="migration.failed") == []
    assert _deliveries(admin, webhook, status="failed") == []


def test_a_delivery_is_found_only_below_its_own_webhook(admin: ContractClient, receiver: Receiver) -> None:
    one, other = _make(admin, receiver.url), _make(admin, receiver.url)
    delivery = admin.post(f"/v1/webhooks/{one['id']}/test").json()
    answer = admin.post(f"/v1/webhooks/{other['id']}/deliveries/{delivery['id']}/retry")
    assert answer.json()["error"]["code"] == "delivery_not_found"
