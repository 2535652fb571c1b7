"""How to reach a database: one type of `config` per type of connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, Required

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from sensei.models.base import OpenEnum
from sensei.models.enums import ConnectionRoleParam, ConnectionTypeParam, SslModeParam
from sensei.models.params.base import STRICT, Description, Name, OpenObject, Tags, Text

__all__ = [
    "BigqueryConfig",
    "ConnectionConfig",
    "ConnectionConfigUpdate",
    "ConnectionCreateBody",
    "ConnectionOptionsParam",
    "ConnectionOptionsUpdate",
    "ConnectionTestBody",
    "ConnectionUpdateBody",
    "DatabricksConfig",
    "MongodbConfig",
    "MysqlConfig",
    "OracleConfig",
    "PostgresqlConfig",
    "RedshiftConfig",
    "S3Config",
    "SecretReference",
    "SnowflakeConfig",
    "SqliteConfig",
    "SqlserverConfig",
    "SshTunnel",
]

Port = Annotated[int, Field(ge=1, le=65535)]
Host = Annotated[str, Field(min_length=1, max_length=255)]


@with_config(STRICT)
class SecretReference(TypedDict, total=False):
    """Where the server fetches the user name and password itself.

    Attributes:
        provider: `aws_secrets_manager`, `gcp_secret_manager`, `azure_key_vault` or `vault`.
        secret_name: Name of the secret there.
        region: Region, where the provider has them.
    """

    provider: Required[
        Annotated[Literal["aws_secrets_manager", "gcp_secret_manager", "azure_key_vault", "vault"], OpenEnum]
    ]
    secret_name: Required[str]
    region: str


@with_config(STRICT)
class SshTunnel(TypedDict, total=False):
    """The way through a bastion host.

    Attributes:
        type: `ssh`.
        host: The bastion host.
        port: Its port, 22 if not given.
        username: User there.
        private_key: PEM text or a secret reference. Write-only.
        local_port: Port on this side of the tunnel.
        remote_host: Where the tunnel leads.
        remote_port: Port there.
    """

    type: Required[Literal["ssh"]]
    host: Required[str]
    port: Port
    username: Required[str]
    private_key: str
    local_port: Port
    remote_host: str
    remote_port: Port


@with_config(STRICT)
class _CommonConfig(TypedDict, total=False):
    """What every `config` may have."""

    connection_string: Text
    credentials: Text | SecretReference
    tunnel: SshTunnel
    extra_params: OpenObject


@with_config(STRICT)
class _NetworkConfig(_CommonConfig, total=False):
    """What the `config` of a database with a host has."""

    host: Host
    port: Port
    database: str
    username: str
    password: str
    schema: str
    schemas: Sequence[str]
    ssl_ca: str
    ssl_cert: str
    ssl_key: str


@with_config(STRICT)
class PostgresqlConfig(_NetworkConfig, total=False):
    """How to reach PostgreSQL 11 or newer: `host`, or a `connection_string`. `port` is 5432 if not given."""


@with_config(STRICT)
class MysqlConfig(_NetworkConfig, total=False):
    """How to reach MySQL or MariaDB: `host`, or a `connection_string`. `port` is 3306 if not given."""


@with_config(STRICT)
class SqlserverConfig(_NetworkConfig, total=False):
    """How to reach SQL Server 2016 or newer: `host`, or a `connection_string`. `port` is 1433 if not given."""


@with_config(STRICT)
class RedshiftConfig(_NetworkConfig, total=False):
    """How to reach Amazon Redshift: `host`, or a `connection_string`. `port` is 5439 if not given."""


@with_config(STRICT)
class OracleConfig(_NetworkConfig, total=False):
    """How to reach Oracle 12c or newer: `host` and one of `service_name` and `sid`, or a `connection_string`."""

    service_name: str
    sid: str


@with_config(STRICT)
class MongodbConfig(_CommonConfig, total=False):
    """How to reach MongoDB 4.4 or newer: `uri`, `host` or a `connection_string`. `port` is 27017 if not given."""

    uri: str
    host: str
    port: Port
    database: str
    username: str
    password: str
    auth_source: str


@with_config(STRICT)
class SnowflakeConfig(_CommonConfig, total=False):
    """How to reach Snowflake: `account`, with a password or a key pair, or a `connection_string`."""

    account: str
    warehouse: str
    database: str
    schema: str
    role: str
    username: str
    password: str
    private_key: str
    private_key_path: str
    private_link: bool


@with_config(STRICT)
class BigqueryConfig(_CommonConfig, total=False):
    """How to reach Google BigQuery: `project`, or a `connection_string`."""

    project: str
    dataset: str
    location: str
    service_account_json: str


@with_config(STRICT)
class DatabricksConfig(_CommonConfig, total=False):
    """How to reach a Databricks SQL warehouse: `host` and `http_path`, or a `connection_string`."""

    host: str
    http_path: str
    catalog: str
    schema: str
    access_token: str


@with_config(STRICT)
class S3Config(_CommonConfig, total=False):
    """How to reach files in Amazon S3: `bucket`, or a `connection_string`."""

    bucket: str
    prefix: str
    region: str
    endpoint: str
    format: Annotated[Literal["csv", "parquet", "json"], OpenEnum]
    access_key: str
    secret_key: str
    session_token: str


@with_config(STRICT)
class SqliteConfig(_CommonConfig, total=False):
    """How to reach an SQLite file on the machine of the server: `path`, or a `connection_string`."""

    path: Text
    read_only: bool


ConnectionConfig = (
    PostgresqlConfig
    | MysqlConfig
    | OracleConfig
    | SqlserverConfig
    | MongodbConfig
    | SnowflakeConfig
    | BigqueryConfig
    | RedshiftConfig
    | DatabricksConfig
    | S3Config
    | SqliteConfig
)
"""How to reach a database; which one it is follows from the type of the connection."""

CONFIGS: Final[dict[str, type[ConnectionConfig]]] = {
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

NEEDED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "postgresql": (("host",),),
    "mysql": (("host",),),
    "oracle": (("host",), ("service_name", "sid")),
    "sqlserver": (("host",),),
    "mongodb": (("uri", "host"),),
    "snowflake": (("account",),),
    "bigquery": (("project",),),
    "redshift": (("host",),),
    "databricks": (("host",), ("http_path",)),
    "s3": (("bucket",),),
    "sqlite": (("path",),),
}
"""What `config` needs without a `connection_string`: of each group, one member."""


@with_config(ConfigDict(extra="allow", strict=True))
class ConnectionOptionsParam(TypedDict, total=False):
    """Settings of a connection. Further ones of the connector may be given beside these.

    Attributes:
        ssl_mode: How much TLS is asked for.
        connection_timeout_seconds: Seconds to wait for the database to accept; 30 if not given.
        query_timeout_seconds: Seconds a query may take, 1 to 3600; 300 if not given.
        max_connections: Largest number of database connections at a time; 10 if not given.
    """

    ssl_mode: SslModeParam
    connection_timeout_seconds: Annotated[int, Field(ge=1)]
    query_timeout_seconds: Annotated[int, Field(ge=1, le=3600)]
    max_connections: Annotated[int, Field(ge=1)]


class ConnectionConfigUpdate(TypedDict, total=False):
    """Members of `config` to change, whatever the type of the connection; one that is None is removed."""

    connection_string: str | None
    credentials: str | SecretReference | None
    tunnel: SshTunnel | None
    extra_params: OpenObject | None
    host: str | None
    port: int | None
    database: str | None
    username: str | None
    password: str | None
    schema: str | None
    schemas: Sequence[str] | None
    ssl_ca: str | None
    ssl_cert: str | None
    ssl_key: str | None
    service_name: str | None
    sid: str | None
    uri: str | None
    auth_source: str | None
    account: str | None
    warehouse: str | None
    role: str | None
    private_key: str | None
    private_key_path: str | None
    private_link: bool | None
    project: str | None
    dataset: str | None
    location: str | None
    service_account_json: str | None
    http_path: str | None
    catalog: str | None
    access_token: str | None
    bucket: str | None
    prefix: str | None
    region: str | None
    endpoint: str | None
    format: Annotated[Literal["csv", "parquet", "json"], OpenEnum] | None
    access_key: str | None
    secret_key: str | None
    session_token: str | None
    path: str | None
    read_only: bool | None


class ConnectionOptionsUpdate(TypedDict, total=False):
    """Settings of a connection to change; one that is None goes back to what holds when it is not given.

    Attributes:
        ssl_mode: How much TLS is asked for.
        connection_timeout_seconds: Seconds to wait for the database to accept.
        query_timeout_seconds: Seconds a query may take, 1 to 3600.
        max_connections: Largest number of database connections at a time.
    """

    ssl_mode: SslModeParam | None
    connection_timeout_seconds: int | None
    query_timeout_seconds: int | None
    max_connections: int | None


@with_config(STRICT)
class ConnectionCreateBody(TypedDict, total=False):
    """The body of `connections.create`; `config` is checked apart, by `type`."""

    name: Required[Name]
    description: Description
    type: Required[ConnectionTypeParam]
    role: Required[ConnectionRoleParam]
    config: Required[OpenObject]
    options: ConnectionOptionsParam
    tags: Tags


@with_config(STRICT)
class ConnectionUpdateBody(TypedDict, total=False):
    """The body of `connections.update`."""

    name: Name
    description: Description | None
    config: OpenObject
    options: OpenObject
    tags: Tags


@with_config(STRICT)
class ConnectionTestBody(TypedDict, total=False):
    """The body of `connections.test_config`."""

    type: Required[ConnectionTypeParam]
    connection_string: str
    config: OpenObject
    options: ConnectionOptionsParam
    role: ConnectionRoleParam
