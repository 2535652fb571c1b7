"""Answers about what a database holds: its namespaces, tables and columns, and rows to look at."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict


class SchemaSummary(TypedDict):
    """Sizes of a structure."""

    tables: int
    columns: int
    estimated_rows: int | None
    relationships: int


class SchemaColumn(TypedDict):
    """A column."""

    name: str
    type: str
    nullable: bool
    default: str | None
    primary_key: bool
    position: int
    length: int | None
    precision: int | None
    scale: int | None
    comment: str | None


class SchemaReference(TypedDict):
    """What a foreign key points to."""

    schema: str | None
    table: str
    columns: list[str]


class SchemaForeignKey(TypedDict):
    """A relation to another table."""

    name: str | None
    columns: list[str]
    references: SchemaReference
    on_delete: str | None
    on_update: str | None
    inferred: bool


class SchemaIndex(TypedDict):
    """An index."""

    name: str | None
    columns: list[str]
    unique: bool


class SchemaTable(TypedDict):
    """A table or view."""

    name: str
    type: str
    columns: list[SchemaColumn]
    primary_key: list[str]
    foreign_keys: list[SchemaForeignKey]
    indexes: list[SchemaIndex]
    row_estimate: int | None
    size_bytes: int | None
    comment: str | None


class SchemaNamespace(TypedDict):
    """The tables of one schema."""

    name: str
    tables: list[SchemaTable]


class DatabaseSchema(TypedDict):
    """The structure of a database."""

    connection_id: str | None
    migration_id: NotRequired[str]
    side: NotRequired[str]
    captured_at: str
    summary: SchemaSummary
    schemas: list[SchemaNamespace]


class PreviewColumn(TypedDict):
    """A column of a preview."""

    name: str
    type: str


class TablePreview(TypedDict):
    """Some rows of a table."""

    connection_id: str
    schema: str | None
    table: str
    columns: list[PreviewColumn]
    rows: list[dict[str, Any]]
    row_count: int
    truncated: bool
