"""The names of webhook events."""

from __future__ import annotations

from typing import Annotated, Literal

from sensei.models.base import OpenEnum

__all__ = ["WebhookEventType"]

WebhookEventType = Annotated[
    Literal[
        "migration.created",
        "migration.started",
        "migration.paused",
        "migration.resumed",
        "migration.completed",
        "migration.failed",
        "migration.cancelled",
        "migration.phase.started",
        "migration.phase.completed",
        "migration.phase.failed",
        "approval.required",
        "approval.granted",
        "approval.denied",
        "approval.timeout",
        "error.occurred",
        "error.recovered",
        "error.escalated",
        "error.resolved",
        "validation.started",
        "validation.completed",
        "validation.failed",
        "certificate.generated",
    ]
    | str,
    OpenEnum,
]
"""Name of an event."""
