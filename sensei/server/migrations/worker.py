"""Work on one migration: plans it, carries its phases out, undoes it. Always from what the store says.

A worker may die at any moment. Whoever takes the lease over runs this again: the status tells what is to be done,
the stored state where to go on.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from sensei.server.engine.errors import ConnectorUnavailableError, EndpointError, EngineError
from sensei.server.engine.job import MigrationState, PhaseOutcome
from sensei.server.engine.wording import counted
from sensei.server.migrations import engine_jobs, lifecycle, planning, record_retries, rollbacks
from sensei.server.migrations.control import RowControl
from sensei.server.migrations.failures import Failure, blame, explain
from sensei.server.migrations.journal import StoreJournal, add_checkpoint
from sensei.server.migrations.lease import LeaseHolder, LeaseLostError, lock_owned
from sensei.server.migrations.state_machine import PHASES
from sensei.server.runtime import Runtime
from sensei.server.store.durability import OutcomeUnknownError
from sensei.server.store.migration_tables import Migration
from sensei.server.store.validation_tables import Validation
from sensei.server.validations import runs

if TYPE_CHECKING:
    from sensei.server.engine.job import Job

log: logging.Logger = logging.getLogger("sensei.server")

_LOOK_EVERY_SECONDS = 0.2


class Worker:
    """Works on one migration until it needs nobody any more, the server stops, or the lease is lost."""

    def __init__(self, runtime: Runtime, holder: LeaseHolder) -> None:
        self._runtime = runtime
        self._holder = holder

    def run(self) -> None:
        """Do what is to be done, status by status."""
        steps = {
            "pending": self._plan,
            "planning": self._plan,
            "running": self._execute,
            "validating": self._execute,
            "pausing": self._pause,
            "cancelling": self._cancel,
            "rolling_back": self._roll_back,
        }
        try:
            while not self._runtime.is_stopping:
                step = steps.get(self._status())
                if step is None:
                    return
                try:
                    step()
                except (LeaseLostError, OutcomeUnknownError):
                    # A disk that refuses is no fault of the migration, which goes on after the next start.
                    raise
                except Exception as error:
                    self._fail(explain(error))
        except LeaseLostError:
            log.warning("the work on %s was taken over by another process", self._holder.migration_id)

    def _plan(self) -> None:
        from sensei.server.engine.planner import make_plan

        now = self._now()
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            if row.status == "pending":
                lifecycle.move(session, row, "planning", now, "Planning has begun")
            if row.status != "planning":
                return
            lifecycle.begin_phase(session, row, "planning", now, "Reading both ends")
            source = engine_jobs.endpoint_of(self._runtime.store, session, row, "source")
            target = engine_jobs.endpoint_of(self._runtime.store, session, row, "target")
            selection, options = engine_jobs.selection_of(row), engine_jobs.plan_options_of(row)
            target_schema = row.target.get("schema")
        self._notify()
        try:
            plan = make_plan(source, target, selection, target_schema, options)
        except EndpointError as error:
            self._fail(blame(error, source, "plan_failed"))
            return
        except EngineError as error:
            code = "connector_unavailable" if isinstance(error, ConnectorUnavailableError) else "plan_failed"
            self._fail(Failure(code, error.message, error.reason_code))
            return
        limit = self._runtime.settings.quotas.tables_per_migration
        if limit is not None and len(plan.tables) > limit:
            text = f"{counted(len(plan.tables), 'table', 'tables')} selected; the plan allows {limit} per migration."
            self._fail(Failure("quota_exceeded", text, "E6005"))
            return
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            # It may have been cancelled meanwhile; the plan is not wanted then.
            if row.status == "planning":
                planning.store_plan(session, row, plan, self._now())
        self._notify()

    def _execute(self) -> None:
        with self._runtime.store.write() as session:
            record_retries.reopen(session, lock_owned(session, self._holder))
        for phase in PHASES[1:]:
            job = self._enter(phase)
            if job is None:
                continue
            if self._status() not in ("running", "validating"):
                return
            try:
                done = self._validate(job) if phase == "validation" else self._carry_out(phase, job)
            except EndpointError as error:
                self._unreachable(blame(error, job.source, "target_unreachable"))
                return
            if not done:
                return

    def _enter(self, phase: str) -> Job | None:
        """Begin a phase, or go on with it; None when there is nothing to do in it."""
        now = self._now()
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            if row.status not in ("running", "validating"):
                return None
            if row.phases.get(phase, {}).get("status") in ("completed", "skipped"):
                return None
            row.phase = phase
            if phase == "validation" and row.status == "running":
                lifecycle.move(session, row, "validating", now, "Validation begins")
            elif phase != "validation" and row.status == "validating":
                lifecycle.move(session, row, "running", now, "Validation is through; the target is finished")
            lifecycle.begin_phase(session, row, phase, now, _BEGINNINGS[phase])
            job = engine_jobs.load_job(self._runtime.store, session, row)
        self._notify()
        return job

    def _carry_out(self, phase: str, job: Job) -> bool:
        """Run a phase of the engine; whether the next one may follow."""
        state = self._state()
        outcome = self._transfer(state) if phase == "data_transfer" else self._run(job, state, phase)
        if outcome is not PhaseOutcome.COMPLETED:
            if outcome is PhaseOutcome.PAUSED:
                self._keep(state)
            return False
        now = self._now()
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            row.state = state.to_json()
            if phase == "data_transfer":
                record_retries.reconcile(session, row, now)
            lifecycle.complete_phase(session, row, phase, now, _ENDINGS[phase])
            add_checkpoint(session, row, "phase_boundary", now)
            going_on = row.status == "running"
            if going_on and phase == PHASES[-1] and record_retries.reopen(session, row):
                going_on = False
            elif going_on and phase == PHASES[-1]:
                lifecycle.move(session, row, "completed", now, "All phases done")
                going_on = False
        self._notify()
        return going_on

    def _run(
        self, job: Job, state: MigrationState, *phases: str, taken_back: frozenset[str] = frozenset()
    ) -> PhaseOutcome:
        """Let the engine run phases, one after the other; before, let it take tables back."""
        from sensei.server.engine.rollback import roll_back
        from sensei.server.engine.runner import run_phase

        journal = StoreJournal(self._runtime, self._holder)
        control = RowControl(self._runtime, self._holder, journal)
        try:
            if taken_back:
                roll_back(job, state, journal, tables=taken_back)
            for phase in phases:
                outcome = run_phase(phase, job, state, journal, control)
                if outcome is not PhaseOutcome.COMPLETED:
                    return outcome
        except EngineError:
            # How far it came is shown, though the target itself knows better where to go on.
            self._keep(state)
            raise
        finally:
            journal.close()
        return PhaseOutcome.COMPLETED

    def _transfer(self, state: MigrationState) -> PhaseOutcome:
        """Copy the rows; tables whose errors are to be retried are taken back and copied anew."""
        while True:
            began = self._now()
            with self._runtime.store.read() as session:
                row = session.get_one(Migration, self._holder.migration_id)
                queued = record_retries.queued(session, row.id)
                # Loaded anew: a resolution may have changed a mapping.
                job = engine_jobs.load_job(self._runtime.store, session, row)
            known = frozenset(queued) & state.tables.keys()
            phases = ("schema_migration", "data_transfer") if known else ("data_transfer",)
            outcome = self._run(job, state, *phases, taken_back=known)
            if outcome is not PhaseOutcome.COMPLETED or not queued:
                return outcome
            with self._runtime.store.write() as session:
                row = lock_owned(session, self._holder)
                row.state = state.to_json()
                record_retries.settle(session, row, queued, began, self._now())
            self._notify()

    def _validate(self, job: Job) -> bool:
        validation_id, skipped = self._begin_validation()
        journal = StoreJournal(self._runtime, self._holder)
        control = RowControl(self._runtime, self._holder, journal)
        try:
            result = runs.run_validation(
                self._runtime,
                validation_id,
                lambda: runs.ValidationWork(job=job, before_cutover=True, skipped_rows=skipped),
                journal=journal,
                control=control,
            )
        finally:
            journal.close()
        if result.status == "running":
            return False
        now = self._now()
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            if row.status != "validating":
                return False
            if result.status != "completed":
                error = result.error or {}
                text = error.get("message", f"The validation was {result.status}.")
                lifecycle.fail(
                    session, row, now, "validation_failed", text, reason_code=error.get("reason_code", "E4008")
                )
            elif result.overall_result == "failed":
                text = "The validation found critical differences between source and target."
                details = {"validation_id": result.id}
                lifecycle.fail(session, row, now, "validation_failed", text, reason_code="E4008", details=details)
            else:
                lifecycle.complete_phase(session, row, "validation", now, f"Validation {result.overall_result}")
                add_checkpoint(session, row, "phase_boundary", now)
            passed = row.status == "validating" and not record_retries.reopen(session, row)
        self._notify()
        return passed

    def _begin_validation(self) -> tuple[str, dict[str, int]]:
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            skipped = rollbacks.skipped_rows(session, row.id)
            known = session.get(Validation, row.validation_id) if row.validation_id else None
            if known is None or known.status not in runs.UNFINISHED:
                known = runs.create(
                    session,
                    organization_id=row.organization_id,
                    environment=row.environment,
                    migration_id=row.id,
                    type=engine_jobs.effective_options(row)["validation_type"],
                    in_phase=True,
                    now=self._now(),
                )
                row.validation_id = known.id
            return known.id, skipped

    def _pause(self) -> None:
        now = self._now()
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            if row.status != "pausing":
                return
            row.wanted = "run"
            add_checkpoint(session, row, "automatic", now, reason=row.reason)
            lifecycle.move(session, row, "paused", now, "Paused at a checkpoint", reason=row.reason)
        self._notify()

    def _unreachable(self, failure: Failure) -> None:
        """An end stays unreachable after all reconnects: what runs is paused, what validates fails."""
        now = self._now()
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            if row.status == "running":
                row.reason = failure.message
                lifecycle.move(session, row, "pausing", now, failure.message, reason=failure.code)
            elif row.status == "validating":
                lifecycle.fail(session, row, now, failure.code, failure.message, reason_code=failure.reason_code)
        self._notify()

    def _cancel(self) -> None:
        with self._runtime.store.read() as session:
            row = session.get_one(Migration, self._holder.migration_id)
            wants_rollback = row.cancel_rollback
        if wants_rollback and not rollbacks.undo(self._runtime, self._holder, tables=None):
            return
        now = self._now()
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            if row.status == "cancelling":
                lifecycle.move(session, row, "cancelled", now, "Cancelled", reason=row.reason)
        self._notify()

    def _roll_back(self) -> None:
        rollbacks.carry_out(self._runtime, self._holder)
        self._notify()

    def _keep(self, state: MigrationState) -> None:
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            row.state = state.to_json()

    def _fail(self, failure: Failure) -> None:
        now = self._now()
        with self._runtime.store.write() as session:
            row = lock_owned(session, self._holder)
            if row.status == "pending":
                lifecycle.move(session, row, "planning", now, "Planning has begun")
            if row.status in ("cancelling", "rolling_back"):
                rollbacks.note_failure(session, row, failure.message, failure.reason_code, now)
            elif row.status == "pausing":
                # A pause cannot fail by the table; what went wrong meets the next attempt to run as well.
                row.reason = failure.message
                lifecycle.move(session, row, "paused", now, failure.message)
            elif row.status in ("planning", "running", "validating"):
                lifecycle.fail(session, row, now, failure.code, failure.message, reason_code=failure.reason_code)
        self._notify()

    def _state(self) -> MigrationState:
        with self._runtime.store.read() as session:
            return MigrationState.from_json(session.get_one(Migration, self._holder.migration_id).state or {})

    def _status(self) -> str:
        with self._runtime.store.read() as session:
            row = session.get(Migration, self._holder.migration_id)
        if row is None or row.owner != self._holder.owner:
            raise LeaseLostError
        return row.status

    def _now(self) -> datetime:
        return self._runtime.settings.clock.now()

    def _notify(self) -> None:
        self._runtime.hub.notify(self._holder.migration_id)


_BEGINNINGS = {
    "schema_migration": "Creating the tables",
    "data_transfer": "Copying the rows",
    "validation": "Comparing both sides",
    "cutover": "Finishing indexes, constraints and sequences",
}
_ENDINGS = {
    "schema_migration": "The tables are there",
    "data_transfer": "All rows are copied",
    "cutover": "Indexes, constraints and sequences are done",
}
