"""Mappings: which column goes where, and whether a person agrees."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sensei._arguments import is_number
from sensei._async.resources._bulk import AsyncBulkResource
from sensei._async.resources.mapping import AsyncMapping, AsyncMappingBulkResult
from sensei._body_checks import changed, check_decision, checked, members
from sensei._bulk_requests import LARGEST_CHANGE, batches
from sensei._request import UNSET, HeaderTypes, TimeoutTypes, Unset
from sensei.errors import InvalidArgumentError
from sensei.models.enums import MappingStatusParam, TransformationTypeParam

if TYPE_CHECKING:
    from sensei._async.pagination import AsyncPager
    from sensei.models.params.review import (
        ColumnRefParam,
        Decision,
        MappingChangeParam,
    )


class AsyncMappings(AsyncBulkResource):
    """`client.mappings`: the mappings of migrations."""

    def list(
        self,
        migration_id: str,
        *,
        status: MappingStatusParam | None = None,
        min_confidence: float | None = None,
        max_confidence: float | None = None,
        table: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncPager[AsyncMapping]:
        """List the mappings of a migration. `GET /migrations/{id}/mappings`

        Args:
            migration_id: the migration.
            status: only this status.
            min_confidence: only those at least this sure, 0 to 1.
            max_confidence: only those at most this sure, 0 to 1.
            table: only those from this source table.
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Raises:
            NotFoundError: there is no migration with this id.

        Examples:
            >>> async for mapping in client.mappings.list("mig_abc123", status="pending_review"):
            ...     print(mapping.source, "->", mapping.target)
        """
        return self._pages(
            AsyncMapping,
            "/migrations/{id}/mappings",
            migration_id,
            params={
                "status": status,
                "min_confidence": min_confidence,
                "max_confidence": max_confidence,
                "table": table,
                "limit": limit,
                "offset": offset,
            },
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    async def get(
        self, migration_id: str, mapping_id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None
    ) -> AsyncMapping:
        """Fetch one mapping. `GET /migrations/{id}/mappings/{mapping_id}`

        Args:
            migration_id: the migration.
            mapping_id: the mapping, `map_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The mapping.

        Raises:
            NotFoundError: there is no such migration or mapping.

        Examples:
            >>> mapping = await client.mappings.get("mig_abc123", "map_001")
        """
        return await self._call(
            AsyncMapping,
            "GET",
            "/migrations/{id}/mappings/{mapping_id}",
            migration_id,
            mapping_id,
            timeout=timeout,
            headers=headers,
        )

    async def update(
        self,
        migration_id: str,
        mapping_id: str,
        *,
        status: Decision | Unset = UNSET,
        approved: bool | Unset = UNSET,
        transformation: str | Unset | None = UNSET,
        transformation_type: TransformationTypeParam | Unset = UNSET,
        target: ColumnRefParam | Unset = UNSET,
        comment: str | Unset = UNSET,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncMapping:
        """Change a mapping; what is not given stays. `PATCH /migrations/{id}/mappings/{mapping_id}`

        A changed transformation or target leaves it in review unless the same call also decides it.

        Args:
            migration_id: the migration.
            mapping_id: the mapping.
            status: the decision.
            approved: short form of `status`; give one of the two.
            transformation: expression over the source column; None copies the value unchanged.
            transformation_type: kind of the transformation; `custom` when not given.
            target: column to write instead.
            comment: why, up to 2,000 characters.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The mapping as it is now.

        Raises:
            InvalidArgumentError: nothing to change, or a value that cannot be right.
            PlanNotReadyError: there is no plan yet.
            InvalidStateError: the migration has started.

        Examples:
            >>> await client.mappings.update("mig_abc123", "map_001", status="approved", transformation="TRIM(name)")
        """
        from sensei.models.params.review import MappingUpdateBody

        body = changed(
            MappingUpdateBody,
            status=status,
            approved=approved,
            transformation=transformation,
            transformation_type=transformation_type,
            target=target,
            comment=comment,
        )
        check_decision(body)
        return await self._call(
            AsyncMapping,
            "PATCH",
            "/migrations/{id}/mappings/{mapping_id}",
            migration_id,
            mapping_id,
            json=body,
            timeout=timeout,
            headers=headers,
        )

    async def approve(
        self,
        migration_id: str,
        mapping_id: str,
        *,
        override_transformation: str | Unset | None = UNSET,
        comment: str | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncMapping:
        """Approve a mapping. `POST /migrations/{id}/plan/mappings/{mapping_id}/approve`

        Args:
            migration_id: the migration.
            mapping_id: the mapping.
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
            >>> await client.mappings.approve("mig_abc123", "map_001")
        """
        return await self._client.migrations.approve_mapping(
            migration_id,
            mapping_id,
            approved=True,
            override_transformation=override_transformation,
            comment=comment,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def reject(
        self,
        migration_id: str,
        mapping_id: str,
        *,
        comment: str | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncMapping:
        """Reject a mapping: its column is left out. `POST /migrations/{id}/plan/mappings/{mapping_id}/approve`

        Args:
            migration_id: the migration.
            mapping_id: the mapping.
            comment: why, up to 2,000 characters.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The mapping as it is now.

        Raises:
            UnprocessableEntityError: the target cannot do without the column.
            InvalidStateError: the migration has started.

        Examples:
            >>> await client.mappings.reject("mig_abc123", "map_001", comment="legacy column")
        """
        return await self._client.migrations.approve_mapping(
            migration_id,
            mapping_id,
            approved=False,
            comment=comment,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def bulk_update(
        self,
        migration_id: str,
        *,
        updates: Iterable[MappingChangeParam],
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncMappingBulkResult:
        """Change many mappings, each for itself. `PATCH /migrations/{id}/mappings/bulk`

        More than 1,000 travel in several requests; an empty list sends nothing. All are checked before the first
        one is sent.

        Args:
            migration_id: the migration.
            updates: the `id` of each mapping, and what changes about it.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            How each came out; look at `.failed`.

        Raises:
            InvalidArgumentError: an update has no id, changes nothing, or has a value that cannot be right.

        Examples:
            >>> result = await client.mappings.bulk_update(
            ...     "mig_abc123",
            ...     updates=[{"id": "map_001", "status": "approved"}, {"id": "map_002", "status": "rejected"}],
            ... )
            >>> for refused in result.failed:
            ...     print(refused.id, refused.error)
        """
        from sensei.models.params.review import MappingBulkBody

        bodies = [checked(MappingBulkBody, updates=batch) for batch in batches(updates, LARGEST_CHANGE)]
        for index, change in enumerate(change for body in bodies for change in members(body, "updates")):
            check_decision(change, f"updates.{index}")
        return await self._bulk(
            AsyncMappingBulkResult,
            "PATCH",
            "/migrations/{id}/mappings/bulk",
            migration_id,
            bodies=bodies,
            size=LARGEST_CHANGE,
            timeout=timeout,
            headers=headers,
        )

    async def approve_all(
        self,
        migration_id: str,
        *,
        above: float = 0.95,
        comment: str | Unset = UNSET,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncMappingBulkResult:
        """Approve every mapping that is in review and sure enough.

        Asks `GET /migrations/{id}/mappings`, then sends `PATCH /migrations/{id}/mappings/bulk`.

        Args:
            migration_id: the migration.
            above: how sure is enough, 0 to 1; a mapping of exactly this confidence is approved too.
            comment: why, up to 2,000 characters.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            How each came out; nothing is sent when none is in review.

        Raises:
            InvalidArgumentError: `above` is not 0 to 1.

        Examples:
            >>> result = await client.mappings.approve_all("mig_abc123", above=0.75)
            >>> print(result.summary.succeeded, "approved")
        """
        if not is_number(above) or not 0 <= above <= 1:
            raise InvalidArgumentError("above must be 0 to 1")
        page = await self.list(
            migration_id, status="pending_review", min_confidence=above, limit=100, timeout=timeout, headers=headers
        )
        # Read to the end first: what is approved leaves the list, and would make it drift.
        # Compared here too: a server that passes over a filter must not have everything approved.
        sure = [mapping.id async for mapping in page if mapping.id is not None and mapping.confidence >= above]
        updates: list[MappingChangeParam] = [{"id": mapping_id, "status": "approved"} for mapping_id in sure]
        if comment is not UNSET:
            for update in updates:
                update["comment"] = comment
        return await self.bulk_update(migration_id, updates=updates, timeout=timeout, headers=headers)
