"""Wire forms of service accounts."""

from __future__ import annotations

from typing_extensions import TypedDict

from sensei.server.schemas.access import IpList, Scopes
from sensei.server.schemas.base import Closed, Description, Maybe, Name


class ServiceAccountCreate(Closed):
    """Body of `service_accounts.create`."""

    name: Name
    description: Maybe[Description] = None
    scopes: Scopes
    ip_whitelist: Maybe[IpList] = None


class ServiceAccountOut(TypedDict):
    """`ServiceAccount`."""

    id: str
    name: str
    description: str | None
    scopes: list[str]
    environment: str
    ip_whitelist: list[str]
    created_at: str
    last_used_at: str | None
    rotated_at: str | None
    previous_credentials_valid_until: str | None


class CredentialsOut(TypedDict):
    """`ServiceAccountCredentials`."""

    client_id: str
    client_secret: str
    token_endpoint: str
    token: str


class ServiceAccountCreatedOut(ServiceAccountOut):
    """`ServiceAccountCreated`, the only answer that shows credentials."""

    credentials: CredentialsOut
