"""What failures of PostgreSQL mean in the contract's terms; the driver's words are left out where they may quote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from sensei.server.engine.errors import DataError, EndpointError, EngineError, ExecutionError, TableNotFoundError

_RESOLVING = (
    "could not translate host name",
    "name or service not known",
    "failed to resolve",
    "nodename nor servname",
    "temporary failure in name resolution",
    "no address associated",
)
_TLS = ("ssl", "certificate", "tls")

# SQLSTATE → reason of rows that cannot be stored; the row is at fault, not the run.
_DATA_REASONS = {
    "22001": "E3003",
    "22003": "E3004",
    "22007": "E3005",
    "22008": "E3005",
    "22021": "E3006",
    "22P05": "E3006",
    "22012": "E3007",
    "23502": "E3002",
    "23503": "E2006",
    "23505": "E4006",
    "23514": "E4007",
    "23P01": "E2007",
}


def endpoint_error(error: psycopg.Error, parameters: Mapping[str, Any]) -> EndpointError:
    """Why a database cannot be reached or used."""
    host = str(parameters.get("host") or "localhost")
    where = f"{host}:{parameters.get('port') or 5432}"
    user, database = parameters.get("user"), parameters.get("dbname")
    state, text = error.sqlstate, str(error).lower()
    if state in {"28P01", "28000"} or "password authentication failed" in text or "no password supplied" in text:
        if "no pg_hba.conf entry" in text:
            return EndpointError(
                f"the database at {where} lets no user {user!r} in from this machine (pg_hba.conf)", reason_code="E1002"
            )
        return EndpointError(f"the database at {where} refused user {user!r} or the password", reason_code="E1002")
    if state == "3D000" or ('database "' in text and "does not exist" in text):
        return EndpointError(f"the database {database!r} does not exist at {where}", reason_code="E1005")
    if state == "28000" or ('role "' in text and "does not exist" in text):
        return EndpointError(f"the database at {where} refused user {user!r} or the password", reason_code="E1002")
    if state == "53300" or "too many c" in text or "remaining connection slots" in text:
        return EndpointError(f"the database at {where} allows no more connections", reason_code="E1007")
    if state == "42501":
        return EndpointError(f"user {user!r} lacks a privilege at {where}: {first_line(error)}", reason_code="E1006")
    if state in {"57014", "55P03"}:
        return EndpointError(f"the database at {where} did not answer in time", reason_code="E1004")
    if state is None:
        if any(part in text for part in _RESOLVING):
            return EndpointError(f"the host name {host!r} does not resolve", reason_code="E1010")
        if "timeout" in text or "timed out" in text or isinstance(error, psycopg.errors.ConnectionTimeout):
            return EndpointError(f"the database at {where} did not answer in time", reason_code="E1004")
        if "connection refused" not in text and any(part in text for part in _TLS):
            return EndpointError(f"no TLS connection to {where} could be made", reason_code="E1003")
    return EndpointError(
        f"the database at {where} did not accept the connection; is it running, and is the port right?",
        reason_code="E1001",
    )


def reading_error(error: psycopg.Error, parameters: Mapping[str, Any]) -> EngineError:
    """Why a query failed on an open connection."""
    state = error.sqlstate or ""
    if state in {"42P01", "3F000"}:
        return TableNotFoundError(first_line(error))
    if state.startswith("22"):
        return DataError(first_line(error), reason_code=_DATA_REASONS.get(state, "E3001"))
    if state and not state.startswith(("08", "28", "3D", "53", "57")) and state != "42501":
        return EndpointError(f"the database could not answer: {first_line(error)}", reason_code="E1001")
    return endpoint_error(error, parameters)


def row_reason(error: psycopg.Error) -> str | None:
    """The reason code where single rows are at fault; None where the run cannot go on."""
    state = error.sqlstate or ""
    if state in _DATA_REASONS:
        return _DATA_REASONS[state]
    if state.startswith("22"):
        return "E3001"
    return "E2007" if state.startswith("23") else None


def execution_error(error: psycopg.Error, table: str | None = None) -> EngineError:
    """What a failure while writing means for the phase."""
    state = error.sqlstate or ""
    if state == "53100":
        return ExecutionError(
            "the disk of the target is full; make room, then resume", reason_code="E5007", table=table
        )
    if state in {"53200", "53000"}:
        return ExecutionError("the target has no memory left", reason_code="E5008", table=table)
    if state in {"55P03", "40P01"}:
        return ExecutionError(
            "a lock on the target was not granted in time; end what holds it, then resume",
            reason_code="E5006",
            table=table,
        )
    if state == "42501":
        return ExecutionError(
            f"the target's user lacks a privilege: {first_line(error)}; grant it, then resume",
            reason_code="E1006",
            table=table,
        )
    if state.startswith("23"):
        return ExecutionError(first_line(error), reason_code="E2007", table=table)
    if not state or state.startswith(("08", "57P")):
        return EndpointError("the connection to the target was lost", reason_code="E1001", table=table)
    return ExecutionError(f"the target refused: {first_line(error)}", reason_code="E5005", table=table)


def first_line(error: psycopg.Error) -> str:
    """The server's message without details, which may quote values."""
    text = error.diag.message_primary or str(error).strip().splitlines()[0]
    return text[:300]
