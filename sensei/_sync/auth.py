# Generated from sensei/_async/auth.py by scripts/generate_sync.py: change that file and run the script.
"""Where the `Authorization` header of a call comes from.

The transport reads `ready` and awaits `authorization(deadline)` when that is None. When the server answers 401, it
awaits `renewed(header, deadline)` once, and sends the call again if a header comes back. Deadlines are those of the
call, on the monotonic clock.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextvars import ContextVar
from time import monotonic

from sensei._locks import Lock, run_to_completion
from sensei._oauth import TokenCall
from sensei._sync.keys import Authorizer, KeyProvider, StaticKey
from sensei._tokens import (
    HeldToken,
    after_renewal,
    first_token,
    hold,
    is_passing,
    renewal,
    resolved,
    sign_in_error,
)
from sensei.auth import Credentials, OAuth2Token
from sensei.errors import APITimeoutError, ConfigurationError, SenseiError
from sensei.models.oauth import OAuthTokenResponse

__all__ = ["Authorizer", "KeyProvider", "TokenHolder", "StaticKey"]


_saving: ContextVar[object] = ContextVar("sensei_saving", default=None)
"""The holder whose refreshed token is being handed to the user, in the task that does so."""


class TokenHolder:
    """Signs in with credentials: one token at a time, renewed before it ends and when it is refused.

    However many threads ask, one fetches and the others wait for what it gets, also when that is an error.

    Args:
        credentials: How to sign in.
        fetch: Makes the call to the OAuth server, until a deadline.
    """

    def __init__(
        self, credentials: Credentials, fetch: Callable[[TokenCall, float | None], OAuthTokenResponse]
    ) -> None:
        self._credentials = credentials
        self._fetch = fetch
        self._held = first_token(credentials, monotonic())
        self._unsaved: OAuth2Token | None = None
        self._lock = Lock()
        self._fetches = 0
        self._failure: SenseiError | None = None

    @property
    def ready(self) -> str | None:
        held = self._held
        return held.header if held is not None and monotonic() < held.due and self._unsaved is None else None

    def authorization(self, deadline: float | None = None) -> str:
        held = self._held
        if held is not None and _saving.get() is self:
            return held.header  # for a call that the user's own `on_refresh` makes
        if held is not None and self._unsaved is None:
            if monotonic() < held.due:
                return held.header
            if renewal(self._credentials) is None:
                return held.header  # the server decides whether it still works
        return self._renewed(held, deadline, refused=False)

    def renewed(self, refused: str, deadline: float | None = None) -> str | None:
        held = self._held
        if held is not None and held.header != refused:
            return held.header
        if renewal(self._credentials) is None or _saving.get() is self:
            return None
        return self._renewed(held, deadline, refused=True)

    def _renewed(self, held: HeldToken | None, deadline: float | None, *, refused: bool) -> str:
        fetches = self._fetches

        def renew() -> str:
            return self._renew(held, deadline, fetches, refused=refused)

        if isinstance(self._credentials, OAuth2Token):
            # A cancelled refresh may have spent the refresh token: what comes back must not be lost.
            return run_to_completion(renew)
        return renew()

    def _renew(self, held: HeldToken | None, deadline: float | None, fetches: int, *, refused: bool) -> str:
        taken = False
        try:
            taken = self._lock.acquire(deadline)
            if not taken:
                raise APITimeoutError("no token came before the deadline of the call")
            return self._renew_locked(held, deadline, fetches, refused=refused)
        finally:
            self._lock.release(taken)

    def _renew_locked(self, held: HeldToken | None, deadline: float | None, fetches: int, *, refused: bool) -> str:
        """Replace `held`, unless another did so since, or failed to since `fetches` were made."""
        self._save()
        current = self._held
        if current is not None and (current is not held or (not refused and monotonic() < current.due)):
            return current.header
        if self._failure is not None and self._fetches > fetches:
            raise copy.copy(self._failure)
        try:
            return self._fetch_token(deadline)
        except SenseiError as error:
            now = monotonic()
            if current is None or refused or now >= current.expires or not is_passing(error):
                raise
            self._held = current.postponed(now)
            return current.header

    def _fetch_token(self, deadline: float | None) -> str:
        call = renewal(self._credentials)
        if call is None:
            raise ConfigurationError("There is no token and no way to fetch one: make the credentials anew.")
        try:
            answer = self._fetch(call, deadline)
        except SenseiError as error:
            failure = sign_in_error(error)
            if deadline is None or monotonic() < deadline:  # others may have more time
                self._failure = failure
                self._fetches += 1
            raise failure from error.__cause__
        self._failure = None
        self._fetches += 1
        self._held = hold(answer.access_token, answer.expires_in, monotonic())
        self._credentials = after_renewal(self._credentials, answer)
        if isinstance(self._credentials, OAuth2Token):
            self._unsaved = self._credentials
            self._save()
        return self._held.header

    def _save(self) -> None:
        """Hand a refreshed token to the user, again if that failed before: the old one may be spent."""
        token = self._unsaved
        if token is not None:
            if token.on_refresh is not None:
                before = _saving.set(self)
                try:
                    resolved(token.on_refresh(token))
                finally:
                    _saving.reset(before)
            self._unsaved = None
