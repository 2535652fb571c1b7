"""From checks to a score, a status and an overall result."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sensei.server.engine.catalog import Table
from sensei.server.engine.validation.types import Issue, PerspectiveResult

WEIGHTS = {"structural": 0.15, "statistical": 0.20, "referential": 0.20, "semantic": 0.20, "behavioral": 0.25}
_FATAL = ("error", "critical")
# A warning is a quarter of a failure; a perspective that failed gives at most half the confidence, and none with a
# warning gives all of it.
_WARNING_COUNTS = 0.25
_AT_MOST_WHEN_FAILED = 0.5
_AT_MOST_WITH_WARNINGS = 0.99


@dataclass(slots=True)
class Findings:
    """What one perspective has checked and found so far."""

    perspective: str
    checks: int = 0
    issues: list[Issue] = field(default_factory=list[Issue])
    unfinished: bool = False
    """Something could not be checked to its end."""
    facts: dict[str, int] = field(default_factory=dict[str, int])
    started: float = field(default_factory=time.monotonic)

    def passed(self, count: int = 1) -> None:
        """Count checks that found nothing."""
        self.checks += count

    def add(self, issue: Issue) -> None:
        """Count a check that found something."""
        self.checks += 1
        self.issues.append(issue)

    def found(
        self,
        code: str,
        message: str,
        *,
        severity: str = "error",
        table: Table | None = None,
        column: str | None = None,
        expected: object = None,
        actual: object = None,
        affected_records: int | None = None,
        classification: str | None = "migration_defect",
        details: dict[str, object] | None = None,
        rule_id: str | None = None,
    ) -> None:
        """Count a check that found something, and say what."""
        self.add(
            Issue(
                code=code,
                severity=severity,
                message=message,
                perspective=self.perspective,
                schema=table.schema if table else None,
                table=table.name if table else None,
                column=column,
                rule_id=rule_id,
                expected=expected,
                actual=actual,
                affected_records=affected_records,
                classification=classification if severity != "info" or classification else None,
                details=details,
            )
        )

    def result(self, figures: Mapping[str, int | float]) -> PerspectiveResult:
        """The perspective's result."""
        return PerspectiveResult(
            name=self.perspective,
            status=self.status,
            score=self.score,
            issues=tuple(self.issues),
            duration_seconds=time.monotonic() - self.started,
            figures=dict(figures),
            facts=dict(self.facts),
        )

    @property
    def status(self) -> str:
        """The perspective's status as the worst of its issues says."""
        severities = {issue.severity for issue in self.issues}
        if severities & set(_FATAL):
            return "failed"
        if self.unfinished:
            return "partial"
        return "passed_with_warnings" if "warning" in severities else "passed"

    @property
    def score(self) -> float:
        """The share of checks that passed, held down by what a failure or a warning means."""
        if not self.checks:
            return 1.0
        failures = sum(issue.severity in _FATAL for issue in self.issues)
        warnings = sum(issue.severity == "warning" for issue in self.issues)
        share = max(0.0, 1 - (failures + _WARNING_COUNTS * warnings) / self.checks)
        if failures:
            return round(share * _AT_MOST_WHEN_FAILED, 3)
        return round(min(share, _AT_MOST_WITH_WARNINGS) if warnings or self.unfinished else share, 3)


def confidence(perspectives: Iterable[PerspectiveResult]) -> float:
    """The weighted mean of the scores of the perspectives that ran, to three digits."""
    ran = [p for p in perspectives if p.status != "skipped"]
    weight = sum(WEIGHTS[p.name] for p in ran)
    return round(sum(WEIGHTS[p.name] * p.score for p in ran) / weight, 3) if weight else 0.0


def overall_result(perspectives: Iterable[PerspectiveResult]) -> str:
    """The worst of the perspectives: failed, then partial, then passed_with_warnings, then passed."""
    statuses = {perspective.status for perspective in perspectives}
    for worst in ("failed", "partial", "passed_with_warnings"):
        if worst in statuses:
            return worst
    return "passed"
