"""What an answer other than success looks like.

Raise `ApiError(code, message, ...)` anywhere below a route; the pipeline turns it into the contract's body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STATUS_BY_CODE: dict[str, int] = {
    "invalid_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "quota_exceeded": 403,
    "not_found": 404,
    "migration_not_found": 404,
    "connection_not_found": 404,
    "table_not_found": 404,
    "mapping_not_found": 404,
    "error_not_found": 404,
    "checkpoint_not_found": 404,
    "schedule_not_found": 404,
    "validation_not_found": 404,
    "rule_not_found": 404,
    "certificate_not_found": 404,
    "webhook_not_found": 404,
    "delivery_not_found": 404,
    "api_key_not_found": 404,
    "service_account_not_found": 404,
    "method_not_allowed": 405,
    "invalid_state": 409,
    "plan_not_ready": 409,
    "approval_required": 409,
    "concurrent_limit_exceeded": 409,
    "connection_in_use": 409,
    "rollback_not_available": 409,
    "idempotency_in_progress": 409,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "validation_error": 422,
    "idempotency_key_reuse": 422,
    "connector_unavailable": 422,
    "rate_limited": 429,
    "internal_error": 500,
    "source_unreachable": 502,
    "target_unreachable": 502,
    "connection_unreachable": 502,
    "service_unavailable": 503,
    "upstream_timeout": 504,
}

REASON_CODE_BY_CODE: dict[str, str] = {
    "invalid_request": "E7003",
    "unauthorized": "E7001",
    "forbidden": "E7002",
    "quota_exceeded": "E6005",
    "not_found": "E7004",
    "migration_not_found": "E5002",
    "table_not_found": "E2001",
    "checkpoint_not_found": "E5003",
    "invalid_state": "E7007",
    "concurrent_limit_exceeded": "E5009",
    "payload_too_large": "E7008",
    "unsupported_media_type": "E7009",
    "validation_error": "E7005",
    "rate_limited": "E7006",
    "internal_error": "E6001",
    "source_unreachable": "E1004",
    "target_unreachable": "E1004",
    "connection_unreachable": "E1004",
    "service_unavailable": "E6002",
    "upstream_timeout": "E1004",
}


class ApiError(Exception):
    """An answer with an error body.

    Parameters:
        code: One of the contract's codes; it decides the status.
        message: One sentence for a person, without secrets.
        details: Facts about this failure (`ErrorDetails`).
        retry_after: Seconds to wait; becomes ``Retry-After`` and ``error.retry_after``.
        headers: More response headers.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status: int = STATUS_BY_CODE[code]
        self.details: dict[str, Any] = dict(details or {})
        if code in REASON_CODE_BY_CODE:
            self.details.setdefault("reason_code", REASON_CODE_BY_CODE[code])
        self.retry_after = retry_after
        self.headers: dict[str, str] = dict(headers or {})

    def body(self, request_id: str) -> dict[str, Any]:
        """The contract's error body."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "request_id": request_id}
        if self.details:
            error["details"] = self.details
        if self.retry_after is not None:
            error["retry_after"] = self.retry_after
        return {"error": error}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One offending member or parameter; `reason` is a word of the contract's vocabulary."""

    field: str
    reason: str
    message: str


def invalid(field: str, reason: str, message: str) -> ApiError:
    """422 `validation_error` about one member or parameter."""
    return invalid_fields([FieldProblem(field, reason, message)])


def invalid_fields(problems: Iterable[FieldProblem]) -> ApiError:
    """422 `validation_error`; `details.field` and `.reason` repeat the first problem."""
    found = list(problems)
    first = found[0]
    details: dict[str, Any] = {"field": first.field, "reason": first.reason}
    if len(found) > 1:
        details["errors"] = [{"field": p.field, "reason": p.reason, "message": p.message} for p in found]
    text = f"{first.field}: {first.message}" if first.field else first.message
    return ApiError("validation_error", text, details=details)


def not_found(kind: str, id_: str) -> ApiError:
    """404 of a resource, e.g. ``not_found("migration", "mig_x")`` with the code ``migration_not_found``."""
    return ApiError(f"{kind}_not_found", f"There is no {kind.replace('_', ' ')} with the id {id_[:128]!r}.")
