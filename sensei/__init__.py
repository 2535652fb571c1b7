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
    from sensei._async.resources.api_keys import AsyncApiKey
    from sensei._async.resources.certificates import AsyncCertificate
    from sensei._async.resources.connections import AsyncConnection
    from sensei._async.resources.errors import AsyncMigrationError
    from sensei._async.resources.mappings import AsyncMapping
    from sensei._async.resources.migration import AsyncMigration, AsyncMigrationPlan, AsyncMigrationSummary
    from sensei._async.resources.validation_rules import AsyncValidationRule
    from sensei._async.resources.validations import AsyncValidation, AsyncValidationReport
    from sensei._async.resources.webhooks import AsyncWebhook
    from sensei._async.streaming import AsyncEventStream
    from sensei._hooks import FailureEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent
    from sensei._notices import OperationDeprecatedWarning
    from sensei._paging import ListDriftWarning
    from sensei._ratelimit import RateLimiter
    from sensei._request import UNSET, Unset
    from sensei._response import RawResponse
    from sensei._retry import RetryPolicy
    from sensei._sync.client import Client
    from sensei._sync.client import Client as Sensei
    from sensei._sync.pagination import Page
    from sensei._sync.resources.api_keys import ApiKey
    from sensei._sync.resources.certificates import Certificate
    from sensei._sync.resources.connections import Connection
    from sensei._sync.resources.errors import MigrationError
    from sensei._sync.resources.mappings import Mapping
    from sensei._sync.resources.migration import Migration, MigrationPlan, MigrationSummary
    from sensei._sync.resources.validation_rules import ValidationRule
    from sensei._sync.resources.validations import Validation, ValidationReport
    from sensei._sync.resources.webhooks import Webhook
    from sensei._sync.streaming import EventStream
    from sensei.auth import OAuth2ClientCredentials, OAuth2Token, ServiceAccount
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
    from sensei.models.response import RateLimit, ResponseInfo
    from sensei.webhooks import verify_signature

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
    "EventStream",
    "AsyncEventStream",
    "Connection",
    "AsyncConnection",
    "Migration",
    "MigrationSummary",
    "MigrationPlan",
    "AsyncMigration",
    "AsyncMigrationSummary",
    "AsyncMigrationPlan",
    "Mapping",
    "AsyncMapping",
    "MigrationError",
    "AsyncMigrationError",
    "Validation",
    "ValidationReport",
    "AsyncValidation",
    "AsyncValidationReport",
    "ValidationRule",
    "AsyncValidationRule",
    "Certificate",
    "AsyncCertificate",
    "Webhook",
    "AsyncWebhook",
    "ApiKey",
    "AsyncApiKey",
    "AsyncPager",
    "RawResponse",
    "RateLimit",
    "ResponseInfo",
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
    "sensei._async.resources.api_keys": ("AsyncApiKey",),
    "sensei._async.resources.certificates": ("AsyncCertificate",),
    "sensei._async.resources.connections": ("AsyncConnection",),
    "sensei._async.resources.errors": ("AsyncMigrationError",),
    "sensei._async.resources.mappings": ("AsyncMapping",),
    "sensei._async.resources.migration": ("AsyncMigration", "AsyncMigrationPlan", "AsyncMigrationSummary"),
    "sensei._async.resources.validation_rules": ("AsyncValidationRule",),
    "sensei._async.resources.validations": ("AsyncValidation", "AsyncValidationReport"),
    "sensei._async.resources.webhooks": ("AsyncWebhook",),
    "sensei._async.streaming": ("AsyncEventStream",),
    "sensei._hooks": ("FailureEvent", "Hooks", "RequestEvent", "ResponseEvent", "RetryEvent"),
    "sensei._notices": ("OperationDeprecatedWarning",),
    "sensei._paging": ("ListDriftWarning",),
    "sensei._ratelimit": ("RateLimiter",),
    "sensei._request": ("UNSET", "Unset"),
    "sensei._response": ("RawResponse",),
    "sensei._retry": ("RetryPolicy",),
    "sensei._sync.client": ("Client",),
    "sensei._sync.pagination": ("Page",),
    "sensei._sync.resources.api_keys": ("ApiKey",),
    "sensei._sync.resources.certificates": ("Certificate",),
    "sensei._sync.resources.connections": ("Connection",),
    "sensei._sync.resources.errors": ("MigrationError",),
    "sensei._sync.resources.mappings": ("Mapping",),
    "sensei._sync.resources.migration": ("Migration", "MigrationPlan", "MigrationSummary"),
    "sensei._sync.resources.validation_rules": ("ValidationRule",),
    "sensei._sync.resources.validations": ("Validation", "ValidationReport"),
    "sensei._sync.resources.webhooks": ("Webhook",),
    "sensei._sync.streaming": ("EventStream",),
    "sensei.auth": ("OAuth2ClientCredentials", "OAuth2Token", "ServiceAccount"),
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
    "sensei.models.response": ("RateLimit", "ResponseInfo"),
    "sensei.webhooks": ("verify_signature",),
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
        return sorted({*globals(), *__all__})
