"""What the OAuth endpoints answer."""

from typing import ClassVar

from sensei.models.base import Model, SecretsModel
from sensei.models.enums import Environment

__all__ = ["OAuthIntrospection", "OAuthTokenResponse"]


class OAuthTokenResponse(SecretsModel):
    """A token, as the token endpoint gives it.

    Attributes:
        access_token: The bearer token. Masked in print and absent from pickles.
        token_type: `Bearer`.
        expires_in: Seconds it lives.
        refresh_token: For the next one; not sent for client credentials. Masked in print and absent from pickles.
        scope: Scopes granted, parted by blanks.
    """

    _masked: ClassVar[frozenset[str]] = frozenset({"access_token", "refresh_token"})

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None = None
    scope: str | None = None


class OAuthIntrospection(Model):
    """What the server knows about a token.

    Attributes:
        active: Whether it works now; the other members are only there if it does.
        scope: Its scopes, parted by blanks.
        client_id: The client it was given to.
        sub: The user or account it speaks for.
        token_type: Kind of the token.
        exp: When it ends, in Unix seconds.
        iat: When it was given, in Unix seconds.
        iss: Who gave it.
        organization_id: The organization.
        environment: `production` or `sandbox`.
    """

    active: bool
    scope: str | None = None
    client_id: str | None = None
    sub: str | None = None
    token_type: str | None = None
    exp: int | None = None
    iat: int | None = None
    iss: str | None = None
    organization_id: str | None = None
    environment: Environment | None = None
