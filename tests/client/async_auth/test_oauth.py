"""`client.oauth`: what is sent to the OAuth server, and what comes of it."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx

from sensei import AsyncClient
from sensei.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    InvalidArgumentError,
    RateLimitError,
    SenseiError,
)

OAUTH = "https://auth.sensei.ai/oauth"
TOKENS = {
    "access_token": "ACCESSTOKEN",
    "token_type": "Bearer",
    "expires_in": 3600,
    "refresh_token": "REFRESHTOKEN",
    "scope": "migrations:read migrations:write",
}


def form_of(request: httpx.Request) -> dict[str, str]:
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def token_route(wire: respx.MockRouter) -> respx.Route:
    return wire.post(f"{OAUTH}/token").mock(return_value=httpx.Response(200, json=TOKENS))


@pytest.mark.anyio
class TestUsers:
    @pytest.mark.parametrize(
        ("base_url", "page"),
        [
            ("https://api.sensei.ai", "https://auth.sensei.ai/oauth/authorize"),
            ("https://api.sensei.ai/v1", "https://auth.sensei.ai/oauth/authorize"),
            ("https://sensei.example.com:8443/v1", "https://sensei.example.com:8443/oauth/authorize"),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/oauth/authorize"),
        ],
    )
    async def test_consent_is_asked_for_where_the_contract_says(self, base_url: str, page: str) -> None:
        async with AsyncClient("sk_test_1", base_url=base_url) as client:
            request = client.oauth.authorization_url(client_id="app", redirect_uri="https://app.example.com/callback")
        parts = urlsplit(request.url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == page
        assert parse_qs(parts.query)["state"] == [request.state]

    async def test_the_code_of_the_callback_becomes_tokens(self, token_route: respx.Route) -> None:
        async with AsyncClient("sk_test_1") as client:
            request = client.oauth.authorization_url(client_id="app", redirect_uri="https://app.example.com/callback")
            tokens = await client.oauth.exchange_code(
                "AUTH_CODE",
                state=request.state,
                expected_state=request.state,
                code_verifier=request.code_verifier,
                redirect_uri="https://app.example.com/callback",
                client_id="app",
            )
        sent = token_route.calls.last.request
        assert form_of(sent) == {
            "grant_type": "authorization_code",
            "code": "AUTH_CODE",
            "redirect_uri": "https://app.example.com/callback",
            "code_verifier": request.code_verifier,
            "client_id": "app",
        }
        assert "authorization" not in sent.headers, "the key of the API is not for the OAuth server"
        assert "x-idempotency-key" not in sent.headers
        assert (tokens.access_token, tokens.refresh_token, tokens.expires_in) == ("ACCESSTOKEN", "REFRESHTOKEN", 3600)
        assert tokens.scope == "migrations:read migrations:write"

    async def test_tokens_are_neither_printed_nor_pickled(self, token_route: respx.Route) -> None:
        async with AsyncClient("sk_test_1") as client:
            tokens = await client.oauth.client_credentials("c", "s")
        for text in (repr(tokens), str(tokens), repr(pickle.dumps(tokens))):
            assert "ACCESSTOKEN" not in text
            assert "REFRESHTOKEN" not in text

    @pytest.mark.parametrize(("state", "expected"), [("forged", "mine"), (None, "mine"), ("mine", None)])
    async def test_a_forged_callback_sends_nothing(
        self, token_route: respx.Route, state: str | None, expected: str | None
    ) -> None:
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(InvalidArgumentError, match="state"):
                await client.oauth.exchange_code(
                    "AUTH_CODE",
                    state=state,
                    expected_state=expected,
                    redirect_uri="https://app.example.com/callback",
                    client_id="app",
                )
        assert token_route.call_count == 0

    @pytest.mark.parametrize(
        "outcome", [httpx.Response(503), httpx.Response(429, headers={"Retry-After": "0"}), httpx.ReadError("cut")]
    )
    @pytest.mark.parametrize(
        "once",
        [
            lambda client: client.oauth.exchange_code("WORKS_ONCE", redirect_uri="https://a.example/", client_id="app"),
            lambda client: client.oauth.refresh("WORKS_ONCE", client_id="app"),
        ],
        ids=["code", "refresh"],
    )
    async def test_what_works_once_is_sent_once(self, token_route: respx.Route, outcome: Any, once: Any) -> None:
        token_route.mock(side_effect=outcome if isinstance(outcome, Exception) else [outcome])
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(SenseiError) as caught:
                await once(client)
        assert token_route.call_count == 1
        said = f"{caught.value} {caught.value!r} {vars(caught.value)}"
        assert "WORKS_ONCE" not in said

    async def test_a_refresh_sends_what_the_contract_asks_for(self, token_route: respx.Route) -> None:
        async with AsyncClient("sk_test_1") as client:
            await client.oauth.refresh("rt_1", client_id="app", client_secret="s", scopes=["migrations:read"])
        assert form_of(token_route.calls.last.request) == {
            "grant_type": "refresh_token",
            "refresh_token": "rt_1",
            "scope": "migrations:read",
            "client_id": "app",
            "client_secret": "s",
        }


@pytest.mark.anyio
class TestPrograms:
    async def test_client_credentials_go_in_the_body(self, token_route: respx.Route) -> None:
        async with AsyncClient("sk_test_1") as client:
            await client.oauth.client_credentials("c", "s", scopes=["migrations:read", "connections:*"])
        assert form_of(token_route.calls.last.request) == {
            "grant_type": "client_credentials",
            "scope": "migrations:read connections:*",
            "client_id": "c",
            "client_secret": "s",
        }

    async def test_or_by_http_basic(self, token_route: respx.Route) -> None:
        async with AsyncClient("sk_test_1") as client:
            await client.oauth.client_credentials("my client", "p:w", client_auth="basic")
        sent = token_route.calls.last.request
        assert form_of(sent) == {"grant_type": "client_credentials"}
        assert sent.headers["authorization"] == "Basic " + base64.b64encode(b"my+client:p%3Aw").decode()

    async def test_trouble_is_tried_again(self, token_route: respx.Route) -> None:
        token_route.mock(
            side_effect=[httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(200, json=TOKENS)]
        )
        async with AsyncClient("sk_test_1") as client:
            assert (await client.oauth.client_credentials("c", "s")).access_token == "ACCESSTOKEN"
        assert token_route.call_count == 2


@pytest.mark.anyio
class TestTokens:
    @pytest.mark.parametrize("path", ["revoke", "introspect"])
    async def test_the_clients_own_credential_proves_who_asks(self, wire: respx.MockRouter, path: str) -> None:
        route = wire.post(f"{OAUTH}/{path}").mock(return_value=httpx.Response(200, json={"active": False}))
        async with AsyncClient("sk_test_1") as client:
            await getattr(client.oauth, path)("some-token", token_type_hint="access_token")
        sent = route.calls.last.request
        assert form_of(sent) == {"token": "some-token", "token_type_hint": "access_token"}
        assert sent.headers["authorization"] == "Bearer sk_test_1"

    @pytest.mark.parametrize("path", ["revoke", "introspect"])
    async def test_or_an_oauth_client_does(self, wire: respx.MockRouter, path: str) -> None:
        route = wire.post(f"{OAUTH}/{path}").mock(return_value=httpx.Response(200, json={"active": False}))
        async with AsyncClient("sk_test_1") as client:
            await getattr(client.oauth, path)("some-token", client_id="c", client_secret="s")
        sent = route.calls.last.request
        assert form_of(sent) == {"token": "some-token", "client_id": "c", "client_secret": "s"}
        assert "authorization" not in sent.headers

    async def test_an_empty_answer_to_a_revocation_is_success(self, wire: respx.MockRouter) -> None:
        wire.post(f"{OAUTH}/revoke").mock(return_value=httpx.Response(200))
        async with AsyncClient("sk_test_1") as client:
            assert await client.oauth.revoke("some-token") is None

    async def test_what_is_known_about_a_token_is_typed(self, wire: respx.MockRouter) -> None:
        known = {"active": True, "scope": "migrations:read", "client_id": "c", "exp": 1770051600, "new": "kept"}
        wire.post(f"{OAUTH}/introspect").mock(return_value=httpx.Response(200, json=known))
        async with AsyncClient("sk_test_1") as client:
            found = await client.oauth.introspect("some-token")
        assert (found.active, found.scope, found.exp, found.environment) == (True, "migrations:read", 1770051600, None)
        assert found.to_dict()["new"] == "kept"

    async def test_nothing_is_no_token(self) -> None:
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(InvalidArgumentError, match="token is empty"):
                await client.oauth.revoke("")


@pytest.mark.anyio
class TestErrors:
    @pytest.mark.parametrize(
        ("status", "body", "error", "says"),
        [
            (
                400,
                {"error": "invalid_grant", "error_description": "The code has expired"},
                BadRequestError,
                "has expired",
            ),
            (401, {"error": "invalid_client"}, AuthenticationError, "invalid_client"),
            (429, {"error": "temporarily_unavailable"}, RateLimitError, "temporarily_unavailable"),
        ],
    )
    async def test_the_errors_of_rfc_6749_are_read(
        self, token_route: respx.Route, status: int, body: dict[str, str], error: type[Exception], says: str
    ) -> None:
        token_route.mock(side_effect=[httpx.Response(status, json=body, headers={"Retry-After": "90"})])
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(error, match=says) as caught:
                await client.oauth.exchange_code("CODE", redirect_uri="https://a.example/cb", client_id="app")
        assert getattr(caught.value, "code", None) == body["error"]
        assert getattr(caught.value, "status_code", None) == status

    async def test_a_cut_answer_is_a_connection_error(self, token_route: respx.Route) -> None:
        token_route.mock(side_effect=httpx.RemoteProtocolError("cut"))
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(APIConnectionError):
                await client.oauth.refresh("rt_1", client_id="app")
