"""A real MariaDB for tests: started in a temporary folder, reachable by TCP with a password, gone afterwards."""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import pymysql
import pytest
from pymysql.cursors import Cursor

URL_VARIABLE = "SENSEI_TEST_MYSQL_URL"
"""URL of an administrator on a running MySQL or MariaDB, to use that one instead of starting one."""

_PROGRAMS = ("mariadbd", "mysqld")
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class MysqlServer:
    """A running server; `admin_url` is an administrator's."""

    admin_url: str = field(repr=False)

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path="/" + quote(database, safe="")))

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new empty database, as a URL; dropped at the end."""
        name = f"sensei_test_{secrets.token_hex(8)}"
        run(self.url(""), [f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4"])
        try:
            yield self.url(name)
        finally:
            run(self.url(""), [f"DROP DATABASE `{name}`"])


@contextmanager
def connected(url: str, **settings: Any) -> Iterator[pymysql.Connection[Cursor]]:
    """A connection of the test's own, in autocommit mode and in UTC, that takes what a lenient server takes."""
    parts = urlsplit(url)
    connection = pymysql.connect(
        host=parts.hostname or "",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path[1:]) or None,
        charset="utf8mb4",
        autocommit=True,
        init_command="SET SESSION sql_mode = '', time_zone = '+00:00'",
        **settings,
    )
    try:
        yield connection
    finally:
        connection.close()


def run(url: str, statements: Sequence[str], rows: Mapping[str, Sequence[Sequence[Any]]] | None = None) -> None:
    """Run statements, then fill tables with rows."""
    with connected(url) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        for table, values in (rows or {}).items():
            marks = ", ".join(["%s"] * len(values[0]))
            cursor.executemany(f"INSERT INTO `{table}` VALUES ({marks})", values)


def query(url: str, sql: str, **settings: Any) -> list[tuple[Any, ...]]:
    """The rows of a query, as the driver gives them."""
    with connected(url, **settings) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def find_program() -> Path | None:
    """The server's program; Debian keeps it where only root looks."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return next((Path(found) for name in _PROGRAMS if (found := shutil.which(name, path=path))), None)


@contextmanager
def running_mysql(settings: Mapping[str, str] | None = None) -> Iterator[MysqlServer]:
    """A server: the one that `SENSEI_TEST_MYSQL_URL` names, else a new one.

    Skips the test where there is no MariaDB on a developer's machine; in CI that is a failure.

    Args:
        settings: Server settings over those that make tests quick, for a new server.
    """
    if url := os.environ.get(URL_VARIABLE):
        yield MysqlServer(url)
        return
    program = find_program()
    if program is None:
        reason = f"no MariaDB here: install the package mariadb-server-core, or set {URL_VARIABLE}"
        if os.environ.get("CI"):
            raise RuntimeError(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="sensei-my-"))
    try:
        user = None
        if os.geteuid() == 0:
            # Like PostgreSQL, it is not to be run as root.
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            user = nobody.pw_name
        password = secrets.token_hex(16)
        with _start(program, folder, user, password, dict(settings or {})) as port:
            yield MysqlServer(f"mysql://admin:{password}@127.0.0.1:{port}/")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _start(program: Path, folder: Path, user: str | None, password: str, settings: dict[str, str]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    bootstrap = folder / "bootstrap.sql"
    bootstrap.write_text(_bootstrap(password))
    bootstrap.chmod(0o644)
    options = {
        "datadir": str(folder / "data"),
        # A server that starts clears its folder of temporary files, whosever they are.
        "tmpdir": str(folder),
        "innodb-flush-log-at-trx-commit": "0",
        "innodb-doublewrite": "0",
        "innodb-use-native-aio": "0",
        "innodb-buffer-pool-size": "64M",
        "innodb-log-file-size": "32M",
        "character-set-server": "utf8mb4",
    }
    (folder / "data").mkdir()
    if user is not None:
        shutil.chown(folder / "data", user)
    listening = {
        "bind-address": "127.0.0.1",
        "port": str(port),
        "socket": str(folder / "socket"),
        "pid-file": str(folder / "pid"),
        "local-infile": "0",
    }
    common = ["--no-defaults", "--skip-log-bin"]
    with bootstrap.open("rb") as script:
        made = subprocess.run(
            [str(program), *common, *_as_options(options), "--bootstrap"],
            stdin=script,
            capture_output=True,
            user=user,
            cwd=folder,
            check=False,
        )
    if made.returncode:
        raise RuntimeError("MariaDB could not be set up:\n" + made.stderr.decode(errors="replace")[-2000:])
    bootstrap.unlink()
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [str(program), *common, *_as_options(options | listening | settings)],
        stdout=log,
        stderr=log,
        user=user,
        cwd=folder,
        preexec_fn=_die_with_parent,  # noqa: PLW1509  # before any test thread runs
    )
    try:
        _await_ready(server, port, password, folder / "log")
        yield port
    finally:
        log.close()
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _as_options(options: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items()]


def _bootstrap(password: str) -> str:
    """The system tables, as the server's own scripts make them, and an administrator for TCP."""
    shares = [Path(place) for place in ("/usr/share/mysql", "/usr/share/mariadb", "/usr/local/share/mysql")]
    share = next((place for place in shares if (place / "mysql_system_tables.sql").is_file()), None)
    if share is None:
        raise RuntimeError("MariaDB's scripts for its system tables are not where they use to be")
    scripts = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
    parts = ["CREATE DATABASE mysql;", "USE mysql;"]
    parts += [(share / name).read_text() for name in scripts if (share / name).is_file()]
    parts += [
        "FLUSH PRIVILEGES;",
        f"CREATE USER admin@'127.0.0.1' IDENTIFIED BY '{password}';",
        "GRANT ALL PRIVILEGES ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION;",
    ]
    return "SET @auth_root_socket = NULL;\n" + "\n".join(parts) + "\n"


def _die_with_parent() -> None:
    """Even a killed test run leaves no server behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _await_ready(server: subprocess.Popen[bytes], port: int, password: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="admin", password=password, connect_timeout=5).close()
        except pymysql.err.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("MariaDB did not start:\n" + log.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.05)
        else:
            return
