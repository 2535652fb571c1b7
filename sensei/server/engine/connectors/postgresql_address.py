"""Turn an endpoint into connection parameters, and open connections that all behave alike."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sensei.server.engine.connectors.postgresql_errors import endpoint_error
from sensei.server.engine.errors import EndpointError
from sensei.server.engine.job import Endpoint
from sensei.server.engine.reach import Reach

_URL = re.compile(r"^postgres(?:ql)?://", re.IGNORECASE)
_MEMBERS = {"host": "host", "port": "port", "database": "dbname", "username": "user", "password": "password"}
_CERTIFICATES = {"ssl_ca": "sslrootcert", "ssl_cert": "sslcert", "ssl_key": "sslkey"}
_REFERENCE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_CONNECT_SECONDS = 30

# Values are written and read as text in one fixed notation, whatever the server or the role is set to.
_SESSION = {
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "3",
    "lc_monetary": "C",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "escape_string_warning": "off",
    "client_min_messages": "error",
    "row_security": "off",
    "jit": "off",
    "idle_in_transaction_session_timeout": "0",
}


@dataclass(slots=True)
class Address:
    """Where a PostgreSQL database is and how to get in."""

    parameters: dict[str, Any] = field(repr=False)
    schema: str | None
    schemas: tuple[str, ...]
    query_timeout_seconds: float
    reach: Reach
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """How to call it in messages: no password."""
        host = str(self.parameters.get("host") or "localhost").split(",", maxsplit=1)[0]
        return f"{host}:{self.parameters.get('port') or 5432}"

    def connect(self, *, autocommit: bool = False, statement_seconds: float = 0) -> psycopg.Connection[Any]:
        """A new connection.

        Args:
            autocommit: Whether every statement is its own transaction.
            statement_seconds: How long one statement may take; 0 is for ever.

        Raises:
            EndpointError: It cannot be made.
        """
        settings = dict(_SESSION, statement_timeout=str(int(statement_seconds * 1000)))
        parameters = self.reach.resolved(self.parameters)
        try:
            connection = psycopg.connect(make_conninfo(**parameters), autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            raise endpoint_error(error, self.parameters) from None
        except UnicodeError:
            raise EndpointError("the host name cannot be used", reason_code="E1010") from None
        try:
            names = ", ".join(f"set_config('{name}', %s, false)" for name in settings)
            connection.execute(f"SELECT {names}".encode(), list(settings.values()))
            connection.autocommit = autocommit
        except psycopg.Error as error:
            connection.close()
            raise endpoint_error(error, self.parameters) from None
        return connection

    def close(self) -> None:
        """Remove what was written for the driver."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def read_address(endpoint: Endpoint) -> Address:
    """The address that an endpoint's config and options mean.

    Raises:
        EndpointError: They mean none (E1009).
    """
    config, options = endpoint.config, endpoint.options
    if config.get("tunnel"):
        raise EndpointError("SSH tunnels cannot be opened by this server; give a direct address", reason_code="E1009")
    if config.get("credentials"):
        raise EndpointError("credential references cannot be resolved by this server", reason_code="E1009")
    parameters = _from_url(str(config.get("connection_string") or ""))
    for member, parameter in _MEMBERS.items():
        if config.get(member) is not None:
            parameters[parameter] = str(config[member])
    if _REFERENCE.match(str(parameters.get("password") or "")) or not parameters.get("host"):
        what = "names no host" if not parameters.get("host") else "refers to a secret that this server cannot resolve"
        raise EndpointError(f"the connection {what}", reason_code="E1009")
    if not all(port.isdecimal() and 0 < int(port) < 65_536 for port in str(parameters.get("port") or 5432).split(",")):
        raise EndpointError("the port of the connection is no number from 1 to 65535", reason_code="E1009")
    if options.get("ssl_mode"):
        parameters["sslmode"] = str(options["ssl_mode"])
    # To the driver 0 means forever.
    parameters.setdefault(
        "connect_timeout", str(max(1, math.ceil(endpoint.seconds("connection_timeout_seconds", _CONNECT_SECONDS))))
    )
    parameters.setdefault("application_name", str(options.get("application_name", "sensei")))
    extra: Mapping[str, Any] = config.get("extra_params") or {}
    parameters.update({name: str(value) for name, value in extra.items()})
    if "@" in str(parameters.get("host")):
        # The rest of a password with an unescaped @ would be taken for the host, and be named in messages.
        raise EndpointError("the host name cannot be used; in a password, write %40 for @", reason_code="E1009")
    endpoint.reach.check_parameters(parameters)
    folder = _certificates(config, parameters)
    for name, value in endpoint.reach.defaults(own_certificate="sslcert" in parameters).items():
        parameters.setdefault(name, value)
    try:
        make_conninfo(**parameters)
    except psycopg.Error:
        # The driver's own words may quote what it could not read, password and all.
        raise EndpointError("the connection settings cannot be read", reason_code="E1009") from None
    schemas: Sequence[str] = config.get("schemas") or ()
    return Address(
        parameters=parameters,
        schema=str(config["schema"]) if config.get("schema") else None,
        schemas=tuple(schemas),
        query_timeout_seconds=endpoint.seconds("query_timeout_seconds", 300),
        reach=endpoint.reach,
        _folder=folder,
    )


def _from_url(url: str) -> dict[str, Any]:
    if not url:
        return {}
    if not _URL.match(url):
        raise EndpointError(
            "the connection string must look like postgresql://user:password@host:5432/database", reason_code="E1009"
        )
    try:
        return dict(conninfo_to_dict(url))
    except (psycopg.Error, UnicodeError, ValueError):
        raise EndpointError(
            "the connection string cannot be read; in a password, write %40 for @, %2F for / and %3A for :",
            reason_code="E1009",
        ) from None


def _certificates(config: Mapping[str, Any], parameters: dict[str, Any]) -> tempfile.TemporaryDirectory[str] | None:
    """libpq takes certificates as files only; PEM texts are written to a private folder."""
    given = {name: str(config[name]) for name in _CERTIFICATES if config.get(name)}
    if not given:
        return None
    folder = tempfile.TemporaryDirectory(prefix="sensei-tls-")
    for name, text in given.items():
        if "-----BEGIN" not in text:
            folder.cleanup()
            raise EndpointError(f"{name} must be PEM text", reason_code="E1003")
        file = Path(folder.name) / name
        file.touch(mode=0o600)
        file.write_text(text)
        parameters[_CERTIFICATES[name]] = str(file)
    return folder
