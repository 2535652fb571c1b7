"""Wire form of the usage of a month."""

from __future__ import annotations

from typing_extensions import TypedDict


class RequestUsageOut(TypedDict):
    """Requests of the month; no plan here limits them by month."""

    total: int
    limit: int | None
    remaining: int | None


class MigrationUsageOut(TypedDict):
    """Migrations executing now and made this month."""

    active: int
    limit: int | None
    total_this_period: int


class UsageOut(TypedDict):
    """`Usage`."""

    period: str
    tier: str
    requests: RequestUsageOut
    migrations: MigrationUsageOut
    data_processed_gb: float
    data_processed_bytes: int
