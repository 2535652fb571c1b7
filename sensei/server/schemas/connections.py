"""Requests and answers of the connections resource."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, NotRequired, Self, cast

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
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
Port = Annotated[int, Field(ge=1, le=65535)]

SECRET_MEMBERS = frozenset(
    {
        "password",
        "connection_string",
        "uri",
        "private_key",
        "ssl_key",
        "service_account_json",
        "access_token",
        "secret_key",
        "session_token",
    }
)
"""Write-only members of a config: never in any answer, log, event or message."""


class NamedSecret(Closed):
    """A secret by its name in a secrets manager."""

    provider: Literal["aws_secrets_manager", "gcp_secret_manager", "azure_key_vault", "vault"]
    secret_name: str
    region: Maybe[str] = None


def _secret_kind(value: Any) -> str:
    return "=name" if isinstance(value, str) else "=object"


SecretReference = Annotated[
    Annotated[Annotated[str, Field(min_length=1, max_length=2048)], Tag("=name")]
    | Annotated[NamedSecret, Tag("=object")],
    Discriminator(_secret_kind),
]


class SshTunnel(Closed):
    """A bastion host through which the database is reached."""

    type: Literal["ssh"]
    host: str
    port: Port = 22
    username: str
    private_key: Maybe[str] = None
    local_port: Maybe[Port] = None
    remote_host: Maybe[str] = None
    remote_port: Maybe[Port] = None


class ConfigCommon(Closed):
    """Members that every type accepts."""

    needed: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Without a connection string, one member of each group must be there."""

    connection_string: Maybe[Annotated[str, Field(min_length=1)]] = None
    credentials: Maybe[SecretReference] = None
    tunnel: Maybe[SshTunnel] = None
    extra_params: Maybe[dict[str, Any]] = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        given = self.model_fields_set
        if "connection_string" not in given:
            for group in self.needed:
                if not given.intersection(group):
                    raise PydanticCustomError(
                        "required",
                        "needs {names}, or a connection_string",
                        {"field": group[0], "names": " or ".join(group)},
                    )
        return self


class ConfigNetwork(ConfigCommon):
    """A database that is reached by host and port."""

    needed: ClassVar[tuple[tuple[str, ...], ...]] = (("host",),)

    host: Maybe[Annotated[str, Field(min_length=1, max_length=255)]] = None
    port: Maybe[Port] = None
    database: Maybe[str] = None
    username: Maybe[str] = None
    password: Maybe[str] = None
    schema_: Maybe[str] = Field(default=None, alias="schema")
    schemas: Maybe[list[str]] = None
    ssl_ca: Maybe[str] = None
    ssl_cert: Maybe[str] = None
    ssl_key: Maybe[str] = None


class PostgresqlConfig(ConfigNetwork):
    """PostgreSQL 11 or newer."""


class MysqlConfig(ConfigNetwork):
    """MySQL 5.7 or newer, MariaDB 10.3 or newer."""


class OracleConfig(ConfigNetwork):
    """Oracle 12c or newer."""

    needed: ClassVar[tuple[tuple[str, ...], ...]] = (("host",), ("service_name", "sid"))

    service_name: Maybe[str] = None
    sid: Maybe[str] = None

    @model_validator(mode="after")
    def _names_one_service(self) -> Self:
        if {"service_name", "sid"} <= self.model_fields_set:
            raise PydanticCustomError("one_of", "takes service_name or sid, not both", {"field": "sid"})
        return self


class SqlserverConfig(ConfigNetwork):
    """SQL Server 2016 or newer."""


class MongodbConfig(ConfigCommon):
    """MongoDB 4.4 or newer."""

    needed: ClassVar[tuple[tuple[str, ...], ...]] = (("uri", "host"),)

    uri: Maybe[str] = None
    host: Maybe[str] = None
    port: Maybe[Port] = None
    database: Maybe[str] = None
    username: Maybe[str] = None
    password: Maybe[str] = None
    auth_source: Maybe[str] = None


class SnowflakeConfig(ConfigCommon):
    """A Snowflake account, by password or key pair."""

    needed: ClassVar[tuple[tuple[str, ...], ...]] = (("account",),)

    account: Maybe[str] = None
    warehouse: Maybe[str] = None
    database: Maybe[str] = None
    schema_: Maybe[str] = Field(default=None, alias="schema")
    role: Maybe[str] = None
    username: Maybe[str] = None
    password: Maybe[str] = None
    private_key: Maybe[str] = None
    private_key_path: Maybe[str] = None
    private_link: Maybe[bool] = None


class BigqueryConfig(ConfigCommon):
    """A Google BigQuery dataset."""

    needed: ClassVar[tuple[tuple[str, ...], ...]] = (("project",),)

    project: Maybe[str] = None
    dataset: Maybe[str] = None
    location: Maybe[str] = None
    service_account_json: Maybe[str] = None


class RedshiftConfig(ConfigNetwork):
    """Amazon Redshift."""


class DatabricksConfig(ConfigCommon):
    """A Databricks SQL warehouse."""

    needed: ClassVar[tuple[tuple[str, ...], ...]] = (("host",), ("http_path",))

    host: Maybe[str] = None
    http_path: Maybe[str] = None
    catalog: Maybe[str] = None
    schema_: Maybe[str] = Field(default=None, alias="schema")
    access_token: Maybe[str] = None


class S3Config(ConfigCommon):
    """CSV, Parquet or JSON objects in an Amazon S3 bucket."""

    needed: ClassVar[tuple[tuple[str, ...], ...]] = (("bucket",),)

    bucket: Maybe[str] = None
    prefix: Maybe[str] = None
    region: Maybe[str] = None
    endpoint: Maybe[str] = None
    format: Maybe[Literal["csv", "parquet", "json"]] = None
    access_key: Maybe[str] = None
    secret_key: Maybe[str] = None
    session_token: Maybe[str] = None


class SqliteConfig(ConfigCommon):
    """A SQLite 3 file on the machine of the server."""

    needed: ClassVar[tuple[tuple[str, ...], ...]] = (("path",),)

    path: Maybe[Annotated[str, Field(min_length=1)]] = None
    read_only: Maybe[bool] = None


CONFIGS: dict[str, type[ConfigCommon]] = {
    "postgresql": PostgresqlConfig,
    "mysql": MysqlConfig,
    "oracle": OracleConfig,
    "sqlserver": SqlserverConfig,
    "mongodb": MongodbConfig,
    "snowflake": SnowflakeConfig,
    "bigquery": BigqueryConfig,
    "redshift": RedshiftConfig,
    "databricks": DatabricksConfig,
    "s3": S3Config,
    "sqlite": SqliteConfig,
}


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
