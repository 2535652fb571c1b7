"""The open sets of the API: the literals are what is known today, any other text passes."""

from typing import Annotated, Final, Literal

from sensei.models.base import OpenEnum

__all__ = [
    "Environment",
    "Scope",
    "MigrationStatus",
    "FINISHED_STATUSES",
    "PhaseName",
    "PhaseStatus",
    "Strategy",
    "RollbackState",
    "LogLevel",
    "ConnectionType",
    "ConnectionRole",
    "ConnectionStatus",
    "SslMode",
    "MappingStatus",
    "TransformationType",
    "PlanStatus",
    "RollbackStrategy",
    "RollbackScope",
    "MigrationErrorType",
    "MigrationErrorStatus",
    "ErrorResolutionType",
    "ValidationType",
    "ValidationStatus",
    "ValidationResultCode",
    "PerspectiveStatus",
    "Severity",
    "CertificateStatus",
    "WebhookEventType",
    "WebhookDeliveryStatus",
    "ApiKeyStatus",
    "AuditLogType",
    "AuditResult",
    "Tier",
]

Environment = Annotated[Literal["production", "sandbox"] | str, OpenEnum]
"""Which of the two separate worlds a credential and its resources belong to."""

Scope = Annotated[
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
    ]
    | str,
    OpenEnum,
]
"""A permission `resource:verb`. `write` does not imply `read`; the resource of validations is spelled `validation`."""

MigrationStatus = Annotated[
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
    ]
    | str,
    OpenEnum,
]
"""State of a migration."""

FINISHED_STATUSES: Final = frozenset({"completed", "failed", "cancelled", "rolled_back"})
"""The statuses in which a migration does nothing more by itself."""

PhaseName = Annotated[Literal["planning", "schema_migration", "data_transfer", "validation", "cutover"] | str, OpenEnum]
"""One of the five phases, in this order."""

PhaseStatus = Annotated[Literal["pending", "running", "completed", "failed", "skipped"] | str, OpenEnum]
"""State of a phase, or of a table in it."""

Strategy = Annotated[Literal["safe", "balanced", "speed"] | str, OpenEnum]
"""Preset for the trade between pace and caution."""

RollbackState = Annotated[
    Literal["none", "not_required", "initiated", "in_progress", "completed", "failed"] | str, OpenEnum
]
"""How far undoing has come. `none`: never asked for. `not_required`: nothing had been written."""

LogLevel = Annotated[Literal["debug", "info", "warning", "error"] | str, OpenEnum]
"""Weight of a log entry; as a filter, the least weight to be shown."""

ConnectionType = Annotated[
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
    ]
    | str,
    OpenEnum,
]
"""Kind of system behind a connection."""

ConnectionRole = Annotated[Literal["source", "target", "both"] | str, OpenEnum]
"""Side of a migration on which a connection may be used."""

ConnectionStatus = Annotated[Literal["testing", "connected", "failed"] | str, OpenEnum]
"""`testing` while a test runs, `connected` after a good one, `failed` after a bad one."""

SslMode = Annotated[Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | str, OpenEnum]
"""How much TLS a connection asks for."""

MappingStatus = Annotated[Literal["approved", "pending_review", "rejected"] | str, OpenEnum]
"""What was decided on a mapping."""

TransformationType = Annotated[
    Literal["identity", "type_widening", "encoding_normalize", "type_conversion", "custom"] | str, OpenEnum
]
"""How a value is changed: not at all, to a wider type, to UTF-8, to another type, by an expression of yours."""

PlanStatus = Annotated[Literal["generating", "ready", "approved", "failed"] | str, OpenEnum]
"""`generating` until the plan exists, `ready` while review is open, `approved` when it is not, `failed` for none."""

RollbackStrategy = Annotated[
    Literal["truncate", "reverse_migration", "point_in_time", "backup_restore"] | str, OpenEnum
]
"""How to undo: empty the target tables, move data back, the target's own recovery, or a backup."""

RollbackScope = Annotated[Literal["full", "phase", "tables"] | str, OpenEnum]
"""How much to undo."""

MigrationErrorType = Annotated[
    Literal[
        "encoding_mismatch",
        "type_mismatch",
        "constraint_violation",
        "null_constraint_violation",
        "truncation_warning",
        "network",
        "resource",
        "logic",
    ]
    | str,
    OpenEnum,
]
"""What went wrong with the records."""

MigrationErrorStatus = Annotated[Literal["open", "retrying", "recovered", "escalated", "resolved"] | str, OpenEnum]
"""State of a data error."""

ErrorResolutionType = Annotated[
    Literal[
        "retry",
        "skip",
        "default",
        "transform",
        "accept_truncation",
        "escalate",
        "apply_default",
        "apply_transformation",
    ]
    | str,
    OpenEnum,
]
"""What to do with the records; `apply_default` and `apply_transformation` are older names of `default`, `transform`."""

ValidationType = Annotated[Literal["quick", "standard", "full", "behavioral_only"] | str, OpenEnum]
"""`quick`: row counts and spot checks. `standard`: structural, statistical, referential. `full`: all five."""

ValidationStatus = Annotated[Literal["pending", "running", "completed", "failed", "cancelled"] | str, OpenEnum]
"""State of a validation; `failed` means that the validation itself broke."""

ValidationResultCode = Annotated[Literal["passed", "passed_with_warnings", "failed", "partial"] | str, OpenEnum]
"""What a validation found; `partial`: some checks could not be finished."""

PerspectiveStatus = Annotated[
    Literal["pending", "running", "passed", "passed_with_warnings", "failed", "partial", "skipped"] | str, OpenEnum
]
"""State and result of one perspective."""

Severity = Annotated[Literal["info", "warning", "error", "critical"] | str, OpenEnum]
"""How bad a finding is."""

CertificateStatus = Annotated[Literal["valid", "expired", "revoked"] | str, OpenEnum]
"""What the server says of a certificate; `verify()` tells what is to be thought of it."""

WebhookEventType = Annotated[
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
    ]
    | str,
    OpenEnum,
]
"""Name of an event."""

WebhookDeliveryStatus = Annotated[Literal["pending", "delivered", "failed"] | str, OpenEnum]
"""`pending`: the next attempt is still to come. `failed`: given up after the last attempt."""

ApiKeyStatus = Annotated[Literal["active", "expired"] | str, OpenEnum]
"""Whether a key still works."""

AuditLogType = Annotated[Literal["api", "authentication"] | str, OpenEnum]
"""Kind of record: API calls, or key and sign-in events."""

AuditResult = Annotated[Literal["success", "failure", "denied"] | str, OpenEnum]
"""How it ended."""

Tier = Annotated[Literal["free", "starter", "professional", "enterprise"] | str, OpenEnum]
"""The plan of the organization."""
