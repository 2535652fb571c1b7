"""Data errors: records that a migration could not carry over as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sensei._async.resources._base import AsyncLiveObject
from sensei._async.resources._bulk import AsyncBulkResource
from sensei._body_checks import checked, optional
from sensei._bulk_requests import LARGEST_CHANGE, batches
from sensei._request import UNSET, HeaderTypes, TimeoutTypes, Unset
from sensei.models.base import BulkResult, Model, Problem
from sensei.models.enums import ErrorResolutionTypeParam, MigrationErrorStatusParam, MigrationErrorTypeParam
from sensei.models.migration_errors import MigrationErrorData

if TYPE_CHECKING:
    from sensei._async.pagination import AsyncPager
    from sensei.models.params.review import ErrorResolutionParam


class AsyncMigrationError(AsyncLiveObject, MigrationErrorData):
    """A data error that can be resolved or tried again. It is data, not an exception."""

    async def resolve(
        self,
        resolution: ErrorResolutionTypeParam | ErrorResolutionParam,
        *,
        reason: str | Unset = UNSET,
        retry: bool | Unset = UNSET,
    ) -> AsyncMigrationError:
        """Say what to do with the records. `POST /migrations/{id}/errors/{error_id}/resolve`

        Args:
            resolution: what to do, such as `skip`; or a dictionary with the `type` and its parameters.
            reason: why, up to 2,000 characters.
            retry: try the records again right after.

        Returns:
            The error itself, as it is now.

        Raises:
            InvalidStateError: it is resolved or recovered already.

        Examples:
            >>> await error.resolve({"type": "transform", "transformation": "force_utf8", "retry": True})
        """
        return self._become(
            await self._attached().errors.resolve(
                self.migration_id, self.id, resolution=resolution, reason=reason, retry=retry
            )
        )

    async def retry(self, *, fix_applied: str | Unset = UNSET) -> AsyncMigrationError:
        """Try the records again. `POST /migrations/{id}/errors/{error_id}/retry`

        Args:
            fix_applied: what was repaired before, for the record.

        Returns:
            The error itself, `retrying`.

        Raises:
            InvalidStateError: it is resolved or recovered already, or the migration is not at work.

        Examples:
            >>> await error.retry(fix_applied="widened customers.notes")
        """
        return self._become(await self._attached().errors.retry(self.migration_id, self.id, fix_applied=fix_applied))

    async def refresh(self) -> AsyncMigrationError:
        """Fetch the error again; returns the object itself. `GET /migrations/{id}/errors/{error_id}`

        Returns:
            The object itself.

        Examples:
            >>> await error.refresh()
        """
        return self._become(await self._attached().errors.get(self.migration_id, self.id))


class AsyncErrorResult(Model):
    """How one of many resolutions came out.

    Attributes:
        id: the data error.
        success: whether it was resolved.
        migration_error: the data error as it is now, when it was.
        error: why not, when it was not.
    """

    id: str
    success: bool
    migration_error: AsyncMigrationError | None = None
    error: Problem | None = None


class AsyncErrorBulkResult(BulkResult):
    """How many resolutions came out; one that failed does not stop the others.

    Attributes:
        results: one by one, in the order of the request.
    """

    results: list[AsyncErrorResult]

    @property
    def failed(self) -> list[AsyncErrorResult]:
        """Those that were refused; their `error` says why."""
        return [result for result in self.results if not result.success]


class AsyncMigrationErrors(AsyncBulkResource):
    """`client.errors`: the data errors of migrations."""

    def list(
        self,
        migration_id: str,
        *,
        status: MigrationErrorStatusParam | None = None,
        type: MigrationErrorTypeParam | None = None,
        table: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncPager[AsyncMigrationError]:
        """List the data errors of a migration, newest first. `GET /migrations/{id}/errors`

        Args:
            migration_id: the migration.
            status: only this status.
            type: only this kind.
            table: only those of this table.
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> async for error in client.errors.list("mig_abc123", status="escalated"):
            ...     print(error.error.table, error.error)
        """
        return self._pages(
            AsyncMigrationError,
            "/migrations/{id}/errors",
            migration_id,
            params={"status": status, "type": type, "table": table, "limit": limit, "offset": offset},
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    async def get(
        self, migration_id: str, error_id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None
    ) -> AsyncMigrationError:
        """Fetch one data error. `GET /migrations/{id}/errors/{error_id}`

        Args:
            migration_id: the migration.
            error_id: the data error, `err_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The error.

        Raises:
            NotFoundError: there is no such migration or error.

        Examples:
            >>> error = await client.errors.get("mig_abc123", "err_001")
            >>> print(error.recommended_actions)
        """
        return await self._call(
            AsyncMigrationError,
            "GET",
            "/migrations/{id}/errors/{error_id}",
            migration_id,
            error_id,
            timeout=timeout,
            headers=headers,
        )

    async def resolve(
        self,
        migration_id: str,
        error_id: str,
        *,
        resolution: ErrorResolutionTypeParam | ErrorResolutionParam,
        reason: str | Unset = UNSET,
        transformation: str | Unset = UNSET,
        default_value: object = UNSET,
        retry: bool | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncMigrationError:
        """Say what to do with the records of an error. `POST /migrations/{id}/errors/{error_id}/resolve`

        Args:
            migration_id: the migration.
            error_id: the data error.
            resolution: what to do, such as `skip`; or a dictionary with the `type` and its parameters, which may
                also stand beside it.
            reason: why, up to 2,000 characters.
            transformation: needed by `transform`: an expression, or a named fix such as `force_utf8`.
            default_value: needed by `default`: an SQL expression as a text, or a JSON value; None is null.
            retry: try the records again right after.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The error as it is now.

        Raises:
            InvalidArgumentError: a member is unknown or cannot be right.
            InvalidStateError: it is resolved or recovered already.

        Examples:
            >>> await client.errors.resolve(
            ...     "mig_abc123", "err_001", resolution={"type": "default", "default_value": "'UNKNOWN'", "retry": True}
            ... )
        """
        from sensei.models.params.review import ErrorResolveBody

        return await self._call(
            AsyncMigrationError,
            "POST",
            "/migrations/{id}/errors/{error_id}/resolve",
            migration_id,
            error_id,
            json=checked(
                ErrorResolveBody,
                resolution=resolution,
                reason=reason,
                transformation=transformation,
                default_value=default_value,
                retry=retry,
            ),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def retry(
        self,
        migration_id: str,
        error_id: str,
        *,
        fix_applied: str | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncMigrationError:
        """Try the records of an error again, in the background. `POST /migrations/{id}/errors/{error_id}/retry`

        Args:
            migration_id: the migration.
            error_id: the data error.
            fix_applied: what was repaired before, for the record, up to 2,000 characters.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The error, `retrying`.

        Raises:
            InvalidStateError: it is resolved or recovered already, or the migration is not at work.

        Examples:
            >>> await client.errors.retry("mig_abc123", "err_001", fix_applied="widened customers.notes")
        """
        from sensei.models.params.review import ErrorRetryBody

        return await self._call(
            AsyncMigrationError,
            "POST",
            "/migrations/{id}/errors/{error_id}/retry",
            migration_id,
            error_id,
            json=optional(ErrorRetryBody, fix_applied=fix_applied),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def bulk_resolve(
        self,
        migration_id: str,
        *,
        error_ids: Iterable[str],
        resolution: ErrorResolutionTypeParam | ErrorResolutionParam,
        reason: str | Unset = UNSET,
        transformation: str | Unset = UNSET,
        default_value: object = UNSET,
        retry: bool | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncErrorBulkResult:
        """Resolve many errors the same way, each for itself. `POST /migrations/{id}/errors/bulk-resolve`

        More than 1,000 travel in several requests; an empty list sends nothing.

        Args:
            migration_id: the migration.
            error_ids: the data errors.
            resolution: what to do, such as `skip`; or a dictionary with the `type` and its parameters.
            reason: why, up to 2,000 characters.
            transformation: needed by `transform`.
            default_value: needed by `default`; None is null.
            retry: try the records again right after.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            How each came out; look at `.failed`.

        Raises:
            InvalidArgumentError: a member is unknown or cannot be right.

        Examples:
            >>> result = await client.errors.bulk_resolve("mig_abc123", error_ids=["err_001"], resolution="skip")
            >>> print(result.summary.succeeded, "resolved")
        """
        from sensei.models.params.review import ErrorBulkResolveBody

        if isinstance(error_ids, str):
            error_ids = [error_ids]
        bodies = [
            checked(
                ErrorBulkResolveBody,
                error_ids=batch,
                resolution=resolution,
                reason=reason,
                transformation=transformation,
                default_value=default_value,
                retry=retry,
            )
            for batch in batches(error_ids, LARGEST_CHANGE)
        ]
        return await self._bulk(
            AsyncErrorBulkResult,
            "POST",
            "/migrations/{id}/errors/bulk-resolve",
            migration_id,
            bodies=bodies,
            size=LARGEST_CHANGE,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )
