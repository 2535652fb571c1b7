"""API keys. The key itself is in the answer of `create` and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from sensei.server import quotas
from sensei.server.auth import access_control
from sensei.server.errors import ApiError, invalid, not_found
from sensei.server.http.operation import Answer, Context, Router
from sensei.server.http.pagination import Page, page_of
from sensei.server.schemas.api_keys import ApiKeyCreate, ApiKeyCreatedOut, ApiKeyOut, ApiKeyUpdate
from sensei.server.schemas.base import PageQuery, wire_time, wire_time_or_none
from sensei.server.store.tables import ApiKey

router: Router = Router("/api-keys")


@router.get("", operation="api_keys.list", scope="admin:read")
def list_keys(ctx: Context, query: PageQuery) -> Page[ApiKeyOut]:
    """Newest first, expired ones included."""
    ordered = _manageable(ctx).order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    with ctx.store.read() as session:
        return page_of(session, ordered, query, lambda row: show(row, ctx.now))


@router.post("", operation="api_keys.create", scope="admin:write", status=201, errors=("quota_exceeded",))
def create(ctx: Context, body: ApiKeyCreate) -> Answer[ApiKeyCreatedOut]:
    """Make a key for the caller's environment, or for the sandbox."""
    may_hand_out(ctx, body.scopes)
    environment = body.environment or ctx.principal.environment
    if environment == "production" and ctx.principal.environment != "production":
        raise ApiError("forbidden", "A sandbox credential cannot make a production key.")
    _check_future(body.expires_at, ctx.now)
    limit = ctx.runtime.settings.quotas.api_keys
    quotas.check(ctx.tx, ctx.principal.organization_id, _manageable(ctx), limit, "API keys")
    row, secret = access_control.make_api_key(
        ctx.tx,
        organization_id=ctx.principal.organization_id,
        environment=environment,
        name=body.name,
        scopes=body.scopes,
        now=ctx.now,
        created_by=ctx.principal.id,
        ip_whitelist=body.ip_whitelist,
        expires_at=body.expires_at,
    )
    return Answer({**show(row, ctx.now), "key": secret}, location=f"/v1/api-keys/{row.id}", resource=row.id)


@router.get("/{id}", operation="api_keys.get", scope="admin:read", errors=("api_key_not_found",))
def get(ctx: Context, id: str) -> ApiKeyOut:
    """One key, without the secret."""
    with ctx.store.read() as session:
        return show(_find(ctx, session, id), ctx.now)


@router.patch("/{id}", operation="api_keys.update", scope="admin:write", errors=("api_key_not_found",))
def update(ctx: Context, id: str, body: ApiKeyUpdate) -> ApiKeyOut:
    """Change name, scopes, addresses or end of a key; the key itself stays the same."""
    row = _find(ctx, ctx.tx, id)
    # A stronger key is not for a weaker one to open to other addresses, or to bring back after its end.
    may_hand_out(ctx, row.scopes)
    if body.scopes is not None:
        may_hand_out(ctx, body.scopes)
        row.scopes = body.scopes
    if body.name is not None:
        row.name = body.name
    if body.ip_whitelist is not None:
        row.ip_whitelist = body.ip_whitelist
    if "expires_at" in body.model_fields_set:
        _check_future(body.expires_at, ctx.now)
        row.expires_at = body.expires_at
    return show(row, ctx.now)


@router.delete("/{id}", operation="api_keys.delete", scope="admin:write", errors=("api_key_not_found",))
def delete(ctx: Context, id: str) -> None:
    """End a key at once, a stronger one too: to end what has leaked gives nobody anything. A key may end itself."""
    ctx.tx.delete(_find(ctx, ctx.tx, id))


def may_hand_out(ctx: Context, scopes: Iterable[str]) -> None:
    """Let pass what the caller holds itself.

    Raises:
        ApiError: 403 `forbidden` that names the first scope the caller lacks.
    """
    for scope in scopes:
        if not access_control.grants(ctx.principal.scopes, scope):
            raise ApiError(
                "forbidden",
                f"The credential lacks the scope {scope} and cannot hand it out.",
                details={"required_scope": scope},
            )


def show(row: ApiKey, now: datetime) -> ApiKeyOut:
    """A key as the wire has it."""
    return {
        "id": row.id,
        "name": row.name,
        "scopes": row.scopes,
        "environment": row.environment,
        "key_prefix": row.key_prefix,
        "status": "expired" if row.expires_at is not None and row.expires_at <= now else "active",
        "ip_whitelist": row.ip_whitelist,
        "expires_at": wire_time_or_none(row.expires_at),
        "created_at": wire_time(row.created_at),
        "created_by": row.created_by,
        "last_used_at": wire_time_or_none(row.last_used_at),
    }


def _manageable(ctx: Context) -> Select[ApiKey]:
    """A production credential manages the keys of both environments, since it can make both."""
    statement = select(ApiKey).where(ApiKey.organization_id == ctx.principal.organization_id)
    if ctx.principal.environment != "production":
        statement = statement.where(ApiKey.environment == ctx.principal.environment)
    return statement


def _find(ctx: Context, session: Session, id: str) -> ApiKey:
    statement = _manageable(ctx).where(ApiKey.id == id)
    if ctx.has_begun and session is ctx.tx:
        statement = statement.with_for_update()
    row = session.scalar(statement)
    if row is None:
        raise not_found("api_key", id)
    return row


def _check_future(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise invalid("expires_at", "in_the_past", "must lie in the future")
