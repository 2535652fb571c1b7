"""Tables of service accounts and of OAuth: clients, grants and the tokens made from them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from sensei.server.store.tables import Base


class ServiceAccount(Base):
    """A machine's account; its id is also its OAuth client id."""

    __tablename__ = "service_accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    name: Mapped[str]
    description: Mapped[str | None]
    scopes: Mapped[list[str]]
    ip_whitelist: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str | None]
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    rotated_at: Mapped[datetime | None] = mapped_column(default=None)


Index(
    "service_accounts_by_owner", ServiceAccount.organization_id, ServiceAccount.environment, ServiceAccount.created_at
)


class ServiceAccountCredential(Base):
    """One pair of token and client secret, known by their hashes. The present pair has no `valid_until`."""

    __tablename__ = "service_account_credentials"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("service_accounts.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    valid_until: Mapped[datetime | None] = mapped_column(default=None)


class OAuthClient(Base):
    """A registered application. A public one has no secret and must use PKCE."""

    __tablename__ = "oauth_clients"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    name: Mapped[str]
    secret_hash: Mapped[str | None] = mapped_column(String(64))
    redirect_uris: Mapped[list[str]]
    scopes: Mapped[list[str]]
    """The most that the application may ask for."""
    created_at: Mapped[datetime]


class OAuthGrant(Base):
    """One consent of one person to one application, with its authorization code."""

    __tablename__ = "oauth_grants"

    id: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    subject: Mapped[str]
    granted_by: Mapped[str]
    """Id of the API key that the person proved itself with; the grant ends with it."""
    scopes: Mapped[list[str]]
    redirect_uri: Mapped[str]
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code_challenge: Mapped[str | None]
    code_expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    code_used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class RefreshToken(Base):
    """A refresh token, known by its hash; used once, then it is spent."""

    __tablename__ = "oauth_refresh_tokens"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    grant_id: Mapped[str] = mapped_column(ForeignKey("oauth_grants.id", ondelete="CASCADE"), index=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    spent_at: Mapped[datetime | None] = mapped_column(default=None)


class AccessToken(Base):
    """What is known of a signed access token besides its claims: whose it is, and whether it was revoked."""

    __tablename__ = "oauth_access_tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    """The token's `jti`."""
    organization_id: Mapped[str]
    client_id: Mapped[str] = mapped_column(index=True)
    grant_id: Mapped[str | None] = mapped_column(ForeignKey("oauth_grants.id", ondelete="CASCADE"), index=True)
    """None for a token of the client_credentials grant."""
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
