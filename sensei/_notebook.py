"""How migrations, plans, validations, certificates and pages look in a notebook.

Everything from outside is escaped, bounded, and without characters that would turn the text around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from sensei._redact import mask_text, one_line
from sensei.models.base import Model, Pagination
from sensei.models.certificates import CertificateData
from sensei.models.mappings import MappingData, MigrationPlanData
from sensei.models.migrations import MigrationData
from sensei.models.validations import ValidationData

LONGEST_TABLE = 100
"""Rows that a notebook shows; what is more is counted."""

MOST_COLUMNS = 8
"""Columns of the table of a page."""

LONGEST_TEXT = 300
"""Characters of a text that it shows."""

LONGEST_LOOKED_AT = 10_000
"""Characters of a text that are looked at."""

_GOOD, _BAD, _BUSY, _OTHER = "#2da44e", "#e5534b", "#218bff", "#8c959f"
"""Of the marks beside a status. They can be told from a white ground and from a black one; the text has the notebook's
own colour, so that it can be read on both."""

_COLOURS = {
    "completed": _GOOD,
    "passed": _GOOD,
    "valid": _GOOD,
    "approved": _GOOD,
    "failed": _BAD,
    "revoked": _BAD,
    "rejected": _BAD,
    "critical": _BAD,
    "high": _BAD,
    "running": _BUSY,
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
        for phase in phases[:LONGEST_TABLE]
    ]
    facts = [
        f"{math.floor(_share(migration.percent))} %",
        f"{migration.records_processed:,} records",
        *([f"error: {migration.error}"] if migration.error else []),
    ]
    return _card(
        migration.name,
        migration.status,
        migration.id,
        f"<p>{ends}</p><p>{_text(' · '.join(facts))}</p>"
        + _table(("Phase", "Status", "Progress", "Time"), rows, len(phases)),
    )


def plan_html(plan: MigrationPlanData, mappings: Sequence[MappingData]) -> str:
    """The plan with its risks and mappings, the least sure first."""
    risks = [(_badge(risk.severity), _text(risk.type), _text(risk.description)) for risk in plan.risks[:LONGEST_TABLE]]
    unsure = sorted(mappings, key=lambda mapping: _share(mapping.confidence * 100))
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
    size = f"<p>{plan.summary.tables} tables, {plan.summary.columns} columns</p>" if plan.summary else ""
    return _card(
        "Plan",
        plan.status,
        plan.migration_id,
        size
        + _table(("Severity", "Risk", "Description"), risks, len(plan.risks))
        + _table(("Source", "Target", "Confidence", "Status", "Remarks"), rows, len(unsure)),
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
        for name, result in list(found.items())[:LONGEST_TABLE]
    ]
    score = "" if validation.confidence_score is None else f"<p>confidence {validation.confidence_score:.3f}</p>"
    error = f"<p>{_text(validation.error)}</p>" if validation.error else ""
    return _card(
        f"Validation ({validation.type or 'standard'})",
        validation.overall_result or validation.status,
        validation.id,
        score + error + _table(("Perspective", "Result", "Score", "Issues"), rows, len(found)),
    )


def certificate_html(certificate: CertificateData) -> str:
    """The certificate as the server describes it, with the advice to verify it."""
    attested = {**certificate.attestations.__dict__, **(certificate.attestations.model_extra or {})}
    known = [(_text(name), "yes" if value else "no") for name, value in attested.items() if value is not None]
    until = f"{certificate.valid_until:%Y-%m-%d}"
    return _card(
        "Certificate",
        certificate.status,
        certificate.id,
        f"<p>valid until {until}; <code>verify()</code> tells whether to believe it</p>"
        + _table(("Attested", ""), known[:LONGEST_TABLE], len(known)),
    )


def page_html(data: Sequence[Model], pagination: Pagination) -> str:
    """The items of a page, each as its short form has it: what is no part of that, secrets for one, is not shown."""
    shown = [dict(item.__repr_args__()) for item in data[:LONGEST_TABLE]]
    heads = list(dict.fromkeys(name for row in shown for name in row if name is not None))[:MOST_COLUMNS]
    rows = [tuple(_text(_plain(row.get(name, ""))) for name in heads) for row in shown]
    first = pagination.offset + 1 if data else pagination.offset
    return _card(
        "Page",
        "",
        f"{first} to {pagination.offset + len(data)} of {pagination.total}",
        _table([name.replace("_", " ") for name in heads], rows, len(data)),
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


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
        '<div style="border:1px solid #8888;border-radius:6px;padding:8px 12px;max-width:60em;overflow-wrap:anywhere">'
        f"<strong>{_text(title)}</strong> {_badge(status)} <code>{_text(id)}</code>{body}</div>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], count: int) -> str:
    """A table; the cells are HTML already. `count` says how many rows there would be."""
    if not rows:
        return ""
    head = "".join(f"<th>{_text(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    more = f"<p>and {count - len(rows)} more</p>" if count > len(rows) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _badge(status: str) -> str:
    if not status:
        return ""
    mark = f'<span style="color:{_COLOURS.get(status, _OTHER)}" aria-hidden="true">●</span>'
    return f'<span style="white-space:nowrap">{mark} {_text(status)}</span>'


def _share(percent: float | None) -> float:
    """Between 0 and 100, whatever was sent."""
    return min(max(percent, 0.0), 100.0) if percent is not None and math.isfinite(percent) else 0.0


def _bar(percent: float | None) -> str:
    if percent is None or not math.isfinite(percent):
        return ""
    share = _share(percent)
    bar = f'<progress max="100" value="{share:.1f}"></progress>'
    # Rounded down: what is nearly done is not done.
    return f'<span style="white-space:nowrap">{bar} {math.floor(share)} %</span>'


def _seconds(seconds: float | None) -> str:
    return f"{seconds:,.0f} s" if seconds is not None and 0.0 <= seconds < _LONGEST_TIME else ""


_LONGEST_TIME = 1e10
"""Seconds, three hundred years: more than that is no time that a phase took."""


def _text(value: object) -> str:
    text = one_line(mask_text(str(value)[:LONGEST_LOOKED_AT]))  # before it is cut, which would spoil what is looked for
    cut = f"{text[:LONGEST_TEXT]}…" if len(text) > LONGEST_TEXT else text
    shown = escape(cut.encode("utf-8", "replace").decode())  # half characters would make the notebook unreadable
    # Isolated, so that a name in Hebrew does not turn what stands beside it; one_line takes the characters that would.
    return shown if shown.isascii() else f"<bdi>{shown}</bdi>"
