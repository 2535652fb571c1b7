"""What the real server delivers passes the checks of the SDK."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import NamedTuple

import pytest

from sensei import Client
from sensei.testing import LocalServer
from sensei.webhooks import RecentEvents, WebhookVerificationError, unwrap, verify_signature


class Delivery(NamedTuple):
    body: bytes
    headers: dict[str, str]


class Receiver:
    """An HTTP server that takes deliveries."""

    def __init__(self) -> None:
        deliveries: Queue[Delivery] = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                deliveries.put(Delivery(body, dict(self.headers.items())))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.deliveries = deliveries
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.close()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with LocalServer() as server, Client(server.api_key, base_url=server.url) as made:
        yield made


def test_a_test_event_verifies_and_is_typed(client: Client, receiver: Receiver) -> None:
    webhook = client.webhooks.create(url=receiver.url, events=["certificate.generated"])
    secret = webhook.secret
    assert secret is not None
    webhook.test()
    delivery = receiver.deliveries.get(timeout=30)
    assert verify_signature(delivery.body, delivery.headers["X-Sensei-Signature"], secret)
    seen = RecentEvents()
    event = client.webhooks.unwrap(delivery.body, delivery.headers, secret=secret, tolerance=300, seen=seen)
    assert event.metadata is not None
    assert event.metadata.test is True
    assert event.id == delivery.headers["X-Sensei-Event-Id"]
    with pytest.raises(WebhookVerificationError, match="handled before"):
        unwrap(delivery.body, delivery.headers, secret=secret, seen=seen)
    with pytest.raises(WebhookVerificationError, match="does not fit"):
        unwrap(delivery.body, delivery.headers, secret="whsec_of_another_endpoint")
    webhook.delete()


def test_events_of_a_migration_verify_and_are_typed(client: Client, receiver: Receiver, tmp_path: Path) -> None:
    secret = "whsec_chosen_by_the_user"
    webhook = client.webhooks.create(url=receiver.url, events=["migration.created"], secret=secret)
    migration = client.migrations.create(
        name="Q1 ü",
        source={"type": "sqlite", "connection_string": f"sqlite:///{tmp_path / 'source.db'}"},
        target={"type": "sqlite", "connection_string": f"sqlite:///{tmp_path / 'target.db'}"},
    )
    delivery = receiver.deliveries.get(timeout=30)
    event = unwrap(delivery.body, delivery.headers, secret=["whsec_the_next_one", secret])
    assert event.type == "migration.created"
    assert (event.data.migration_id, event.data.migration_name) == (migration.id, "Q1 ü")
    webhook.delete()
