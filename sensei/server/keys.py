"""The server's Ed25519 key pairs: one at a time in use for each purpose, retired ones kept as long as they are needed.

Private halves are sealed in the state database. A key is made when it is first needed and followed by a new one in
each quarter of the year; its id tells the quarter, e.g. ``kora-verification-2026-Q1``.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sensei.server.attest import public_jwk
from sensei.server.store.validation_tables import Certificate, SigningKey
from sensei.server.vault import Vault

CERTIFICATES = "certificates"
TOKENS = "tokens"

_NAMES = {CERTIFICATES: "kora-verification", TOKENS: "kora-tokens"}


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key to sign with."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)

    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        return public_jwk(self.kid, self.private.public_key())


def current(session: Session, vault: Vault, purpose: str, now: datetime) -> KeyPair:
    """The key to sign with now, made if there is none for this quarter. The session must be a writing one."""
    name = _quarter_name(purpose, now)
    row = _in_use(session, purpose)
    if row is None or not _belongs_to(row.kid, name):
        row = _add(session, vault, purpose, name, now)
    return _open(row, vault)


def replace(session: Session, vault: Vault, purpose: str, now: datetime) -> KeyPair:
    """Retire the key in use and begin a new one before its time, e.g. because it leaked."""
    return _open(_add(session, vault, purpose, _quarter_name(purpose, now), now), vault)


def find(session: Session, vault: Vault, purpose: str, kid: str) -> KeyPair | None:
    """The key of that id, retired or not."""
    row = session.get(SigningKey, kid)
    return _open(row, vault) if row is not None and row.purpose == purpose else None


def published(session: Session, vault: Vault, now: datetime) -> list[dict[str, str]]:
    """Public certificate keys, newest first: the one in use, and those behind certificates that are still valid."""
    needed = exists().where(Certificate.signed_with == SigningKey.kid, Certificate.valid_until > now)
    rows = session.scalars(
        select(SigningKey)
        .where(SigningKey.purpose == CERTIFICATES, or_(SigningKey.retired_at.is_(None), needed))
        .order_by(SigningKey.created_at.desc(), SigningKey.kid.desc())
    )
    return [_open(row, vault).jwk() for row in rows]


def _quarter_name(purpose: str, now: datetime) -> str:
    return f"{_NAMES[purpose]}-{now.year}-Q{(now.month + 2) // 3}"


def _belongs_to(kid: str, name: str) -> bool:
    return kid == name or kid.startswith(f"{name}-")


def _in_use(session: Session, purpose: str) -> SigningKey | None:
    return session.scalar(
        select(SigningKey)
        .where(SigningKey.purpose == purpose, SigningKey.retired_at.is_(None))
        .order_by(SigningKey.created_at.desc(), SigningKey.kid.desc())
        .limit(1)
    )


def _add(session: Session, vault: Vault, purpose: str, name: str, now: datetime) -> SigningKey:
    before = _in_use(session, purpose)
    taken = session.scalar(select(func.count()).select_from(SigningKey).where(SigningKey.kid.startswith(name))) or 0
    private = Ed25519PrivateKey.generate()
    row = SigningKey(
        kid=name if taken == 0 else f"{name}-{taken + 1}",
        purpose=purpose,
        x=base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).rstrip(b"=").decode("ascii"),
        private=vault.seal(base64.b64encode(private.private_bytes_raw()).decode("ascii")),
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # Another process made the same key at the same instant; there is but one of a name.
        session.expire_all()
        other = session.get(SigningKey, row.kid)
        if other is None:
            raise
        return other
    if before is not None:
        session.execute(
            update(SigningKey)
            .where(SigningKey.purpose == purpose, SigningKey.retired_at.is_(None), SigningKey.kid != row.kid)
            .values(retired_at=now)
        )
    return row


def _open(row: SigningKey, vault: Vault) -> KeyPair:
    return KeyPair(row.kid, Ed25519PrivateKey.from_private_bytes(base64.b64decode(vault.open(row.private))))
