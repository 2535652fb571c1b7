"""What is in a database: its schema, and rows of its tables."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sensei.models.base import JsonObject, Model, OpenEnum, Timestamp

__all__ = [
    "DatabaseSchema",
    "SchemaSummary",
    "SchemaNamespace",
    "SchemaTable",
    "SchemaColumn",
    "SchemaForeignKey",
    "SchemaReference",
    "SchemaIndex",
    "TablePreview",
    "PreviewColumn",
]


class SchemaColumn(Model):
    """A column.

    Attributes:
        name: Its name.
        type: Type in the system's own notation.
        nullable: Whether NULL is allowed.
        default: Default as an expression of the system's own language; always sent.
        primary_key: Whether it is part of the primary key; always sent.
        position: Position in the table, from 1; always sent.
        length: Length of a text or binary type.
        precision: Digits of a numeric type.
        scale: Digits behind the point.
        is_pii: Whether it seems to hold personal data.
        comment: Comment in the database.
    """

    _shown: ClassVar[tuple[str, ...]] = ("name", "type", "nullable")

    name: str
    type: str
    nullable: bool
    default: str | None = None
    primary_key: bool | None = None
    position: int | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    is_pii: bool | None = None
    comment: str | None = None


class SchemaReference(Model):
    """What a foreign key points to.

    Attributes:
        schema: Schema of the table; None for the same one.
        table: The table.
        columns: Its columns, in the order of the key.
    """

    schema: str | None = None  # type: ignore[assignment]  # a wire name, see Model
    table: str
    columns: list[str]


class SchemaForeignKey(Model):
    """A relation between tables.

    Attributes:
        name: Name of the constraint.
        columns: The columns that refer.
        references: What they refer to.
        on_delete: What happens when the row referred to is deleted.
        on_update: What happens when its key changes.
        inferred: True for a relation found by analysis, not declared in the database.
    """

    name: str | None = None
    columns: list[str]
    references: SchemaReference
    on_delete: str | None = None
    on_update: str | None = None
    inferred: bool | None = None


class SchemaIndex(Model):
    """An index.

    Attributes:
        name: Its name.
        columns: Its columns, in order.
        unique: Whether it allows a value only once.
    """

    name: str | None = None
    columns: list[str]
    unique: bool | None = None


class SchemaTable(Model):
    """A table, view or the like.

    Attributes:
        name: Its name.
        type: `table`, `view`, `materialized_view`, `collection` or `file`; always sent.
        columns: Its columns in order.
        primary_key: Column names in key order, empty when there is no key; always sent.
        foreign_keys: Its relations to other tables; always sent.
        indexes: Its indexes; always sent.
        row_estimate: Approximate number of rows; always sent.
        size_bytes: Size in bytes.
        comment: Comment in the database.
    """

    _shown: ClassVar[tuple[str, ...]] = ("name", "type", "columns", "row_estimate")

    name: str
    type: Annotated[Literal["table", "view", "materialized_view", "collection", "file"] | str, OpenEnum] | None = None
    columns: list[SchemaColumn]
    primary_key: list[str] = Field(default_factory=list[str])
    foreign_keys: list[SchemaForeignKey] = Field(default_factory=list[SchemaForeignKey])
    indexes: list[SchemaIndex] = Field(default_factory=list[SchemaIndex])
    row_estimate: int | None = None
    size_bytes: int | None = None
    comment: str | None = None


class SchemaNamespace(Model):
    """A schema with its tables.

    Attributes:
        name: Schema name; the database name or `main` where the system has no schemas.
        tables: Its tables.
    """

    name: str
    tables: list[SchemaTable]


class SchemaSummary(Model):
    """The size of a database structure.

    Attributes:
        tables: Number of tables.
        columns: Number of columns.
        estimated_rows: Approximate number of rows.
        relationships: Number of declared foreign keys and inferred ones.
    """

    tables: int
    columns: int
    estimated_rows: int | None = None
    relationships: int | None = None


class DatabaseSchema(Model):
    """The structure of a database.

    Attributes:
        connection_id: The connection it was read through; always sent, None for an inline end.
        migration_id: The migration, in its source and target schemas.
        side: `source` or `target`, in the schemas of a migration.
        captured_at: When it was read; always sent.
        summary: Its size; always sent.
        schemas: The schemas in it.
    """

    connection_id: str | None = None
    migration_id: str | None = None
    side: Annotated[Literal["source", "target"] | str, OpenEnum] | None = None
    captured_at: Timestamp | None = None
    summary: SchemaSummary | None = None
    schemas: list[SchemaNamespace]


class PreviewColumn(Model):
    """A column of a preview.

    Attributes:
        name: Its name.
        type: Type in the system's own notation.
    """

    name: str
    type: str


class TablePreview(Model):
    """The first rows of a table.

    Attributes:
        connection_id: The connection; always sent.
        schema: Schema of the table; always sent.
        table: The table.
        columns: Its columns.
        rows: One dictionary a row, by column name. Integers beyond 2^53-1, decimals and money are texts, dates and
            times are ISO 8601 texts, binary is base64.
        row_count: Number of rows in this answer; always sent.
        truncated: True when the table has more rows; always sent.
    """

    connection_id: str | None = None
    schema: str | None = None  # type: ignore[assignment]  # a wire name, see Model
    table: str
    columns: list[PreviewColumn]
    rows: list[JsonObject]
    row_count: int | None = None
    truncated: bool | None = None
