"""Validations, reports, rules and certificates over HTTP; the engine says what the test wants."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sensei.server.clock import ControllableClock
from sensei.server.crypto import attestation, signing_keys
from sensei.server.engine.errors import EndpointError
from sensei.server.engine.job import Control, Journal, Progress, Wanted
from sensei.server.engine.validation import ValidationStopped
from sensei.server.engine.validation.types import (
    PERSPECTIVES,
    Artifact,
    Issue,
    PerspectiveResult,
    RuleResult,
    ValidationJob,
    ValidationOutcome,
)
from sensei.server.migrations.state_machine import STATUSES
from sensei.server.runtime import ensure_api_key
from sensei.server.serve import ServerThread
from sensei.server.settings import Quotas
from sensei.server.store.migration_tables import Migration
from sensei.server.store.validation_tables import Validation
from tests.server.waiting import wait_until
from tests.server.world import World
from tests.support.contract import ContractClient
from tests.support.receiver import running_receiver

Call = Callable[[str | None], ContractClient]
YEAR = 365 * 24 * 3600
DIGEST = "sha256:" + "ab" * 32
ARTIFACTS = ("schema_snapshot", "query_corpus", "source_results", "target_results", "comparison")
ISSUE = Issue(
    code="E4001",
    severity="critical",
    message="row counts differ",
    perspective="statistical",
    table="items",
    expected=2**60,
    actual=Decimal("1.50"),
    affected_records=2,
    classification="migration_defect",
    details={"keys": [1, 2], "raw": b"\x00\xff", "at": date(2026, 2, 2)},
)


def _passed(name: str) -> PerspectiveResult:
    return PerspectiveResult(
        name=name,
        status="passed",
        score=1.0,
        issues=(),
        duration_seconds=0.25,
        figures={"queries_replayed": 12} if name == "behavioral" else {},
    )


class Engine:
    """What `validate` does next; keeps what it was asked."""

    def __init__(self) -> None:
        self.jobs: list[ValidationJob] = []
        self.change: Callable[[ValidationOutcome], ValidationOutcome] = lambda outcome: outcome
        self.failure: Exception | None = None
        self.journal: Journal
        self.at_perspective: Callable[[str, Sequence[PerspectiveResult]], None]
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def validate(
        self,
        job: ValidationJob,
        journal: Journal,
        control: Control,
        at_perspective: Callable[[str, Sequence[PerspectiveResult]], None],
    ) -> ValidationOutcome:
        self.jobs.append(job)
        self.journal = journal
        self.at_perspective = at_perspective
        self.arrived.set()
        while not self.go_on.wait(0.02):
            if control.wanted() is not Wanted.RUN:
                stopped = ValidationStopped("stopped in the middle")
                stopped.finished = (_passed("structural"),)
                raise stopped
        if self.failure is not None:
            raise self.failure
        return self.change(
            ValidationOutcome(
                overall_result="passed",
                confidence_score=0.987,
                perspectives=tuple(_passed(name) for name in job.perspectives),
                rules=tuple(
                    RuleResult(
                        rule_id=rule.id,
                        name=rule.name,
                        passed=True,
                        severity=rule.severity,
                        expected=rule.expected,
                        actual=rule.expected,
                    )
                    for rule in job.rules
                ),
                profiles=(),
                artifacts=tuple(Artifact(name=name, digest=DIGEST) for name in ARTIFACTS),
                findings={"pass": 12, "info": 0, "warning": 0, "failure": 0},
            )
        )


@pytest.fixture
def validator(world: World, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine's part in validations; the migrations themselves run with the scripted engine."""
    scripted = Engine()
    monkeypatch.setattr("sensei.server.engine.validation.validate", scripted.validate)
    return scripted


@pytest.fixture
def migration(validator: Engine, world: World) -> str:
    """A completed migration."""
    return world.completed()


def _validate(client: ContractClient, migration: str, **members: Any) -> str:
    answer = client.post("/v1/validations", json={"migration_id": migration, **members})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/validations/{answer.json()['id']}"
    return str(answer.json()["id"])


def _finished(client: ContractClient, validation_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(f"/v1/validations/{validation_id}").json()
        if found["status"] not in ("pending", "running"):
            return found
        time.sleep(0.02)
    raise AssertionError("the validation does not end")


def _failing(outcome: ValidationOutcome) -> ValidationOutcome:
    bad = tuple(
        replace(p, status="failed", score=0.5, issues=(ISSUE,)) if p.name == "statistical" else p
        for p in outcome.perspectives
    )
    return replace(outcome, overall_result="failed", perspectives=bad)


# --- running


@pytest.mark.parametrize(
    ("members", "perspectives"),
    [
        ({}, ["structural", "statistical", "referential"]),
        ({"type": "quick"}, ["structural", "statistical"]),
        ({"type": "full"}, list(PERSPECTIVES)),
        ({"type": "behavioral_only"}, ["behavioral"]),
        ({"type": "quick", "options": {"semantic": True}}, ["structural", "statistical", "semantic"]),
        ({"type": "full", "options": {"structural": False, "time_travel_checkpoints": 7}}, list(PERSPECTIVES[1:])),
    ],
)
def test_type_and_options_decide_what_is_looked_at(
    admin: ContractClient, validator: Engine, migration: str, members: dict[str, Any], perspectives: list[str]
) -> None:
    found = _finished(admin, _validate(admin, migration, **members))
    assert (found["status"], found["overall_result"]) == ("completed", "passed")
    assert list(found["results"]) == perspectives
    asked = validator.jobs[-1]
    assert list(asked.perspectives) == perspectives
    assert asked.sampled is (members.get("type") == "quick")
    assert asked.time_travel_checkpoints == members.get("options", {}).get("time_travel_checkpoints", 5)
    assert asked.before_cutover is False


def test_the_phase_of_a_migration_is_a_validation_too(
    admin: ContractClient, world: World, validator: Engine, migration: str
) -> None:
    phase_id = world.get(migration)["validation_id"]
    found = admin.get(f"/v1/validations/{phase_id}").json()
    assert (found["status"], found["type"], found["migration_id"]) == ("completed", "standard", migration)
    assert validator.jobs[0].before_cutover is True
    listed = admin.get("/v1/validations", params={"migration_id": migration}).json()["data"]
    assert [v["id"] for v in listed] == [phase_id]


def test_a_failed_validation_phase_fails_the_migration(world: World, validator: Engine) -> None:
    validator.change = _failing
    made = world.planned()
    world.post(made, "start", skip_approval=True)
    failed = world.wait_for(made, "failed")
    assert failed["error"]["code"] == "validation_failed"
    assert failed["error"]["details"]["validation_id"] == failed["validation_id"]


def test_left_out_rows_are_told_to_the_engine(
    server: ServerThread, admin: ContractClient, validator: Engine, migration: str
) -> None:
    with server.runtime.store.write() as session:
        row = session.get_one(Migration, migration)
        row.state = {"tables": {"items": {"errors": 3}, "notes": {"errors": 0}}}
    _finished(admin, _validate(admin, migration))
    assert validator.jobs[-1].skipped_rows == {"items": 3}


def test_what_is_wrong_is_shown_without_row_level_details(
    admin: ContractClient, validator: Engine, migration: str
) -> None:
    validator.change = _failing
    found = _finished(admin, _validate(admin, migration))
    assert found["overall_result"] == "failed"
    (issue,) = found["results"]["statistical"]["issues"]
    assert issue["message"] == "row counts differ"
    assert (issue["expected"], issue["actual"]) == (str(2**60), "1.50")
    assert "details" not in issue


def test_only_a_completed_migration_can_be_validated(admin: ContractClient, world: World, validator: Engine) -> None:
    planned = world.planned()
    for status in STATUSES:
        world.put_into(planned, status)
        answer = admin.post("/v1/validations", json={"migration_id": planned})
        assert answer.status_code == (201 if status == "completed" else 409), status
        if status != "completed":
            assert answer.json()["error"]["details"]["current_status"] == status


BAD_VALIDATIONS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "migration_id", "required"),
    ({"type": "deep"}, "type", "enum"),
    ({"options": {"time_travel_checkpoints": 0}}, "options.time_travel_checkpoints", "minimum"),
    ({"options": {"time_travel_checkpoints": 101}}, "options.time_travel_checkpoints", "maximum"),
    ({"options": {"semantics": True}}, "options.semantics", "unknown_member"),
    ({"options": {"semantic": None}}, "options.semantic", "type"),
    ({"type": "behavioral_only", "options": {"behavioral": False}}, "options", "required"),
    ({"mode": "x"}, "mode", "unknown_member"),
]


def test_bad_validations_are_refused(admin: ContractClient, migration: str) -> None:
    for body, field, reason in BAD_VALIDATIONS:
        sent = {"migration_id": migration, **body} if field != "migration_id" else body
        answer = admin.post("/v1/validations", json=sent)
        assert answer.status_code == 422, body
        details = answer.json()["error"]["details"]
        assert (details["field"], details["reason"]) == (field, reason)


def test_unknown_or_foreign_ids_are_404(
    server: ServerThread, admin: ContractClient, calling: Call, migration: str
) -> None:
    ensure_api_key(server.runtime, "sk_live_0123456789abcdef")
    production = calling("sk_live_0123456789abcdef")
    made = _validate(admin, migration)
    _finished(admin, made)
    for client, path in ((admin, "/v1/validations/val_none"), (production, f"/v1/validations/{made}")):
        for tail in ("", "/report", "/certificate"):
            assert client.get(path + tail).json()["error"]["code"] == "validation_not_found"
        assert client.post(path + "/cancel").json()["error"]["code"] == "validation_not_found"
    assert production.post("/v1/validations", json={"migration_id": migration}).status_code == 404
    assert production.get("/v1/validations").json()["data"] == []


def test_lists_are_filtered(admin: ContractClient, validator: Engine, migration: str) -> None:
    good = _validate(admin, migration)
    _finished(admin, good)
    validator.change = _failing
    bad = _validate(admin, migration)
    _finished(admin, bad)

    def ids(**query: str) -> list[str]:
        return [v["id"] for v in admin.get("/v1/validations", params=query).json()["data"]]

    assert ids()[:2] == [bad, good]
    assert ids(result="failed") == [bad]
    assert ids(status="running") == []
    assert ids(migration_id="mig_none") == []
    assert admin.get("/v1/validations", params={"result": "good"}).status_code == 422


def test_a_database_that_cannot_be_reached_fails_the_validation(
    admin: ContractClient, validator: Engine, migration: str
) -> None:
    validator.failure = EndpointError("the host does not answer", reason_code="E1004")
    found = _finished(admin, _validate(admin, migration))
    assert (found["status"], found["overall_result"]) == ("failed", None)
    assert found["error"]["code"] == "connection_unreachable"
    assert (found["error"]["reason_code"], found["error"]["message"]) == ("E1004", "the host does not answer")


def test_an_unforeseen_fault_fails_the_validation_without_showing_itself(
    admin: ContractClient, validator: Engine, migration: str
) -> None:
    validator.failure = RuntimeError("password=hunter2")
    found = _finished(admin, _validate(admin, migration))
    assert found["error"]["code"] == "internal_error"
    assert "hunter2" not in json.dumps(found)


def test_a_running_validation_is_cancelled(admin: ContractClient, validator: Engine, migration: str) -> None:
    validator.arrived.clear()
    validator.go_on.clear()
    made = _validate(admin, migration)
    assert validator.arrived.wait(30)
    assert admin.get(f"/v1/validations/{made}").json()["status"] == "running"
    cancelled = admin.post(f"/v1/validations/{made}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    again = admin.post(f"/v1/validations/{made}/cancel")
    assert again.status_code == 409
    assert again.json()["error"]["details"]["current_status"] == "cancelled"
    # What was finished by then is kept.
    deadline = time.monotonic() + 30
    while list(admin.get(f"/v1/validations/{made}").json()["results"]) != ["structural"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    validator.go_on.set()
    _finished(admin, _validate(admin, migration))
    assert admin.get(f"/v1/validations/{made}").json()["status"] == "cancelled"
    assert admin.get(f"/v1/validations/{made}/report").json()["validation"]["status"] == "cancelled"


def test_a_running_validation_shows_what_is_done_and_when_it_will_end(
    admin: ContractClient, validator: Engine, migration: str
) -> None:
    validator.go_on.clear()
    validator.arrived.clear()
    made = _validate(admin, migration, type="standard")
    assert validator.arrived.wait(20)

    validator.at_perspective("structural", ())
    shown = admin.get(f"/v1/validations/{made}").json()
    assert {name: one["status"] for name, one in shown["results"].items()} == {
        "structural": "running",
        "statistical": "pending",
        "referential": "pending",
    }
    assert shown["estimated_completion"] is None

    validator.at_perspective("statistical", (_passed("structural"),))
    validator.journal.progress(Progress(phase="validation", phase_percent=50.0))
    wait_until(lambda: _tell_again(validator, admin, made))
    shown = admin.get(f"/v1/validations/{made}").json()
    assert [one["status"] for one in shown["results"].values()] == ["passed", "running", "pending"]
    assert shown["estimated_completion"] > shown["started_at"]
    assert shown["overall_result"] is None

    validator.go_on.set()
    done = _finished(admin, made)
    assert done["estimated_completion"] is None
    assert {one["status"] for one in done["results"].values()} == {"passed"}


def _tell_again(validator: Engine, client: ContractClient, made: str) -> bool:
    validator.journal.progress(Progress(phase="validation", phase_percent=50.0))
    return client.get(f"/v1/validations/{made}").json()["estimated_completion"] is not None


def test_the_validation_of_a_phase_is_cancelled_with_its_migration(
    admin: ContractClient, world: World, validator: Engine
) -> None:
    validator.go_on.clear()
    made = world.planned()
    world.post(made, "start", skip_approval=True)
    assert validator.arrived.wait(30)
    phase_id = world.get(made)["validation_id"]
    refused = admin.post(f"/v1/validations/{phase_id}/cancel")
    assert refused.status_code == 409
    world.post(made, "cancel")
    world.wait_for(made, "cancelled")
    assert _finished(admin, phase_id)["status"] == "cancelled"


def test_a_validation_begins_again_after_a_restart(
    server: ServerThread,
    start_server: Callable[..., ServerThread],
    admin: ContractClient,
    validator: Engine,
    migration: str,
) -> None:
    validator.arrived.clear()
    validator.go_on.clear()
    made = _validate(admin, migration)
    assert validator.arrived.wait(30)
    server.stop()
    validator.go_on.set()
    again = start_server(api_key=server.api_key)
    with ContractClient(again.url, server.api_key) as client:
        assert _finished(client, made)["overall_result"] == "passed"


def test_what_a_dead_process_left_is_taken_up(
    server: ServerThread, admin: ContractClient, validator: Engine, migration: str
) -> None:
    made = _validate(admin, migration)
    _finished(admin, made)
    with server.runtime.store.write() as session:
        row = session.get_one(Validation, made)
        row.status, row.owner, row.lease_until = "running", "another-machine:1:0", row.created_at
    server.runtime.validator.sweep()
    assert _finished(admin, made)["status"] == "completed"


# --- events


@pytest.mark.parametrize(
    ("change", "ends"), [(lambda outcome: outcome, "validation.completed"), (_failing, "validation.failed")]
)
def test_webhooks_are_told_of_start_end_and_certificate(
    admin: ContractClient, validator: Engine, migration: str, change: Any, ends: str
) -> None:
    validator.change = change
    with running_receiver() as receiver:
        admin.post("/v1/webhooks", json={"url": receiver.url, "events": ["validation.*", "certificate.*"]})
        made = _validate(admin, migration, type="full")
        found = _finished(admin, made)
        count = 3 if ends == "validation.completed" else 2
        got = [json.loads(r.body) for r in receiver.wait_for_count(count)]
    by_type = {event["type"]: event["data"] for event in got}
    assert set(by_type) == {"validation.started", ends} | ({"certificate.generated"} if count == 3 else set())
    assert by_type[ends]["overall_result"] == found["overall_result"]
    assert by_type[ends]["certificate_id"] == found["certificate_id"]
    if count == 3:
        assert by_type["certificate.generated"]["certificate_id"] == found["certificate_id"]


# --- reports


def test_the_report_gathers_everything(admin: ContractClient, validator: Engine, migration: str) -> None:
    rule = admin.post("/v1/validations/rules", json={"name": "r", "type": "sql", "rule": "SELECT 0", "expected": 0})
    validator.change = _failing
    made = _validate(admin, migration)
    _finished(admin, made)
    path = f"/v1/validations/{made}/report"
    report = admin.get(path).json()
    assert report["validation"]["id"] == made
    assert report["migration"]["id"] == migration
    assert [i["message"] for i in report["issues"]] == ["row counts differ"]
    assert "details" not in report["issues"][0]
    assert [r["rule_id"] for r in report["rules"]] == [rule.json()["id"]]
    detailed = admin.get(path, params={"include_details": "true"}).json()["issues"][0]["details"]
    assert detailed == {"keys": [1, 2], "raw": "AP8=", "at": "2026-02-02"}


def test_a_report_outlives_its_migration(admin: ContractClient, migration: str) -> None:
    made = _validate(admin, migration)
    _finished(admin, made)
    assert admin.delete(f"/v1/migrations/{migration}").status_code == 200
    assert admin.get(f"/v1/validations/{made}/report").json()["migration"]["id"] == migration


def test_there_is_no_report_while_it_runs(admin: ContractClient, validator: Engine, migration: str) -> None:
    validator.go_on.clear()
    made = _validate(admin, migration)
    answer = admin.get(f"/v1/validations/{made}/report")
    assert answer.status_code == 409
    assert answer.json()["error"]["details"]["current_status"] in ("pending", "running")
    validator.go_on.set()
    _finished(admin, made)
    assert admin.get(f"/v1/validations/{made}/report", params={"format": "xml"}).status_code == 422


# --- rules


def test_rules_reach_later_validations_of_their_migration(
    admin: ContractClient, world: World, validator: Engine, migration: str
) -> None:
    body = {"name": "everywhere", "type": "sql", "rule": "SELECT 1", "expected": 1, "severity": "warning"}
    everywhere = admin.post("/v1/validations/rules", json=body).json()
    here = admin.post("/v1/validations/rules", json={**body, "name": "here", "migration_id": migration}).json()
    other = world.planned()
    admin.post("/v1/validations/rules", json={**body, "name": "there", "migration_id": other})
    _finished(admin, _validate(admin, migration, type="full"))
    assert [(r.id, r.name, r.severity) for r in validator.jobs[-1].rules] == [
        (everywhere["id"], "everywhere", "warning"),
        (here["id"], "here", "warning"),
    ]
    listed = admin.get("/v1/validations/rules", params={"migration_id": migration}).json()["data"]
    assert [r["name"] for r in listed] == ["here", "everywhere"]
    assert admin.get("/v1/validations/rules").json()["pagination"]["total"] == 3
    assert admin.delete(f"/v1/validations/rules/{here['id']}").status_code == 204
    assert admin.delete(f"/v1/validations/rules/{here['id']}").json()["error"]["code"] == "rule_not_found"
    _finished(admin, _validate(admin, migration, type="full"))
    assert [r.name for r in validator.jobs[-1].rules] == ["everywhere"]


@pytest.mark.parametrize("expected", [0, -1.5, "x", True, False, None])
def test_an_expected_value_comes_back_as_it_was(lasting_admin: ContractClient, expected: Any) -> None:
    body = {"name": "r", "type": "sql", "rule": "SELECT 1", "expected": expected}
    made = lasting_admin.post("/v1/validations/rules", json=body).json()
    assert made["expected"] == expected
    assert type(made["expected"]) is type(expected)
    assert made["severity"] == "error"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"expected": ...}, "expected", "required"),
        ({"rule": ""}, "rule", "min_length"),
        ({"rule": "x" * 20_001}, "rule", "max_length"),
        ({"type": "python"}, "type", "enum"),
        ({"severity": "fatal"}, "severity", "enum"),
        ({"expected": [1]}, "expected", "type"),
        ({"table": "t"}, "table", "unknown_member"),
    ],
)
def test_bad_rules_are_refused(lasting_admin: ContractClient, change: dict[str, Any], field: str, reason: str) -> None:
    body = {"name": "r", "type": "sql", "rule": "SELECT 1", "expected": 1, **change}
    answer = lasting_admin.post("/v1/validations/rules", json={k: v for k, v in body.items() if v is not ...})
    assert answer.status_code == 422
    details = answer.json()["error"]["details"]
    assert details["field"].split(".")[0] == field
    assert details["reason"] == reason


def test_a_rule_needs_its_migration_and_the_quota(start_server: Callable[..., ServerThread]) -> None:
    server = start_server(quotas=Quotas(rules=1))
    body = {"name": "r", "type": "sql", "rule": "SELECT 1", "expected": 1}
    with ContractClient(server.url, server.api_key) as client:
        lost = client.post("/v1/validations/rules", json={**body, "migration_id": "mig_none"})
        assert lost.json()["error"]["code"] == "migration_not_found"
        assert client.post("/v1/validations/rules", json=body).status_code == 201
        assert client.post("/v1/validations/rules", json=body).json()["error"]["code"] == "quota_exceeded"


# --- certificates


def _certified(client: ContractClient, migration: str) -> dict[str, Any]:
    found = _finished(client, _validate(client, migration, type="full"))
    certificate: dict[str, Any] = client.get(f"/v1/validations/{found['id']}/certificate").json()
    assert certificate["id"] == found["certificate_id"]
    return certificate


def _verify(client: ContractClient, certificate: dict[str, Any]) -> None:
    key = next(
        k for k in client.get("/v1/certificates/keys").json()["keys"] if k["kid"] == certificate["public_key_id"]
    )
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
    signature = base64.b64decode(certificate["signature"].removeprefix("ed25519:"), validate=True)
    public.verify(signature, attestation.signed_bytes(certificate))


def test_a_full_validation_that_passed_is_certified(
    server: ServerThread, admin: ContractClient, calling: Call, migration: str, clock: ControllableClock
) -> None:
    certificate = _certified(admin, migration)
    _verify(calling(None), certificate)
    assert certificate["status"] == "valid"
    assert certificate["migration_id"] == migration
    assert certificate["attestations"] == {
        "data_integrity": True,
        "schema_equivalence": True,
        "behavioral_equivalence": True,
        "audit_trail_complete": True,
    }
    assert (certificate["confidence_score"], certificate["queries_replayed"]) == (0.987, 12)
    assert [a["name"] for a in certificate["artifacts"]] == list(ARTIFACTS)
    assert certificate["hash_chain"] == attestation.merkle_root([DIGEST] * 5)
    issued, until = (datetime.fromisoformat(certificate[name]) for name in ("issued_at", "valid_until"))
    assert (until - issued).total_seconds() == YEAR
    assert certificate["public_key_id"] == f"kora-verification-{issued.year}-Q{(issued.month + 2) // 3}"
    changed = {**certificate, "confidence_score": 1.0}
    with pytest.raises(InvalidSignature):
        _verify(admin, changed)


def test_it_is_served_byte_for_byte_in_three_places(
    server: ServerThread, admin: ContractClient, migration: str
) -> None:
    certificate = _certified(admin, migration)
    assert certificate["download_url"] == f"{server.url}/v1/certificates/{certificate['id']}/download"
    one = admin.get(f"/v1/certificates/{certificate['id']}")
    two = admin.get(certificate["download_url"])
    three = admin.get(f"/v1/validations/{certificate['validation_id']}/certificate")
    assert one.content == two.content == three.content
    assert two.headers["Content-Disposition"] == f'attachment; filename="{certificate["id"]}.json"'


def _warned(outcome: ValidationOutcome) -> ValidationOutcome:
    some = replace(outcome.perspectives[0], status="passed_with_warnings")
    return replace(
        outcome,
        overall_result="passed_with_warnings",
        perspectives=(some, *outcome.perspectives[1:]),
        exceptions=({"description": "a float's last bit", "severity": "warning"},),
    )


def test_accepted_deviations_are_named_in_the_certificate(
    admin: ContractClient, validator: Engine, migration: str
) -> None:
    validator.change = _warned
    certificate = _certified(admin, migration)
    _verify(admin, certificate)
    assert certificate["exceptions"] == [{"description": "a float's last bit", "severity": "warning"}]


def _partial(outcome: ValidationOutcome) -> ValidationOutcome:
    some = replace(outcome.perspectives[0], status="partial")
    return replace(outcome, overall_result="partial", perspectives=(some, *outcome.perspectives[1:]))


def _skipped(outcome: ValidationOutcome) -> ValidationOutcome:
    some = replace(outcome.perspectives[-1], status="skipped")
    return replace(outcome, perspectives=(*outcome.perspectives[:-1], some))


@pytest.mark.parametrize(
    ("type_", "change", "reason"),
    [
        ("full", _failing, "validation_not_passed"),
        ("full", _partial, "validation_not_passed"),
        ("full", _skipped, "perspectives_missing"),
        ("standard", lambda outcome: outcome, "perspectives_missing"),
    ],
)
def test_there_is_no_certificate_otherwise_and_the_answer_says_why(
    admin: ContractClient, validator: Engine, migration: str, type_: str, change: Any, reason: str
) -> None:
    validator.change = change
    found = _finished(admin, _validate(admin, migration, type=type_))
    assert found["certificate_id"] is None
    answer = admin.get(f"/v1/validations/{found['id']}/certificate")
    assert answer.json()["error"]["code"] == "certificate_not_found"
    assert answer.json()["error"]["details"]["reason"] == reason


def test_there_is_none_while_the_validation_runs(admin: ContractClient, validator: Engine, migration: str) -> None:
    validator.go_on.clear()
    made = _validate(admin, migration, type="full")
    answer = admin.get(f"/v1/validations/{made}/certificate")
    assert answer.json()["error"]["details"]["reason"] == "validation_unfinished"


def test_a_certificate_outlives_its_migration(admin: ContractClient, migration: str) -> None:
    certificate = _certified(admin, migration)
    admin.delete(f"/v1/migrations/{migration}")
    assert admin.get(f"/v1/certificates/{certificate['id']}").json() == certificate


def test_after_a_year_it_is_expired_and_signed_anew(
    admin: ContractClient, migration: str, clock: ControllableClock
) -> None:
    certificate = _certified(admin, migration)
    first_key = certificate["public_key_id"]
    clock.advance(YEAR - 60)
    assert admin.get(f"/v1/certificates/{certificate['id']}").json()["status"] == "valid"
    assert first_key in {k["kid"] for k in admin.get("/v1/certificates/keys").json()["keys"]}
    clock.advance(60)
    expired = admin.get(f"/v1/certificates/{certificate['id']}").json()
    assert expired["status"] == "expired"
    _verify(admin, expired)
    assert expired["public_key_id"] != first_key
    assert first_key not in {k["kid"] for k in admin.get("/v1/certificates/keys").json()["keys"]}


def test_a_replaced_key_stays_listed_while_certificates_need_it(
    server: ServerThread, admin: ContractClient, migration: str
) -> None:
    old = _certified(admin, migration)
    with server.runtime.store.write() as session:
        fresh = signing_keys.replace(
            session, server.runtime.store.vault, signing_keys.CERTIFICATES, server.runtime.settings.clock.now()
        )
    assert fresh.kid == old["public_key_id"] + "-2"
    listed = [k["kid"] for k in admin.get("/v1/certificates/keys").json()["keys"]]
    assert listed == [fresh.kid, old["public_key_id"]]
    _verify(admin, old)
    assert _certified(admin, migration)["public_key_id"] == fresh.kid


def test_what_was_undone_is_revoked_and_signed_anew(admin: ContractClient, world: World, migration: str) -> None:
    certificate = _certified(admin, migration)
    assert world.post(migration, "rollback", strategy="truncate").status_code == 202
    world.wait_for(migration, "rolled_back")
    revoked = admin.get(f"/v1/certificates/{certificate['id']}").json()
    assert revoked["status"] == "revoked"
    _verify(admin, revoked)


def test_the_keys_are_open_to_everybody_and_cacheable(server: ServerThread, calling: Call) -> None:
    answer = calling(None).get("/v1/certificates/keys")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert [k["kid"] for k in calling("nonsense").get("/v1/certificates/keys").json()["keys"]] == [
        k["kid"] for k in answer.json()["keys"]
    ]


def test_private_keys_are_not_readable_in_the_state(server: ServerThread, admin: ContractClient, tmp_path: Any) -> None:
    admin.get("/v1/certificates/keys")
    with server.runtime.store.read() as session:
        pair = signing_keys.current(
            session, server.runtime.store.vault, signing_keys.CERTIFICATES, server.runtime.settings.clock.now()
        )
    raw = pair.private.private_bytes_raw()
    stored = (tmp_path / "state.db").read_bytes() + (tmp_path / "state.db-wal").read_bytes()
    for form in (raw, base64.b64encode(raw), raw.hex().encode()):
        assert form not in stored
    assert pair.kid.encode() in stored
    assert "private" not in repr(pair)
