# Generated from sensei/_async/resources/mapping.py by scripts/generate_sync.py: change that file and run the script.
"""What becomes of one column, as it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensei._request import UNSET, Unset
from sensei._sync.resources._base import LiveObject
from sensei.errors import ConfigurationError
from sensei.models.base import BulkResult, Model, Problem
from sensei.models.enums import TransformationTypeParam
from sensei.models.mappings import MappingData

if TYPE_CHECKING:
    from sensei.models.params.review import (
        ColumnRefParam,
        Decision,
    )


class Mapping(LiveObject, MappingData):
    """A mapping that can be decided on."""

    def approve(self, *, override_transformation: str | Unset | None = UNSET, comment: str | Unset = UNSET) -> Mapping:
        """Approve the mapping. `POST /migrations/{id}/plan/mappings/{mapping_id}/approve`

        Possible until the migration starts, also when it is approved already.

        Args:
            override_transformation: expression to use in place of the proposed one; None copies the value.
            comment: why, up to 2,000 characters.

        Returns:
            The mapping itself, as it is now.

        Raises:
            PlanNotReadyError: there is no plan yet.
            InvalidStateError: the migration has started.

        Examples:
            >>> for mapping in migration.plan.mappings:
            ...     if mapping.confidence < 0.9:
            ...         mapping.approve()
        """
        return self._decide(True, override_transformation, comment)

    def reject(self, *, comment: str | Unset = UNSET) -> Mapping:
        """Reject the mapping: its column is left out. `POST /migrations/{id}/plan/mappings/{mapping_id}/approve`

        Args:
            comment: why, up to 2,000 characters.

        Returns:
            The mapping itself, as it is now.

        Raises:
            UnprocessableEntityError: the target cannot do without the column.
            InvalidStateError: the migration has started.

        Examples:
            >>> mapping.reject(comment="legacy column")
        """
        return self._decide(False, UNSET, comment)

    def update(
        self,
        *,
        status: Decision | Unset = UNSET,
        transformation: str | Unset | None = UNSET,
        transformation_type: TransformationTypeParam | Unset = UNSET,
        target: ColumnRefParam | Unset = UNSET,
        comment: str | Unset = UNSET,
    ) -> Mapping:
        """Change the mapping; what is not given stays. `PATCH /migrations/{id}/mappings/{mapping_id}`

        Args:
            status: the decision.
            transformation: expression over the source column; None copies the value unchanged.
            transformation_type: kind of the transformation; `custom` when not given.
            target: column to write instead.
            comment: why, up to 2,000 characters.

        Returns:
            The mapping itself, as it is now.

        Examples:
            >>> mapping.update(transformation="UPPER(country)")
        """
        migration_id, mapping_id = self._ids()
        return self._become(
            self._attached().mappings.update(
                migration_id,
                mapping_id,
                status=status,
                transformation=transformation,
                transformation_type=transformation_type,
                target=target,
                comment=comment,
            )
        )

    def refresh(self) -> Mapping:
        """Fetch the mapping again; returns the object itself. `GET /migrations/{id}/mappings/{mapping_id}`

        Returns:
            The object itself.

        Examples:
            >>> mapping.refresh()
        """
        return self._become(self._attached().mappings.get(*self._ids()))

    def _decide(self, approved: bool, transformation: str | Unset | None, comment: str | Unset) -> Mapping:
        client = self._attached()
        migration_id, mapping_id = self._ids()
        return self._become(
            client.migrations.approve_mapping(
                migration_id,
                mapping_id,
                approved=approved,
                override_transformation=transformation,
                comment=comment,
            )
        )

    def _ids(self) -> tuple[str, str]:
        if self.migration_id is None or self.id is None:
            raise ConfigurationError(
                "the server did not say the id of this mapping or of its migration: "
                "use client.mappings with the ids that you know"
            )
        return self.migration_id, self.id


class MappingResult(Model):
    """How one of many changes came out.

    Attributes:
        id: the mapping.
        success: whether it was changed.
        mapping: the mapping as it is now, when it was.
        error: why not, when it was not.
    """

    id: str
    success: bool
    mapping: Mapping | None = None
    error: Problem | None = None


class MappingBulkResult(BulkResult):
    """How many changes came out; one that failed does not stop the others.

    Attributes:
        results: one by one, in the order of the request.
    """

    results: list[MappingResult]

    @property
    def failed(self) -> list[MappingResult]:
        """Those that were refused; their `error` says why."""
        return [result for result in self.results if not result.success]
