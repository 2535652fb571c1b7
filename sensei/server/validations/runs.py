"""Validations: made, run, ended. The migration's own validation phase and validations asked for later share this.

Who runs one calls `create`, then `run_validation` with the engine's job. A process that dies while it runs leaves
the row `running`; whoever takes it up calls `run_validation` again, and the validation starts from the beginning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from sensei.server import leases
from sensei.server.engine.errors import EndpointError, EngineError
from sensei.server.engine.job import Control, Job, Journal, Wanted
from sensei.server.engine.validation.types import (
    PERSPECTIVES,
    PerspectiveResult,
    Rule,
    ValidationJob,
    ValidationOutcome,
)
from sensei.server.errors import ApiError
from sensei.server.ids import new_id
from sensei.server.migrations import answers
from sensei.server.notifications import queue as notifications
from sensei.server.schemas.base import wire_time
from sensei.server.store.migration_tables import EventRow, Migration
from sensei.server.store.validation_tables import Validation, ValidationRule
from sensei.server.validations import certificates, serialization
from sensei.server.validations.progress import ProgressJournal, partial_results
from sensei.server.webhooks import outbox

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime

log: logging.Logger = logging.getLogger("sensei.server")

BY_TYPE: dict[str, tuple[str, ...]] = {
    "quick": ("structural", "statistical"),
    "standard": ("structural", "statistical", "referential"),
    "full": PERSPECTIVES,
    "behavioral_only": ("behavioral",),
}
UNFINISHED = ("pending", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationWork:
    """What the engine needs to run a validation of one migration."""

    job: Job
    before_cutover: bool = False
    skipped_rows: dict[str, int] = field(default_factory=dict[str, int])
    """Rows by qualified source table that were left out with a recorded error."""


def perspectives_of(type_: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The perspectives a validation covers: what its type brings, switched on and off by its options."""
    return tuple(name for name in PERSPECTIVES if options.get(name, name in BY_TYPE[type_]))


def create(
    session: Session,
    *,
    organization_id: str,
    environment: str,
    migration_id: str,
    type: str,
    options: Mapping[str, Any] | None = None,
    in_phase: bool,
    now: datetime,
) -> Validation:
    """Add a validation that is to be run.

    Parameters:
        options: `ValidationOptions`, as far as they were given.
        in_phase: It belongs to the migration's validation phase, whose worker runs it.
    """
    given = dict(options or {})
    row = Validation(
        id=new_id("val"),
        organization_id=organization_id,
        environment=environment,
        migration_id=migration_id,
        type=type,
        options=given,
        perspectives=list(perspectives_of(type, given)),
        in_phase=in_phase,
        status="pending",
        created_at=now,
    )
    session.add(row)
    return row


def run_validation(
    runtime: Runtime,
    validation_id: str,
    work: Callable[[], ValidationWork],
    *,
    journal: Journal,
    control: Control,
) -> Validation:
    """Run a validation to its end and store what came of it: results, certificate, events.

    Parameters:
        validation_id: One that is `pending`, or `running` since another process died.
        work: Gives the engine's job; called in this thread, and what it raises ends the validation too.
        journal: Told what the engine does.
        control: Asked whether to go on. When it wants anything but to run, the validation stays `running` and
            unowned: who stopped it calls `cancel`, or somebody calls this function again.

    Returns:
        The row as it is afterwards: `completed` with an `overall_result`, `failed` with an `error`, `cancelled`,
        or still `running` when `control` stopped it.
    """
    row = _begin(runtime, validation_id)
    if row.status != "running":
        return row
    try:
        outcome = _ask_engine(runtime, row, work(), journal, control)
    except EngineError as error:
        if control.wanted() is not Wanted.RUN:
            return _let_go(runtime, validation_id, getattr(error, "finished", ()))
        code = "connection_unreachable" if isinstance(error, EndpointError) else "internal_error"
        return _fail(runtime, validation_id, code, error.message, error.reason_code)
    except ApiError as error:
        # A connection that is gone, for one.
        return _fail(runtime, validation_id, error.code, error.message, error.details.get("reason_code"))
    except Exception:
        log.exception("a validation broke", extra={"validation_id": validation_id})
        return _fail(runtime, validation_id, "internal_error", "The validation met an unforeseen fault.", "E6001")
    if outcome is None or control.wanted() is not Wanted.RUN:
        return _let_go(runtime, validation_id, ())
    return _complete(runtime, validation_id, outcome)


def cancel(session: Session, row: Validation, now: datetime) -> None:
    """End a validation by a user's wish.

    Raises:
        ApiError: 409 `invalid_state` when it has ended already.
    """
    if row.status not in UNFINISHED:
        raise ApiError(
            "invalid_state",
            f"The validation is {row.status}; only a pending or running one can be cancelled.",
            details={"current_status": row.status, "action": "cancel"},
        )
    _end(session, row, "cancelled", now)


def end_with_migration(session: Session, migration_id: str, now: datetime) -> None:
    """Cancel what is unfinished of a migration that failed, was cancelled or is deleted."""
    unfinished = select(Validation).where(Validation.migration_id == migration_id, Validation.status.in_(UNFINISHED))
    for row in session.scalars(unfinished.with_for_update()):
        _end(session, row, "cancelled", now)


def rules_for(session: Session, row: Validation) -> tuple[Rule, ...]:
    """The custom rules that apply, oldest first."""
    rows = session.scalars(
        select(ValidationRule)
        .where(
            ValidationRule.organization_id == row.organization_id,
            ValidationRule.environment == row.environment,
            or_(ValidationRule.migration_id.is_(None), ValidationRule.migration_id == row.migration_id),
        )
        .order_by(ValidationRule.created_at, ValidationRule.id)
    )
    return tuple(
        Rule(id=rule.id, name=rule.name, sql=rule.rule, expected=rule.expected, severity=rule.severity) for rule in rows
    )


def _begin(runtime: Runtime, validation_id: str) -> Validation:
    now = runtime.settings.clock.now()
    with runtime.store.write() as session:
        row = session.get_one(Validation, validation_id, with_for_update=True)
        if row.status not in UNFINISHED:
            return row
        row.owner = leases.this_owner()
        row.lease_until = leases.end_of_lease(runtime.settings.lease_seconds)
        row.results = partial_results(row.perspectives, (), None)
        row.forecast = None
        if row.status == "pending":
            row.status = "running"
            row.started_at = now
            _emit(session, row, "validation.started", now)
        return row


def _ask_engine(
    runtime: Runtime, row: Validation, work: ValidationWork, journal: Journal, control: Control
) -> ValidationOutcome | None:
    # The drivers load with the engine; a server that validates nothing need not wait for them.
    from sensei.server.engine.validation import validate

    with runtime.store.read() as session:
        rules = rules_for(session, row)
    progress_journal = ProgressJournal(runtime, row, journal)
    return validate(
        ValidationJob(
            job=work.job,
            perspectives=tuple(row.perspectives),
            sampled=row.type == "quick",
            rules=rules,
            time_travel_checkpoints=row.options.get("time_travel_checkpoints", 5),
            before_cutover=work.before_cutover,
            skipped_rows=work.skipped_rows,
        ),
        progress_journal,
        control,
        progress_journal.perspective,
    )


def _complete(runtime: Runtime, validation_id: str, outcome: ValidationOutcome) -> Validation:
    now = runtime.settings.clock.now()
    with runtime.store.write() as session:
        row = session.get_one(Validation, validation_id, with_for_update=True)
        if row.status != "running":
            return row
        row.overall_result = outcome.overall_result
        row.confidence_score = outcome.confidence_score
        row.results = serialization.results(outcome.perspectives)
        row.outcome = serialization.outcome_to_json(outcome)
        row.status = "completed"
        certificate = None
        if certificates.missing_because(row) is None:
            certificate = certificates.issue(
                session,
                runtime.store.vault,
                validation=row,
                outcome=outcome,
                origin=runtime.origin,
                audit_trail_complete=_is_trail_complete(session, row.migration_id),
                now=now,
            )
            row.certificate_id = certificate.id
        _end(session, row, "completed", now)
        if certificate is not None:
            certificates.announce(session, certificate, now)
        return row


def _summary(session: Session, migration_id: str) -> dict[str, Any] | None:
    """`MigrationSummary` as of now."""
    migration = session.get(Migration, migration_id)
    if migration is None:
        return None
    return dict(answers.show_summary(migration, answers.connection_names(session, [migration])))


def _is_trail_complete(session: Session, migration_id: str) -> bool:
    """Whether every event of the migration is kept, from the first to the newest."""
    newest = session.scalar(select(Migration.last_event_id).where(Migration.id == migration_id))
    kept = session.scalar(select(func.count()).select_from(EventRow).where(EventRow.migration_id == migration_id))
    return bool(newest) and kept == newest


def _fail(runtime: Runtime, validation_id: str, code: str, message: str, reason_code: str | None) -> Validation:
    now = runtime.settings.clock.now()
    with runtime.store.write() as session:
        row = session.get_one(Validation, validation_id, with_for_update=True)
        if row.status == "running":
            error = {"code": code, "message": message, "occurred_at": wire_time(now)}
            row.error = error if reason_code is None else {**error, "reason_code": reason_code}
            _end(session, row, "failed", now)
        return row


def _let_go(runtime: Runtime, validation_id: str, finished: Sequence[PerspectiveResult]) -> Validation:
    with runtime.store.write() as session:
        row = session.get_one(Validation, validation_id, with_for_update=True)
        if row.status == "cancelled":
            # Nobody goes on with it; what was finished is worth keeping.
            row.results = serialization.results(finished)
        if row.owner == leases.this_owner():
            row.owner = None
            row.lease_until = None
        return row


def _end(session: Session, row: Validation, status: str, now: datetime) -> None:
    row.status = status
    row.completed_at = now
    row.forecast = None
    if status != "completed":
        # What was not begun or not finished has no result.
        row.results = {name: one for name, one in row.results.items() if one["status"] not in ("pending", "running")}
    row.migration = _summary(session, row.migration_id)
    row.owner = None
    row.lease_until = None
    failed = status == "failed" or row.overall_result == "failed"
    _emit(session, row, "validation.failed" if failed else "validation.completed", now)


def _emit(session: Session, row: Validation, type_: str, now: datetime) -> None:
    data: dict[str, Any] = {
        "validation_id": row.id,
        "migration_id": row.migration_id,
        "type": row.type,
        "status": row.status,
        "overall_result": row.overall_result,
        "confidence_score": row.confidence_score,
        "certificate_id": row.certificate_id,
    }
    if row.status == "completed":
        data["issues_count"] = sum(len(result["issues"]) for result in row.results.values())
    event = outbox.emit(
        session,
        organization_id=row.organization_id,
        environment=row.environment,
        type=type_,
        data=data,
        now=now,
    )
    migration = session.get(Migration, row.migration_id)
    if migration is not None:
        named = {**data, "migration_name": migration.name}
        notifications.enqueue(session, migration, type_, event.id, named, now)
