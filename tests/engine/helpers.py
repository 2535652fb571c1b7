"""Run the engine as its caller does, and keep what it tells."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sensei.server.engine.job import (
    DataErrorRecord,
    Endpoint,
    Job,
    MigrationState,
    PhaseOutcome,
    Progress,
    Selection,
    Wanted,
)
from sensei.server.engine.plan import DecidedMapping, Plan, PlanOptions
from sensei.server.engine.planner import make_plan
from sensei.server.engine.runner import run_phase

MOVING = ("schema_migration", "data_transfer", "cutover")


def sqlite_end(path: Path, **options: Any) -> Endpoint:
    return Endpoint(type="sqlite", config={"path": str(path)}, options=options)


def postgres_end(url: str, **options: Any) -> Endpoint:
    return Endpoint(type="postgresql", config={"connection_string": url}, options=options)


def mysql_end(url: str, **options: Any) -> Endpoint:
    return Endpoint(type="mysql", config={"connection_string": url}, options=options)


@dataclass
class Notes:
    """A journal that remembers."""

    logs: list[tuple[str, str]] = field(default_factory=list)
    progresses: list[Progress] = field(default_factory=list)
    errors: list[DataErrorRecord] = field(default_factory=list)
    checkpoints: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def log(self, level: str, message: str, **_: Any) -> None:
        self.logs.append((level, message))

    def progress(self, progress: Progress) -> None:
        self.progresses.append(progress)

    def data_error(self, record: DataErrorRecord) -> None:
        self.errors.append(record)

    def checkpoint(self, state: MigrationState, *, kind: str = "automatic", table: str | None = None) -> None:
        self.checkpoints.append((kind, state.to_json()))


class GoOn:
    """Never asks for a stop."""

    def wanted(self) -> Wanted:
        return Wanted.RUN


@dataclass
class StopAt:
    """Asks for a stop at the n-th question."""

    question: int
    what: Wanted = Wanted.PAUSE
    asked: int = 0

    def wanted(self) -> Wanted:
        self.asked += 1
        return self.what if self.asked >= self.question else Wanted.RUN


@dataclass
class Moved:
    """A migration that went through."""

    plan: Plan
    job: Job
    state: MigrationState
    notes: Notes


def plan_job(
    source: Endpoint,
    target: Endpoint,
    *,
    selection: Selection | None = None,
    schema: str | None = None,
    options: PlanOptions | None = None,
    decide: Callable[[DecidedMapping], DecidedMapping] = lambda mapping: mapping,
) -> Job:
    """A plan as it comes out of a review in which `decide` decides."""
    options = options or PlanOptions()
    plan = make_plan(source, target, selection or Selection(), schema, options)
    mappings = tuple(
        decide(DecidedMapping(source=m.source, target=m.target, transformation=m.transformation)) for m in plan.mappings
    )
    return Job(migration_id="mig_test", source=source, target=target, plan=plan, mappings=mappings, options=options)


def run(job: Job, *, phases: tuple[str, ...] = MOVING, state: MigrationState | None = None) -> Moved:
    """Run phases of a job to their end."""
    state = state or MigrationState()
    notes = Notes()
    for phase in phases:
        assert run_phase(phase, job, state, notes, GoOn()) is PhaseOutcome.COMPLETED
    return Moved(job.plan, job, state, notes)


def move(source: Endpoint, target: Endpoint, **wishes: Any) -> Moved:
    """Plan and run."""
    return run(plan_job(source, target, **wishes))


def make_sqlite(path: Path, script: str, rows: dict[str, list[tuple[Any, ...]]] | None = None) -> Path:
    """A SQLite file with some tables and rows."""
    connection = sqlite3.connect(path)
    try:
        connection.executescript(script)
        for table, values in (rows or {}).items():
            marks = ", ".join("?" for _ in values[0])
            connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', values)
        connection.commit()
    finally:
        connection.close()
    return path


def sqlite_query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()
