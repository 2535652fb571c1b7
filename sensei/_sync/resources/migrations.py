# Generated from sensei/_async/resources/migrations.py by scripts/generate_sync.py: change that file and run the script.
"""Migrations: make them, find them, change them; what they do is in the modules beside this one."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal, cast

from sensei._body_checks import changed, check_schedule, checked
from sensei._redact import concealed
from sensei._request import UNSET, HeaderTypes, RequestExtras, TimeoutTypes, Unset
from sensei._sync.pagination import Page
from sensei._sync.resources.migration import Migration, MigrationSummary
from sensei._sync.resources.migration_actions import MigrationActions
from sensei._sync.resources.migration_insight import MigrationInsight
from sensei._sync.resources.migration_recovery import MigrationRecovery
from sensei._sync.resources.migration_schedules import MigrationSchedules
from sensei._wait_conditions import default_migration_name
from sensei.models.enums import MigrationStatusParam, StrategyParam
from sensei.models.migration_actions import MigrationDeleted

if TYPE_CHECKING:
    from sensei.models.params.migrations import (
        MigrationOptionsParam,
        MigrationSourceParam,
        MigrationTargetParam,
        NotificationsParam,
        ScheduleParam,
    )


class Migrations(MigrationActions, MigrationInsight, MigrationRecovery, MigrationSchedules):
    """`client.migrations`: from the first plan to the last row."""

    def create(
        self,
        *,
        source: MigrationSourceParam,
        target: MigrationTargetParam,
        name: str | None = None,
        description: str | Unset = UNSET,
        strategy: StrategyParam | Unset = UNSET,
        options: MigrationOptionsParam | Unset = UNSET,
        schedule: ScheduleParam | Unset = UNSET,
        notifications: NotificationsParam | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Migration:
        """Make a migration; planning begins in the background. `POST /migrations`

        Args:
            source: the side to read from: `{"connection_id": …}`, or `{"type": …, "connection_string": …}`, with the
                schemas and tables to take.
            target: the side to write to, given like the source.
            name: what people call it, up to 255 characters; made from the two ends when None.
            description: up to 2,000 characters.
            strategy: preset for the trade between pace and caution; `balanced` when not given.
            options: settings such as `parallelism`, `batch_size` and `auto_approve_above`.
            schedule: when to start, and in which windows to work.
            notifications: who is told about what.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The migration, `pending`; `wait_for_plan()` for what it will do.

        Raises:
            InvalidArgumentError: a member is missing, unknown or cannot be right.
            UnprocessableEntityError: the server refuses a value, e.g. a connection in the wrong role.

        Examples:
            >>> migration = client.migrations.create(
            ...     name="Q1 Database Modernization",
            ...     source={"connection_id": "conn_source"},
            ...     target={"connection_id": "conn_target"},
            ... )
        """
        from sensei.models.params.migrations import MigrationCreateBody

        # They may hold passwords, and reports of crashes print the variables of this frame.
        source, target = concealed(source), concealed(target)
        check_schedule(schedule)
        return self._call(
            Migration,
            "POST",
            "/migrations",
            json=checked(
                MigrationCreateBody,
                name=default_migration_name(source, target) if name is None else name,
                description=description,
                source=source,
                target=target,
                strategy=strategy,
                options=options,
                schedule=schedule,
                notifications=notifications,
            ),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    def get(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> Migration:
        """Fetch one migration. `GET /migrations/{id}`

        Args:
            id: its id, `mig_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The migration.

        Raises:
            NotFoundError: there is no migration with this id.

        Examples:
            >>> migration = client.migrations.get("mig_abc123")
            >>> print(migration.status, migration.percent)
        """
        return self._call(Migration, "GET", "/migrations/{id}", id, timeout=timeout, headers=headers)

    def list(
        self,
        *,
        status: MigrationStatusParam | None = None,
        source_id: str | None = None,
        target_id: str | None = None,
        created_after: datetime | date | str | None = None,
        created_before: datetime | date | str | None = None,
        sort: Literal["created_at", "started_at", "name"] | None = None,
        order: Literal["asc", "desc"] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Page[MigrationSummary]:
        """List migrations in short form, newest first. `GET /migrations`

        Args:
            status: only this status.
            source_id: only those that read from this connection.
            target_id: only those that write to this connection.
            created_after: only those made after this time; a bare date means its first instant in UTC.
            created_before: only those made before this time; a bare date means its first instant in UTC.
            sort: member to sort by; `created_at` when None.
            order: direction; `asc` when None and sorting by name, else `desc`.
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page. Items are summaries: `fetch()` gives the
            whole migration.

        Examples:
            >>> for summary in client.migrations.list(status="running"):
            ...     print(summary.name, summary.progress_percent)
        """
        return self._pages(
            MigrationSummary,
            "/migrations",
            params={
                "status": status,
                "source_id": source_id,
                "target_id": target_id,
                "created_after": created_after,
                "created_before": created_before,
                "sort": sort,
                "order": order,
                "limit": limit,
                "offset": offset,
            },
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    def update(
        self,
        id: str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        strategy: StrategyParam | Unset = UNSET,
        options: MigrationOptionsParam | Unset = UNSET,
        notifications: NotificationsParam | Unset | None = UNSET,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Migration:
        """Change a migration; what is not given stays. `PATCH /migrations/{id}`

        Args:
            id: its id.
            name: the new name.
            description: the new description; None removes it.
            strategy: the new preset; possible before the start and while paused, like `options`.
            options: settings to change; the others stay. `auto_approve_above` None switches automatic approval off.
            notifications: all of them from now on; None removes them.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The migration as it is now.

        Raises:
            InvalidArgumentError: nothing to change, or a value that cannot be right.
            InvalidStateError: it is at work.

        Examples:
            >>> client.migrations.update("mig_abc123", options={"parallelism": 8})
        """
        from sensei.models.params.migrations import MigrationUpdateBody

        return self._call(
            Migration,
            "PATCH",
            "/migrations/{id}",
            id,
            json=changed(
                MigrationUpdateBody,
                name=name,
                description=description,
                strategy=strategy,
                options=options,
                notifications=notifications,
            ),
            timeout=timeout,
            headers=headers,
        )

    def delete(
        self,
        id: str,
        *,
        keep_logs: bool = True,
        keep_metrics: bool = True,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> MigrationDeleted:
        """Delete a migration that has ended; certificates stay. `DELETE /migrations/{id}`

        Args:
            id: its id.
            keep_logs: keep the logs for audits.
            keep_metrics: keep the history of metrics.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            What was kept of it.

        Raises:
            InvalidStateError: it has not ended; cancel it first.

        Examples:
            >>> client.migrations.delete("mig_abc123", keep_logs=False)
        """
        deleted = self._call(
            cast("type[MigrationDeleted | None]", MigrationDeleted),
            "DELETE",
            "/migrations/{id}",
            id,
            params={"keep_logs": None if keep_logs else False, "keep_metrics": None if keep_metrics else False},
            extras=RequestExtras(gone_is_none=True),
            timeout=timeout,
            headers=headers,
        )
        if deleted is None:  # an earlier try, whose answer was lost, has done it
            return MigrationDeleted(id=id, deleted=True, logs_retained=keep_logs, metrics_retained=keep_metrics)
        return deleted
