"""When migrations start, and in which windows they work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import NoneType
from typing import TYPE_CHECKING

from sensei._async.resources._base import AsyncResource
from sensei._body_checks import changed, check_schedule, checked
from sensei._request import UNSET, HeaderTypes, TimeoutTypes, Unset
from sensei.models.schedules import Schedule

if TYPE_CHECKING:
    from sensei.models.params.migrations import (
        MaintenanceWindowParam,
        ScheduleBehaviorParam,
    )


class AsyncMigrationSchedules(AsyncResource):
    """The schedules of `client.migrations`."""

    async def schedule(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> Schedule:
        """Fetch the schedule of a migration. `GET /migrations/{id}/schedule`

        Args:
            id: the migration.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            When it starts, and its windows.

        Raises:
            NotFoundError: it has no schedule.

        Examples:
            >>> schedule = await client.migrations.schedule("mig_abc123")
            >>> print(schedule.status, schedule.start_at)
        """
        return await self._call(Schedule, "GET", "/migrations/{id}/schedule", id, timeout=timeout, headers=headers)

    async def set_schedule(
        self,
        id: str,
        *,
        start_at: datetime | str | Unset = UNSET,
        timezone: str | Unset = UNSET,
        maintenance_window: MaintenanceWindowParam | Unset = UNSET,
        maintenance_windows: Sequence[MaintenanceWindowParam] | Unset = UNSET,
        behavior: ScheduleBehaviorParam | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Schedule:
        """Give a migration a schedule, in place of one it had. `POST /migrations/{id}/schedule`

        Args:
            id: the migration.
            start_at: when to start: an aware datetime, or RFC 3339 text. This or a window is needed.
            timezone: IANA zone for windows that name none.
            maintenance_window: the window in which it works.
            maintenance_windows: the windows, when there are several, up to 20.
            behavior: what happens when a window closes.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The schedule.

        Raises:
            InvalidArgumentError: it says neither when to start nor in which windows to work.
            InvalidStateError: the migration is validating or has ended.

        Examples:
            >>> from datetime import UTC, datetime, timedelta
            >>> await client.migrations.set_schedule("mig_abc123", start_at=datetime.now(UTC) + timedelta(hours=6))
        """
        from sensei.models.params.migrations import ScheduleParam

        body = checked(
            ScheduleParam,
            start_at=start_at,
            timezone=timezone,
            maintenance_window=maintenance_window,
            maintenance_windows=maintenance_windows,
            behavior=behavior,
        )
        check_schedule(body)
        return await self._call(
            Schedule,
            "POST",
            "/migrations/{id}/schedule",
            id,
            json=body,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def update_schedule(
        self,
        id: str,
        *,
        start_at: datetime | str | Unset | None = UNSET,
        timezone: str | Unset | None = UNSET,
        maintenance_window: MaintenanceWindowParam | Unset | None = UNSET,
        maintenance_windows: Sequence[MaintenanceWindowParam] | Unset | None = UNSET,
        behavior: ScheduleBehaviorParam | Unset = UNSET,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Schedule:
        """Change a schedule; what is not given stays, None removes. `PATCH /migrations/{id}/schedule`

        Args:
            id: the migration.
            start_at: the new start.
            timezone: the new zone.
            maintenance_window: the new window.
            maintenance_windows: all windows from now on.
            behavior: members to change; the others stay.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The schedule as it is now.

        Raises:
            InvalidArgumentError: nothing to change, or a value that cannot be right.
            NotFoundError: it has no schedule.
            UnprocessableEntityError: neither a start nor a window would be left.

        Examples:
            >>> await client.migrations.update_schedule("mig_abc123", behavior={"outside_window": "continue"})
        """
        from sensei.models.params.migrations import ScheduleUpdateBody

        return await self._call(
            Schedule,
            "PATCH",
            "/migrations/{id}/schedule",
            id,
            json=changed(
                ScheduleUpdateBody,
                start_at=start_at,
                timezone=timezone,
                maintenance_window=maintenance_window,
                maintenance_windows=maintenance_windows,
                behavior=behavior,
            ),
            timeout=timeout,
            headers=headers,
        )

    async def clear_schedule(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> None:
        """Remove the schedule of a migration. `DELETE /migrations/{id}/schedule`

        Args:
            id: the migration.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Raises:
            NotFoundError: it has no schedule.

        Examples:
            >>> await client.migrations.clear_schedule("mig_abc123")
        """
        await self._call(NoneType, "DELETE", "/migrations/{id}/schedule", id, timeout=timeout, headers=headers)
