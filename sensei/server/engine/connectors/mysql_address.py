"""Turn an endpoint into connection parameters, and open connections that all behave alike."""

from __future__ import annotations

import math
import re
import socket
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from pymysql.cursors import Cursor

from sensei.server.engine.connectors.mysql_errors import endpoint_error
from sensei.server.engine.errors import EndpointError
from sensei.server.engine.job import Endpoint
from sensei.server.engine.reach import Reach

_URL = re.compile(r"^(?:mysql|mariadb)://", re.IGNORECASE)
_MEMBERS = {"host": "host", "port": "port", "database": "database", "username": "user", "password": "password"}
_REFERENCE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_CERTIFICATES = ("ssl_ca", "ssl_cert", "ssl_key")
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OTHER_MODES = {"disabled": "disable", "preferred": "prefer", "required": "require", "verify_ca": "verify-ca"} | {
    "verify_identity": "verify-full"
}
"""How MySQL's own tools call them."""
_DRIVER = {"unix_socket": str, "connect_timeout": int, "read_timeout": int, "write_timeout": int}
"""Parameters that may be handed on to the driver; others could read this server's files or change the session."""
_CONNECT_SECONDS = 30

# Values are written and read as text in one fixed notation, whatever the server is set to. A backslash is a character
# like any other in literals; the server waits long for a reader that is busy with writing.
_SESSION = (
    "sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "time_zone = '+00:00'",
    "net_write_timeout = 3600",
    "wait_timeout = 86400",
    "lc_time_names = 'en_US'",
    "group_concat_max_len = 1048576",
    "character_set_results = utf8mb4",
)


@dataclass(slots=True)
class Address:
    """Where a MySQL or MariaDB database is and how to get in."""

    parameters: dict[str, Any] = field(repr=False)
    schemas: tuple[str, ...]
    """Databases in view; all that the user can read when empty."""
    ssl_mode: str = "prefer"
    certificates: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """PEM texts."""
    reach: Reach = field(default_factory=Reach)
    """What it may lead to."""

    def connect(self, *, statement_seconds: float = 0, **settings: Any) -> pymysql.Connection[Cursor]:
        """A new connection in autocommit mode.

        Args:
            statement_seconds: How long one SELECT may take; 0 is for ever.
            settings: Further settings of the driver.

        Raises:
            EndpointError: It cannot be made.
        """
        settings = {**self.parameters, **settings}
        if "password" in settings:
            # The driver itself would take latin letters only.
            settings["password"] = str(settings["password"]).encode()
        try:
            connection = pymysql.connect(
                charset="utf8mb4", autocommit=True, local_infile=False, defer_connect=True, **self._tls(), **settings
            )
            connection.connect(self._socket())
        except (pymysql.Error, OSError) as error:
            raise endpoint_error(error, self.parameters) from None
        except (UnicodeError, RuntimeError, ValueError):
            # Names that cannot be encoded, or a method of signing in that needs what is not installed.
            raise EndpointError("the host, user or password cannot be used", reason_code="E1009") from None
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION " + ", ".join((*_SESSION, *_by_version(connection, statement_seconds))))
        except pymysql.Error as error:
            connection.close()
            raise endpoint_error(error, self.parameters) from None
        return connection

    def _socket(self) -> socket.socket | None:
        """A socket to an address that was checked; None where the driver is to open a socket of this machine.

        Raises:
            EndpointError: It is out of reach, or the host name does not resolve.
            OSError: Nobody answers there.
        """
        path = self.parameters.get("unix_socket")
        if path:
            self.reach.check_socket(str(path))
            return None
        failure = OSError("there is no address")
        for address in self.reach.addresses(str(self.parameters["host"])):
            place = (address, self.parameters["port"])
            try:
                opened = socket.create_connection(place, self.parameters["connect_timeout"])
            except OSError as error:
                failure = error
                continue
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return opened
        raise failure

    def _tls(self) -> dict[str, Any]:
        """The driver's settings for TLS; where nothing is said, TLS is used if the server offers it."""
        if self.ssl_mode == "disable":
            return {"ssl_disabled": True}
        verified = self.ssl_mode.startswith("verify-") or "ssl_ca" in self.certificates
        if self.ssl_mode in {"allow", "prefer"} and not self.certificates:
            return {}
        try:
            context = ssl.create_default_context(cadata=self.certificates.get("ssl_ca"))
            context.check_hostname = self.ssl_mode == "verify-full"
            context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
            self._load_certificate(context)
        except (ssl.SSLError, ValueError):
            raise EndpointError("the TLS certificates cannot be read; give PEM text", reason_code="E1003") from None
        return {"ssl": context}

    def _load_certificate(self, context: ssl.SSLContext) -> None:
        """Python takes a certificate with its key from files only; they are gone again at once."""
        if "ssl_cert" not in self.certificates:
            return
        with tempfile.TemporaryDirectory(prefix="sensei-tls-") as folder:
            file = Path(folder) / "certificate"
            file.touch(mode=0o600)
            file.write_text(
                "\n".join(self.certificates[name] for name in _CERTIFICATES[1:] if name in self.certificates)
            )
            # Without a password here, an encrypted key would ask for one on a terminal.
            context.load_cert_chain(file, password="")


def _by_version(connection: pymysql.Connection[Cursor], statement_seconds: float) -> list[str]:
    """Settings that only one of the two systems knows."""
    if is_mariadb(connection):
        return [f"max_statement_time = {statement_seconds:g}"]
    found = [f"max_execution_time = {int(statement_seconds * 1000):d}"]
    if version_of(connection) >= (8, 0):
        # Else the next number of a table may be a day old.
        found.append("information_schema_stats_expiry = 0")
    return found


def _server(connection: pymysql.Connection[Cursor]) -> str:
    return str(connection.get_server_info())  # type: ignore[no-untyped-call]  # untyped in the stubs


def is_mariadb(connection: pymysql.Connection[Cursor]) -> bool:
    """Whether it is MariaDB rather than MySQL."""
    return "mariadb" in _server(connection).lower()


def version_of(connection: pymysql.Connection[Cursor]) -> tuple[int, ...]:
    """The server's version, e.g. (10, 11, 6)."""
    text = _server(connection)
    if is_mariadb(connection):
        # Older ones say 5.5.5 first, which was a kindness to MySQL's clients.
        text = text.removeprefix("5.5.5-")
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()


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
    parameters, mode = _from_url(str(config.get("connection_string") or ""))
    for member, parameter in _MEMBERS.items():
        if config.get(member) is not None:
            parameters[parameter] = str(config[member])
    extra: Mapping[str, Any] = config.get("extra_params") or {}
    parameters.update(_driver_parameters(extra))
    if _REFERENCE.match(str(parameters.get("password") or "")):
        raise EndpointError("the connection refers to a secret that this server cannot resolve", reason_code="E1009")
    if not parameters.get("host") and not parameters.get("unix_socket"):
        raise EndpointError("the connection names no host", reason_code="E1009")
    if "@" in str(parameters.get("host")):
        # The rest of a password with an unescaped @ would be taken for the host, and be named in messages.
        raise EndpointError("the host name cannot be used; in a password, write %40 for @", reason_code="E1009")
    port = str(parameters.pop("port", None) or 3306)
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise EndpointError("the port of the connection is no number from 1 to 65535", reason_code="E1009")
    parameters["port"] = int(port)
    # To the driver 0 means forever.
    parameters.setdefault(
        "connect_timeout", max(1, math.ceil(endpoint.seconds("connection_timeout_seconds", _CONNECT_SECONDS)))
    )
    parameters.setdefault("program_name", str(options.get("application_name", "sensei")))
    database = parameters.get("database")
    schemas = tuple(config.get("schemas") or ()) or ((str(config["schema"]),) if config.get("schema") else ())
    return Address(
        parameters=parameters,
        schemas=schemas or ((database,) if database else ()),
        ssl_mode=_mode(str(options.get("ssl_mode") or mode or "prefer")),
        certificates=_certificates(config),
        reach=endpoint.reach,
    )


def _mode(text: str) -> str:
    mode = text.lower()
    mode = _OTHER_MODES.get(mode, mode)
    if mode not in _MODES:
        raise EndpointError(f"ssl_mode must be one of {', '.join(_MODES)}", reason_code="E1009")
    return mode


def _driver_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _DRIVER:
            raise EndpointError(
                f"{name[:40]!r} is no parameter of a MySQL connection here; known are {', '.join(_DRIVER)}",
                reason_code="E1009",
            )
        try:
            found[name] = _DRIVER[name](value)
        except (TypeError, ValueError):
            raise EndpointError(f"{name} must be a whole number of seconds", reason_code="E1009") from None
    return found


def _from_url(url: str) -> tuple[dict[str, Any], str | None]:
    """(connection parameters, TLS mode) of a URL."""
    if not url:
        return {}, None
    if not _URL.match(url):
        raise EndpointError(
            "the connection string must look like mysql://user:password@host:3306/database", reason_code="E1009"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
        if parts.fragment or parts.netloc.count("@") > 1 or "/" in parts.path[1:]:
            raise ValueError
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
        found: dict[str, Any] = {
            "host": unquote(parts.hostname or "", errors="strict"),
            "user": unquote(parts.username or "", errors="strict"),
            "password": unquote(parts.password or "", errors="strict"),
            "database": unquote(parts.path[1:], errors="strict"),
        }
    except ValueError:
        # The reason would quote the URL, password and all.
        raise EndpointError(
            "the connection string cannot be read; in a password, write %40 for @, %2F for / and %3A for :",
            reason_code="E1009",
        ) from None
    found = {name: value for name, value in found.items() if value}
    if port is not None:
        found["port"] = str(port)
    modes = [query.pop(name) for name in ("ssl-mode", "ssl_mode", "sslmode") if name in query]
    if "socket" in query:
        query["unix_socket"] = query.pop("socket")
    found.update(_driver_parameters(query))
    return found, modes[0] if modes else None


def _certificates(config: Mapping[str, Any]) -> dict[str, str]:
    given = {name: str(config[name]) for name in _CERTIFICATES if config.get(name)}
    for name, text in given.items():
        if "-----BEGIN" not in text:
            raise EndpointError(f"{name} must be PEM text", reason_code="E1003")
    return given
