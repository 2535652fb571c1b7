"""Facts of a request and the two forms of answers: JSON and errors."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from sensei.server.errors import ApiError


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is noted of every request."""

    request: Request = field(repr=False)
    request_id: str
    address: str
    user_agent: str | None

    @classmethod
    def of(cls, request: Request) -> RequestFacts:
        """The facts; the request id is the client's own when it is a UUID."""
        return cls(
            request,
            request_id(request.headers.get("x-request-id")),
            request.client.host if request.client else "unknown",
            request.headers.get("user-agent"),
        )


def request_id(sent: str | None) -> str:
    """The UUID sent, or a fresh id.

    Examples:
        >>> request_id("7f0f7c2e-5ad9-4a0c-9d4b-1f3ce7f0b9a1")
        '7f0f7c2e-5ad9-4a0c-9d4b-1f3ce7f0b9a1'
        >>> request_id("mine").startswith("req_")
        True
    """
    if sent is not None and len(sent) == 36:
        try:
            uuid.UUID(sent)
        except ValueError:
            pass
        else:
            return sent
    return f"req_{secrets.token_hex(12)}"


def json_response(content: bytes | None, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer, or one without a body."""
    if content is None:
        return Response(status_code=status, headers=dict(headers or {}))
    return Response(content, status_code=status, media_type="application/json", headers=dict(headers or {}))


def error_response(error: ApiError, facts: RequestFacts) -> Response:
    """The contract's error answer."""
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["Retry-After"] = str(round(error.retry_after))
    return json_response(to_json(error.body(facts.request_id)), error.status, headers)
