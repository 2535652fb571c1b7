"""Wire forms of validations, reports and rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from sensei.server.schemas.base import Closed, Description, Maybe, Name, PageQuery, QueryBoolean, QueryModel

ValidationType = Literal["quick", "standard", "full", "behavioral_only"]
ValidationStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
ValidationResultCode = Literal["passed", "passed_with_warnings", "failed", "partial"]
Severity = Literal["info", "warning", "error", "critical"]


class ValidationOptions(Closed):
    """Switches single perspectives on or off against what the type brings."""

    structural: Maybe[bool] = None
    statistical: Maybe[bool] = None
    referential: Maybe[bool] = None
    semantic: Maybe[bool] = None
    behavioral: Maybe[bool] = None
    time_travel_checkpoints: Annotated[int, Field(ge=1, le=100)] = 5


class ValidationCreate(Closed):
    """Body of `validations.create`."""

    migration_id: str
    type: ValidationType = "standard"
    options: Maybe[ValidationOptions] = None


class ValidationListQuery(PageQuery):
    """Query of `validations.list`."""

    migration_id: str | None = None
    status: ValidationStatus | None = None
    result: ValidationResultCode | None = None


class ReportQuery(QueryModel):
    """Query of `validations.report.get`."""

    format: Literal["json", "html", "pdf"] = "json"
    include_details: QueryBoolean = False


class RuleListQuery(PageQuery):
    """Query of `validations.rules.list`."""

    migration_id: str | None = None


class ValidationRuleCreate(Closed):
    """Body of `validations.rules.create`."""

    name: Name
    description: Maybe[Description] = None
    type: Literal["sql"]
    rule: Annotated[str, Field(min_length=1, max_length=20_000)]
    expected: bool | int | float | str | None
    severity: Severity = "error"
    migration_id: Maybe[str] = None


class IssueOut(TypedDict):
    """`ValidationIssue`."""

    code: str
    severity: str
    message: str
    schema: str | None
    table: str | None
    column: str | None
    rule_id: str | None
    expected: NotRequired[Any]
    actual: NotRequired[Any]
    affected_records: int | None
    classification: str | None
    details: NotRequired[dict[str, Any]]


class ProblemOut(TypedDict):
    """`ProblemSummary`."""

    code: str
    message: str
    reason_code: NotRequired[str]
    occurred_at: NotRequired[str]


class ValidationOut(TypedDict):
    """`Validation`."""

    id: str
    migration_id: str
    type: str
    status: str
    overall_result: str | None
    confidence_score: float | None
    options: dict[str, Any]
    results: dict[str, dict[str, Any]]
    certificate_id: str | None
    created_at: str
    started_at: str | None
    estimated_completion: str | None
    completed_at: str | None
    error: ProblemOut | None


class RuleOut(TypedDict):
    """`ValidationRule`."""

    id: str
    name: str
    description: str | None
    type: str
    rule: str
    expected: float | int | str | bool | None
    severity: str
    migration_id: str | None
    created_at: str
