"""Every operation against the real server, with every request and every answer held against the contract."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sensei._async.client import AsyncClient
from sensei._async.resources.connections import AsyncConnection
from sensei._async.resources.migration import AsyncMigration
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
async def client(server: LocalServer, called: set[str]) -> AsyncIterator[AsyncClient]:
    async def judge(response: httpx.Response) -> None:
        seen = judged(response.request, server.api_key)
        called.add(seen.operation)
        if "text/event-stream" not in response.headers.get("content-type", ""):
            await response.aread()
            check_response(response)

    async with (
        httpx.AsyncClient(event_hooks={"response": [judge]}, timeout=30, trust_env=False) as http_client,
        AsyncClient(server.api_key, base_url=server.url, http_client=http_client) as client,
    ):
        yield client


async def ends(client: AsyncClient, folder: Path, rows: int = ROWS) -> tuple[AsyncConnection, AsyncConnection]:
    """A source with data and an empty target, both tested."""
    source = await client.connections.create(
        name="Shop", type="sqlite", role="source", config={"path": str(shop(folder / "shop.db", rows))}, tags=["shop"]
    )
    target = await client.connections.create(
        name="Copy", type="sqlite", role="target", config={"path": str(folder / "copy.db")}
    )
    assert (await source.wait(timeout=30)).status == "connected"
    assert (await target.wait(timeout=30)).status == "connected"
    return source, target


async def planned(client: AsyncClient, folder: Path, rows: int = ROWS, **options: int) -> AsyncMigration:
    """A migration whose plan is there."""
    source, target = await ends(client, folder, rows)
    migration = await client.migrations.create(
        source={"connection_id": source.id}, target={"connection_id": target.id}, options=options
    )
    await migration.wait_for_plan(timeout=60)
    return migration


async def data_errors(client: AsyncClient, migration: AsyncMigration) -> None:
    """What is possible about data errors when there are none."""
    assert [one async for one in client.errors.list(migration.id, status="open")] == []
    result = await client.errors.bulk_resolve(migration.id, error_ids=["err_none"], resolution="skip")
    assert [one.id for one in result.failed] == ["err_none"]
    for call in (
        lambda: client.errors.get(migration.id, "err_none"),
        lambda: client.errors.resolve(migration.id, "err_none", resolution={"type": "skip"}),
        lambda: client.errors.retry(migration.id, "err_none", fix_applied="none"),
    ):
        with pytest.raises((NotFoundError, InvalidStateError)):
            await call()


async def connections(client: AsyncClient, folder: Path) -> None:
    source, target = await ends(client, folder)
    assert (await source.test()).table_count == 2
    found = await client.connections.test_config(type="sqlite", config={"path": str(folder / "none" / "x.db")})
    assert found.status == "failed"
    assert found.error is not None
    structure = await source.fetch_schema(table="orders", refresh=True)
    assert structure.schemas[0].tables[0].primary_key == ["id"]
    preview = await client.connections.preview(source.id, table="customers", limit=3)
    assert [row["name"] for row in preview.rows] == ["Łukasz 1", "Łukasz 2", "Łukasz 3"]
    await client.connections.update(source.id, name="Old shop", description="d", tags=["a", "b"])
    renamed = await client.connections.update(source.id, description=None)
    assert (renamed.name, renamed.description) == ("Old shop", None)
    assert source.id in [one.id async for one in client.connections.list(type="sqlite", tag="a", limit=1)]
    await target.delete()
    with pytest.raises(NotFoundError, match="connection"):
        await target.refresh()


async def documented_program(client: AsyncClient, folder: Path) -> None:
    migration = await planned(client, folder)
    for mapping in migration.plan.mappings:
        if mapping.confidence < 0.9:
            await mapping.approve()
    assert (await client.migrations.start(migration.id, dry_run=True)).dry_run
    await migration.start()
    seen = [event async for event in migration.stream_events()]
    assert isinstance(seen[-1], EndEvent)
    numbers = [int(event.id or 0) for event in seen]
    assert numbers == sorted(set(numbers))
    percents = [event.percent for event in seen if isinstance(event, ProgressEvent)]
    assert percents == sorted(percents)
    result = await migration.wait(timeout=60)
    assert (result.status, result.error) == ("completed", None)
    assert result.records_processed == ROWS + 100
    validation = await migration.run_validation(type="full")
    await validation.wait(timeout=60, raise_on_failure=True)
    certificate = await validation.certificate()
    await certificate.verify()
    assert (await certificate.check()).value == "valid"
    assert (await client.certificates.get(certificate.id)) == certificate
    assert (await client.validations.get(validation.id)) == validation
    assert b'"signature"' in await certificate.download()
    assert (await validation.report(include_details=True)).issues == []
    assert "<html" in (await client.validations.report(validation.id, format="html")).lower()
    assert [one.id async for one in client.validations.list(migration_id=migration.id, result="passed")] != []
    assert [entry async for entry in client.migrations.logs(migration.id, level="info", limit=5)]
    assert [event.type async for event in migration.stream_logs(level="warning")][-1] == "end"
    assert (await client.migrations.status(migration.id)).status == "completed"
    assert len((await client.migrations.metrics(migration.id)).by_table) == 2
    assert (await client.migrations.source_schema(migration.id)).side == "source"
    assert (await client.migrations.target_schema(migration.id)).side == "target"
    assert [one.type async for one in client.migrations.checkpoints(migration.id)] != []
    assert (await client.migrations.rollback_status(migration.id)).rollback_status == "none"
    (summary,) = [one async for one in client.migrations.list(status="completed") if one.id == migration.id]
    assert (await summary.fetch()) == await client.migrations.get(migration.id)
    await data_errors(client, migration)
    with contextlib.suppress(InvalidStateError):  # it may be through before that
        await (await migration.run_validation(type="quick")).cancel()
    await migration.rollback(strategy="truncate")
    assert (await migration.wait(timeout=60)).status == "rolled_back"
    assert (await migration.delete()).deleted


async def reviewing(client: AsyncClient, folder: Path) -> None:
    source, target = await ends(client, folder)
    migration = await client.migrations.create(
        name="Reviewed",
        source={"connection_id": source.id, "tables": ["cust*"]},
        target={"connection_id": target.id},
        options={"auto_approve_above": None},
    )
    await migration.wait_for_plan(timeout=60)
    mappings = await client.mappings.list(migration.id, status="pending_review").to_list()
    assert [mapping.source_column for mapping in mappings] == ["id", "name", "notes"]
    assert (await client.mappings.get(migration.id, mappings[0].id or "")) == mappings[0]
    changed = await client.mappings.update(migration.id, mappings[1].id or "", comment="look twice")
    assert changed.comment == "look twice"
    assert (await mappings[2].reject(comment="empty")).status == "rejected"
    result = await client.mappings.bulk_update(
        migration.id,
        updates=[{"id": mappings[0].id or "", "status": "approved"}, {"id": "map_none", "approved": True}],
    )
    assert (result.summary.succeeded, [one.id for one in result.failed]) == (1, ["map_none"])
    assert (await client.mappings.approve_all(migration.id, above=0.5)).summary.succeeded == 1
    assert (await migration.refresh()).status == "approved"
    await client.migrations.update(migration.id, description="d", options={"parallelism": 2})
    soon = datetime.now(UTC) + timedelta(days=1)
    scheduled = await client.migrations.set_schedule(migration.id, start_at=soon)
    assert scheduled.start_at is not None
    assert abs(scheduled.start_at - soon) < timedelta(seconds=1)
    await client.migrations.update_schedule(migration.id, behavior={"outside_window": "continue"})
    assert (await client.migrations.schedule(migration.id)).status == "scheduled"
    await client.migrations.clear_schedule(migration.id)
    with pytest.raises(NotFoundError):
        await client.migrations.schedule(migration.id)
    with pytest.raises(ConflictError):
        await source.delete()
    assert (await migration.cancel(reason="only a test")).status == "cancelled"


async def stopping_and_going_on(client: AsyncClient, folder: Path) -> None:
    migration = await planned(client, folder, 60_000, batch_size=50, parallelism=1)
    await migration.start()
    await migration.pause(reason="lunch", immediate=True)
    async for event in migration.stream_events():
        if isinstance(event, StatusEvent) and event.status == "paused":
            break
    assert (await migration.refresh()).status == "paused"
    checkpoint = await client.migrations.create_checkpoint(migration.id, reason="by hand")
    restored = await client.migrations.restore(migration.id, checkpoint_id=checkpoint.id)
    assert restored.checkpoint_id == checkpoint.id
    await migration.resume()
    await migration.cancel(rollback=True, force=True)
    assert (await migration.wait(timeout=120)).status == "cancelled"


async def rules(client: AsyncClient) -> None:
    rule = await client.validations.rules.create(name="Nothing below zero", rule="SELECT 1", expected=1)
    assert rule in await client.validations.rules.list().to_list()
    await rule.delete()
    with pytest.raises(NotFoundError):
        await rule.delete()


async def webhooks(client: AsyncClient) -> None:
    webhook = await client.webhooks.create(url="http://localhost:9/hook", events=["migration.*"])
    assert webhook.secret.startswith("whsec_")
    delivery = await webhook.test(event_type="migration.failed")
    assert delivery.status == "failed"
    assert [one.id async for one in webhook.deliveries(status="failed")] == [delivery.id]
    assert (await client.webhooks.retry_delivery(webhook.id, delivery.id)).id == delivery.id
    assert (await client.webhooks.update(webhook.id, enabled=False)).enabled is False
    more = await client.webhooks.bulk_create(
        webhooks=[
            {"url": "https://example.com/hook", "events": ["*"]},
            {"url": "http://example.com", "events": ["*"]},
        ]
    )
    assert [one.index for one in more.failed] == [1]
    assert (await client.webhooks.get(webhook.id)).url == webhook.url
    for one in await client.webhooks.list().to_list():
        await one.delete()
    assert (await client.webhooks.list()).pagination.total == 0


async def access(client: AsyncClient, server: LocalServer) -> None:
    key = await client.api_keys.create(name="CI", scopes=["migrations:read"], ip_whitelist=["127.0.0.1"])
    assert (await client.api_keys.get(key.id)).key_prefix == key.key[:12]
    assert (await client.api_keys.update(key.id, name="CI 2")).name == "CI 2"
    new = await client.api_keys.rotate(key.id)
    assert new.key != key.key
    async with AsyncClient(new.key, base_url=server.url) as other:
        assert (await other.migrations.list()).pagination.total >= 0
    assert [one.id async for one in client.api_keys.list() if one.id in {key.id, new.id}] == [new.id]
    account = await client.service_accounts.create(name="nightly", scopes=["migrations:*"])
    rotated = await account.rotate()
    assert rotated.credentials.token != account.credentials.token
    assert (await client.service_accounts.get(account.id)).rotated_at is not None
    assert account.id in [one.id async for one in client.service_accounts.list()]
    await account.delete()
    assert [one.action async for one in client.audit_logs.list(action="service_accounts.delete", limit=1)]
    assert (await client.usage.current()).requests.total > 0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the other one is tried elsewhere, and this takes seconds


@pytest.mark.anyio
async def test_every_operation(client: AsyncClient, server: LocalServer, called: set[str], tmp_path: Path) -> None:
    for part in (connections, documented_program, reviewing, stopping_and_going_on):
        folder = tmp_path / part.__name__
        folder.mkdir()
        await part(client, folder)
    await rules(client)
    await webhooks(client)
    await access(client, server)
    elsewhere = {"oauth.authorize", "oauth.token", "oauth.revoke", "oauth.introspect"}
    assert operations().keys() - called == elsewhere
