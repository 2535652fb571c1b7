"""The lease on the work of one migration, as its row knows it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from sensei.server.store.migration_tables import Migration


class LeaseLostError(Exception):
    """Another process has taken the work over; this one must stop without a trace."""


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Whose work it is: the lease's owner as stored in the row."""

    migration_id: str
    owner: str


def lock_owned(session: Session, holder: LeaseHolder) -> Migration:
    """The migration's row, locked, if its lease is still ours.

    Raises:
        LeaseLostError: It is not.
    """
    row = session.get(Migration, holder.migration_id, with_for_update=True)
    if row is None or row.owner != holder.owner:
        raise LeaseLostError
    return row
