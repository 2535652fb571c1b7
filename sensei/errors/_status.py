"""Answers that say no: one class for each status and code that a program tells apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sensei.errors._base import RequestSummary, SenseiError


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
