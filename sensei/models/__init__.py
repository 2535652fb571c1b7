"""Everything that comes over the wire, as pydantic models; `sensei.models.params` has the types of what goes out.

Classes whose name ends in `Data` are the plain data of live objects, the same for both clients. Names arrive on
first use, so that importing one of these modules does not load the others.
"""

from __future__ import annotations

# Type checkers take it for True by its name; importing `typing` for it would cost more than all the rest.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from sensei.models import params
    from sensei.models.api_keys import (
        ApiKeyCreatedData,
        ApiKeyData,
    )
    from sensei.models.audit_logs import (
        AuditActor,
        AuditLog,
    )
    from sensei.models.base import (
        BulkResult,
        BulkSummary,
        Model,
        Pagination,
        Problem,
    )
    from sensei.models.certificates import (
        Attestations,
        CertificateArtifact,
        CertificateData,
        CertificateException,
        CertificateFindings,
        JsonWebKey,
        JsonWebKeySet,
    )
    from sensei.models.connections import (
        ConnectionData,
        ConnectionOptions,
        ConnectionTestResult,
    )
    from sensei.models.database_schemas import (
        DatabaseSchema,
        PreviewColumn,
        SchemaColumn,
        SchemaForeignKey,
        SchemaIndex,
        SchemaNamespace,
        SchemaReference,
        SchemaSummary,
        SchemaTable,
        TablePreview,
    )
    from sensei.models.enums import (
        ApiKeyStatus,
        AuditLogType,
        AuditResult,
        CertificateStatus,
        ConnectionRole,
        ConnectionStatus,
        ConnectionType,
        Environment,
        ErrorResolutionType,
        LogLevel,
        MappingStatus,
        MigrationErrorStatus,
        MigrationErrorType,
        MigrationStatus,
        PerspectiveStatus,
        PhaseName,
        PhaseStatus,
        PlanStatus,
        RollbackScope,
        RollbackState,
        RollbackStrategy,
        Scope,
        Severity,
        SslMode,
        Strategy,
        Tier,
        TransformationType,
        ValidationResultCode,
        ValidationStatus,
        ValidationType,
        WebhookDeliveryStatus,
        WebhookEventType,
    )
    from sensei.models.events import (
        EndEvent,
        ErrorEvent,
        LogEvent,
        PhaseEvent,
        ProgressEvent,
        StatusEvent,
        StreamEvent,
        UnknownEvent,
        parse_stream_event,
    )
    from sensei.models.mappings import (
        ColumnRef,
        MappingData,
        MigrationPlanData,
        PlanPhase,
        PlanReferenceData,
        PlanRisk,
        PlanSummary,
    )
    from sensei.models.migration_actions import (
        ActionResult,
        CancelResult,
        MigrationDeleted,
        PauseResult,
        ResumeResult,
        StartResult,
    )
    from sensei.models.migration_errors import (
        ErrorAnalysis,
        ErrorContext,
        ErrorDescription,
        ErrorImpact,
        ErrorResolution,
        MigrationErrorData,
    )
    from sensei.models.migration_reports import (
        MigrationMetrics,
        MigrationStatusReport,
        QualityMetrics,
        ResourceMetrics,
        StatusErrors,
        StatusPhase,
        StatusProgress,
        StatusTiming,
        TableMetrics,
        ThroughputMetrics,
    )
    from sensei.models.migrations import (
        LogEntry,
        MigrationCounters,
        MigrationData,
        MigrationOptions,
        MigrationProgress,
        MigrationSource,
        MigrationSummaryData,
        MigrationTarget,
        MigrationTiming,
        Notifications,
        PhaseProgress,
        TypeMapping,
    )
    from sensei.models.oauth import (
        OAuthIntrospection,
        OAuthTokenResponse,
    )
    from sensei.models.response import (
        RateLimit,
        ResponseInfo,
    )
    from sensei.models.rollbacks import (
        Checkpoint,
        RestoreResult,
        RollbackResult,
        RollbackStatus,
        RollbackVerification,
    )
    from sensei.models.schedules import (
        MaintenanceWindow,
        Schedule,
        ScheduleBehavior,
    )
    from sensei.models.service_accounts import (
        ServiceAccountCreatedData,
        ServiceAccountCredentials,
        ServiceAccountData,
    )
    from sensei.models.usage import (
        MigrationUsage,
        RequestUsage,
        UsageReport,
    )
    from sensei.models.validations import (
        BehavioralResult,
        Perspective,
        ReferentialResult,
        RuleOutcome,
        SemanticResult,
        StatisticalResult,
        StructuralResult,
        ValidationData,
        ValidationIssue,
        ValidationOptions,
        ValidationReportData,
        ValidationResults,
        ValidationRuleData,
    )
    from sensei.models.webhook_events import (
        ApprovalEventData,
        ApprovalWebhookEvent,
        CertificateEventData,
        CertificateWebhookEvent,
        ErrorEventData,
        ErrorWebhookEvent,
        MigrationEventData,
        MigrationWebhookEvent,
        PhaseEventData,
        PhaseWebhookEvent,
        UnknownWebhookEvent,
        ValidationEventData,
        ValidationWebhookEvent,
        WebhookEvent,
        WebhookMetadata,
    )
    from sensei.models.webhooks import (
        WebhookAttempt,
        WebhookCreatedData,
        WebhookData,
        WebhookDelivery,
        parse_webhook_event,
    )

__all__ = [
    "Model",
    "Problem",
    "Pagination",
    "BulkResult",
    "BulkSummary",
    "RateLimit",
    "ResponseInfo",
    "Environment",
    "Scope",
    "MigrationStatus",
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
    "ConnectionData",
    "ConnectionOptions",
    "ConnectionTestResult",
    "DatabaseSchema",
    "SchemaSummary",
    "SchemaNamespace",
    "SchemaTable",
    "SchemaColumn",
    "SchemaForeignKey",
    "SchemaReference",
    "SchemaIndex",
    "TablePreview",
    "PreviewColumn",
    "MigrationData",
    "MigrationSummaryData",
    "MigrationSource",
    "MigrationTarget",
    "MigrationOptions",
    "MigrationProgress",
    "MigrationCounters",
    "MigrationTiming",
    "Notifications",
    "PhaseProgress",
    "TypeMapping",
    "ActionResult",
    "StartResult",
    "PauseResult",
    "ResumeResult",
    "CancelResult",
    "MigrationDeleted",
    "LogEntry",
    "MaintenanceWindow",
    "Schedule",
    "ScheduleBehavior",
    "ColumnRef",
    "MappingData",
    "MigrationPlanData",
    "PlanPhase",
    "PlanReferenceData",
    "PlanRisk",
    "PlanSummary",
    "MigrationMetrics",
    "MigrationStatusReport",
    "QualityMetrics",
    "ResourceMetrics",
    "StatusErrors",
    "StatusPhase",
    "StatusProgress",
    "StatusTiming",
    "TableMetrics",
    "ThroughputMetrics",
    "Checkpoint",
    "RestoreResult",
    "RollbackResult",
    "RollbackStatus",
    "RollbackVerification",
    "MigrationErrorData",
    "ErrorAnalysis",
    "ErrorContext",
    "ErrorDescription",
    "ErrorImpact",
    "ErrorResolution",
    "LogEvent",
    "ProgressEvent",
    "PhaseEvent",
    "StatusEvent",
    "ErrorEvent",
    "EndEvent",
    "UnknownEvent",
    "StreamEvent",
    "parse_stream_event",
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
    "CertificateData",
    "Attestations",
    "CertificateArtifact",
    "CertificateException",
    "CertificateFindings",
    "JsonWebKey",
    "JsonWebKeySet",
    "WebhookEvent",
    "parse_webhook_event",
    "WebhookData",
    "WebhookCreatedData",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookMetadata",
    "MigrationEventData",
    "PhaseEventData",
    "ApprovalEventData",
    "ErrorEventData",
    "ValidationEventData",
    "CertificateEventData",
    "MigrationWebhookEvent",
    "PhaseWebhookEvent",
    "ApprovalWebhookEvent",
    "ErrorWebhookEvent",
    "ValidationWebhookEvent",
    "CertificateWebhookEvent",
    "UnknownWebhookEvent",
    "ApiKeyData",
    "ApiKeyCreatedData",
    "ServiceAccountData",
    "ServiceAccountCreatedData",
    "ServiceAccountCredentials",
    "AuditActor",
    "AuditLog",
    "MigrationUsage",
    "RequestUsage",
    "UsageReport",
    "OAuthIntrospection",
    "OAuthTokenResponse",
    # What goes out
    "params",
]

_HOMES = {
    "api_keys": "ApiKeyCreatedData ApiKeyData",
    "audit_logs": "AuditActor AuditLog",
    "base": "BulkResult BulkSummary Model Pagination Problem",
    "certificates": (
        "Attestations CertificateArtifact CertificateData CertificateException CertificateFindings JsonWebKey "
        "JsonWebKeySet "
    ),
    "connections": "ConnectionData ConnectionOptions ConnectionTestResult",
    "database_schemas": (
        "DatabaseSchema PreviewColumn SchemaColumn SchemaForeignKey SchemaIndex SchemaNamespace "
        "SchemaReference SchemaSummary SchemaTable TablePreview"
    ),
    "enums": (
        "ApiKeyStatus AuditLogType AuditResult CertificateStatus ConnectionRole ConnectionStatus "
        "ConnectionType Environment ErrorResolutionType LogLevel MappingStatus MigrationErrorStatus "
        "MigrationErrorType MigrationStatus PerspectiveStatus PhaseName PhaseStatus PlanStatus RollbackScope "
        "RollbackState RollbackStrategy Scope Severity SslMode Strategy Tier TransformationType "
        "ValidationResultCode ValidationStatus ValidationType WebhookDeliveryStatus WebhookEventType "
    ),
    "events": (
        "EndEvent ErrorEvent LogEvent PhaseEvent ProgressEvent StatusEvent StreamEvent UnknownEvent parse_stream_event "
    ),
    "mappings": "ColumnRef MappingData MigrationPlanData PlanPhase PlanReferenceData PlanRisk PlanSummary",
    "migration_actions": "ActionResult CancelResult MigrationDeleted PauseResult ResumeResult StartResult",
    "migration_errors": ("ErrorAnalysis ErrorContext ErrorDescription ErrorImpact ErrorResolution MigrationErrorData "),
    "migration_reports": (
        "MigrationMetrics MigrationStatusReport QualityMetrics ResourceMetrics StatusErrors StatusPhase "
        "StatusProgress StatusTiming TableMetrics ThroughputMetrics "
    ),
    "migrations": (
        "LogEntry MigrationCounters MigrationData MigrationOptions MigrationProgress MigrationSource "
        "MigrationSummaryData MigrationTarget MigrationTiming Notifications PhaseProgress TypeMapping "
    ),
    "oauth": "OAuthIntrospection OAuthTokenResponse",
    "response": "RateLimit ResponseInfo",
    "rollbacks": "Checkpoint RestoreResult RollbackResult RollbackStatus RollbackVerification",
    "schedules": "MaintenanceWindow Schedule ScheduleBehavior",
    "service_accounts": "ServiceAccountCreatedData ServiceAccountCredentials ServiceAccountData",
    "usage": "MigrationUsage RequestUsage UsageReport",
    "validations": (
        "BehavioralResult Perspective ReferentialResult RuleOutcome SemanticResult StatisticalResult "
        "StructuralResult ValidationData ValidationIssue ValidationOptions ValidationReportData "
        "ValidationResults ValidationRuleData "
    ),
    "webhook_events": (
        "ApprovalEventData ApprovalWebhookEvent CertificateEventData CertificateWebhookEvent ErrorEventData "
        "ErrorWebhookEvent MigrationEventData MigrationWebhookEvent PhaseEventData PhaseWebhookEvent "
        "UnknownWebhookEvent ValidationEventData ValidationWebhookEvent WebhookEvent WebhookMetadata "
    ),
    "webhooks": ("WebhookAttempt WebhookCreatedData WebhookData WebhookDelivery parse_webhook_event "),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

if not TYPE_CHECKING:  # else a misspelt name would pass the type checkers

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name == "params":
            return import_module("sensei.models.params")
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted(__all__)
