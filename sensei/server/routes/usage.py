"""Usage of the running month."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from sensei.server.http.operation import Context, Router
from sensei.server.migrations.state_machine import EXECUTING
from sensei.server.schemas.usage import UsageOut
from sensei.server.settings import TIERS, RateLimits
from sensei.server.store.migration_tables import Migration
from sensei.server.store.tables import UsageWindow

router: Router = Router("/usage")

_BYTES_PER_GB = 10**9


@router.get("/current", operation="usage.current.get", scope="billing:read")
def current(ctx: Context) -> UsageOut:
    """Requests, migrations and data of the month so far, this call included."""
    ctx.runtime.save_usage()
    organization = ctx.principal.organization_id
    period = f"{ctx.now.year:04}-{ctx.now.month:02}"
    begin = datetime(ctx.now.year, ctx.now.month, 1, tzinfo=UTC)
    mine = Migration.organization_id == organization
    with ctx.store.read() as session:
        requests = session.scalar(
            select(func.coalesce(func.sum(UsageWindow.requests), 0)).where(
                UsageWindow.subject == organization, UsageWindow.day.startswith(period)
            )
        )
        active = session.scalar(select(func.count()).where(mine, Migration.status.in_(EXECUTING)))
        made = session.scalar(select(func.count()).where(mine, Migration.created_at >= begin))
        moved = session.scalar(
            select(func.coalesce(func.sum(Migration.bytes_processed), 0)).where(mine, Migration.started_at >= begin)
        )
    return {
        "period": period,
        "tier": _tier(ctx.runtime.settings.limits),
        "requests": {"total": int(requests or 0), "limit": None, "remaining": None},
        "migrations": {
            "active": active or 0,
            "limit": ctx.runtime.settings.quotas.concurrent_migrations,
            "total_this_period": made or 0,
        },
        "data_processed_gb": round(int(moved or 0) / _BYTES_PER_GB, 3),
        "data_processed_bytes": int(moved or 0),
    }


def _tier(limits: RateLimits) -> str:
    """The documented tier with these limits; limits of one's own are what ``enterprise`` means, by agreement."""
    return next((name for name, known in TIERS.items() if known == limits and name != "local"), "enterprise")
