"""Grants: a person's consent, its code, and the chain of refresh tokens that comes of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from sensei.server.auth.access_control import Principal, hash_token, new_token
from sensei.server.ids import new_id
from sensei.server.oauth import tokens
from sensei.server.oauth.errors import OAuthError
from sensei.server.store.oauth_tables import AccessToken, OAuthClient, OAuthGrant, RefreshToken

CODE_LIFETIME = timedelta(minutes=10)
REFRESH_LIFETIME = timedelta(days=30)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class Renewal:
    """A grant that may have an access token now, and the next refresh token of its chain."""

    grant: OAuthGrant
    refresh_token: str = field(repr=False)
    scopes: tuple[str, ...]


class ReusedError(OAuthError):
    """A code or refresh token came a second time: somebody has a copy, so the grant has been ended.

    Unlike other failures this one comes with a change that must be kept.
    """


def consent(
    session: Session,
    *,
    client: OAuthClient,
    giver: Principal,
    scopes: Sequence[str],
    redirect_uri: str,
    code_challenge: str | None,
    now: datetime,
) -> str:
    """Store a person's consent; gives the authorization code."""
    code = new_token("ac_")
    session.add(
        OAuthGrant(
            id=new_id("grant"),
            client_id=client.id,
            organization_id=client.organization_id,
            environment=client.environment,
            # Whoever holds the key is the person; there are no other accounts on a self-hosted server.
            subject=f"user_{giver.id.removeprefix('key_')}",
            granted_by=giver.id,
            scopes=list(scopes),
            redirect_uri=redirect_uri,
            code_hash=hash_token(code),
            code_challenge=code_challenge,
            code_expires_at=now + CODE_LIFETIME,
            created_at=now,
        )
    )
    return code


def redeem(
    session: Session, *, client_id: str, code: str, redirect_uri: str, verifier: str | None, now: datetime
) -> Renewal:
    """Turn a code into the first refresh token of its grant.

    Raises:
        OAuthError: `invalid_grant`.
    """
    grant = session.scalar(select(OAuthGrant).where(OAuthGrant.code_hash == hash_token(code)).with_for_update())
    if grant is None or grant.client_id != client_id:
        raise OAuthError("invalid_grant", "The code is unknown.")
    if grant.code_used_at is not None:
        grant.revoked_at = grant.revoked_at or now
        raise ReusedError("invalid_grant", "The code was used before; what came of it has been revoked.")
    if grant.code_expires_at <= now:
        raise OAuthError("invalid_grant", "The code is over ten minutes old.")
    if grant.redirect_uri != redirect_uri:
        raise OAuthError("invalid_grant", "The redirect_uri is not the one the code was sent to.")
    _check_verifier(grant.code_challenge, verifier)
    _check_alive(session, grant, now)
    grant.code_used_at = now
    return Renewal(grant, _add_refresh(session, grant, now), tuple(grant.scopes))


def renew(session: Session, *, client_id: str, refresh_token: str, now: datetime) -> Renewal:
    """Spend a refresh token; gives the next one.

    Raises:
        OAuthError: `invalid_grant`.
    """
    found = session.scalar(
        select(RefreshToken).where(RefreshToken.token_hash == hash_token(refresh_token)).with_for_update()
    )
    grant = session.get(OAuthGrant, found.grant_id, with_for_update=True) if found is not None else None
    if found is None or grant is None or grant.client_id != client_id:
        raise OAuthError("invalid_grant", "The refresh token is unknown.")
    _check_alive(session, grant, now)
    if found.spent_at is not None:
        grant.revoked_at = now
        raise ReusedError("invalid_grant", "The refresh token was used before; its grant has been revoked.")
    if found.expires_at <= now:
        raise OAuthError("invalid_grant", "The refresh token has expired.")
    found.spent_at = now
    return Renewal(grant, _add_refresh(session, grant, now), tuple(found.scopes))


def find_refresh(session: Session, token: str, now: datetime) -> tuple[RefreshToken, OAuthGrant] | None:
    """A refresh token that could be used now, with its grant."""
    found = session.get(RefreshToken, hash_token(token))
    grant = session.get(OAuthGrant, found.grant_id) if found is not None else None
    if found is None or grant is None or found.spent_at is not None or found.expires_at <= now:
        return None
    alive = grant.revoked_at is None and tokens.giver(session, grant, now) is not None
    return (found, grant) if alive else None


def forget_old(session: Session, now: datetime) -> None:
    """Drop tokens that are over, and grants that nothing can come of any more."""
    session.execute(delete(AccessToken).where(AccessToken.expires_at <= now))
    session.execute(delete(RefreshToken).where(RefreshToken.expires_at <= now))
    session.execute(
        delete(OAuthGrant).where(
            OAuthGrant.code_expires_at <= now - REFRESH_LIFETIME,
            ~select(RefreshToken.grant_id).where(RefreshToken.grant_id == OAuthGrant.id).exists(),
            ~select(AccessToken.id).where(AccessToken.grant_id == OAuthGrant.id).exists(),
        )
    )


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def _check_verifier(challenge: str | None, verifier: str | None) -> None:
    if challenge is None:
        if verifier is not None:
            raise OAuthError("invalid_grant", "There is a code_verifier, but the code was asked for without PKCE.")
        return
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_grant", "The code needs its code_verifier of 43 to 128 characters.")
    if not hmac.compare_digest(challenge_of(verifier), challenge):
        raise OAuthError("invalid_grant", "The code_verifier does not fit the code_challenge.")


def _check_alive(session: Session, grant: OAuthGrant, now: datetime) -> None:
    if grant.revoked_at is not None or tokens.giver(session, grant, now) is None:
        raise OAuthError("invalid_grant", "The consent has been revoked.")


def _add_refresh(session: Session, grant: OAuthGrant, now: datetime) -> str:
    token = new_token("rt_")
    session.add(
        RefreshToken(
            token_hash=hash_token(token),
            grant_id=grant.id,
            scopes=grant.scopes,
            created_at=now,
            expires_at=now + REFRESH_LIFETIME,
        )
    )
    return token
