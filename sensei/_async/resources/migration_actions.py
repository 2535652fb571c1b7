"""What migrations do: start, pause, resume, cancel, and waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from sensei._async.resources._base import AsyncResource
from sensei._async.resources.mapping import AsyncMapping
from sensei._async.resources.migration import AsyncMigration
from sensei._async.resources.migration_plan import AsyncMigrationPlan
from sensei._body_checks import checked, optional
from sensei._bulk_requests import next_key
from sensei._request import ORDINARY, UNSET, HeaderTypes, RequestExtras, TimeoutTypes, Unset
from sensei._wait_conditions import check_success, is_plan_available
from sensei.errors import PlanNotReadyError
from sensei.models.migration_actions import CancelResult, PauseResult, ResumeResult, StartResult

if TYPE_CHECKING:
    from sensei.models.params.migrations import StartPhase


class AsyncMigrationActions(AsyncResource):
    """The actions of `client.migrations`."""

    async def start(
        self,
        id: str,
        *,
        skip_approval: bool = False,
        start_from_phase: StartPhase | Unset = UNSET,
        dry_run: bool = False,
        plan_timeout: float | None = 3600.0,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> StartResult:
        """Start a migration; if there is no plan yet, wait for it first. `POST /migrations/{id}/start`

        Mappings that are in review but need no approval are taken as proposed.

        Args:
            id: the migration.
            skip_approval: start although mappings that need approval are undecided; the fact is audited.
            start_from_phase: phase to begin with; the ones before it are marked skipped.
            dry_run: only check that a start would work; nothing changes.
            plan_timeout: seconds to wait for the plan; 0 not to wait at all, None to wait for ever.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            What the server says to it; the work goes on in the background.

        Raises:
            ApprovalRequiredError: mappings must be decided first; `.details` counts them.
            PlanNotReadyError: there is no plan yet, with a `plan_timeout` of 0.
            MigrationFailedError: no plan could be made.
            InvalidStateError: it has started already, or has ended.

        Examples:
            >>> result = await client.migrations.start("mig_abc123", dry_run=True)
            >>> print(result.message)
        """
        from sensei.models.params.migrations import MigrationStartBody

        call = partial(
            self._call,
            StartResult,
            "POST",
            "/migrations/{id}/start",
            id,
            json=optional(
                MigrationStartBody,
                skip_approval=skip_approval or UNSET,
                start_from_phase=start_from_phase,
                dry_run=dry_run or UNSET,
            ),
            timeout=timeout,
            headers=headers,
        )
        try:
            return await call(idempotency_key=idempotency_key)
        except PlanNotReadyError:
            if plan_timeout == 0:
                raise
        await self._wait_for_plan(id, timeout=plan_timeout)
        # The refusal is stored under the first key, which would only bring it back.
        return await call(idempotency_key=next_key(idempotency_key, 1))

    async def pause(
        self,
        id: str,
        *,
        reason: str | Unset = UNSET,
        immediate: bool = False,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> PauseResult:
        """Stop a migration at its next checkpoint. `POST /migrations/{id}/pause`

        Args:
            id: the migration.
            reason: why, up to 1,000 characters.
            immediate: drop the batches in flight, which are read again on resume.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The status that it has now.

        Raises:
            InvalidStateError: it is not running.

        Examples:
            >>> result = await client.migrations.pause("mig_abc123")
            >>> print(result.checkpoint_eta)
        """
        from sensei.models.params.migrations import MigrationPauseBody

        return await self._call(
            PauseResult,
            "POST",
            "/migrations/{id}/pause",
            id,
            json=optional(MigrationPauseBody, reason=reason, immediate=immediate or UNSET),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def resume(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> ResumeResult:
        """Go on after a pause. `POST /migrations/{id}/resume`

        Args:
            id: the migration.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The status that it has now.

        Raises:
            InvalidStateError: it is not paused.
            ConflictError: `concurrent_limit_exceeded`, as many as the plan allows are at work.

        Examples:
            >>> result = await client.migrations.resume("mig_abc123")
            >>> print(result.resumed_from_checkpoint)
        """
        return await self._call(
            ResumeResult,
            "POST",
            "/migrations/{id}/resume",
            id,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def cancel(
        self,
        id: str,
        *,
        reason: str | Unset = UNSET,
        rollback: bool | Unset = UNSET,
        force: bool = False,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> CancelResult:
        """End a migration. `POST /migrations/{id}/cancel`

        Args:
            id: the migration.
            reason: why, up to 1,000 characters.
            rollback: undo what was written; when not given, the value of `options.generate_rollback`.
            force: do not wait for batches in flight.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The status that it has now.

        Raises:
            InvalidStateError: it has ended meanwhile.
            ConflictError: `rollback_not_available`, nothing was prepared for one.

        Examples:
            >>> result = await client.migrations.cancel("mig_abc123", reason="wrong target")
            >>> result.status
            'cancelling'
        """
        from sensei.models.params.migrations import MigrationCancelBody

        return await self._call(
            CancelResult,
            "POST",
            "/migrations/{id}/cancel",
            id,
            json=optional(MigrationCancelBody, reason=reason, rollback=rollback, force=force or UNSET),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def plan(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> AsyncMigrationPlan:
        """Fetch the plan, with all its mappings. `GET /migrations/{id}/plan`

        Args:
            id: the migration.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The plan; while its status is `generating` it has no mappings.

        Examples:
            >>> plan = await client.migrations.plan("mig_abc123")
            >>> for risk in plan.risks:
            ...     print(risk.severity, risk.description)
        """
        return await self._ask_plan(id, ORDINARY, timeout=timeout, headers=headers)

    async def _ask_plan(
        self, id: str, extras: RequestExtras, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None
    ) -> AsyncMigrationPlan:
        plan = await self._call(
            AsyncMigrationPlan, "GET", "/migrations/{id}/plan", id, timeout=timeout, headers=headers, extras=extras
        )
        for mapping in plan.mappings:
            if mapping.migration_id is None:
                mapping.migration_id = plan.migration_id
        return plan

    async def approve_mapping(
        self,
        migration_id: str,
        mapping_id: str,
        *,
        approved: bool = True,
        override_transformation: str | Unset | None = UNSET,
        comment: str | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncMapping:
        """Approve or reject a mapping. `POST /migrations/{id}/plan/mappings/{mapping_id}/approve`

        Args:
            migration_id: the migration.
            mapping_id: the mapping.
            approved: false rejects it, so that its column is left out.
            override_transformation: expression to use in place of the proposed one; None copies the value.
            comment: why, up to 2,000 characters.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The mapping as it is now.

        Raises:
            PlanNotReadyError: there is no plan yet.
            InvalidStateError: the migration has started.

        Examples:
            >>> mapping = await client.migrations.approve_mapping("mig_abc123", "map_001")
        """
        from sensei.models.params.review import MappingApprovalBody

        mapping = await self._call(
            AsyncMapping,
            "POST",
            "/migrations/{id}/plan/mappings/{mapping_id}/approve",
            migration_id,
            mapping_id,
            json=checked(
                MappingApprovalBody,
                approved=approved,
                override_transformation=override_transformation,
                comment=comment,
            ),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )
        if mapping.migration_id is None:
            mapping.migration_id = migration_id
        return mapping

    async def wait_for_plan(
        self,
        id: str,
        *,
        timeout: float | None = 3600.0,
        interval: float | None = None,
        on_progress: Callable[[AsyncMigration], object] | None = None,
    ) -> AsyncMigrationPlan:
        """Wait until the plan is there, and fetch it. `GET /migrations/{id}` and `GET /migrations/{id}/plan`

        Args:
            id: the migration.
            timeout: seconds for the whole wait, or None to wait for ever.
            interval: seconds between questions; None adapts them.
            on_progress: called with the migration each time it was fetched.

        Returns:
            The plan.

        Raises:
            MigrationFailedError: no plan could be made, or the migration ended before there was one.
            WaitTimeoutError: it is still being made.

        Examples:
            >>> plan = await client.migrations.wait_for_plan("mig_abc123", timeout=600)
        """
        _, plan = await self._wait_for_plan(id, timeout=timeout, interval=interval, on_progress=on_progress)
        return plan

    async def wait(
        self,
        id: str,
        *,
        timeout: float | None = None,
        interval: float | None = None,
        on_progress: Callable[[AsyncMigration], object] | None = None,
        raise_on_failure: bool = False,
    ) -> AsyncMigration:
        """Wait until a migration is completed, failed, cancelled or rolled back. `GET /migrations/{id}`

        A paused migration does not end by itself.

        Args:
            id: the migration.
            timeout: seconds for the whole wait, or None to wait for ever.
            interval: seconds between questions; None adapts them.
            on_progress: called with the migration each time it was fetched.
            raise_on_failure: raise unless it is completed.

        Returns:
            The migration as it ended.

        Raises:
            WaitTimeoutError: it is not over; also a `TimeoutError`.
            MigrationFailedError: it is over otherwise than completed, with `raise_on_failure`.

        Examples:
            >>> migration = await client.migrations.wait("mig_abc123", timeout=3600, raise_on_failure=True)
        """
        from sensei._async.polling import poll

        migration = await poll(
            partial(self._ask, id),
            until=lambda seen: seen.is_finished,
            status=lambda seen: seen.status,
            what=f"migration {id}",
            timeout=timeout,
            interval=interval,
            on_progress=on_progress,
        )
        if raise_on_failure:
            check_success(migration)
        return migration

    async def _ask(self, id: str, extras: RequestExtras) -> AsyncMigration:
        return await self._call(AsyncMigration, "GET", "/migrations/{id}", id, extras=extras)

    async def _wait_for_plan(
        self,
        id: str,
        *,
        timeout: float | None,
        interval: float | None = None,
        on_progress: Callable[[AsyncMigration], object] | None = None,
    ) -> tuple[AsyncMigration, AsyncMigrationPlan]:
        from sensei._async.polling import poll

        started = monotonic()
        what = f"the plan of migration {id}"
        migration = await poll(
            partial(self._ask, id),
            until=lambda seen: is_plan_available(seen, seen.plan.status),
            status=lambda seen: seen.status,
            what=what,
            timeout=timeout,
            interval=interval,
            on_progress=on_progress,
        )
        plan = await poll(
            partial(self._ask_plan, id),
            until=bool,
            status=lambda seen: seen.status,
            what=what,
            timeout=None if timeout is None else max(0.0, started + timeout - monotonic()),
        )
        return migration, plan
