"""A migration over HTTP: made, planned, decided on, run, undone. The databases are scripted; the server is real."""

from __future__ import annotations

from typing import Any

import pytest

from sensei.server.engine.errors import DataError, EndpointError, ExecutionError, PlanningError
from tests.server.scripted_engine import ScriptedEngine, error_record
from tests.server.world import World


def _phases(shown: dict[str, Any]) -> dict[str, str]:
    return {phase["name"]: phase["status"] for phase in shown["progress"]["phases"]}


def test_the_main_job(world: World, engine: ScriptedEngine) -> None:
    mig = world.completed()
    shown = world.get(mig)
    assert engine.phases_run == ["schema_migration", "data_transfer", "cutover"]
    assert set(_phases(shown).values()) == {"completed"}
    assert shown["progress"]["overall_percent"] == 100
    assert shown["metrics"]["records_processed"] == 300
    assert shown["metrics"]["bytes_transferred"] == "2.4 KB"
    assert shown["timing"]["completed_at"] is not None
    validation = world.client.get(f"/v1/validations/{shown['validation_id']}").json()
    assert (validation["status"], validation["overall_result"]) == ("completed", "passed")


def test_a_fresh_migration_shows_what_was_asked_for(world: World) -> None:
    mig = world.create(
        description="d",
        strategy="safe",
        options={"parallelism": 8, "type_mappings": [{"source_type": "INTEGER", "target_type": "bigint"}]},
        notifications={"email": ["team@example.com"], "on_events": ["completed"]},
        source={"connection_id": world.source, "schema": "main", "tables": ["i*"], "exclude_tables": ["x"]},
    )
    shown = world.get(mig)
    assert shown["options"]["parallelism"] == 8
    assert shown["options"]["batch_size"] == 2000, "the preset of the strategy"
    assert shown["options"]["auto_approve_above"] == 0.95
    assert shown["source"]["schemas"] == ["main"]
    assert shown["source"]["tables"] == ["i*"]
    assert shown["source"]["connection_name"] == "source"
    assert shown["notifications"] == {"email": ["team@example.com"], "on_events": ["completed"]}


def test_an_inline_end_keeps_its_connection_string_to_itself(world: World, engine: ScriptedEngine) -> None:
    secret = "postgresql://user:hunter2@db/shop"
    mig = world.planned(source={"type": "postgresql", "connection_string": secret, "schema": "s"})
    shown = world.client.get(f"/v1/migrations/{mig}")
    assert "hunter2" not in shown.text
    assert shown.json()["source"]["connection_id"] is None
    assert world.post(mig, "start").status_code == 202
    world.wait_for(mig, "completed")
    assert engine.jobs[0].source.config == {"connection_string": secret}
    files = (path for path in world.server.runtime.settings.resolved_key_file.parent.iterdir())
    assert not any(b"hunter2" in path.read_bytes() for path in files)


MAPPINGS = [
    # confidence, auto_approve_above → status, blocks
    (0.99, 0.95, "approved", False),
    (0.95, 0.95, "approved", False),
    (0.949, 0.95, "pending_review", False),
    (0.80, 0.95, "pending_review", False),
    (0.79, 0.95, "pending_review", True),
    (0.79, 0.5, "approved", False),
    (0.99, None, "pending_review", False),
    (0.5, None, "pending_review", True),
]


@pytest.mark.parametrize(("confidence", "threshold", "status", "blocks"), MAPPINGS)
def test_confidence_decides_how_a_mapping_begins(
    world: World, engine: ScriptedEngine, confidence: float, threshold: float | None, status: str, blocks: bool
) -> None:
    engine.confidences = (confidence,)
    mig = world.planned(options={"auto_approve_above": threshold})
    mapping = world.client.get(f"/v1/migrations/{mig}/mappings").json()["data"][0]
    assert (mapping["status"], mapping["requires_approval"]) == (status, blocks)
    assert mapping["decided_by"] == ("auto" if status == "approved" else None)
    assert world.get(mig)["status"] == ("approved" if status == "approved" else "plan_ready")


def test_the_documented_quick_start(world: World, engine: ScriptedEngine) -> None:
    engine.confidences = (0.99, 0.85, 0.6, 0.92)
    mig = world.planned()
    refused = world.post(mig, "start").json()["error"]
    assert refused["code"] == "approval_required"
    assert refused["details"]["pending_mappings"] == 1
    plan = world.client.get(f"/v1/migrations/{mig}/plan").json()
    assert plan["status"] == "ready"
    assert plan["summary"] == {
        "tables": 2,
        "columns": 4,
        "relationships": 1,
        "transformations": 0,
        "estimated_duration_seconds": 1.0,
        "estimated_records": 300,
    }
    for mapping in plan["mappings"]:
        if mapping["confidence"] < 0.9:
            path = f"/v1/migrations/{mig}/plan/mappings/{mapping['id']}/approve"
            decided = world.client.post(path, json={"approved": True, "comment": "fine"}).json()
            assert (decided["status"], decided["comment"]) == ("approved", "fine")
    started = world.post(mig, "start")
    assert started.status_code == 202
    # What nobody decided was taken as proposed, by who started.
    last = world.client.get(f"/v1/migrations/{mig}/mappings/{plan['mappings'][3]['id']}").json()
    assert (last["status"], last["decided_by"]) == ("approved", world.get(mig)["created_by"])
    world.wait_for(mig, "completed")


def test_a_start_that_skips_the_approval_is_audited(world: World, engine: ScriptedEngine) -> None:
    engine.confidences = (0.99, 0.5)
    mig = world.planned()
    assert world.post(mig, "start", skip_approval=True).status_code == 202
    undecided = world.client.get(f"/v1/migrations/{mig}/mappings").json()["data"][1]["id"]
    records = world.client.get("/v1/audit-logs", params={"action": "migrations.start"}).json()["data"]
    assert records[0]["details"] == {"skip_approval": True, "undecided_mappings": [undecided]}
    world.wait_for(mig, "completed")


def test_a_rejected_column_is_left_out(world: World, engine: ScriptedEngine) -> None:
    engine.confidences = (0.99, 0.5)
    mig = world.planned()
    second = world.client.get(f"/v1/migrations/{mig}/mappings").json()["data"][1]["id"]
    path = f"/v1/migrations/{mig}/plan/mappings/{second}/approve"
    assert world.client.post(path, json={"approved": False}).json()["status"] == "rejected"
    assert world.get(mig)["status"] == "approved"
    world.post(mig, "start")
    world.wait_for(mig, "completed")
    assert [mapping.rejected for mapping in engine.jobs[0].mappings] == [False, True]


def test_mappings_change_in_bulk_item_by_item(world: World, engine: ScriptedEngine) -> None:
    engine.confidences = (0.5, 0.5, 0.5)
    mig = world.planned()
    ids = [m["id"] for m in world.client.get(f"/v1/migrations/{mig}/mappings").json()["data"]]
    updates = [
        {"id": ids[0], "approved": True},
        {"id": "map_unknown", "approved": True},
        {"id": ids[1], "status": "rejected"},
        {"id": ids[2], "transformation": "c2 + 1", "target": {"table": "items", "column": "renamed"}},
        {"id": ids[2], "target": {"table": "elsewhere", "column": "x"}},
    ]
    result = world.client.patch(f"/v1/migrations/{mig}/mappings/bulk", json={"updates": updates}).json()
    assert result["summary"] == {"total": 5, "succeeded": 3, "failed": 2}
    assert [item["success"] for item in result["results"]] == [True, False, True, True, False]
    assert result["results"][1]["error"]["code"] == "mapping_not_found"
    changed = result["results"][3]["mapping"]
    assert (changed["transformation"], changed["transformation_type"]) == ("c2 + 1", "custom")
    assert (changed["target"]["column"], changed["status"]) == ("renamed", "pending_review")
    assert world.get(mig)["status"] == "plan_ready"
    one = world.client.patch(f"/v1/migrations/{mig}/mappings/{ids[2]}", json={"transformation": None, "approved": True})
    assert one.json()["transformation"] is None
    assert world.get(mig)["status"] == "approved"


def test_mappings_can_be_filtered(world: World, engine: ScriptedEngine) -> None:
    engine.confidences = (0.99, 0.85, 0.5)
    mig = world.planned()

    def found(**params: Any) -> list[float]:
        data = world.client.get(f"/v1/migrations/{mig}/mappings", params=params).json()["data"]
        return [mapping["confidence"] for mapping in data]

    assert found() == [0.99, 0.85, 0.5]
    assert found(status="pending_review") == [0.85, 0.5]
    assert found(min_confidence=0.85) == [0.99, 0.85]
    assert found(max_confidence=0.84) == [0.5]
    assert found(table="items", limit=1, offset=1) == [0.85]
    assert found(table="nothing") == []


def test_a_dry_run_checks_and_changes_nothing(world: World, engine: ScriptedEngine) -> None:
    mig = world.planned()
    before = world.get(mig)
    answer = world.post(mig, "start", dry_run=True)
    assert (answer.status_code, answer.json()["dry_run"], answer.json()["started_at"]) == (200, True, None)
    assert world.get(mig) == before
    engine.failures["target"] = EndpointError("no answer from the target")
    assert world.post(mig, "start", dry_run=True).json()["error"]["code"] == "target_unreachable"


UNREACHABLE = [
    ("source", "E1001", 502, "source_unreachable"),
    ("target", "E1002", 502, "target_unreachable"),
    ("source", "E1004", 504, "upstream_timeout"),
]


@pytest.mark.parametrize(("side", "reason", "status", "code"), UNREACHABLE)
def test_a_start_needs_both_ends(
    world: World, engine: ScriptedEngine, side: str, reason: str, status: int, code: str
) -> None:
    mig = world.planned()
    engine.failures[side] = EndpointError("it does not answer", reason_code=reason)
    error = world.post(mig, "start")
    assert (error.status_code, error.json()["error"]["code"]) == (status, code)
    assert error.json()["error"]["details"]["reason_code"] == reason
    assert world.get(mig)["status"] == "approved"


FAILED_PLANS = [
    (PlanningError("nothing is selected"), "plan_failed", "E2004"),
    (EndpointError("refused", reason_code="E1002"), "target_unreachable", "E1002"),
]


@pytest.mark.parametrize(("raised", "code", "reason"), FAILED_PLANS)
def test_a_plan_that_cannot_be_made(
    world: World, engine: ScriptedEngine, raised: Exception, code: str, reason: str
) -> None:
    engine.failures["planning"] = raised
    mig = world.create()
    shown = world.wait_for(mig, "failed")
    assert (shown["error"]["code"], shown["error"]["reason_code"]) == (code, reason)
    assert _phases(shown)["planning"] == "failed"
    plan = world.client.get(f"/v1/migrations/{mig}/plan").json()
    assert (plan["status"], plan["error"]["code"], plan["mappings"]) == ("failed", code, [])


def test_reads_while_the_plan_is_being_made(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("planning")
    mig = world.create()
    assert engine.arrived.wait(10)
    plan = world.client.get(f"/v1/migrations/{mig}/plan").json()
    assert (plan["status"], plan["summary"], plan["mappings"]) == ("generating", None, [])
    assert world.client.get(f"/v1/migrations/{mig}/mappings").json()["data"] == []
    refused = world.client.get(f"/v1/migrations/{mig}/schema/source")
    assert refused.json()["error"]["code"] == "plan_not_ready"
    assert world.post(mig, "start").json()["error"]["code"] == "plan_not_ready"
    assert world.post(mig, "cancel").status_code == 200
    engine.go_on.set()
    assert world.get(mig)["status"] == "cancelled", "the plan is not wanted any more"


FAILURES = [
    ("schema_migration", ExecutionError("no room"), "failed", "execution_failed"),
    ("data_transfer", DataError("too many"), "failed", "error_limit_exceeded"),
    ("cutover", ValueError("a mistake in the engine: hunter2"), "failed", "internal_error"),
]


@pytest.mark.parametrize(("phase", "raised", "status", "code"), FAILURES)
def test_a_phase_that_cannot_go_on(
    world: World, engine: ScriptedEngine, phase: str, raised: Exception, status: str, code: str
) -> None:
    engine.failures[phase] = raised
    mig = world.planned()
    world.post(mig, "start")
    shown = world.wait_for(mig, status)
    assert shown["error"]["code"] == code
    assert _phases(shown)[phase] == "failed"
    assert "hunter2" not in world.client.get(f"/v1/migrations/{mig}/logs").text


def test_an_end_that_stays_away_pauses_and_resume_goes_on(world: World, engine: ScriptedEngine) -> None:
    engine.failures["data_transfer"] = EndpointError("gone")
    mig = world.planned()
    world.post(mig, "start")
    assert world.wait_for(mig, "paused")["error"] is None
    engine.failures.clear()
    assert world.post(mig, "resume").status_code == 202
    world.wait_for(mig, "completed")
    assert engine.phases_run == ["schema_migration", "data_transfer", "data_transfer", "cutover"]


def test_a_failed_validation_fails_the_migration(world: World, engine: ScriptedEngine) -> None:
    engine.result = "failed"
    mig = world.planned()
    world.post(mig, "start")
    shown = world.wait_for(mig, "failed")
    assert (shown["error"]["code"], shown["error"]["reason_code"]) == ("validation_failed", "E4008")
    assert "cutover" not in engine.phases_run


def test_pause_and_resume(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned()
    world.post(mig, "start")
    assert engine.arrived.wait(10)
    pausing = world.post(mig, "pause", reason="lunch")
    assert (pausing.status_code, pausing.json()["status"]) == (202, "pausing")
    shown = world.wait_for(mig, "paused")
    assert shown["timing"]["paused_at"] is not None
    engine.hold_in.clear()
    resumed = world.post(mig, "resume").json()
    assert resumed["resumed_from_checkpoint"] is not None
    world.wait_for(mig, "completed")


def test_cancel_takes_back_what_was_written(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned()
    world.post(mig, "start")
    assert engine.arrived.wait(10)
    answer = world.post(mig, "cancel", reason="no more")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")
    assert answer.json()["rollback_status"] == "initiated"
    world.wait_for(mig, "cancelled")
    report = world.client.get(f"/v1/migrations/{mig}/rollback/status").json()
    assert (report["rollback_status"], report["strategy_used"]) == ("completed", "truncate")
    assert engine.rollbacks == [None]
    again = world.post(mig, "rollback", strategy="truncate").json()["error"]
    assert again["code"] == "rollback_not_available"


def test_cancel_without_rollback_leaves_what_is_there(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned()
    world.post(mig, "start")
    assert engine.arrived.wait(10)
    world.post(mig, "cancel", rollback=False, force=True)
    assert world.wait_for(mig, "cancelled")["rollback_status"] == "none"
    assert engine.rollbacks == []
    assert world.post(mig, "rollback", strategy="truncate").status_code == 202
    world.wait_for(mig, "rolled_back")


def test_cancel_cannot_undo_what_was_not_prepared(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned(options={"generate_rollback": False})
    world.post(mig, "start")
    assert engine.arrived.wait(10)
    assert world.post(mig, "cancel", rollback=True).json()["error"]["code"] == "rollback_not_available"
    assert world.get(mig)["status"] == "running"
    world.post(mig, "cancel")
    assert world.wait_for(mig, "cancelled")["rollback_status"] == "none"


def test_a_rollback_that_fails(world: World, engine: ScriptedEngine) -> None:
    mig = world.completed()
    engine.failures["rollback"] = ExecutionError("the target is locked", reason_code="E5006")
    world.post(mig, "rollback", strategy="truncate")
    shown = world.wait_for(mig, "failed")
    assert shown["error"]["code"] == "rollback_failed"
    report = world.client.get(f"/v1/migrations/{mig}/rollback/status").json()
    assert (report["rollback_status"], report["error"]["reason_code"]) == ("failed", "E5006")


def test_a_rollback_of_tables_ends_paused_and_resume_transfers_them_again(world: World, engine: ScriptedEngine) -> None:
    mig = world.completed()
    answer = world.post(mig, "rollback", strategy="truncate", scope="tables", tables=["items"])
    assert answer.json()["strategy"] == "truncate"
    shown = world.wait_for(mig, "paused")
    assert engine.rollbacks == [frozenset({"items"})]
    assert _phases(shown)["data_transfer"] == "pending"
    assert shown["metrics"]["records_processed"] == 0
    world.post(mig, "resume")
    assert world.wait_for(mig, "completed")["metrics"]["records_processed"] == 300
    unknown = world.post(mig, "rollback", strategy="truncate", scope="tables", tables=["nothing"])
    assert unknown.json()["error"]["details"]["field"] == "tables.0"


def test_restore_goes_back_and_resume_goes_on(world: World, engine: ScriptedEngine) -> None:
    engine.failures["cutover"] = ExecutionError("an index cannot be made")
    mig = world.planned()
    world.post(mig, "start")
    world.wait_for(mig, "failed")
    checkpoints = world.client.get(f"/v1/migrations/{mig}/checkpoints").json()["data"]
    boundary = next(c for c in checkpoints if c["phase_name"] == "schema_migration")
    answer = world.post(mig, "restore", checkpoint_id=boundary["id"])
    assert (answer.status_code, answer.json()["status"], answer.json()["warnings"]) == (202, "paused", [])
    shown = world.get(mig)
    assert shown["error"] is None
    assert _phases(shown)["data_transfer"] == "pending"
    assert world.post(mig, "restore", checkpoint_id="chk_none").json()["error"]["code"] == "checkpoint_not_found"
    engine.failures.clear()
    world.post(mig, "resume")
    world.wait_for(mig, "completed")
    assert engine.phases_run.count("data_transfer") == 2


def test_a_checkpoint_by_hand(world: World) -> None:
    mig = world.planned()
    world.put_into(mig, "paused", phase="data_transfer", state={"tables": {"items": {"rows_done": 7}}})
    made = world.post(mig, "checkpoints", reason="before lunch")
    assert made.status_code == 201
    assert (made.json()["type"], made.json()["records_completed"]) == ("manual", 7)
    assert (made.json()["phase"], made.json()["phase_name"]) == (3, "data_transfer")
    assert world.client.get(f"/v1/migrations/{mig}/checkpoints").json()["data"][0]["reason"] == "before lunch"


def test_starting_from_a_later_phase_marks_the_ones_before_skipped(
    world: World, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mig = world.planned()
    plan = engine.make_plan(None, None, None, None, None)  # type: ignore[arg-type]
    monkeypatch.setattr("sensei.server.connections.gateway.read_catalog", lambda _: plan.source)
    world.post(mig, "start", start_from_phase="data_transfer")
    shown = world.wait_for(mig, "completed")
    assert _phases(shown)["schema_migration"] == "skipped"
    assert engine.phases_run == ["data_transfer", "cutover"]


def test_a_later_phase_needs_its_ground(world: World, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    mig = world.planned()
    empty = replace(engine.make_plan(None, None, None, None, None).source, tables=())  # type: ignore[arg-type]
    monkeypatch.setattr("sensei.server.connections.gateway.read_catalog", lambda _: empty)
    refused = world.post(mig, "start", start_from_phase="data_transfer")
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (422, "start_from_phase")
    assert world.get(mig)["status"] == "approved"


def test_data_errors_are_kept_and_decided_on(world: World, engine: ScriptedEngine) -> None:
    engine.errors = (error_record(), error_record(status="recovered", type="encoding_mismatch", column="c0"))
    mig = world.completed()
    listed = world.client.get(f"/v1/migrations/{mig}/errors").json()["data"]
    assert {error["status"] for error in listed} == {"escalated", "recovered"}
    one = world.client.get(f"/v1/migrations/{mig}/errors", params={"status": "escalated"}).json()["data"][0]
    assert (one["error"]["record_id"], one["impact"]["downstream_tables"]) == (7, ["notes"])
    assert world.get(mig)["metrics"]["errors_escalated"] == 3
    resolved = world.post(mig, f"errors/{one['id']}/resolve", resolution={"type": "apply_default", "default_value": 0})
    assert resolved.json()["resolution"]["type"] == "default"
    assert resolved.json()["resolution"]["default_value"] == 0
    again = world.post(mig, f"errors/{one['id']}/resolve", resolution="skip").json()["error"]
    assert (again["code"], again["details"]["current_status"]) == ("invalid_state", "resolved")


def test_errors_are_resolved_in_bulk(world: World) -> None:
    mig = world.planned()
    world.put_into(mig, "paused")
    ids = [world.add_error(mig), world.add_error(mig, status="resolved"), "err_none"]
    result = world.post(mig, "errors/bulk-resolve", error_ids=ids, resolution="skip", reason="obsolete").json()
    assert result["summary"] == {"total": 3, "succeeded": 1, "failed": 2}
    assert result["results"][0]["migration_error"]["resolution"]["reason"] == "obsolete"
    assert [item["error"]["code"] for item in result["results"][1:]] == ["invalid_state", "error_not_found"]


def test_as_many_run_at_a_time_as_the_plan_allows(world: World) -> None:
    others = [world.planned() for _ in range(10)]
    for other in others:
        world.put_into(other, "validating")
    mig = world.planned()
    error = world.post(mig, "start").json()["error"]
    assert error["code"] == "concurrent_limit_exceeded"
    assert (error["details"]["current_running"], error["details"]["limit"]) == (10, 10)
    world.put_into(others[0], "paused")
    world.let_go(others[0])
    assert world.post(mig, "start").status_code == 202


def test_deleting_removes_what_belongs_to_it(world: World) -> None:
    mig = world.completed()
    answer = world.client.delete(f"/v1/migrations/{mig}", params={"keep_metrics": "false"}).json()
    assert answer == {"id": mig, "deleted": True, "logs_retained": True, "metrics_retained": False}
    for path in ("", "/plan", "/mappings", "/events", "/logs", "/errors", "/checkpoints"):
        assert world.client.get(f"/v1/migrations/{mig}{path}").json()["error"]["code"] == "migration_not_found"
    assert world.client.delete(f"/v1/connections/{world.source}").status_code == 204


def test_a_connection_in_use_stays(world: World) -> None:
    mig = world.planned()
    used = world.client.delete(f"/v1/connections/{world.source}").json()["error"]
    assert (used["code"], used["details"]["migration_id"]) == ("connection_in_use", mig)
    world.put_into(mig, "running")
    config = {"config": {"path": "/elsewhere.db"}}
    assert world.client.patch(f"/v1/connections/{world.source}", json=config).status_code == 409
    assert world.client.patch(f"/v1/connections/{world.source}", json={"name": "n"}).status_code == 200


def test_changing_a_migration(world: World) -> None:
    mig = world.planned(description="d")
    change = {"name": "n", "description": None, "options": {"parallelism": 2}, "strategy": "speed"}
    shown = world.client.patch(f"/v1/migrations/{mig}", json=change).json()
    assert (shown["name"], shown["description"], shown["options"]["parallelism"]) == ("n", None, 2)
    refused = world.client.patch(f"/v1/migrations/{mig}", json={"options": {"auto_approve_above": 0.5}}).json()
    assert refused["error"]["details"]["reason"] == "immutable"
    refused = world.client.patch(f"/v1/migrations/{mig}", json={"source": {"connection_id": "x"}}).json()
    assert (refused["error"]["details"]["field"], refused["error"]["details"]["reason"]) == ("source", "immutable")


def test_lists_are_filtered_and_sorted(world: World) -> None:
    for name in ("b", "a", "c"):
        world.planned(name=name)

    def names(**params: Any) -> list[str]:
        return [m["name"] for m in world.client.get("/v1/migrations", params=params).json()["data"]]

    assert names() == ["c", "a", "b"]
    assert names(sort="name") == ["a", "b", "c"]
    assert names(sort="name", order="desc", limit=1) == ["c"]
    assert set(names(sort="started_at")) == {"a", "b", "c"}
    assert names(status="completed") == []
    assert names(source_id=world.source, target_id=world.target, order="asc") == ["b", "a", "c"]
    assert names(source_id="conn_none") == []
    assert names(created_after="2000-01-01") == ["c", "a", "b"]
    assert names(created_before="2000-01-01T00:00:00Z") == []
    page = world.client.get("/v1/migrations", params={"limit": 2, "offset": 2}).json()["pagination"]
    assert page == {"total": 3, "limit": 2, "offset": 2, "has_more": False}


def test_the_status_report_and_the_figures(world: World, engine: ScriptedEngine) -> None:
    engine.errors = (error_record(), error_record(status="recovered"))
    mig = world.completed()
    report = world.client.get(f"/v1/migrations/{mig}/status").json()
    assert report["phase"] == {"current": 5, "total": 5, "name": "cutover"}
    assert report["progress"]["percent"] == 100
    assert report["errors"] == {"total": 6, "recovered": 3, "escalated": 3, "recovery_rate": 0.5}
    figures = world.client.get(f"/v1/migrations/{mig}/metrics").json()
    assert figures["throughput"]["peak_records_per_second"] == 1000
    assert figures["quality"]["recovery_success_rate_percent"] == 50
    assert [(t["table"], t["status"], t["records_processed"]) for t in figures["by_table"]] == [
        ("items", "completed", 300),
        ("notes", "pending", 0),
    ]
