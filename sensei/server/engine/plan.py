"""A migration plan as plain data: what is proposed, what a person decides on, what is then carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sensei.server.engine.catalog import Catalog, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What the user asked for, defaults filled in. Names are those of `MigrationOptions` and `TargetOptions`."""

    mode: str = "full"
    strategy: str = "balanced"
    parallelism: int = 4
    batch_size: int = 10_000
    type_mappings: tuple[tuple[str, str], ...] = ()
    """(source_type, target_type) overrides, as the user wrote them."""
    create_schema_if_missing: bool = True
    drop_existing_tables: bool = False
    truncate_existing_tables: bool = False
    append_to_existing: bool = False
    generate_rollback: bool = True
    """Keep what is on the target before it is emptied, dropped or added to."""
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    """Connector settings of both ends that the planner may use: ``{"source": {...}, "target": {...}}``."""

    @property
    def fills_existing_tables(self) -> bool:
        """Whether tables that are there already are kept and filled, emptied first or not."""
        return not self.drop_existing_tables and (self.truncate_existing_tables or self.append_to_existing)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRef:
    """A column on one side."""

    schema: str | None
    table: str
    column: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingProposal:
    """How one source column becomes one target column. Ids, decisions and review belong to the caller."""

    source: ColumnRef
    target: ColumnRef
    transformation: str | None
    """A scalar SQL expression over the source table in the source's dialect; None copies the value."""
    transformation_type: str
    """``identity``, ``type_widening``, ``encoding_normalize``, ``type_conversion`` or ``custom``."""
    confidence: float
    reasoning: str
    type_compatible: bool
    has_data_loss_risk: bool
    is_pii: bool
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Something that may go otherwise than the user expects."""

    severity: str
    """``low``, ``medium``, ``high`` or ``critical``."""
    type: str
    """``data_truncation``, ``data_loss``, ``semantic_ambiguity``, ``performance`` or ``target_not_empty``."""
    description: str
    affected: tuple[str, ...] = ()
    mitigation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhasePlan:
    """What a phase will do, and how long that may take."""

    name: str
    order: int
    tables: tuple[str, ...] = ()
    parallel: bool = False
    depends_on: tuple[str, ...] = ()
    estimated_duration_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """One table to be made and filled. `target` is all that DDL needs, in the target's notation."""

    source: Table
    target: Table
    estimated_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a migration will do, column by column."""

    source: Catalog
    """The selected tables only."""
    target_system: str
    target_schema: str | None
    tables: tuple[TablePlan, ...]
    """In dependency order: a table comes after those it refers to, cycles broken and noted in the risks."""
    mappings: tuple[MappingProposal, ...]
    """One per source column that is to be transferred."""
    risks: tuple[Risk, ...]
    phases: tuple[PhasePlan, ...]
    relationships: int
    generated_at: datetime
    estimated_records: int | None = None
    estimated_duration_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedMapping:
    """A mapping after review, as the engine carries it out."""

    source: ColumnRef
    target: ColumnRef
    transformation: str | None
    rejected: bool = False
    """The column is left out."""
