"""Every error that the SDK raises.

    SenseiError
    ├─ ConfigurationError               no key, a bad URL, a missing extra (also ValueError)
    ├─ InvalidArgumentError             refused before anything was sent (also ValueError)
    ├─ APIConnectionError               no answer came
    │   ├─ APITimeoutError              in the time allowed (also TimeoutError)
    │   └─ OutcomeUnknownError          a POST went out and no answer came back
    │       └─ OutcomeUnknownTimeoutError   in the time allowed (also APITimeoutError)
    ├─ APIStatusError                   the server answered with an error
    │   ├─ BadRequestError 400
    │   ├─ AuthenticationError 401
    │   ├─ PermissionDeniedError 403
    │   ├─ NotFoundError 404
    │   ├─ ConflictError 409
    │   │   ├─ InvalidStateError
    │   │   ├─ PlanNotReadyError
    │   │   ├─ ApprovalRequiredError
    │   │   └─ IdempotencyInProgressError
    │   ├─ UnprocessableEntityError 422
    │   │   └─ IdempotencyKeyReuseError
    │   ├─ RateLimitError 429
    │   └─ ServerError 5xx
    │       ├─ InternalServerError 500
    │       └─ ServiceUnavailableError 503
    ├─ APIResponseValidationError       the answer is not what the contract says
    ├─ StreamInterruptedError           a stream was cut and could not be resumed
    ├─ WaitTimeoutError                 a wait was given up (also TimeoutError)
    ├─ MigrationFailedError             from `wait(raise_on_failure=True)`
    ├─ ValidationFailedError            from `wait(raise_on_failure=True)`
    ├─ KeyNotDeletedError               from `api_keys.rotate`: both keys work
    ├─ WebhookVerificationError         a delivery is not to be trusted
    │   └─ DuplicateEventError          it is genuine, and was handled before (in `sensei.webhooks`)
    └─ CertificateVerificationError     a certificate is not valid

Errors hold plain data only: they pickle, they keep no connection alive, and they never hold a credential.
"""

from __future__ import annotations

from sensei.errors._base import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    InvalidArgumentError,
    OutcomeUnknownError,
    OutcomeUnknownTimeoutError,
    RequestSummary,
    SenseiError,
    _rebuild,
)
from sensei.errors._outcomes import (
    APIResponseValidationError,
    CertificateVerificationError,
    KeyNotDeletedError,
    MigrationFailedError,
    NewKey,
    StreamInterruptedError,
    ValidationFailedError,
    WaitTimeoutError,
    WebhookVerificationError,
)
from sensei.errors._status import (
    APIStatusError,
    ApprovalRequiredError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    IdempotencyInProgressError,
    IdempotencyKeyReuseError,
    InternalServerError,
    InvalidStateError,
    NotFoundError,
    PermissionDeniedError,
    PlanNotReadyError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
    UnprocessableEntityError,
    error_class,
)

__all__ = [
    "RequestSummary",
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
    "NewKey",
    "KeyNotDeletedError",
    "WebhookVerificationError",
    "CertificateVerificationError",
    "error_class",
]

# Tracebacks, pickles and reports name an error by where it is imported from, whichever file it is written in.
for _one in (*(globals()[_name] for _name in __all__), _rebuild):
    _one.__module__ = __name__
