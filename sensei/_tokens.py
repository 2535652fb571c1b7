"""What a client holds while it is signed in, and the decisions about it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import TypeVar, cast

from sensei._arguments import kind_of
from sensei._oauth import TokenCall, client_credentials_grant, refresh_grant
from sensei._redact import SecretText, concealed
from sensei.auth import Credentials, OAuth2ClientCredentials, OAuth2Token, ServiceAccount, TokenAnswer, bearer
from sensei.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    ConfigurationError,
    SenseiError,
)

T = TypeVar("T")

_EARLY = 60.0
"""Seconds before its end that a token is renewed, so that none expires on the way."""

_EARLY_SHARE = 0.1
"""The same for short-lived tokens, as a share of their life."""

_TRY_AGAIN = 10.0
"""Seconds until the next try, after a token that still works could not be renewed."""

_REFUSED = frozenset({"invalid_client", "invalid_grant", "unauthorized_client", "invalid_scope"})
"""Codes of the OAuth server that mean: these credentials give no token. The errors know what to do about each."""


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A token in use.

    Attributes:
        header: The `Authorization` header.
        due: When to renew it, on the monotonic clock; infinite when that is not known.
        expires: When it stops working, on the monotonic clock.
    """

    header: str = field(repr=False)
    due: float = float("inf")
    expires: float = float("inf")

    def postponed(self, now: float) -> HeldToken:
        """The same token, to be renewed a little later."""
        return replace(self, due=min(self.expires, now + _TRY_AGAIN))


def hold(access_token: str, lifetime: float | None, now: float) -> HeldToken:
    """Take a token into use.

    Args:
        access_token: The token.
        lifetime: Seconds it has left; None when not known.
        now: The monotonic clock.
    """
    access_token = concealed(access_token)
    header = header_of("The access token", access_token)
    if lifetime is None:
        return HeldToken(header)
    return HeldToken(header, now + lifetime - min(_EARLY, max(0.0, lifetime) * _EARLY_SHARE), now + lifetime)


def header_of(name: str, credential: object) -> str:
    """The `Authorization` header of a bearer credential.

    Raises:
        ConfigurationError: it is no text, or cannot stand in a header. The message does not show it.
    """
    credential = concealed(credential)  # reports of crashes print the variables of this frame
    if not isinstance(credential, str):
        raise ConfigurationError(f"{name} must be a str, not {kind_of(credential)}.")
    return SecretText(f"Bearer {bearer(name, credential)}")


def first_token(credentials: Credentials, now: float) -> HeldToken | None:
    """The token that the credentials bring with them, if any.

    Raises:
        ConfigurationError: the credentials were unpickled, which loses their secrets.
    """
    if not isinstance(cast("object", credentials), Credentials):
        raise ConfigurationError(f"credentials must be one of sensei.auth, not {kind_of(credentials)}")
    try:
        if isinstance(credentials, OAuth2Token):
            until = credentials.expires_at
            lifetime = None if until is None else (until - datetime.now(UTC)).total_seconds()
            return hold(credentials.access_token, lifetime, now)
        if isinstance(credentials, ServiceAccount) and credentials.token is not None:
            return hold(credentials.token, None, now)
        if credentials.client_secret is None:
            raise AttributeError("client_secret")
    except AttributeError as error:
        raise ConfigurationError(str(error)) from None
    return None


def renewal(credentials: Credentials) -> TokenCall | None:
    """How to get a new token; None when there is no way but to sign in again."""
    if isinstance(credentials, OAuth2ClientCredentials):
        return client_credentials_grant(credentials.client_id, credentials.client_secret, credentials.scopes, "body")
    if isinstance(credentials, OAuth2Token):
        if credentials.refresh_token is None or credentials.client_id is None:
            return None
        return refresh_grant(
            credentials.refresh_token,
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            scopes=(),
            client_auth="body",
        )
    if credentials.client_id is None or credentials.client_secret is None:
        return None
    return client_credentials_grant(credentials.client_id, credentials.client_secret, credentials.scopes, "body")


def after_renewal(credentials: Credentials, answer: TokenAnswer) -> Credentials:
    """The credentials for the next renewal."""
    return credentials.refreshed(answer) if isinstance(credentials, OAuth2Token) else credentials


def sign_in_error(error: SenseiError) -> SenseiError:
    """What the caller of an API method is told when no token could be fetched."""
    if not isinstance(error, APIStatusError) or error.code not in _REFUSED:
        return error
    return AuthenticationError(
        f"no token for these credentials: {error.message}",
        status_code=error.status_code,
        code=error.code,
        documentation_url=error.documentation_url,
        request_id=error.request_id,
        attempts=error.attempts,
        headers=error.headers,
        body=error.body,
        request=error.request,
    )


def is_passing(error: SenseiError) -> bool:
    """True for trouble of the network or the server, after which a token that still works is used on."""
    return isinstance(error, APIConnectionError) or (
        isinstance(error, APIStatusError) and (error.status_code >= 500 or error.status_code in {408, 429})
    )


def resolved(value: T | Awaitable[T], deadline: float | None = None) -> T:  # noqa: ARG001  # a thread cannot be stopped
    """`value`; the sync form of `async_resolved`.

    Raises:
        ConfigurationError: it has to be awaited, which only the async client can do.
    """
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise ConfigurationError(
            "An asynchronous function was given to a sync client: use AsyncClient, or a plain one."
        )
    return value


async def async_resolved(value: T | Awaitable[T], deadline: float | None = None) -> T:
    """`value`, awaited if it has to be, until `deadline` on the monotonic clock.

    Raises:
        APITimeoutError: it did not come in time.
    """
    if not inspect.isawaitable(value):
        return value
    if deadline is None:
        return await value
    from anyio import move_on_after

    with move_on_after(deadline - monotonic()):
        return await value
    raise APITimeoutError("the function that gives the credential did not come back before the deadline of the call")
