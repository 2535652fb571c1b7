"""The structure of a database as plain data: what reflection finds and a plan is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table."""

    name: str
    type: str
    """In the system's own notation, e.g. ``NUMERIC(10, 2)`` or ``character varying(40)``."""
    nullable: bool = True
    default: str | None = None
    """The default as an expression of the system's own language."""
    position: int = 1
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    autoincrement: bool = False
    """Filled by the database from a sequence, an identity or a rowid."""
    computed: str | None = None
    """The expression of a generated column; its values are never written."""
    collation: str | None = None
    comment: str | None = None
    base_type: str | None = None
    """What lies under a domain."""
    choices: tuple[str, ...] = ()
    """The labels of an enumerated type, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A reference from one table to another."""

    columns: tuple[str, ...]
    referenced_schema: str | None
    referenced_table: str
    referenced_columns: tuple[str, ...]
    name: str | None = None
    on_delete: str | None = None
    on_update: str | None = None
    deferrable: bool = False
    inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index of a table."""

    columns: tuple[str, ...]
    name: str | None = None
    unique: bool = False
    expression: str | None = None
    """Set where a part is an expression rather than a column; such an index is reported, not copied blindly."""
    where: str | None = None
    """The condition of a partial index, in the system's own language."""
    method: str | None = None
    """How it is built where that is not the usual B-tree, e.g. ``gin``."""
    descending: tuple[str, ...] = ()
    included: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueConstraint:
    """Columns that hold each combination of values once."""

    columns: tuple[str, ...]
    name: str | None = None
    nulls_equal: bool = False
    """Whether two nulls count as equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConstraint:
    """A condition that every row of a table meets."""

    expression: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table or view with all that belongs to it."""

    schema: str | None
    """None only where the system has no schemas and the default one is meant."""
    name: str
    columns: tuple[Column, ...]
    type: str = "table"
    """``table``, ``view`` or ``materialized_view``."""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    unique_constraints: tuple[UniqueConstraint, ...] = ()
    check_constraints: tuple[CheckConstraint, ...] = ()
    row_estimate: int | None = None
    size_bytes: int | None = None
    comment: str | None = None
    extra: dict[str, str | int | bool] = field(default_factory=dict[str, str | int | bool])
    """Dialect facts the engine needs again, e.g. SQLite's WITHOUT ROWID or STRICT."""

    @property
    def qualified_name(self) -> str:
        """``schema.table``, or the bare name where there is no schema."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Tables of one database, as read at one moment."""

    system: str
    """``sqlite``, ``postgresql`` or ``mysql``"""
    server_version: str
    captured_at: datetime
    tables: tuple[Table, ...]
    default_schema: str | None = None

    def table(self, schema: str | None, name: str) -> Table:
        """The table of that schema and name; KeyError if there is none."""
        for table in self.tables:
            if table.name == name and table.schema == schema:
                return table
        raise KeyError(name)
