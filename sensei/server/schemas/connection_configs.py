"""What a connection to each type of database is made of, and which of it is secret."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from sensei.server.schemas.base import (
    Closed,
    Maybe,
)

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
