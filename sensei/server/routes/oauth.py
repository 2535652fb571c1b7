"""The OAuth endpoints, outside /v1: RFC 6749 answers instead of the API's, and one page for people."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from urllib.parse import parse_qsl

import anyio.to_thread
from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sensei.server.auth import access_control
from sensei.server.auth.access_control import Principal
from sensei.server.http.disconnect import Disconnect
from sensei.server.http.rate_limit import RateLimitedError
from sensei.server.oauth import authorize, clients, grants, tokens
from sensei.server.oauth.calls import Call, address_of, read_body, read_call
from sensei.server.oauth.clients import Client
from sensei.server.oauth.errors import OAuthError
from sensei.server.runtime import Runtime
from sensei.server.store.durability import OutcomeUnknownError
from sensei.server.store.oauth_tables import OAuthGrant

log: logging.Logger = logging.getLogger("sensei.server")
router: APIRouter = APIRouter(prefix="/oauth")

_NOT_CACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


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
        raw = await read_body(request)
        fields = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except (OAuthError, ValueError):
        fields = []
    agent = request.headers.get("user-agent")
    take = functools.partial(authorize.take, as_page=_wants_page(request))

    def take_for_good() -> Response:
        response = take(runtime, fields, address_of(request), agent)
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
        call = await read_call(request)

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
