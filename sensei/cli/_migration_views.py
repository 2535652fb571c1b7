"""Migrations, plans and validations as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensei.cli._proof import perspectives_of
from sensei.cli._review import review_of, row_of
from sensei.cli._table import cell, described, one_line
from sensei.cli._text import columns, count, seconds

if TYPE_CHECKING:
    from sensei import Mapping, Migration, MigrationPlan, Validation
    from sensei.models.migrations import LogEntry, MigrationSource, MigrationTarget

_SHOWN_ISSUES = 20


def migration_text(migration: Migration) -> str:
    """A migration with its phases."""
    data = migration.to_dict()
    pairs = [(name, cell(data.get(name))) for name in ("id", "name", "description", "status", "phase")]
    pairs.append(("progress", f"{migration.percent:.0f} %"))
    pairs += [("source", _end(migration.source)), ("target", _end(migration.target))]
    if metrics := migration.metrics:
        total = "" if metrics.records_total is None else f" of {metrics.records_total:,}"
        pairs.append(("records", f"{migration.records_processed:,}{total}"))
    if timing := migration.timing:
        times = timing.to_dict()
        pairs += [(name, cell(times.get(f"{name}_at"))) for name in ("created", "started", "completed")]
        if timing.elapsed_seconds is not None:
            pairs.append(("took", seconds(timing.elapsed_seconds)))
    pairs += [("validation", migration.validation_id or "-"), ("rollback", migration.rollback_status or "-")]
    if problem := migration.error:
        pairs.append(("error", one_line(f"{problem.message} ({problem.reason_code or problem.code})")))
    lines = described([pair for pair in pairs if pair[1] != "-"], None)
    if migration.progress and migration.progress.phases:
        rows = [
            (
                phase.name,
                phase.status,
                "" if phase.progress_percent is None else f"{phase.progress_percent:.0f} %",
                "" if phase.duration_seconds is None else seconds(phase.duration_seconds),
            )
            for phase in migration.progress.phases
        ]
        lines += ["phases", *columns(rows)]
    return "\n".join(lines)


def _end(end: MigrationSource | MigrationTarget | None) -> str:
    if end is None:
        return "-"
    if end.connection_id is None:
        return one_line(f"{end.type or '?'}, given in the migration")
    return one_line(f"{end.connection_name} ({end.connection_id})" if end.connection_name else end.connection_id)


def plan_text(plan: MigrationPlan) -> str:
    """A plan: its size, its phases, its risks, and what waits for a decision."""
    pairs = [("migration", plan.migration_id), ("status", plan.status)]
    if plan.error:
        pairs.append(("error", one_line(plan.error.message)))
    if size := plan.summary:
        pairs += [("tables", f"{size.tables:,}"), ("columns", f"{size.columns:,}")]
        if size.estimated_records is not None:
            pairs.append(("records", f"about {size.estimated_records:,}"))
        if size.estimated_duration_seconds is not None:
            pairs.append(("takes", f"about {seconds(size.estimated_duration_seconds)}"))
    review = review_of(plan)
    if plan.mappings:
        pairs.append(("in review", count(review.undecided, "mapping")))
        pairs.append(("to decide", f"{count(len(plan.undecided), 'mapping')} before it can start"))
    lines = described(pairs, None)
    if plan.phases:
        rows = [(f"{phase.order}", phase.name, count(len(phase.tables), "table")) for phase in plan.phases]
        lines += ["phases", *columns(rows)]
    if plan.status in {"ready", "approved"}:
        lines.append("risks" if review.risks else "risks: none found")
    lines += [
        one_line(f"  {risk.severity}: {risk.description}{f'. {risk.mitigation}' if risk.mitigation else ''}")
        for risk in review.risks
    ]
    return "\n".join(lines)


def mapping_row(mapping: Mapping) -> dict[str, object]:
    """A mapping as a row of a table."""
    row = row_of(mapping)
    waits = "needs a decision" if mapping.requires_approval and mapping.status == "pending_review" else mapping.status
    return {
        "id": mapping.id,
        "sure": f"{mapping.confidence:.2f}",
        "column": row.source,
        "becomes": row.becomes,
        "status": waits.replace("_", " "),
    }


def validation_text(validation: Validation) -> str:
    """A validation with what each perspective found."""
    data = validation.to_dict()
    names = ("id", "migration_id", "type", "status", "overall_result", "confidence_score", "certificate_id")
    pairs = [(name.removesuffix("_id").replace("_", " "), cell(data.get(name))) for name in names]
    pairs += [(name, cell(data.get(f"{name}_at"))) for name in ("created", "started", "completed")]
    if validation.status == "running":
        pairs.append(("done by", cell(data.get("estimated_completion"))))
    if validation.error:
        pairs.append(("error", one_line(validation.error.message)))
    lines = described([("id", validation.id), *[pair for pair in pairs[1:] if pair[1] != "-"]], None)
    if validation.results is None:
        return "\n".join(lines)
    found = validation.results.by_name
    rows = [
        (
            name,
            found[name].status,
            "" if found[name].score is None else f"{found[name].score:.3f}",
            count(len(found[name].issues), "issue") if found[name].issues else "",
        )
        for name in perspectives_of(validation)
    ]
    issues = [issue for perspective in found.values() for issue in perspective.issues]
    lines += columns(rows)
    for issue in issues[:_SHOWN_ISSUES]:
        place = ".".join(part for part in (issue.schema, issue.table, issue.column) if part)
        lines.append(one_line(f"  {issue.severity}: {place}{': ' if place else ''}{issue.message}"))
    if len(issues) > _SHOWN_ISSUES:
        lines.append(f"  and {len(issues) - _SHOWN_ISSUES} more; the report has them all")
    return "\n".join(lines)


def log_line(entry: LogEntry) -> str:
    """A line of a log."""
    place = f" [{entry.table}]" if entry.table else ""
    return one_line(f"{entry.timestamp:%Y-%m-%d %H:%M:%SZ} {entry.level:<7} {entry.message}{place}")
