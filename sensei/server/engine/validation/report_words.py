"""What both forms of the report say, in words: verdicts, figures, values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

from sensei.server.engine.validation.types import ColumnProfile, ValidationOutcome

PERSPECTIVES = {
    "structural": ("Structure", "Is the target built as planned?"),
    "statistical": ("Data", "Is every value of every row where it should be?"),
    "referential": ("References", "Does every child find its parent?"),
    "semantic": ("Meaning", "Do the values make sense, and do your rules hold?"),
    "behavioral": ("Behavior", "Do queries get the same answers on both sides?"),
}
STATUSES = {
    "passed": "Passed",
    "passed_with_warnings": "Passed with warnings",
    "failed": "Failed",
    "partial": "Not finished",
    "skipped": "Skipped",
    "cancelled": "Cancelled",
}
_VERDICTS = {
    "passed": "The target holds what the source holds.",
    "passed_with_warnings": "The target holds what the source holds, but for what the warnings say.",
    "failed": "The target is not a faithful copy. The issues below say where.",
    "partial": "Some checks could not be finished, so nothing is certain yet.",
    "cancelled": "The validation was ended before it had looked at everything.",
    "error": "The validation itself broke, so nothing is known about the data.",
}
_FIGURES = {
    "tables_checked": "tables",
    "columns_checked": "columns",
    "rows_compared": "rows compared",
    "cells_compared": "cells compared",
    "distributions_compared": "distributions compared",
    "relationships_verified": "relations followed",
    "orphan_records": "orphans",
    "rules_evaluated": "rules applied",
    "violations": "violations",
    "checkpoints_replayed": "rounds",
    "queries_replayed": "queries replayed",
    "exact_matches": "exact answers",
    "semantic_matches": "equal within tolerances",
    "business_matches": "close enough to decide alike",
    "mismatches": "other answers",
}
PROFILES_SHOWN = 120
ISSUES_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result in one word, one sentence, and one of four tones: good, fair, bad or unknown."""

    tone: str
    word: str
    sentence: str


def verdict(report: Mapping[str, Any]) -> Verdict:
    """What the report comes to."""
    validation = report["validation"]
    if validation["status"] == "failed":
        error = member(validation, "error")
        return Verdict("unknown", "Broken", f"{_VERDICTS['error']} {error.get('message', '')}".strip())
    result = validation.get("overall_result") or validation["status"]
    return Verdict(tone(result), STATUSES.get(result, str(result)), _VERDICTS.get(result, ""))


def member(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A member that is an object; an empty one where it is missing or null."""
    found: Mapping[str, Any] | None = data.get(name)
    return found or {}


def members(data: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """A member that is a list of objects; an empty one where it is missing or null."""
    found: Sequence[Mapping[str, Any]] | None = data.get(name)
    return found or ()


def bars(side: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The histogram of one side of a profile."""
    found: Sequence[tuple[Any, Any]] | None = side.get("histogram")
    return [(str(label), int(count)) for label, count in found or ()]


def tone(status: str) -> str:
    """How a status, result or severity is coloured."""
    return {
        "passed": "good",
        "info": "unknown",
        "passed_with_warnings": "fair",
        "warning": "fair",
        "failed": "bad",
        "error": "bad",
        "critical": "bad",
    }.get(status, "unknown")


def figures(name: str, result: Mapping[str, Any], outcome: ValidationOutcome | None) -> Iterator[tuple[str, str]]:
    """The counters of a perspective as (number, what it counts)."""
    facts = next((p.facts for p in outcome.perspectives if p.name == name), None) if outcome else None
    facts = facts or dict[str, int]()
    counters = {**facts, **result}
    for key, label in _FIGURES.items():
        if key in counters and (counters[key] or key not in facts):
            yield f"{counters[key]:,}", label
    if "max_deviation" in result:
        yield f"{result['max_deviation']:.2%}", "largest deviation"


def confidence(value: float | None) -> str:
    """A confidence or score for people; full confidence only where it is full."""
    if value is None:
        return "unknown"
    shown = f"{value * 100:.1f}".removesuffix(".0")
    return f"{'99.9' if shown == '100' and value < 1 else shown} %"


def counted(severity: str, number: int) -> str:
    """So many issues of a severity."""
    return f"{number:,} {severity}{'s' if number != 1 and severity in ('error', 'warning') else ''}"


def ends(report: Mapping[str, Any]) -> str:
    """From where to where, as far as the migration is known."""
    migration = member(report, "migration")
    names = [_end(member(migration, side)) for side in ("source", "target")]
    return " → ".join(name for name in names if name)


def _end(end: Mapping[str, Any]) -> str:
    name = end.get("connection_name") or end.get("connection_id") or end.get("type") or ""
    schema = end.get("schema")
    return f"{name} ({schema})" if schema else str(name)


def value(value: object) -> str:
    """A value of an issue or a profile in one line."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return value or "(empty)"
    if isinstance(value, float):
        # Adding zero makes of minus zero, which looks like a difference, zero.
        return f"{value + 0.0:,.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, date | time | Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


# What turns the direction of everything that follows it, so that a name may say something else than it shows.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text as it may be shown: controls and stray surrogates as U+FFFD, turning signs by their numbers."""
    return _TURNING.sub(lambda sign: f"[U+{ord(sign[0]):04X}]", _UNPRINTABLE.sub("\ufffd", text))


def place(issue: Mapping[str, Any]) -> str:
    """Where an issue is: schema, table and column."""
    return ".".join(str(part) for part in (issue.get("schema"), issue.get("table"), issue.get("column")) if part)


def profile_figures(profile: ColumnProfile) -> Iterator[tuple[str, str, str, bool]]:
    """(what, on the source, on the target, whether they agree) of a column, as far as known."""
    for key, label in (
        ("rows", "rows"),
        ("nulls", "nulls"),
        ("distinct", "different"),
        ("min", "least"),
        ("max", "greatest"),
        ("mean", "mean"),
    ):
        here, there = profile.source.get(key), profile.target.get(key)
        if here is None and there is None:
            continue
        first, second = value(here)[:60], value(there)[:60]
        yield label, first, second, first == second


def shown_profiles(outcome: ValidationOutcome | None) -> list[ColumnProfile]:
    """The profiles that are shown: those that differ first, then as the tables come, up to a bound."""
    if outcome is None:
        return []
    ordered = sorted(outcome.profiles, key=lambda profile: profile.source == profile.target)
    chosen = {id(profile) for profile in ordered[:PROFILES_SHOWN]}
    return [profile for profile in outcome.profiles if id(profile) in chosen]
