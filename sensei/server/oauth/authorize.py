"""The authorization endpoint: check the request, ask the person, send the browser back with the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from sensei.server import audit
from sensei.server.auth import access_control
from sensei.server.auth.access_control import Principal
from sensei.server.errors import ApiError
from sensei.server.oauth import clients, consent, grants
from sensei.server.oauth.errors import OAuthError
from sensei.server.runtime import Runtime
from sensei.server.store.oauth_tables import OAuthClient

_PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43,128}")


class _BadLinkError(OAuthError):
    """The request cannot even be answered to the application; whoever sent it is told instead."""

    def answer(self, *, as_page: bool) -> Response:
        headers = consent.security_headers()
        if as_page:
            return HTMLResponse(consent.error_page(self.description), status_code=400, headers=headers)
        return JSONResponse(self.body(), status_code=400, headers=headers)


class _NotTakenError(Exception):
    """The person's answer is not taken; it sees the page again with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    client: OAuthClient
    redirect_uri: str
    state: str | None
    named_scope: str | None
    code_challenge: str | None
    fields: dict[str, str]

    def back(self, answer: dict[str, str]) -> Response:
        """The browser's way back to the application."""
        if self.state is not None:
            answer = {**answer, "state": self.state}
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return RedirectResponse(consent.redirect_to(self.redirect_uri, answer), status_code=302, headers=headers)

    def page(self, scopes: list[str], problem: str = "") -> Response:
        """The question."""
        text = consent.consent_page(
            application=self.client.name,
            scopes=scopes,
            environment=self.client.environment,
            redirect_uri=self.redirect_uri,
            fields=self.fields,
            problem=problem,
        )
        headers = consent.security_headers(self.redirect_uri)
        return HTMLResponse(text, status_code=400 if problem else 200, headers=headers)


_Next = Callable[[_Request, list[str]], Response]


def ask(runtime: Runtime, parameters: Iterable[tuple[str, str]], *, as_page: bool) -> Response:
    """Answer `GET /oauth/authorize`.

    Parameters:
        as_page: Whether a link that does not work is explained to a person; otherwise it is an RFC 6749 body.
    """
    return _guarded(runtime, parameters, lambda request, scopes: request.page(scopes), as_page=as_page)


def take(
    runtime: Runtime,
    parameters: Iterable[tuple[str, str]],
    address: str,
    user_agent: str | None,
    *,
    as_page: bool,
) -> Response:
    """Answer the form of the page."""
    given = list(parameters)
    extra = {name: value for name, value in given if name in ("api_key", "decision")}

    def decide(request: _Request, scopes: list[str]) -> Response:
        if extra.get("decision") != "allow":
            return request.back({"error": "access_denied", "error_description": "The person said no."})
        try:
            with runtime.store.write() as session:
                code = _grant(runtime, session, request, scopes, extra.get("api_key", ""), address, user_agent)
        except _NotTakenError as error:
            return request.page(scopes, str(error))
        return request.back({"code": code})

    return _guarded(runtime, [pair for pair in given if pair[0] not in extra], decide, as_page=as_page)


def _guarded(runtime: Runtime, parameters: Iterable[tuple[str, str]], go_on: _Next, *, as_page: bool) -> Response:
    given = [(name, value) for name, value in parameters if name in _PARAMETERS and value]
    try:
        with runtime.store.read() as session:
            request = _checked_target(session, given)
        try:
            scopes = _checked_rest(request, given)
        except OAuthError as error:
            return request.back(error.body())
    except _BadLinkError as error:
        return error.answer(as_page=as_page)
    return go_on(request, scopes)


def _checked_target(session: Session, given: list[tuple[str, str]]) -> _Request:
    fields = dict(given)
    for name in ("client_id", "redirect_uri"):
        if sum(1 for key, _ in given if key == name) != 1:
            raise _BadLinkError(
                "invalid_request", f"The application that sent you here gave no {name}, or more than one."
            )
    client = session.get(OAuthClient, fields["client_id"])
    if client is None:
        raise _BadLinkError("invalid_client", "The application that sent you here is not registered with this server.")
    if not clients.may_redirect_to(client, fields["redirect_uri"]):
        raise _BadLinkError(
            "invalid_request", f"{client.name} asked for an answer to an address that is not registered for it."
        )
    return _Request(
        client=client,
        redirect_uri=fields["redirect_uri"],
        state=fields.get("state"),
        named_scope=fields.get("scope"),
        code_challenge=fields.get("code_challenge"),
        fields=fields,
    )


def _checked_rest(request: _Request, given: list[tuple[str, str]]) -> list[str]:
    if len(request.fields) != len(given):
        raise OAuthError("invalid_request", "A parameter is there more than once.")
    if request.fields.get("response_type") != "code":
        missing = "response_type" not in request.fields
        raise OAuthError("invalid_request" if missing else "unsupported_response_type", "response_type must be code.")
    challenge = request.code_challenge
    if challenge is None:
        if request.client.secret_hash is None:
            raise OAuthError("invalid_request", "A public client must send a code_challenge (PKCE).")
        if "code_challenge_method" in request.fields:
            raise OAuthError("invalid_request", "There is a code_challenge_method without a code_challenge.")
    elif request.fields.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256.")
    elif not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge must have 43 to 128 characters of base64url.")
    return clients.scopes_asked(request.named_scope, request.client.scopes)


def _grant(
    runtime: Runtime,
    session: Session,
    request: _Request,
    scopes: list[str],
    api_key: str,
    address: str,
    user_agent: str | None,
) -> str:
    now = runtime.settings.clock.now()
    person = _person(session, runtime, request.client, api_key.strip(), address)
    lacking = [scope for scope in scopes if not access_control.grants(person.scopes, scope)]
    if lacking and request.named_scope is not None:
        raise _NotTakenError(f"This key may not do that itself: {', '.join(lacking)}. Use another key.")
    granted = [scope for scope in scopes if scope not in lacking]
    if not granted:
        raise _NotTakenError("This key may do nothing of what the application asks for. Use another key.")
    code = grants.consent(
        session,
        client=request.client,
        giver=person,
        scopes=granted,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        now=now,
    )
    audit.record(
        session,
        principal=person,
        now=now,
        action="oauth.authorize",
        resource=request.client.id,
        result="success",
        ip_address=address,
        user_agent=user_agent,
        details={"scopes": granted},
    )
    return code


def _person(session: Session, runtime: Runtime, client: OAuthClient, api_key: str, address: str) -> Principal:
    unknown = "This is no API key of this environment. Check it and try again."
    if not api_key.startswith(tuple(access_control.KEY_PREFIXES.values())):
        raise _NotTakenError(unknown)
    try:
        person = access_control.authenticate(session, f"Bearer {api_key}", runtime.settings.clock.now())
        access_control.check_address(person, address)
    except ApiError as error:
        raise _NotTakenError(unknown if error.status == 401 else error.message) from None
    if (person.organization_id, person.environment) != (client.organization_id, client.environment):
        raise _NotTakenError(unknown)
    return person
