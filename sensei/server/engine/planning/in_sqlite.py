"""Columns that go from one SQLite file to another: every value stays as it is, but what it means may be unclear."""

from __future__ import annotations

from sensei.server.engine.catalog import Column
from sensei.server.engine.kinds import Kind, kind_of
from sensei.server.engine.plan import Risk
from sensei.server.engine.planning.choice import Choice
from sensei.server.engine.planning.profile import ColumnProfile
from sensei.server.engine.wording import counted

_NUMBERS = {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL}
_FORMS = {
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "naive",
    Kind.TIMESTAMPTZ: "zoned",
    Kind.UUID: "uuid",
    Kind.JSON: "json",
}
"""Kind → the test that a text of that kind passes."""


def choose(column: Column, profile: ColumnProfile | None, place: str) -> Choice:
    """The same type; less sure of it where the column does not hold what its type promises.

    Args:
        column: The column.
        profile: What it holds.
        place: What to call it in risks.
    """
    choice = Choice(column.type, 0.99, "the same type, every value as it is stored")
    found = _doubt(kind_of("sqlite", column.type), profile) if profile is not None and profile.values else None
    if found is None:
        return choice
    confidence, what = found
    return Choice(
        column.type,
        confidence,
        f"declared {column.type}, but {what}; all are copied as they are",
        flags=("not_as_declared",),
        risks=(
            Risk(
                severity="medium" if confidence < 0.8 else "low",
                type="semantic_ambiguity",
                description=f"{place} is declared {column.type}, but {what}; a program that reads the copy must expect "
                "that",
                affected=(place,),
                mitigation="Bring the values to one form at the source, or write a transformation.",
            ),
        ),
    )


def _doubt(kind: Kind | None, profile: ColumnProfile) -> tuple[float, str] | None:
    """How sure one can be, and of what one cannot be sure; None where all is as declared."""
    others = profile.values - profile.classes.get("integer", 0) - profile.classes.get("real", 0)
    if kind in _NUMBERS and others:
        return 0.88, f"{counted(others, 'value is', 'values are')} no number"
    if kind is Kind.BOOLEAN and (others or profile.classes.get("real") or _is_beyond_one(profile)):
        return 0.75, "it holds more than 0 and 1, and what that means nobody can tell from here"
    if kind in _FORMS:
        if not profile.only("text"):
            return 0.85, f"{counted(profile.values - profile.classes.get('text', 0), 'value is', 'values are')} no text"
        failing = profile.facts.get(_FORMS[kind], 0)
        if failing:
            return 0.85, f"{counted(failing, 'text is', 'texts are')} in another form"
    return None


def _is_beyond_one(profile: ColumnProfile) -> bool:
    return profile.least is not None and (profile.least < 0 or profile.greatest > 1)
