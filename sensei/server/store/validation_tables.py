"""Tables of proof: validations, rules, certificates, and the keys that sign."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sensei.server.store.tables import Base


class Validation(Base):
    """One validation. It runs under a lease, so that it starts again elsewhere when its process dies."""

    __tablename__ = "validations"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    migration_id: Mapped[str]
    type: Mapped[str]
    options: Mapped[dict[str, Any]]
    """`ValidationOptions` as the caller gave them."""
    perspectives: Mapped[list[str]]
    in_phase: Mapped[bool]
    """Made by the migration's own validation phase, which also runs it."""
    status: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    completed_at: Mapped[datetime | None] = mapped_column(default=None)
    overall_result: Mapped[str | None] = mapped_column(default=None)
    confidence_score: Mapped[float | None] = mapped_column(default=None)
    results: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    """`ValidationResults`, without row-level details."""
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    """The engine's whole answer, for reports."""
    migration: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    """`MigrationSummary` at the end, since a report outlives its migration."""
    certificate_id: Mapped[str | None] = mapped_column(default=None)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    owner: Mapped[str | None] = mapped_column(default=None)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    forecast: Mapped[ValidationForecast | None] = relationship(
        default=None, lazy="selectin", cascade="all, delete-orphan"
    )


class ValidationForecast(Base):
    """How far a running validation is. A table of its own, so that the state of an earlier version needs no change."""

    __tablename__ = "validation_forecasts"

    validation_id: Mapped[str] = mapped_column(ForeignKey("validations.id"), primary_key=True)
    percent: Mapped[float] = mapped_column(default=0.0)
    estimated_completion: Mapped[datetime | None] = mapped_column(default=None)


Index("validations_by_owner", Validation.organization_id, Validation.environment, Validation.created_at)
Index("validations_by_migration", Validation.migration_id)
Index("validations_by_status", Validation.status)


class ValidationRule(Base):
    """A custom rule, for one migration or for all of an organization's environment."""

    __tablename__ = "validation_rules"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    name: Mapped[str]
    description: Mapped[str | None]
    type: Mapped[str]
    rule: Mapped[str]
    expected: Mapped[Any] = mapped_column(JSON)
    severity: Mapped[str]
    migration_id: Mapped[str | None]
    created_at: Mapped[datetime]


Index("rules_by_owner", ValidationRule.organization_id, ValidationRule.environment, ValidationRule.created_at)


class Certificate(Base):
    """A signed certificate. It refers to its migration by id alone and stays when that is deleted."""

    __tablename__ = "certificates"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    validation_id: Mapped[str] = mapped_column(unique=True)
    migration_id: Mapped[str] = mapped_column(index=True)
    status: Mapped[str]
    valid_until: Mapped[datetime]
    signed_with: Mapped[str]
    """`kid` of the key behind the present signature."""
    document: Mapped[str]
    """The JSON as it is sent, signature included."""


class SigningKey(Base):
    """An Ed25519 key pair; the private half is sealed."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    """``certificates`` or ``tokens``."""
    x: Mapped[str]
    """The public key, base64url without padding."""
    private: Mapped[bytes]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None] = mapped_column(default=None)
