"""The tables everything else builds on: who may call, what was called, and what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from sensei.server.store.types import Instant


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """Base of every table; rows are dataclasses with keyword arguments."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        list[dict[str, Any]]: JSON(),
        bytes: LargeBinary(),
        int: BigInteger(),
        str: Text(),
    }


class Organization(Base, kw_only=True):
    """Owner of everything; rate limits count per organization."""

    __tablename__ = "organizations"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class ApiKey(Base, kw_only=True):
    """A key, known by its hash alone."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(index=True)
    environment: Mapped[str]
    name: Mapped[str]
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    key_prefix: Mapped[str]
    scopes: Mapped[list[str]]
    ip_whitelist: Mapped[list[str]] = mapped_column(default_factory=list)
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(default=None)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)


class LocalKey(Base, kw_only=True):
    """The one key that a server makes for whoever starts it, sealed, so that it can be shown at every start."""

    __tablename__ = "local_keys"

    name: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str]
    secret: Mapped[bytes]


class IdempotencyRecord(Base, kw_only=True):
    """One keyed POST of one principal: in progress under a lease, or with its stored answer."""

    __tablename__ = "idempotency_records"

    principal: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(index=True)
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    status: Mapped[int | None] = mapped_column(default=None)
    location: Mapped[str | None] = mapped_column(default=None)
    body: Mapped[bytes | None] = mapped_column(default=None)
    """Encrypted: some answers show a secret once."""


class UsageWindow(Base, kw_only=True):
    """Requests of one organization (or address) on one day, added up now and then by every process."""

    __tablename__ = "usage_windows"

    subject: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    requests: Mapped[int]


class ServerProcess(Base, kw_only=True):
    """A server that runs on this state, while it says so."""

    __tablename__ = "server_processes"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    """The process, as the owner of leases."""
    seen_at: Mapped[datetime]


class AuditRecord(Base, kw_only=True):
    """Who did what, from where, with what result."""

    __tablename__ = "audit_records"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    timestamp: Mapped[datetime]
    type: Mapped[str]
    actor_type: Mapped[str]
    actor_id: Mapped[str]
    actor_name: Mapped[str | None]
    action: Mapped[str]
    resource: Mapped[str | None]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]
    result: Mapped[str]
    request_id: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)


Index("audit_by_time", AuditRecord.organization_id, AuditRecord.timestamp)


class OutboxEvent(Base, kw_only=True):
    """A webhook event, written in the transaction of the change it tells about.

    `fanned_out_at` stays null until deliveries have been made for every endpoint that wants it.
    """

    __tablename__ = "outbox_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    type: Mapped[str]
    created_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    fanned_out_at: Mapped[datetime | None] = mapped_column(index=True, default=None)


class Connection(Base, kw_only=True):
    """A registered database. Secret members of the config are sealed apart from the open ones."""

    __tablename__ = "connections"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    name: Mapped[str]
    description: Mapped[str | None]
    type: Mapped[str]
    role: Mapped[str]
    status: Mapped[str]
    config: Mapped[dict[str, Any]]
    secrets: Mapped[bytes]
    options: Mapped[dict[str, Any]]
    tags: Mapped[list[str]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_test: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    revision: Mapped[int] = mapped_column(default=1)
    """Counts changes of config and options, so that the result of an outdated test is dropped."""
    test_owner: Mapped[str | None] = mapped_column(default=None)
    test_lease_until: Mapped[datetime | None] = mapped_column(default=None)


Index("connections_by_owner", Connection.organization_id, Connection.environment, Connection.created_at)
