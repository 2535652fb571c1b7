"""How a client signs in: what goes to which server, when, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any
from urllib.parse import parse_qs

import anyio
import httpx
import pytest
import respx

from sensei import AsyncClient
from sensei.auth import OAuth2ClientCredentials, OAuth2Token, ServiceAccount
from sensei.errors import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    ConfigurationError,
    ServiceUnavailableError,
)

API = "https://api.sensei.ai/v1/usage/current"
TOKEN = "https://auth.sensei.ai/oauth/token"
USAGE = {"plan": "starter"}
UNAUTHORIZED = {"error": {"code": "unauthorized", "message": "The token has expired.", "request_id": "req_1"}}
PROGRAM = OAuth2ClientCredentials("my-client", "TOPSECRET", scopes=["billing:read"])


def token(number: int, **members: Any) -> httpx.Response:
    return httpx.Response(
        200, json={"access_token": f"at_{number}", "token_type": "Bearer", "expires_in": 3600, **members}
    )


def refused() -> httpx.Response:
    return httpx.Response(401, json=UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})


def form_of(request: httpx.Request) -> dict[str, str]:
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def bearers(route: respx.Route) -> list[str]:
    return [call.request.headers["authorization"] for call in route.calls]


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.mark.anyio
class TestCredentials:
    @pytest.mark.parametrize(
        ("credentials", "form"),
        [
            (
                PROGRAM,
                {
                    "grant_type": "client_credentials",
                    "client_id": "my-client",
                    "client_secret": "TOPSECRET",
                    "scope": "billing:read",
                },
            ),
            (
                ServiceAccount("sa_1", "sas_1"),
                {"grant_type": "client_credentials", "client_id": "sa_1", "client_secret": "sas_1"},
            ),
        ],
        ids=["OAuth client", "service account"],
    )
    async def test_a_token_is_fetched_for_the_first_call_and_serves_the_next(
        self, wire: respx.MockRouter, credentials: Any, form: dict[str, str]
    ) -> None:
        sign_in = wire.post(TOKEN).mock(side_effect=[token(1)])
        usage = wire.get(API).mock(return_value=httpx.Response(200, json=USAGE))
        async with AsyncClient(credentials=credentials) as client:
            await client.request("GET", "/usage/current")
            await client.request("GET", "/usage/current")
        assert bearers(usage) == ["Bearer at_1"] * 2
        (call,) = sign_in.calls
        assert form_of(call.request) == form
        assert "authorization" not in call.request.headers
        assert "x-idempotency-key" not in call.request.headers

    async def test_a_service_account_token_is_sent_as_it_is(self, wire: respx.MockRouter) -> None:
        usage = wire.get(API).mock(return_value=httpx.Response(200, json=USAGE))
        async with AsyncClient(credentials=ServiceAccount(token="sa_direct")) as client:
            await client.request("GET", "/usage/current")
        assert bearers(usage) == ["Bearer sa_direct"]

    async def test_another_server_has_its_oauth_endpoints_at_its_own_origin(self, wire: respx.MockRouter) -> None:
        sign_in = wire.post("https://sensei.example.com:8443/oauth/token").mock(side_effect=[token(1)])
        usage = wire.get("https://sensei.example.com:8443/v1/usage/current")
        usage.mock(return_value=httpx.Response(200, json=USAGE))
        async with AsyncClient(credentials=PROGRAM, base_url="https://sensei.example.com:8443") as client:
            await client.request("GET", "/usage/current")
        assert (sign_in.call_count, bearers(usage)) == (1, ["Bearer at_1"])

    async def test_the_secret_goes_to_the_oauth_server_only_and_tokens_to_the_api_only(
        self, wire: respx.MockRouter
    ) -> None:
        sign_in = wire.post(TOKEN).mock(side_effect=[token(1), token(2)])
        usage = wire.get(API).mock(side_effect=[refused(), httpx.Response(200, json=USAGE)])
        async with AsyncClient(credentials=PROGRAM) as client:
            await client.request("GET", "/usage/current")
        for call in usage.calls:
            assert "TOPSECRET" not in str(call.request.headers.raw) + str(call.request.url)
        for call in sign_in.calls:
            text = str(call.request.headers.raw) + str(call.request.url) + call.request.content.decode()
            assert "at_1" not in text

    async def test_copies_of_a_client_share_the_token(self, wire: respx.MockRouter) -> None:
        sign_in = wire.post(TOKEN).mock(side_effect=[token(1)])
        usage = wire.get(API).mock(return_value=httpx.Response(200, json=USAGE))
        async with AsyncClient(credentials=PROGRAM) as client:
            await client.with_options(timeout=5).request("GET", "/usage/current")
            await client.request("GET", "/usage/current")
        assert (sign_in.call_count, usage.call_count) == (1, 2)

    async def test_key_and_credentials_together_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="either api_key or credentials"):
            AsyncClient("sk_test_1", credentials=PROGRAM)


@pytest.mark.anyio
class TestRefusedTokens:
    async def test_a_refused_token_is_renewed_once_and_the_call_made_again(self, wire: respx.MockRouter) -> None:
        sign_in = wire.post(TOKEN).mock(side_effect=[token(1), token(2)])
        usage = wire.get(API).mock(side_effect=[refused(), httpx.Response(200, json=USAGE)])
        async with AsyncClient(credentials=PROGRAM) as client:
            await client.request("GET", "/usage/current")
        assert bearers(usage) == ["Bearer at_1", "Bearer at_2"]
        assert sign_in.call_count == 2

    async def test_a_token_that_is_refused_again_is_an_error(self, wire: respx.MockRouter) -> None:
        sign_in = wire.post(TOKEN).mock(side_effect=[token(1), token(2)])
        usage = wire.get(API).mock(side_effect=[refused(), refused()])
        async with AsyncClient(credentials=PROGRAM) as client:
            with pytest.raises(AuthenticationError, match="has expired"):
                await client.request("GET", "/usage/current")
        assert (usage.call_count, sign_in.call_count) == (2, 2)

    async def test_a_post_keeps_its_idempotency_key_when_it_is_made_again(self, wire: respx.MockRouter) -> None:
        wire.post(TOKEN).mock(side_effect=[token(1), token(2)])
        accounts = wire.post("https://api.sensei.ai/v1/webhooks/wh_1/test")
        accounts.mock(side_effect=[refused(), httpx.Response(404, json={"error": {"code": "webhook_not_found"}})])
        async with AsyncClient(credentials=PROGRAM) as client:
            with pytest.raises(Exception, match="webhook_not_found"):
                await client.request("POST", "/webhooks/wh_1/test")
        first, second = (call.request.headers["x-idempotency-key"] for call in accounts.calls)
        assert first == second

    async def test_a_refused_key_is_not_tried_again(self, wire: respx.MockRouter) -> None:
        usage = wire.get(API).mock(side_effect=[refused()])
        async with AsyncClient("sk_test_wrong") as client:
            with pytest.raises(AuthenticationError) as caught:
                await client.request("GET", "/usage/current")
        assert usage.call_count == 1
        assert "sk_test_wrong" not in f"{caught.value} {caught.value!r} {caught.value.as_curl()}"

    async def test_a_function_is_asked_for_every_try_and_one_more_follows_a_401(self, wire: respx.MockRouter) -> None:
        keys = chain(["sk_test_1"], repeat("sk_test_2"))
        usage = wire.get(API)
        usage.mock(side_effect=[refused(), httpx.Response(200, json=USAGE), refused()])
        async with AsyncClient(lambda: next(keys)) as client:
            await client.request("GET", "/usage/current")
            with pytest.raises(AuthenticationError):
                await client.request("GET", "/usage/current")
        assert bearers(usage) == ["Bearer sk_test_1", "Bearer sk_test_2", "Bearer sk_test_2"]

    # async only: begin
    async def test_the_function_may_be_asynchronous(self, wire: respx.MockRouter) -> None:
        async def vault() -> str:
            return "sk_test_vault"

        usage = wire.get(API).mock(return_value=httpx.Response(200, json=USAGE))
        async with AsyncClient(vault) as client:
            await client.request("GET", "/usage/current")
        assert bearers(usage) == ["Bearer sk_test_vault"]

    # async only: end
    # async only: begin
    async def test_an_asynchronous_function_keeps_the_deadline_of_the_call(self, wire: respx.MockRouter) -> None:
        async def vault() -> str:
            await anyio.sleep_forever()
            raise AssertionError

        async with AsyncClient(vault, deadline=0.05) as client:
            with pytest.raises(APITimeoutError, match="credential did not come back"):
                await client.request("GET", "/things")
        assert not wire.calls

    # async only: end
    async def test_what_the_function_raises_the_call_raises(self) -> None:
        def vault() -> str:
            raise LookupError("sealed")

        async with AsyncClient(vault) as client:
            with pytest.raises(LookupError, match="sealed"):
                await client.request("GET", "/usage/current")


@pytest.mark.anyio
class TestUserTokens:
    async def test_a_token_that_ended_is_refreshed_first_and_handed_over(self, wire: respx.MockRouter) -> None:
        saved: list[OAuth2Token] = []
        sign_in = wire.post(TOKEN).mock(side_effect=[token(2, refresh_token="rt_2")])
        usage = wire.get(API).mock(return_value=httpx.Response(200, json=USAGE))
        credentials = OAuth2Token(
            "at_1",
            "rt_1",
            client_id="app",
            client_secret="TOPSECRET",
            expires_at=datetime.now(UTC) - timedelta(seconds=1),
            on_refresh=saved.append,
        )
        async with AsyncClient(credentials=credentials) as client:
            await client.request("GET", "/usage/current")
        assert form_of(sign_in.calls.last.request) == {
            "grant_type": "refresh_token",
            "refresh_token": "rt_1",
            "client_id": "app",
            "client_secret": "TOPSECRET",
        }
        assert bearers(usage) == ["Bearer at_2"]
        assert [(one.access_token, one.refresh_token) for one in saved] == [("at_2", "rt_2")]

    async def test_the_function_that_saves_a_token_may_use_the_client_itself(self, wire: respx.MockRouter) -> None:
        wire.post(TOKEN).mock(side_effect=[token(2, refresh_token="rt_2")])
        usage = wire.get(API).mock(return_value=httpx.Response(200, json=USAGE))

        async def save(fresh: OAuth2Token) -> None:
            await client.request("GET", "/usage/current")

        past = datetime.now(UTC) - timedelta(seconds=1)
        credentials = OAuth2Token("at_1", "rt_1", client_id="app", expires_at=past, on_refresh=save)
        async with AsyncClient(credentials=credentials, deadline=20) as client:
            await client.request("GET", "/usage/current")
        assert bearers(usage) == ["Bearer at_2", "Bearer at_2"]

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (httpx.Response(503), ServiceUnavailableError),
            (httpx.ReadError("cut"), APIConnectionError),
            (httpx.ReadTimeout("slow"), APITimeoutError),
        ],
    )
    async def test_a_refresh_is_sent_once_whatever_happens(
        self, wire: respx.MockRouter, answer: Any, error: type[Exception]
    ) -> None:
        sign_in = wire.post(TOKEN).mock(side_effect=answer if isinstance(answer, Exception) else [answer])
        usage = wire.get(API).mock(side_effect=[refused()])
        async with AsyncClient(credentials=OAuth2Token("at_1", "rt_1", client_id="app")) as client:
            with pytest.raises(error) as caught:
                await client.request("GET", "/usage/current")
        assert (sign_in.call_count, usage.call_count) == (1, 1)
        assert "rt_1" not in f"{caught.value} {caught.value!r}"

    async def test_a_spent_refresh_token_says_to_sign_in_again(self, wire: respx.MockRouter) -> None:
        refusal = {"error": "invalid_grant", "error_description": "The refresh token was used before."}
        wire.post(TOKEN).mock(side_effect=[httpx.Response(400, json=refusal)])
        wire.get(API).mock(side_effect=[refused()])
        async with AsyncClient(credentials=OAuth2Token("at_1", "rt_1", client_id="app")) as client:
            with pytest.raises(AuthenticationError, match="Sign in again") as caught:
                await client.request("GET", "/usage/current")
        assert (caught.value.status_code, caught.value.code) == (400, "invalid_grant")

    async def test_a_token_alone_is_used_until_it_is_refused(self, wire: respx.MockRouter) -> None:
        usage = wire.get(API).mock(side_effect=[httpx.Response(200, json=USAGE), refused()])
        async with AsyncClient(credentials=OAuth2Token("at_1")) as client:
            await client.request("GET", "/usage/current")
            with pytest.raises(AuthenticationError):
                await client.request("GET", "/usage/current")
        assert usage.call_count == 2


@pytest.mark.anyio
class TestTrouble:
    async def test_fetching_a_token_for_a_program_is_tried_again(self, wire: respx.MockRouter) -> None:
        sign_in = wire.post(TOKEN)
        sign_in.mock(side_effect=[httpx.Response(503, headers={"Retry-After": "0"}), token(1)])
        wire.get(API).mock(return_value=httpx.Response(200, json=USAGE))
        async with AsyncClient(credentials=PROGRAM) as client:
            await client.request("GET", "/usage/current")
        assert sign_in.call_count == 2

    async def test_fetching_a_token_counts_against_the_deadline_of_the_call(self, wire: respx.MockRouter) -> None:
        sign_in = wire.post(TOKEN).mock(side_effect=[token(1)])
        usage = wire.get(API).mock(return_value=httpx.Response(200, json=USAGE))
        async with AsyncClient(credentials=PROGRAM, timeout=60, deadline=5) as client:
            await client.request("GET", "/usage/current")
        ends = [route.calls.last.request.extensions["timeout"]["read"].deadline for route in (sign_in, usage)]
        assert ends[0] == ends[1], "one deadline for both"

    async def test_a_wrong_secret_says_so_and_is_not_tried_again(self, wire: respx.MockRouter) -> None:
        refusal = {"error": "invalid_client", "error_description": "Unknown client or wrong secret"}
        sign_in = wire.post(TOKEN).mock(side_effect=[httpx.Response(401, json=refusal)])
        usage = wire.get(API)
        async with AsyncClient(credentials=PROGRAM) as client:
            with pytest.raises(AuthenticationError, match="client_id and client_secret") as caught:
                await client.request("GET", "/usage/current")
        assert (sign_in.call_count, usage.call_count) == (1, 0)
        assert "TOPSECRET" not in f"{caught.value} {caught.value!r} {caught.value.as_curl()} {caught.value.body}"

    async def test_a_token_answer_that_breaks_the_contract_is_said_to(self, wire: respx.MockRouter) -> None:
        wire.post(TOKEN).mock(side_effect=[httpx.Response(200, json={"access_token": "at_SECRET"})])
        async with AsyncClient(credentials=PROGRAM) as client:
            with pytest.raises(Exception, match="not what the contract says") as caught:
                await client.request("GET", "/usage/current")
        assert "at_SECRET" not in f"{caught.value} {caught.value!r} {vars(caught.value)}"

    async def test_a_redirect_is_not_followed_with_the_credential(self, wire: respx.MockRouter) -> None:
        elsewhere = wire.route(host="evil.example.com")
        wire.get(API).mock(side_effect=[httpx.Response(307, headers={"Location": "https://evil.example.com/"})])
        wire.post(TOKEN).mock(side_effect=[token(1)])
        async with AsyncClient(credentials=PROGRAM) as client:
            with pytest.raises(Exception, match="redirects are not followed"):
                await client.request("GET", "/usage/current")
        assert elsewhere.call_count == 0
