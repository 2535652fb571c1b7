"""Webhook events follow the transitions of a migration, each in the form the contract gives its type."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from sensei.server.engine.errors import ExecutionError
from sensei.server.store.tables import OutboxEvent
from sensei.server.webhooks.outbox import EVENT_TYPES
from tests.server.scripted_engine import ScriptedEngine, error_record
from tests.server.world import World
from tests.support.contract import check, document

_PHASES = ("schema_migration", "data_transfer", "validation", "cutover")
_SCHEMAS = {
    "migration.phase.": "PhaseEventData",
    "migration.": "MigrationEventData",
    "approval.": "ApprovalEventData",
    "error.": "ErrorEventData",
    "validation.": "ValidationEventData",
    "certificate.": "CertificateEventData",
}


def _emitted(world: World, mig: str) -> list[OutboxEvent]:
    """The events of a migration, each held against the schema of its type (the longest prefix wins)."""
    with world.server.runtime.store.read() as session:
        rows = list(session.scalars(select(OutboxEvent).order_by(OutboxEvent.created_at)))
    mine = [row for row in rows if row.data["migration_id"] == mig]
    for row in mine:
        prefix = max((p for p in _SCHEMAS if row.type.startswith(p)), key=len)
        check(_SCHEMAS[prefix], row.data)
    return mine


def _types(world: World, mig: str, prefix: str) -> list[str]:
    return [row.type for row in _emitted(world, mig) if row.type.startswith(prefix)]


def _data(world: World, mig: str, type_: str) -> dict[str, Any]:
    return next(row.data for row in _emitted(world, mig) if row.type == type_)


def test_the_types_are_those_of_the_contract() -> None:
    assert list(EVENT_TYPES) == document()["components"]["schemas"]["WebhookEventType"]["x-extensible-enum"]


def test_a_migration_that_goes_well(world: World) -> None:
    mig = world.completed()
    statuses = [t for t in _types(world, mig, "migration.") if not t.startswith("migration.phase.")]
    assert statuses == ["migration.created", "migration.started", "migration.completed"]
    phases = [(row.type, row.data["phase"]) for row in _emitted(world, mig) if ".phase." in row.type]
    assert sorted(phases) == sorted(
        (f"migration.phase.{what}", phase) for phase in ("planning", *_PHASES) for what in ("started", "completed")
    )
    assert sorted(_types(world, mig, "validation.")) == ["validation.completed", "validation.started"]
    assert _data(world, mig, "migration.completed")["records_processed"] == 300
    assert _types(world, mig, "approval.") == []


def test_a_migration_that_is_reviewed(world: World, engine: ScriptedEngine) -> None:
    engine.confidences = (0.5, 0.5)
    mig = world.planned()
    assert _data(world, mig, "approval.required")["pending_mappings"] == 2
    ids = [m["id"] for m in world.client.get(f"/v1/migrations/{mig}/mappings").json()["data"]]
    for number, mapping in enumerate(ids):
        path = f"/v1/migrations/{mig}/plan/mappings/{mapping}/approve"
        world.client.post(path, json={"approved": bool(number), "comment": "c"})
    assert _types(world, mig, "approval.") == ["approval.required", "approval.denied", "approval.granted"]
    denied = _data(world, mig, "approval.denied")
    assert (denied["mapping_id"], denied["pending_mappings"]) == (ids[0], 1)
    assert _data(world, mig, "approval.granted")["decided_by"] == world.get(mig)["created_by"]


def test_a_migration_that_pauses_resumes_and_fails(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned()
    world.post(mig, "start")
    assert engine.arrived.wait(10)
    world.post(mig, "pause", reason="lunch")
    world.wait_for(mig, "paused")
    engine.hold_in.clear()
    engine.failures["cutover"] = ExecutionError("no room on the disk", reason_code="E5007")
    world.post(mig, "resume")
    world.wait_for(mig, "failed")
    statuses = [t.removeprefix("migration.") for t in _types(world, mig, "migration.") if ".phase." not in t]
    assert statuses == ["created", "started", "paused", "resumed", "failed"]
    assert _data(world, mig, "migration.paused")["reason"] == "lunch"
    failed = _data(world, mig, "migration.failed")
    assert (failed["error_code"], failed["error_message"]) == ("execution_failed", "no room on the disk")
    assert _data(world, mig, "migration.phase.failed")["error_message"] == "no room on the disk"


def test_a_migration_that_is_cancelled(world: World) -> None:
    mig = world.planned()
    world.post(mig, "cancel", reason="no more")
    assert _types(world, mig, "migration.")[-1] == "migration.cancelled"
    assert _data(world, mig, "migration.cancelled")["reason"] == "no more"


def test_data_errors(world: World, engine: ScriptedEngine) -> None:
    engine.errors = (error_record(), error_record(status="recovered", type="encoding_mismatch"))
    mig = world.completed()
    types = _types(world, mig, "error.")
    assert types == ["error.occurred", "error.escalated", "error.occurred", "error.recovered"]
    assert _data(world, mig, "error.escalated")["column_name"] == "c1"
    error = world.client.get(f"/v1/migrations/{mig}/errors", params={"status": "escalated"}).json()["data"][0]["id"]
    world.post(mig, f"errors/{error}/resolve", resolution="skip")
    assert _data(world, mig, "error.resolved")["resolution"] == "skip"
