"""Access tokens: signed JWTs (RFC 9068), each known by its `jti` so that it can end before its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy.orm import Session

from sensei.server.auth import service_accounts
from sensei.server.auth.access_control import Principal, grants
from sensei.server.crypto import signing_keys
from sensei.server.crypto.vault import Vault
from sensei.server.ids import new_id
from sensei.server.oauth.clients import principal_of
from sensei.server.store.oauth_tables import AccessToken, OAuthClient, OAuthGrant, ServiceAccount
from sensei.server.store.tables import ApiKey
from sensei.server.store.validation_tables import SigningKey

LIFETIME = timedelta(seconds=3600)
_ALGORITHM = "Ed25519"
_TYPE = "at+jwt"


@dataclass(frozen=True, slots=True)
class GoodToken:
    """An access token that is signed by us, not over, and not revoked."""

    claims: dict[str, Any]
    row: AccessToken
    principal: Principal


def looks_like_one(token: str) -> bool:
    """Whether a bearer credential has the form of a JWT."""
    return token.count(".") == 2 and token.startswith("ey")


def issue(
    session: Session,
    vault: Vault,
    *,
    issuer: str,
    client: Principal,
    scopes: Sequence[str],
    grant: OAuthGrant | None,
    now: datetime,
) -> str:
    """A signed token for the client itself, or for the person behind a grant."""
    key = signing_keys.current(session, vault, signing_keys.TOKENS, now)
    row = AccessToken(
        id=new_id("at"),
        organization_id=client.organization_id,
        client_id=client.id,
        grant_id=grant.id if grant is not None else None,
        expires_at=now + LIFETIME,
    )
    session.add(row)
    issued_at = int(now.timestamp())
    claims = {
        "iss": issuer,
        "sub": grant.subject if grant is not None else client.id,
        "aud": f"{issuer}/v1",
        "client_id": client.id,
        "scope": " ".join(scopes),
        "iat": issued_at,
        "exp": issued_at + int(LIFETIME.total_seconds()),
        "jti": row.id,
        "organization_id": client.organization_id,
        "environment": client.environment,
    }
    header = {"alg": _ALGORITHM, "kid": key.kid, "typ": _TYPE}
    return jwt.encode(header, claims, OKPKey.import_key(key.private), algorithms=[_ALGORITHM])


def check(session: Session, token: str, now: datetime) -> GoodToken | None:
    """The token if it is good now; None whatever is wrong with it."""
    claims = _verified_claims(session, token, now)
    row = session.get(AccessToken, claims["jti"]) if claims is not None else None
    if claims is None or row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    scopes = tuple(claims["scope"].split())
    principal = _for_person(session, row, scopes, now) if row.grant_id else _for_client(session, row, scopes)
    return GoodToken(claims, row, principal) if principal is not None else None


def authenticate(session: Session, token: str, now: datetime) -> Principal | None:
    """The caller behind an access token."""
    good = check(session, token, now)
    return good.principal if good is not None else None


def giver(session: Session, grant: OAuthGrant, now: datetime) -> ApiKey | None:
    """The key behind a grant, as long as it is good; a grant does not outlive it."""
    row = session.get(ApiKey, grant.granted_by)
    return row if row is not None and (row.expires_at is None or row.expires_at > now) else None


def _verified_claims(session: Session, token: str, now: datetime) -> dict[str, Any] | None:
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
        row = session.get(SigningKey, str(header.get("kid", "")))
        if row is None or row.purpose != signing_keys.TOKENS or header.get("typ") != _TYPE:
            return None
        key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": row.x})
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM]).claims
        essential = {name: {"essential": True} for name in ("exp", "jti", "scope", "sub", "client_id")}
        jwt.JWTClaimsRegistry(now=int(now.timestamp()), **essential).validate(claims)  # type: ignore[arg-type]
    except (JoseError, ValueError):
        return None
    return claims


def _for_person(session: Session, row: AccessToken, scopes: tuple[str, ...], now: datetime) -> Principal | None:
    grant = session.get(OAuthGrant, row.grant_id)
    key = giver(session, grant, now) if grant is not None and grant.revoked_at is None else None
    if grant is None or key is None:
        return None
    return Principal(
        kind="user",
        id=grant.subject,
        name=key.name,
        organization_id=grant.organization_id,
        environment=grant.environment,
        # The key may have lost scopes since; and what it may do only from some addresses, nobody does for it elsewhere.
        scopes=tuple(scope for scope in scopes if grants(key.scopes, scope)),
        ip_whitelist=tuple(key.ip_whitelist),
        client_id=grant.client_id,
    )


def _for_client(session: Session, row: AccessToken, scopes: tuple[str, ...]) -> Principal | None:
    account = session.get(ServiceAccount, row.client_id)
    application = session.get(OAuthClient, row.client_id) if account is None else None
    if account is not None:
        own = service_accounts.principal(account)
    elif application is not None:
        own = principal_of(application)
    else:
        return None
    return Principal(
        kind=own.kind,
        id=own.id,
        name=own.name,
        organization_id=own.organization_id,
        environment=own.environment,
        scopes=tuple(scope for scope in scopes if grants(own.scopes, scope)),
        ip_whitelist=own.ip_whitelist,
    )
