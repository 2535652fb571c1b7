"""An engine that does as a test says: it stands in for databases where the subject is the server around it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from sensei.server.engine.catalog import Catalog, Column, ForeignKey, Table
from sensei.server.engine.job import (
    Control,
    DataErrorRecord,
    Endpoint,
    Job,
    Journal,
    MigrationState,
    PhaseOutcome,
    Progress,
    Selection,
    TableProgress,
    TestOutcome,
    Wanted,
)
from sensei.server.engine.plan import ColumnRef, MappingProposal, PhasePlan, Plan, PlanOptions, Risk, TablePlan
from sensei.server.engine.rollback import RollbackReport
from sensei.server.engine.validation.types import PerspectiveResult, ValidationJob, ValidationOutcome

BATCH = 100


@dataclass
class ScriptedEngine:
    """What the stand-in does. `go_on` lets phases that wait in `hold_in` continue."""

    confidences: tuple[float, ...] = (0.99, 0.97)
    batches: int = 3
    hold_in: set[str] = field(default_factory=set)
    go_on: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    """Set when a phase named in `hold_in` has begun."""
    failures: dict[str, Exception] = field(default_factory=dict)
    """What a phase (or ``rollback``, ``source``, ``target``) raises."""
    errors: tuple[DataErrorRecord, ...] = ()
    result: str = "passed"
    phases_run: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    rollbacks: list[frozenset[str] | None] = field(default_factory=list)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Take the place of the engine."""
        patch.setattr("sensei.server.engine.planner.make_plan", self.make_plan)
        patch.setattr("sensei.server.engine.runner.run_phase", self.run_phase)
        patch.setattr("sensei.server.engine.rollback.roll_back", self.roll_back)
        patch.setattr("sensei.server.engine.validation.validate", self.validate, raising=False)
        patch.setattr("sensei.server.engine.expressions.check_expression", lambda *_: None)
        patch.setattr("sensei.server.connections.gateway.test", self.test)
        patch.setattr("sensei.server.connections.gateway.reach", self.reach)

    def test(self, where: Endpoint, role: str) -> TestOutcome:
        return TestOutcome(status="success", latency_ms=1.0, server_version="3", table_count=1)

    def reach(self, where: Endpoint) -> None:
        for side in ("source", "target"):
            if side in self.failures and where.config.get("path", "").endswith(f"{side}.db"):
                raise self.failures[side]

    def make_plan(
        self, source: Endpoint, target: Endpoint, selection: Selection, target_schema: str | None, options: PlanOptions
    ) -> Plan:
        self._arrive("planning", None)
        columns = tuple(Column(name=f"c{n}", type="INTEGER", position=n + 1) for n in range(len(self.confidences)))
        table = Table(schema=None, name="items", columns=columns, primary_key=("c0",))
        child = Table(
            schema=None,
            name="notes",
            columns=(Column(name="item", type="INTEGER"),),
            foreign_keys=(
                ForeignKey(
                    columns=("item",), referenced_schema=None, referenced_table="items", referenced_columns=("c0",)
                ),
            ),
        )
        catalog = Catalog(system="sqlite", server_version="3", captured_at=datetime.now(UTC), tables=(table, child))
        return Plan(
            source=catalog,
            target_system="sqlite",
            target_schema=None,
            tables=(
                TablePlan(source=table, target=table, estimated_rows=self.batches * BATCH),
                TablePlan(source=child, target=child, estimated_rows=0),
            ),
            mappings=tuple(
                MappingProposal(
                    source=ColumnRef(schema=None, table="items", column=f"c{n}", type="INTEGER"),
                    target=ColumnRef(schema=None, table="items", column=f"c{n}", type="INTEGER"),
                    transformation=None,
                    transformation_type="identity",
                    confidence=confidence,
                    reasoning="same name and type",
                    type_compatible=True,
                    has_data_loss_risk=False,
                    is_pii=False,
                )
                for n, confidence in enumerate(self.confidences)
            ),
            risks=(Risk(severity="low", type="performance", description="none to speak of", mitigation="none"),),
            phases=(PhasePlan(name="schema_migration", order=1, tables=("items",)),),
            relationships=1,
            generated_at=datetime.now(UTC),
            estimated_records=self.batches * BATCH,
            estimated_duration_seconds=1.0,
        )

    def run_phase(
        self, phase: str, job: Job, state: MigrationState, journal: Journal, control: Control
    ) -> PhaseOutcome:
        self.phases_run.append(phase)
        self.jobs.append(job)
        journal.log("info", f"{phase} begins", phase=phase)
        if phase != "data_transfer":
            outcome = self._arrive(phase, control)
            if outcome is not None:
                return outcome
            if phase == "schema_migration":
                state.created_tables[:] = ["items", "notes"]
            return PhaseOutcome.COMPLETED
        table = state.tables.setdefault("items", TableProgress(rows_total=self.batches * BATCH))
        for record in self.errors:
            journal.data_error(record)
        while table.rows_done < self.batches * BATCH:
            outcome = self._arrive(phase, control)
            if outcome is not None:
                journal.checkpoint(state, table="items")
                return outcome
            table.rows_done += BATCH
            table.status = "running"
            journal.progress(
                Progress(
                    phase=phase,
                    phase_percent=100 * table.rows_done / (self.batches * BATCH),
                    records_processed=table.rows_done,
                    records_total=self.batches * BATCH,
                    bytes_processed=table.rows_done * 8,
                    records_per_second=1000.0,
                    table="items",
                    message="copying items",
                )
            )
            journal.checkpoint(state, table="items")
        table.status = "completed"
        return PhaseOutcome.COMPLETED

    def roll_back(
        self,
        job: Job,
        state: MigrationState,
        journal: Journal,
        *,
        tables: frozenset[str] | None = None,
        restore: bool = False,
        verify: bool = False,
    ) -> RollbackReport:
        self.rollbacks.append(tables)
        if "rollback" in self.failures:
            raise self.failures["rollback"]
        self._arrive("rollback", None)
        for name in list(state.tables):
            if tables is None or name in tables:
                del state.tables[name]
        if tables is None:
            state.created_tables.clear()
        return RollbackReport(dropped_tables=("items",), removed_rows=self.batches * BATCH, kept=("nothing",))

    def validate(
        self,
        job: ValidationJob,
        journal: Journal,
        control: Control,
        at_perspective: Callable[[str, Sequence[PerspectiveResult]], None],
    ) -> ValidationOutcome | None:
        at_perspective(job.perspectives[0], ())
        if self._arrive("validation", control) is not None:
            return None
        return ValidationOutcome(
            overall_result=self.result,
            confidence_score=1.0,
            perspectives=tuple(
                PerspectiveResult(
                    name=name,
                    status="passed",
                    score=1.0,
                    issues=(),
                    duration_seconds=0.1,
                    figures={"tables_checked": 1},
                )
                for name in job.perspectives
            ),
            rules=(),
            profiles=(),
            artifacts=(),
            findings={"pass": 1, "info": 0, "warning": 0, "failure": 0},
        )

    def _arrive(self, phase: str, control: Control | None) -> PhaseOutcome | None:
        """Fail if told to; wait if told to, until let go or until something else is wanted."""
        if phase in self.failures:
            raise self.failures[phase]
        if phase in self.hold_in:
            self.arrived.set()
            while not self.go_on.wait(0.02):
                if control is not None and control.wanted() is not Wanted.RUN:
                    break
        if control is None:
            return None
        return {Wanted.RUN: None, Wanted.PAUSE: PhaseOutcome.PAUSED, Wanted.STOP: PhaseOutcome.STOPPED}[
            control.wanted()
        ]


def error_record(**members: Any) -> DataErrorRecord:
    """A data error as an engine reports it."""
    given: dict[str, Any] = {
        "type": "null_constraint_violation",
        "status": "escalated",
        "message": "3 rows have no name",
        "reason_code": "E3002",
        "phase": "data_transfer",
        "table": "items",
        "column": "c1",
        "affected_records": 3,
        "sample": ({"c0": 7},),
        **members,
    }
    return DataErrorRecord(**given)
