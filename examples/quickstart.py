"""Move a SQLite database to another one, with proof.

    python examples/quickstart.py shop.db new-shop.db

Uses the server that SENSEI_API_URL and SENSEI_API_KEY name; `sensei serve` runs one on this machine.
`sensei demo` makes a shop.db to try it on, in the folder sensei-demo.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sensei import Client


def main(source_path: str, target_path: str) -> None:
    with Client() as client:
        source = client.connections.create(
            name="Shop", type="sqlite", role="source", config={"path": str(Path(source_path).resolve())}
        )
        target = client.connections.create(
            name="New shop", type="sqlite", role="target", config={"path": str(Path(target_path).resolve())}
        )
        migration = client.migrations.create(
            name="Move the shop", source={"connection_id": source.id}, target={"connection_id": target.id}
        )

        plan = migration.wait_for_plan()
        for mapping in plan.mappings:
            if mapping.confidence < 0.9:
                print(f"{mapping.confidence:.2f}  {mapping.source} -> {mapping.target}: {mapping.reasoning}")
                mapping.approve()

        migration.start()
        for event in migration.stream_events():
            if event.type == "progress":
                print(f"{event.percent:.0f} %  {event.phase}")

        result = migration.wait(timeout=3600, raise_on_failure=True)
        print(f"{result.status}: {result.records_processed:,} rows")

        validation = migration.run_validation(type="full")
        validation.wait(timeout=3600, raise_on_failure=True)
        certificate = validation.certificate()
        certificate.verify()
        print(f"certificate {certificate.id} is valid until {certificate.valid_until:%Y-%m-%d}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/quickstart.py SOURCE.db TARGET.db")
    main(*sys.argv[1:])
