"""X-Idempotency-Key: a POST happens at most once.

A first call claims its key in a short transaction of its own. The effect of the operation and the stored answer then
commit together, so there is no moment at which one exists without the other. A claim is a lease: when its process is
gone, the next call with the key takes it over.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sensei.server import leases
from sensei.server.errors import ApiError, invalid
from sensei.server.store.database import Store
from sensei.server.store.tables import IdempotencyRecord

KEPT_FOR = timedelta(hours=24)
_LEASE_SECONDS = 300.0
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_STORED_FAILURES = {404, 409, 422}
_NEVER_STORED = {"idempotency_in_progress", "idempotency_key_reuse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What a key's first call was answered."""

    status: int
    body: Any
    location: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to carry out the one call of a key."""

    principal: str
    key: str
    created_at: datetime

    def complete(self, store: Store, session: Session, answer: StoredAnswer) -> None:
        """Store the answer in the transaction of the effect.

        Raises:
            ApiError: 409 when the claim was lost meanwhile; the effect must not be committed then.
        """
        result = session.execute(
            update(IdempotencyRecord)
            .where(
                IdempotencyRecord.principal == self.principal,
                IdempotencyRecord.key == self.key,
                IdempotencyRecord.owner == leases.this_owner(),
                IdempotencyRecord.created_at == self.created_at,
            )
            .values(
                owner=None,
                lease_until=None,
                status=answer.status,
                location=answer.location,
                body=store.vault.seal(answer.body),
            )
        )
        if not isinstance(result, CursorResult) or result.rowcount != 1:
            raise _in_progress()

    def release(self, session: Session) -> None:
        """Give the key up: nothing happened, so the same call may come again."""
        session.execute(
            delete(IdempotencyRecord).where(
                IdempotencyRecord.principal == self.principal,
                IdempotencyRecord.key == self.key,
                IdempotencyRecord.owner == leases.this_owner(),
                IdempotencyRecord.created_at == self.created_at,
            )
        )


def check_key(value: str) -> str:
    """The header's value if it is a good key.

    Raises:
        ApiError: 422 `validation_error`.
    """
    if not _KEY.fullmatch(value):
        reason = "min_length" if not value else "max_length" if len(value) > 255 else "pattern"
        raise invalid("X-Idempotency-Key", reason, "must be 1 to 255 printable ASCII characters without blanks")
    return value


def fingerprint(method: str, path_with_query: str, body: Any, *, has_body: bool) -> str:
    """What "the same request" means: method, path with query, and the body as JSON; no body and ``{}`` differ."""
    text = json.dumps([method, path_with_query, has_body, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def is_stored(error: ApiError) -> bool:
    """Whether a failure of the operation itself is kept and replayed."""
    return error.status in _STORED_FAILURES and error.code not in _NEVER_STORED


def claim(store: Store, principal: str, key: str, request: str, now: datetime) -> Claim | StoredAnswer:
    """Claim a key for the request with that fingerprint, or give the answer it had before.

    Raises:
        ApiError: 422 `idempotency_key_reuse`, 409 `idempotency_in_progress`.
    """
    try:
        with store.write() as session:
            return _claim(store, session, principal, key, request, now)
    except IntegrityError:
        # Another process inserted the same key at the same instant; its record decides.
        with store.write() as session:
            return _claim(store, session, principal, key, request, now)


def forget_old(session: Session, now: datetime) -> None:
    """Drop what is older than a day."""
    session.execute(delete(IdempotencyRecord).where(IdempotencyRecord.created_at <= now - KEPT_FOR))


def _claim(
    store: Store, session: Session, principal: str, key: str, request: str, now: datetime
) -> Claim | StoredAnswer:
    record = session.get(IdempotencyRecord, (principal, key), with_for_update=True)
    if record is not None and record.created_at <= now - KEPT_FOR:
        session.delete(record)
        session.flush()
        record = None
    if record is None:
        session.add(
            IdempotencyRecord(
                principal=principal,
                key=key,
                fingerprint=request,
                created_at=now,
                owner=leases.this_owner(),
                lease_until=leases.end_of_lease(_LEASE_SECONDS),
            )
        )
        return Claim(principal=principal, key=key, created_at=now)
    if record.fingerprint != request:
        raise ApiError("idempotency_key_reuse", "The idempotency key was used for a different request.")
    if record.status is not None and record.body is not None:
        return StoredAnswer(status=record.status, body=store.vault.open(record.body), location=record.location)
    if not leases.is_free(record.owner, record.lease_until):
        raise _in_progress()
    record.owner = leases.this_owner()
    record.lease_until = leases.end_of_lease(_LEASE_SECONDS)
    record.created_at = now
    return Claim(principal=principal, key=key, created_at=now)


def _in_progress() -> ApiError:
    return ApiError(
        "idempotency_in_progress",
        "The first request with this idempotency key has not finished; try again in a second.",
        retry_after=1,
    )
