"""The official Python client of Sensei, which moves databases and proves it.

    from sensei import Client

    with Client() as client:
        for migration in client.migrations.list():
            print(migration.name, migration.status)

Names arrive on first use: `import sensei` by itself loads next to nothing.
"""

from __future__ import annotations

from sensei._version import __version__

# Type checkers take it for True by its name; importing `typing` for it would cost most of `import sensei`.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from sensei import auth, certificates, errors, models, webhooks
    from sensei._async.client import AsyncClient
    from sensei._async.client import AsyncClient as AsyncSensei
    from sensei._async.pagination import AsyncPage, AsyncPager
    from sensei._async.resources.api_keys import AsyncApiKey, AsyncApiKeyCreated, AsyncApiKeys
    from sensei._async.resources.audit_logs import AsyncAuditLogs
    from sensei._async.resources.certificates import AsyncCertificate, AsyncCertificates
    from sensei._async.resources.connection import AsyncConnection
    from sensei._async.resources.connections import AsyncConnections
    from sensei._async.resources.errors import (
        AsyncErrorBulkResult,
        AsyncErrorResult,
        AsyncMigrationError,
        AsyncMigrationErrors,
    )
    from sensei._async.resources.mapping import AsyncMapping, AsyncMappingBulkResult, AsyncMappingResult
    from sensei._async.resources.mappings import AsyncMappings
    from sensei._async.resources.migration import AsyncMigration, AsyncMigrationSummary
    from sensei._async.resources.migration_plan import AsyncMigrationPlan, AsyncPlanReference
    from sensei._async.resources.migrations import AsyncMigrations
    from sensei._async.resources.oauth import AsyncOAuth
    from sensei._async.resources.service_accounts import (
        AsyncServiceAccountCreated,
        AsyncServiceAccountRecord,
        AsyncServiceAccounts,
    )
    from sensei._async.resources.usage import AsyncUsage
    from sensei._async.resources.validation import AsyncValidation, AsyncValidationReport
    from sensei._async.resources.validation_rules import AsyncValidationRule, AsyncValidationRules
    from sensei._async.resources.validations import AsyncValidations
    from sensei._async.resources.webhook import (
        AsyncWebhook,
        AsyncWebhookBulkResult,
        AsyncWebhookCreated,
        AsyncWebhookResult,
    )
    from sensei._async.resources.webhooks import AsyncWebhooks
    from sensei._async.streaming import AsyncEventStream
    from sensei._deprecations import OperationDeprecatedWarning
    from sensei._hooks import FailureEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent
    from sensei._oauth import AuthorizationRequest
    from sensei._paging import ListDriftWarning
    from sensei._ratelimit import RateLimiter
    from sensei._request import UNSET, Unset
    from sensei._response import RawResponse
    from sensei._retry import RetryPolicy
    from sensei._sync.client import Client
    from sensei._sync.client import Client as Sensei
    from sensei._sync.pagination import Page
    from sensei._sync.resources.api_keys import ApiKey, ApiKeyCreated, ApiKeys
    from sensei._sync.resources.audit_logs import AuditLogs
    from sensei._sync.resources.certificates import Certificate, Certificates
    from sensei._sync.resources.connection import Connection
    from sensei._sync.resources.connections import Connections
    from sensei._sync.resources.errors import ErrorBulkResult, ErrorResult, MigrationError, MigrationErrors
    from sensei._sync.resources.mapping import Mapping, MappingBulkResult, MappingResult
    from sensei._sync.resources.mappings import Mappings
    from sensei._sync.resources.migration import Migration, MigrationSummary
    from sensei._sync.resources.migration_plan import MigrationPlan, PlanReference
    from sensei._sync.resources.migrations import Migrations
    from sensei._sync.resources.oauth import OAuth
    from sensei._sync.resources.service_accounts import ServiceAccountCreated, ServiceAccountRecord, ServiceAccounts
    from sensei._sync.resources.usage import Usage
    from sensei._sync.resources.validation import Validation, ValidationReport
    from sensei._sync.resources.validation_rules import ValidationRule, ValidationRules
    from sensei._sync.resources.validations import Validations
    from sensei._sync.resources.webhook import Webhook, WebhookBulkResult, WebhookCreated, WebhookResult
    from sensei._sync.resources.webhooks import Webhooks
    from sensei._sync.streaming import EventStream
    from sensei.auth import OAuth2ClientCredentials, OAuth2Token, ServiceAccount
    from sensei.certificates import Verdict
    from sensei.errors import (
        APIConnectionError,
        APIResponseValidationError,
        APIStatusError,
        APITimeoutError,
        ApprovalRequiredError,
        AuthenticationError,
        BadRequestError,
        CertificateVerificationError,
        ConfigurationError,
        ConflictError,
        IdempotencyInProgressError,
        IdempotencyKeyReuseError,
        InternalServerError,
        InvalidArgumentError,
        InvalidStateError,
        KeyNotDeletedError,
        MigrationFailedError,
        NotFoundError,
        OutcomeUnknownError,
        OutcomeUnknownTimeoutError,
        PermissionDeniedError,
        PlanNotReadyError,
        RateLimitError,
        SenseiError,
        ServerError,
        ServiceUnavailableError,
        StreamInterruptedError,
        UnprocessableEntityError,
        ValidationFailedError,
        WaitTimeoutError,
        WebhookVerificationError,
    )
    from sensei.models.events import StreamEvent
    from sensei.models.response import RateLimit, ResponseInfo
    from sensei.models.webhook_events import WebhookEvent
    from sensei.webhooks import DuplicateEventError, verify_signature

__all__ = [
    "__version__",
    # The clients
    "Client",
    "AsyncClient",
    "Sensei",
    "AsyncSensei",
    # Settings of a client
    "RetryPolicy",
    "RateLimiter",
    "Hooks",
    "RequestEvent",
    "FailureEvent",
    "ResponseEvent",
    "RetryEvent",
    "UNSET",
    "Unset",
    # Credentials
    "OAuth2ClientCredentials",
    "OAuth2Token",
    "ServiceAccount",
    # What comes back
    "Page",
    "AsyncPage",
    "AsyncPager",
    "EventStream",
    "AsyncEventStream",
    "StreamEvent",
    "Connection",
    "AsyncConnection",
    "Migration",
    "AsyncMigration",
    "MigrationSummary",
    "AsyncMigrationSummary",
    "MigrationPlan",
    "AsyncMigrationPlan",
    "PlanReference",
    "AsyncPlanReference",
    "Mapping",
    "AsyncMapping",
    "MappingResult",
    "AsyncMappingResult",
    "MappingBulkResult",
    "AsyncMappingBulkResult",
    "MigrationError",
    "AsyncMigrationError",
    "ErrorResult",
    "AsyncErrorResult",
    "ErrorBulkResult",
    "AsyncErrorBulkResult",
    "Validation",
    "AsyncValidation",
    "ValidationReport",
    "AsyncValidationReport",
    "ValidationRule",
    "AsyncValidationRule",
    "Certificate",
    "AsyncCertificate",
    "Webhook",
    "AsyncWebhook",
    "WebhookCreated",
    "AsyncWebhookCreated",
    "WebhookResult",
    "AsyncWebhookResult",
    "WebhookBulkResult",
    "AsyncWebhookBulkResult",
    "ApiKey",
    "AsyncApiKey",
    "ApiKeyCreated",
    "AsyncApiKeyCreated",
    "ServiceAccountRecord",
    "AsyncServiceAccountRecord",
    "ServiceAccountCreated",
    "AsyncServiceAccountCreated",
    "AuthorizationRequest",
    "Verdict",
    "WebhookEvent",
    "RawResponse",
    "RateLimit",
    "ResponseInfo",
    # The groups of calls of a client
    "Connections",
    "AsyncConnections",
    "Migrations",
    "AsyncMigrations",
    "Mappings",
    "AsyncMappings",
    "MigrationErrors",
    "AsyncMigrationErrors",
    "Validations",
    "AsyncValidations",
    "ValidationRules",
    "AsyncValidationRules",
    "Certificates",
    "AsyncCertificates",
    "Webhooks",
    "AsyncWebhooks",
    "ApiKeys",
    "AsyncApiKeys",
    "ServiceAccounts",
    "AsyncServiceAccounts",
    "OAuth",
    "AsyncOAuth",
    "AuditLogs",
    "AsyncAuditLogs",
    "Usage",
    "AsyncUsage",
    # Errors
    "SenseiError",
    "ConfigurationError",
    "InvalidArgumentError",
    "APIConnectionError",
    "APITimeoutError",
    "OutcomeUnknownError",
    "OutcomeUnknownTimeoutError",
    "APIStatusError",
    "BadRequestError",
    "AuthenticationError",
    "PermissionDeniedError",
    "NotFoundError",
    "ConflictError",
    "InvalidStateError",
    "PlanNotReadyError",
    "ApprovalRequiredError",
    "IdempotencyInProgressError",
    "UnprocessableEntityError",
    "IdempotencyKeyReuseError",
    "RateLimitError",
    "ServerError",
    "InternalServerError",
    "ServiceUnavailableError",
    "APIResponseValidationError",
    "StreamInterruptedError",
    "WaitTimeoutError",
    "MigrationFailedError",
    "ValidationFailedError",
    "KeyNotDeletedError",
    "WebhookVerificationError",
    "DuplicateEventError",
    "CertificateVerificationError",
    # Warnings
    "ListDriftWarning",
    "OperationDeprecatedWarning",
    # Webhooks
    "verify_signature",
    # Modules
    "auth",
    "certificates",
    "errors",
    "models",
    "webhooks",
]

_HOMES = {
    "sensei._async.client": ("AsyncClient",),
    "sensei._async.pagination": ("AsyncPage", "AsyncPager"),
    "sensei._async.resources.api_keys": ("AsyncApiKey", "AsyncApiKeyCreated", "AsyncApiKeys"),
    "sensei._async.resources.audit_logs": ("AsyncAuditLogs",),
    "sensei._async.resources.certificates": ("AsyncCertificate", "AsyncCertificates"),
    "sensei._async.resources.connection": ("AsyncConnection",),
    "sensei._async.resources.connections": ("AsyncConnections",),
    "sensei._async.resources.errors": (
        "AsyncErrorBulkResult",
        "AsyncErrorResult",
        "AsyncMigrationError",
        "AsyncMigrationErrors",
    ),
    "sensei._async.resources.mapping": ("AsyncMapping", "AsyncMappingBulkResult", "AsyncMappingResult"),
    "sensei._async.resources.mappings": ("AsyncMappings",),
    "sensei._async.resources.migration": ("AsyncMigration", "AsyncMigrationSummary"),
    "sensei._async.resources.migration_plan": ("AsyncMigrationPlan", "AsyncPlanReference"),
    "sensei._async.resources.migrations": ("AsyncMigrations",),
    "sensei._async.resources.oauth": ("AsyncOAuth",),
    "sensei._async.resources.service_accounts": (
        "AsyncServiceAccountCreated",
        "AsyncServiceAccountRecord",
        "AsyncServiceAccounts",
    ),
    "sensei._async.resources.usage": ("AsyncUsage",),
    "sensei._async.resources.validation": ("AsyncValidation", "AsyncValidationReport"),
    "sensei._async.resources.validation_rules": ("AsyncValidationRule", "AsyncValidationRules"),
    "sensei._async.resources.validations": ("AsyncValidations",),
    "sensei._async.resources.webhook": (
        "AsyncWebhook",
        "AsyncWebhookBulkResult",
        "AsyncWebhookCreated",
        "AsyncWebhookResult",
    ),
    "sensei._async.resources.webhooks": ("AsyncWebhooks",),
    "sensei._async.streaming": ("AsyncEventStream",),
    "sensei._hooks": (
        "FailureEvent",
        "Hooks",
        "RequestEvent",
        "ResponseEvent",
        "RetryEvent",
    ),
    "sensei._deprecations": ("OperationDeprecatedWarning",),
    "sensei._oauth": ("AuthorizationRequest",),
    "sensei._paging": ("ListDriftWarning",),
    "sensei._ratelimit": ("RateLimiter",),
    "sensei._request": ("UNSET", "Unset"),
    "sensei._response": ("RawResponse",),
    "sensei._retry": ("RetryPolicy",),
    "sensei._sync.client": ("Client",),
    "sensei._sync.pagination": ("Page",),
    "sensei._sync.resources.api_keys": ("ApiKey", "ApiKeyCreated", "ApiKeys"),
    "sensei._sync.resources.audit_logs": ("AuditLogs",),
    "sensei._sync.resources.certificates": ("Certificate", "Certificates"),
    "sensei._sync.resources.connection": ("Connection",),
    "sensei._sync.resources.connections": ("Connections",),
    "sensei._sync.resources.errors": (
        "ErrorBulkResult",
        "ErrorResult",
        "MigrationError",
        "MigrationErrors",
    ),
    "sensei._sync.resources.mapping": ("Mapping", "MappingBulkResult", "MappingResult"),
    "sensei._sync.resources.mappings": ("Mappings",),
    "sensei._sync.resources.migration": ("Migration", "MigrationSummary"),
    "sensei._sync.resources.migration_plan": ("MigrationPlan", "PlanReference"),
    "sensei._sync.resources.migrations": ("Migrations",),
    "sensei._sync.resources.oauth": ("OAuth",),
    "sensei._sync.resources.service_accounts": ("ServiceAccountCreated", "ServiceAccountRecord", "ServiceAccounts"),
    "sensei._sync.resources.usage": ("Usage",),
    "sensei._sync.resources.validation": ("Validation", "ValidationReport"),
    "sensei._sync.resources.validation_rules": ("ValidationRule", "ValidationRules"),
    "sensei._sync.resources.validations": ("Validations",),
    "sensei._sync.resources.webhook": (
        "Webhook",
        "WebhookBulkResult",
        "WebhookCreated",
        "WebhookResult",
    ),
    "sensei._sync.resources.webhooks": ("Webhooks",),
    "sensei._sync.streaming": ("EventStream",),
    "sensei.auth": ("OAuth2ClientCredentials", "OAuth2Token", "ServiceAccount"),
    "sensei.certificates": ("Verdict",),
    "sensei.errors": (
        "APIConnectionError",
        "APIResponseValidationError",
        "APIStatusError",
        "APITimeoutError",
        "ApprovalRequiredError",
        "AuthenticationError",
        "BadRequestError",
        "CertificateVerificationError",
        "ConfigurationError",
        "ConflictError",
        "IdempotencyInProgressError",
        "IdempotencyKeyReuseError",
        "InternalServerError",
        "InvalidArgumentError",
        "InvalidStateError",
        "KeyNotDeletedError",
        "MigrationFailedError",
        "NotFoundError",
        "OutcomeUnknownError",
        "OutcomeUnknownTimeoutError",
        "PermissionDeniedError",
        "PlanNotReadyError",
        "RateLimitError",
        "SenseiError",
        "ServerError",
        "ServiceUnavailableError",
        "StreamInterruptedError",
        "UnprocessableEntityError",
        "ValidationFailedError",
        "WaitTimeoutError",
        "WebhookVerificationError",
    ),
    "sensei.models.events": ("StreamEvent",),
    "sensei.models.response": ("RateLimit", "ResponseInfo"),
    "sensei.models.webhook_events": ("WebhookEvent",),
    "sensei.webhooks": ("DuplicateEventError", "verify_signature"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
# The same classes, under the names of the platform's documentation.
_ALIASES = {"Sensei": "Client", "AsyncSensei": "AsyncClient"}
_MODULES = {"auth", "certificates", "errors", "models", "webhooks"}

if not TYPE_CHECKING:  # else a misspelt name would pass the type checkers

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        home = _HOME.get(_ALIASES.get(name, name))
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(home), _ALIASES.get(name, name))
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted(__all__)
