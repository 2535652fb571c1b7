"""Run a validation: open both ends, hold each at one moment, and look at them from every side that is asked for."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Self

from sensei.server.engine.catalog import Catalog
from sensei.server.engine.connectors import Connector, open_connector
from sensei.server.engine.job import Control, Journal, Progress
from sensei.server.engine.serde import catalog_to_json
from sensei.server.engine.validation import behavioral, referential, scoring, semantic, statistical, structural
from sensei.server.engine.validation.carried import without_left_out_rows
from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.pairs import TablePair, table_pairs, with_respelled_columns
from sensei.server.engine.validation.readable import probe
from sensei.server.engine.validation.types import (
    PERSPECTIVES,
    Artifact,
    ColumnProfile,
    Issue,
    PerspectiveResult,
    RuleResult,
    ValidationJob,
    ValidationOutcome,
    ValidationStopped,
)

_SECONDS_BETWEEN_WORDS = 0.25
_WEIGHTS = {"structural": 1, "statistical": 32, "referential": 3, "semantic": 12, "behavioral": 52}
"""Roughly what each perspective takes of the time of all five."""


def run(
    validation: ValidationJob,
    journal: Journal,
    control: Control,
    at_perspective: Callable[[str, Sequence[PerspectiveResult]], None] | None = None,
) -> ValidationOutcome:
    """What `sensei.server.engine.validation.validate` says."""
    with ExitStack() as stack:
        source = stack.enter_context(_Held(open_connector(validation.job.source)))
        target = stack.enter_context(_Held(open_connector(validation.job.target)))
        held = {"source": source, "target": target}
        collected = _Run(validation, journal, at_perspective or (lambda _name, _done: None))
        context = Context(
            validation=validation,
            source=source.connector,
            target=target.connector,
            pairs=(),
            control=control,
            tell=collected.tell,
            renew=lambda side: held[side].renew(),
        )
        context.go_on()
        pairs = table_pairs(validation.job, source.connector, target.connector)
        context = dataclasses.replace(context, pairs=tuple(_carried(pair, context) for pair in pairs))
        snapshot = _digest_of_structures(validation.job.plan.source, structural.target_catalog(context))
        try:
            for name in PERSPECTIVES:
                if name in validation.perspectives:
                    collected.look(name, context)
        except ValidationStopped as stopped:
            stopped.finished = collected.finished
            raise
        return collected.outcome(snapshot)


class _Held:
    """A connector inside a snapshot that can be begun anew, since a failed query may end it."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self._snapshot: AbstractContextManager[None] | None = None

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.connector.close()
            raise
        return self

    def _begin(self) -> None:
        snapshot = self.connector.snapshot()
        snapshot.__enter__()
        self._snapshot = snapshot

    def _end(self) -> None:
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            snapshot.__exit__(None, None, None)

    def renew(self) -> None:
        self._end()
        self._begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end()
        finally:
            self.connector.close()


class _Run:
    """Collects what the perspectives give."""

    def __init__(
        self,
        validation: ValidationJob,
        journal: Journal,
        at_perspective: Callable[[str, Sequence[PerspectiveResult]], None],
    ) -> None:
        self._validation = validation
        self._journal = journal
        self._at_perspective = at_perspective
        self._told_at = 0.0
        self._name = ""
        self._done: list[PerspectiveResult] = []
        self._profiles: tuple[ColumnProfile, ...] = ()
        self._rules: tuple[RuleResult, ...] = ()
        self._artifacts: tuple[Artifact, ...] = ()
        self._findings: dict[str, int] = dict.fromkeys(("pass", "info", "warning", "failure"), 0)

    @property
    def finished(self) -> tuple[PerspectiveResult, ...]:
        return tuple(self._done)

    def tell(self, message: str, share: float) -> None:
        now = time.monotonic()
        if share and now < self._told_at + _SECONDS_BETWEEN_WORDS:
            return
        self._told_at = now
        done = sum(_WEIGHTS[result.name] for result in self._done)
        whole = sum(_WEIGHTS[name] for name in self._validation.perspectives)
        percent = 100 * (done + min(1.0, share) * _WEIGHTS.get(self._name, 0)) / whole
        self._journal.progress(
            Progress(phase="validation", phase_percent=round(min(100.0, percent), 1), message=message)
        )

    def look(self, name: str, context: Context) -> None:
        self._name = name
        self.tell(f"the {name} perspective", 0.0)
        self._at_perspective(name, self._done)
        looks: dict[str, Callable[[Context], PerspectiveResult]] = {
            "structural": structural.check,
            "statistical": self._statistical,
            "referential": referential.check,
            "semantic": self._semantic,
            "behavioral": self._behavioral,
        }
        result = looks[name](context)
        self._done.append(result)
        self._journal.log(
            "info" if result.status == "passed" else "warning",
            f"The {name} perspective: {result.status}, score {result.score:g}, {len(result.issues)} issues.",
            phase="validation",
            component="validator",
        )

    def _statistical(self, context: Context) -> PerspectiveResult:
        result, self._profiles = statistical.check(context)
        return result

    def _semantic(self, context: Context) -> PerspectiveResult:
        result, self._rules = semantic.check(context)
        return result

    def _behavioral(self, context: Context) -> PerspectiveResult:
        replay = behavioral.check(context)
        self._artifacts, self._findings = replay.artifacts, replay.findings
        return replay.result

    def outcome(self, snapshot: Artifact) -> ValidationOutcome:
        self.tell("done", 0.0)
        return ValidationOutcome(
            overall_result=scoring.overall_result(self._done),
            confidence_score=scoring.confidence(self._done),
            perspectives=tuple(self._done),
            rules=self._rules,
            profiles=self._profiles,
            artifacts=(snapshot, *self._artifacts),
            findings=self._findings,
            exceptions=tuple(
                _exception(issue) for result in self._done for issue in result.issues if _is_accepted(issue)
            ),
        )


def _carried(pair: TablePair, context: Context) -> TablePair:
    context.go_on()
    pair = probe(context, pair)
    if pair.unreadable is not None:
        return pair
    pair = with_respelled_columns(pair, context.source)
    carried = without_left_out_rows(pair, context.source, context.target, context.left_out(pair))
    if not context.validation.job.options.append_to_existing:
        return carried
    here, there = (
        connector.scalar(f"SELECT count(*) FROM {name}")
        for connector, name in ((context.source, carried.source_name), (context.target, carried.target_name))
    )
    # Rows that were there before answer queries too.
    return dataclasses.replace(carried, comparable=carried.comparable and here == there)


def _digest_of_structures(source: Catalog, target: Catalog) -> Artifact:
    """What both databases looked like, times and counts aside, so that the same structure has the same digest."""

    def stable(catalog: Catalog) -> object:
        tables = (dataclasses.replace(table, row_estimate=None, size_bytes=None) for table in catalog.tables)
        data = catalog_to_json(dataclasses.replace(catalog, tables=tuple(tables)))
        del data["captured_at"]
        return data

    written = json.dumps([stable(source), stable(target)], sort_keys=True, separators=(",", ":"))
    return Artifact(name="schema_snapshot", digest="sha256:" + hashlib.sha256(written.encode()).hexdigest())


def _is_accepted(issue: Issue) -> bool:
    return issue.severity == "warning" and issue.classification == "acceptable_variance"


def _exception(issue: Issue) -> dict[str, str]:
    exception = {"description": issue.message, "severity": issue.severity}
    if issue.affected_records is not None:
        exception["magnitude"] = f"{issue.affected_records} records"
    return exception
