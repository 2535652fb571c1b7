"""OAuth 2.0: sign users and programs in, revoke tokens, ask about tokens."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType

from sensei._async.resources._base import AsyncResource
from sensei._oauth import (
    AuthorizationRequest,
    ClientAuth,
    TokenCall,
    TokenTypeHint,
    authorization_request,
    check_state,
    client_credentials_grant,
    code_exchange,
    refresh_grant,
    token_reference,
)
from sensei._redact import concealed
from sensei._request import UNSET, HeaderTypes, RequestExtras, TimeoutTypes, Unset
from sensei.models.enums import ScopeParam
from sensei.models.oauth import OAuthIntrospection, OAuthTokenResponse

__all__ = ["AsyncOAuth"]


class AsyncOAuth(AsyncResource):
    """`client.oauth`: the OAuth server, which for the hosted platform is a host of its own.

    Signing in is not done by hand for ordinary calls: give the client `credentials=`. These methods are for programs
    that sign in their users. They send no idempotency key; `exchange_code` and `refresh` are never sent twice.
    """

    def authorization_url(
        self,
        *,
        client_id: str,
        redirect_uri: str,
        scopes: Iterable[ScopeParam] | str = (),
        state: str | None = None,
        code_verifier: str | None = None,
    ) -> AuthorizationRequest:
        """Make the address where a user gives consent. `GET /oauth/authorize`

        Nothing is sent: open the address in the user's browser, which comes back to `redirect_uri` with `code` and
        `state`, or with `error` when the user refused.

        Args:
            client_id: the id of your OAuth client.
            redirect_uri: where the browser comes back to, exactly as registered.
            scopes: what to ask for, such as `migrations:read`.
            state: your own value against forged callbacks; made up when None.
            code_verifier: your own PKCE verifier, 43 to 128 characters; made up when None.

        Returns:
            The address, and the `state` and `code_verifier` to keep with the user's session.

        Raises:
            InvalidArgumentError: `redirect_uri` is no absolute URL, or an argument cannot be used.

        Examples:
            >>> request = client.oauth.authorization_url(
            ...     client_id="my-app", redirect_uri="https://app.example.com/callback", scopes=["migrations:read"]
            ... )
            >>> session["state"], session["verifier"] = request.state, request.code_verifier
        """
        state, code_verifier = concealed(state), concealed(code_verifier)
        return authorization_request(
            self._client._transport.auth_server.url,
            client_id=client_id,
            redirect_uri=redirect_uri,
            scopes=scopes,
            state=state,
            code_verifier=code_verifier,
        )

    async def exchange_code(
        self,
        code: str,
        *,
        redirect_uri: str,
        client_id: str,
        client_secret: str | None = None,
        code_verifier: str | None = None,
        state: str | Unset | None = UNSET,
        expected_state: str | Unset | None = UNSET,
        client_auth: ClientAuth = "body",
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> OAuthTokenResponse:
        """Exchange the code of a callback for tokens. `POST /oauth/token`

        A code works once and for 10 minutes, so the call is sent once, whatever happens.

        Args:
            code: the `code` of the callback.
            redirect_uri: the same as in `authorization_url`.
            client_id: the id of your OAuth client.
            client_secret: its secret; None for a public client, which must use PKCE.
            code_verifier: the one that `authorization_url` gave.
            state: the `state` of the callback.
            expected_state: the one that `authorization_url` gave; compared before anything is sent. Pass both just as
                you have them: None, for one that is missing, is refused. Without the two nothing is compared.
            client_auth: `body` or `basic`: how id and secret are sent.
            timeout: seconds for the attempt.
            headers: headers for this call only.

        Returns:
            The tokens; `OAuth2Token.from_answer` makes credentials of them.

        Raises:
            InvalidArgumentError: the states differ or one is missing, or an argument is empty. Nothing was sent.
            BadRequestError: `invalid_grant`: the code is unknown, spent or too old, or the verifier does not fit.
            AuthenticationError: `invalid_client`: unknown client or wrong secret.
            APIConnectionError: no answer came; start the sign-in again.

        Examples:
            >>> tokens = await client.oauth.exchange_code(
            ...     callback["code"],
            ...     state=callback["state"],
            ...     expected_state=session["state"],
            ...     code_verifier=session["verifier"],
            ...     redirect_uri="https://app.example.com/callback",
            ...     client_id="my-app",
            ... )
        """
        code, code_verifier, client_secret = concealed(code), concealed(code_verifier), concealed(client_secret)
        state, expected_state = concealed(state), concealed(expected_state)
        check_state(state, expected_state)
        exchange = code_exchange(
            code,
            redirect_uri=redirect_uri,
            client_id=client_id,
            client_secret=client_secret,
            code_verifier=code_verifier,
            client_auth=client_auth,
        )
        return await self._token(exchange, timeout, headers)

    async def client_credentials(
        self,
        client_id: str,
        client_secret: str,
        *,
        scopes: Iterable[ScopeParam] | str = (),
        client_auth: ClientAuth = "body",
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> OAuthTokenResponse:
        """Fetch a token for a program or a service account. `POST /oauth/token`

        Args:
            client_id: the id of the OAuth client or service account.
            client_secret: its secret.
            scopes: what to ask for; all that the client may have when empty.
            client_auth: `body` or `basic`: how id and secret are sent.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The token, without a refresh token.

        Raises:
            AuthenticationError: `invalid_client`: unknown client or wrong secret.
            BadRequestError: `invalid_scope`: the client may not have one of the scopes.

        Examples:
            >>> token = await client.oauth.client_credentials("sa_abc123", secret)
            >>> token.expires_in
            3600
        """
        client_secret = concealed(client_secret)
        grant = client_credentials_grant(client_id, client_secret, scopes, client_auth)
        return await self._token(grant, timeout, headers)

    async def refresh(
        self,
        refresh_token: str,
        *,
        client_id: str,
        client_secret: str | None = None,
        scopes: Iterable[ScopeParam] | str = (),
        client_auth: ClientAuth = "body",
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> OAuthTokenResponse:
        """Refresh a token. `POST /oauth/token`

        The server may hand out a new refresh token, after which the old one is spent: keep the new one. So the call
        is sent once, whatever happens.

        Args:
            refresh_token: the refresh token.
            client_id: the id of the OAuth client it was made for.
            client_secret: its secret; None for a public client.
            scopes: fewer scopes than before; the same when empty.
            client_auth: `body` or `basic`: how id and secret are sent.
            timeout: seconds for the attempt.
            headers: headers for this call only.

        Returns:
            The new tokens.

        Raises:
            BadRequestError: `invalid_grant`: the refresh token is unknown, spent, expired or revoked.
            AuthenticationError: `invalid_client`: unknown client or wrong secret.
            APIConnectionError: no answer came; the refresh token may be spent.

        Examples:
            >>> tokens = await client.oauth.refresh(saved.refresh_token, client_id="my-app", client_secret=secret)
        """
        refresh_token, client_secret = concealed(refresh_token), concealed(client_secret)
        grant = refresh_grant(
            refresh_token, client_id=client_id, client_secret=client_secret, scopes=scopes, client_auth=client_auth
        )
        return await self._token(grant, timeout, headers)

    async def revoke(
        self,
        token: str,
        *,
        token_type_hint: TokenTypeHint | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        client_auth: ClientAuth = "body",
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> None:
        """Revoke a token; an unknown one is no error. `POST /oauth/revoke`

        Revoking a refresh token ends the access tokens that were made from it.

        Args:
            token: the access or refresh token.
            token_type_hint: `access_token` or `refresh_token`, if known.
            client_id: the OAuth client that asks; the client's own credential is sent when None.
            client_secret: its secret.
            client_auth: `body` or `basic`: how id and secret are sent.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Raises:
            AuthenticationError: the one who asks could not prove itself.

        Examples:
            >>> await client.oauth.revoke(tokens.refresh_token, client_id="my-app", client_secret=secret)
        """
        token, client_secret = concealed(token), concealed(client_secret)
        reference = token_reference(
            "/revoke",
            token,
            hint=token_type_hint,
            client_id=client_id,
            client_secret=client_secret,
            client_auth=client_auth,
        )
        await self._call(NoneType, "POST", reference.path, extras=_extras(reference), timeout=timeout, headers=headers)

    async def introspect(
        self,
        token: str,
        *,
        token_type_hint: TokenTypeHint | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        client_auth: ClientAuth = "body",
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> OAuthIntrospection:
        """Ask about a token. `POST /oauth/introspect`

        Args:
            token: the access or refresh token.
            token_type_hint: `access_token` or `refresh_token`, if known.
            client_id: the OAuth client that asks; the client's own credential is sent when None.
            client_secret: its secret.
            client_auth: `body` or `basic`: how id and secret are sent.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            What is known; only `active`, False, for a token that is unknown, expired, revoked or somebody else's.

        Raises:
            AuthenticationError: the one who asks could not prove itself.

        Examples:
            >>> (await client.oauth.introspect(token)).active
            True
        """
        token, client_secret = concealed(token), concealed(client_secret)
        reference = token_reference(
            "/introspect",
            token,
            hint=token_type_hint,
            client_id=client_id,
            client_secret=client_secret,
            client_auth=client_auth,
        )
        return await self._call(
            OAuthIntrospection, "POST", reference.path, extras=_extras(reference), timeout=timeout, headers=headers
        )

    async def _token(self, call: TokenCall, timeout: TimeoutTypes, headers: HeaderTypes) -> OAuthTokenResponse:
        return await self._call(
            OAuthTokenResponse, "POST", call.path, extras=_extras(call), timeout=timeout, headers=headers
        )


def _extras(call: TokenCall) -> RequestExtras:
    return RequestExtras(server="auth", authorization=call.authorization, form=call.form, repeatable=call.repeatable)
