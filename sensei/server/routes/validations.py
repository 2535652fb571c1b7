"""Validations, their reports and certificates, and custom rules."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from sensei.server import quotas
from sensei.server.errors import ApiError, not_found
from sensei.server.http.operation import Answer, Context, Download, Router
from sensei.server.http.pagination import Page, page_of
from sensei.server.ids import new_id
from sensei.server.migrations import state_machine
from sensei.server.routes.certificates import present
from sensei.server.schemas.base import wire_time
from sensei.server.schemas.validations import (
    ReportQuery,
    RuleListQuery,
    RuleOut,
    ValidationCreate,
    ValidationListQuery,
    ValidationOut,
    ValidationRuleCreate,
)
from sensei.server.store.migration_tables import Migration
from sensei.server.store.validation_tables import Certificate, Validation, ValidationRule
from sensei.server.validations import runs, serialization
from sensei.server.validations.certificates import missing_because

router: Router = Router("/validations")


@router.get("", operation="validations.list", scope="validation:read")
def list_validations(ctx: Context, query: ValidationListQuery) -> Page[ValidationOut]:
    """Newest first."""
    statement = _mine(ctx)
    if query.migration_id is not None:
        statement = statement.where(Validation.migration_id == query.migration_id)
    if query.status is not None:
        statement = statement.where(Validation.status == query.status)
    if query.result is not None:
        statement = statement.where(Validation.overall_result == query.result)
    ordered = statement.order_by(Validation.created_at.desc(), Validation.id.desc())
    with ctx.store.read() as session:
        return page_of(session, ordered, query, serialization.validation)


@router.post(
    "",
    operation="validations.create",
    scope="validation:write",
    status=201,
    errors=("migration_not_found", "invalid_state"),
)
def create(ctx: Context, body: ValidationCreate) -> Answer[ValidationOut]:
    """Validate a completed migration; the run goes on in the background."""
    migration = _migration(ctx, ctx.tx, body.migration_id)
    state_machine.check("validate", migration.status)
    options = body.options.model_dump(exclude_unset=True, exclude_none=True) if body.options is not None else {}
    if not runs.perspectives_of(body.type, options):
        raise ApiError(
            "validation_error",
            "options: at least one perspective must be left on.",
            details={"field": "options", "reason": "required"},
        )
    row = runs.create(
        ctx.tx,
        organization_id=ctx.principal.organization_id,
        environment=ctx.principal.environment,
        migration_id=migration.id,
        type=body.type,
        options=options,
        in_phase=False,
        now=ctx.now,
    )
    ctx.after_commit(lambda: ctx.runtime.validator.submit(row.id))
    return Answer(serialization.validation(row), location=f"/v1/validations/{row.id}", resource=row.id)


@router.get("/rules", operation="validations.rules.list", scope="validation:read")
def list_rules(ctx: Context, query: RuleListQuery) -> Page[RuleOut]:
    """Newest first; with `migration_id`, those that apply to that migration."""
    statement = _my_rules(ctx)
    if query.migration_id is not None:
        statement = statement.where(
            or_(ValidationRule.migration_id.is_(None), ValidationRule.migration_id == query.migration_id)
        )
    ordered = statement.order_by(ValidationRule.created_at.desc(), ValidationRule.id.desc())
    with ctx.store.read() as session:
        return page_of(session, ordered, query, serialization.rule)


@router.post(
    "/rules",
    operation="validations.rules.create",
    scope="validation:write",
    status=201,
    errors=("quota_exceeded", "migration_not_found"),
)
def create_rule(ctx: Context, body: ValidationRuleCreate) -> Answer[RuleOut]:
    """Add a rule that later validations evaluate on the target."""
    limit = ctx.runtime.settings.quotas.rules
    quotas.check(ctx.tx, ctx.principal.organization_id, _my_rules(ctx), limit, "custom rules")
    if body.migration_id is not None:
        _migration(ctx, ctx.tx, body.migration_id)
    row = ValidationRule(
        id=new_id("rule"),
        organization_id=ctx.principal.organization_id,
        environment=ctx.principal.environment,
        name=body.name,
        description=body.description,
        type=body.type,
        rule=body.rule,
        expected=body.expected,
        severity=body.severity,
        migration_id=body.migration_id,
        created_at=ctx.now,
    )
    ctx.tx.add(row)
    return Answer(serialization.rule(row), location=f"/v1/validations/rules/{row.id}", resource=row.id)


@router.delete(
    "/rules/{rule_id}", operation="validations.rules.delete", scope="validation:write", errors=("rule_not_found",)
)
def delete_rule(ctx: Context, rule_id: str) -> None:
    """Remove a rule; validations that run already keep it."""
    row = ctx.tx.get(ValidationRule, rule_id)
    if row is None or not _is_mine(ctx, row):
        raise not_found("rule", rule_id)
    ctx.tx.delete(row)


@router.get("/{id}", operation="validations.get", scope="validation:read", errors=("validation_not_found",))
def get(ctx: Context, id: str) -> ValidationOut:
    """One validation with its results."""
    with ctx.store.read() as session:
        return serialization.validation(_find(ctx, session, id))


@router.post(
    "/{id}/cancel",
    operation="validations.cancel",
    scope="validation:write",
    errors=("validation_not_found", "invalid_state"),
)
def cancel(ctx: Context, id: str) -> ValidationOut:
    """End a validation that is pending or running."""
    row = _find(ctx, ctx.tx, id)
    if row.in_phase and row.status in runs.UNFINISHED:
        # Going on without it would be a migration that skipped its validation, which v1 does not offer.
        raise ApiError(
            "invalid_state",
            "This validation is a phase of its migration; cancel the migration instead.",
            details={"current_status": row.status, "action": "cancel"},
        )
    runs.cancel(ctx.tx, row, ctx.now)
    return serialization.validation(row)


@router.get(
    "/{id}/report",
    operation="validations.report.get",
    scope="validation:read",
    errors=("validation_not_found", "invalid_state"),
)
def report(ctx: Context, id: str, query: ReportQuery) -> Download:
    """The report of a finished validation as JSON, as one page of HTML, or as PDF."""
    with ctx.store.read() as session:
        row = _find(ctx, session, id)
    if row.status in runs.UNFINISHED:
        raise ApiError(
            "invalid_state",
            f"The validation is {row.status}; its report is there when it has finished.",
            details={"current_status": row.status, "action": "report"},
        )
    data = _report(row, ctx, details=query.include_details)
    if query.format == "json":
        return Download(to_json(data), "application/json")
    from sensei.server.engine.validation.report import to_html, to_pdf

    outcome = serialization.outcome_from_json(row.outcome) if row.outcome is not None else None
    if query.format == "html":
        page = to_html(data, outcome)
        return Download(page.encode("utf-8"), "text/html", _NOTHING_FROM_OUTSIDE)
    return Download(to_pdf(data, outcome), "application/pdf")


@router.get(
    "/{id}/certificate",
    operation="validations.certificate.get",
    scope="validation:read",
    errors=("validation_not_found", "certificate_not_found"),
)
def certificate(ctx: Context, id: str) -> Download:
    """The certificate of a validation, or why there is none."""
    with ctx.store.read() as session:
        row = _find(ctx, session, id)
        issued = session.get(Certificate, row.certificate_id) if row.certificate_id is not None else None
    if issued is None:
        reason = missing_because(row) or "validation_unfinished"
        raise ApiError("certificate_not_found", _WHY_NONE[reason], details={"reason": reason})
    return Download(present(ctx, issued), "application/json")


_NOTHING_FROM_OUTSIDE = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
}

_WHY_NONE = {
    "validation_unfinished": "The validation has not finished; there is no certificate yet.",
    "validation_not_passed": "The validation did not pass, so no certificate was issued.",
    "perspectives_missing": "A certificate needs all five perspectives; run a validation of the type full.",
}


def _report(row: Validation, ctx: Context, *, details: bool) -> dict[str, Any]:
    outcome = serialization.outcome_from_json(row.outcome) if row.outcome is not None else None
    report: dict[str, Any] = {
        "validation": serialization.validation(row),
        "migration": row.migration,
        "generated_at": wire_time(ctx.now),
        "issues": serialization.issues(outcome, details=details) if outcome is not None else [],
        "rules": [
            {
                "rule_id": rule.rule_id,
                "name": rule.name,
                "passed": rule.passed,
                "severity": rule.severity,
                "expected": rule.expected,
                "actual": rule.actual,
            }
            for rule in (outcome.rules if outcome is not None else ())
        ],
    }
    if details and outcome is not None:
        # Beyond the contract's members: what pictures are drawn from. Values of rows are in it, so only on request.
        report["profiles"] = serialization.profiles(outcome)
    return report


def _mine(ctx: Context) -> Select[Validation]:
    return select(Validation).where(
        Validation.organization_id == ctx.principal.organization_id,
        Validation.environment == ctx.principal.environment,
    )


def _my_rules(ctx: Context) -> Select[ValidationRule]:
    return select(ValidationRule).where(
        ValidationRule.organization_id == ctx.principal.organization_id,
        ValidationRule.environment == ctx.principal.environment,
    )


def _is_mine(ctx: Context, row: Validation | ValidationRule | Migration) -> bool:
    return row.organization_id == ctx.principal.organization_id and row.environment == ctx.principal.environment


def _find(ctx: Context, session: Session, id: str) -> Validation:
    lock = ctx.has_begun and session is ctx.tx
    row = session.get(Validation, id, with_for_update=True) if lock else session.get(Validation, id)
    if row is None or not _is_mine(ctx, row):
        raise not_found("validation", id)
    return row


def _migration(ctx: Context, session: Session, id: str) -> Migration:
    row = session.get(Migration, id, with_for_update=True)
    if row is None or row.deleted_at is not None or not _is_mine(ctx, row):
        raise not_found("migration", id)
    return row
