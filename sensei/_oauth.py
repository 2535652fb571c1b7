"""OAuth decisions: what is sent to the OAuth server, as plain data."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from sensei._arguments import kind_of
from sensei._redact import SecretText, concealed, revealed
from sensei._request import UNSET, is_sendable
from sensei.errors import InvalidArgumentError

ClientAuth: TypeAlias = Literal["body", "basic"]
"""How an OAuth client proves itself: id and secret in the form body, or by HTTP Basic."""

TokenTypeHint: TypeAlias = Literal["access_token", "refresh_token"]
"""What a token is, where that is known."""

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}").fullmatch


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Where to send the user's browser, and what to keep until it comes back; as text it is the address.

    Attributes:
        url: Open this in the user's browser.
        state: Keep it with the user's session and compare it with the `state` that comes back.
        code_verifier: Keep it with the user's session, secretly; `exchange_code` needs it.
    """

    url: str
    state: str
    code_verifier: str = field(repr=False)

    def __str__(self) -> str:
        return self.url


def authorization_request(
    auth_url: str,
    *,
    client_id: str,
    redirect_uri: str,
    scopes: Iterable[str],
    state: str | None,
    code_verifier: str | None,
) -> AuthorizationRequest:
    """The consent page's address, with PKCE by S256 and a state that nobody can guess."""
    code_verifier, state = concealed(code_verifier), concealed(state)
    try:
        parts = urlsplit(not_empty("redirect_uri", redirect_uri))
    except ValueError as error:
        raise InvalidArgumentError(f"redirect_uri is no URL: {error}") from None
    if not parts.scheme or not (parts.netloc or parts.path) or parts.fragment:
        raise InvalidArgumentError("redirect_uri must be an absolute URL without a fragment, as registered.")
    verifier = concealed(secrets.token_urlsafe(64)) if code_verifier is None else code_verifier
    if not _VERIFIER(not_empty("code_verifier", verifier)):
        raise InvalidArgumentError("code_verifier must be 43 to 128 letters, digits and . _ ~ - (RFC 7636).")
    guard = concealed(secrets.token_urlsafe(32)) if state is None else not_empty("state", state)
    query = {
        "response_type": "code",
        "client_id": not_empty("client_id", client_id),
        "redirect_uri": redirect_uri,
        "scope": join_scopes(scopes),
        "state": guard,
        "code_challenge": code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    url = f"{auth_url}/authorize?{urlencode({k: v for k, v in query.items() if v}, quote_via=quote)}"
    return AuthorizationRequest(url, revealed(guard), revealed(verifier))


def code_challenge(verifier: str) -> str:
    """The PKCE challenge of a verifier by S256 (RFC 7636).

    Examples:
        >>> code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def check_state(state: object, expected: object) -> None:
    """Compare the state that came back with the one that was sent, in constant time.

    None and an empty text are no states: two that are missing are not the same, or a forged callback without a state
    would pass wherever no sign-in was begun.

    Raises:
        InvalidArgumentError: they differ, or one is missing.
    """
    if state is UNSET and expected is UNSET:
        return
    state, expected = concealed(state), concealed(expected)
    if state is UNSET or expected is UNSET:
        raise InvalidArgumentError("Give both: state= as it came back and expected_state= as it was sent.")
    for name, value in (("state", state), ("expected_state", expected)):
        if value is not None and not isinstance(value, str):
            raise InvalidArgumentError(f"{name} must be a str, not {kind_of(value)}")
    if not state or not expected:
        problem = "no sign-in was begun here (expected_state" if not expected else "the callback brought none (state"
        raise InvalidArgumentError(f"There is no state to compare: {problem} is missing). Start the sign-in again.")
    if not hmac.compare_digest(_bytes(state), _bytes(expected)):
        raise InvalidArgumentError(
            "The state that came back is not the one that was sent: the callback belongs to another sign-in or is "
            "forged. Start the sign-in again."
        )


def _bytes(text: object) -> bytes:
    return str(text).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class TokenCall:
    """One POST to the OAuth server.

    Attributes:
        path: Below the address of the OAuth endpoints.
        form: The members of the body.
        authorization: The `Authorization` header: `client` for the client's own credential, None for none.
        repeatable: False for what works once.
    """

    path: str
    form: dict[str, str] = field(repr=False)
    authorization: str | None = field(default=None, repr=False)
    repeatable: bool = True


def code_exchange(
    code: str,
    *,
    redirect_uri: str,
    client_id: str,
    client_secret: str | None,
    code_verifier: str | None,
    client_auth: ClientAuth,
) -> TokenCall:
    """Exchange an authorization code, which works once."""
    code, client_secret, code_verifier = concealed(code), concealed(client_secret), concealed(code_verifier)
    form = {
        "grant_type": "authorization_code",
        "code": not_empty("code", code),
        "redirect_uri": not_empty("redirect_uri", redirect_uri),
    }
    if code_verifier is not None:
        form["code_verifier"] = not_empty("code_verifier", code_verifier)
    return _token_call(form, client_id, client_secret, client_auth, repeatable=False)


def client_credentials_grant(
    client_id: str, client_secret: str, scopes: Iterable[str], client_auth: ClientAuth
) -> TokenCall:
    """Fetch a token for a program."""
    client_secret = concealed(client_secret)
    form = {"grant_type": "client_credentials"}
    if scope := join_scopes(scopes):
        form["scope"] = scope
    secret = not_empty("client_secret", client_secret)
    return _token_call(form, client_id, secret, client_auth, repeatable=True)


def refresh_grant(
    refresh_token: str,
    *,
    client_id: str,
    client_secret: str | None,
    scopes: Iterable[str],
    client_auth: ClientAuth,
) -> TokenCall:
    """Refresh a token. The server may hand out a new refresh token, so that a second try could find this one spent."""
    refresh_token, client_secret = concealed(refresh_token), concealed(client_secret)
    form = {"grant_type": "refresh_token", "refresh_token": not_empty("refresh_token", refresh_token)}
    if scope := join_scopes(scopes):
        form["scope"] = scope
    return _token_call(form, client_id, client_secret, client_auth, repeatable=False)


def token_reference(
    path: str,
    token: str,
    *,
    hint: str | None,
    client_id: str | None,
    client_secret: str | None,
    client_auth: ClientAuth,
) -> TokenCall:
    """Revoke or introspect a token, as an OAuth client when its id is given, else with the client's own credential."""
    token, client_secret = concealed(token), concealed(client_secret)
    form = {"token": not_empty("token", token)}
    if hint is not None:
        form["token_type_hint"] = not_empty("token_type_hint", hint)
    if client_id is None:
        if client_secret is not None:
            raise InvalidArgumentError("client_secret needs the client_id that it belongs to.")
        return TokenCall(path, form, "client")
    proof, authorization = _client_proof(client_id, client_secret, client_auth)
    return TokenCall(path, form | proof, authorization)


def _token_call(
    form: dict[str, str], client_id: str, client_secret: str | None, client_auth: ClientAuth, *, repeatable: bool
) -> TokenCall:
    proof, authorization = _client_proof(client_id, client_secret, client_auth)
    return TokenCall("/token", form | proof, authorization, repeatable)


def _client_proof(
    client_id: str, client_secret: str | None, client_auth: ClientAuth
) -> tuple[dict[str, str], str | None]:
    not_empty("client_id", client_id)
    if client_auth not in {"body", "basic"}:
        raise InvalidArgumentError("client_auth must be 'body' or 'basic'.")
    if client_secret is None:
        return {"client_id": client_id}, None
    not_empty("client_secret", client_secret)
    if client_auth == "basic":
        # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        return {}, SecretText("Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii"))
    return {"client_id": client_id, "client_secret": client_secret}, None


def join_scopes(scopes: Iterable[str]) -> str:
    """The `scope` member: scopes parted by spaces.

    Raises:
        InvalidArgumentError: one of them is empty or contains white space.
    """
    if not isinstance(cast("object", scopes), Iterable):
        raise InvalidArgumentError("scopes must be a list of them, or one text with blanks between.")
    given = scopes.split() if isinstance(scopes, str) else list(scopes)
    for scope in given:
        if not isinstance(cast("object", scope), str) or scope.split() != [scope]:
            raise InvalidArgumentError(f"{scope!r} is no scope: give each one by itself, such as 'migrations:read'.")
    return " ".join(given)


def not_empty(name: str, value: str) -> str:
    """`value`, unless there is nothing in it."""
    if not isinstance(cast("object", value), str):
        raise InvalidArgumentError(f"{name} must be a str, not {kind_of(value)}")
    if not value.strip():
        raise InvalidArgumentError(f"{name} is empty")
    if not is_sendable(value):
        raise InvalidArgumentError(f"{name} holds half characters, which cannot be sent")
    return value
