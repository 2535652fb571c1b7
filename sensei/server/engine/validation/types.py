"""What a validation is asked and what it answers, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sensei.server.engine.errors import EngineError
from sensei.server.engine.job import Job

PERSPECTIVES = ("structural", "statistical", "referential", "semantic", "behavioral")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A custom rule: one read-only query on the target that must give one expected value."""

    id: str
    name: str
    sql: str
    expected: float | int | str | bool | None
    severity: str = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationJob:
    """What is to be compared, and how thoroughly."""

    job: Job
    perspectives: tuple[str, ...]
    sampled: bool = False
    """``quick``: row counts and spot checks only."""
    rules: tuple[Rule, ...] = ()
    time_travel_checkpoints: int = 5
    before_cutover: bool = False
    """In the validation phase: indexes, foreign keys and sequences are not made yet and are not missed."""
    skipped_rows: dict[str, int] = field(default_factory=dict[str, int])
    """Rows by qualified source table that were left out with a recorded error, and are accounted for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One finding, in the contract's terms (`ValidationIssue`)."""

    code: str
    severity: str
    message: str
    perspective: str
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    rule_id: str | None = None
    expected: Any = None
    actual: Any = None
    affected_records: int | None = None
    classification: str | None = None
    details: dict[str, Any] | None = None
    """Row-level facts, shown only on request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerspectiveResult:
    """What one of the five perspectives found."""

    name: str
    status: str
    """``passed``, ``passed_with_warnings``, ``failed``, ``partial`` or ``skipped``."""
    score: float
    issues: tuple[Issue, ...]
    duration_seconds: float
    figures: dict[str, int | float]
    """The perspective's own counters by wire name, e.g. ``tables_checked`` or ``queries_replayed``."""
    facts: dict[str, int] = field(default_factory=dict[str, int])
    """Further counters for the report, e.g. ``rows_compared``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What a rule of the user found."""

    rule_id: str
    name: str
    passed: bool
    severity: str
    expected: Any
    actual: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column on both sides, for the report's pictures."""

    table: str
    column: str
    kind: str
    """``number``, ``text``, ``time``, ``boolean`` or ``binary``."""
    source: dict[str, Any]
    target: dict[str, Any]
    """rows, nulls, distinct, min, max, mean, and ``histogram``: [[label, count], …]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Evidence behind the certificate's hash chain; `digest` is ``sha256:`` and 64 hex digits."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationOutcome:
    """What a validation found, in all and by perspective."""

    overall_result: str
    """``passed``, ``passed_with_warnings``, ``failed`` or ``partial``."""
    confidence_score: float
    perspectives: tuple[PerspectiveResult, ...]
    rules: tuple[RuleResult, ...]
    profiles: tuple[ColumnProfile, ...]
    artifacts: tuple[Artifact, ...]
    """schema_snapshot, query_corpus, source_results, target_results, comparison — in this order."""
    findings: dict[str, int]
    """pass, info, warning, failure."""
    exceptions: tuple[dict[str, str], ...] = ()


class ValidationStopped(EngineError):  # noqa: N818  # nothing went wrong: it was asked to stop
    """The validation was asked to stop before its end. It has no outcome and can be run again."""

    finished: tuple[PerspectiveResult, ...] = ()
    """What was done by then."""
