"""Validations: what was compared and what was found."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sensei.models.base import JsonObject, JsonScalar, Model, OpenEnum, Problem, Timestamp
from sensei.models.enums import PerspectiveStatus, Severity, ValidationResultCode, ValidationStatus, ValidationType

__all__ = [
    "ValidationType",
    "ValidationStatus",
    "ValidationResultCode",
    "PerspectiveStatus",
    "Severity",
    "ValidationData",
    "ValidationOptions",
    "ValidationResults",
    "ValidationIssue",
    "Perspective",
    "StructuralResult",
    "StatisticalResult",
    "ReferentialResult",
    "SemanticResult",
    "BehavioralResult",
    "ValidationReportData",
    "RuleOutcome",
    "ValidationRuleData",
]


class ValidationOptions(Model):
    """Which perspectives run.

    Attributes:
        structural: Compare the structure.
        statistical: Compare counts and distributions.
        referential: Check that every reference finds its row.
        semantic: Check plausibility and custom rules.
        behavioral: Replay recorded queries.
        time_travel_checkpoints: How many recorded points in time are replayed.
    """

    structural: bool | None = None
    statistical: bool | None = None
    referential: bool | None = None
    semantic: bool | None = None
    behavioral: bool | None = None
    time_travel_checkpoints: int | None = None


class ValidationIssue(Model):
    """One finding.

    Attributes:
        code: Engine error number, mostly of the E4xxx group; always sent.
        severity: How bad it is.
        message: One sentence for a person.
        schema: Schema of the table.
        table: Table concerned; always sent.
        column: Column concerned; always sent.
        rule_id: The custom rule that was broken.
        expected: What the source or the plan says.
        actual: What the target holds.
        affected_records: Number of records.
        classification: `migration_defect`, `acceptable_variance`, `source_change` or `false_positive`.
        details: Row-level facts, in reports that were asked for them.
    """

    _shown: ClassVar[tuple[str, ...]] = ("code", "severity", "message", "table", "column")

    code: str | None = None
    severity: Severity
    message: str
    schema: str | None = None  # type: ignore[assignment]  # a wire name, see Model
    table: str | None = None
    column: str | None = None
    rule_id: str | None = None
    expected: object = None
    actual: object = None
    affected_records: int | None = None
    classification: (
        Annotated[Literal["migration_defect", "acceptable_variance", "source_change", "false_positive"] | str, OpenEnum]
        | None
    ) = None
    details: JsonObject | None = None


class Perspective(Model):
    """What all perspectives say.

    Attributes:
        status: State and result.
        score: Confidence that this perspective alone gives, 0 to 1; always sent.
        issues: Its findings; always sent.
        duration_seconds: Seconds it took.
    """

    status: PerspectiveStatus
    score: float | None = None
    issues: list[ValidationIssue] = Field(default_factory=list[ValidationIssue])
    duration_seconds: float | None = None


class StructuralResult(Perspective):
    """Does the target's structure match the plan?

    Attributes:
        tables_checked: Number of tables; always sent.
        columns_checked: Number of columns; always sent.
    """

    tables_checked: int | None = None
    columns_checked: int | None = None


class StatisticalResult(Perspective):
    """Do counts and value distributions agree?

    Attributes:
        distributions_compared: Number of distributions; always sent.
        max_deviation: The largest deviation, 0 when all agree; always sent.
    """

    distributions_compared: int | None = None
    max_deviation: float | None = None


class ReferentialResult(Perspective):
    """Does every reference find its row?

    Attributes:
        relationships_verified: Number of relations; always sent.
        orphan_records: Records whose reference finds nothing; always sent.
    """

    relationships_verified: int | None = None
    orphan_records: int | None = None


class SemanticResult(Perspective):
    """Do the values make sense under the built-in and custom rules?

    Attributes:
        rules_evaluated: Number of rules; always sent.
        violations: Rules that do not hold; always sent.
    """

    rules_evaluated: int | None = None
    violations: int | None = None


class BehavioralResult(Perspective):
    """Do recorded queries give the same answers?

    Attributes:
        checkpoints_replayed: Points in time that were replayed; always sent.
        queries_replayed: Number of queries; always sent.
        exact_matches: Answers that are equal; always sent.
        semantic_matches: Answers that are equal within tolerance; always sent.
        business_matches: Answers that lead to the same decision; always sent.
        mismatches: Answers that differ; always sent.
    """

    checkpoints_replayed: int | None = None
    queries_replayed: int | None = None
    exact_matches: int | None = None
    semantic_matches: int | None = None
    business_matches: int | None = None
    mismatches: int | None = None


class ValidationResults(Model):
    """What each perspective found; those that did not run are None.

    Attributes:
        structural: Does the target's structure match the plan?
        statistical: Do counts and value distributions agree?
        referential: Does every reference find its row?
        semantic: Do the values make sense?
        behavioral: Do recorded queries give the same answers?
    """

    structural: StructuralResult | None = None
    statistical: StatisticalResult | None = None
    referential: ReferentialResult | None = None
    semantic: SemanticResult | None = None
    behavioral: BehavioralResult | None = None

    @property
    def by_name(self) -> dict[str, Perspective]:
        """The perspectives that are there, by name, in their documented order."""
        members: dict[str, Perspective | None] = {
            "structural": self.structural,
            "statistical": self.statistical,
            "referential": self.referential,
            "semantic": self.semantic,
            "behavioral": self.behavioral,
        }
        return {name: perspective for name, perspective in members.items() if perspective is not None}


class ValidationData(Model):
    """A comparison of source and target.

    Attributes:
        id: Id, `val_…`.
        migration_id: The migration it checks.
        type: Kind of the validation; always sent.
        status: Its state.
        overall_result: What it found; always sent, None until completed.
        confidence_score: Weighted mean of the scores, 0 to 1; always sent, None until completed.
        options: Which perspectives run.
        results: What each perspective found; always sent.
        certificate_id: The certificate, when one was issued; always sent.
        created_at: When it was asked for; always sent.
        started_at: When it began; always sent.
        estimated_completion: When it should be done; always sent.
        completed_at: When it was done; always sent.
        error: What broke, when `status` is `failed`; prints as its message. Always sent.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "status", "overall_result", "confidence_score")

    id: str
    migration_id: str
    type: ValidationType | None = None
    status: ValidationStatus
    overall_result: ValidationResultCode | None = None
    confidence_score: float | None = None
    options: ValidationOptions | None = None
    results: ValidationResults | None = None
    certificate_id: str | None = None
    created_at: Timestamp | None = None
    started_at: Timestamp | None = None
    estimated_completion: Timestamp | None = None
    completed_at: Timestamp | None = None
    error: Problem | None = None

    @property
    def passed(self) -> bool:
        """Whether it is completed and the result is `passed` or `passed_with_warnings`."""
        return self.status == "completed" and self.overall_result in ("passed", "passed_with_warnings")

    @property
    def is_finished(self) -> bool:
        """Whether it is completed, failed or cancelled."""
        return self.status in ("completed", "failed", "cancelled")


class RuleOutcome(Model):
    """How one custom rule came out.

    Attributes:
        rule_id: The rule.
        name: Its name.
        passed: Whether it holds.
        severity: How bad it is if not.
        expected: The value that means it holds.
        actual: The value that was found.
    """

    rule_id: str
    name: str
    passed: bool
    severity: Severity | None = None
    expected: object = None
    actual: object = None


class ValidationReportData(Model):
    """A report on a validation. The validation and the migration stand in the classes derived from this one.

    Attributes:
        generated_at: When it was written.
        issues: The findings of all perspectives, worst first; always sent.
        rules: How each custom rule came out; always sent.
    """

    generated_at: Timestamp
    issues: list[ValidationIssue] = Field(default_factory=list[ValidationIssue])
    rules: list[RuleOutcome] = Field(default_factory=list[RuleOutcome])


class ValidationRuleData(Model):
    """A custom rule; it runs on the target, in the semantic perspective.

    Attributes:
        id: Id, `rule_…`.
        name: Its name.
        description: For people; always sent.
        type: `sql`.
        rule: One read-only query that gives one value.
        expected: The value that means the rule holds.
        severity: `info` and `warning` give at most `passed_with_warnings`; `error` and `critical` make it fail.
        migration_id: The one migration it applies to; always sent, None for every migration.
        created_at: When it was made; always sent.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "name", "severity")

    id: str
    name: str
    description: str | None = None
    type: Annotated[Literal["sql"] | str, OpenEnum]
    rule: str
    expected: JsonScalar
    severity: Severity
    migration_id: str | None = None
    created_at: Timestamp | None = None
