"""Opening the state database and its two kinds of transactions."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from sensei.server.crypto.vault import Vault
from sensei.server.engine.reach import Reach
from sensei.server.engine.reserved import release, reserve
from sensei.server.settings import Settings
from sensei.server.store.durability import GroupSync
from sensei.server.store.tables import Base

_WRITE = "sensei_write"
_FIRST_START = 7_356_734
"""Number of the lock that processes take turns by when they make what a state begins with."""
_BUSY_SECONDS = 30
_PRAGMAS = (
    "journal_mode=WAL",
    # What is acknowledged is synced afterwards, see `make_durable`.
    "synchronous=NORMAL",
    f"busy_timeout={_BUSY_SECONDS * 1000}",
    "foreign_keys=ON",
    # Half a mebibyte for each connection: there are many, and the operating system caches the file anyway.
    "cache_size=-512",
)


class StoreError(Exception):
    """The state database cannot be opened."""


class Store:
    """The state database and the key to its secrets.

    Raises:
        StoreError: The database cannot be opened or is no database.
        VaultError: The key file cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.vault: Vault = Vault(settings.resolved_key_file)
        self.reach: Reach = Reach(
            shared=settings.shared,
            folders=settings.data_dirs or None,
            networks=settings.exempt_networks,
        )
        """What the databases of users may be."""
        url = make_url(settings.database_url)
        self.description: str = (
            (url.database or "")
            if url.get_backend_name() == "sqlite"
            else url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
        )
        """Where the state is, without a password."""
        self.is_sqlite: bool = url.get_backend_name() == "sqlite"
        self._file = Path(url.database) if self.is_sqlite and url.database else None
        self._sync = GroupSync(self._file) if self._file is not None else None
        if self._file is not None:
            _make_private(self._file)
        arguments: dict[str, Any] = {"timeout": _BUSY_SECONDS} if self.is_sqlite else {}
        self._engine = create_engine(
            url,
            connect_args=arguments,
            pool_size=16,
            max_overflow=64,
            pool_pre_ping=not self.is_sqlite,
            # What is stored must not come to light in a log just because storing it failed.
            hide_parameters=True,
        )
        if self.is_sqlite:
            _prepare_sqlite(self._engine)
        else:
            _prepare_postgresql(self._engine)
        self._writer = self._engine.execution_options(**{_WRITE: True})
        try:
            with self._writer.begin() as connection:
                if not self.is_sqlite:
                    # Processes that meet an empty database at once make its tables one after the other.
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_FIRST_START})")
                Base.metadata.create_all(connection)
        except SQLAlchemyError as error:
            self._engine.dispose()
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"cannot open the state {self.description}: {str(cause).splitlines()[0]}") from None
        if self._file is not None:
            reserve(self._file)
        self._key_file: Path | None = settings.resolved_key_file
        reserve(self._key_file)

    @contextmanager
    def read(self) -> Generator[Session]:
        """A session on one consistent snapshot; changes are thrown away."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Generator[Session]:
        """A session that commits when the block ends well and holds the write lock meanwhile.

        Keep it short, and never wait for another machine inside.
        """
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @property
    def is_lost(self) -> bool:
        """Whether the disk refused what was committed: nothing can be acknowledged any more."""
        return self._sync is not None and self._sync.has_failed

    def make_durable(self) -> None:
        """Wait until what was committed so far cannot be lost by a power cut. PostgreSQL sees to that by itself.

        Raises:
            OutcomeUnknownError: The disk refuses.
        """
        if self._sync is not None:
            self._sync.wait()

    def take_turns_at_start(self, session: Session) -> None:
        """Hold off other processes that make what a state begins with, until the transaction ends."""
        if not self.is_sqlite:
            session.execute(text(f"SELECT pg_advisory_xact_lock({_FIRST_START})"))

    def begin_write(self) -> Session:
        """Like `write`, for callers that commit or roll back themselves and close the session."""
        session = Session(self._writer, expire_on_commit=False)
        session.begin()
        return session

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()
        if self._file is not None:
            release(self._file)
            self._file = None
        if self._key_file is not None:
            release(self._key_file)
            self._key_file = None


def _make_private(file: Path) -> None:
    """Make the file for its owner only, if there is none yet; SQLite gives its companions the same mode."""
    with suppress(OSError):  # what is wrong with the place, opening it will tell
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


def _set(cursor: sqlite3.Cursor, pragma: str) -> None:
    """Set a pragma. SQLite does not wait by itself where several processes turn a new file to WAL at once."""
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute(f"PRAGMA {pragma}")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up:
                raise
        time.sleep(0.01)


def _prepare_sqlite(engine: Engine) -> None:
    def on_connect(raw: sqlite3.Connection, _record: object) -> None:
        # The driver's own transaction handling begins too late (at the first write, after reads that a decision
        # was based on); transactions are begun by hand below.
        raw.isolation_level = None
        cursor = raw.cursor()
        for pragma in _PRAGMAS:
            _set(cursor, pragma)
        cursor.close()

    def on_begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def _prepare_postgresql(engine: Engine) -> None:
    from psycopg import Connection as RawConnection
    from psycopg.abc import Buffer
    from psycopg.types.string import StrDumperUnknown

    class WithoutNul(StrDumperUnknown):
        """Texts as PostgreSQL can keep them: what no column can hold is not found, and does not stop a worker."""

        def dump(self, obj: str) -> Buffer | None:
            return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))

    def on_connect(raw: RawConnection[Any], _record: object) -> None:
        raw.adapters.register_dumper(str, WithoutNul)

    event.listen(engine, "connect", on_connect)
