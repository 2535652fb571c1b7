"""The planning phase: the engine's plan becomes rows for review."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy.orm import Session

from sensei.server.engine.wording import counted
from sensei.server.ids import new_id
from sensei.server.migrations import engine_jobs, lifecycle, progress
from sensei.server.store.migration_tables import MappingRow, Migration, PlanRow

if TYPE_CHECKING:
    from sensei.server.engine.plan import ColumnRef, MappingProposal, Plan

BLOCKING_BELOW = 0.80


def first_status(confidence: float, auto_approve_above: float | None) -> tuple[str, bool]:
    """How a fresh mapping begins: its status, and whether the start waits for a decision.

    Examples:
        >>> first_status(0.95, 0.95), first_status(0.8, 0.95), first_status(0.79, 0.95), first_status(0.7, 0.5)
        (('approved', False), ('pending_review', False), ('pending_review', True), ('approved', False))
    """
    if auto_approve_above is not None and confidence >= auto_approve_above:
        return "approved", False
    return "pending_review", confidence < BLOCKING_BELOW


def store_plan(session: Session, row: Migration, plan: Plan, now: datetime) -> None:
    """Keep a plan and its mappings, and bring the migration to `plan_ready` or `approved`."""
    from sensei.server.engine import serde

    session.execute(delete(MappingRow).where(MappingRow.migration_id == row.id))
    session.merge(PlanRow(migration_id=row.id, generated_at=plan.generated_at, plan=serde.plan_to_json(plan)))
    threshold = engine_jobs.effective_options(row)["auto_approve_above"]
    mappings = [
        _mapping_row(row.id, position, proposal, threshold, now) for position, proposal in enumerate(plan.mappings)
    ]
    session.add_all(mappings)
    row.tables_count = len(plan.tables)
    row.estimated_rows = plan.estimated_records
    row.records_total = plan.estimated_records
    row.estimated_seconds = plan.estimated_duration_seconds
    session.flush()
    pending = sum(mapping.status == "pending_review" for mapping in mappings)
    text = (
        f"{counted(len(plan.tables), 'table', 'tables')}, {counted(len(mappings), 'column', 'columns')}, "
        f"{counted(pending, 'mapping', 'mappings')} in review, {counted(len(plan.risks), 'risk', 'risks')}"
    )
    lifecycle.complete_phase(session, row, "planning", now, f"Plan made: {text}")
    row.plan_status = "ready"
    lifecycle.move(session, row, "plan_ready", now, f"Plan made: {text}")
    if pending == 0:
        row.plan_status = "approved"
        lifecycle.move(session, row, "approved", now, "No mapping needs a review")
    progress.set_percent(row, "planning", 100.0)


def _mapping_row(
    migration_id: str, position: int, proposal: MappingProposal, threshold: float | None, now: datetime
) -> MappingRow:
    status, blocks = first_status(proposal.confidence, threshold)
    approved = status == "approved"
    return MappingRow(
        id=new_id("map"),
        migration_id=migration_id,
        position=position,
        source=_column(proposal.source),
        target=_column(proposal.target),
        source_table=proposal.source.table,
        transformation=proposal.transformation,
        transformation_type=proposal.transformation_type,
        confidence=proposal.confidence,
        status=status,
        requires_approval=blocks,
        reasoning=proposal.reasoning,
        type_compatible=proposal.type_compatible,
        has_data_loss_risk=proposal.has_data_loss_risk,
        is_pii=proposal.is_pii,
        flags=list(proposal.flags),
        decided_by="auto" if approved else None,
        decided_at=now if approved else None,
    )


def _column(ref: ColumnRef) -> dict[str, str | None]:
    return {"schema": ref.schema, "table": ref.table, "column": ref.column, "type": ref.type}
