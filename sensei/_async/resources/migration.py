"""A migration as a live object: the documented program, method by method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self

from pydantic import Field

from sensei._async.resources._base import AsyncLiveObject
from sensei._async.resources.migration_plan import AsyncMigrationPlan, AsyncPlanReference
from sensei._request import UNSET, Unset
from sensei._wait_conditions import check_success
from sensei.models.base import Model
from sensei.models.migration_actions import MigrationDeleted
from sensei.models.migrations import MigrationData, MigrationSummaryData

if TYPE_CHECKING:
    from sensei._async.resources.validation import AsyncValidation
    from sensei._async.streaming import AsyncEventStream
    from sensei.models.enums import (
        LogLevelParam,
        PhaseNameParam,
        RollbackScopeParam,
        RollbackStrategyParam,
        ValidationTypeParam,
    )
    from sensei.models.params.migrations import StartPhase
    from sensei.models.params.validations import ValidationOptionsParam


class AsyncMigrationSummary(AsyncLiveObject, MigrationSummaryData):
    """A migration as lists show it: on the wire, it has fewer members than a whole one. `fetch()` gives the rest."""

    async def fetch(self) -> AsyncMigration:
        """Fetch the whole migration. `GET /migrations/{id}`

        Returns:
            The migration with all its members.

        Examples:
            >>> async for summary in client.migrations.list(status="failed"):
            ...     migration = await summary.fetch()
            ...     print(migration.name, migration.error)
        """
        return await self._attached().migrations.get(self.id)


class AsyncMigration(AsyncLiveObject, MigrationData):
    """A migration that can be planned, run, watched and undone.

    Attributes:
        plan: what is known about the plan; the plan itself once `wait_for_plan()` or `fetch_plan()` has fetched it.
    """

    plan: AsyncPlanReference | AsyncMigrationPlan = Field(default_factory=AsyncPlanReference)

    async def wait_for_plan(
        self,
        *,
        timeout: float | None = 3600.0,
        interval: float | None = None,
        on_progress: Callable[[AsyncMigration], object] | None = None,
    ) -> AsyncMigrationPlan:
        """Wait until the plan is there, and fetch it. `GET /migrations/{id}` and `GET /migrations/{id}/plan`

        Args:
            timeout: seconds for the whole wait, or None to wait for ever.
            interval: seconds between questions; None adapts them.
            on_progress: called with the migration each time it was fetched.

        Returns:
            The plan, which is in `plan` from now on; the rest of the object is refreshed too.

        Raises:
            MigrationFailedError: no plan could be made, or the migration ended before there was one.
            WaitTimeoutError: it is still being made.

        Examples:
            >>> plan = await migration.wait_for_plan()
            >>> for mapping in plan.mappings:
            ...     print(mapping.source, "->", mapping.target, mapping.confidence)
        """
        migrations = self._attached().migrations
        seen, plan = await migrations._wait_for_plan(
            self.id, timeout=timeout, interval=interval, on_progress=on_progress
        )
        self._become(seen)
        self.plan = plan
        return plan

    async def fetch_plan(self) -> AsyncMigrationPlan:
        """Fetch the plan as it is now, finished or not, and keep it in `plan`. `GET /migrations/{id}/plan`

        Returns:
            The plan, as it is now.

        Examples:
            >>> plan = await migration.fetch_plan()
            >>> plan.status
            'ready'
        """
        plan = await self._attached().migrations.plan(self.id)
        self.plan = plan
        return plan

    async def start(
        self,
        *,
        skip_approval: bool = False,
        start_from_phase: StartPhase | Unset = UNSET,
        dry_run: bool = False,
        plan_timeout: float | None = 3600.0,
        idempotency_key: str | None = None,
    ) -> AsyncMigration:
        """Start the migration, after waiting for its plan if there is none yet. `POST /migrations/{id}/start`

        Args:
            skip_approval: start although mappings that need approval are undecided; the fact is audited.
            start_from_phase: phase to begin with; the ones before it are marked skipped.
            dry_run: only check that a start would work; nothing changes.
            plan_timeout: seconds to wait for the plan; 0 not to wait at all, None to wait for ever.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.

        Returns:
            The migration itself, refreshed.

        Raises:
            ApprovalRequiredError: mappings must be decided first; `plan.undecided` has them.
            PlanNotReadyError: there is no plan yet, with a `plan_timeout` of 0.
            MigrationFailedError: no plan could be made.
            InvalidStateError: it has started already, or has ended.

        Examples:
            >>> await migration.start()
        """
        migrations = self._attached().migrations
        if self.status in {"pending", "planning"} and plan_timeout != 0:
            await self.wait_for_plan(timeout=plan_timeout)
        await migrations.start(
            self.id,
            skip_approval=skip_approval,
            start_from_phase=start_from_phase,
            dry_run=dry_run,
            plan_timeout=plan_timeout,
            idempotency_key=idempotency_key,
        )
        return await self.refresh()

    async def pause(
        self, *, reason: str | Unset = UNSET, immediate: bool = False, idempotency_key: str | None = None
    ) -> AsyncMigration:
        """Stop at the next checkpoint; `resume()` goes on. `POST /migrations/{id}/pause`

        Args:
            reason: why, up to 1,000 characters.
            immediate: drop the batches in flight, which are read again on resume.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.

        Returns:
            The migration itself, refreshed: `pausing`, then `paused`.

        Raises:
            InvalidStateError: it is not running.

        Examples:
            >>> await migration.pause(reason="month-end close")
        """
        await self._attached().migrations.pause(
            self.id, reason=reason, immediate=immediate, idempotency_key=idempotency_key
        )
        return await self.refresh()

    async def resume(self, *, idempotency_key: str | None = None) -> AsyncMigration:
        """Go on after a pause. `POST /migrations/{id}/resume`

        Args:
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.

        Returns:
            The migration itself, refreshed.

        Raises:
            InvalidStateError: it is not paused.

        Examples:
            >>> await migration.resume()
        """
        await self._attached().migrations.resume(self.id, idempotency_key=idempotency_key)
        return await self.refresh()

    async def cancel(
        self,
        *,
        reason: str | Unset = UNSET,
        rollback: bool | Unset = UNSET,
        force: bool = False,
        idempotency_key: str | None = None,
    ) -> AsyncMigration:
        """End the migration. `POST /migrations/{id}/cancel`

        Args:
            reason: why, up to 1,000 characters.
            rollback: undo what was written; when not given, the value of `options.generate_rollback`.
            force: do not wait for batches in flight.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.

        Returns:
            The migration itself, refreshed: `cancelled`, or `cancelling` while work is being stopped.

        Raises:
            InvalidStateError: it has ended meanwhile.

        Examples:
            >>> await migration.cancel(reason="wrong target")
        """
        await self._attached().migrations.cancel(
            self.id, reason=reason, rollback=rollback, force=force, idempotency_key=idempotency_key
        )
        return await self.refresh()

    async def rollback(
        self,
        *,
        strategy: RollbackStrategyParam,
        verify_after: bool | Unset = UNSET,
        restore_to: datetime | str | Unset = UNSET,
        backup_id: str | Unset = UNSET,
        scope: RollbackScopeParam | Unset = UNSET,
        phase: int | PhaseNameParam | Unset = UNSET,
        tables: Sequence[str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> AsyncMigration:
        """Undo what was written; it goes on in the background. `POST /migrations/{id}/rollback`

        Args:
            strategy: how to undo.
            verify_after: compare both sides when done; true when not given.
            restore_to: instant to go back to, needed by `point_in_time`.
            backup_id: backup to take, needed by `backup_restore`.
            scope: how much to undo; `full` when not given.
            phase: number or name of the phase, needed by scope `phase`.
            tables: needed by scope `tables`.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.

        Returns:
            The migration itself, refreshed: `rolling_back`, then `rolled_back`, or `paused` for a part.

        Raises:
            ConflictError: `rollback_not_available`, there is nothing to undo.

        Examples:
            >>> await migration.rollback(strategy="truncate")
        """
        await self._attached().migrations.rollback(
            self.id,
            strategy=strategy,
            verify_after=verify_after,
            restore_to=restore_to,
            backup_id=backup_id,
            scope=scope,
            phase=phase,
            tables=tables,
            idempotency_key=idempotency_key,
        )
        return await self.refresh()

    async def wait(
        self,
        *,
        timeout: float | None = None,
        interval: float | None = None,
        on_progress: Callable[[AsyncMigration], object] | None = None,
        raise_on_failure: bool = False,
    ) -> AsyncMigration:
        """Wait until the migration is completed, failed, cancelled or rolled back. `GET /migrations/{id}`

        A paused migration does not end by itself.

        Args:
            timeout: seconds for the whole wait, or None to wait for ever.
            interval: seconds between questions; None adapts them.
            on_progress: called with the migration each time it was fetched.
            raise_on_failure: raise unless it is completed.

        Returns:
            The migration itself, refreshed.

        Raises:
            WaitTimeoutError: it is not over; also a `TimeoutError`.
            MigrationFailedError: it is over otherwise than completed, with `raise_on_failure`.

        Examples:
            >>> result = await migration.wait(timeout=3600)
            >>> print(result.status, result.records_processed, result.error)
        """
        self._become(
            await self._attached().migrations.wait(self.id, timeout=timeout, interval=interval, on_progress=on_progress)
        )
        if raise_on_failure:
            check_success(self)
        return self

    def stream_events(
        self, *, since: datetime | str | None = None, last_event_id: str | None = None
    ) -> AsyncEventStream:
        """Follow the migration live, from its first event to its end. `GET /migrations/{id}/events`

        A cut connection is resumed without loss or repetition. The stream stays open while the migration is paused.

        Args:
            since: only events after this time.
            last_event_id: id of the last event seen, to go on after it, in another process too.

        Returns:
            The events, to be iterated; also a context manager, which closes the connection.

        Raises:
            StreamInterruptedError: the stream was cut and could not be resumed.

        Examples:
            >>> async for event in migration.stream_events():
            ...     print(event.type, event.phase, event.percent, event.message)
        """
        return self._attached().migrations.stream_events(self.id, since=since, last_event_id=last_event_id)

    def stream_logs(
        self,
        *,
        level: LogLevelParam | None = None,
        phase: PhaseNameParam | None = None,
        since: datetime | str | None = None,
        last_event_id: str | None = None,
    ) -> AsyncEventStream:
        """Follow the log, with progress in between. `GET /migrations/{id}/logs?follow=true`

        Args:
            level: this weight and those above it.
            phase: only this phase.
            since: only entries after this time.
            last_event_id: id of the last event seen, to go on after it, in another process too.

        Returns:
            The events, to be iterated; also a context manager, which closes the connection.

        Raises:
            StreamInterruptedError: the stream was cut and could not be resumed.

        Examples:
            >>> async for event in migration.stream_logs(level="warning"):
            ...     print(event.message)
        """
        return self._attached().migrations.stream_logs(
            self.id, level=level, phase=phase, since=since, last_event_id=last_event_id
        )

    async def run_validation(
        self,
        *,
        type: ValidationTypeParam | Unset = UNSET,
        options: ValidationOptionsParam | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> AsyncValidation:
        """Compare source and target; possible once it is completed. `POST /validations`

        Args:
            type: kind of the validation; `standard` when not given. Only `full` can lead to a certificate.
            options: switches single perspectives on or off.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.

        Returns:
            The validation, which runs in the background; `wait()` for it.

        Raises:
            InvalidStateError: the migration is not completed.

        Examples:
            >>> validation = await migration.run_validation(type="full")
            >>> await validation.wait()
        """
        return await self._attached().validations.create(
            migration_id=self.id, type=type, options=options, idempotency_key=idempotency_key
        )

    async def refresh(self) -> AsyncMigration:
        """Fetch the migration again and take over what changed; a plan that was fetched stays. `GET /migrations/{id}`

        Returns:
            The migration itself.

        Examples:
            >>> await migration.refresh()
        """
        return self._become(await self._attached().migrations.get(self.id))

    async def delete(self, *, keep_logs: bool = True, keep_metrics: bool = True) -> MigrationDeleted:
        """Delete the migration, which must have ended; certificates stay. `DELETE /migrations/{id}`

        Args:
            keep_logs: keep the logs for audits.
            keep_metrics: keep the history of metrics.

        Returns:
            What was kept of it.

        Raises:
            InvalidStateError: it has not ended; `cancel()` it first.

        Examples:
            >>> await migration.delete()
        """
        return await self._attached().migrations.delete(self.id, keep_logs=keep_logs, keep_metrics=keep_metrics)

    def _become(self, other: Model) -> Self:
        plan = self.plan
        super()._become(other)
        if isinstance(plan, AsyncMigrationPlan) and not isinstance(self.plan, AsyncMigrationPlan):
            plan.status = self.plan.status or plan.status
            self.plan = plan
        return self

    def _repr_html_(self) -> str:
        from sensei._notebook import migration_html

        return migration_html(self)
