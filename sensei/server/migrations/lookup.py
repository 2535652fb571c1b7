"""Finding what a caller may see. What belongs to somebody else does not exist."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from sensei.server.errors import not_found
from sensei.server.http.operation import Context
from sensei.server.store.migration_tables import Migration


def my_migrations(ctx: Context) -> Select[Migration]:
    """The migrations of the caller's organization and environment."""
    return select(Migration).where(
        Migration.organization_id == ctx.principal.organization_id,
        Migration.environment == ctx.principal.environment,
        Migration.deleted_at.is_(None),
    )


def find_migration(ctx: Context, session: Session, id: str) -> Migration:
    """The caller's migration with that id; in the write transaction its row is locked.

    Raises:
        ApiError: 404 `migration_not_found`.
    """
    statement = my_migrations(ctx).where(Migration.id == id)
    if ctx.has_begun and session is ctx.tx:
        statement = statement.with_for_update()
    row = session.scalar(statement)
    if row is None:
        raise not_found("migration", id)
    return row
