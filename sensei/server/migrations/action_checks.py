"""What the actions on a migration check and do, apart from how they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sensei.server import quotas
from sensei.server.engine.wording import counted
from sensei.server.errors import ApiError
from sensei.server.migrations.state_machine import EXECUTING
from sensei.server.store.migration_tables import MappingRow, Migration


def executing(session: Session, row: Migration) -> int:
    """How many other migrations of the organization are executing."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Migration)
            .where(
                Migration.organization_id == row.organization_id,
                Migration.id != row.id,
                Migration.status.in_(EXECUTING),
                Migration.deleted_at.is_(None),
            )
        )
        or 0
    )


def has_room(session: Session, row: Migration, limit: int | None) -> bool:
    """Whether one more migration may execute."""
    if limit is None:
        return True
    quotas.take_turns(session, row.organization_id)
    return executing(session, row) < limit


def check_room(session: Session, row: Migration, limit: int | None) -> None:
    """Let a start or a resume pass if one more migration may execute.

    Raises:
        ApiError: 409 `concurrent_limit_exceeded`.
    """
    if limit is None:
        return
    quotas.take_turns(session, row.organization_id)
    running = executing(session, row)
    if running >= limit:
        raise ApiError(
            "concurrent_limit_exceeded",
            f"{counted(running, 'migration is', 'migrations are')} executing; the plan allows {limit} at a time.",
            details={"current_running": running, "limit": limit},
        )


def blocking_mappings(session: Session, migration_id: str) -> Sequence[str]:
    """Ids of the mappings that must be decided before a start, in the order of the plan."""
    return session.scalars(
        select(MappingRow.id)
        .where(
            MappingRow.migration_id == migration_id,
            MappingRow.status == "pending_review",
            MappingRow.requires_approval,
        )
        .order_by(MappingRow.position)
    ).all()


def check_approvals(session: Session, row: Migration) -> None:
    """Let a start pass if nothing that blocks is in review.

    Raises:
        ApiError: 409 `approval_required`.
    """
    waiting = blocking_mappings(session, row.id)
    if waiting:
        raise ApiError(
            "approval_required",
            f"{counted(len(waiting), 'mapping needs', 'mappings need')} a decision before the start.",
            details={
                "pending_mappings": len(waiting),
                "mapping_ids": list(waiting[:100]),
                "current_status": row.status,
                "action": "start",
            },
        )
