"""What can go wrong on the way: it is told with its reason, nothing half-written stays, and one can go on later."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from sensei.server.engine.errors import EndpointError, EngineError, ExecutionError
from sensei.server.engine.job import MigrationState, PhaseOutcome, Wanted
from sensei.server.engine.plan import PlanOptions
from sensei.server.engine.runner import run_phase
from tests.engine.helpers import MOVING, GoOn, Notes, make_sqlite, plan_job, postgres_end, run, sqlite_end, sqlite_query
from tests.support.compare import differences, postgres_rows, sqlite_rows

ROOT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_sqlite(
        tmp_path / "source.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        {"t": [(n, f"value {n}") for n in range(2_000)]},
    )


class Cutting(Notes):
    """Cuts all other connections to a database, each time some rows have been copied, a few times over."""

    def __init__(self, url: str, times: int) -> None:
        super().__init__()
        self._url = url
        self._times = times

    def wanted(self) -> Wanted:
        if self._times and self.checkpoints_passed():
            self._times -= 1
            with psycopg.connect(self._url, autocommit=True) as server:
                server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
        return Wanted.RUN

    _asked = 0

    def checkpoints_passed(self) -> bool:
        self._asked += 1
        return self._asked % 4 == 0


@pytest.mark.parametrize("direction", ["to", "from"])
def test_a_connection_that_is_cut_is_made_again(
    direction: str, source: Path, tmp_path: Path, make_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three cuts in the middle of the data, and every row is there once."""
    from sensei.server.engine.phases import data

    monkeypatch.setattr(data, "_PAUSES", (0.01, 0.01))
    url = make_database()
    options = PlanOptions(batch_size=100)
    if direction == "to":
        job = plan_job(sqlite_end(source), postgres_end(url), options=options)
    else:
        run(plan_job(sqlite_end(source), postgres_end(url)))
        job = plan_job(postgres_end(url), sqlite_end(tmp_path / "target.db"), options=options)
    state, notes = MigrationState(), Cutting(url, 3)
    run_phase("schema_migration", job, state, notes, GoOn())
    assert run_phase("data_transfer", job, state, notes, notes) is PhaseOutcome.COMPLETED
    assert sum(level == "warning" and "going on" in message for level, message in notes.logs) == 3
    rows = (
        postgres_rows(url, "public", "t", ["id", "v"])
        if direction == "to"
        else sqlite_rows(tmp_path / "target.db", "t", ["id", "v"])
    )
    assert differences(sqlite_rows(source, "t", ["id", "v"]), rows) == ""


def test_an_end_that_stays_away(source: Path, make_database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few tries the phase ends as unreachable, and not as failed data."""
    from sensei.server.engine.phases import data

    monkeypatch.setattr(data, "_PAUSES", (0.01, 0.01))
    url = make_database()
    job = plan_job(sqlite_end(source), postgres_end(url))
    state, notes = MigrationState(), Notes()
    run_phase("schema_migration", job, state, notes, GoOn())
    parts = urlsplit(url)
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{parts.path[1:]}" ALLOW_CONNECTIONS false')
        with pytest.raises(EndpointError):
            run_phase("data_transfer", job, state, notes, GoOn())
        server.execute(f'ALTER DATABASE "{parts.path[1:]}" ALLOW_CONNECTIONS true')
    assert run_phase("data_transfer", job, state, notes, GoOn()) is PhaseOutcome.COMPLETED


def test_a_pause_while_waiting(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for an end that is away longer than the caller wants."""
    from sensei.server.engine.phases import data

    monkeypatch.setattr(data, "_PAUSES", (3_600,))
    job = plan_job(sqlite_end(source), sqlite_end(tmp_path / "target.db", connection_timeout_seconds=0))
    state, notes = MigrationState(), Notes()
    run_phase("schema_migration", job, state, notes, GoOn())
    moved = source.rename(tmp_path / "elsewhere.db")
    with pytest.raises(EndpointError) as caught:
        run_phase("data_transfer", job, state, notes, GoOn())
    assert caught.value.reason_code == "E1005"
    moved.rename(source)
    holder = sqlite3.connect(source, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    class PauseOnceWarned:
        def wanted(self) -> Wanted:
            warned = any(level == "warning" for level, _ in notes.logs)
            return Wanted.PAUSE if warned else Wanted.RUN

    waiting = plan_free_job(job)
    assert run_phase("data_transfer", waiting, state, notes, PauseOnceWarned()) is PhaseOutcome.PAUSED
    holder.close()
    assert run_phase("data_transfer", job, state, notes, GoOn()) is PhaseOutcome.COMPLETED


def plan_free_job(job: Any) -> Any:
    """The same job with a source that is not waited for."""
    import dataclasses

    return dataclasses.replace(job, source=sqlite_end(Path(job.source.config["path"]), connection_timeout_seconds=0))


def test_a_missing_privilege(source: Path, postgres_server: Any, make_database: Any) -> None:
    url = make_database()
    parts = urlsplit(url)
    database = parts.path[1:]
    postgres_server.execute("CREATE ROLE weak LOGIN PASSWORD 'weak-secret'")
    try:
        weak = urlunsplit(parts._replace(netloc=f"weak:weak-secret@{parts.hostname}:{parts.port}"))
        job = plan_job(sqlite_end(source), postgres_end(weak))
        with pytest.raises(ExecutionError, match="privilege") as caught:
            run_phase("schema_migration", job, MigrationState(), Notes(), GoOn())
        assert caught.value.reason_code == "E1006"
        assert "weak-secret" not in caught.value.message
        postgres_server.execute("GRANT CREATE ON SCHEMA public TO weak", database)
        run(job)
    finally:
        postgres_server.execute("DROP OWNED BY weak; DROP ROLE weak", database)


def test_a_lock_that_is_not_granted(source: Path, make_database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sensei.server.engine.transfer import write_postgresql

    monkeypatch.setattr(write_postgresql, "_LOCK_SECONDS", 0.1)
    url = make_database()
    job = plan_job(sqlite_end(source), postgres_end(url))
    state = MigrationState()
    run_phase("schema_migration", job, state, Notes(), GoOn())
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(ExecutionError, match="lock") as caught:
            run_phase("data_transfer", job, state, Notes(), GoOn())
    assert caught.value.reason_code == "E5006"
    assert run_phase("data_transfer", job, state, Notes(), GoOn()) is PhaseOutcome.COMPLETED


def test_a_locked_target_file(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    job = plan_job(sqlite_end(source), sqlite_end(target, connection_timeout_seconds=0))
    state = MigrationState()
    run_phase("schema_migration", job, state, Notes(), GoOn())
    holder = sqlite3.connect(target, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(EngineError, match="locked") as caught:
        run_phase("data_transfer", job, state, Notes(), GoOn())
    assert caught.value.reason_code == "E5006"
    holder.close()
    assert run_phase("data_transfer", job, state, Notes(), GoOn()) is PhaseOutcome.COMPLETED


FULL = """
import pickle, resource, signal, sys
from sensei.server.engine.errors import EngineError
from sensei.server.engine.job import MigrationState
from sensei.server.engine.runner import run_phase
from tests.engine.helpers import MOVING, GoOn, Notes

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
job = pickle.load(open(sys.argv[1], "rb"))
state = MigrationState()
run_phase("schema_migration", job, state, Notes(), GoOn())
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try:
    run_phase("data_transfer", job, state, Notes(), GoOn())
except EngineError as error:
    print(error.reason_code, error.message)
"""


def test_no_room_for_the_target(source: Path, tmp_path: Path) -> None:
    """A file that may not grow: the phase ends with a reason, and goes on where it was once there is room."""
    target = tmp_path / "target.db"
    job = plan_job(sqlite_end(source), sqlite_end(target), options=PlanOptions(batch_size=100))
    file = tmp_path / "job.pickle"
    file.write_bytes(pickle.dumps(job))
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(file)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(("E5007", "E5005")), done.stderr
    assert "disk" in done.stdout
    before = sqlite_query(target, "SELECT count(*) FROM t")[0][0]
    assert 0 < before < 2_000
    state = MigrationState()
    for phase in MOVING:
        run_phase(phase, job, state, Notes(), GoOn())
    assert differences(sqlite_rows(source, "t", ["id", "v"]), sqlite_rows(target, "t", ["id", "v"])) == ""


LARGE = """
import pickle, re, sys
from sensei.server.engine.job import MigrationState
from sensei.server.engine.runner import run_phase
from tests.engine.helpers import MOVING, GoOn, Notes

job = pickle.load(open(sys.argv[1], "rb"))
for phase in MOVING:
    run_phase(phase, job, MigrationState(), Notes(), GoOn())
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""
"""Prints its own peak in MB. Not `ru_maxrss`, which begins with the size of the process that started this one."""


@pytest.mark.parametrize("pair", ["SQLite→PostgreSQL", "PostgreSQL→SQLite"])
def test_large_rows_take_little_memory(pair: str, tmp_path: Path, make_database: Any) -> None:
    """400 MB in one table of 200-kilobyte rows stay far below that in memory."""
    path = tmp_path / "large.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)")
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
        "INSERT INTO t SELECT i, randomblob(200000) FROM n"
    )
    connection.commit()
    connection.close()
    url = make_database()
    job = plan_job(sqlite_end(path), postgres_end(url))
    if pair.startswith("PostgreSQL"):
        run(job)
        job = plan_job(postgres_end(url), sqlite_end(tmp_path / "target.db"))
    file = tmp_path / "job.pickle"
    file.write_bytes(pickle.dumps(job))
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(file)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 200
    if pair.startswith("PostgreSQL"):
        sql = "SELECT count(*), sum(length(v)) FROM t"
        assert sqlite_query(tmp_path / "target.db", sql) == [(2_000, 400_000_000)]


def test_one_failing_table_stops_the_others(make_database: Any) -> None:
    """Side by side, the first failure is the one that is told, and no other table is copied to its end first."""
    url, target = make_database(), make_database()
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("CREATE TABLE bad (id int PRIMARY KEY, v text); INSERT INTO bad VALUES (1, 'x')")
        server.execute("CREATE TABLE big (id int PRIMARY KEY); INSERT INTO big SELECT generate_series(1, 20000)")
        server.execute("ANALYZE")
    job = plan_job(postgres_end(url), postgres_end(target), options=PlanOptions(batch_size=10, parallelism=2))
    state = MigrationState()
    run_phase("schema_migration", job, state, Notes(), GoOn())
    with psycopg.connect(target, autocommit=True) as server:
        server.execute("ALTER TABLE bad DROP COLUMN v")
    with pytest.raises(ExecutionError, match="v") as caught:
        run_phase("data_transfer", job, state, Notes(), GoOn())
    assert caught.value.table == "public.bad"
    assert state.tables["public.big"].status != "completed"


def test_side_by_side_is_one_moment(make_database: Any) -> None:
    """Rows that come in while other tables are copied are in none of them."""
    url, target = make_database(), make_database()
    names = [f"t{n}" for n in range(6)]
    with psycopg.connect(url, autocommit=True) as server:
        for name in names:
            server.execute(
                f"CREATE TABLE {name} (id int PRIMARY KEY); INSERT INTO {name} SELECT generate_series(1, 500)"
            )
    job = plan_job(postgres_end(url), postgres_end(target), options=PlanOptions(batch_size=50, parallelism=3))
    state = MigrationState()
    run_phase("schema_migration", job, state, Notes(), GoOn())

    class Inserting(Notes):
        lock = threading.Lock()

        def log(self, level: str, message: str, **about: Any) -> None:
            super().log(level, message, **about)
            if message.startswith("copying"):
                with self.lock, psycopg.connect(url, autocommit=True) as other:
                    for name in names:
                        other.execute(f"INSERT INTO {name} SELECT max(id) + 1 FROM {name}")

    assert run_phase("data_transfer", job, state, Inserting(), GoOn()) is PhaseOutcome.COMPLETED
    with psycopg.connect(target) as server:
        for name in names:
            assert server.execute(f"SELECT count(*) FROM {name}").fetchone() == (500,)
