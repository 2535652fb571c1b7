"""How migrations, plans, validations and certificates look in a notebook. Everything from outside is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from sensei.models.certificates import CertificateData
from sensei.models.mappings import MappingData, MigrationPlanData
from sensei.models.migrations import MigrationData
from sensei.models.validations import ValidationData

LONGEST_TABLE = 100
"""Rows that a notebook shows; what is more is counted."""

_COLOURS = {
    "completed": "#1a7f37",
    "passed": "#1a7f37",
    "valid": "#1a7f37",
    "approved": "#1a7f37",
    "failed": "#cf222e",
    "revoked": "#cf222e",
    "rejected": "#cf222e",
    "critical": "#cf222e",
    "high": "#cf222e",
    "running": "#0969da",
}


def migration_html(migration: MigrationData) -> str:
    """The migration with its ends, and a bar for each phase."""
    source, target = migration.source, migration.target
    ends = " → ".join(
        _text(end.connection_name or end.connection_id or end.type) for end in (source, target) if end is not None
    )
    phases = migration.progress.phases if migration.progress else []
    rows = [
        (_text(phase.name), _badge(phase.status), _bar(phase.progress_percent), _seconds(phase.duration_seconds))
        for phase in phases
    ]
    facts = [
        f"{migration.percent:.0f} %",
        f"{migration.records_processed:,} records",
        *([f"error: {migration.error}"] if migration.error else []),
    ]
    return _card(
        migration.name,
        migration.status,
        migration.id,
        f"<p>{ends}</p><p>{_text(' · '.join(facts))}</p>" + _table(("Phase", "Status", "Progress", "Time"), rows),
    )


def plan_html(plan: MigrationPlanData, mappings: Sequence[MappingData]) -> str:
    """The plan with its risks and mappings, the least sure first."""
    risks = [(_badge(risk.severity), _text(risk.type), _text(risk.description)) for risk in plan.risks]
    unsure = sorted(mappings, key=lambda mapping: mapping.confidence)
    rows = [
        (
            _text(mapping.source),
            _text(mapping.target),
            _bar(mapping.confidence * 100),
            _badge(mapping.status),
            _text(", ".join(_remarks(mapping))),
        )
        for mapping in unsure[:LONGEST_TABLE]
    ]
    more = f"<p>and {len(unsure) - len(rows)} more</p>" if len(unsure) > len(rows) else ""
    size = f"<p>{plan.summary.tables} tables, {plan.summary.columns} columns</p>" if plan.summary else ""
    return _card(
        "Plan",
        plan.status,
        plan.migration_id,
        size
        + _table(("Severity", "Risk", "Description"), risks)
        + _table(("Source", "Target", "Confidence", "Status", "Remarks"), rows)
        + more,
    )


def validation_html(validation: ValidationData) -> str:
    """The validation with what each perspective found."""
    found = validation.results.by_name if validation.results else {}
    rows = [
        (
            _text(name),
            _badge(result.status),
            _bar(None if result.score is None else result.score * 100),
            str(len(result.issues)),
        )
        for name, result in found.items()
    ]
    score = "" if validation.confidence_score is None else f"<p>confidence {validation.confidence_score:.3f}</p>"
    error = f"<p>{_text(validation.error)}</p>" if validation.error else ""
    return _card(
        f"Validation ({validation.type or 'standard'})",
        validation.overall_result or validation.status,
        validation.id,
        score + error + _table(("Perspective", "Result", "Score", "Issues"), rows),
    )


def certificate_html(certificate: CertificateData) -> str:
    """The certificate as the server describes it, with the advice to verify it."""
    attested = {**certificate.attestations.__dict__, **(certificate.attestations.model_extra or {})}
    rows = [(_text(name), "yes" if value else "no") for name, value in attested.items() if value is not None]
    until = f"{certificate.valid_until:%Y-%m-%d}"
    return _card(
        "Certificate",
        certificate.status,
        certificate.id,
        f"<p>valid until {until}; <code>verify()</code> tells whether to believe it</p>"
        + _table(("Attested", ""), rows),
    )


def _remarks(mapping: MappingData) -> Iterable[str]:
    if mapping.requires_approval:
        yield "needs approval"
    if mapping.has_data_loss_risk:
        yield "may lose data"
    if mapping.type_compatible is False:
        yield "types differ"
    if mapping.is_pii:
        yield "personal data"


def _card(title: str, status: str, id: str, body: str) -> str:
    return (
        '<div style="border:1px solid #8884;border-radius:6px;padding:8px 12px;max-width:60em">'
        f"<strong>{_text(title)}</strong> {_badge(status)} <code>{_text(id)}</code>{body}</div>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the cells are HTML already."""
    if not rows:
        return ""
    head = "".join(f"<th>{_text(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _badge(status: str) -> str:
    return f'<span style="color:{_COLOURS.get(status, "#6e7781")}">{_text(status)}</span>'


def _bar(percent: float | None) -> str:
    if percent is None:
        return ""
    share = min(max(percent, 0.0), 100.0)
    return f'<progress max="100" value="{share:.1f}"></progress> {share:.0f} %'


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:,.0f} s"


def _text(value: object) -> str:
    return escape(str(value))
