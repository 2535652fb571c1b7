"""Trying records again: the tables of the errors in question are taken back and transferred anew.

A row that was left out cannot be added by itself without asking everything again that held it back, so its table goes
through the transfer once more, with the mappings as they now are. What fails again stays the same error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sensei.server.engine.job import DataErrorRecord
from sensei.server.engine.wording import counted
from sensei.server.migrations.journal import publish_error, write_error
from sensei.server.migrations.state_machine import PHASES
from sensei.server.store.migration_tables import ErrorRow, Migration

UNSETTLED = ("open", "escalated", "retrying")


def queued(session: Session, migration_id: str) -> Sequence[str]:
    """Qualified source names of the tables whose records are to be tried again."""
    found = session.scalars(
        select(ErrorRow.table)
        .where(ErrorRow.migration_id == migration_id, ErrorRow.status == "retrying", ErrorRow.table.is_not(None))
        .distinct()
    )
    return sorted(name for name in found if name is not None)


def reopen(session: Session, row: Migration) -> bool:
    """If something is to be tried again, take the phases back to the transfer; whether that was so."""
    if not queued(session, row.id):
        return False
    first = PHASES.index("data_transfer")
    row.phases = {name: phase for name, phase in row.phases.items() if PHASES.index(name) < first}
    return True


def queue(session: Session, migration_id: str, tables: Iterable[str]) -> None:
    """These tables were taken back: what was refused of them is tried again when they are transferred."""
    rows = session.scalars(
        select(ErrorRow).where(
            ErrorRow.migration_id == migration_id, ErrorRow.table.in_(list(tables)), ErrorRow.status.in_(UNSETTLED)
        )
    )
    for error in rows:
        error.status = "retrying"


def settle(session: Session, row: Migration, tables: Iterable[str], began: datetime, now: datetime) -> None:
    """After another transfer: what did not fail again is recovered, what did is the same error as before."""
    rows = session.scalars(
        select(ErrorRow).where(
            ErrorRow.migration_id == row.id, ErrorRow.table.in_(list(tables)), ErrorRow.status.in_(UNSETTLED)
        )
    ).all()
    fresh = {(e.table, e.column, e.type): e for e in rows if e.timestamp >= began}
    for error in rows:
        if error.timestamp >= began:
            continue
        again = fresh.pop((error.table, error.column, error.type), None)
        error.attempted_fixes += 1
        if again is None:
            error.status = "recovered"
            error.last_fix_attempt = "Transferred again: the records were accepted"
            publish_error(session, row, error, "recovered", now)
        else:
            error.status = "escalated"
            error.last_fix_attempt = "Transferred again: still refused"
            error.message, error.sample, error.affected_records = again.message, again.sample, again.affected_records
            session.delete(again)
            publish_error(session, row, error, "escalated", now)
    session.flush()
    recount(session, row)


def recount(session: Session, row: Migration) -> None:
    """Bring the counters in line with the errors as they are."""
    counts: dict[str, int] = {
        status: int(total)
        for status, total in session.execute(
            select(ErrorRow.status, func.sum(ErrorRow.affected_records))
            .where(ErrorRow.migration_id == row.id)
            .group_by(ErrorRow.status)
        )
    }
    row.errors_recovered = counts.pop("recovered", 0)
    row.errors_escalated = sum(counts.values())


def reconcile(session: Session, row: Migration, now: datetime) -> None:
    """Add what the engine counts as left out and nobody recorded, because a process died in between."""
    recorded: dict[str | None, int] = {
        table: int(total)
        for table, total in session.execute(
            select(ErrorRow.table, func.sum(ErrorRow.affected_records))
            .where(ErrorRow.migration_id == row.id, ErrorRow.status != "recovered")
            .group_by(ErrorRow.table)
        )
    }
    for name, table in (row.state or {}).get("tables", {}).items():
        missing = int(table.get("errors", 0)) - recorded.get(name, 0)
        if missing > 0:
            record = DataErrorRecord(
                type="logic",
                status="escalated",
                message=f"{counted(missing, 'row was', 'rows were')} left out; "
                "what was wrong was lost when a process died",
                reason_code="E5004",
                phase="data_transfer",
                table=name,
                affected_records=missing,
            )
            write_error(session, row, record, now)
