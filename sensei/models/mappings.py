"""Mappings of columns, and the plan they belong to."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sensei.models.base import Model, OpenEnum, Problem, Timestamp
from sensei.models.enums import MappingStatus, PhaseName, PlanStatus, TransformationType

__all__ = [
    "MappingStatus",
    "TransformationType",
    "PlanStatus",
    "ColumnRef",
    "MappingData",
    "MigrationPlanData",
    "PlanPhase",
    "PlanReferenceData",
    "PlanRisk",
    "PlanSummary",
]


class ColumnRef(Model):
    """A column of a table; prints as `schema.table.column`, leaving out what is None.

    Attributes:
        schema: Schema of the table.
        table: The table.
        column: The column.
        type: Type in the system's own notation.
    """

    schema: str | None = None  # type: ignore[assignment]  # a wire name, see Model
    table: str
    column: str
    type: str | None = None

    def __str__(self) -> str:
        return ".".join(part for part in (self.schema, self.table, self.column) if part is not None)


class MappingData(Model):
    """Where the values of one source column go, and how sure that is.

    Attributes:
        id: Id, `map_…`; every conforming server sends it.
        migration_id: The migration; always sent.
        source: The column that is read.
        target: The column that is written.
        transformation: Expression over the source column; None copies the value. Always sent.
        transformation_type: Kind of the transformation; always sent.
        confidence: How sure the mapping is, 0 to 1.
        status: `approved`, `pending_review` or `rejected`.
        requires_approval: True when the migration cannot start before this one is decided; always sent.
        reasoning: Why it was proposed; always sent.
        type_compatible: Whether every value of the source type fits the target type; always sent.
        has_data_loss_risk: Whether some values may lose precision or be cut; always sent.
        is_pii: Whether the column seems to hold personal data; always sent.
        flags: Remarks for the reviewer.
        decided_by: Who decided: an id, or `auto`.
        decided_at: When it was decided.
        comment: What they said.
    """

    id: str | None = None
    migration_id: str | None = None
    source: ColumnRef
    target: ColumnRef
    transformation: str | None = None
    transformation_type: TransformationType | None = None
    confidence: float
    status: MappingStatus
    requires_approval: bool | None = None
    reasoning: str | None = None
    type_compatible: bool | None = None
    has_data_loss_risk: bool | None = None
    is_pii: bool | None = None
    flags: list[str] = Field(default_factory=list[str])
    decided_by: str | None = None
    decided_at: Timestamp | None = None
    comment: str | None = None

    @property
    def source_column(self) -> str:
        """Name of the column that is read, without its table."""
        return self.source.column

    @property
    def target_column(self) -> str:
        """Name of the column that is written, without its table."""
        return self.target.column

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(id={self.id!r}, {self.source} -> {self.target}, "
            f"confidence={self.confidence}, status={self.status!r})"
        )


class PlanReferenceData(Model):
    """What a migration says about its plan before the plan itself is fetched.

    Attributes:
        status: How far the plan is; None when the server said nothing.
        estimated_completion: When it should be there.
    """

    status: PlanStatus | None = None
    estimated_completion: Timestamp | None = None


class PlanSummary(Model):
    """The size of a plan.

    Attributes:
        tables: Number of tables.
        columns: Number of columns.
        relationships: Number of relations between the tables.
        transformations: Number of columns whose values are changed.
        estimated_duration_seconds: Seconds the migration should take.
        estimated_records: Records to move.
    """

    tables: int
    columns: int
    relationships: int | None = None
    transformations: int | None = None
    estimated_duration_seconds: float | None = None
    estimated_records: int | None = None


class PlanPhase(Model):
    """What one phase of the plan does.

    Attributes:
        name: The phase.
        order: Its place, from 1.
        tables: Tables it works on.
        parallel: Whether they are worked on at the same time.
        depends_on: Phases that must be done before.
        estimated_duration_seconds: Seconds it should take.
    """

    name: PhaseName
    order: int
    tables: list[str] = Field(default_factory=list[str])
    parallel: bool | None = None
    depends_on: list[str] = Field(default_factory=list[str])
    estimated_duration_seconds: float | None = None


class PlanRisk(Model):
    """What might go wrong, known before the start.

    Attributes:
        severity: `low`, `medium`, `high` or `critical`.
        type: Kind of the risk.
        description: One sentence for a person.
        affected: Names of what it concerns, such as `orders.total`.
        mitigation: What can be done about it.
    """

    severity: Annotated[Literal["low", "medium", "high", "critical"] | str, OpenEnum]
    type: Annotated[
        Literal["data_truncation", "data_loss", "semantic_ambiguity", "performance", "target_not_empty"] | str, OpenEnum
    ]
    description: str
    affected: list[str] = Field(default_factory=list[str])
    mitigation: str | None = None


class MigrationPlanData(Model):
    """How a migration will be done. The mappings stand in the classes derived from this one.

    Attributes:
        migration_id: The migration.
        status: `generating`, `ready`, `approved` or `failed`.
        generated_at: When it was made; always sent, None while generating.
        estimated_completion: When it should be there, while generating.
        summary: Its size; always sent, None while generating.
        phases: What each phase does; always sent.
        risks: What might go wrong; always sent.
        error: Why no plan could be made, when `status` is `failed`.
    """

    _shown: ClassVar[tuple[str, ...]] = ("migration_id", "status", "summary", "mappings", "risks")

    migration_id: str
    status: PlanStatus
    generated_at: Timestamp | None = None
    estimated_completion: Timestamp | None = None
    summary: PlanSummary | None = None
    phases: list[PlanPhase] = Field(default_factory=list[PlanPhase])
    risks: list[PlanRisk] = Field(default_factory=list[PlanRisk])
    error: Problem | None = None
