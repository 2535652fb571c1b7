"""What endpoints may lead to: which addresses, which files, which of the driver's parameters.

On a person's own machine nearly everything: whoever may use the server could open the same files and addresses
without it. Where several people share a server, its files and its own network are not theirs.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensei.server.engine.errors import EndpointError
from sensei.server.webhooks.addresses import IPAddress, IPNetwork, blocked_because

_SAFE_PARAMETERS = frozenset(
    {
        "application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname",
        "fallback_application_name", "gssencmode", "host", "keepalives", "keepalives_count",
        "keepalives_idle", "keepalives_interval", "load_balance_hosts", "max_protocol_version",
        "min_protocol_version", "options", "password", "port", "require_auth", "ssl_max_protocol_version",
        "ssl_min_protocol_version", "sslcertmode", "sslcompression", "sslmode", "sslnegotiation", "sslsni",
        "target_session_attrs", "tcp_user_timeout", "user",
    }
)  # fmt: skip
"""What libpq may be told by anybody: nothing here names a file, a program, or another place to go to."""

_FILE_PARAMETERS = frozenset(
    {"passfile", "requirepeer", "sslcert", "sslcrl", "sslcrldir", "sslkey", "sslpassword", "sslrootcert"}
)
"""What leads libpq to files of this machine."""

# Without these, libpq would look into the home of the account that the server runs under.
_SHARED_DEFAULTS = {
    "passfile": "/nonexistent/pgpass",
    "password": "",
    "sslcertmode": "disable",
    "gssencmode": "disable",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far endpoints reach.

    Parameters:
        shared: Whether the server works for people who have no business on its machine.
        folders: Where SQLite files may lie; None means anywhere, unless the server is shared.
        networks: Networks that are allowed in any case.
    """

    shared: bool = False
    folders: tuple[Path, ...] | None = None
    networks: tuple[IPNetwork, ...] = ()

    def file(self, path: Path) -> Path:
        """The file that a path means, links followed where folders count.

        Raises:
            EndpointError: It lies elsewhere (E1006).
        """
        if self.folders is None and not self.shared:
            return path
        folders = [folder.resolve() for folder in self.folders or ()]
        if not folders:
            raise EndpointError("SQLite files cannot be used on this server: it has no --data-dir", reason_code="E1006")
        try:
            real = (folders[0] / path).resolve()
        except (OSError, RuntimeError):
            real = None
        if real is None or not any(real.is_relative_to(folder) and real != folder for folder in folders):
            # Whether there is such a file is not said.
            raise EndpointError(
                "the SQLite file lies outside the folders of this server (--data-dir)", reason_code="E1006"
            )
        return real

    def check_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Let pass what libpq may be told.

        Raises:
            EndpointError: One of the parameters is not possible (E1009).
        """
        for name in sorted(parameters):
            if name in _SAFE_PARAMETERS or (name == "sslrootcert" and parameters[name] == "system"):
                continue
            if name not in _FILE_PARAMETERS:
                raise EndpointError(f"the parameter {name[:40]!r} is not possible here", reason_code="E1009")
            if self.shared:
                raise EndpointError(
                    f"the parameter {name!r} is not possible on a shared server; "
                    "give certificates as PEM texts: ssl_ca, ssl_cert, ssl_key",
                    reason_code="E1009",
                )

    def defaults(self, *, own_certificate: bool) -> dict[str, str]:
        """Parameters that keep libpq away from what belongs to the account of the server."""
        if not self.shared:
            return {}
        return {name: value for name, value in _SHARED_DEFAULTS.items() if name != "sslcertmode" or not own_certificate}

    def resolved(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with the addresses to connect to, so that a name cannot mean another one in between.

        Raises:
            EndpointError: An address is out of reach (E1001), or no name resolves (E1010).
        """
        hosts = str(parameters["host"]).split(",")
        ports = str(parameters.get("port") or 5432).split(",")
        if len(ports) not in (1, len(hosts)):
            raise EndpointError("there must be one port for all hosts, or one for each", reason_code="E1009")
        ends: list[tuple[str, str, str]] = []
        for host, port in zip(hosts, ports * len(hosts) if len(ports) == 1 else ports, strict=False):
            if host.startswith(("/", "@")):
                self.check_socket(host)
                ends.append((host, "", port))
            else:
                ends += [(host, str(address), port) for address in self._addresses(host)]
        if not ends:
            raise _unknown_name(hosts[0])
        names, addresses, numbers = (",".join(part) for part in zip(*ends, strict=True))
        return {**parameters, "host": names, "hostaddr": addresses, "port": numbers}

    def check_socket(self, path: str) -> None:
        """Let pass a socket of this machine.

        Raises:
            EndpointError: It is out of reach (E1001).
        """
        if self.shared:
            raise EndpointError(f"sockets of this machine ({path}) are out of reach", reason_code="E1001")

    def addresses(self, host: str) -> list[str]:
        """The addresses that a host name means now; to connect to one of them, the name is not asked again.

        Raises:
            EndpointError: One of them is out of reach (E1001), or there is none (E1010).
        """
        found = self._addresses(host)
        if not found:
            raise _unknown_name(host)
        return list(map(str, found))

    def _addresses(self, host: str) -> list[IPAddress]:
        try:
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return []
        found = [ipaddress.ip_address(str(text)) for text in dict.fromkeys(info[4][0] for info in infos)]
        for address in found:
            why = self._refused_because(address)
            if why is not None:
                raise EndpointError(f"{host} is a {why} address, which is out of reach here", reason_code="E1001")
        return found

    def _refused_because(self, address: IPAddress) -> str | None:
        why = blocked_because(address, host="", allowed=self.networks)
        return None if why == "loopback" and not self.shared else why


def _unknown_name(host: str) -> EndpointError:
    return EndpointError(f"the host name {host!r} does not resolve", reason_code="E1010")
