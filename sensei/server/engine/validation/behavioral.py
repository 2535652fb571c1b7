"""Do questions get the same answers? A corpus of queries, replayed on both sides."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sensei.server.engine.errors import EngineError
from sensei.server.engine.validation.cells import shortened
from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.corpus import Query, Sample, round_queries
from sensei.server.engine.validation.forms import normalizer, settled
from sensei.server.engine.validation.kinds import Kind
from sensei.server.engine.validation.readable import readable
from sensei.server.engine.validation.referential import relations
from sensei.server.engine.validation.scoring import Findings
from sensei.server.engine.validation.types import Artifact, PerspectiveResult

_FLOAT = 1e-6
_FLOAT_RELATIVE = 1e-9
_MOMENT = timedelta(milliseconds=1)
_DECISION = 0.001
"""Numbers closer than this, relatively, are taken to lead to the same decision."""
_SHOWN = 5
_ROWS_ASKED = 10_000

Answer = list[tuple[Any, ...]] | str
"""The rows, or why there are none."""

EXACT, SEMANTIC, BUSINESS, MISMATCH = "exact", "semantic", "business", "mismatch"
_OUTCOMES = {"pass": EXACT, "info": SEMANTIC, "warning": BUSINESS, "failure": MISMATCH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What replaying gave, beside the perspective's result."""

    result: PerspectiveResult
    artifacts: tuple[Artifact, ...]
    """query_corpus, source_results, target_results, comparison."""
    findings: dict[str, int]
    """Comparisons by outcome: pass, info, warning, failure."""


@dataclass(slots=True)
class _Digests:
    corpus: Any = field(default_factory=hashlib.sha256)
    source: Any = field(default_factory=hashlib.sha256)
    target: Any = field(default_factory=hashlib.sha256)
    comparison: Any = field(default_factory=hashlib.sha256)

    def artifacts(self) -> tuple[Artifact, ...]:
        """All of them, in leaf order."""
        return tuple(
            Artifact(name=name, digest="sha256:" + digest.hexdigest())
            for name, digest in (
                ("query_corpus", self.corpus),
                ("source_results", self.source),
                ("target_results", self.target),
                ("comparison", self.comparison),
            )
        )


@dataclass(slots=True)
class _Failures:
    """Queries of one table and shape that were not answered alike."""

    count: int = 0
    shown: list[dict[str, object]] = field(default_factory=list[dict[str, object]])


def check(context: Context) -> Replay:
    """Replay all rounds."""
    findings = Findings("behavioral")
    digests = _Digests()
    levels: Counter[str] = Counter()
    failures: dict[tuple[str, str, str], _Failures] = {}
    known = relations(context.pairs)
    samples: dict[str, Sample] = {}
    rounds = context.validation.time_travel_checkpoints
    tables = {pair.label: pair for pair in context.pairs}
    # Each database answers in its own time; the two never need to wait for each other.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sensei-replay") as beside:
        for number in range(rounds):
            for query in round_queries(context, number, known, samples):
                context.tell(
                    f"replaying queries on {query.pair.label}, round {number + 1} of {rounds}", number / rounds
                )
                context.go_on()
                level = _replay(context, query, beside, digests, failures)
                levels[level] += 1
                if level in (EXACT, SEMANTIC):
                    findings.passed()
    for (label, shape, level), failure in failures.items():
        findings.found(
            "E4009",
            f"{failure.count:,} {shape} quer{'y' if failure.count == 1 else 'ies'} on {label} "
            + ("gave other numbers, though close" if level == BUSINESS else "gave another answer"),
            severity="warning" if level == BUSINESS else "error",
            table=tables[label].target,
            expected=0,
            actual=failure.count,
            details={"queries": failure.shown},
        )
        findings.passed(failure.count - 1)
    for pair in readable(context, findings):
        if not pair.comparable:
            findings.found(
                "E4009",
                f"no queries were replayed on {pair.label}: it cannot be told which rows were left out",
                severity="info",
                table=pair.target,
                classification="acceptable_variance",
            )
    figures = {
        "checkpoints_replayed": rounds,
        "queries_replayed": levels.total(),
        "exact_matches": levels[EXACT],
        "semantic_matches": levels[SEMANTIC],
        "business_matches": levels[BUSINESS],
        "mismatches": levels[MISMATCH],
    }
    return Replay(
        result=findings.result(figures),
        artifacts=digests.artifacts(),
        findings={outcome: levels[level] for outcome, level in _OUTCOMES.items()},
    )


def _replay(
    context: Context,
    query: Query,
    beside: ThreadPoolExecutor,
    digests: _Digests,
    failures: dict[tuple[str, str, str], _Failures],
) -> str:
    asked = beside.submit(_ask, context, "target", query.target_sql)
    try:
        source = _ask(context, "source", query.source_sql)
    finally:
        target = asked.result()
    digests.corpus.update(_line(query.source_sql, query.target_sql))
    digests.source.update(_answer_line(source, query.kinds))
    digests.target.update(_answer_line(target, query.kinds))
    level = _compare(source, target, query.kinds)
    digests.comparison.update(_line(query.shape, query.pair.label, level))
    if level in (BUSINESS, MISMATCH):
        failure = failures.setdefault((query.pair.label, query.shape, level), _Failures())
        failure.count += 1
        if len(failure.shown) < _SHOWN:
            failure.shown.append({"query": query.target_sql, "source": _shown(source), "target": _shown(target)})
    return level


def _ask(context: Context, side: str, sql: str) -> Answer:
    try:
        return [row for rows in context.side(side).stream(sql, _ROWS_ASKED) for row in rows]
    except EngineError as error:
        context.renew(side)
        return error.message


def _line(*parts: str) -> bytes:
    return ("\x1f".join(parts) + "\n").encode("utf-8", "surrogatepass")


def _answer_line(answer: Answer, kinds: Sequence[Kind]) -> bytes:
    if isinstance(answer, str):
        return _line("cannot be answered")
    normal = _normal(answer, kinds)
    return _line(repr([tuple(map(settled, row)) for row in normal]))


def _normal(rows: list[tuple[Any, ...]], kinds: Sequence[Kind]) -> list[tuple[Any, ...]]:
    functions = [normalizer(kind) for kind in kinds]
    return [tuple(f(value) for f, value in zip(functions, row, strict=True)) for row in rows]


def _compare(source: Answer, target: Answer, kinds: Sequence[Kind]) -> str:
    if isinstance(source, str) or isinstance(target, str):
        # What neither side can answer is no question; it would have been the maker's mistake and must be seen.
        return MISMATCH
    if source == target:
        return EXACT
    first, second = _normal(source, kinds), _normal(target, kinds)
    if len(first) != len(second):
        return MISMATCH
    cells = [pair for a, b in zip(first, second, strict=True) for pair in zip(a, b, strict=True)]
    if all(_close(a, b, _FLOAT) for a, b in cells):
        return SEMANTIC
    if all(_close(a, b, _FLOAT) or _same_decision(a, b) for a, b in cells):
        return BUSINESS
    return MISMATCH


def _close(first: object, second: object, tolerance: float) -> bool:
    """Whether two values are equal within the contract's tolerances."""
    if first == second:
        return True
    if _is_number(first) and _is_number(second):
        a, b = float(first), float(second)  # type: ignore[arg-type]
        return math.isclose(a, b, rel_tol=_FLOAT_RELATIVE, abs_tol=tolerance) and not (
            isinstance(first, int) and isinstance(second, int)
        )
    if isinstance(first, datetime) and isinstance(second, datetime):
        try:
            return abs(first - second) < _MOMENT
        except TypeError:
            return False
    return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _same_decision(first: object, second: object) -> bool:
    """Whether two calculated numbers are so close that whoever asked would do the same; counts and keys never are."""
    if not isinstance(first, float | Decimal) or not isinstance(second, float | Decimal):
        return False
    return math.isclose(float(first), float(second), rel_tol=_DECISION)


def _shown(answer: Answer) -> object:
    if isinstance(answer, str):
        return answer
    return {"rows": len(answer), "first": [[shortened(value) for value in row] for row in answer[:_SHOWN]]}
