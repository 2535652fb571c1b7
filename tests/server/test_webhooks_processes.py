"""The delivery queue over several processes of which some die."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sensei.server.settings import Settings
from sensei.server.store import Store
from sensei.server.store.tables import ApiKey
from sensei.server.store.webhook_tables import WebhookDelivery
from sensei.server.webhooks import outbox
from tests.support.contract import ContractClient
from tests.support.receiver import Receiver, running_receiver

KEY = "sk_test_0123456789abcdef"
COMPLETED = {"migration_id": "mig_1", "migration_name": "m", "status": "completed", "phase": "cutover"}
SERVER = """
import sys
from pathlib import Path
from sensei.server.serve import serve
from sensei.server.settings import Settings

def ready(facts):
    print(facts.url, flush=True)

serve(Settings(state=Path(sys.argv[1])), port=0, api_key=sys.argv[2], on_ready=ready)
"""
Start = Callable[[], tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts server processes over one state."""
    with ExitStack() as stack:

        def process() -> tuple[subprocess.Popen[str], str]:
            arguments = [sys.executable, "-c", SERVER, str(tmp_path / "state.db"), KEY]
            started = stack.enter_context(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
            stack.callback(started.kill)
            assert started.stdout is not None
            return started, started.stdout.readline().strip()

        yield process


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The state of the processes, seen from outside."""
    opened = Store(Settings(state=tmp_path / "state.db"))
    yield opened
    opened.close()


def _emit(store: Store, count: int) -> set[str]:
    with store.write() as session:
        key = session.scalars(select(ApiKey)).one()
        return {
            outbox.emit(
                session,
                organization_id=key.organization_id,
                environment="sandbox",
                type="migration.completed",
                data=COMPLETED,
                now=datetime.now(UTC),
            ).id
            for _ in range(count)
        }


def _ids(receiver: Receiver) -> list[str]:
    return [r.headers["x-sensei-event-id"] for r in receiver.received]


def test_an_attempt_cut_by_a_kill_is_made_again_by_the_next_process(
    start: Start, receiver: Receiver, store: Store
) -> None:
    first, url = start()
    with ContractClient(url, KEY) as client:
        client.post("/v1/webhooks", json={"url": receiver.url, "events": ["*"]})
    receiver.gate.clear()
    sent = _emit(store, 3)
    receiver.wait_for_count(3)
    first.send_signal(signal.SIGKILL)
    first.wait()
    receiver.gate.set()
    _second, url = start()
    got = receiver.wait_for_count(6)
    assert {(r.headers["x-sensei-event-id"]) for r in got} == sent
    assert len({(r.headers["x-sensei-event-id"], r.headers["x-sensei-delivery-id"], r.body) for r in got}) == 3


def test_events_written_while_no_process_runs_are_delivered_by_the_next(
    start: Start, receiver: Receiver, store: Store
) -> None:
    first, url = start()
    with ContractClient(url, KEY) as client:
        client.post("/v1/webhooks", json={"url": receiver.url, "events": ["*"]})
    first.send_signal(signal.SIGTERM)
    first.wait()
    sent = _emit(store, 5)
    start()
    receiver.wait_for_count(5)
    assert sorted(_ids(receiver)) == sorted(sent)


def test_two_processes_deliver_each_event_once(start: Start, receiver: Receiver, store: Store) -> None:
    _first, url = start()
    start()
    with ContractClient(url, KEY) as client:
        client.post("/v1/webhooks", json={"url": receiver.url, "events": ["*"]})
    sent = _emit(store, 120)
    receiver.wait_for_count(120)
    assert sorted(_ids(receiver)) == sorted(sent)
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(WebhookDelivery)) == 120
