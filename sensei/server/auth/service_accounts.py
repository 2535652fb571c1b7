"""Credentials of service accounts: a bearer token and a client secret, replaced together, with a day of overlap."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from sensei.server.auth.access_control import Principal, hash_token, new_token
from sensei.server.store.oauth_tables import ServiceAccount, ServiceAccountCredential

OVERLAP = timedelta(hours=24)
TOKEN_PREFIX = "sa_"  # noqa: S105 - the public prefix of a kind of token
SECRET_PREFIX = "sas_"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Credentials:
    """A fresh pair, shown once and kept nowhere."""

    token: str = field(repr=False)
    client_secret: str = field(repr=False)


def add_credentials(session: Session, account_id: str, now: datetime) -> Credentials:
    """Give the account a pair of credentials."""
    fresh = Credentials(new_token(TOKEN_PREFIX), new_token(SECRET_PREFIX))
    session.add(
        ServiceAccountCredential(
            token_hash=hash_token(fresh.token),
            account_id=account_id,
            secret_hash=hash_token(fresh.client_secret),
            created_at=now,
        )
    )
    return fresh


def rotate(session: Session, account: ServiceAccount, now: datetime) -> Credentials:
    """Replace the present pair; it works 24 hours more, and what was older ends at once."""
    of_account = ServiceAccountCredential.account_id == account.id
    session.execute(
        delete(ServiceAccountCredential).where(of_account, ServiceAccountCredential.valid_until.is_not(None))
    )
    session.execute(update(ServiceAccountCredential).where(of_account).values(valid_until=now + OVERLAP))
    account.rotated_at = now
    return add_credentials(session, account.id, now)


def previous_valid_until(session: Session, account_id: str, now: datetime) -> datetime | None:
    """Until when older credentials still work; None when there are none."""
    return session.scalar(
        select(ServiceAccountCredential.valid_until).where(
            ServiceAccountCredential.account_id == account_id, ServiceAccountCredential.valid_until > now
        )
    )


def by_token(session: Session, token: str, now: datetime) -> Principal | None:
    """The account behind a bearer token."""
    found = session.get(ServiceAccountCredential, hash_token(token))
    if found is None or (found.valid_until is not None and found.valid_until <= now):
        return None
    return principal(session.get_one(ServiceAccount, found.account_id))


def by_secret(session: Session, client_id: str, client_secret: str, now: datetime) -> ServiceAccount | None:
    """The account that proves itself with its client secret."""
    hashes = session.scalars(
        select(ServiceAccountCredential.secret_hash).where(
            ServiceAccountCredential.account_id == client_id,
            or_(ServiceAccountCredential.valid_until.is_(None), ServiceAccountCredential.valid_until > now),
        )
    ).all()
    given = hash_token(client_secret)
    return session.get(ServiceAccount, client_id) if any(hmac.compare_digest(given, one) for one in hashes) else None


def principal(account: ServiceAccount) -> Principal:
    """The account as a caller."""
    return Principal(
        kind="service_account",
        id=account.id,
        name=account.name,
        organization_id=account.organization_id,
        environment=account.environment,
        scopes=tuple(account.scopes),
        ip_whitelist=tuple(account.ip_whitelist),
    )
