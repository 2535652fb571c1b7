# Generated from tests/client/async_resources/test_real_server.py by scripts/generate_sync.py: change that file and run the script.
"""Every operation against the real server, with every request and every answer held against the contract."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sensei._sync.client import Client
from sensei._sync.resources.connections import Connection
from sensei._sync.resources.migration import Migration
from sensei.errors import ConflictError, InvalidStateError, NotFoundError
from sensei.models.events import EndEvent, ProgressEvent, StatusEvent
from sensei.testing import LocalServer
from tests.client.wire import judged, operations
from tests.support.contract import check_response

ROWS = 4000


def shop(path: Path, rows: int = ROWS) -> Path:
    """A small shop with awkward values."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, notes TEXT);"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),"
            " total NUMERIC(10, 2));"
        )
        customers = [(n, f"Łukasz {n}", None if n % 3 else "") for n in range(1, 101)]
        database.executemany("INSERT INTO customers VALUES (?, ?, ?)", customers)
        database.executemany("INSERT INTO orders VALUES (?, ?, ?)", ((n, n % 100 + 1, n) for n in range(1, rows + 1)))
        database.commit()
    return path


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def called() -> set[str]:
    """The operations that were called."""
    return set()


@pytest.fixture
def client(server: LocalServer, called: set[str]) -> Iterator[Client]:
    def judge(response: httpx.Response) -> None:
        seen = judged(response.request, server.api_key)
        called.add(seen.operation)
        if "text/event-stream" not in response.headers.get("content-type", ""):
            response.read()
            check_response(response)

    with (
        httpx.Client(event_hooks={"response": [judge]}, timeout=30, trust_env=False) as http_client,
        Client(server.api_key, base_url=server.url, http_client=http_client) as client,
    ):
        yield client


def ends(client: Client, folder: Path, rows: int = ROWS) -> tuple[Connection, Connection]:
    """A source with data and an empty target, both tested."""
    source = client.connections.create(
        name="Shop", type="sqlite", role="source", config={"path": str(shop(folder / "shop.db", rows))}, tags=["shop"]
    )
    target = client.connections.create(
        name="Copy", type="sqlite", role="target", config={"path": str(folder / "copy.db")}
    )
    assert (source.wait(timeout=30)).status == "connected"
    assert (target.wait(timeout=30)).status == "connected"
    return source, target


def planned(client: Client, folder: Path, rows: int = ROWS, **options: int) -> Migration:
    """A migration whose plan is there."""
    source, target = ends(client, folder, rows)
    migration = client.migrations.create(
        source={"connection_id": source.id}, target={"connection_id": target.id}, options=options
    )
    migration.wait_for_plan(timeout=60)
    return migration


def data_errors(client: Client, migration: Migration) -> None:
    """What is possible about data errors when there are none."""
    assert [one for one in client.errors.list(migration.id, status="open")] == []
    result = client.errors.bulk_resolve(migration.id, error_ids=["err_none"], resolution="skip")
    assert [one.id for one in result.failed] == ["err_none"]
    for call in (
        lambda: client.errors.get(migration.id, "err_none"),
        lambda: client.errors.resolve(migration.id, "err_none", resolution={"type": "skip"}),
        lambda: client.errors.retry(migration.id, "err_none", fix_applied="none"),
    ):
        with pytest.raises((NotFoundError, InvalidStateError)):
            call()


def connections(client: Client, folder: Path) -> None:
    source, target = ends(client, folder)
    assert (source.test()).table_count == 2
    found = client.connections.test_config(type="sqlite", config={"path": str(folder / "none" / "x.db")})
    assert found.status == "failed"
    assert found.error is not None
    structure = source.fetch_schema(table="orders", refresh=True)
    assert structure.schemas[0].tables[0].primary_key == ["id"]
    preview = client.connections.preview(source.id, table="customers", limit=3)
    assert [row["name"] for row in preview.rows] == ["Łukasz 1", "Łukasz 2", "Łukasz 3"]
    client.connections.update(source.id, name="Old shop", description="d", tags=["a", "b"])
    renamed = client.connections.update(source.id, description=None)
    assert (renamed.name, renamed.description) == ("Old shop", None)
    assert source.id in [one.id for one in client.connections.list(type="sqlite", tag="a", limit=1)]
    target.delete()
    with pytest.raises(NotFoundError, match="connection"):
        target.refresh()


def documented_program(client: Client, folder: Path) -> None:
    migration = planned(client, folder)
    for mapping in migration.plan.mappings:
        if mapping.confidence < 0.9:
            mapping.approve()
    assert (client.migrations.start(migration.id, dry_run=True)).dry_run
    migration.start()
    seen = [event for event in migration.stream_events()]
    assert isinstance(seen[-1], EndEvent)
    numbers = [int(event.id or 0) for event in seen]
    assert numbers == sorted(set(numbers))
    percents = [event.percent for event in seen if isinstance(event, ProgressEvent)]
    assert percents == sorted(percents)
    result = migration.wait(timeout=60)
    assert (result.status, result.error) == ("completed", None)
    assert result.records_processed == ROWS + 100
    validation = migration.run_validation(type="full")
    validation.wait(timeout=60, raise_on_failure=True)
    certificate = validation.certificate()
    certificate.verify()
    assert (certificate.check()).value == "valid"
    assert (client.certificates.get(certificate.id)) == certificate
    assert (client.validations.get(validation.id)) == validation
    assert b'"signature"' in certificate.download()
    assert (validation.report(include_details=True)).issues == []
    assert "<html" in (client.validations.report(validation.id, format="html")).lower()
    assert [one.id for one in client.validations.list(migration_id=migration.id, result="passed")] != []
    assert [entry for entry in client.migrations.logs(migration.id, level="info", limit=5)]
    assert [event.type for event in migration.stream_logs(level="warning")][-1] == "end"
    assert (client.migrations.status(migration.id)).status == "completed"
    assert len((client.migrations.metrics(migration.id)).by_table) == 2
    assert (client.migrations.source_schema(migration.id)).side == "source"
    assert (client.migrations.target_schema(migration.id)).side == "target"
    assert [one.type for one in client.migrations.checkpoints(migration.id)] != []
    assert (client.migrations.rollback_status(migration.id)).rollback_status == "none"
    (summary,) = [one for one in client.migrations.list(status="completed") if one.id == migration.id]
    assert (summary.fetch()) == client.migrations.get(migration.id)
    data_errors(client, migration)
    with contextlib.suppress(InvalidStateError):  # it may be through before that
        (migration.run_validation(type="quick")).cancel()
    migration.rollback(strategy="truncate")
    assert (migration.wait(timeout=60)).status == "rolled_back"
    assert (migration.delete()).deleted


def reviewing(client: Client, folder: Path) -> None:
    source, target = ends(client, folder)
    migration = client.migrations.create(
        name="Reviewed",
        source={"connection_id": source.id, "tables": ["cust*"]},
        target={"connection_id": target.id},
        options={"auto_approve_above": None},
    )
    migration.wait_for_plan(timeout=60)
    mappings = client.mappings.list(migration.id, status="pending_review").to_list()
    assert [mapping.source_column for mapping in mappings] == ["id", "name", "notes"]
    assert (client.mappings.get(migration.id, mappings[0].id or "")) == mappings[0]
    changed = client.mappings.update(migration.id, mappings[1].id or "", comment="look twice")
    assert changed.comment == "look twice"
    assert (mappings[2].reject(comment="empty")).status == "rejected"
    result = client.mappings.bulk_update(
        migration.id,
        updates=[{"id": mappings[0].id or "", "status": "approved"}, {"id": "map_none", "approved": True}],
    )
    assert (result.summary.succeeded, [one.id for one in result.failed]) == (1, ["map_none"])
    assert (client.mappings.approve_all(migration.id, above=0.5)).summary.succeeded == 1
    assert (migration.refresh()).status == "approved"
    client.migrations.update(migration.id, description="d", options={"parallelism": 2})
    soon = datetime.now(UTC) + timedelta(days=1)
    scheduled = client.migrations.set_schedule(migration.id, start_at=soon)
    assert scheduled.start_at is not None
    assert abs(scheduled.start_at - soon) < timedelta(seconds=1)
    client.migrations.update_schedule(migration.id, behavior={"outside_window": "continue"})
    assert (client.migrations.schedule(migration.id)).status == "scheduled"
    client.migrations.clear_schedule(migration.id)
    with pytest.raises(NotFoundError):
        client.migrations.schedule(migration.id)
    with pytest.raises(ConflictError):
        source.delete()
    assert (migration.cancel(reason="only a test")).status == "cancelled"


def stopping_and_going_on(client: Client, folder: Path) -> None:
    migration = planned(client, folder, 60_000, batch_size=50, parallelism=1)
    migration.start()
    migration.pause(reason="lunch", immediate=True)
    for event in migration.stream_events():
        if isinstance(event, StatusEvent) and event.status == "paused":
            break
    assert (migration.refresh()).status == "paused"
    checkpoint = client.migrations.create_checkpoint(migration.id, reason="by hand")
    restored = client.migrations.restore(migration.id, checkpoint_id=checkpoint.id)
    assert restored.checkpoint_id == checkpoint.id
    migration.resume()
    migration.cancel(rollback=True, force=True)
    assert (migration.wait(timeout=120)).status == "cancelled"


def rules(client: Client) -> None:
    rule = client.validations.rules.create(name="Nothing below zero", rule="SELECT 1", expected=1)
    assert rule in client.validations.rules.list().to_list()
    rule.delete()
    with pytest.raises(NotFoundError):
        rule.delete()


def webhooks(client: Client) -> None:
    webhook = client.webhooks.create(url="http://localhost:9/hook", events=["migration.*"])
    assert webhook.secret.startswith("whsec_")
    delivery = webhook.test(event_type="migration.failed")
    assert delivery.status == "failed"
    assert [one.id for one in webhook.deliveries(status="failed")] == [delivery.id]
    assert (client.webhooks.retry_delivery(webhook.id, delivery.id)).id == delivery.id
    assert (client.webhooks.update(webhook.id, enabled=False)).enabled is False
    more = client.webhooks.bulk_create(
        webhooks=[
            {"url": "https://example.com/hook", "events": ["*"]},
            {"url": "http://example.com", "events": ["*"]},
        ]
    )
    assert [one.index for one in more.failed] == [1]
    assert (client.webhooks.get(webhook.id)).url == webhook.url
    for one in client.webhooks.list().to_list():
        one.delete()
    assert (client.webhooks.list()).pagination.total == 0


def access(client: Client, server: LocalServer) -> None:
    key = client.api_keys.create(name="CI", scopes=["migrations:read"], ip_whitelist=["127.0.0.1"])
    assert (client.api_keys.get(key.id)).key_prefix == key.key[:12]
    assert (client.api_keys.update(key.id, name="CI 2")).name == "CI 2"
    new = client.api_keys.rotate(key.id)
    assert new.key != key.key
    with Client(new.key, base_url=server.url) as other:
        assert (other.migrations.list()).pagination.total >= 0
    assert [one.id for one in client.api_keys.list() if one.id in {key.id, new.id}] == [new.id]
    account = client.service_accounts.create(name="nightly", scopes=["migrations:*"])
    rotated = account.rotate()
    assert rotated.credentials.token != account.credentials.token
    assert (client.service_accounts.get(account.id)).rotated_at is not None
    assert account.id in [one.id for one in client.service_accounts.list()]
    account.delete()
    assert [one.action for one in client.audit_logs.list(action="service_accounts.delete", limit=1)]
    assert (client.usage.current()).requests.total > 0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the other one is tried elsewhere, and this takes seconds


def test_every_operation(client: Client, server: LocalServer, called: set[str], tmp_path: Path) -> None:
    for part in (connections, documented_program, reviewing, stopping_and_going_on):
        folder = tmp_path / part.__name__
        folder.mkdir()
        part(client, folder)
    rules(client)
    webhooks(client)
    access(client, server)
    elsewhere = {"oauth.authorize", "oauth.token", "oauth.revoke", "oauth.introspect"}
    assert operations().keys() - called == elsewhere
