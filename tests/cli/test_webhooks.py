"""`sensei webhooks` against a real server and real receivers."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from collections.abc import Callable
from typing import get_args
from urllib.parse import urlsplit

import pytest

from sensei import Client
from sensei.cli._receive import MAX_BODY_BYTES, Forwarded, Forwarder, receiving
from sensei.cli.commands import webhooks
from sensei.models.enums import WebhookDeliveryStatusParam
from sensei.webhooks import sign, verify_signature
from tests.cli.conftest import User
from tests.cli.jobs import begun
from tests.support.receiver import Receiver, running_receiver

SECRET = "whsec_of_the_tests"
BODY = json.dumps(
    {
        "id": "evt_1",
        "type": "migration.completed",
        "created_at": "2026-02-02T14:45:30Z",
        "data": {"migration_id": "mig_1", "migration_name": "Zoë"},
    }
).encode()


def test_the_choices_are_those_of_the_api() -> None:
    assert get_args(get_args(WebhookDeliveryStatusParam)[0]) == webhooks.DELIVERY_STATUSES


def test_an_endpoint_from_create_to_delete(connected: User, types: Callable[..., None]) -> None:
    with running_receiver() as receiver:
        receiver.answers += [200, 500]
        created = connected.run("webhooks", "create", "--url", receiver.url, "--events", "migration.*, approval.*")
        assert created.code == 0
        assert "whsec_" in created.out
        assert "only time" in created.err
        ident = created.out.split()[1]

        delivered = connected.run("webhooks", "test", ident, "--output", "json")
        assert (delivered.code, json.loads(delivered.out)["status"]) == (0, "delivered")
        failed = connected.run("webhooks", "test", ident, "--event", "migration.failed", "--quiet")
        assert failed.code == 1
        assert "not delivered" in failed.err

    shown = connected.run("webhooks", "get", ident)
    assert "migration.*, approval.*" in shown.out
    assert "whsec_" not in shown.out
    assert ident in connected.run("webhooks", "list", "--all", "--quiet").out.split()
    found = connected.run("webhooks", "deliveries", ident, "--status", "failed", "--quiet")
    assert found.out == failed.out
    assert "migration.completed" in connected.run("webhooks", "deliveries", ident).out
    assert connected.run("webhooks", "retry", ident, found.out.strip()).code in {0, 1}
    assert connected.run("webhooks", "retry", ident, "dlv_none").code == 4

    assert connected.run("webhooks", "delete", ident).code == 2
    types("no")
    assert connected.run("webhooks", "delete", ident).code == 1
    assert connected.run("webhooks", "delete", ident, "--yes", "--output", "json").code == 0
    assert connected.run("webhooks", "get", ident).code == 4


def test_an_endpoint_from_a_file_has_its_own_secret(connected: User, monkeypatch: pytest.MonkeyPatch) -> None:
    (connected.folder / "hook.yaml").write_text("url: https://example.com/h\nevents: ['*']\nsecret: ${HOOK_SECRET}\n")
    assert connected.run("webhooks", "create", "-f", "hook.yaml").code == 2
    monkeypatch.setenv("HOOK_SECRET", SECRET)

    said = connected.run("webhooks", "create", "-f", "hook.yaml", "--output", "json")

    assert json.loads(said.out)["secret"] == SECRET
    connected.run("webhooks", "delete", json.loads(said.out)["id"], "--yes")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create",), 2),
        (("create", "--url", "https://example.com"), 2),
        (("create", "--url", "https://example.com", "--events", "a,,b"), 2),
        (("create", "--url", "https://example.com", "--events", "NO"), 2),
        (("create", "-f", "nothing.yaml"), 2),
        (("get", "wh_none"), 4),
        (("get", "../migrations"), 4),
        (("test", "wh_none"), 4),
        (("deliveries", "wh_none"), 4),
        (("deliveries", "wh_none", "--status", "lost"), 2),
        (("delete", "wh_none", "--yes"), 4),
        (("listen",), 2),
        (("listen", "--forward-to", "localhost:3000"), 2),
        (("listen", "--forward-to", "http://localhost:port/"), 2),
        (("listen", "--forward-to", "http://me:secret@localhost/"), 2),
        (("listen", "--forward-to", "http://example.com/"), 2),
        (("listen", "--forward-to", "file:///etc/passwd"), 2),
        (("listen", "--forward-to", "http://localhost:3000", "--port", "70000"), 2),
    ],
)
def test_what_cannot_be_has_its_exit_code(connected: User, arguments: tuple[str, ...], code: int) -> None:
    said = connected.run("webhooks", *arguments)

    assert (said.code, said.out) == (code, ""), said.err
    assert "me:secret" not in said.err


def test_an_api_elsewhere_needs_a_public_address(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSEI_API_KEY", "sk_test_none")

    said = user.run("webhooks", "listen", "--forward-to", "http://localhost:3000")

    assert said.code == 2
    assert "--public-url" in said.err


def test_a_taken_port_is_told_and_nothing_is_registered(connected: User, client: Client) -> None:
    before = client.webhooks.list().pagination.total
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = connected.run("webhooks", "listen", "--forward-to", "http://localhost:3000", "--port", port)

    assert said.code == 1
    assert f"port {port}" in said.err
    assert client.webhooks.list().pagination.total == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_events_are_handed_on_until_it_is_stopped(
    connected: User, client: Client, number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSEI_WEBHOOK_SECRET", SECRET)
    with (
        running_receiver() as receiver,
        begun("webhooks", "listen", "--forward-to", f"{receiver.url}/in?x=1", "--output", "json") as process,
    ):
        assert process.stderr is not None
        assert process.stdout is not None
        assert "Listening at http://127.0.0.1:" in process.stderr.readline()
        (webhook,) = [one for one in client.webhooks.list(limit=100) if one.description == "sensei webhooks listen"]
        delivery = webhook.test(event_type="migration.failed")
        line = json.loads(process.stdout.readline())
        (received,) = receiver.wait_for_count(1)
        receiver.answers.append(503)
        refused = webhook.test()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)

    assert (delivery.status, refused.status) == ("delivered", "failed")
    assert (line["type"], line["event_id"], line["status"]) == ("migration.failed", delivery.event_id, 200)
    assert received.path == "/in?x=1"
    assert verify_signature(received.body, received.headers["x-sensei-signature"], SECRET)
    assert received.headers["x-sensei-delivery-id"] == delivery.id
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert SECRET not in err
    assert [one for one in client.webhooks.list(limit=100) if one.id == webhook.id] == []


def post(url: str, body: bytes, headers: dict[str, str], path: str | None = None) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("POST", parts.path if path is None else path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def forward(receiver: Receiver, told: list[Forwarded]) -> Forwarder:
    return Forwarder(receiver.url, SECRET, told.append)


def test_only_what_is_signed_is_handed_on_and_as_it_came() -> None:
    told: list[Forwarded] = []
    with running_receiver() as receiver:
        forwarder = forward(receiver, told)
        with receiving(forwarder, 0) as url:
            good = {"X-Sensei-Signature": sign(BODY, SECRET), "X-Odd": "kept", "Connection": "close"}
            assert post(url, BODY, good) == 200
            assert post(url, BODY + b"\n", good) == 400
            assert post(url, BODY, {}) == 400
            assert post(url, b"no event", {"X-Sensei-Signature": sign(b"no event", SECRET)}) == 400
            assert post(url, BODY, good, path="/") == 404
        forwarder.close()
        (received,) = receiver.received

    assert received.body == BODY
    assert received.headers["x-odd"] == "kept"
    assert received.headers["x-sensei-signature"] == good["X-Sensei-Signature"]
    assert [(one.status, one.event_id) for one in told] == [(200, "evt_1"), (400, ""), (400, ""), (400, "")]


def test_what_is_no_delivery_is_refused_before_it_is_read() -> None:
    with running_receiver() as receiver:
        forwarder = forward(receiver, told := [])
        with receiving(forwarder, 0) as url:
            assert post(url, b"", {"Content-Length": str(MAX_BODY_BYTES + 1)}) == 413
            assert post(url, b"", {"Content-Length": "9" * 50}) == 413
            assert post(url, b"", {"Content-Length": "-1"}) == 400
            assert post(url, b"", {"Content-Length": "1x"}) == 400
            assert post(url, b"0\r\n\r\n", {"Transfer-Encoding": "chunked"}) == 411
        forwarder.close()
        assert receiver.received == []
    assert told == []


def test_a_program_that_is_not_there_is_the_senders_business() -> None:
    told: list[Forwarded] = []
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    forwarder = Forwarder(f"http://127.0.0.1:{port}/", SECRET, told.append)
    with receiving(forwarder, 0) as url:
        assert post(url, BODY, {"X-Sensei-Signature": sign(BODY, SECRET)}) == 502
    forwarder.close()
    assert told[0].problem is not None
