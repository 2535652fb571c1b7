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
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from sensei.server.crypto.attestation import public_jwk
from sensei.server.crypto.vault import Vault
from sensei.server.store.validation_tables import Certificate, SigningKey

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
    row = _of_quarter(session, purpose, name)
    if row is None:
        taken = _taken(session, name)
        # What was counted may have been made by another process since the first look.
        row = _of_quarter(session, purpose, name) or _add(session, vault, purpose, name, taken, now)
    return _open(row, vault)


def replace(session: Session, vault: Vault, purpose: str, now: datetime) -> KeyPair:
    """Retire the key in use and begin a new one before its time, e.g. because it leaked."""
    name = _quarter_name(purpose, now)
    return _open(_add(session, vault, purpose, name, _taken(session, name), now), vault)


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


def _of_quarter(session: Session, purpose: str, name: str) -> SigningKey | None:
    row = _in_use(session, purpose)
    return row if row is not None and (row.kid == name or row.kid.startswith(f"{name}-")) else None


def _taken(session: Session, name: str) -> int:
    return session.scalar(select(func.count()).select_from(SigningKey).where(SigningKey.kid.startswith(name))) or 0


def _in_use(session: Session, purpose: str) -> SigningKey | None:
    return session.scalar(
        select(SigningKey)
        .where(SigningKey.purpose == purpose, SigningKey.retired_at.is_(None))
        .order_by(SigningKey.created_at.desc(), SigningKey.kid.desc())
        .limit(1)
    )


def _add(session: Session, vault: Vault, purpose: str, name: str, taken: int, now: datetime) -> SigningKey:
    kid = name if taken == 0 else f"{name}-{taken + 1}"
    private = Ed25519PrivateKey.generate()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    # Of processes that make the same key at the same instant, one makes it and all use it.
    session.execute(
        insert(SigningKey)
        .values(
            kid=kid,
            purpose=purpose,
            x=base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).rstrip(b"=").decode("ascii"),
            private=vault.seal(base64.b64encode(private.private_bytes_raw()).decode("ascii")),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["kid"])
    )
    session.execute(
        update(SigningKey)
        .where(SigningKey.purpose == purpose, SigningKey.retired_at.is_(None), SigningKey.kid != kid)
        .values(retired_at=now)
    )
    return session.get_one(SigningKey, kid)


def _open(row: SigningKey, vault: Vault) -> KeyPair:
    return KeyPair(row.kid, Ed25519PrivateKey.from_private_bytes(base64.b64decode(vault.open(row.private))))
