# Generated from sensei/_async/resources/migration_insight.py by scripts/generate_sync.py: change that file and run the script.
"""Looking into migrations: reports, figures, logs, live events, structures."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sensei._request import UNSET, HeaderTypes, TimeoutTypes
from sensei._sync.resources._base import Resource
from sensei.models.enums import LogLevelParam, PhaseNameParam
from sensei.models.migrations import LogEntry

if TYPE_CHECKING:
    from sensei._sync.pagination import Page
    from sensei._sync.streaming import EventStream
    from sensei.models.database_schemas import DatabaseSchema
    from sensei.models.migration_reports import MigrationMetrics, MigrationStatusReport


class MigrationInsight(Resource):
    """What `client.migrations` tells about running ones."""

    def status(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> MigrationStatusReport:
        """Fetch a short report, with rates and an estimate of the end. `GET /migrations/{id}/status`

        Allowed 60 times a minute; `get` and the event stream have no such limit.

        Args:
            id: the migration.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            Progress, phases, times and counts of errors.

        Examples:
            >>> report = client.migrations.status("mig_abc123")
            >>> print(report.status, report.progress.percent)
        """
        from sensei.models.migration_reports import MigrationStatusReport

        return self._call(MigrationStatusReport, "GET", "/migrations/{id}/status", id, timeout=timeout, headers=headers)

    def metrics(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> MigrationMetrics:
        """Fetch the figures of this moment, in total and by table. `GET /migrations/{id}/metrics`

        Args:
            id: the migration.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            Throughput, resources and quality, in all and by table.

        Examples:
            >>> metrics = client.migrations.metrics("mig_abc123")
            >>> for table in metrics.by_table:
            ...     print(table.table, table.records_processed, table.records_total)
        """
        from sensei.models.migration_reports import MigrationMetrics

        return self._call(MigrationMetrics, "GET", "/migrations/{id}/metrics", id, timeout=timeout, headers=headers)

    def logs(
        self,
        id: str,
        *,
        level: LogLevelParam | None = None,
        phase: PhaseNameParam | None = None,
        since: datetime | str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Page[LogEntry]:
        """List the log, oldest first. `GET /migrations/{id}/logs`

        Args:
            id: the migration.
            level: this weight and those above it.
            phase: only this phase.
            since: only entries after this time.
            limit: items in one page, 1 to 100; 100 when None.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> for entry in client.migrations.logs("mig_abc123", level="warning"):
            ...     print(entry.timestamp, entry.message)
        """
        return self._pages(
            LogEntry,
            "/migrations/{id}/logs",
            id,
            params={"level": level, "phase": phase, "since": since, "limit": limit, "offset": offset},
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    def stream_logs(
        self,
        id: str,
        *,
        level: LogLevelParam | None = None,
        phase: PhaseNameParam | None = None,
        since: datetime | str | None = None,
        last_event_id: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> EventStream:
        """Follow the log, with progress in between. `GET /migrations/{id}/logs?follow=true`

        It begins with the newest 100 entries, and ends when the migration does.

        Args:
            id: the migration.
            level: this weight and those above it.
            phase: only this phase.
            since: only entries after this time.
            last_event_id: id of the last event seen, to go on after it, in another process too.
            timeout: seconds to connect, and between two signs of life.
            headers: headers for these calls only.

        Returns:
            The events, to be iterated; also a context manager, which closes the connection.

        Raises:
            StreamInterruptedError: the stream was cut and could not be resumed.

        Examples:
            >>> for event in client.migrations.stream_logs("mig_abc123", level="warning"):
            ...     print(event.message)
        """
        return self._stream(
            "/migrations/{id}/logs",
            id,
            params={"follow": True, "level": level, "phase": phase, "since": since},
            last_event_id=last_event_id,
            timeout=timeout,
            headers=headers,
        )

    def stream_events(
        self,
        id: str,
        *,
        since: datetime | str | None = None,
        last_event_id: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> EventStream:
        """Follow a migration live, from its first event to its end. `GET /migrations/{id}/events`

        A cut connection is resumed without loss or repetition. The stream stays open while the migration is paused.

        Args:
            id: the migration.
            since: only events after this time.
            last_event_id: id of the last event seen, to go on after it, in another process too.
            timeout: seconds to connect, and between two signs of life.
            headers: headers for these calls only.

        Returns:
            The events, to be iterated; also a context manager, which closes the connection.

        Raises:
            StreamInterruptedError: the stream was cut and could not be resumed.

        Examples:
            >>> for event in client.migrations.stream_events("mig_abc123"):
            ...     print(event.type, event.phase, event.percent, event.message)
        """
        return self._stream(
            "/migrations/{id}/events",
            id,
            params={"since": since},
            last_event_id=last_event_id,
            timeout=timeout,
            headers=headers,
        )

    def source_schema(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> DatabaseSchema:
        """Fetch the structure of the source, as the plan saw it. `GET /migrations/{id}/schema/source`

        Args:
            id: the migration.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            Schemas, tables, columns, keys and indexes.

        Raises:
            PlanNotReadyError: the source was not analysed yet.

        Examples:
            >>> structure = client.migrations.source_schema("mig_abc123")
            >>> print(structure.summary.tables, "tables")
        """
        from sensei.models.database_schemas import DatabaseSchema

        return self._call(DatabaseSchema, "GET", "/migrations/{id}/schema/source", id, timeout=timeout, headers=headers)

    def target_schema(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> DatabaseSchema:
        """Fetch the structure of the target, as it is planned. `GET /migrations/{id}/schema/target`

        Args:
            id: the migration.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            Schemas, tables, columns, keys and indexes.

        Raises:
            PlanNotReadyError: it was not planned yet.

        Examples:
            >>> structure = client.migrations.target_schema("mig_abc123")
        """
        from sensei.models.database_schemas import DatabaseSchema

        return self._call(DatabaseSchema, "GET", "/migrations/{id}/schema/target", id, timeout=timeout, headers=headers)
