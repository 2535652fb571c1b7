"""`sensei webhooks` against a real server and real receivers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Unpack
from urllib.parse import urlsplit

import pytest

from sensei import Client, Webhook, Webhooks
from sensei.cli._listen import DESCRIPTION, description_of
from sensei.cli._receive import MAX_BODY_BYTES, Forwarded, Forwarder, receiving
from sensei.models.params import WebhookCreateParam
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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
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
        (webhook,) = listening(client)
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
    assert (process.returncode, err) == (code, "Stopped.\n")
    assert listening(client) == []
    assert claims(connected) == []


def listening(client: Client) -> list[Webhook]:
    """The endpoints that say they are for the time being."""
    return [one for one in client.webhooks.list(limit=100) if (one.description or "").startswith(DESCRIPTION)]


def claims(user: User) -> list[str]:
    """What this machine remembers of them."""
    folder = user.home / ".sensei" / "listening"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_what_a_killed_run_left_is_removed_by_the_next_and_nothing_else(connected: User, client: Client) -> None:
    command = ("webhooks", "listen", "--forward-to", "http://127.0.0.1:9/")
    with begun(*command) as killed:
        assert killed.stderr is not None
        assert "Listening" in killed.stderr.readline()
        (left,) = listening(client)
        killed.kill()
    foreign = [
        client.webhooks.create(url=left.url, events=["*"], description=text)
        for text in (DESCRIPTION, description_of("0123456789abcdef"), "theirs")
    ]
    with begun(*command) as alive:
        assert alive.stderr is not None
        assert alive.stderr.readline() == f"Removed {left.id}, the endpoint of an earlier run that was killed.\n"
        assert "Listening" in alive.stderr.readline()
        (own,) = [one for one in listening(client) if one.id not in {made.id for made in foreign}]
        with begun(*command) as another:
            assert another.stderr is not None
            # The first one lives, so that nothing of it is removed.
            assert "Listening" in another.stderr.readline()
            another.send_signal(signal.SIGINT)
            another.communicate(timeout=60)
        assert client.webhooks.get(own.id).id == own.id
        alive.send_signal(signal.SIGINT)
        alive.communicate(timeout=60)

    assert {one.id for one in client.webhooks.list(limit=100)} == {made.id for made in foreign}
    assert claims(connected) == []
    for made in foreign:
        client.webhooks.delete(made.id)


def test_an_endpoint_whose_making_was_interrupted_is_removed(
    connected: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Webhooks.create
    arrived: list[str] = []

    def interrupted(self: Webhooks, **given: Unpack[WebhookCreateParam]) -> None:
        arrived.append(create(self, **given).id)
        raise KeyboardInterrupt

    monkeypatch.setattr(Webhooks, "create", interrupted)

    said = connected.run("webhooks", "listen", "--forward-to", "http://127.0.0.1:9/")

    assert (said.code, said.err) == (130, "Stopped.\n")
    assert len(arrived) == 1
    assert listening(client) == []
    assert claims(connected) == []


def test_an_endpoint_that_was_refused_is_not_looked_for(connected: User) -> None:
    said = connected.run("webhooks", "listen", "--forward-to", "http://127.0.0.1:9/", "--events", "nope")

    assert said.code == 2
    assert said.err.startswith("Error: --events: fits no known event")
    assert claims(connected) == []


def test_without_a_place_to_remember_it_listens_all_the_same(connected: User, client: Client) -> None:
    (connected.home / ".sensei").write_text("no folder")

    with begun("webhooks", "listen", "--forward-to", "http://127.0.0.1:9/") as process:
        assert process.stderr is not None
        assert "Warning: " in process.stderr.readline()
        assert "Listening" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert process.returncode == 130
    assert listening(client) == []


def test_what_was_never_made_is_forgotten_after_a_month(connected: User, client: Client) -> None:
    folder = connected.home / ".sensei" / "listening"
    folder.mkdir(parents=True)
    for name, days in (("young", 1), ("old", 40)):
        (folder / name).touch()
        moment = time.time() - days * 24 * 3600
        os.utime(folder / name, (moment, moment))

    with begun("webhooks", "listen", "--forward-to", "http://127.0.0.1:9/") as process:
        assert process.stderr is not None
        assert "Listening" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert claims(connected) == ["young"]


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
