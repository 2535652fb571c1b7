"""The plan of a migration as a live object, and what stands for it before it is fetched."""

from __future__ import annotations

from typing import NoReturn

from pydantic import Field

from sensei._async.resources._base import AsyncLiveObject
from sensei._async.resources.mapping import AsyncMapping
from sensei.errors import ConfigurationError
from sensei.models.mappings import MigrationPlanData, PlanPhase, PlanReferenceData, PlanRisk, PlanSummary


class AsyncMigrationPlan(AsyncLiveObject, MigrationPlanData):
    """How a migration will be done.

    Attributes:
        mappings: every mapping of the plan; empty while it is generating.
    """

    mappings: list[AsyncMapping] = Field(default_factory=list[AsyncMapping])

    @property
    def undecided(self) -> list[AsyncMapping]:
        """The mappings that must be decided before the migration can start."""
        return [one for one in self.mappings if one.requires_approval and one.status == "pending_review"]

    def _repr_html_(self) -> str:
        from sensei._notebook import plan_html

        return plan_html(self, self.mappings)


class AsyncPlanReference(PlanReferenceData):
    """What a migration says about its plan before the plan itself is fetched; asking for its parts is an error."""

    @property
    def mappings(self) -> list[AsyncMapping]:
        """Not here yet.

        Raises:
            ConfigurationError: always; `wait_for_plan()` fetches the plan.
        """
        self._refuse("mappings")

    @property
    def phases(self) -> list[PlanPhase]:
        """Not here yet.

        Raises:
            ConfigurationError: always; `wait_for_plan()` fetches the plan.
        """
        self._refuse("phases")

    @property
    def risks(self) -> list[PlanRisk]:
        """Not here yet.

        Raises:
            ConfigurationError: always; `wait_for_plan()` fetches the plan.
        """
        self._refuse("risks")

    @property
    def summary(self) -> PlanSummary | None:
        """Not here yet.

        Raises:
            ConfigurationError: always; `wait_for_plan()` fetches the plan.
        """
        self._refuse("summary")

    def _refuse(self, part: str) -> NoReturn:
        raise ConfigurationError(
            f"the {part} of the plan are not here yet: call wait_for_plan() on the migration first"
        )
