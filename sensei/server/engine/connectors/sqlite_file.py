"""Open SQLite files, and say in the contract's terms why one cannot be used."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from pathlib import Path
from urllib.parse import quote

from sensei.server.engine.errors import EndpointError, EngineError, ExecutionError
from sensei.server.engine.job import Endpoint
from sensei.server.engine.reserved import is_reserved

_PREFIX = "sqlite://"


def file_path(endpoint: Endpoint) -> Path:
    """The file that an endpoint means.

    Raises:
        EndpointError: The config names none.
    """
    path = endpoint.config.get("path")
    if not path:
        path = _path_of_url(str(endpoint.config.get("connection_string") or ""))
    if path == ":memory:":
        raise EndpointError("an in-memory SQLite database cannot be reached; give a file", reason_code="E1009")
    if "\0" in path:
        raise EndpointError("the path of the SQLite file holds a NUL character", reason_code="E1009")
    return endpoint.reach.file(Path(path))


def _path_of_url(url: str) -> str:
    if not url.startswith(_PREFIX + "/") or "?" in url or "#" in url:
        raise EndpointError(
            "the connection string of a SQLite file must look like sqlite:///data/shop.db", reason_code="E1009"
        )
    path = "/" + url.removeprefix(_PREFIX).lstrip("/")
    if path == "/":
        raise EndpointError("the connection string names no SQLite file", reason_code="E1009")
    return path


def exists(path: Path) -> bool:
    """Whether there is something at `path`.

    Raises:
        EndpointError: That cannot be told, since a folder on the way may not be entered or the name is too long.
    """
    try:
        return path.exists()
    except OSError as error:
        raise EndpointError(
            f"the SQLite file {path} cannot be reached: {error.strerror}", reason_code="E1006"
        ) from None


def check_source(path: Path) -> None:
    """Make sure that there is a file to read.

    Raises:
        EndpointError: There is none, or it is a folder or unreadable.
    """
    if not exists(path):
        raise EndpointError(f"there is no SQLite file {path}", reason_code="E1005")
    _check_kind(path)
    if not os.access(path, os.R_OK):
        raise EndpointError(f"the SQLite file {path} may not be read by this server", reason_code="E1006")


def _check_kind(path: Path) -> None:
    if path.is_dir():
        raise EndpointError(f"{path} is a folder, not a SQLite file", reason_code="E1005")
    if not path.is_file():
        # To open a pipe would mean to wait for ever, and a device may never end.
        raise EndpointError(f"{path} is no ordinary file", reason_code="E1005")
    _check_reserved(path)


def _check_reserved(path: Path) -> None:
    if is_reserved(path):
        raise EndpointError(f"{path} holds the state of this server and is no database to migrate", reason_code="E1006")


def check_target(path: Path, *, read_only: bool) -> None:
    """Make sure that a file can be written, or made where there is none yet.

    Raises:
        EndpointError: It cannot.
    """
    if read_only:
        raise EndpointError(f"the connection to {path} is read-only", reason_code="E1006")
    folder = path.parent
    there = exists(path)
    if there:
        _check_kind(path)
    _check_reserved(path)
    if not folder.is_dir():
        raise EndpointError(f"the folder {folder} of the SQLite file does not exist", reason_code="E1005")
    if there and not os.access(path, os.W_OK):
        raise EndpointError(f"{path} may not be written by this server", reason_code="E1006")
    # A journal is made next to the file. Only trying tells: a folder's permissions say nothing of a read-only disk.
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise EndpointError(
            f"files cannot be made in the folder {folder}: {error.strerror}",
            reason_code="E5007" if error.errno == errno.ENOSPC else "E1006",
        ) from None


def read_only_uri(path: Path) -> str:
    """A file as SQLite is told to open it for reading."""
    return f"file:{quote(str(path.absolute()))}?mode=ro"


def connect(path: Path, *, writable: bool, wait_seconds: float, may_recover: bool = True) -> sqlite3.Connection:
    """Open a file in autocommit mode; a writable one is made if there is none.

    A program that was killed leaves its unfinished transaction next to the file, and SQLite reads the file only once
    that is rolled back. A reader with `may_recover` has it rolled back, as every other SQLite program would.

    Raises:
        EndpointError: It is no SQLite database or cannot be opened.
    """
    try:
        try:
            return _open(path, writable, wait_seconds)
        except sqlite3.Error as error:
            if writable or not _is_unrecovered(error):
                raise
        if may_recover and os.access(path, os.W_OK):
            _open(path, True, wait_seconds).close()
        # It may be as well that a living writer ended its transaction in the moment of looking.
        return _open(path, writable, wait_seconds)
    except sqlite3.Error as error:
        raise endpoint_error(error, path) from None


def _open(path: Path, writable: bool, wait_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rwc" if writable else read_only_uri(path),
        uri=True,
        isolation_level=None,
        timeout=wait_seconds,
        check_same_thread=False,
    )
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _is_unrecovered(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_ROLLBACK


def endpoint_error(error: sqlite3.Error, path: Path) -> EngineError:
    """What a failure while opening or reading means."""
    code = _primary(error)
    if code == sqlite3.SQLITE_NOTADB:
        return EndpointError(f"{path} is no SQLite database", reason_code="E1005")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return EndpointError(f"{path} is locked by another program; let it finish, then try again", reason_code="E1004")
    if _is_unrecovered(error):
        return EndpointError(
            f"{path} holds an unfinished transaction of a program that was killed, and may not be written to undo it; "
            "open it once with sqlite3",
            reason_code="E1006",
        )
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH}:
        return EndpointError(f"{path} cannot be opened; check the permissions of file and folder", reason_code="E1006")
    if code == sqlite3.SQLITE_CORRUPT:
        return EndpointError(
            f"{path} is damaged; restore it from a backup or with sqlite3's .recover", reason_code="E1005"
        )
    return EndpointError(f"{path} cannot be read: {error}", reason_code="E1001")


def execution_error(error: sqlite3.Error, path: Path, table: str | None = None) -> EngineError:
    """What a failure while writing means for the phase."""
    code = _primary(error)
    if code == sqlite3.SQLITE_FULL:
        return ExecutionError(f"the disk of {path} is full; make room, then resume", reason_code="E5007", table=table)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ExecutionError(
            f"{path} is locked by another program; let it finish, then resume", reason_code="E5006", table=table
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH}:
        return ExecutionError(
            f"{path} may not be written; check the permissions of file and folder, then resume",
            reason_code="E1006",
            table=table,
        )
    if code == sqlite3.SQLITE_NOMEM:
        return ExecutionError("memory is used up", reason_code="E5008", table=table)
    if code == sqlite3.SQLITE_IOERR:
        return ExecutionError(
            f"{path} cannot be written: {error}; check the disk, then resume", reason_code="E5005", table=table
        )
    return ExecutionError(f"{path} cannot be written: {error}", reason_code="E5005", table=table)


def _primary(error: sqlite3.Error) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return sqlite3.SQLITE_ERROR
    return int(code) & 0xFF
