"""Reach databases: one connector class per system, behind one interface."""

from __future__ import annotations

from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.errors import ConnectorUnavailableError
from sensei.server.engine.job import Endpoint

__all__ = ["Connector", "open_connector"]


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
    raise ConnectorUnavailableError(f"there is no driver for {endpoint.type[:40]!r} databases on this server")
