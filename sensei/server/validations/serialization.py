"""A validation's outcome in its two other forms: as stored, and as the contract shows it."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter

from sensei.server.engine.validation.types import Issue, PerspectiveResult, ValidationOutcome
from sensei.server.schemas.base import wire_time, wire_time_or_none
from sensei.server.schemas.validations import IssueOut, RuleOut, ValidationOut
from sensei.server.store.validation_tables import Validation, ValidationRule

# What the contract always shows of a perspective, also of one that was skipped before it counted anything.
_COUNTERS: dict[str, tuple[str, ...]] = {
    "structural": ("tables_checked", "columns_checked"),
    "statistical": ("distributions_compared", "max_deviation"),
    "referential": ("relationships_verified", "orphan_records"),
    "semantic": ("rules_evaluated", "violations"),
    "behavioral": (
        "checkpoints_replayed",
        "queries_replayed",
        "exact_matches",
        "semantic_matches",
        "business_matches",
        "mismatches",
    ),
}
_SEVERITIES = ("critical", "error", "warning", "info")
_LARGEST_INTEGER = 2**53 - 1


@cache
def _adapter() -> TypeAdapter[ValidationOutcome]:
    return TypeAdapter(ValidationOutcome)


def outcome_to_json(outcome: ValidationOutcome) -> dict[str, Any]:
    """The outcome as JSON data, values of databases included."""
    return cast("dict[str, Any]", json_ready(dataclasses.asdict(outcome)))


def outcome_from_json(data: Mapping[str, Any]) -> ValidationOutcome:
    """The outcome that `outcome_to_json` was given, but for database values, which stay as they were written."""
    return _adapter().validate_python(data)


def json_ready(value: object) -> Any:
    """Any value a database may give, as JSON data that every client reads the same.

    Integers beyond 2^53-1 and decimals become strings, as in row previews; so do infinities and NaN.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(cast("bytes", value)).decode("ascii")
    if isinstance(value, Mapping):
        return {str(name): json_ready(member) for name, member in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_ready(member) for member in cast("Iterable[object]", value)]
    return format(value, "f") if isinstance(value, Decimal) and value.is_finite() else str(value)


def results(perspectives: Iterable[PerspectiveResult]) -> dict[str, dict[str, Any]]:
    """`ValidationResults`, without row-level details."""
    return {
        perspective.name: {
            "status": perspective.status,
            "score": perspective.score,
            **dict.fromkeys(_COUNTERS[perspective.name], 0),
            **perspective.figures,
            "duration_seconds": round(perspective.duration_seconds, 3),
            "issues": [issue(found, details=False) for found in perspective.issues],
        }
        for perspective in perspectives
    }


def no_result(name: str, status: str) -> dict[str, Any]:
    """A perspective that has given nothing yet."""
    return {"status": status, "score": 0.0, **dict.fromkeys(_COUNTERS[name], 0), "issues": []}


def issues(outcome: ValidationOutcome, *, details: bool) -> list[IssueOut]:
    """The issues of all perspectives, worst first."""
    found = [one for perspective in outcome.perspectives for one in perspective.issues]
    found.sort(key=lambda one: _SEVERITIES.index(one.severity) if one.severity in _SEVERITIES else 0)
    return [issue(one, details=details) for one in found]


def profiles(outcome: ValidationOutcome) -> list[dict[str, Any]]:
    """The columns on both sides: counts, extremes and histograms."""
    return [cast("dict[str, Any]", json_ready(dataclasses.asdict(profile))) for profile in outcome.profiles]


def issue(found: Issue, *, details: bool) -> IssueOut:
    """`ValidationIssue`."""
    shown: IssueOut = {
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "schema": found.schema,
        "table": found.table,
        "column": found.column,
        "rule_id": found.rule_id,
        "expected": json_ready(found.expected),
        "actual": json_ready(found.actual),
        "affected_records": found.affected_records,
        "classification": found.classification,
    }
    if details:
        shown["details"] = json_ready(found.details or {})
    return shown


def validation(row: Validation) -> ValidationOut:
    """`Validation`."""
    return {
        "id": row.id,
        "migration_id": row.migration_id,
        "type": row.type,
        "status": row.status,
        "overall_result": row.overall_result,
        "confidence_score": row.confidence_score,
        "options": row.options,
        "results": row.results,
        "certificate_id": row.certificate_id,
        "created_at": wire_time(row.created_at),
        "started_at": wire_time_or_none(row.started_at),
        "estimated_completion": wire_time_or_none(
            row.forecast.estimated_completion if row.status == "running" and row.forecast is not None else None
        ),
        "completed_at": wire_time_or_none(row.completed_at),
        "error": cast("Any", row.error),
    }


def rule(row: ValidationRule) -> RuleOut:
    """`ValidationRule`."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "type": row.type,
        "rule": row.rule,
        "expected": row.expected,
        "severity": row.severity,
        "migration_id": row.migration_id,
        "created_at": wire_time(row.created_at),
    }
