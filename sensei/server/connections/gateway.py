"""The one door to the databases behind connections: engine calls with the contract's failures."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from sensei.server.clock import Clock, monotonic
from sensei.server.errors import ApiError
from sensei.server.schemas.base import wire_time
from sensei.server.schemas.connection_configs import SECRET_MEMBERS
from sensei.server.schemas.connections import TestResult
from sensei.server.schemas.database_schemas import DatabaseSchema, SchemaTable

if TYPE_CHECKING:
    from sensei.server.engine.catalog import Catalog, Table
    from sensei.server.engine.job import Endpoint, Preview, TestOutcome
    from sensei.server.engine.reach import Reach

_TIMED_OUT = "E1004"
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|credential|key", re.IGNORECASE)
_COPY_AGE = timedelta(minutes=10)
_COPIES = 64


def split_config(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A config as (what may be shown, what must not)."""
    shown = {name: value for name, value in config.items() if name not in SECRET_MEMBERS}
    secret = {name: value for name, value in config.items() if name in SECRET_MEMBERS}
    tunnel: dict[str, Any] = shown.get("tunnel") or {}
    if "private_key" in tunnel:
        shown["tunnel"] = {name: value for name, value in tunnel.items() if name != "private_key"}
        secret["tunnel"] = {"private_key": tunnel["private_key"]}
    drivers: dict[str, Any] = shown.get("extra_params") or {}
    hidden = {name: value for name, value in drivers.items() if _may_be_secret(name, value)}
    if hidden:
        shown["extra_params"] = {name: value for name, value in drivers.items() if name not in hidden}
        secret["extra_params"] = hidden
    return shown, secret


def _may_be_secret(name: str, value: Any) -> bool:
    """Whether a parameter of a driver, of which only the name is known, has to be kept from view."""
    if _SECRET_NAME.search(name):
        return True
    members = cast("dict[str, Any]", value).items() if isinstance(value, dict) else ()
    return any(_may_be_secret(member, inner) for member, inner in members)


def join_config(shown: dict[str, Any], secret: dict[str, Any]) -> dict[str, Any]:
    """The two parts of a config put together again."""
    joined = {**shown, **secret}
    if "tunnel" in shown and "tunnel" in secret:
        joined["tunnel"] = {**shown["tunnel"], **secret["tunnel"]}
    if "extra_params" in secret:
        joined["extra_params"] = {**(shown.get("extra_params") or {}), **secret["extra_params"]}
    return joined


@contextmanager
def failures(unreachable: str = "connection_unreachable") -> Generator[None, None, None]:
    """Turn what the engine raises into the contract's errors; `unreachable` is the code for a database that is down."""
    from sensei.server.engine.errors import ConnectorUnavailableError, EndpointError, EngineError, TableNotFoundError

    try:
        yield
    except ConnectorUnavailableError as error:
        raise ApiError("connector_unavailable", error.message, details={"reason_code": error.reason_code}) from None
    except TableNotFoundError as error:
        raise ApiError("table_not_found", error.message, details={"reason_code": error.reason_code}) from None
    except EndpointError as error:
        code = "upstream_timeout" if error.reason_code == _TIMED_OUT else unreachable
        raise ApiError(code, error.message, details={"reason_code": error.reason_code}) from None
    except EngineError as error:
        raise ApiError("internal_error", error.message, details={"reason_code": error.reason_code}) from None


def endpoint(type_: str, config: dict[str, Any], options: dict[str, Any], reach: Reach) -> Endpoint:
    """An endpoint for the engine."""
    from sensei.server.engine.job import Endpoint

    return Endpoint(type=type_, config=config, options=options, reach=reach)


def test(where: Endpoint, role: str) -> TestOutcome:
    """Try a database; one that cannot be reached is a failed outcome, not an exception."""
    from sensei.server.engine.connectors import open_connector
    from sensei.server.engine.errors import ConnectorUnavailableError, EngineError
    from sensei.server.engine.job import Problem, TestOutcome

    began = monotonic()
    try:
        with closing(open_connector(where)) as connector:
            return connector.test(role)
    except ConnectorUnavailableError as error:
        known = f"{error.message}; it reaches {', '.join(sorted(WITH_CONNECTOR))}"
        problem = Problem(code="connector_unavailable", message=known, reason_code=error.reason_code)
    except EngineError as error:
        problem = Problem(code="connection_unreachable", message=error.message, reason_code=error.reason_code)
    return TestOutcome(status="failed", latency_ms=round((monotonic() - began) * 1000, 3), error=problem)


WITH_CONNECTOR = frozenset({"sqlite", "postgresql", "mysql"})
"""Types that `open_connector` knows; the others are accepted and their tests fail."""
AS_TARGET = WITH_CONNECTOR - {"mysql"}
"""Types that can be written as well."""


def reach(where: Endpoint) -> None:
    """Open a database and let go of it again.

    Raises:
        EngineError: It cannot be used.
    """
    from sensei.server.engine.connectors import open_connector

    open_connector(where).close()


def preview(where: Endpoint, schema: str | None, table: str, limit: int) -> Preview:
    """Some rows of a table."""
    from sensei.server.engine.connectors import open_connector

    with closing(open_connector(where)) as connector:
        return connector.preview(schema, table, limit)


class Catalogs:
    """Catalogs of connections, read anew when a copy is older than ten minutes or its connection was changed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._copies: dict[str, tuple[int, Catalog]] = {}

    def read(self, connection_id: str, revision: int, where: Endpoint, *, refresh: bool) -> Catalog:
        """The catalog behind a connection."""
        with self._lock:
            known = self._copies.get(connection_id)
        if known is not None and known[0] == revision and not refresh:
            age = self._clock.now() - known[1].captured_at
            if age <= _COPY_AGE:
                return known[1]
        catalog = read_catalog(where)
        with self._lock:
            if len(self._copies) >= _COPIES:
                self._copies.pop(next(iter(self._copies)))
            self._copies[connection_id] = (revision, catalog)
        return catalog


def read_catalog(where: Endpoint) -> Catalog:
    """The whole structure of a database, as far as its user sees it."""
    from sensei.server.engine.connectors import open_connector
    from sensei.server.engine.job import Selection

    with closing(open_connector(where)) as connector:
        return connector.read_catalog(Selection())


def narrow(catalog: Catalog, schema: str | None, table: str | None) -> Catalog:
    """The part of a catalog that was asked for.

    Raises:
        TableNotFoundError: There is nothing of that name.
    """
    from sensei.server.engine.errors import TableNotFoundError

    if schema is None and table is None:
        return catalog
    found = tuple(
        t
        for t in catalog.tables
        if (schema is None or (t.schema or catalog.default_schema or "main") == schema)
        and (table is None or t.name == table)
    )
    if not found:
        what = ".".join(part for part in (schema, table) if part is not None)
        raise TableNotFoundError(f"there is no {what[:200]!r} in the database")
    return replace(catalog, tables=found)


def show_test(outcome: TestOutcome, now: datetime) -> TestResult:
    """A test's outcome as the wire has it."""
    result: TestResult = {
        "status": outcome.status,
        "latency_ms": outcome.latency_ms,
        "tested_at": wire_time(now),
        "server_version": outcome.server_version,
        "table_count": outcome.table_count,
        "estimated_rows": outcome.estimated_rows,
        "error": None,
    }
    if outcome.accessible_schemas is not None:
        result["accessible_schemas"] = list(outcome.accessible_schemas)
    if outcome.available_schemas is not None:
        result["available_schemas"] = list(outcome.available_schemas)
    if outcome.write_test is not None:
        result["write_test"] = outcome.write_test
    if outcome.error is not None:
        result["error"] = {
            "code": outcome.error.code,
            "message": outcome.error.message,
            "reason_code": outcome.error.reason_code or "E1001",
            "occurred_at": wire_time(now),
        }
    return result


def show_catalog(catalog: Catalog, connection_id: str | None) -> DatabaseSchema:
    """A catalog as the wire has it."""
    namespaces: dict[str, list[SchemaTable]] = {}
    for table in catalog.tables:
        name = table.schema or catalog.default_schema or "main"
        namespaces.setdefault(name, []).append(_show_table(table))
    estimates = [table.row_estimate for table in catalog.tables if table.row_estimate is not None]
    return {
        "connection_id": connection_id,
        "captured_at": wire_time(catalog.captured_at),
        "summary": {
            "tables": len(catalog.tables),
            "columns": sum(len(table.columns) for table in catalog.tables),
            "estimated_rows": sum(estimates) if estimates or not catalog.tables else None,
            "relationships": sum(len(table.foreign_keys) for table in catalog.tables),
        },
        "schemas": [{"name": name, "tables": tables} for name, tables in namespaces.items()],
    }


def _show_table(table: Table) -> SchemaTable:
    return {
        "name": table.name,
        "type": table.type,
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "nullable": column.nullable,
                "default": column.default,
                "primary_key": column.name in table.primary_key,
                "position": column.position,
                "length": column.length,
                "precision": column.precision,
                "scale": column.scale,
                "comment": column.comment,
            }
            for column in table.columns
        ],
        "primary_key": list(table.primary_key),
        "foreign_keys": [
            {
                "name": key.name,
                "columns": list(key.columns),
                "references": {
                    "schema": key.referenced_schema,
                    "table": key.referenced_table,
                    "columns": list(key.referenced_columns),
                },
                "on_delete": key.on_delete,
                "on_update": key.on_update,
                "inferred": key.inferred,
            }
            for key in table.foreign_keys
        ],
        # An index over expressions alone has no columns to show.
        "indexes": [
            {"name": index.name, "columns": list(index.columns), "unique": index.unique}
            for index in table.indexes
            if index.columns
        ],
        "row_estimate": table.row_estimate,
        "size_bytes": table.size_bytes,
        "comment": table.comment,
    }
