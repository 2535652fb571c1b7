"""Credentials, as plain data. Give one to a client as ``credentials=``; the client does the talking.

Secrets are masked in print and left out of pickles: make the credentials anew where they are needed.

Examples:
    >>> from sensei import Client
    >>> from sensei.auth import OAuth2ClientCredentials
    >>> credentials = OAuth2ClientCredentials("my-client", "my-secret", scopes=["migrations:read"])
    >>> with Client(credentials=credentials, base_url="https://api.sensei.ai") as client:
    ...     print(client)
    <Client of https://api.sensei.ai/v1>
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar, cast

from sensei._arguments import check_functions, check_kind
from sensei._redact import SecretText, concealed
from sensei.errors import ConfigurationError

if TYPE_CHECKING:
    from sensei.models.enums import ScopeParam

__all__ = ["OAuth2ClientCredentials", "OAuth2Token", "ServiceAccount", "Credentials"]

_C = TypeVar("_C", bound="_Secretive")


class _Secretive:
    """Immutable data of which a part is never printed and never pickled."""

    _secrets: ClassVar[frozenset[str]] = frozenset()
    __slots__: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shown = (f"{name}={self._printed(name)}" for name in self.__slots__)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: make a new one")

    if not TYPE_CHECKING:  # else every misspelt name would pass the type checkers

        def __getattr__(self, name: str) -> object:
            if name in type(self)._secrets:
                raise AttributeError(
                    f"{name} is gone: secrets are never written into a pickle. Make the credentials anew."
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __copy__(self: _C) -> _C:
        return self

    def __deepcopy__(self: _C, memo: object) -> _C:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        kept = {name: getattr(self, name) for name in self.__slots__ if name not in self._secrets}
        return type(self)._revived, (kept,)

    @classmethod
    def _revived(cls: type[_C], members: dict[str, object]) -> _C:
        revived = cls.__new__(cls)
        revived._set(**members)
        return revived

    def _set(self, **members: object) -> None:
        for name, value in members.items():
            object.__setattr__(self, name, str(value) if isinstance(value, SecretText) else value)

    def _printed(self, name: str) -> str:
        value = getattr(self, name, None)
        return "'***'" if name in self._secrets and value is not None else repr(value)


class OAuth2ClientCredentials(_Secretive):
    """A program that signs in as itself, by the client credentials grant.

    The client fetches a token with the first call and a new one shortly before it expires.

    Args:
        client_id: The id of the OAuth client.
        client_secret: Its secret.
        scopes: The scopes to ask for, such as ``migrations:read``; all that the client may have when empty.

    Raises:
        ConfigurationError: The id or the secret is empty, or a scope contains white space.

    Examples:
        >>> from sensei.auth import OAuth2ClientCredentials
        >>> OAuth2ClientCredentials("my-client", "my-secret", scopes=["migrations:read"])
        OAuth2ClientCredentials(client_id='my-client', client_secret='***', scopes=('migrations:read',))
    """

    client_id: str
    client_secret: str
    scopes: tuple[str, ...]

    _secrets = frozenset({"client_secret"})
    __slots__ = ("client_id", "client_secret", "scopes")

    def __init__(self, client_id: str, client_secret: str, *, scopes: Iterable[ScopeParam] | str = ()) -> None:
        client_secret = concealed(client_secret)  # reports of crashes print the variables of this frame
        self._set(
            client_id=_required("client_id", client_id),
            client_secret=_required("client_secret", client_secret),
            scopes=_scopes(scopes),
        )


class ServiceAccount(_Secretive):
    """A service account, by its client id and secret, or by its token.

    With id and secret the client exchanges them for tokens that live an hour; with the token (``sa_…``) it sends
    that as it is.

    Args:
        client_id: The id of the account (``sa_…``); it is no secret.
        client_secret: Its secret (``sas_…``).
        token: Instead of both, the token that creating or rotating the account showed once.
        scopes: The scopes to ask for; all that the account has when empty. Not with `token`, which has its own.

    Raises:
        ConfigurationError: Neither a token nor id and secret were given, or both.

    Examples:
        >>> from sensei.auth import ServiceAccount
        >>> ServiceAccount("sa_abc123", "sas_secret")
        ServiceAccount(client_id='sa_abc123', client_secret='***', scopes=(), token=None)
        >>> ServiceAccount(token="sa_4mQ8vT2xZ7nB5kL0")
        ServiceAccount(client_id=None, client_secret=None, scopes=(), token='***')
    """

    client_id: str | None
    client_secret: str | None
    token: str | None
    scopes: tuple[str, ...]

    _secrets = frozenset({"client_secret", "token"})
    __slots__ = ("client_id", "client_secret", "scopes", "token")

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        *,
        token: str | None = None,
        scopes: Iterable[ScopeParam] | str = (),
    ) -> None:
        client_secret, token = concealed(client_secret), concealed(token)
        asked = _scopes(scopes)
        if token is not None:
            if client_id is not None or client_secret is not None or asked:
                raise ConfigurationError(
                    "Give a service account either its token alone, or client_id and client_secret."
                )
            bearer("token", token)
        elif client_id is None or client_secret is None:
            raise ConfigurationError(
                "A service account needs client_id and client_secret, or its token as token=. "
                "Its id (sa_…) alone is no credential."
            )
        else:
            _required("client_id", client_id)
            _required("client_secret", client_secret)
        self._set(client_id=client_id, client_secret=client_secret, token=token, scopes=asked)


class TokenAnswer(Protocol):
    """The answer of the token endpoint, as `client.oauth` returns it."""

    @property
    def access_token(self) -> str: ...
    @property
    def refresh_token(self) -> str | None: ...
    @property
    def expires_in(self) -> int: ...
    @property
    def scope(self) -> str | None: ...


class OAuth2Token(_Secretive):
    """A token that a user granted, with the means to refresh it.

    A refresh may hand out a new refresh token, after which the old one is spent: keep what `on_refresh` gives you,
    and use one token with one client (copies made by `with_options` share it).

    Args:
        access_token: The access token.
        refresh_token: The refresh token; without one the access token is used until it is refused.
        client_id: The OAuth client the tokens were made for; needed to refresh.
        client_secret: Its secret; None for a public client.
        expires_at: When the access token expires, aware; None when not known: then it is refreshed once refused.
        scopes: The scopes of the token, if known.
        on_refresh: Called with the new `OAuth2Token` after each refresh, before it is used. With an async client it
            may be a coroutine function. When it raises, so does the call that needed the token, and the next call
            tries to save again.

    Raises:
        ConfigurationError: The access token is empty, `refresh_token` comes without `client_id`, or `expires_at` has
            no time zone.

    Examples:
        >>> from sensei.auth import OAuth2Token
        >>> OAuth2Token("eyJ_example", "rt_abc123", client_id="my-client").refresh_token
        'rt_abc123'
    """

    access_token: str
    refresh_token: str | None
    client_id: str | None
    client_secret: str | None
    expires_at: datetime | None
    scopes: tuple[str, ...]
    on_refresh: Callable[[OAuth2Token], object] | None

    # A function is no secret, but it seldom pickles and may carry anything.
    _secrets = frozenset({"access_token", "refresh_token", "client_secret", "on_refresh"})
    __slots__ = ("access_token", "client_id", "client_secret", "expires_at", "on_refresh", "refresh_token", "scopes")

    def __init__(
        self,
        access_token: str,
        refresh_token: str | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        expires_at: datetime | None = None,
        scopes: Iterable[str] = (),
        on_refresh: Callable[[OAuth2Token], object] | None = None,
    ) -> None:
        access_token, refresh_token = concealed(access_token), concealed(refresh_token)
        client_secret = concealed(client_secret)
        for name, text in (
            ("access_token", access_token),
            ("refresh_token", refresh_token),
            ("client_id", client_id),
            ("client_secret", client_secret),
        ):
            if text is not None:
                check_kind(name, text, str, "a str")
        if expires_at is not None:
            check_kind("expires_at", expires_at, datetime, "a datetime")
        check_functions("OAuth2Token", {"on_refresh": on_refresh})
        if refresh_token is not None and client_id is None:
            raise ConfigurationError("A refresh token needs the client_id that it was made for.")
        if expires_at is not None and expires_at.tzinfo is None:
            raise ConfigurationError("expires_at has no time zone: pass an aware datetime, e.g. with tzinfo=UTC.")
        self._set(
            access_token=bearer("access_token", access_token),
            refresh_token=refresh_token,
            client_id=client_id,
            client_secret=client_secret,
            expires_at=expires_at,
            scopes=_scopes(scopes),
            on_refresh=on_refresh,
        )

    @classmethod
    def from_answer(
        cls,
        answer: TokenAnswer,
        *,
        client_id: str,
        client_secret: str | None = None,
        on_refresh: Callable[[OAuth2Token], object] | None = None,
    ) -> OAuth2Token:
        """Make credentials of what `client.oauth.exchange_code` or `client.oauth.refresh` returned just now.

        Args:
            answer: The answer of the token endpoint.
            client_id: The OAuth client the tokens were made for.
            client_secret: Its secret; None for a public client.
            on_refresh: Called with the new token after each refresh.

        Returns:
            Credentials that expire when the answer says.

        Examples:
            >>> from sensei.auth import OAuth2Token
            >>> from sensei.models.oauth import OAuthTokenResponse
            >>> answer = OAuthTokenResponse(access_token="at", token_type="Bearer", expires_in=60, refresh_token="rt_1")
            >>> OAuth2Token.from_answer(answer, client_id="my-client").refresh_token
            'rt_1'
        """
        client_secret = concealed(client_secret)
        return cls(
            answer.access_token,
            answer.refresh_token,
            client_id=client_id,
            client_secret=client_secret,
            expires_at=_end(answer.expires_in),
            scopes=(answer.scope or "").split(),
            on_refresh=on_refresh,
        )

    def refreshed(self, answer: TokenAnswer) -> OAuth2Token:
        """Make the token that follows this one.

        Args:
            answer: The answer of the token endpoint to a refresh. Without a new refresh token the old one stays.

        Returns:
            New credentials; client and `on_refresh` stay the same.
        """
        return OAuth2Token(
            answer.access_token,
            answer.refresh_token or self.refresh_token,
            client_id=self.client_id,
            client_secret=self.client_secret,
            expires_at=_end(answer.expires_in),
            scopes=answer.scope.split() if answer.scope else self.scopes,
            on_refresh=self.on_refresh,
        )


Credentials = OAuth2ClientCredentials | OAuth2Token | ServiceAccount
"""Everything that `credentials=` takes."""


_LONGEST_LIFE = 10 * 365 * 86_400
"""Seconds, ten years: far beyond what calendars hold, a server may well say that a token never ends."""


def _end(expires_in: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=max(-_LONGEST_LIFE, min(expires_in, _LONGEST_LIFE)))


_HEADER_SAFE = re.compile(r"[!-~]+").fullmatch


def bearer(name: str, value: str) -> str:
    """A credential that can stand in a header.

    Raises:
        ConfigurationError: it is empty, or holds white space or characters outside ASCII. The text is not shown.
    """
    check_kind(name, value, str, "a str")
    if not _HEADER_SAFE(value):
        problem = "is empty" if not value.strip() else "holds white space or characters that no credential has"
        raise ConfigurationError(f"{name} {problem}.")
    return value


def _required(name: str, value: str) -> str:
    check_kind(name, value, str, "a str")
    if not value.strip():
        raise ConfigurationError(f"{name} is empty.")
    return value


def _scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(cast("object", scopes), Iterable):
        raise ConfigurationError("scopes must be a list of them, or one text with blanks between.")
    given = tuple(scopes.split()) if isinstance(scopes, str) else tuple(scopes)
    for scope in given:
        if not isinstance(cast("object", scope), str) or not scope or scope.split() != [scope]:
            raise ConfigurationError(f"{scope!r} is no scope: give each one by itself, such as 'migrations:read'.")
    return given
