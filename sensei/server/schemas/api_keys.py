"""Wire forms of API keys."""

from __future__ import annotations

from pydantic import model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from sensei.server.schemas.access import Environment, IpList, Scopes
from sensei.server.schemas.base import Closed, Instant, Maybe, Name


class ApiKeyCreate(Closed):
    """Body of `api_keys.create`."""

    name: Name
    scopes: Scopes
    environment: Maybe[Environment] = None
    expires_at: Instant | None = None
    ip_whitelist: Maybe[IpList] = None


class ApiKeyUpdate(Closed):
    """Body of `api_keys.update`; only `expires_at` may be null (never expires)."""

    name: Maybe[Name] = None
    scopes: Maybe[Scopes] = None
    ip_whitelist: Maybe[IpList] = None
    expires_at: Instant | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> ApiKeyUpdate:
        if not self.model_fields_set:
            raise PydanticCustomError("min_length", "give at least one member to change")
        return self


class ApiKeyOut(TypedDict):
    """`ApiKey`."""

    id: str
    name: str
    scopes: list[str]
    environment: str
    key_prefix: str
    status: str
    ip_whitelist: list[str]
    expires_at: str | None
    created_at: str
    created_by: str | None
    last_used_at: str | None


class ApiKeyCreatedOut(ApiKeyOut):
    """`ApiKeyCreated`, the only answer that shows the key."""

    key: str
