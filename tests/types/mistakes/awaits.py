"""Async calls taken for sync ones, and the other way round."""

# pyright: strict

from sensei import AsyncClient, AsyncMigration, Client


def watch(migration: AsyncMigration) -> None:
    assert migration.name


async def main(client: AsyncClient, sync: Client) -> None:
    # error: attr-defined | reportAttributeAccessIssue
    assert client.connections.get("conn_1").name
    # error: attr-defined | reportAttributeAccessIssue
    assert client.connections.list().data
    # error: unused-coroutine | reportUnusedCoroutine
    client.connections.delete("conn_1")
    migration = await client.migrations.get("mig_1")
    # error: unused-coroutine | reportUnusedCoroutine
    migration.start()
    # error: arg-type | reportArgumentType
    watch(client.migrations.get("mig_1"))
    # error: arg-type | reportArgumentType
    watch(sync.migrations.get("mig_1"))
    # error: misc | reportGeneralTypeIssues
    await sync.connections.get("conn_1")
    # error: attr-defined | reportGeneralTypeIssues
    for connection in client.connections.list():
        assert connection
    # error: attr-defined | reportGeneralTypeIssues
    async for connection in sync.connections.list():
        assert connection
    # error: attr-defined | reportGeneralTypeIssues
    for event in migration.stream_events():
        assert event
    # error: attr-defined | reportGeneralTypeIssues
    with client:
        pass
    # error: attr-defined | reportGeneralTypeIssues
    async with sync:
        pass
