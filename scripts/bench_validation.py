"""How long it takes to compare a million rows of eight cells, and that one changed cell is found.

    python scripts/bench_validation.py POSTGRESQL_URL [ROWS]

SQLite against PostgreSQL, medians of five rounds. The table `measured` is made in the database of the URL, which must
not have one, and dropped at the end.
"""

from __future__ import annotations

import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from sensei.server.engine.connectors import open_connector
from sensei.server.engine.job import Endpoint, Job, Selection, Wanted
from sensei.server.engine.plan import ColumnRef, DecidedMapping, Plan, PlanOptions, TablePlan
from sensei.server.engine.validation import validate
from sensei.server.engine.validation.types import PERSPECTIVES, ValidationJob, ValidationOutcome

ROUNDS = 5
COLUMNS = ("id", "number", "ratio", "name", "note", "price", "active", "at")
SQLITE = (
    "CREATE TABLE measured (id INTEGER PRIMARY KEY, number INTEGER, ratio REAL, name TEXT, note TEXT, "
    "price DECIMAL(10, 2), active BOOLEAN, at TIMESTAMP)"
)
POSTGRES = (
    "CREATE TABLE measured (id bigint PRIMARY KEY, number bigint, ratio double precision, name text, note text, "
    "price numeric(10, 2), active boolean, at timestamp)"
)


class Quiet:
    def log(self, *_: Any, **__: Any) -> None: ...
    def progress(self, progress: Any) -> None: ...
    def data_error(self, record: Any) -> None: ...
    def checkpoint(self, state: Any, **_: Any) -> None: ...
    def wanted(self) -> Wanted:
        return Wanted.RUN


def row(number: int) -> tuple[Any, ...]:
    at = f"2024-{number % 12 + 1:02d}-{number % 28 + 1:02d} {number % 24:02d}:{number % 60:02d}:{number // 60 % 60:02d}"
    note = None if number % 10 == 0 else f"row {number % 1000} of the table"
    price = (number * 37 % 100_000) / 100
    return number, number * 7 % 1_000_003, number / 7, f"name {number}", note, price, number % 2, at


def make(path: Path, url: str, rows: int) -> None:
    source = sqlite3.connect(path)
    source.execute(SQLITE)
    source.executemany("INSERT INTO measured VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(row, range(rows)))
    source.commit()
    source.close()
    with psycopg.connect(url) as target:
        target.execute(POSTGRES)  # type: ignore[arg-type]
        with target.cursor().copy("COPY measured FROM STDIN") as copy:
            for number in range(rows):
                values = row(number)
                copy.write_row((*values[:6], bool(values[6]), values[7]))
    with psycopg.connect(url, autocommit=True) as target:
        target.execute("VACUUM ANALYZE measured")


def job(source: Endpoint, target: Endpoint) -> Job:
    catalogs = []
    for endpoint in (source, target):
        with open_connector(endpoint) as connector:
            catalogs.append(connector.read_catalog(Selection(tables=("measured",))))
    here, there = (catalog.tables[0] for catalog in catalogs)
    plan = Plan(
        source=catalogs[0],
        target_system="postgresql",
        target_schema=there.schema,
        tables=(TablePlan(source=here, target=there),),
        mappings=(),
        risks=(),
        phases=(),
        relationships=0,
        generated_at=datetime.now(UTC),
    )
    mappings = tuple(
        DecidedMapping(
            source=ColumnRef(schema=here.schema, table=here.name, column=name, type=here.column(name).type),
            target=ColumnRef(schema=there.schema, table=there.name, column=name, type=there.column(name).type),
            transformation=None,
        )
        for name in COLUMNS
    )
    return Job(
        migration_id="mig_bench", source=source, target=target, plan=plan, mappings=mappings, options=PlanOptions()
    )


def timed(work: Job, *perspectives: str) -> tuple[float, ValidationOutcome]:
    began = time.perf_counter()
    outcome = validate(ValidationJob(job=work, perspectives=perspectives), Quiet(), Quiet())
    return time.perf_counter() - began, outcome


def main() -> None:
    url = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measured.db"
        make(path, url, rows)
        try:
            work = job(
                Endpoint(type="sqlite", config={"path": str(path)}),
                Endpoint(type="postgresql", config={"connection_string": url}),
            )
            for name, perspectives in (("every cell", ("statistical",)), ("all five perspectives", PERSPECTIVES)):
                rounds = [timed(work, *perspectives) for _ in range(ROUNDS)]
                seconds = statistics.median(seconds for seconds, _ in rounds)
                results = {outcome.overall_result for _, outcome in rounds}
                print(f"{name}: {rows:,} rows x {len(COLUMNS)} in {seconds:.2f} s, {', '.join(results)}")
            with psycopg.connect(url) as target:
                target.execute("UPDATE measured SET price = price + 0.01 WHERE id = %s", (rows * 2 // 3,))
            seconds, outcome = timed(work, "statistical")
            [issue] = [one for one in outcome.perspectives[0].issues if one.severity == "error"]
            print(f"one changed cell: found in {seconds:.2f} s: {issue.message} {issue.details}")
        finally:
            with psycopg.connect(url) as target:
                target.execute("DROP TABLE measured")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
