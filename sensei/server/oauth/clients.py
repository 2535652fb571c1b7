"""OAuth clients: registered applications, and service accounts in their role as clients."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from sensei.server.auth import access_control, service_accounts
from sensei.server.auth.access_control import Principal, hash_token
from sensei.server.errors import ApiError
from sensei.server.oauth.errors import OAuthError
from sensei.server.settings import OAuthApplication
from sensei.server.store.oauth_tables import OAuthClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client that has proved itself, or a public one that cannot."""

    id: str
    is_public: bool
    principal: Principal
    """The client as a caller of its own, with the most it may ask for."""


def ensure(session: Session, applications: Iterable[OAuthApplication], organization_id: str, now: datetime) -> None:
    """Make the registered applications those of the settings; what is not there any more stays until removed."""
    for application in applications:
        secret = application.client_secret
        known = session.get(OAuthClient, application.client_id)
        session.merge(
            OAuthClient(
                id=application.client_id,
                organization_id=known.organization_id if known is not None else organization_id,
                environment=application.environment,
                name=application.name,
                secret_hash=hash_token(secret) if secret is not None else None,
                redirect_uris=list(application.redirect_uris),
                scopes=list(application.scopes),
                created_at=known.created_at if known is not None else now,
            )
        )


def authenticate(
    session: Session, client_id: str | None, client_secret: str | None, address: str, now: datetime
) -> Client:
    """The client that sent these credentials.

    Raises:
        OAuthError: `invalid_client`; the same for an unknown client and a wrong secret.
    """
    if not client_id:
        raise OAuthError("invalid_client", "Say which client this is, with HTTP Basic or client_id in the body.")
    client = _application(session, client_id, client_secret) or _account(session, client_id, client_secret, now)
    if client is None:
        raise OAuthError("invalid_client", "The client is unknown or its secret is wrong.")
    try:
        access_control.check_address(client.principal, address)
    except ApiError:
        raise OAuthError("unauthorized_client", "The client may not be used from this address.") from None
    return client


def _application(session: Session, client_id: str, client_secret: str | None) -> Client | None:
    row = session.get(OAuthClient, client_id)
    if row is None:
        return None
    if row.secret_hash is None:
        # A public client has no secret; one that sends some is confused or an attacker's test.
        if client_secret:
            return None
    elif client_secret is None or not hmac.compare_digest(row.secret_hash, hash_token(client_secret)):
        return None
    return Client(id=row.id, is_public=row.secret_hash is None, principal=principal_of(row))


def _account(session: Session, client_id: str, client_secret: str | None, now: datetime) -> Client | None:
    account = service_accounts.by_secret(session, client_id, client_secret, now) if client_secret else None
    if account is None:
        return None
    return Client(id=account.id, is_public=False, principal=service_accounts.principal(account))


def principal_of(row: OAuthClient) -> Principal:
    """A registered application as a caller of its own."""
    return Principal(
        kind="oauth_client",
        id=row.id,
        name=row.name,
        organization_id=row.organization_id,
        environment=row.environment,
        scopes=tuple(row.scopes),
    )


def may_redirect_to(row: OAuthClient, redirect_uri: str) -> bool:
    """Whether an answer may be sent there: a registered URI, exactly; for loopback any port (RFC 8252)."""
    if redirect_uri in row.redirect_uris:
        return True
    return any(_is_same_but_port(redirect_uri, registered) for registered in row.redirect_uris)


def _is_same_but_port(redirect_uri: str, registered: str) -> bool:
    try:
        given, known = urlsplit(redirect_uri), urlsplit(registered)
        same = (given.scheme, given.hostname, given.path, given.query) == (
            known.scheme,
            known.hostname,
            known.path,
            known.query,
        )
        plain = "@" not in given.netloc and not given.fragment and given.port != 0
        # A parser of URLs drops blanks and line ends; what is left is not what was sent.
        plain = plain and not any(character <= " " for character in redirect_uri)
        return same and plain and known.scheme == "http" and is_loopback(known.hostname or "")
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether this is an address of the machine itself; a name is not, since it may come to mean another one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def scopes_asked(text: str | None, allowed: Iterable[str]) -> list[str]:
    """The scopes of a request: those named, or all that are allowed.

    Raises:
        OAuthError: `invalid_scope` for one that is unknown or not allowed.
    """
    held = list(allowed)
    named = list(dict.fromkeys((text or "").split()))
    for scope in named:
        if not access_control.is_known_scope(scope) or not access_control.grants(held, scope):
            raise OAuthError("invalid_scope", f"The scope {scope[:100]!r} is unknown or not allowed here.")
    return named or held
