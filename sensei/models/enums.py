"""The open sets of the API: the literals are what is known today, any other text passes."""

from typing import Annotated, Final, Literal

from sensei.models.open_enum import OpenEnum

__all__ = [
    "Environment",
    "EnvironmentParam",
    "Scope",
    "ScopeParam",
    "MigrationStatus",
    "MigrationStatusParam",
    "FINISHED_STATUSES",
    "PhaseName",
    "PhaseNameParam",
    "PhaseStatus",
    "Strategy",
    "StrategyParam",
    "RollbackState",
    "LogLevel",
    "LogLevelParam",
    "ConnectionType",
    "ConnectionTypeParam",
    "ConnectionRole",
    "ConnectionRoleParam",
    "ConnectionStatus",
    "ConnectionStatusParam",
    "SslMode",
    "SslModeParam",
    "MappingStatus",
    "MappingStatusParam",
    "TransformationType",
    "TransformationTypeParam",
    "PlanStatus",
    "RollbackStrategy",
    "RollbackStrategyParam",
    "RollbackScope",
    "RollbackScopeParam",
    "MigrationErrorType",
    "MigrationErrorTypeParam",
    "MigrationErrorStatus",
    "MigrationErrorStatusParam",
    "ErrorResolutionType",
    "ErrorResolutionTypeParam",
    "ValidationType",
    "ValidationTypeParam",
    "ValidationStatus",
    "ValidationStatusParam",
    "ValidationResultCode",
    "ValidationResultCodeParam",
    "PerspectiveStatus",
    "Severity",
    "CertificateStatus",
    "WebhookEventType",
    "WebhookEventTypeParam",
    "WebhookEventPattern",
    "WebhookDeliveryStatus",
    "WebhookDeliveryStatusParam",
    "ApiKeyStatus",
    "AuditLogType",
    "AuditLogTypeParam",
    "AuditResult",
    "AuditResultParam",
    "Tier",
]

EnvironmentParam = Annotated[Literal["production", "sandbox"], OpenEnum]
"""`Environment` as an argument: the values that the API takes."""

Environment = Annotated[EnvironmentParam | str, OpenEnum]
"""Which of the two separate worlds a credential and its resources belong to."""

ScopeParam = Annotated[
    Literal[
        "migrations:read",
        "migrations:write",
        "connections:read",
        "connections:write",
        "validation:read",
        "validation:write",
        "webhooks:read",
        "webhooks:write",
        "admin:read",
        "admin:write",
        "billing:read",
        "billing:write",
        "migrations:*",
        "connections:*",
        "validation:*",
        "webhooks:*",
        "admin:*",
        "billing:*",
        "*:read",
        "*:write",
        "*",
    ],
    OpenEnum,
]
"""`Scope` as an argument: the values that the API takes."""

Scope = Annotated[ScopeParam | str, OpenEnum]
"""A permission `resource:verb`. `write` does not imply `read`; the resource of validations is spelled `validation`."""

MigrationStatusParam = Annotated[
    Literal[
        "pending",
        "planning",
        "plan_ready",
        "approved",
        "running",
        "pausing",
        "paused",
        "validating",
        "completed",
        "failed",
        "cancelling",
        "cancelled",
        "rolling_back",
        "rolled_back",
    ],
    OpenEnum,
]
"""`MigrationStatus` as an argument: the values that the API takes."""

MigrationStatus = Annotated[MigrationStatusParam | str, OpenEnum]
"""State of a migration."""

FINISHED_STATUSES: Final = frozenset({"completed", "failed", "cancelled", "rolled_back"})
"""The statuses in which a migration does nothing more by itself."""

PhaseNameParam = Annotated[Literal["planning", "schema_migration", "data_transfer", "validation", "cutover"], OpenEnum]
"""`PhaseName` as an argument: the values that the API takes."""

PhaseName = Annotated[PhaseNameParam | str, OpenEnum]
"""One of the five phases, in this order."""

PhaseStatus = Annotated[Literal["pending", "running", "completed", "failed", "skipped"] | str, OpenEnum]
"""State of a phase, or of a table in it."""

StrategyParam = Annotated[Literal["safe", "balanced", "speed"], OpenEnum]
"""`Strategy` as an argument: the values that the API takes."""

Strategy = Annotated[StrategyParam | str, OpenEnum]
"""Preset for the trade between pace and caution."""

RollbackState = Annotated[
    Literal["none", "not_required", "initiated", "in_progress", "completed", "failed"] | str, OpenEnum
]
"""How far undoing has come. `none`: never asked for. `not_required`: nothing had been written."""

LogLevelParam = Annotated[Literal["debug", "info", "warning", "error"], OpenEnum]
"""`LogLevel` as an argument: the values that the API takes."""

LogLevel = Annotated[LogLevelParam | str, OpenEnum]
"""Weight of a log entry; as a filter, the least weight to be shown."""

ConnectionTypeParam = Annotated[
    Literal[
        "postgresql",
        "mysql",
        "oracle",
        "sqlserver",
        "mongodb",
        "snowflake",
        "bigquery",
        "redshift",
        "databricks",
        "s3",
        "sqlite",
    ],
    OpenEnum,
]
"""`ConnectionType` as an argument: the values that the API takes."""

ConnectionType = Annotated[ConnectionTypeParam | str, OpenEnum]
"""Kind of system behind a connection."""

ConnectionRoleParam = Annotated[Literal["source", "target", "both"], OpenEnum]
"""`ConnectionRole` as an argument: the values that the API takes."""

ConnectionRole = Annotated[ConnectionRoleParam | str, OpenEnum]
"""Side of a migration on which a connection may be used."""

ConnectionStatusParam = Annotated[Literal["testing", "connected", "failed"], OpenEnum]
"""`ConnectionStatus` as an argument: the values that the API takes."""

ConnectionStatus = Annotated[ConnectionStatusParam | str, OpenEnum]
"""`testing` while a test runs, `connected` after a good one, `failed` after a bad one."""

SslModeParam = Annotated[Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"], OpenEnum]
"""`SslMode` as an argument: the values that the API takes."""

SslMode = Annotated[SslModeParam | str, OpenEnum]
"""How much TLS a connection asks for."""

MappingStatusParam = Annotated[Literal["approved", "pending_review", "rejected"], OpenEnum]
"""`MappingStatus` as an argument: the values that the API takes."""

MappingStatus = Annotated[MappingStatusParam | str, OpenEnum]
"""What was decided on a mapping."""

TransformationTypeParam = Annotated[
    Literal["identity", "type_widening", "encoding_normalize", "type_conversion", "custom"], OpenEnum
]
"""`TransformationType` as an argument: the values that the API takes."""

TransformationType = Annotated[TransformationTypeParam | str, OpenEnum]
"""How a value is changed: not at all, to a wider type, to UTF-8, to another type, by an expression of yours."""

PlanStatus = Annotated[Literal["generating", "ready", "approved", "failed"] | str, OpenEnum]
"""`generating` until the plan exists, `ready` while review is open, `approved` when it is not, `failed` for none."""

RollbackStrategyParam = Annotated[Literal["truncate", "reverse_migration", "point_in_time", "backup_restore"], OpenEnum]
"""`RollbackStrategy` as an argument: the values that the API takes."""

RollbackStrategy = Annotated[RollbackStrategyParam | str, OpenEnum]
"""How to undo: empty the target tables, move data back, the target's own recovery, or a backup."""

RollbackScopeParam = Annotated[Literal["full", "phase", "tables"], OpenEnum]
"""`RollbackScope` as an argument: the values that the API takes."""

RollbackScope = Annotated[RollbackScopeParam | str, OpenEnum]
"""How much to undo."""

MigrationErrorTypeParam = Annotated[
    Literal[
        "encoding_mismatch",
        "type_mismatch",
        "constraint_violation",
        "null_constraint_violation",
        "truncation_warning",
        "network",
        "resource",
        "logic",
    ],
    OpenEnum,
]
"""`MigrationErrorType` as an argument: the values that the API takes."""

MigrationErrorType = Annotated[MigrationErrorTypeParam | str, OpenEnum]
"""What went wrong with the records."""

MigrationErrorStatusParam = Annotated[Literal["open", "retrying", "recovered", "escalated", "resolved"], OpenEnum]
"""`MigrationErrorStatus` as an argument: the values that the API takes."""

MigrationErrorStatus = Annotated[MigrationErrorStatusParam | str, OpenEnum]
"""State of a data error."""

ErrorResolutionTypeParam = Annotated[
    Literal[
        "retry",
        "skip",
        "default",
        "transform",
        "accept_truncation",
        "escalate",
        "apply_default",
        "apply_transformation",
    ],
    OpenEnum,
]
"""`ErrorResolutionType` as an argument: the values that the API takes."""

ErrorResolutionType = Annotated[ErrorResolutionTypeParam | str, OpenEnum]
"""What to do with the records; `apply_default` and `apply_transformation` are older names of `default`, `transform`."""

ValidationTypeParam = Annotated[Literal["quick", "standard", "full", "behavioral_only"], OpenEnum]
"""`ValidationType` as an argument: the values that the API takes."""

ValidationType = Annotated[ValidationTypeParam | str, OpenEnum]
"""`quick`: row counts and spot checks. `standard`: structural, statistical, referential. `full`: all five."""

ValidationStatusParam = Annotated[Literal["pending", "running", "completed", "failed", "cancelled"], OpenEnum]
"""`ValidationStatus` as an argument: the values that the API takes."""

ValidationStatus = Annotated[ValidationStatusParam | str, OpenEnum]
"""State of a validation; `failed` means that the validation itself broke."""

ValidationResultCodeParam = Annotated[Literal["passed", "passed_with_warnings", "failed", "partial"], OpenEnum]
"""`ValidationResultCode` as an argument: the values that the API takes."""

ValidationResultCode = Annotated[ValidationResultCodeParam | str, OpenEnum]
"""What a validation found; `partial`: some checks could not be finished."""

PerspectiveStatus = Annotated[
    Literal["pending", "running", "passed", "passed_with_warnings", "failed", "partial", "skipped"] | str, OpenEnum
]
"""State and result of one perspective."""

Severity = Annotated[Literal["info", "warning", "error", "critical"] | str, OpenEnum]
"""How bad a finding is."""

CertificateStatus = Annotated[Literal["valid", "expired", "revoked"] | str, OpenEnum]
"""What the server says of a certificate; `verify()` tells what is to be thought of it."""

WebhookEventTypeParam = Annotated[
    Literal[
        "migration.created",
        "migration.started",
        "migration.paused",
        "migration.resumed",
        "migration.completed",
        "migration.failed",
        "migration.cancelled",
        "migration.phase.started",
        "migration.phase.completed",
        "migration.phase.failed",
        "approval.required",
        "approval.granted",
        "approval.denied",
        "approval.timeout",
        "error.occurred",
        "error.recovered",
        "error.escalated",
        "error.resolved",
        "validation.started",
        "validation.completed",
        "validation.failed",
        "certificate.generated",
    ],
    OpenEnum,
]
"""`WebhookEventType` as an argument: the values that the API takes."""

WebhookEventType = Annotated[WebhookEventTypeParam | str, OpenEnum]
"""Name of an event."""

WebhookEventPattern = Annotated[
    WebhookEventTypeParam
    | Literal["*", "migration.*", "migration.phase.*", "approval.*", "error.*", "validation.*", "certificate.*"],
    OpenEnum,
]
"""What a webhook may subscribe to: an event, all that begin with a prefix, or everything."""

WebhookDeliveryStatusParam = Annotated[Literal["pending", "delivered", "failed"], OpenEnum]
"""`WebhookDeliveryStatus` as an argument: the values that the API takes."""

WebhookDeliveryStatus = Annotated[WebhookDeliveryStatusParam | str, OpenEnum]
"""`pending`: the next attempt is still to come. `failed`: given up after the last attempt."""

ApiKeyStatus = Annotated[Literal["active", "expired"] | str, OpenEnum]
"""Whether a key still works."""

AuditLogTypeParam = Annotated[Literal["api", "authentication"], OpenEnum]
"""`AuditLogType` as an argument: the values that the API takes."""

AuditLogType = Annotated[AuditLogTypeParam | str, OpenEnum]
"""Kind of record: API calls, or key and sign-in events."""

AuditResultParam = Annotated[Literal["success", "failure", "denied"], OpenEnum]
"""`AuditResult` as an argument: the values that the API takes."""

AuditResult = Annotated[AuditResultParam | str, OpenEnum]
"""How it ended."""

Tier = Annotated[Literal["free", "starter", "professional", "enterprise"] | str, OpenEnum]
"""The plan of the organization."""
