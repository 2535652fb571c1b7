"""The OAuth endpoints, outside /v1: RFC 6749 answers instead of the API's, and one page for people."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from urllib.parse import parse_qsl, unquote_plus

import anyio.to_thread
from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sensei.server import audit
from sensei.server.auth import access_control
from sensei.server.auth.access_control import Principal
from sensei.server.errors import ApiError
from sensei.server.http import request_body
from sensei.server.http.disconnect import Disconnect
from sensei.server.http.messages import request_id
from sensei.server.http.rate_limit import RateLimitedError
from sensei.server.oauth import authorize, clients, grants, tokens
from sensei.server.oauth.clients import Client
from sensei.server.oauth.errors import OAuthError
from sensei.server.runtime import Runtime
from sensei.server.store.durability import OutcomeUnknownError
from sensei.server.store.oauth_tables import OAuthGrant

log: logging.Logger = logging.getLogger("sensei.server")
router: APIRouter = APIRouter(prefix="/oauth")

_MAX_BODY_BYTES = 64 * 1024
_NOT_CACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


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


@router.post("/token", operation_id="oauth.token", response_model=None)
async def token(request: Request) -> Response:
    """Get or refresh a token."""
    return await _answer(request, "oauth.token", _token)


@router.post("/revoke", operation_id="oauth.revoke", response_model=None)
async def revoke(request: Request) -> Response:
    """Revoke a token."""
    return await _answer(request, "oauth.revoke", _revoke)


@router.post("/introspect", operation_id="oauth.introspect", response_model=None)
async def introspect(request: Request) -> Response:
    """Ask about a token."""
    return await _answer(request, "oauth.introspect", _introspect)


@router.get("/authorize", operation_id="oauth.authorize", response_model=None)
async def ask_consent(request: Request) -> Response:
    """The consent page."""
    runtime: Runtime = request.app.state.runtime
    ask = functools.partial(authorize.ask, as_page=_wants_page(request))
    return await _in_thread(runtime, ask, runtime, request.query_params.multi_items())


@router.post("/authorize", include_in_schema=False, response_model=None)
async def take_consent(request: Request) -> Response:
    """What the person answered on the page."""
    runtime: Runtime = request.app.state.runtime
    try:
        raw = await _body(request)
        fields = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except (OAuthError, ValueError):
        fields = []
    agent = request.headers.get("user-agent")
    take = functools.partial(authorize.take, as_page=_wants_page(request))

    def take_for_good() -> Response:
        response = take(runtime, fields, _address(request), agent)
        runtime.store.make_durable()
        return response

    try:
        return await _in_thread(runtime, take_for_good)
    except OutcomeUnknownError as error:
        return _unanswered(error, "oauth.authorize")


def _token(call: Call) -> Response:
    kind = call.needs("grant_type")
    if kind not in ("authorization_code", "client_credentials", "refresh_token"):
        raise OAuthError(
            "unsupported_grant_type", "Known are authorization_code, client_credentials and refresh_token."
        )
    store = call.runtime.store
    with store.read() as session:
        client = call.client(session)
    session = store.begin_write()
    try:
        renewal = _renewal(call, session, client, kind) if kind != "client_credentials" else None
        scopes = _scopes(call, client, renewal)
        signed = tokens.issue(
            session,
            store.vault,
            issuer=call.runtime.origin,
            client=client.principal,
            scopes=scopes,
            grant=renewal.grant if renewal is not None else None,
            now=call.now,
        )
        call.record(session, client.principal, "oauth.token", "success", renewal.grant.id if renewal else None)
        session.commit()
    except OAuthError as error:
        # What a reused code or token brought about must be kept; anything else changes nothing.
        if isinstance(error, grants.ReusedError):
            session.commit()
        session.close()
        with store.write() as session:
            call.record(session, client.principal, "oauth.token", "denied", None, {"error": error.error})
        raise
    finally:
        session.close()
    body: dict[str, str | int] = {
        "access_token": signed,
        "token_type": "Bearer",
        "expires_in": int(tokens.LIFETIME.total_seconds()),
        "scope": " ".join(scopes),
    }
    if renewal is not None:
        body["refresh_token"] = renewal.refresh_token
    return JSONResponse(body, headers=_NOT_CACHED)


def _scopes(call: Call, client: Client, renewal: grants.Renewal | None) -> list[str]:
    asked = call.fields.get("scope")
    if renewal is not None:
        # With a code they were settled by the consent; a refresh may narrow them.
        return clients.scopes_asked(asked if call.fields["grant_type"] == "refresh_token" else None, renewal.scopes)
    if client.is_public:
        raise OAuthError("unauthorized_client", "A public client has no credentials of its own.")
    return clients.scopes_asked(asked, client.principal.scopes)


def _renewal(call: Call, session: Session, client: Client, kind: str) -> grants.Renewal:
    if kind == "refresh_token":
        return grants.renew(session, client_id=client.id, refresh_token=call.needs("refresh_token"), now=call.now)
    return grants.redeem(
        session,
        client_id=client.id,
        code=call.needs("code"),
        redirect_uri=call.needs("redirect_uri"),
        verifier=call.fields.get("code_verifier"),
        now=call.now,
    )


def _revoke(call: Call) -> Response:
    text = call.needs("token")
    with call.runtime.store.write() as session:
        caller = call.caller(session)
        refresh = grants.find_refresh(session, text, call.now)
        access = tokens.check(session, text, call.now) if refresh is None else None
        if refresh is not None:
            _, grant = refresh
            if grant.organization_id == caller.organization_id:
                _may_revoke(caller, grant.client_id, grant)
                grant.revoked_at = call.now
                call.record(session, caller, "oauth.revoke", "success", grant.id)
        elif access is not None and access.row.organization_id == caller.organization_id:
            grant_of = session.get(OAuthGrant, access.row.grant_id) if access.row.grant_id else None
            _may_revoke(caller, access.row.client_id, grant_of)
            access.row.revoked_at = call.now
            call.record(session, caller, "oauth.revoke", "success", access.row.id)
    return Response(status_code=200, headers=_NOT_CACHED)


def _may_revoke(caller: Principal, client_id: str, grant: OAuthGrant | None) -> None:
    """Its own tokens: those made for the client, and those a person consented to; an administrator any."""
    if access_control.grants(caller.scopes, "admin:write"):
        return
    is_client = caller.id == client_id
    is_person = grant is not None and caller.id in (grant.subject, grant.granted_by)
    if not (is_client or is_person):
        raise OAuthError("unauthorized_client", "The token belongs to somebody else; revoking it needs admin:write.")


def _introspect(call: Call) -> Response:
    text = call.needs("token")
    with call.runtime.store.read() as session:
        caller = call.caller(session)
        if not caller.scopes:
            raise OAuthError("invalid_client", "A public client cannot ask about tokens.")
        known = _access_facts(call, session, text) or _refresh_facts(call, session, text)
    mine = known is not None and (known["organization_id"], known["environment"]) == (
        caller.organization_id,
        caller.environment,
    )
    return JSONResponse(known if mine else {"active": False}, headers=_NOT_CACHED)


def _access_facts(call: Call, session: Session, text: str) -> dict[str, object] | None:
    good = tokens.check(session, text, call.now)
    if good is None:
        return None
    members = ("client_id", "sub", "exp", "iat", "iss", "organization_id", "environment")
    return {
        "active": True,
        "scope": " ".join(good.principal.scopes),
        "token_type": "Bearer",
        **{name: good.claims[name] for name in members},
    }


def _refresh_facts(call: Call, session: Session, text: str) -> dict[str, object] | None:
    found = grants.find_refresh(session, text, call.now)
    if found is None:
        return None
    refresh, grant = found
    return {
        "active": True,
        "scope": " ".join(refresh.scopes),
        "client_id": grant.client_id,
        "sub": grant.subject,
        "exp": int(refresh.expires_at.timestamp()),
        "iat": int(refresh.created_at.timestamp()),
        "iss": call.runtime.origin,
        "organization_id": grant.organization_id,
        "environment": grant.environment,
    }


async def _answer(request: Request, operation: str, work: Callable[[Call], Response]) -> Response:
    runtime: Runtime = request.app.state.runtime
    try:
        raw = await _body(request)
        call = Call(
            runtime,
            _fields(raw, request.headers.get("content-type")),
            request.headers.get("authorization"),
            _address(request),
            request.headers.get("user-agent"),
            request_id(request.headers.get("x-request-id")),
        )

        def carry_out() -> Response:
            runtime.count(f"address:{call.address}", operation)
            response = work(call)
            runtime.store.make_durable()
            return response

        return await _in_thread(runtime, carry_out)
    except RateLimitedError as error:
        return _failure(OAuthError("temporarily_unavailable", error.message, status=429, retry_after=error.retry_after))
    except OAuthError as error:
        return _failure(error)
    except OutcomeUnknownError as error:
        return _unanswered(error, operation)
    except Exception:
        log.exception("unforeseen failure", extra={"operation": operation})
        return _failure(OAuthError("server_error", "Something unforeseen happened; nothing was done.", status=500))


def _unanswered(error: OutcomeUnknownError, operation: str) -> Response:
    log.critical("a call is not answered: %s", error, extra={"operation": operation})
    return Disconnect()


def _failure(error: OAuthError) -> Response:
    headers = dict(_NOT_CACHED)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="sensei", charset="UTF-8"'
    if error.retry_after is not None:
        headers["Retry-After"] = str(round(error.retry_after))
    return JSONResponse(error.body(), status_code=error.status, headers=headers)


async def _in_thread(runtime: Runtime, work: Callable[..., Response], *arguments: object) -> Response:
    return await anyio.to_thread.run_sync(functools.partial(work, *arguments), limiter=runtime.threads)


def _wants_page(request: Request) -> bool:
    """Whether a person's browser asks; programs that take anything get JSON."""
    return "text/html" in request.headers.get("accept", "")


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


async def _body(request: Request) -> bytes:
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
