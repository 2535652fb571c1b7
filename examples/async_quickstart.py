"""The same as quickstart.py, in async: plan several migrations at once, run them at once, watch them all.

python examples/async_quickstart.py shop.db copy-1.db copy-2.db
"""

from __future__ import annotations

import sys
from pathlib import Path

import anyio

from sensei import AsyncClient


async def main(*paths: str) -> None:
    source_path, *target_paths = paths
    async with AsyncClient() as client:
        source = await client.connections.create(
            name="Shop", type="sqlite", role="source", config={"path": source_path}
        )
        async with anyio.create_task_group() as tasks:
            for path in target_paths:
                tasks.start_soon(copy, client, source.id, path)


async def copy(client: AsyncClient, source_id: str, target_path: str) -> None:
    name = Path(target_path).name
    target = await client.connections.create(name=name, type="sqlite", role="target", config={"path": target_path})
    migration = await client.migrations.create(
        name=f"Copy to {name}", source={"connection_id": source_id}, target={"connection_id": target.id}
    )
    plan = await migration.wait_for_plan()
    for mapping in plan.mappings:
        if mapping.requires_approval:
            await mapping.approve()
    await migration.start()
    async for event in migration.stream_events():
        if event.type == "phase":
            print(f"{name}: {event.message}")
    result = await migration.wait(timeout=3600, raise_on_failure=True)
    print(f"{name}: {result.status}, {result.records_processed:,} rows")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python examples/async_quickstart.py SOURCE.db TARGET.db...")
    anyio.run(main, *(str(Path(path).resolve()) for path in sys.argv[1:]))
