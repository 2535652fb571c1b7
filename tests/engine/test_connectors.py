"""Databases are reached, or it is said in one line and one code why not; passwords are never in it."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from sensei.server.engine.connectors import open_connector
from sensei.server.engine.connectors import sqlite as sqlite_connector
from sensei.server.engine.connectors.sqlite import SqliteConnector
from sensei.server.engine.errors import ConnectorUnavailableError, EndpointError, EngineError, TableNotFoundError
from sensei.server.engine.job import Endpoint, Selection
from tests.engine.helpers import make_sqlite, postgres_end, sqlite_end

SECRET = "s3cr3t-pass"


def _refusal(endpoint: Endpoint) -> EngineError:
    with pytest.raises(EngineError) as caught, open_connector(endpoint) as connector:
        connector.read_catalog(Selection())
    assert "\n" not in caught.value.message
    assert SECRET not in caught.value.message
    assert SECRET not in repr(endpoint)
    return caught.value


@contextmanager
def _silent_server() -> Iterator[int]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"host": "127.0.0.1", "port": 1, "username": "u", "password": SECRET}, "E1001"),
        ({"host": "no-such-host.invalid", "password": SECRET}, "E1010"),
        ({"connection_string": f"mysql://u:{SECRET}@h/d"}, "E1009"),
        ({"connection_string": f"postgresql://u:{SECRET}@h:notaport/d"}, "E1009"),
        ({"connection_string": f"postgresql://u:{SECRET}@h/d?nonsense=1"}, "E1009"),
        ({"connection_string": f"postgresql+psycopg://u:{SECRET}@h/d"}, "E1009"),
        ({"connection_string": "postgresql:///d"}, "E1009"),
        ({"connection_string": f"postgresql://u:p@{SECRET}@localhost/d"}, "E1009"),
        ({"host": f"{SECRET}@localhost"}, "E1009"),
        ({"host": "h", "password": "vault://secrets/pg"}, "E1009"),
        ({"host": "h", "tunnel": {"type": "ssh", "host": "b", "username": "u"}}, "E1009"),
        ({"host": "h", "password": SECRET, "ssl_ca": "not a certificate"}, "E1003"),
        ({"host": "127.0.0.1", "port": 1, "extra_params": {"host": f"{SECRET}@h"}}, "E1009"),
    ],
)
def test_addresses_that_lead_nowhere(config: dict[str, Any], code: str) -> None:
    refusal = _refusal(Endpoint(type="postgresql", config=config))
    assert isinstance(refusal, EndpointError)
    assert refusal.reason_code == code


def test_refused_by_the_database(postgres_url: str) -> None:
    parts = urlsplit(postgres_url)
    base: dict[str, Any] = {
        "host": parts.hostname, "port": parts.port, "username": parts.username, "password": parts.password,
        "database": parts.path[1:],
    }  # fmt: skip
    for change, code in (
        ({"password": SECRET}, "E1002"),
        ({"username": "nobody_here"}, "E1002"),
        ({"database": "no_such_database"}, "E1005"),
    ):
        assert _refusal(Endpoint(type="postgresql", config={**base, **change})).reason_code == code
    tls = Endpoint(type="postgresql", config=base, options={"ssl_mode": "require"})
    assert _refusal(tls).reason_code == "E1003"
    # Single members win over the parts of a connection string.
    both = {"connection_string": postgres_url, "password": SECRET}
    assert _refusal(Endpoint(type="postgresql", config=both)).reason_code == "E1002"


def test_a_database_that_says_nothing() -> None:
    with _silent_server() as port:
        config = {"host": "127.0.0.1", "port": port}
        refusal = _refusal(
            Endpoint(type="postgresql", config=config, options={"connection_timeout_seconds": 2, "ssl_mode": "disable"})
        )
    assert refusal.reason_code == "E1004"


def test_no_more_connections(postgres_server: Any, make_database: Any) -> None:
    url = make_database()
    name = urlsplit(url).path[1:]
    postgres_server.execute(f"CREATE ROLE limited LOGIN PASSWORD '{SECRET}' CONNECTION LIMIT 0")
    try:
        parts = urlsplit(url)
        config = {
            "host": parts.hostname,
            "port": parts.port,
            "username": "limited",
            "password": SECRET,
            "database": name,
        }
        assert _refusal(Endpoint(type="postgresql", config=config)).reason_code == "E1007"
    finally:
        postgres_server.execute("DROP ROLE limited")


def test_privileges_are_tested(postgres_server: Any, make_database: Any) -> None:
    """A user who may not write is told so by the test of a target, and may still be a source."""
    url = make_database()
    parts = urlsplit(url)
    postgres_server.execute(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'")
    try:
        postgres_server.execute(
            "CREATE SCHEMA hidden; CREATE TABLE hidden.t (a int); CREATE TABLE t (a int)", parts.path[1:]
        )
        postgres_server.execute("GRANT SELECT ON t TO reader", parts.path[1:])
        config = {
            "host": parts.hostname,
            "port": parts.port,
            "username": "reader",
            "password": SECRET,
            "database": parts.path[1:],
        }
        with open_connector(Endpoint(type="postgresql", config=config)) as connector:
            source, target = connector.test("source"), connector.test("target")
            assert source.status == "success"
            assert source.accessible_schemas == ("public",)
            assert source.write_test is None
            assert (target.status, target.write_test) == ("failed", "failed")
            assert target.error is not None
            assert target.error.reason_code == "E1006"
            assert SECRET not in repr(target)
            with pytest.raises(TableNotFoundError, match="'hidden'"):
                connector.read_catalog(Selection(schemas=("hidden",)))
    finally:
        postgres_server.execute("DROP OWNED BY reader; DROP ROLE reader", parts.path[1:])


def test_a_good_database_passes(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url) as server:
        server.execute("CREATE TABLE a (x int); INSERT INTO a SELECT generate_series(1, 10)")
    path = make_sqlite(tmp_path / "a.db", "CREATE TABLE a (x INTEGER)", {"a": [(n,) for n in range(10)]})
    for endpoint, version in ((postgres_end(postgres_url), "PostgreSQL "), (sqlite_end(path), "SQLite ")):
        with open_connector(endpoint) as connector:
            outcome = connector.test("both")
        assert (outcome.status, outcome.write_test, outcome.table_count, outcome.error) == (
            "success",
            "success",
            1,
            None,
        )
        assert outcome.server_version is not None
        assert outcome.server_version.startswith(version)
    with psycopg.connect(postgres_url) as server:
        assert server.execute("SELECT relname FROM pg_class WHERE relname LIKE '%sensei%'").fetchall() == []


def test_sqlite_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, but long enough to have a header of one hundred bytes" * 4)
    (tmp_path / "folder.db").mkdir()
    for config, code in (
        ({"path": str(tmp_path / "missing.db")}, "E1005"),
        ({"path": str(tmp_path / "folder.db")}, "E1005"),
        ({"path": str(tmp_path / "text.db")}, "E1005"),
        ({"path": ":memory:"}, "E1009"),
        ({"connection_string": "sqlite://"}, "E1009"),
        ({"connection_string": f"sqlite:///{tmp_path}/a.db?mode=rw"}, "E1009"),
        ({"path": "a\0b"}, "E1009"),
    ):
        endpoint = Endpoint(type="sqlite", config=config)
        assert _refusal(endpoint).reason_code == code
    assert not (tmp_path / "missing.db").exists()


def test_what_is_no_ordinary_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe would be waited for, and an endless device read, for ever."""
    pipe = tmp_path / "pipe.db"
    os.mkfifo(pipe)
    for path, code in ((pipe, "E1005"), (Path(os.devnull), "E1005"), (tmp_path / ("n" * 300), "E1006")):
        assert _refusal(sqlite_end(path)).reason_code == code
        with open_connector(sqlite_end(path)) as connector:
            outcome = connector.test("target")
        assert outcome.error is not None
        assert outcome.error.reason_code == code


@pytest.mark.parametrize("slashes", ["", "/"])
def test_sqlite_urls_are_absolute(tmp_path: Path, slashes: str) -> None:
    path = make_sqlite(tmp_path / "a.db", "CREATE TABLE a (x)")
    endpoint = Endpoint(type="sqlite", config={"connection_string": f"sqlite:///{slashes}{path}"})
    with open_connector(endpoint) as connector:
        assert [table.name for table in connector.read_catalog(Selection()).tables] == ["a"]


def test_a_sqlite_target_need_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with open_connector(sqlite_end(path)) as connector:
        assert connector.test("target").status == "success"
        assert connector.test("source").status == "failed"
    assert not path.exists()
    with open_connector(sqlite_end(tmp_path / "no" / "new.db")) as connector:
        outcome = connector.test("target")
    assert outcome.error is not None
    assert outcome.error.reason_code == "E1005"
    with open_connector(Endpoint(type="sqlite", config={"path": str(path), "read_only": True})) as connector:
        assert connector.test("target").write_test == "failed"


def test_a_locked_sqlite_file(tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "a.db", "CREATE TABLE a (x)")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        refusal = _refusal(sqlite_end(path, connection_timeout_seconds=0))
        assert refusal.reason_code == "E1004"
        assert "locked" in refusal.message
    finally:
        holder.close()


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A file whose writer was killed in the middle of a transaction that it had begun to write."""
    path = tmp_path / "crashed.db"
    program = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'whole'); PRAGMA cache_size = 10; BEGIN IMMEDIATE")
db.executemany("INSERT INTO t VALUES (?, ?)", ((n, "x" * 500) for n in range(2_000)))
db.execute("UPDATE t SET b = 'half'")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert path.with_name("crashed.db-journal").stat().st_size
    return path


def test_what_a_killed_writer_left_is_rolled_back(crashed: Path) -> None:
    with closing(SqliteConnector(sqlite_end(crashed))) as connector:
        outcome = connector.test("source")
        preview = connector.preview(None, "t", 5)

    assert outcome.status == "success", outcome.error
    assert list(preview.rows) == [{"a": 1, "b": "whole"}]


def test_a_crashed_file_that_may_not_be_written_says_what_to_do(crashed: Path) -> None:
    before = crashed.read_bytes()
    end = sqlite_end(crashed)
    with closing(SqliteConnector(replace(end, config={**end.config, "read_only": True}))) as connector:
        outcome = connector.test("source")

    assert outcome.error is not None
    assert "unfinished transaction" in outcome.error.message
    assert "open it once with sqlite3" in outcome.error.message
    assert crashed.read_bytes() == before


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_sqlite(tmp_path / "a.db", "CREATE TABLE a (x)")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert _refusal(sqlite_end(path)).reason_code == "E1006"
    with open_connector(sqlite_end(path)) as connector:
        assert connector.test("target").status == "failed"


@pytest.mark.parametrize("type_", ["oracle", "mongodb", "snowflake", "s3", "nonsense"])
def test_types_without_a_driver(type_: str) -> None:
    with pytest.raises(ConnectorUnavailableError, match="no driver"):
        open_connector(Endpoint(type=type_, config={"host": "h"}))


def test_canonical_values(postgres_url: str) -> None:
    """What Python can hold is a Python value, everything else the text that the database shows."""
    with open_connector(postgres_end(postgres_url)) as connector:
        sql = (
            "SELECT 1::int8, 1.50::numeric, 'a'::text, '\\x00'::bytea, true, 'NaN'::float8, date '2020-02-29', "
            "date '0044-03-15 BC', timestamptz '2020-01-01 00:00+05', timestamp 'infinity', interval '1 day', "
            "'{1,2}'::int[], '{\"a\": 1}'::jsonb, '25.00'::money, null"
        )
        (row,) = next(connector.stream(sql))
    assert row[5] != row[5]
    assert row[:5] == (1, Decimal("1.50"), "a", b"\x00", True)
    assert row[6:] == (
        date(2020, 2, 29), "0044-03-15 BC", datetime(2019, 12, 31, 19, tzinfo=UTC), "infinity", "1 day", "{1,2}",
        '{"a": 1}', "$25.00", None,
    )  # fmt: skip


def test_a_snapshot_is_one_moment(postgres_url: str, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "a.db", "PRAGMA journal_mode = WAL; CREATE TABLE a (x INTEGER)")
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("CREATE TABLE a (x int)")
        for endpoint in (postgres_end(postgres_url), sqlite_end(path)):
            with open_connector(endpoint) as connector, connector.snapshot():
                before = connector.scalar("SELECT count(*) FROM a")
                server.execute("INSERT INTO a VALUES (1)")
                other = sqlite3.connect(path)
                other.execute("INSERT INTO a VALUES (1)")
                other.commit()
                other.close()
                assert connector.scalar("SELECT count(*) FROM a") == before
                with pytest.raises(EngineError):
                    connector.scalar("INSERT INTO a VALUES (2) RETURNING x")


def test_streams_hold_one_batch(postgres_url: str) -> None:
    with open_connector(postgres_end(postgres_url)) as connector:
        sizes = [len(batch) for batch in connector.stream("SELECT generate_series(1, 25)", 10)]
        assert sizes == [10, 10, 5]
        stream = connector.stream("SELECT generate_series(1, 25)", 10)
        next(stream)
        stream.close()  # type: ignore[attr-defined]  # a generator, whatever its type says
        assert connector.scalar("SELECT 1") == 1


def test_preview(postgres_url: str, tmp_path: Path) -> None:
    path = make_sqlite(
        tmp_path / "a.db",
        'CREATE TABLE "a b" (x INTEGER, y BLOB, z TEXT)',
        {"a b": [(2**60, b"\xff", "t"), (1, None, None)]},
    )
    with open_connector(sqlite_end(path)) as connector:
        preview = connector.preview(None, "a b", 1)
        assert preview.rows == ({"x": str(2**60), "y": "/w==", "z": "t"},)
        assert preview.truncated
        assert not connector.preview("main", "a b", 2).truncated
        with pytest.raises(TableNotFoundError):
            connector.preview(None, "a_b", 1)
    with open_connector(postgres_end(postgres_url)) as connector, pytest.raises(TableNotFoundError):
        connector.preview(None, "nothing", 1)


def test_selection_patterns(tmp_path: Path) -> None:
    path = make_sqlite(
        tmp_path / "a.db", "".join(f'CREATE TABLE "{name}" (x);' for name in ("orders", "orders_old", "o[1]", "items"))
    )
    with open_connector(sqlite_end(path)) as connector:

        def chosen(*tables: str, exclude: tuple[str, ...] = ()) -> set[str]:
            selection = Selection(tables=tables or None, exclude_tables=exclude)
            return {table.name for table in connector.read_catalog(selection).tables}

        assert chosen("orders*") == {"orders", "orders_old"}
        assert chosen("orders*", exclude=("*_old",)) == {"orders"}
        assert chosen("o[1]") == {"o[1]"}
        assert chosen("i?ems", "main.orders") == {"items", "orders"}
        assert chosen(exclude=("*",)) == set()
        with pytest.raises(TableNotFoundError, match="'nothing'"):
            chosen("nothing")
        with pytest.raises(TableNotFoundError, match="no schema 'other'"):
            connector.read_catalog(Selection(schemas=("other",)))


def test_closing_twice_and_from_another_thread(postgres_url: str) -> None:
    connector = open_connector(postgres_end(postgres_url))
    thread = threading.Thread(target=connector.close)
    thread.start()
    thread.join()
    connector.close()
    with pytest.raises(EndpointError):
        connector.scalar("SELECT 1")


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_companion_sees_the_same_moment(journal: str, tmp_path: Path) -> None:
    """Whoever writes meanwhile, two connections that look at one file see one state of it."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute(f"PRAGMA journal_mode = {journal}")
        writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        writer.execute("INSERT INTO t VALUES (1)")
        end = Endpoint(type="sqlite", config={"path": str(path)})
        with SqliteConnector(end) as first, first.snapshot(), first.companion() as second:
            assert second is not None
            if journal == "wal":
                writer.execute("INSERT INTO t VALUES (2)")
            assert first.scalar("SELECT count(*) FROM t") == second.scalar("SELECT count(*) FROM t") == 1


def test_no_companion_where_others_always_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        begin = sqlite_connector._begin

        def begin_after_a_change(db: sqlite3.Connection) -> None:
            writer.execute("INSERT INTO t DEFAULT VALUES")
            begin(db)

        monkeypatch.setattr(sqlite_connector, "_begin", begin_after_a_change)
        with SqliteConnector(Endpoint(type="sqlite", config={"path": str(path)})) as first, first.snapshot():
            with first.companion() as second:
                assert second is None
            seen = first.scalar("SELECT count(*) FROM t")
            writer.execute("INSERT INTO t DEFAULT VALUES")
            assert first.scalar("SELECT count(*) FROM t") == seen


@pytest.mark.parametrize("given", ["soon", True, -1, None, [], float("nan")])
def test_a_wait_that_is_no_number_of_seconds_is_refused(tmp_path: Path, given: object) -> None:
    make_sqlite(tmp_path / "a.db", "CREATE TABLE t (a)")
    options = {"connection_timeout_seconds": given}
    for endpoint in (
        replace(sqlite_end(tmp_path / "a.db"), options=options),
        Endpoint(type="postgresql", config={"host": "127.0.0.1"}, options=options),
        Endpoint(type="mysql", config={"host": "127.0.0.1"}, options=options),
    ):
        assert _refusal(endpoint).reason_code == "E1009"


def test_a_wait_of_ages_is_one_of_a_day(tmp_path: Path) -> None:
    make_sqlite(tmp_path / "a.db", "CREATE TABLE t (a)")
    end = replace(sqlite_end(tmp_path / "a.db"), options={"connection_timeout_seconds": 10**300})
    with open_connector(end) as connector:
        assert connector.read_catalog(Selection()).tables[0].name == "t"
