"""Certificates: issued from a validation, served as signed, signed anew when their status changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sensei.server.crypto import attestation, signing_keys
from sensei.server.crypto.vault import Vault
from sensei.server.engine.validation.types import PERSPECTIVES, PerspectiveResult, ValidationOutcome
from sensei.server.ids import new_id
from sensei.server.schemas.base import wire_time
from sensei.server.store.validation_tables import Certificate, Validation
from sensei.server.webhooks import outbox

PROTOCOL_VERSION = "1.0"
VALID_FOR = timedelta(days=365)
GOOD_RESULTS = ("passed", "passed_with_warnings")


def missing_because(validation: Validation) -> str | None:
    """Why a validation has no certificate, in the contract's words; None when it deserves one."""
    if validation.status in ("pending", "running"):
        return "validation_unfinished"
    if validation.status != "completed" or validation.overall_result not in GOOD_RESULTS:
        return "validation_not_passed"
    ran = {name for name, result in validation.results.items() if result["status"] in GOOD_RESULTS}
    return None if ran >= set(PERSPECTIVES) else "perspectives_missing"


def issue(
    session: Session,
    vault: Vault,
    *,
    validation: Validation,
    outcome: ValidationOutcome,
    origin: str,
    audit_trail_complete: bool,
    now: datetime,
) -> Certificate:
    """Sign and store the certificate of a validation that deserves one.

    Parameters:
        origin: Scheme, host and port under which the server is reached, for `download_url`.
        audit_trail_complete: Whether the migration's events are all kept, from its making to its end.
    """
    key = signing_keys.current(session, vault, signing_keys.CERTIFICATES, now)
    certificate_id = new_id("cert")
    document = {
        "id": certificate_id,
        "validation_id": validation.id,
        "migration_id": validation.migration_id,
        "protocol_version": PROTOCOL_VERSION,
        "status": "valid",
        "issued_at": wire_time(now),
        "valid_until": wire_time(now + VALID_FOR),
        "attestations": _attestations(outcome) | {"audit_trail_complete": audit_trail_complete},
        "confidence_score": outcome.confidence_score,
        "queries_replayed": int(_perspective(outcome, "behavioral").figures.get("queries_replayed", 0)),
        "findings": {name: outcome.findings.get(name, 0) for name in ("pass", "info", "warning", "failure")},
        "exceptions": [dict(exception) for exception in outcome.exceptions],
        "artifacts": [{"name": artifact.name, "digest": artifact.digest} for artifact in outcome.artifacts],
        "hash_chain": attestation.merkle_root([artifact.digest for artifact in outcome.artifacts]),
        "public_key_id": key.kid,
        "download_url": f"{origin}/v1/certificates/{certificate_id}/download",
    }
    row = Certificate(
        id=certificate_id,
        organization_id=validation.organization_id,
        environment=validation.environment,
        validation_id=validation.id,
        migration_id=validation.migration_id,
        status="valid",
        valid_until=now + VALID_FOR,
        signed_with=key.kid,
        document=_dump(attestation.sign(document, key.private)),
    )
    session.add(row)
    return row


def _perspective(outcome: ValidationOutcome, name: str) -> PerspectiveResult:
    return next(perspective for perspective in outcome.perspectives if perspective.name == name)


def _attestations(outcome: ValidationOutcome) -> dict[str, bool]:
    good = {perspective.name for perspective in outcome.perspectives if perspective.status in GOOD_RESULTS}
    return {
        "data_integrity": {"statistical", "referential", "semantic"} <= good,
        "schema_equivalence": "structural" in good,
        "behavioral_equivalence": "behavioral" in good,
    }


def announce(session: Session, row: Certificate, now: datetime) -> None:
    """Tell webhooks that a certificate was issued."""
    document = json.loads(row.document)
    members = ("validation_id", "migration_id", "issued_at", "valid_until", "download_url")
    outbox.emit(
        session,
        organization_id=row.organization_id,
        environment=row.environment,
        type="certificate.generated",
        data={"certificate_id": row.id} | {name: document[name] for name in members},
        now=now,
    )


def is_outdated(row: Certificate, now: datetime) -> bool:
    """Whether the certificate says ``valid`` though its time is up."""
    return row.status == "valid" and row.valid_until <= now


def change_status(session: Session, vault: Vault, row: Certificate, status: str, now: datetime) -> None:
    """Give the certificate another status and sign it anew, with the key in use now."""
    key = signing_keys.current(session, vault, signing_keys.CERTIFICATES, now)
    document = {**json.loads(row.document), "status": status, "public_key_id": key.kid}
    row.document = _dump(attestation.sign(document, key.private))
    row.status = status
    row.signed_with = key.kid


def revoke_of_migration(session: Session, vault: Vault, migration_id: str, now: datetime) -> int:
    """Revoke what was certified of a migration that has been undone; gives how many certificates that were."""
    rows = session.scalars(
        select(Certificate).where(Certificate.migration_id == migration_id, Certificate.status == "valid")
    ).all()
    for row in rows:
        change_status(session, vault, row, "revoked", now)
    return len(rows)


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
