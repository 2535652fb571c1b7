"""Read a database URL from the command line: what to send to the API, and what may be shown of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from sensei.cli._errors import USAGE, CommandError

if TYPE_CHECKING:
    from sensei.models.params import ConnectionTypeParam

SCHEMES: dict[str, ConnectionTypeParam] = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "oracle": "oracle",
    "sqlserver": "sqlserver",
    "mssql": "sqlserver",
    "mongodb": "mongodb",
    "mongodb+srv": "mongodb",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
    "redshift": "redshift",
    "databricks": "databricks",
    "s3": "s3",
}
"""URL scheme → connection type of the API. Which of them can be reached is the server's to say."""

_FORMS = (
    "sqlite:///shop.db (relative), sqlite:////data/shop.db (absolute), postgresql://user:password@host:5432/name "
    "or mysql://user:password@host:3306/name"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a migration.

    Attributes:
        type: Connection type of the API.
        config: What the API needs to reach it. Secret: it may hold a password.
        shown: How to call it in front of people: no password, no options.
        path: The file, for SQLite.
    """

    type: ConnectionTypeParam
    config: dict[str, object] = field(repr=False)
    shown: str
    path: Path | None = None


def parse_endpoint(url: str, folder: Path, *, role: str) -> Endpoint:
    """Read a database URL.

    Args:
        url: As the user gave it.
        folder: What a relative SQLite path is relative to.
        role: `source` or `target`, for the error.

    Raises:
        CommandError: It is no URL of a database; the message holds nothing that could be a password.

    Examples:
        >>> parse_endpoint("sqlite:///shop.db", Path("/data"), role="source").shown
        'sqlite:////data/shop.db'
        >>> parse_endpoint("postgresql://ada:secret@db.example.com/shop", Path("/"), role="target")
        Endpoint(type='postgresql', shown='postgresql://ada@db.example.com/shop', path=None)
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        raise _refused(role, _not_a_url(url, folder))
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise _refused(role, f"it does not begin with a database's name; write {_FORMS}")
    scheme = scheme.lower()
    if scheme not in SCHEMES:
        base = scheme.split("+")[0]
        driver = f"; leave out the driver and write {base}://…" if base in SCHEMES else f"; write {_FORMS}"
        raise _refused(role, f"{scheme!r} is no kind of database that Sensei knows{driver}")
    if SCHEMES[scheme] == "sqlite":
        return _sqlite(rest, folder, role)
    parts = _split(url, role)
    if SCHEMES[scheme] == "mysql" and not parts.path.strip("/"):
        raise _refused(role, f"it names no database; write {scheme}://user:password@host:3306/name")
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username else ""
    shown = f"{scheme}://{user}{f'[{host}]' if ':' in host else host}{port}{parts.path}"
    return Endpoint(SCHEMES[scheme], {"connection_string": url}, shown)


def check_is_there(source: Endpoint, folder: Path) -> None:
    """Make sure that a source file is there, for a server that sees the same files.

    Raises:
        CommandError: It is not; the message has the likely slip.
    """
    if source.path is None or source.path.exists():
        return
    advice = ""
    if source.path.is_relative_to(folder):
        absolute = Path("/") / source.path.relative_to(folder)
        advice = f"; for {absolute} write sqlite:///{absolute}" if absolute.is_file() else ""
    raise _refused("source", f"there is no file {source.path}{advice}")


def _sqlite(rest: str, folder: Path, role: str) -> Endpoint:
    if not rest.startswith("/"):
        raise _refused(role, "a SQLite URL has three slashes before a relative path: sqlite:///shop.db")
    name = rest[1:]
    if name in {"", ":memory:"}:
        raise _refused(role, "a SQLite URL needs the path of a file: sqlite:///shop.db")
    if "?" in name or "#" in name:
        raise _refused(role, "a SQLite URL takes no options after the path")
    if name.startswith("//"):
        name = "/" + name.lstrip("/")
    path = folder / name
    return Endpoint("sqlite", {"path": str(path)}, f"sqlite:///{path}", path)


def _split(url: str, role: str) -> SplitResult:
    unreadable = "it cannot be read; in a password, write %40 for @, %2F for /, %3F for ?, %23 for # and %3A for :"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # The reason would quote the URL, password and all.
        raise _refused(role, unreadable) from None
    if "@" in parts.path + parts.query + parts.fragment or parts.netloc.count("@") > 1:
        raise _refused(role, unreadable)
    if not parts.netloc and not parts.path.strip("/"):
        raise _refused(role, f"it names no host; write {_FORMS}")
    return parts


def _not_a_url(given: str, folder: Path) -> str:
    if (folder / given).is_file():
        return f"it is a path; write sqlite:///{given}"
    return f"it is no URL; write {_FORMS}"


def _refused(role: str, reason: str) -> CommandError:
    return CommandError(f"{role.capitalize()} database: {reason}", exit_code=USAGE)
