"""Requests and answers of the connections resource."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, Self, cast

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from sensei.server.schemas.base import (
    Closed,
    Description,
    Maybe,
    Name,
    Open,
    PageQuery,
    QueryBoolean,
    QueryInteger,
    QueryModel,
    Tags,
    refuse_members,
)
from sensei.server.schemas.connection_configs import (
    BigqueryConfig,
    DatabricksConfig,
    MongodbConfig,
    MysqlConfig,
    OracleConfig,
    PostgresqlConfig,
    RedshiftConfig,
    S3Config,
    SnowflakeConfig,
    SqliteConfig,
    SqlserverConfig,
    SslMode,
)

ConnectionType = Literal[
    "postgresql",
    "mysql",
    "oracle",
    "sqlserver",
    "mongodb",
    "snowflake",
    "bigquery",
    "redshift",
    "databricks",
    "s3",
    "sqlite",
]
Role = Literal["source", "target", "both"]
Status = Literal["testing", "connected", "failed"]


class ConnectionOptions(Open):
    """Behaviour of a connection; settings of its connector may stand beside these."""

    ssl_mode: Maybe[SslMode] = None
    connection_timeout_seconds: Maybe[Annotated[int, Field(ge=1)]] = None
    query_timeout_seconds: Maybe[Annotated[int, Field(ge=1, le=3600)]] = None
    max_connections: Maybe[Annotated[int, Field(ge=1)]] = None


class ConnectionCreateBase(Closed):
    """Members that all types share."""

    name: Name
    description: Maybe[Description] = None
    role: Role
    options: Maybe[ConnectionOptions] = None
    tags: Maybe[Tags] = None


class PostgresqlConnectionCreate(ConnectionCreateBase):
    """A PostgreSQL connection."""

    type: Literal["postgresql"]
    config: PostgresqlConfig


class MysqlConnectionCreate(ConnectionCreateBase):
    """A MySQL or MariaDB connection."""

    type: Literal["mysql"]
    config: MysqlConfig


class OracleConnectionCreate(ConnectionCreateBase):
    """An Oracle connection."""

    type: Literal["oracle"]
    config: OracleConfig


class SqlserverConnectionCreate(ConnectionCreateBase):
    """A SQL Server connection."""

    type: Literal["sqlserver"]
    config: SqlserverConfig


class MongodbConnectionCreate(ConnectionCreateBase):
    """A MongoDB connection."""

    type: Literal["mongodb"]
    config: MongodbConfig


class SnowflakeConnectionCreate(ConnectionCreateBase):
    """A Snowflake connection."""

    type: Literal["snowflake"]
    config: SnowflakeConfig


class BigqueryConnectionCreate(ConnectionCreateBase):
    """A BigQuery connection."""

    type: Literal["bigquery"]
    config: BigqueryConfig


class RedshiftConnectionCreate(ConnectionCreateBase):
    """A Redshift connection."""

    type: Literal["redshift"]
    config: RedshiftConfig


class DatabricksConnectionCreate(ConnectionCreateBase):
    """A Databricks connection."""

    type: Literal["databricks"]
    config: DatabricksConfig


class S3ConnectionCreate(ConnectionCreateBase):
    """An S3 connection."""

    type: Literal["s3"]
    config: S3Config


class SqliteConnectionCreate(ConnectionCreateBase):
    """A SQLite connection."""

    type: Literal["sqlite"]
    config: SqliteConfig


def by_type(value: Any) -> str | None:
    """Tag of the variant that an object's ``type`` names; what is no object is refused by any variant."""
    if not isinstance(value, dict | ConnectionCreateBase):
        return "=sqlite"
    type_: Any = cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"={type_}" if isinstance(type_, str) else None


ConnectionCreate = Annotated[
    Annotated[PostgresqlConnectionCreate, Tag("=postgresql")]
    | Annotated[MysqlConnectionCreate, Tag("=mysql")]
    | Annotated[OracleConnectionCreate, Tag("=oracle")]
    | Annotated[SqlserverConnectionCreate, Tag("=sqlserver")]
    | Annotated[MongodbConnectionCreate, Tag("=mongodb")]
    | Annotated[SnowflakeConnectionCreate, Tag("=snowflake")]
    | Annotated[BigqueryConnectionCreate, Tag("=bigquery")]
    | Annotated[RedshiftConnectionCreate, Tag("=redshift")]
    | Annotated[DatabricksConnectionCreate, Tag("=databricks")]
    | Annotated[S3ConnectionCreate, Tag("=s3")]
    | Annotated[SqliteConnectionCreate, Tag("=sqlite")],
    Discriminator(by_type),
]


class ConnectionUpdate(Closed):
    """Members to change; `config` and `options` are merged, and null removes a member of them."""

    name: Maybe[Name] = None
    description: Description | None = None
    config: Maybe[dict[str, Any]] = None
    options: Maybe[dict[str, Any]] = None
    tags: Maybe[Tags] = None

    @model_validator(mode="before")
    @classmethod
    def _keeps_its_kind(cls, data: Any) -> Any:
        refuse_members(data, "type", "role")
        return data

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("required", "must have at least one member")
        return self


class ConnectionTestRequest(Open):
    """Settings to try without saving them; members of the config may stand in `config` or beside `type`."""

    type: ConnectionType
    connection_string: Maybe[str] = None
    config: Maybe[dict[str, Any]] = None
    options: Maybe[ConnectionOptions] = None
    role: Maybe[Role] = None


class ConnectionListQuery(PageQuery):
    """Filters of the list."""

    type: Maybe[ConnectionType] = None
    role: Maybe[Role] = None
    status: Maybe[Status] = None
    tag: Maybe[str] = None


class SchemaQuery(QueryModel):
    """What part of the structure to read."""

    schema_: Maybe[str] = Field(default=None, alias="schema")
    table: Maybe[str] = None
    refresh: QueryBoolean = False


class PreviewQuery(QueryModel):
    """What rows to look at."""

    schema_: Maybe[str] = Field(default=None, alias="schema")
    table: Annotated[str, Field(min_length=1)]
    limit: Annotated[QueryInteger, Field(ge=1, le=100)] = 10


class Problem(TypedDict):
    """Why a resource failed (`ProblemSummary`)."""

    code: str
    message: str
    reason_code: NotRequired[str]
    details: NotRequired[dict[str, Any]]
    occurred_at: NotRequired[str]


class TestResult(TypedDict):
    """Outcome of a connectivity test."""

    status: str
    latency_ms: float
    tested_at: str
    server_version: NotRequired[str | None]
    accessible_schemas: NotRequired[list[str]]
    available_schemas: NotRequired[list[str]]
    table_count: NotRequired[int | None]
    estimated_rows: NotRequired[int | None]
    write_test: NotRequired[str]
    error: NotRequired[Problem | None]


class ConnectionAnswer(TypedDict):
    """A connection, without its secrets."""

    id: str
    name: str
    description: str | None
    type: str
    role: str
    status: str
    config: dict[str, Any]
    options: dict[str, Any]
    tags: list[str]
    created_at: str
    updated_at: str
    last_test: TestResult | None
