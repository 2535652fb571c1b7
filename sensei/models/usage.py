"""What was used in a month, and what is allowed."""

from sensei.models.base import Model
from sensei.models.enums import Tier

__all__ = ["MigrationUsage", "RequestUsage", "Tier", "UsageReport"]


class RequestUsage(Model):
    """Requests of the month.

    Attributes:
        total: Requests made.
        limit: Requests allowed; None without a limit.
        remaining: Requests left; None without a limit.
    """

    total: int
    limit: int | None = None
    remaining: int | None = None


class MigrationUsage(Model):
    """Migrations of the month.

    Attributes:
        active: Migrations executing now.
        limit: Migrations allowed at a time; None without a limit.
        total_this_period: Migrations made in the month.
    """

    active: int
    limit: int | None = None
    total_this_period: int | None = None


class UsageReport(Model):
    """What was used in a month.

    Attributes:
        period: The calendar month in UTC, `YYYY-MM`.
        tier: The plan of the organization.
        requests: Requests made and allowed.
        migrations: Migrations made and allowed.
        data_processed_gb: Data moved, in gigabytes of 10^9 bytes.
        data_processed_bytes: Data moved, in bytes.
    """

    period: str
    tier: Tier | None = None
    requests: RequestUsage
    migrations: MigrationUsage
    data_processed_gb: float | None = None
    data_processed_bytes: int | None = None
