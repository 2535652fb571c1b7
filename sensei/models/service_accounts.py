"""Service accounts: credentials for programs."""

from typing import ClassVar

from pydantic import Field

from sensei.models.base import Model, SecretsModel, Timestamp
from sensei.models.enums import Environment, Scope

__all__ = ["ServiceAccountData", "ServiceAccountCreatedData", "ServiceAccountCredentials"]


class ServiceAccountData(Model):
    """What is known about a service account; its credentials are shown only when it is made or rotated.

    Attributes:
        id: Id, `sa_…`; also the OAuth client id. Not a credential by itself.
        name: Its name.
        description: For people; always sent.
        scopes: What it allows; always sent.
        environment: `production` or `sandbox`; always sent.
        ip_whitelist: Addresses and networks it may be used from, empty for any; always sent.
        created_at: When it was made; always sent.
        last_used_at: When it was last used; always sent, None for never.
        rotated_at: When its credentials were last replaced; always sent, None for never.
        previous_credentials_valid_until: Until when the older credentials still work; always sent.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "name", "environment")

    id: str
    name: str
    description: str | None = None
    scopes: list[Scope] = Field(default_factory=list[str])
    environment: Environment | None = None
    ip_whitelist: list[str] = Field(default_factory=list[str])
    created_at: Timestamp | None = None
    last_used_at: Timestamp | None = None
    rotated_at: Timestamp | None = None
    previous_credentials_valid_until: Timestamp | None = None


class ServiceAccountCredentials(SecretsModel):
    """The credentials of a service account: a token, and a client id and secret for OAuth. Store them now.

    Attributes:
        client_id: OAuth client id, the id of the account.
        client_secret: OAuth client secret. Masked in print and absent from pickles.
        token_endpoint: Where the client credentials are exchanged for a token.
        token: Long-lived bearer token, usable as it is; always sent. Masked in print and absent from pickles.
    """

    _masked: ClassVar[frozenset[str]] = frozenset({"client_secret", "token"})

    client_id: str
    client_secret: str
    token_endpoint: str
    token: str | None = None


class ServiceAccountCreatedData(ServiceAccountData):
    """A service account with its credentials: only making and rotating one shows them.

    Attributes:
        credentials: The credentials. Its secrets are masked in print and absent from pickles.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "name", "environment", "credentials")

    credentials: ServiceAccountCredentials
