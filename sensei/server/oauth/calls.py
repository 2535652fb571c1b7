"""One call of an OAuth endpoint: what it says, and who proves to make it."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from urllib.parse import parse_qsl, unquote_plus

from sqlalchemy.orm import Session
from starlette.requests import Request

from sensei.server import audit
from sensei.server.auth import access_control
from sensei.server.auth.access_control import Principal
from sensei.server.errors import ApiError
from sensei.server.http import request_body
from sensei.server.http.messages import request_id
from sensei.server.oauth import clients
from sensei.server.oauth.clients import Client
from sensei.server.oauth.errors import OAuthError
from sensei.server.runtime import Runtime

_MAX_BODY_BYTES = 64 * 1024


@dataclass(slots=True)
class Call:
    """One call of an OAuth endpoint."""

    runtime: Runtime
    fields: dict[str, str] = field(repr=False)
    """Members of the body, without empty ones."""
    authorization: str | None = field(repr=False)
    address: str
    user_agent: str | None
    request_id: str

    @property
    def now(self) -> datetime:
        return self.runtime.settings.clock.now()

    def needs(self, name: str) -> str:
        """A member that must be there."""
        if name not in self.fields:
            raise OAuthError("invalid_request", f"{name} is missing.")
        return self.fields[name]

    def client(self, session: Session) -> Client:
        """The client that calls, proved by HTTP Basic or in the body."""
        basic = _basic(self.authorization)
        if basic is not None and "client_secret" in self.fields:
            raise OAuthError("invalid_request", "Send the client's secret in one place: the header or the body.")
        client_id, secret = basic or (self.fields.get("client_id"), self.fields.get("client_secret"))
        if basic is not None and self.fields.get("client_id", client_id) != client_id:
            raise OAuthError("invalid_request", "The header and the body name different clients.")
        return clients.authenticate(session, client_id, secret, self.address, self.now)

    def caller(self, session: Session) -> Principal:
        """Who calls, by a bearer credential or as a client; a public one proves nothing and passes as itself."""
        scheme = (self.authorization or "").partition(" ")[0].lower()
        if scheme != "bearer":
            client = self.client(session)
            return dataclasses.replace(client.principal, scopes=()) if client.is_public else client.principal
        try:
            principal = access_control.authenticate(session, self.authorization, self.now)
            access_control.check_address(principal, self.address)
        except ApiError as error:
            raise OAuthError("invalid_client", error.message) from None
        return principal

    def record(
        self,
        session: Session,
        principal: Principal,
        action: str,
        result: str,
        resource: str | None,
        details: dict[str, str] | None = None,
    ) -> None:
        """Note the call in the audit log."""
        audit.record(
            session,
            principal=principal,
            now=self.now,
            action=action,
            resource=resource,
            result=result,
            request_id=self.request_id,
            ip_address=self.address,
            user_agent=self.user_agent,
            details=dict(details or {}),
        )


async def read_call(request: Request) -> Call:
    """The call that a request is.

    Raises:
        OAuthError: `invalid_request`: Its body cannot be read.
    """
    raw = await read_body(request)
    return Call(
        request.app.state.runtime,
        _fields(raw, request.headers.get("content-type")),
        request.headers.get("authorization"),
        address_of(request),
        request.headers.get("user-agent"),
        request_id(request.headers.get("x-request-id")),
    )


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "unknown"


async def read_body(request: Request) -> bytes:
    """The body of a request, bounded in size and in time.

    Raises:
        OAuthError: `invalid_request`: It is over either bound.
    """
    runtime: Runtime = request.app.state.runtime
    try:
        raw = await request_body.read(request, _MAX_BODY_BYTES, runtime.settings.body_timeout_seconds)
    except request_body.SlowBodyError:
        raise OAuthError("invalid_request", "The body did not arrive in time.") from None
    if raw is None:
        raise OAuthError("invalid_request", f"The body is over {_MAX_BODY_BYTES} bytes.")
    return raw


def _fields(raw: bytes, content_type: str | None) -> dict[str, str]:
    """The members of a form or a JSON object; an empty one counts as absent, a repeated one is refused."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    try:
        if media_type == "application/json":
            data = json.loads(raw)
            if not isinstance(data, dict):
                raise OAuthError("invalid_request", "The body must be an object.")
            pairs = list(cast("Mapping[str, object]", data).items())
            if any(not isinstance(value, str) for _, value in pairs):
                raise OAuthError("invalid_request", "Members of the body must be strings.")
            members = cast("list[tuple[str, str]]", pairs)
        else:
            members = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
        for name, value in members:
            f"{name}{value}".encode()  # JSON can hold halves of characters, which are no text
    except (ValueError, RecursionError):
        raise OAuthError("invalid_request", "The body can be read neither as a form nor as JSON.") from None
    if len({name for name, _ in members}) != len(members):
        raise OAuthError("invalid_request", "A parameter is there more than once.")
    return {name: value for name, value in members if value}


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Client id and secret of an HTTP Basic header, each form-encoded inside it (RFC 6749, 2.3.1)."""
    scheme, _, text = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(text.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon, client_id, secret = "", "", ""
    if not colon:
        raise OAuthError("invalid_client", "The Authorization header is not HTTP Basic.")
    return unquote_plus(client_id), unquote_plus(secret)
