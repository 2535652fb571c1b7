"""What validations and custom rules take."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field, with_config
from typing_extensions import TypedDict

from sensei.models.base import JsonScalar, OpenEnum
from sensei.models.enums import ValidationTypeParam
from sensei.models.params.base import STRICT, Description, Name, Text

__all__ = ["RuleCreateBody", "RuleSeverity", "ValidationCreateBody", "ValidationOptionsParam"]

RuleSeverity = Literal["info", "warning", "error", "critical"]
"""How bad it is when a rule does not hold."""


@with_config(STRICT)
class ValidationOptionsParam(TypedDict, total=False):
    """Switches single perspectives on or off.

    Attributes:
        structural: Compare the structure.
        statistical: Compare counts and distributions.
        referential: Check that every reference finds its row.
        semantic: Check plausibility and custom rules.
        behavioral: Replay recorded queries.
        time_travel_checkpoints: How many recorded points in time are replayed, 1 to 100; 5 if not given.
    """

    structural: bool
    statistical: bool
    referential: bool
    semantic: bool
    behavioral: bool
    time_travel_checkpoints: Annotated[int, Field(ge=1, le=100)]


@with_config(STRICT)
class ValidationCreateBody(TypedDict, total=False):
    """The body of `validations.create`."""

    migration_id: Required[Text]
    type: ValidationTypeParam
    options: ValidationOptionsParam


@with_config(STRICT)
class RuleCreateBody(TypedDict, total=False):
    """The body of `validations.rules.create`."""

    name: Required[Name]
    description: Description
    type: Required[Annotated[Literal["sql"], OpenEnum]]
    rule: Required[Annotated[str, Field(min_length=1, max_length=20_000)]]
    expected: Required[JsonScalar]
    severity: RuleSeverity
    migration_id: str
