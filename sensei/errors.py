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

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """What was asked, with every secret already taken out.

    Attributes:
        method: the HTTP method.
        url: the full URL.
        headers: the headers worth repeating; the credential is a placeholder.
        body: the JSON text that was sent, secrets masked, or None.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str | None = None

    def as_curl(self) -> str:
        """The request as a command for a POSIX shell. It reads the key from `$SENSEI_API_KEY`.

        Returns:
            One line.

        Examples:
            >>> RequestSummary("GET", "https://api.sensei.ai/v1/usage", {"Accept": "application/json"}).as_curl()
            "curl -X GET https://api.sensei.ai/v1/usage -H 'Accept: application/json'"
        """
        import shlex

        parts = ["curl", "-X", self.method, shlex.quote(self.url)]
        for name, value in self.headers.items():
            # Double quotes, so that the shell fills in the key.
            quoted = f'"{name}: {value}"' if value == "Bearer $SENSEI_API_KEY" else shlex.quote(f"{name}: {value}")
            parts += ["-H", quoted]
        if self.body is not None:
            parts += ["--data", shlex.quote(self.body)]
        return " ".join(parts)


class SenseiError(Exception):
    """The base of every error of the SDK.

    Attributes:
        message: what went wrong and what to do next, in one line.
        code: the error code of the platform, or None where there is none.
    """

    message: str
    code: str | None

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__.copy())


def _rebuild(cls: type[SenseiError], args: tuple[object, ...], state: dict[str, object]) -> SenseiError:
    """Unpickle an error without calling its constructor, whose arguments are keywords."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(SenseiError, ValueError):
    """The client cannot be built or used as it is set up: no key, a bad URL, a missing extra, a detached object."""


class InvalidArgumentError(SenseiError, ValueError):
    """An argument was refused before anything was sent."""


class APIConnectionError(SenseiError):
    """No answer came: the host was not found, the connection was refused or cut, or TLS failed.

    Attributes:
        request: what was asked, without secrets; None where nothing was sent yet.
        attempts: how many times it was tried.
    """

    request: RequestSummary | None
    attempts: int

    def __init__(
        self, message: str, *, code: str | None = None, request: RequestSummary | None = None, attempts: int = 1
    ) -> None:
        super().__init__(message, code=code)
        self.request = request
        self.attempts = attempts

    def as_curl(self) -> str:
        """The request as a shell command without any secret.

        Returns:
            One line, or an empty text when nothing was sent.

        Examples:
            >>> asked = RequestSummary("GET", "https://api.sensei.ai/v1/usage")
            >>> APIConnectionError("the connection was refused", request=asked).as_curl()
            'curl -X GET https://api.sensei.ai/v1/usage'
        """
        return self.request.as_curl() if self.request else ""


class APITimeoutError(APIConnectionError, TimeoutError):
    """No answer came in the time allowed. Give a longer `timeout` or `deadline`, in seconds."""


class OutcomeUnknownError(APIConnectionError):
    """A POST was sent and no answer came back, so that it may or may not have happened.

    Make the same call again with `idempotency_key=error.idempotency_key`: the server then does it at most once, and
    answers with what the first one gave if that one arrived.

    Attributes:
        idempotency_key: the key that the call was sent with.
    """

    idempotency_key: str

    def __init__(
        self, message: str, *, idempotency_key: str, request: RequestSummary | None = None, attempts: int = 1
    ) -> None:
        super().__init__(message, request=request, attempts=attempts)
        self.idempotency_key = idempotency_key


class OutcomeUnknownTimeoutError(OutcomeUnknownError, APITimeoutError):
    """A POST was sent and its answer did not come in the time allowed; see `OutcomeUnknownError`."""


class APIStatusError(SenseiError):
    """The server answered with an error status.

    Attributes:
        status_code: the HTTP status.
        code: the code of the contract, such as `migration_not_found`; None when the body was not an error of the API.
        message: the server's sentence.
        documentation_url: a page about the error, or None.
        request_id: the id to give to support, or None.
        details: what else the server said, such as `field` and `reason`; empty when nothing.
        retry_after: seconds to wait before it makes sense to ask again, or None.
        attempts: how many times it was tried.
        headers: the headers of the answer, names in lower case.
        body: the text of the answer, shortened and with secrets masked.
        request: what was asked, without secrets, or None.
    """

    hint: ClassVar[str] = "Look at .body and .details, and give the request id to support if that does not help."

    status_code: int
    documentation_url: str | None
    request_id: str | None
    details: Mapping[str, object]
    retry_after: float | None
    attempts: int
    headers: Mapping[str, str]
    body: str
    request: RequestSummary | None

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        code: str | None = None,
        documentation_url: str | None = None,
        request_id: str | None = None,
        details: Mapping[str, object] | None = None,
        retry_after: float | None = None,
        attempts: int = 1,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        request: RequestSummary | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.status_code = status_code
        self.documentation_url = documentation_url
        self.request_id = request_id
        self.details = details or {}
        self.retry_after = retry_after
        self.attempts = attempts
        self.headers = headers or {}
        self.body = body
        self.request = request

    def __str__(self) -> str:
        about = ", ".join(str(part) for part in (self.code, self.status_code, self.request_id) if part)
        text = f"{self.message} ({about})"
        hint = _HINTS.get(self.code or "") or self.hint
        if hint:
            text += f". {hint}"
        if self.documentation_url:
            text += f" See {self.documentation_url}" if hint else f". See {self.documentation_url}"
        return text

    def as_curl(self) -> str:
        """The request as a shell command without any secret.

        Returns:
            One line, or an empty text when the request is not known.

        Examples:
            >>> asked = RequestSummary("GET", "https://api.sensei.ai/v1/usage")
            >>> ServerError("Out of order", status_code=502, request=asked).as_curl()
            'curl -X GET https://api.sensei.ai/v1/usage'
        """
        return self.request.as_curl() if self.request else ""


class BadRequestError(APIStatusError):
    """400: the request cannot be read."""

    hint = "Check the arguments of the call."


class AuthenticationError(APIStatusError):
    """401: no credential, or one that is unknown, expired or revoked."""

    hint = "Check the API key: api_key=, $SENSEI_API_KEY or the profile."


class PermissionDeniedError(APIStatusError):
    """403: the credential is good but may not do this; `details` names the `required_scope` or the `limit`."""

    hint = "Use a key that has the scope named in .details, or ask an administrator for it."


class NotFoundError(APIStatusError):
    """404: there is no such thing, or it belongs to another organization or environment."""

    hint = "Check the id, and that the key is for the same organization and environment."


class ConflictError(APIStatusError):
    """409: the state of the resource stands in the way."""

    hint = "Fetch the resource again to see its state, and choose another action."


class InvalidStateError(ConflictError):
    """409 `invalid_state`: not possible in the status that the resource is in (`details["current_status"]`)."""


class PlanNotReadyError(ConflictError):
    """409 `plan_not_ready`: there is no plan yet."""


class ApprovalRequiredError(ConflictError):
    """409 `approval_required`: mappings wait for a decision (`details["pending_mappings"]`)."""


class IdempotencyInProgressError(ConflictError):
    """409 `idempotency_in_progress`: the first request with this key has not finished."""


class UnprocessableEntityError(APIStatusError):
    """422: well-formed but not acceptable; `details` names the `field` and the `reason`."""

    hint = ".details names the field and the reason."


class IdempotencyKeyReuseError(UnprocessableEntityError):
    """422 `idempotency_key_reuse`: the key was used for a different request."""


class RateLimitError(APIStatusError):
    """429: a rate limit is used up.

    Attributes:
        retry_after: seconds to wait, or None.
        limit: requests allowed in the window, or None.
        remaining: requests left in the window, or None.
        reset_at: when the window ends, or None.
    """

    hint = "Wait .retry_after seconds, or send fewer requests."

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None


class ServerError(APIStatusError):
    """5xx: the server could not do it."""

    hint = "Try again later; give the request id to support if it stays."


class InternalServerError(ServerError):
    """500: something unforeseen."""


class ServiceUnavailableError(ServerError):
    """503: maintenance or overload."""


class APIResponseValidationError(SenseiError):
    """The answer is not what the contract says, so nothing typed can be made of it.

    Attributes:
        status_code: the HTTP status.
        request_id: the id to give to support, or None.
        body: the text of the answer, shortened and with secrets masked.
        attempts: how many times it was tried.
        request: what was asked, without secrets, or None.
    """

    status_code: int
    request_id: str | None
    body: str
    attempts: int
    request: RequestSummary | None

    def __init__(
        self,
        message: str,
        *,
        status_code: int = 200,
        request_id: str | None = None,
        body: str = "",
        attempts: int = 1,
        request: RequestSummary | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.request_id = request_id
        self.body = body
        self.attempts = attempts
        self.request = request

    def __str__(self) -> str:
        about = ", ".join(str(part) for part in (self.status_code, self.request_id) if part)
        return f"{self.message} ({about})"


class StreamInterruptedError(SenseiError):
    """A stream was cut and could not be resumed.

    Attributes:
        last_event_id: the id of the last event that was handed out; pass it as `last_event_id=` to go on from there.
    """

    last_event_id: str | None

    def __init__(self, message: str, *, last_event_id: str | None = None) -> None:
        super().__init__(message)
        self.last_event_id = last_event_id


class WaitTimeoutError(SenseiError, TimeoutError):
    """A wait was given up; what was waited for goes on.

    Attributes:
        waited: how long was waited, in seconds.
        last_status: the last status that was seen, or None.
    """

    waited: float
    last_status: str | None

    def __init__(self, message: str, *, waited: float = 0.0, last_status: str | None = None) -> None:
        super().__init__(message)
        self.waited = waited
        self.last_status = last_status


class MigrationFailedError(SenseiError):
    """A migration ended otherwise than it was waited for.

    Attributes:
        migration_id: the id of the migration.
        status: the status it ended in.
    """

    migration_id: str
    status: str

    def __init__(self, message: str, *, code: str | None = None, migration_id: str, status: str) -> None:
        super().__init__(message, code=code)
        self.migration_id = migration_id
        self.status = status


class ValidationFailedError(SenseiError):
    """A validation ended otherwise than it was waited for.

    Attributes:
        validation_id: the id of the validation.
        status: the status it ended in.
        result: its result, such as `failed` or `partial`, or None.
    """

    validation_id: str
    status: str
    result: str | None

    def __init__(
        self, message: str, *, code: str | None = None, validation_id: str, status: str, result: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.validation_id = validation_id
        self.status = status
        self.result = result


class NewKey(Protocol):
    """A key that was made: what `KeyNotDeletedError` holds."""

    id: str
    key: str


class KeyNotDeletedError(SenseiError):
    """A new API key works, but the old one that it replaces could not be deleted and works too.

    Attributes:
        new_key: the new key, which the server shows only once; its `key` is masked in print and absent from pickles.
    """

    new_key: NewKey

    def __init__(self, message: str, *, code: str | None = None, new_key: NewKey) -> None:
        super().__init__(message, code=code)
        self.new_key = new_key


class WebhookVerificationError(SenseiError):
    """A webhook delivery is not to be trusted: a wrong or missing signature, too old, or no event at all."""


class CertificateVerificationError(SenseiError):
    """A certificate is not valid.

    Attributes:
        verdict: `expired`, `revoked`, `invalid` or `unverifiable`.
    """

    verdict: str

    def __init__(self, message: str, *, verdict: str) -> None:
        super().__init__(message)
        self.verdict = verdict


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    500: InternalServerError,
    503: ServiceUnavailableError,
}

_BY_CODE: dict[tuple[int, str], type[APIStatusError]] = {
    (409, "invalid_state"): InvalidStateError,
    (409, "plan_not_ready"): PlanNotReadyError,
    (409, "approval_required"): ApprovalRequiredError,
    (409, "idempotency_in_progress"): IdempotencyInProgressError,
    (422, "idempotency_key_reuse"): IdempotencyKeyReuseError,
}

_HINTS = {
    "invalid_request": "Is base_url that of a Sensei server, and the SDK up to date?",
    "method_not_allowed": "Is base_url that of a Sensei server, and the SDK up to date?",
    "unsupported_media_type": "Is base_url that of a Sensei server, and the SDK up to date?",
    "payload_too_large": "Send less at a time.",
    "rollback_not_available": "Choose another strategy; .details tells why this one is not possible.",
    "invalid_state": ".details tells the status it is in; wait for another one, or choose another action.",
    "plan_not_ready": "Wait for the plan with wait_for_plan().",
    "approval_required": "Approve or reject the mappings named in .details first.",
    "concurrent_limit_exceeded": "Wait for a running migration to end, or cancel one.",
    "connection_in_use": "Wait for the migration that uses the connection, or cancel it.",
    "idempotency_in_progress": "Ask again with the same idempotency key in a moment.",
    "idempotency_key_reuse": "Take a new idempotency key for a different request.",
    "connector_unavailable": "The server has no driver for this type of database; install it there.",
    "quota_exceeded": "Delete what is no longer needed, or move to a larger plan.",
    "source_unreachable": "Check the source's host, port, user and password with connections.test().",
    "target_unreachable": "Check the target's host, port, user and password with connections.test().",
    "invalid_client": "Check client_id and client_secret.",
    "invalid_grant": "Sign in again: the code or refresh token is spent, expired or revoked.",
    "unauthorized_client": "Check which grants this OAuth client may use, and from where.",
    "invalid_scope": "Ask for fewer scopes: the OAuth client may not have all of these.",
    "connection_unreachable": "Check host, port, user and password with connections.test().",
}


def error_class(status: int, code: str | None) -> type[APIStatusError]:
    """The class for an HTTP `status` and an error `code`. An unknown code goes by the status."""
    found = _BY_CODE.get((status, code or "")) or _BY_STATUS.get(status)
    if found is None:
        found = ServerError if status >= 500 else APIStatusError
    return found
