"""How many of a thing an organization may have, kept exactly, also by several processes at the same instant."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from sensei.server.errors import ApiError
from sensei.server.store.tables import Organization


def take_turns(session: Session, organization_id: str) -> None:
    """Hold the organization until the transaction ends: what is counted now stays so until then.

    Take it after the rows of single things, never before, so that nobody waits in a circle.
    """
    session.execute(select(Organization.id).where(Organization.id == organization_id).with_for_update())


def check(session: Session, organization_id: str, existing: Select[Any], limit: int | None, what: str) -> None:
    """Let one more thing be made.

    Parameters:
        existing: Those there are.
        limit: The most there may be; None is any number.
        what: What they are called, in the plural.

    Raises:
        ApiError: 403 `quota_exceeded`.
    """
    if limit is None:
        return
    take_turns(session, organization_id)
    if (session.scalar(select(func.count()).select_from(existing.subquery())) or 0) >= limit:
        raise ApiError("quota_exceeded", f"The plan allows {limit} {what}.", details={"limit": limit})
