"""Migrations between SQLite files by the real engine, for tests of what the server promises about them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.contract import ContractClient

_SECONDS = 60


@dataclass
class Files:
    """Two SQLite files and the server that moves from one to the other."""

    client: ContractClient
    source: Path
    target: Path

    def run(self, path: Path, script: str) -> None:
        """Change a file behind the server's back."""
        with sqlite3.connect(path) as database:
            database.executescript(script)
        database.close()

    def query(self, path: Path, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(path) as database:
            found = database.execute(sql).fetchall()
        database.close()
        return found

    def ends(self, source: dict[str, Any] | None = None, target: dict[str, Any] | None = None) -> dict[str, Any]:
        return {
            "source": {"type": "sqlite", "connection_string": f"sqlite:///{self.source}", **(source or {})},
            "target": {"type": "sqlite", "connection_string": f"sqlite:///{self.target}", **(target or {})},
        }

    def create(
        self, *, source: dict[str, Any] | None = None, target: dict[str, Any] | None = None, **members: Any
    ) -> str:
        body = {"name": "files", **self.ends(source, target), **members}
        answer = self.client.post("/v1/migrations", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def planned(self, **members: Any) -> str:
        mig = self.create(**members)
        self.wait(mig, "plan_ready", "approved")
        return mig

    def finished(self, *statuses: str, **members: Any) -> str:
        """A migration that ran to its end, which is `completed` unless said otherwise."""
        mig = self.planned(**members)
        answer = self.client.post(f"/v1/migrations/{mig}/start", json={"skip_approval": True})
        assert answer.status_code == 202, answer.text
        self.wait(mig, *(statuses or ("completed",)))
        return mig

    def get(self, mig: str, what: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/v1/migrations/{mig}{what}").json()
        return found

    def wait(self, mig: str, *statuses: str) -> dict[str, Any]:
        return wait_for(self.client, f"/v1/migrations/{mig}", statuses)

    def logs(self, mig: str) -> list[str]:
        return [entry["message"] for entry in self.get(mig, "/logs?limit=100")["data"]]


def wait_for(client: ContractClient, path: str, statuses: Sequence[str]) -> dict[str, Any]:
    """Ask until a resource has one of these statuses."""
    deadline = time.monotonic() + _SECONDS
    found: dict[str, Any] = {}
    while time.monotonic() < deadline:
        found = client.get(path).json()
        if found["status"] in statuses:
            return found
        assert found["status"] not in ("completed", "failed", "cancelled", "rolled_back"), found
        time.sleep(0.02)
    raise AssertionError(f"{path} does not become {statuses}: {found}")
