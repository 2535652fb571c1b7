"""A migration that is stopped, paused or killed anywhere goes on to the same end: every row once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sensei.server.engine.errors import EngineError
from sensei.server.engine.job import Job, MigrationState, PhaseOutcome, Wanted
from sensei.server.engine.plan import PlanOptions
from sensei.server.engine.runner import run_phase
from tests.engine.helpers import MOVING, GoOn, Notes, StopAt, make_sqlite, plan_job, postgres_end, sqlite_end
from tests.support.compare import differences, postgres_rows, sqlite_rows

SCRIPT = """
CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents (id), value REAL);
CREATE TABLE loose (value TEXT);
CREATE TABLE keyed (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE INDEX children_by_parent ON children (parent);
"""
COLUMNS = {
    "parents": ["id", "name"],
    "children": ["id", "parent", "value"],
    "loose": ["value"],
    "keyed": ["a", "b", "c"],
}
SMALL = PlanOptions(batch_size=7)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_sqlite(
        tmp_path / "source.db",
        SCRIPT,
        {
            "parents": [(n * 3, f"p{n}") for n in range(1, 21)],
            "children": [(n, (n % 20 + 1) * 3, n / 7) for n in range(1, 51)],
            "loose": [("same",)] * 10 + [(None,)] * 5 + [("other",)] * 4,
            "keyed": [(f"k{n % 5}", n, "x" * n) for n in range(23)],
        },
    )


def _ends(pair: str, source: Path, tmp_path: Path, make_database: Any) -> tuple[Any, Any, Any]:
    """(source, target, rows of a target table) for a pair of systems, the source filled."""
    start, _, end = pair.partition("→")
    ours: Any = sqlite_end(source)
    if start == "PostgreSQL":
        url = make_database()
        job = plan_job(ours, postgres_end(url))
        state = MigrationState()
        for phase in MOVING:
            run_phase(phase, job, state, Notes(), GoOn())
        ours = postgres_end(url)
    if end == "SQLite":
        target = tmp_path / "target.db"
        return ours, sqlite_end(target), lambda table: sqlite_rows(target, table, COLUMNS[table])
    target_url = make_database()
    return ours, postgres_end(target_url), lambda table: postgres_rows(target_url, "public", table, COLUMNS[table])


PAIRS = ("SQLite→PostgreSQL", "PostgreSQL→SQLite", "SQLite→SQLite", "PostgreSQL→PostgreSQL")


@pytest.mark.parametrize("wanted", [Wanted.PAUSE, Wanted.STOP])
@pytest.mark.parametrize("pair", PAIRS)
def test_stopped_at_every_question(pair: str, wanted: Wanted, source: Path, tmp_path: Path, make_database: Any) -> None:
    """Asked to stop at the first, second, … question and started again each time, with the state as it was stored."""
    ours, theirs, rows = _ends(pair, source, tmp_path, make_database)
    job = plan_job(ours, theirs, options=SMALL)
    state: dict[str, Any] = MigrationState().to_json()
    stops = 0
    for phase in MOVING:
        question = 1
        while True:
            notes = Notes()
            current = MigrationState.from_json(state)
            outcome = run_phase(phase, job, current, notes, StopAt(question, wanted))
            state = notes.checkpoints[-1][1]
            if outcome is PhaseOutcome.COMPLETED:
                break
            assert outcome is (PhaseOutcome.PAUSED if wanted is Wanted.PAUSE else PhaseOutcome.STOPPED)
            stops += 1
            # Two questions at a time: each round gets a little further than the last.
            question = 3 if question == 1 else question + 1
    assert stops > 10
    for table, columns in COLUMNS.items():
        assert differences(sqlite_rows(source, table, columns), rows(table)) == "", table


@pytest.mark.parametrize("pair", PAIRS)
def test_state_behind_the_target(pair: str, source: Path, tmp_path: Path, make_database: Any) -> None:
    """The stored state is lost again and again while the target keeps what it has: nothing is copied twice."""
    ours, theirs, rows = _ends(pair, source, tmp_path, make_database)
    job = plan_job(ours, theirs, options=SMALL)
    for phase in MOVING:
        question = 2
        while run_phase(phase, job, MigrationState(), Notes(), StopAt(question)) is not PhaseOutcome.COMPLETED:
            question += 2
    for table, columns in COLUMNS.items():
        assert differences(sqlite_rows(source, table, columns), rows(table)) == "", table


KILLED = """
import pickle, sys
from sensei.server.engine.job import MigrationState
from sensei.server.engine.runner import run_phase
from tests.engine.helpers import MOVING, GoOn, Notes
from sensei.server.engine.transfer import target as module

job, commits = pickle.load(open(sys.argv[1], "rb")), int(sys.argv[2])
done = 0
put = module.TargetDatabase.put

def dying(self, *what):
    global done
    done += 1
    if done == commits:
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    put(self, *what)

module.TargetDatabase.put = dying
state = MigrationState()
for phase in MOVING:
    run_phase(phase, job, state, Notes(), GoOn())
"""


@pytest.mark.parametrize("pair", ["SQLite→PostgreSQL", "PostgreSQL→SQLite"])
def test_killed_in_the_middle_of_a_transaction(pair: str, source: Path, tmp_path: Path, make_database: Any) -> None:
    """SIGKILL with rows written and not committed, at many places; a new process without any state finishes the job."""
    import pickle

    ours, theirs, rows = _ends(pair, source, tmp_path, make_database)
    job: Job = plan_job(ours, theirs, options=SMALL)
    file = tmp_path / "job.pickle"
    file.write_bytes(pickle.dumps(job))
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    kills = 0
    for commits in (1, 3, 4, 6, 5, 8, 7, 9, 12, 2, 100):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(file), str(commits)],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        kills += 1
    assert kills >= 5
    state = MigrationState()
    if done.returncode != 0:
        for phase in MOVING:
            assert run_phase(phase, job, state, Notes(), GoOn()) is PhaseOutcome.COMPLETED
    for table, columns in COLUMNS.items():
        assert differences(sqlite_rows(source, table, columns), rows(table)) == "", table


def test_nothing_of_ours_is_left(source: Path, tmp_path: Path, postgres_url: str) -> None:
    """The ledger is gone at the end, on either system."""
    target = tmp_path / "target.db"
    for end in (sqlite_end(target), postgres_end(postgres_url)):
        job = plan_job(sqlite_end(source), end)
        state = MigrationState()
        for phase in MOVING:
            run_phase(phase, job, state, Notes(), GoOn())
    connection = sqlite3.connect(target)
    names = {
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
    }
    connection.close()
    assert names == set(COLUMNS)
    import psycopg

    with psycopg.connect(postgres_url) as server:
        found = server.execute("SELECT relname FROM pg_class WHERE relname LIKE '%sensei%'").fetchall()
    assert found == []


def test_checkpoints_are_stored_on_the_way(tmp_path: Path) -> None:
    """Every 100,000 rows and at the end of each phase."""
    source = make_sqlite(
        tmp_path / "source.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)", {"t": [(n,) for n in range(250_000)]}
    )
    job = plan_job(sqlite_end(source), sqlite_end(tmp_path / "target.db"))
    notes = Notes()
    state = MigrationState()
    for phase in ("schema_migration", "data_transfer"):
        run_phase(phase, job, state, notes, GoOn())
    kinds = [kind for kind, _ in notes.checkpoints]
    assert kinds.count("automatic") == 2
    assert kinds.count("phase_boundary") == 2
    assert notes.checkpoints[-1][1]["tables"]["t"]["rows_done"] == 250_000


def test_a_lost_target_is_told(source: Path, tmp_path: Path) -> None:
    """A target whose folder went away fails the phase with a reason, and the state stays usable."""
    folder = tmp_path / "gone"
    folder.mkdir()
    job = plan_job(sqlite_end(source), sqlite_end(folder / "target.db"))
    folder.rmdir()
    with pytest.raises(EngineError, match="does not exist"):
        run_phase("schema_migration", job, MigrationState(), Notes(), GoOn())
