"""Measure how fast the engine moves 1.6 million rows between SQLite, PostgreSQL and MySQL, and what memory it takes.

    python scripts/bench_engine.py [--rounds 3] [--rows 1600000] [--mysql]

Each run is a process of its own, so that its peak memory is its own. The data is three tables with keys, indexes and a
reference, like those of a small shop; PostgreSQL runs with fsync on.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SCHEMA = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, email VARCHAR(120) NOT NULL UNIQUE, name TEXT NOT NULL, city TEXT, born DATE,
    points INTEGER NOT NULL, balance DOUBLE);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), placed_at TIMESTAMP NOT NULL,
    status VARCHAR(12) NOT NULL, total DECIMAL(12, 2) NOT NULL, note TEXT);
CREATE TABLE lines (
    order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL, sku VARCHAR(20) NOT NULL,
    quantity INTEGER NOT NULL, price DOUBLE NOT NULL, digest BLOB, PRIMARY KEY (order_id, line));
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at);
CREATE INDEX lines_by_sku ON lines (sku);
"""


def make_source(path: Path, rows: int) -> None:
    """An eighth of the rows are customers, three eighths orders, half lines."""
    dice = random.Random(7)
    customers, orders = rows // 8, rows * 3 // 8
    lines = rows - customers - orders
    cities = ["København", "São Paulo", "Zürich", "東京", "Kraków", None]
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    connection.executemany(
        "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (n, f"customer{n}@shop.example", f"Name {n} O'Hara", dice.choice(cities),
             f"19{n % 70 + 30}-0{n % 9 + 1}-1{n % 10}", dice.randrange(10_000), dice.random() * 1_000)
            for n in range(1, customers + 1)
        ),
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)",
        (
            (n, dice.randint(1, customers), f"2024-{n % 12 + 1:02}-{n % 28 + 1:02} {n % 24:02}:{n % 60:02}:00",
             "shipped", dice.randrange(10**7) / 100, None if n % 3 else "left at the door\twith care")
            for n in range(1, orders + 1)
        ),
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)",
        (
            (n % orders + 1, n // orders + 1, f"SKU-{dice.randrange(50_000):06}", dice.randint(1, 9),
             dice.random() * 100, dice.randbytes(16) if n % 4 == 0 else None)
            for n in range(lines)
        ),
    )  # fmt: skip
    connection.commit()
    connection.close()


MYSQL_SCHEMA = (
    """CREATE TABLE customers (
    id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, email VARCHAR(120) NOT NULL UNIQUE, name TEXT NOT NULL, city TEXT,
    born DATE, points INT NOT NULL, balance DOUBLE)""",
    """CREATE TABLE orders (
    id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, customer_id INT UNSIGNED NOT NULL, placed_at DATETIME NOT NULL,
    status VARCHAR(12) NOT NULL, total DECIMAL(12, 2) NOT NULL, note TEXT,
    FOREIGN KEY (customer_id) REFERENCES customers (id), KEY orders_by_customer (customer_id, placed_at))""",
    """CREATE TABLE `lines` (
    order_id INT UNSIGNED NOT NULL, line INT NOT NULL, sku VARCHAR(20) NOT NULL, quantity INT NOT NULL,
    price DOUBLE NOT NULL, digest VARBINARY(16), PRIMARY KEY (order_id, line),
    FOREIGN KEY (order_id) REFERENCES orders (id), KEY lines_by_sku (sku))""",
)


def fill_mysql(url: str, path: Path) -> None:
    """The same rows in MySQL or MariaDB."""
    from tests.support.mysql import connected, run

    run(url, MYSQL_SCHEMA)
    source = sqlite3.connect(path)
    with connected(url) as connection, connection.cursor() as cursor:
        for table, width in (("customers", 7), ("orders", 6), ("lines", 6)):
            rows = source.execute(f"SELECT * FROM {table}")
            marks = ", ".join(["%s"] * width)
            while some := rows.fetchmany(10_000):
                cursor.executemany(f"INSERT INTO `{table}` VALUES ({marks})", some)
        for table in ("customers", "orders", "lines"):
            cursor.execute(f"ANALYZE TABLE `{table}`")
    source.close()


def measure_mysql(server: Any, path: Path, folder: Path, rounds: int) -> None:
    """MySQL to PostgreSQL, turn about with pgloader, and to SQLite."""
    from tests.support.mysql import find_program, running_mysql

    if find_program() is None:
        print("no MariaDB here: install mariadb-server-core to measure it", file=sys.stderr)
        return
    to_postgresql, to_sqlite, peer = [], [], []
    with running_mysql({"innodb-buffer-pool-size": "512M"}) as mysql, mysql.database() as url:
        fill_mysql(url, path)
        source: dict[str, Any] = {"type": "mysql", "config": {"connection_string": url}}
        for number in range(rounds):
            with server.database() as ours, server.database() as theirs:
                to_postgresql.append(run_apart(source, {"type": "postgresql", "config": {"connection_string": ours}}))
                seconds = run_pgloader(url, theirs)
                peer += [seconds] if seconds is not None else []
            file = str(folder / f"mysql{number}.db")
            to_sqlite.append(run_apart(source, {"type": "sqlite", "config": {"path": file}}))
    show("MySQL → PostgreSQL", to_postgresql)
    compare(to_postgresql, peer)
    show("MySQL → SQLite", to_sqlite)


def compare(runs: list[dict[str, float]], peer: list[float]) -> None:
    """Our time beside pgloader's."""
    if peer:
        ours = statistics.median(sum(v for k, v in run.items() if k not in {"rows", "peak_mb"}) for run in runs)
        theirs = statistics.median(peer)
        moved = ours - statistics.median(run["plan"] for run in runs)
        print(
            f"{'  pgloader':<24} {theirs:6.2f} s whole; ours is {ours / theirs:.2f} of that, "
            f"{moved / theirs:.2f} without the plan"
        )


def one_run(source: dict[str, Any], target: dict[str, Any]) -> dict[str, float]:
    """Plan and move once, in this process."""
    from sensei.server.engine.job import Endpoint, Job, MigrationState, Selection, Wanted
    from sensei.server.engine.plan import PlanOptions
    from sensei.server.engine.planner import make_plan
    from sensei.server.engine.runner import run_phase

    class Quiet:
        def log(self, *_: Any, **__: Any) -> None: ...

        def progress(self, *_: Any) -> None: ...

        def data_error(self, record: Any) -> None:
            raise RuntimeError(record.message)

        def checkpoint(self, *_: Any, **__: Any) -> None: ...

        def wanted(self) -> Wanted:
            return Wanted.RUN

    ends = [Endpoint(type=end["type"], config=end["config"]) for end in (source, target)]
    seconds: dict[str, float] = {}
    began = time.perf_counter()
    plan = make_plan(ends[0], ends[1], Selection(), None, PlanOptions())
    seconds["plan"] = time.perf_counter() - began
    job = Job(migration_id="mig_bench", source=ends[0], target=ends[1], plan=plan, mappings=(), options=PlanOptions())
    state, quiet = MigrationState(), Quiet()
    for phase in ("schema_migration", "data_transfer", "cutover"):
        began = time.perf_counter()
        run_phase(phase, job, state, quiet, quiet)
        seconds[phase] = time.perf_counter() - began
    rows = sum(table.rows_done for table in state.tables.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**seconds, "rows": rows, "peak_mb": peak}


def run_apart(source: dict[str, Any], target: dict[str, Any]) -> dict[str, float]:
    """The same in a new process."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps([source, target])], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def show(name: str, runs: list[dict[str, float]]) -> None:
    moved = [run["schema_migration"] + run["data_transfer"] + run["cutover"] for run in runs]
    whole = [seconds + run["plan"] for seconds, run in zip(moved, runs, strict=True)]
    rows = runs[0]["rows"]
    print(
        f"{name:<24} {statistics.median(whole):6.2f} s whole  "
        f"(plan {statistics.median(run['plan'] for run in runs):.2f}, "
        f"transfer {statistics.median(run['data_transfer'] for run in runs):.2f}, "
        f"cutover {statistics.median(run['cutover'] for run in runs):.2f})  "
        f"{rows / statistics.median(run['data_transfer'] for run in runs):9,.0f} rows/s loaded  "
        f"peak {max(run['peak_mb'] for run in runs):.0f} MB"
    )


def run_pgloader(path: Path | str, url: str) -> float | None:
    """Seconds that pgloader takes for the same, if it is installed."""
    program = shutil.which("pgloader")
    if program is None:
        return None
    began = time.perf_counter()
    done = subprocess.run([program, str(path), url], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:], file=sys.stderr)
        return None
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_600_000)
    parser.add_argument("--mysql", action="store_true", help="only what begins in MySQL")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    wishes = parser.parse_args()
    if wishes.one:
        source, target = json.loads(wishes.one)
        print(json.dumps(one_run(source, target)))
        return
    from tests.support.postgres import running_postgres

    settings = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "128MB"}
    with tempfile.TemporaryDirectory(prefix="sensei-bench-") as folder, running_postgres(settings) as server:
        path = Path(folder) / "source.db"
        make_source(path, wishes.rows)
        measure_mysql(server, path, Path(folder), wishes.rounds)
        if wishes.mysql:
            return
        file: dict[str, Any] = {"type": "sqlite", "config": {"path": str(path)}}
        there, back, other, across = [], [], [], []
        peer = []
        for number in range(wishes.rounds):
            with server.database() as url, server.database() as second, server.database() as third:
                database = {"type": "postgresql", "config": {"connection_string": url}}
                again = {"type": "sqlite", "config": {"path": str(Path(folder) / f"back{number}.db")}}
                copy = {"type": "sqlite", "config": {"path": str(Path(folder) / f"copy{number}.db")}}
                there.append(run_apart(file, database))
                seconds = run_pgloader(path, third)
                peer += [seconds] if seconds is not None else []
                back.append(run_apart(database, again))
                across.append(run_apart(database, {"type": "postgresql", "config": {"connection_string": second}}))
                other.append(run_apart(file, copy))
        show("SQLite → PostgreSQL", there)
        compare(there, peer)
        show("PostgreSQL → SQLite", back)
        show("PostgreSQL → PostgreSQL", across)
        show("SQLite → SQLite", other)


if __name__ == "__main__":
    main()
