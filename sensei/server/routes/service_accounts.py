"""Service accounts. Their credentials are in the answers of `create` and `rotate` and nowhere else."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import Session

from sensei.server.auth import service_accounts
from sensei.server.auth.service_accounts import Credentials
from sensei.server.errors import not_found
from sensei.server.http.operation import Answer, Context, Router
from sensei.server.http.pagination import Page, page_of
from sensei.server.ids import new_id
from sensei.server.routes.api_keys import may_hand_out
from sensei.server.schemas.base import PageQuery, wire_time, wire_time_or_none
from sensei.server.schemas.service_accounts import (
    ServiceAccountCreate,
    ServiceAccountCreatedOut,
    ServiceAccountOut,
)
from sensei.server.store.oauth_tables import AccessToken, ServiceAccount, ServiceAccountCredential

router: Router = Router("/service-accounts")


@router.get("", operation="service_accounts.list", scope="admin:read")
def list_accounts(ctx: Context, query: PageQuery) -> Page[ServiceAccountOut]:
    """Newest first."""
    ordered = _mine(ctx).order_by(ServiceAccount.created_at.desc(), ServiceAccount.id.desc())
    with ctx.store.read() as session:
        return page_of(session, ordered, query, lambda row: show(ctx, session, row))


@router.post("", operation="service_accounts.create", scope="admin:write", status=201, errors=("quota_exceeded",))
def create(ctx: Context, body: ServiceAccountCreate) -> Answer[ServiceAccountCreatedOut]:
    """Make an account with its first credentials."""
    may_hand_out(ctx, body.scopes)
    row = ServiceAccount(
        id=new_id("sa"),
        organization_id=ctx.principal.organization_id,
        environment=ctx.principal.environment,
        name=body.name,
        description=body.description,
        scopes=body.scopes,
        ip_whitelist=body.ip_whitelist or [],
        created_at=ctx.now,
        created_by=ctx.principal.id,
    )
    ctx.tx.add(row)
    ctx.tx.flush()
    fresh = service_accounts.add_credentials(ctx.tx, row.id, ctx.now)
    return Answer(_with_credentials(ctx, row, fresh), location=f"/v1/service-accounts/{row.id}", resource=row.id)


@router.get("/{id}", operation="service_accounts.get", scope="admin:read", errors=("service_account_not_found",))
def get(ctx: Context, id: str) -> ServiceAccountOut:
    """One account."""
    with ctx.store.read() as session:
        return show(ctx, session, _find(ctx, session, id))


@router.delete("/{id}", operation="service_accounts.delete", scope="admin:write", errors=("service_account_not_found",))
def delete(ctx: Context, id: str) -> None:
    """Remove an account; its credentials and the tokens got with them end at once."""
    row = _find(ctx, ctx.tx, id)
    ctx.tx.execute(delete_rows(ServiceAccountCredential).where(ServiceAccountCredential.account_id == row.id))
    ctx.tx.execute(delete_rows(AccessToken).where(AccessToken.client_id == row.id))
    ctx.tx.delete(row)


@router.post(
    "/{id}/rotate", operation="service_accounts.rotate", scope="admin:write", errors=("service_account_not_found",)
)
def rotate(ctx: Context, id: str) -> ServiceAccountCreatedOut:
    """Replace the credentials; the old ones work 24 hours more."""
    row = _find(ctx, ctx.tx, id)
    # Whoever sees the new credentials could use them.
    may_hand_out(ctx, row.scopes)
    fresh = service_accounts.rotate(ctx.tx, row, ctx.now)
    ctx.tx.flush()
    return _with_credentials(ctx, row, fresh)


def show(ctx: Context, session: Session, row: ServiceAccount) -> ServiceAccountOut:
    """An account as the wire has it."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "scopes": row.scopes,
        "environment": row.environment,
        "ip_whitelist": row.ip_whitelist,
        "created_at": wire_time(row.created_at),
        "last_used_at": wire_time_or_none(row.last_used_at),
        "rotated_at": wire_time_or_none(row.rotated_at),
        "previous_credentials_valid_until": wire_time_or_none(
            service_accounts.previous_valid_until(session, row.id, ctx.now)
        ),
    }


def _with_credentials(ctx: Context, row: ServiceAccount, fresh: Credentials) -> ServiceAccountCreatedOut:
    return {
        **show(ctx, ctx.tx, row),
        "credentials": {
            "client_id": row.id,
            "client_secret": fresh.client_secret,
            "token_endpoint": f"{ctx.runtime.origin}/oauth/token",
            "token": fresh.token,
        },
    }


def _mine(ctx: Context) -> Select[ServiceAccount]:
    return select(ServiceAccount).where(
        ServiceAccount.organization_id == ctx.principal.organization_id,
        ServiceAccount.environment == ctx.principal.environment,
    )


def _find(ctx: Context, session: Session, id: str) -> ServiceAccount:
    statement = _mine(ctx).where(ServiceAccount.id == id)
    if ctx.has_begun and session is ctx.tx:
        statement = statement.with_for_update()
    row = session.scalar(statement)
    if row is None:
        raise not_found("service_account", id)
    return row
