"""Reach databases: one connector class per system, behind one interface."""

from __future__ import annotations

from importlib.util import find_spec

from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.errors import ConnectorUnavailableError
from sensei.server.engine.job import Endpoint

__all__ = ["Connector", "need_mysql_driver", "open_connector"]


def need_mysql_driver() -> None:
    """Make sure that the driver for MySQL, which is an extra of its own, is installed.

    Raises:
        ConnectorUnavailableError: It is not; the message says how to install it.
    """
    if find_spec("pymysql") is None:
        raise ConnectorUnavailableError(
            "there is no driver for MySQL and MariaDB here; install it with pip install 'sensei-sdk[mysql]'"
        )


def open_connector(endpoint: Endpoint) -> Connector:
    """Open a database.

    Args:
        endpoint: Where it is and how to get in.

    Raises:
        ConnectorUnavailableError: There is no driver for this type here.
        EndpointError: The database cannot be reached or refuses; `reason_code` says why.
    """
    if endpoint.type == "sqlite":
        from sensei.server.engine.connectors.sqlite import SqliteConnector

        return SqliteConnector(endpoint)
    if endpoint.type == "postgresql":
        from sensei.server.engine.connectors.postgresql import PostgresqlConnector

        return PostgresqlConnector(endpoint)
    if endpoint.type == "mysql":
        need_mysql_driver()
        from sensei.server.engine.connectors.mysql import MysqlConnector

        return MysqlConnector(endpoint)
    raise ConnectorUnavailableError(f"there is no driver for {endpoint.type[:40]!r} databases on this server")
