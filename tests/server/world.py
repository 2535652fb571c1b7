"""Migrations for tests: made over HTTP, waited for, or put into a status by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx

from sensei.server import leases
from sensei.server.serve import ServerThread
from sensei.server.store.migration_tables import CheckpointRow, ErrorRow, MappingRow, Migration, PlanRow
from tests.support.contract import ContractClient, check

ELSEWHERE = "another-machine:1:0"
"""Owner of a lease that no process of this machine takes over."""

_EVENT_SCHEMAS = {
    "log": "LogEntry",
    "progress": "StreamProgress",
    "phase": "StreamPhase",
    "status": "StreamStatus",
    "error": "StreamError",
    "end": "StreamEnd",
}


class Event:
    """One event of a stream, held against the contract."""

    def __init__(self, number: int, name: str, data: dict[str, Any]) -> None:
        check(_EVENT_SCHEMAS[name], data)
        self.id = number
        self.name = name
        self.data = data

    def __repr__(self) -> str:
        return f"{self.id}:{self.name}:{self.data}"


class World:
    """One server seen through one client."""

    def __init__(self, server: ServerThread, client: ContractClient) -> None:
        self.server = server
        self.client = client
        self.source = self._connection("source")
        self.target = self._connection("target")

    def _connection(self, role: str) -> str:
        body = {"name": role, "type": "sqlite", "role": role, "config": {"path": f"/nowhere/{role}.db"}}
        return str(self.client.post("/v1/connections", json=body).json()["id"])

    def create(self, **members: Any) -> str:
        """Make a migration between the two connections."""
        body = {
            "name": "m",
            "source": {"connection_id": self.source},
            "target": {"connection_id": self.target},
            **members,
        }
        answer = self.client.post("/v1/migrations", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def get(self, mig: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/v1/migrations/{mig}").json()
        return found

    def post(self, mig: str, action: str, **body: Any) -> httpx.Response:
        return self.client.post(f"/v1/migrations/{mig}/{action}", json=body or None)

    def wait_for(self, mig: str, *statuses: str) -> dict[str, Any]:
        """Follow the events until one of the statuses is reached."""
        now = self.get(mig)
        if now["status"] in statuses:
            return now
        for event in self.events(mig):
            if event.name == "status" and self.get(mig)["status"] in statuses:
                return self.get(mig)
            if event.name == "end":
                break
        now = self.get(mig)
        assert now["status"] in statuses, now
        return now

    def planned(self, **members: Any) -> str:
        """A migration with its plan made."""
        mig = self.create(**members)
        self.wait_for(mig, "plan_ready", "approved")
        return mig

    def completed(self, **members: Any) -> str:
        """A migration that ran to its end."""
        mig = self.planned(**members)
        assert self.post(mig, "start", skip_approval=True).status_code == 202
        self.wait_for(mig, "completed")
        return mig

    def events(self, mig: str, last: int | None = None, path: str = "events", **params: Any) -> Iterator[Event]:
        """The events of a stream, until the server closes it."""
        headers = {"Last-Event-ID": str(last)} if last is not None else {}
        with self.client.stream("GET", f"/v1/migrations/{mig}/{path}", headers=headers, params=params) as response:
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            yield from parse(response.iter_lines())

    def put_into(self, mig: str, status: str, **columns: Any) -> None:
        """Set a status by hand, as if another machine worked on the migration."""
        with self.server.runtime.store.write() as session:
            row = session.get_one(Migration, mig)
            row.status = status
            row.owner = ELSEWHERE
            row.lease_until = leases.end_of_lease(3600)
            for name, value in columns.items():
                setattr(row, name, value)

    def let_go(self, mig: str) -> None:
        """Give the lease of `put_into` back."""
        with self.server.runtime.store.write() as session:
            row = session.get_one(Migration, mig)
            row.owner = None
            row.lease_until = None
        self.server.runtime.supervisor.wake()

    def row(self, mig: str) -> Migration:
        with self.server.runtime.store.read() as session:
            return session.get_one(Migration, mig)

    def add(self, *rows: MappingRow | ErrorRow | CheckpointRow | PlanRow) -> None:
        with self.server.runtime.store.write() as session:
            session.add_all(rows)

    def add_error(self, mig: str, status: str = "escalated", **members: Any) -> str:
        """A data error of a migration."""
        error_id = f"err_{threading.get_ident()}_{len(self.client.get(f'/v1/migrations/{mig}/errors').json()['data'])}"
        given = {
            "id": f"{error_id}_{mig}",
            "migration_id": mig,
            "timestamp": self.server.runtime.settings.clock.now(),
            "status": status,
            "phase": "data_transfer",
            "type": "type_mismatch",
            "message": "no number",
            "reason_code": "E3001",
            "table": "items",
            "column": "c1",
            "affected_records": 1,
            "sample": [{"c0": 1}],
            **members,
        }
        self.add(ErrorRow(**given))
        return str(given["id"])

    def add_checkpoint(self, mig: str, state: dict[str, Any], phases: dict[str, Any]) -> str:
        """A checkpoint of a migration."""
        now = self.server.runtime.settings.clock.now()
        self.add(
            CheckpointRow(
                id=f"chk_{mig}",
                migration_id=mig,
                timestamp=now,
                type="manual",
                phase="data_transfer",
                table=None,
                records_completed=100,
                size_bytes=10,
                reason=None,
                expires_at=now + timedelta(hours=1),
                state=state,
                phases=phases,
            )
        )
        return f"chk_{mig}"


def parse(lines: Iterator[str]) -> Iterator[Event]:
    """Events from the lines of a stream; the form of the frames is checked strictly."""
    assert next(lines) == "retry: 3000"
    assert next(lines) == ""
    fields: dict[str, str] = {}
    for line in lines:
        if line == "":
            if fields:
                assert list(fields) == ["id", "event", "data"], fields
                yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            assert name not in fields, line
            fields[name] = value
