"""What failures of MySQL and MariaDB mean in the contract's terms; the driver's words are left out where they may
quote a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pymysql
from pymysql.constants import CR, ER

from sensei.server.engine.errors import EndpointError, EngineError, TableNotFoundError

_REFUSED = {ER.ACCESS_DENIED_ERROR, 1698, 3118, 4151, ER.HOST_NOT_PRIVILEGED, ER.HOST_IS_BLOCKED}
"""Also: by a socket's user only, a locked account, a method of signing in that does not fit."""
_FORBIDDEN = {ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR, 1227, 1143}
_TOO_MANY = {ER.CON_COUNT_ERROR, 1203, 1226}
_UNKNOWN = {ER.NO_SUCH_TABLE, ER.BAD_TABLE_ERROR, ER.BAD_DB_ERROR}
_OUT_OF_TIME = {1205, 1969, 3024, 1317}
"""A lock, or a statement, took too long."""
_LOST = {CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, 0, 1053, 1927}


def code_of(error: pymysql.Error) -> int:
    """The server's or the driver's number of an error; 0 where it has none."""
    number = error.args[0] if error.args else 0
    return number if isinstance(number, int) else 0


def first_line(error: pymysql.Error) -> str:
    """The server's message."""
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[0][:300]


def endpoint_error(error: Exception, parameters: Mapping[str, Any]) -> EndpointError:
    """Why a database cannot be reached or used."""
    host = str(parameters.get("host") or parameters.get("unix_socket") or "localhost")
    where = f"{host}:{parameters.get('port') or 3306}" if parameters.get("host") else host
    user, database = parameters.get("user"), parameters.get("database")
    code = code_of(error) if isinstance(error, pymysql.Error) else 0
    text = str(error).lower()
    if code in _REFUSED:
        return EndpointError(f"the database at {where} refused user {user!r} or the password", reason_code="E1002")
    if code == ER.BAD_DB_ERROR:
        return EndpointError(f"the database {database!r} does not exist at {where}", reason_code="E1005")
    if code == ER.DBACCESS_DENIED_ERROR:
        return EndpointError(f"user {user!r} may not use the database {database!r} at {where}", reason_code="E1006")
    if code in _FORBIDDEN and isinstance(error, pymysql.Error):
        return EndpointError(f"user {user!r} lacks a privilege at {where}: {first_line(error)}", reason_code="E1006")
    if code in _TOO_MANY:
        return EndpointError(f"the database at {where} allows no more connections", reason_code="E1007")
    if code in _OUT_OF_TIME or "timed out" in text:
        return EndpointError(f"the database at {where} did not answer in time", reason_code="E1004")
    if code == CR.CR_SSL_CONNECTION_ERROR or "[ssl" in text or "certificate" in text:
        return EndpointError(f"no TLS connection to {where} could be made", reason_code="E1003")
    if code == CR.CR_AUTH_PLUGIN_CANNOT_LOAD or "authentication plugin" in text:
        return EndpointError(
            f"the database at {where} wants a method of signing in that the driver does not know", reason_code="E1002"
        )
    return EndpointError(
        f"the database at {where} did not accept the connection; is it running, and is the port right?",
        reason_code="E1001",
    )


def reading_error(error: pymysql.Error, parameters: Mapping[str, Any]) -> EngineError:
    """Why a query failed on an open connection."""
    code = code_of(error)
    if code in _UNKNOWN:
        return TableNotFoundError(first_line(error))
    if code in _LOST or code in _FORBIDDEN or code in _OUT_OF_TIME:
        return endpoint_error(error, parameters)
    return EndpointError(f"the database could not answer: {first_line(error)}", reason_code="E1001")


def is_lost(error: pymysql.Error) -> bool:
    """Whether the connection is gone, rather than the statement refused."""
    return code_of(error) in _LOST
