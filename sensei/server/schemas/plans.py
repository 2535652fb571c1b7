"""Requests and answers of plans and mappings."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from sensei.server.schemas.base import Closed, Description, Maybe, PageQuery, QueryNumber
from sensei.server.schemas.connections import Problem

MappingStatus = Literal["approved", "pending_review", "rejected"]
TransformationType = Literal["identity", "type_widening", "encoding_normalize", "type_conversion", "custom"]


class ColumnRefInput(Closed):
    """A column by name."""

    schema_: str | None = Field(default=None, alias="schema")
    table: str
    column: str
    type: Maybe[str] = None


class MappingChange(Closed):
    """What may be changed of a mapping."""

    status: Maybe[MappingStatus] = None
    approved: Maybe[bool] = None
    transformation: str | None = None
    transformation_type: Maybe[TransformationType] = None
    target: Maybe[ColumnRefInput] = None
    comment: Maybe[Description] = None

    @model_validator(mode="after")
    def _is_a_change(self) -> Self:
        if {"status", "approved"} <= self.model_fields_set:
            raise PydanticCustomError("one_of", "takes status or approved, not both", {"field": "approved"})
        if not self.model_fields_set - {"id"}:
            raise PydanticCustomError("required", "must have at least one member to change")
        return self


class MappingUpdate(MappingChange):
    """A change of one mapping."""


class MappingBulkItem(MappingChange):
    """A change of one of many."""

    id: str


class MappingBulkUpdate(Closed):
    """Changes of many mappings."""

    updates: Annotated[list[MappingBulkItem], Field(min_length=1, max_length=1000)]


class MappingApproval(Closed):
    """A decision on one mapping."""

    approved: bool
    override_transformation: str | None = None
    comment: Maybe[Description] = None


class MappingListQuery(PageQuery):
    """Filters of the list."""

    status: Maybe[MappingStatus] = None
    min_confidence: Maybe[Annotated[QueryNumber, Field(ge=0, le=1)]] = None
    max_confidence: Maybe[Annotated[QueryNumber, Field(ge=0, le=1)]] = None
    table: Maybe[str] = None


class ColumnRef(TypedDict):
    """A column."""

    schema: str | None
    table: str
    column: str
    type: NotRequired[str]


class MappingAnswer(TypedDict):
    """How one source column becomes one target column."""

    id: str
    migration_id: str
    source: ColumnRef
    target: ColumnRef
    transformation: str | None
    transformation_type: str
    confidence: float
    status: str
    requires_approval: bool
    reasoning: str | None
    type_compatible: bool
    has_data_loss_risk: bool
    is_pii: bool
    flags: list[str]
    decided_by: str | None
    decided_at: str | None
    comment: str | None


class BulkSummary(TypedDict):
    """How many went well."""

    total: int
    succeeded: int
    failed: int


class MappingBulkItemResult(TypedDict):
    """What became of one item."""

    id: str
    success: bool
    mapping: NotRequired[MappingAnswer]
    error: NotRequired[Problem]


class MappingBulkResult(TypedDict):
    """What became of each item."""

    summary: BulkSummary
    results: list[MappingBulkItemResult]


class PlanSummary(TypedDict):
    """Sizes of a plan."""

    tables: int
    columns: int
    relationships: int
    transformations: int
    estimated_duration_seconds: float
    estimated_records: int | None


class PlanPhase(TypedDict):
    """A phase of the plan."""

    name: str
    order: int
    tables: list[str]
    parallel: bool
    depends_on: list[str]
    estimated_duration_seconds: float


class PlanRisk(TypedDict):
    """What may go wrong."""

    severity: str
    type: str
    description: str
    affected: list[str]
    mitigation: NotRequired[str]


class PlanAnswer(TypedDict):
    """The plan."""

    migration_id: str
    status: str
    generated_at: str | None
    estimated_completion: str | None
    summary: PlanSummary | None
    mappings: list[MappingAnswer]
    phases: list[PlanPhase]
    risks: list[PlanRisk]
    error: Problem | None
