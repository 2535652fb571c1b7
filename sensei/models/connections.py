"""Connections to databases, and their tests."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sensei.models.base import JsonObject, Model, OpenEnum, Problem, Timestamp
from sensei.models.enums import ConnectionRole, ConnectionStatus, ConnectionType, SslMode

__all__ = [
    "ConnectionType",
    "ConnectionRole",
    "ConnectionStatus",
    "SslMode",
    "ConnectionData",
    "ConnectionOptions",
    "ConnectionTestResult",
]


class ConnectionOptions(Model):
    """Settings of a connection; further ones of the connector are kept beside these.

    Attributes:
        ssl_mode: How much TLS is asked for.
        connection_timeout_seconds: Seconds to wait for the database to accept.
        query_timeout_seconds: Seconds a query may take.
        max_connections: Largest number of database connections at a time.
    """

    ssl_mode: SslMode | None = None
    connection_timeout_seconds: int | None = None
    query_timeout_seconds: int | None = None
    max_connections: int | None = None


class ConnectionTestResult(Model):
    """The outcome of a connection test.

    Attributes:
        status: `success` or `failed`.
        latency_ms: Milliseconds for a round trip to the database; always sent.
        server_version: What the database calls itself.
        accessible_schemas: Schemas that can be read.
        available_schemas: Schemas that can be written to.
        table_count: Number of tables in view.
        estimated_rows: Approximate number of rows in them.
        warehouse_state: State of a data warehouse.
        warehouse_size: Size of a data warehouse.
        write_test: Whether a trial write worked: `success`, `failed` or `skipped`.
        tested_at: When the test ended; always sent.
        error: What went wrong, when `status` is `failed`.
    """

    _shown: ClassVar[tuple[str, ...]] = ("status", "latency_ms", "server_version", "table_count", "error")

    status: Annotated[Literal["success", "failed"] | str, OpenEnum]
    latency_ms: float | None = None
    server_version: str | None = None
    accessible_schemas: list[str] | None = None
    available_schemas: list[str] | None = None
    table_count: int | None = None
    estimated_rows: int | None = None
    warehouse_state: str | None = None
    warehouse_size: str | None = None
    write_test: Annotated[Literal["success", "failed", "skipped"] | str, OpenEnum] | None = None
    tested_at: Timestamp | None = None
    error: Problem | None = None


class ConnectionData(Model):
    """A stored connection to a database.

    Attributes:
        id: Id, `conn_…`.
        name: Its name; names need not be unique.
        description: For people; always sent.
        type: Kind of the system.
        role: Side of a migration on which it may be used.
        status: `testing`, `connected` or `failed`.
        config: What was configured, without passwords, keys, tokens and connection strings; always sent.
        options: Its settings; always sent.
        tags: Free labels; always sent.
        created_at: When it was made.
        updated_at: When it was last changed; always sent.
        last_test: Outcome of the newest finished test; always sent, None before.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "name", "type", "role", "status")

    id: str
    name: str
    description: str | None = None
    type: ConnectionType
    role: ConnectionRole
    status: ConnectionStatus
    config: JsonObject = Field(default_factory=dict[str, object])
    options: ConnectionOptions | None = None
    tags: list[str] = Field(default_factory=list[str])
    created_at: Timestamp
    updated_at: Timestamp | None = None
    last_test: ConnectionTestResult | None = None
