"""Going back: checkpoints, restoring one, and undoing a migration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sensei._async.resources._base import AsyncResource
from sensei._body_checks import check_rollback, checked, optional
from sensei._request import UNSET, HeaderTypes, TimeoutTypes, Unset
from sensei.models.enums import PhaseNameParam, RollbackScopeParam, RollbackStrategyParam

if TYPE_CHECKING:
    from sensei._async.pagination import AsyncPager
    from sensei.models.rollbacks import Checkpoint, RestoreResult, RollbackResult, RollbackStatus


class AsyncMigrationRecovery(AsyncResource):
    """How `client.migrations` goes back."""

    async def rollback(
        self,
        id: str,
        *,
        strategy: RollbackStrategyParam,
        verify_after: bool | Unset = UNSET,
        restore_to: datetime | str | Unset = UNSET,
        backup_id: str | Unset = UNSET,
        scope: RollbackScopeParam | Unset = UNSET,
        phase: int | PhaseNameParam | Unset = UNSET,
        tables: Sequence[str] | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> RollbackResult:
        """Undo what a migration has written; it goes on in the background. `POST /migrations/{id}/rollback`

        A full one ends in `rolled_back`. A part ends in `paused`, and `resume` moves that part again.

        Args:
            id: the migration.
            strategy: how to undo: `truncate` empties the target tables, `reverse_migration` moves data back,
                `point_in_time` and `backup_restore` use what the target offers.
            verify_after: compare both sides when done; true when not given.
            restore_to: instant to go back to, needed by `point_in_time`.
            backup_id: backup to take, needed by `backup_restore`.
            scope: how much to undo: `full`, `phase` or `tables`; `full` when not given.
            phase: number (1 to 5) or name of the phase, needed by scope `phase`.
            tables: needed by scope `tables`.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            That it has begun; `rollback_status` tells how far it is.

        Raises:
            InvalidArgumentError: something that the strategy or the scope needs is missing.
            ConflictError: `rollback_not_available`, there is nothing to undo.

        Examples:
            >>> result = await client.migrations.rollback("mig_abc123", strategy="truncate")
            >>> result.rollback_status
            'initiated'
        """
        from sensei.models.params.migrations import RollbackBody
        from sensei.models.rollbacks import RollbackResult

        body = checked(
            RollbackBody,
            strategy=strategy,
            verify_after=verify_after,
            restore_to=restore_to,
            backup_id=backup_id,
            scope=scope,
            phase=phase,
            tables=tables,
        )
        check_rollback(body)
        return await self._call(
            RollbackResult,
            "POST",
            "/migrations/{id}/rollback",
            id,
            json=body,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def rollback_status(
        self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None
    ) -> RollbackStatus:
        """Tell how far undoing has come. `GET /migrations/{id}/rollback/status`

        Args:
            id: the migration.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            How far it is, and what was found when both sides were looked at.

        Examples:
            >>> status = await client.migrations.rollback_status("mig_abc123")
            >>> print(status.rollback_status, status.verification)
        """
        from sensei.models.rollbacks import RollbackStatus

        return await self._call(
            RollbackStatus, "GET", "/migrations/{id}/rollback/status", id, timeout=timeout, headers=headers
        )

    def checkpoints(
        self,
        id: str,
        *,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncPager[Checkpoint]:
        """List the checkpoints of a migration, newest first. `GET /migrations/{id}/checkpoints`

        Args:
            id: the migration.
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> async for checkpoint in client.migrations.checkpoints("mig_abc123"):
            ...     print(checkpoint.id, checkpoint.phase_name, checkpoint.records_completed)
        """
        from sensei.models.rollbacks import Checkpoint

        return self._pages(
            Checkpoint,
            "/migrations/{id}/checkpoints",
            id,
            params={"limit": limit, "offset": offset},
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    async def create_checkpoint(
        self,
        id: str,
        *,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Checkpoint:
        """Store a checkpoint now. `POST /migrations/{id}/checkpoints`

        Args:
            id: the migration.
            reason: why, up to 1,000 characters.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The checkpoint.

        Raises:
            InvalidStateError: it is not at work.

        Examples:
            >>> checkpoint = await client.migrations.create_checkpoint("mig_abc123", reason="before the big table")
        """
        from sensei.models.params.migrations import CheckpointCreateBody
        from sensei.models.rollbacks import Checkpoint

        return await self._call(
            Checkpoint,
            "POST",
            "/migrations/{id}/checkpoints",
            id,
            json=optional(CheckpointCreateBody, reason=reason),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def restore(
        self,
        id: str,
        *,
        checkpoint_id: str,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> RestoreResult:
        """Go back to a checkpoint; the migration is `paused` afterwards. `POST /migrations/{id}/restore`

        Args:
            id: the migration.
            checkpoint_id: the checkpoint, `ckpt_…`.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The status that the migration has now.

        Raises:
            NotFoundError: there is no such checkpoint any more.
            InvalidStateError: it is neither paused nor failed.

        Examples:
            >>> await client.migrations.restore("mig_abc123", checkpoint_id="ckpt_001")
            >>> await client.migrations.resume("mig_abc123")
        """
        from sensei.models.params.migrations import RestoreBody
        from sensei.models.rollbacks import RestoreResult

        return await self._call(
            RestoreResult,
            "POST",
            "/migrations/{id}/restore",
            id,
            json=checked(RestoreBody, checkpoint_id=checkpoint_id),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )
