"""API keys."""

from typing import ClassVar

from pydantic import Field

from sensei.models.base import Model, SecretsModel, Timestamp
from sensei.models.enums import ApiKeyStatus, Environment, Scope

__all__ = ["ApiKeyData", "ApiKeyCreatedData", "ApiKeyStatus"]


class ApiKeyData(Model):
    """What is known about an API key; the key itself is shown only once, when it is made.

    Attributes:
        id: Id, `key_…`. Not the key itself.
        name: Its name.
        scopes: What it allows.
        environment: `production` or `sandbox`; always sent.
        key_prefix: First 12 characters of the key, to recognise it by; always sent.
        status: `active` or `expired`; always sent.
        ip_whitelist: Addresses and networks it may be used from, empty for any; always sent.
        expires_at: When it stops working; always sent, None for never.
        created_at: When it was made; always sent.
        created_by: Who made it; always sent.
        last_used_at: When it was last used; always sent, None for never.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "name", "key_prefix", "status")

    id: str
    name: str
    scopes: list[Scope]
    environment: Environment | None = None
    key_prefix: str | None = None
    status: ApiKeyStatus | None = None
    ip_whitelist: list[str] = Field(default_factory=list[str])
    expires_at: Timestamp | None = None
    created_at: Timestamp | None = None
    created_by: str | None = None
    last_used_at: Timestamp | None = None


class ApiKeyCreatedData(SecretsModel, ApiKeyData):
    """A new API key, with the key itself: the only answer that shows it. Store it now.

    Attributes:
        key: The key, `sk_live_…` or `sk_test_…`. Masked in print and absent from pickles.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "name", "key_prefix", "key")
    _masked: ClassVar[frozenset[str]] = frozenset({"key"})

    key: str
