"""Made-up events for the test operation, with every member that the contract promises."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sensei.server.schemas.base import wire_time

_MIGRATION = {"migration_id": "mig_test", "migration_name": "Test migration"}
_STATUSES = {
    "migration.created": ("pending", None),
    "migration.started": ("running", "schema_migration"),
    "migration.paused": ("paused", "data_transfer"),
    "migration.resumed": ("running", "data_transfer"),
    "migration.completed": ("completed", "cutover"),
    "migration.failed": ("failed", "data_transfer"),
    "migration.cancelled": ("cancelled", "data_transfer"),
}


def data(event_type: str, now: datetime, origin: str) -> dict[str, Any]:
    """The `data` of a test event of that type."""
    if event_type.startswith("migration.phase."):
        return _phase(event_type)
    if event_type.startswith("migration."):
        return _migration(event_type)
    if event_type.startswith("approval."):
        return {**_MIGRATION, "mapping_id": None, "pending_mappings": 1 if event_type == "approval.required" else 0}
    if event_type.startswith("error."):
        return _error(event_type)
    validation = {"validation_id": "val_test", "migration_id": "mig_test"}
    if event_type.startswith("validation."):
        return {**validation, **_VALIDATIONS[event_type]}
    return {
        "certificate_id": "cert_test",
        **validation,
        "issued_at": wire_time(now),
        "valid_until": wire_time(now + timedelta(days=365)),
        "download_url": f"{origin}/v1/certificates/cert_test/download",
    }


_VALIDATIONS: dict[str, dict[str, Any]] = {
    "validation.started": {"type": "full", "status": "running", "overall_result": None},
    "validation.completed": {
        "type": "full",
        "status": "completed",
        "overall_result": "passed",
        "confidence_score": 1.0,
        "certificate_id": "cert_test",
        "issues_count": 0,
    },
    "validation.failed": {
        "type": "full",
        "status": "completed",
        "overall_result": "failed",
        "confidence_score": 0.5,
        "certificate_id": None,
        "issues_count": 1,
    },
}


def _migration(event_type: str) -> dict[str, Any]:
    status, phase = _STATUSES[event_type]
    body: dict[str, Any] = {**_MIGRATION, "status": status, "phase": phase}
    if event_type == "migration.failed":
        body |= {"error_code": "target_unreachable", "error_message": "This is a test."}
    if event_type == "migration.completed":
        body |= {"records_processed": 1000, "duration_seconds": 12.5}
    return body


def _phase(event_type: str) -> dict[str, Any]:
    body: dict[str, Any] = {**_MIGRATION, "phase": "data_transfer", "phase_number": 3, "total_phases": 5}
    if event_type != "migration.phase.started":
        body |= {"duration_seconds": 12.5, "records_processed": 1000, "errors_recovered": 0, "errors_escalated": 0}
    if event_type == "migration.phase.failed":
        body["error_message"] = "This is a test."
    return body


def _error(event_type: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        **_MIGRATION,
        "error_id": "err_test",
        "error_type": "encoding_mismatch",
        "error_message": "This is a test.",
        "reason_code": "E3006",
        "phase": "data_transfer",
        "table_name": "customers",
        "column_name": "notes",
        "affected_records": 1,
    }
    if event_type == "error.resolved":
        body["resolution"] = "skip"
    return body
