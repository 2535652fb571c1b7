"""The OAuth endpoints as an application and a person meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from urllib.parse import parse_qs, quote_plus, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei.server.clock import ControllableClock
from sensei.server.oauth import clients, consent
from sensei.server.oauth.grants import challenge_of
from sensei.server.runtime import ensure_api_key
from sensei.server.serve import ServerThread
from sensei.server.settings import OAuthApplication, RateLimits
from sensei.server.store.oauth_tables import OAuthClient
from tests.support.contract import ContractClient, check

Call = Callable[[str | None], ContractClient]
PRODUCTION_KEY = "sk_live_0123456789abcdef"
VERIFIER = "v" * 64
CALLBACK = "https://app.example/callback"
CLI = OAuthApplication(
    client_id="cli",
    name="Command line",
    redirect_uris=("http://127.0.0.1/cb",),
    scopes=("migrations:*", "webhooks:read"),
)
WEB = OAuthApplication(
    client_id="web app",
    name="Web <b>app</b>",
    client_secret="s:e+cret %",
    redirect_uris=(CALLBACK, f"{CALLBACK}?tenant=1"),
    scopes=("*",),
)


@pytest.fixture(scope="module")
def lasting_settings() -> dict[str, Any]:
    return {"oauth_applications": (CLI, WEB), "clock": ControllableClock()}


@pytest.fixture
def server(lasting_server: ServerThread) -> ServerThread:
    """Shared: grants do not get in each other's way, and a clock that was moved on goes on from there."""
    return lasting_server


@pytest.fixture
def clock(lasting_settings: dict[str, Any]) -> ControllableClock:
    return cast("ControllableClock", lasting_settings["clock"])


@pytest.fixture
def visitor(calling: Call) -> ContractClient:
    """A caller without any credential."""
    return calling(None)


def _request(**changes: str | None) -> dict[str, str]:
    parameters: dict[str, str | None] = {
        "response_type": "code",
        "client_id": "cli",
        "redirect_uri": "http://127.0.0.1:54321/cb",
        "scope": "migrations:read",
        "state": "st/a?te&=",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def _web_request(**changes: str | None) -> dict[str, str]:
    plain = {"client_id": "web app", "redirect_uri": CALLBACK, "code_challenge": None, "code_challenge_method": None}
    return _request(**{**plain, **changes})


def _answer(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 302, response.text
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["Location"]).query).items()}


def _allow(visitor: ContractClient, key: str, request: dict[str, str]) -> httpx.Response:
    return visitor.post("/oauth/authorize", data={**request, "api_key": key, "decision": "allow"})


def _code(visitor: ContractClient, key: str, **changes: str | None) -> str:
    return _answer(_allow(visitor, key, _request(**changes)))["code"]


def _redeem(visitor: ContractClient, code: str, /, **changes: str) -> httpx.Response:
    return visitor.post(
        "/oauth/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "client_id": "cli",
            "redirect_uri": "http://127.0.0.1:54321/cb",
            "code_verifier": VERIFIER,
            **changes,
        },
    )


def _refresh(visitor: ContractClient, token: str, **changes: str) -> httpx.Response:
    return visitor.post(
        "/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": token, "client_id": "cli", **changes},
    )


def _tokens(visitor: ContractClient, key: str, **changes: str | None) -> dict[str, Any]:
    response = _redeem(visitor, _code(visitor, key, **changes))
    assert response.status_code == 200, response.text
    return response.json()


def _status(calling: Call, token: str, path: str = "/v1/migrations") -> int:
    return calling(token).get(path).status_code


# --- consent


def test_the_page_says_who_asks_for_what_and_cannot_be_framed(visitor: ContractClient) -> None:
    page = httpx.get(f"{visitor.base_url}/oauth/authorize", params=_web_request(scope="migrations:read webhooks:*"))
    assert page.status_code == 200
    assert "Web &lt;b&gt;app&lt;/b&gt;" in page.text
    assert "<b>app</b>" not in page.text
    assert "migrations:read" in page.text
    assert "webhooks:*" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example" in policy
    assert not re.search(r"(src|href)=", page.text)


def test_consent_sends_the_browser_back_with_code_and_state(server: ServerThread, visitor: ContractClient) -> None:
    response = _allow(visitor, server.api_key, _request())
    assert response.headers["Location"].startswith("http://127.0.0.1:54321/cb?code=")
    assert _answer(response)["state"] == "st/a?te&="


def test_refusal_sends_the_browser_back_with_an_error(visitor: ContractClient) -> None:
    response = visitor.post("/oauth/authorize", data={**_request(), "api_key": "", "decision": "deny"})
    answer = _answer(response)
    assert (answer["error"], answer["state"]) == ("access_denied", "st/a?te&=")


def test_a_query_in_the_redirect_uri_is_kept(server: ServerThread, visitor: ContractClient) -> None:
    response = _allow(visitor, server.api_key, _web_request(redirect_uri=f"{CALLBACK}?tenant=1"))
    assert response.headers["Location"].startswith(f"{CALLBACK}?tenant=1&code=")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"client_id": "nobody"}, "not registered"),
        ({"client_id": None}, "client_id"),
        ({"redirect_uri": None}, "redirect_uri"),
        ({"redirect_uri": "https://evil.example/cb"}, "not registered"),
        ({"redirect_uri": "http://127.0.0.1:1/other"}, "not registered"),
        ({"redirect_uri": "http://127.0.0.1:1/cb?x=1"}, "not registered"),
        ({"redirect_uri": "http://localhost:1/cb"}, "not registered"),
        ({"redirect_uri": "http://me@127.0.0.1:1/cb"}, "not registered"),
        ({"redirect_uri": "http://127.0.0.1:1/cb#x"}, "not registered"),
        ({"redirect_uri": " http://127.0.0.1:1/cb"}, "not registered"),
        ({"redirect_uri": "http://127.0.0.1:1/\ncb"}, "not registered"),
        ({"client_id": "web app", "redirect_uri": f"{CALLBACK}/"}, "not registered"),
        ({"client_id": "web app", "redirect_uri": "https://app.example:8443/callback"}, "not registered"),
    ],
)
def test_nothing_is_redirected_to_an_address_that_is_not_registered(
    visitor: ContractClient, changes: dict[str, str | None], what: str
) -> None:
    for method in ("GET", "POST"):
        sent = {"params" if method == "GET" else "data": _request(**changes)}
        # A person sees a page, which the contract mentions without giving its type; a program gets the RFC's body.
        page = httpx.request(
            method,
            f"{visitor.base_url}/oauth/authorize",
            headers={"Accept": "text/html"},
            **sent,  # type: ignore[arg-type]
        )
        body = visitor.request(method, "/oauth/authorize", **sent)  # type: ignore[arg-type]
        assert page.headers["Content-Type"].startswith("text/html")
        for response in (page, body):
            assert response.status_code == 400
            assert "Location" not in response.headers
            assert what in response.text


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (_request(response_type="token"), "unsupported_response_type"),
        (_request(response_type=None), "invalid_request"),
        (_request(code_challenge=None, code_challenge_method=None), "invalid_request"),
        (_request(code_challenge_method="plain"), "invalid_request"),
        (_request(code_challenge_method=None), "invalid_request"),
        (_request(code_challenge="short"), "invalid_request"),
        (_web_request(code_challenge_method="S256"), "invalid_request"),
        (_request(scope="admin:read"), "invalid_scope"),
        (_request(scope="no:such"), "invalid_scope"),
    ],
)
def test_other_mistakes_are_told_to_the_application(
    visitor: ContractClient, request_: dict[str, str], error: str
) -> None:
    answer = _answer(visitor.get("/oauth/authorize", params=request_))
    assert (answer["error"], answer["state"]) == (error, "st/a?te&=")


def test_a_repeated_parameter_is_refused(visitor: ContractClient) -> None:
    pairs = [*_request().items(), ("scope", "migrations:write")]
    assert _answer(visitor.get("/oauth/authorize", params=pairs))["error"] == "invalid_request"


@pytest.mark.parametrize("key", ["", "sk_test_unknown_unknown", "eyJ.x.y", "sk_live"])
def test_consent_needs_a_good_key(visitor: ContractClient, key: str) -> None:
    response = _allow(visitor, key, _request())
    assert response.status_code == 400
    assert "This is no API key" in response.text


def test_consent_of_the_other_environment_is_not_taken(server: ServerThread, visitor: ContractClient) -> None:
    ensure_api_key(server.runtime, PRODUCTION_KEY)
    assert _allow(visitor, PRODUCTION_KEY, _request()).status_code == 400


def test_a_person_gives_no_more_than_it_has(
    server: ServerThread, visitor: ContractClient, admin: ContractClient, calling: Call
) -> None:
    weak = admin.post("/v1/api-keys", json={"name": "k", "scopes": ["migrations:read"]}).json()["key"]
    refused = _allow(visitor, weak, _request(scope="migrations:read migrations:write"))
    assert refused.status_code == 400
    assert "migrations:write" in refused.text
    # Without named scopes the application gets what there is of its own.
    answer = visitor.post(
        "/oauth/token",
        data={
            "grant_type": "authorization_code",
            "code": _answer(_allow(visitor, weak, _web_request(scope="migrations:read")))["code"],
            "redirect_uri": CALLBACK,
        },
        auth=_form_encoded(WEB),
    )
    assert answer.json()["scope"] == "migrations:read"


# --- codes


def test_a_code_gives_tokens_that_work_within_their_scopes(
    server: ServerThread, visitor: ContractClient, calling: Call
) -> None:
    got = _tokens(visitor, server.api_key)
    check("OAuthToken", got)
    assert (got["token_type"], got["expires_in"], got["scope"]) == ("Bearer", 3600, "migrations:read")
    assert got["access_token"].count(".") == 2
    assert _status(calling, got["access_token"]) == 200
    assert _status(calling, got["access_token"], "/v1/webhooks") == 403


def test_tokens_must_not_be_cached(server: ServerThread, visitor: ContractClient) -> None:
    assert _redeem(visitor, _code(visitor, server.api_key)).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "ac_unknown"},
        {"redirect_uri": "http://127.0.0.1:1/cb"},
        {"code_verifier": "w" * 64},
        {"code_verifier": "v" * 42},
        {"code_verifier": ""},
    ],
)
def test_a_code_needs_everything_it_was_made_with(
    server: ServerThread, visitor: ContractClient, changes: dict[str, str]
) -> None:
    response = _redeem(visitor, _code(visitor, server.api_key), **changes)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_a_code_belongs_to_its_client(server: ServerThread, visitor: ContractClient) -> None:
    code = _code(visitor, server.api_key)
    response = visitor.post(
        "/oauth/token",
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": "http://127.0.0.1:54321/cb"},
        auth=_form_encoded(WEB),
    )
    assert response.json()["error"] == "invalid_grant"


def test_a_verifier_without_a_challenge_is_refused(server: ServerThread, visitor: ContractClient) -> None:
    code = _answer(_allow(visitor, server.api_key, _web_request()))["code"]
    response = visitor.post(
        "/oauth/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        },
        auth=_form_encoded(WEB),
    )
    assert response.json()["error"] == "invalid_grant"


def test_a_code_lives_ten_minutes(server: ServerThread, visitor: ContractClient, clock: ControllableClock) -> None:
    early, late = _code(visitor, server.api_key), _code(visitor, server.api_key)
    clock.advance(590)
    assert _redeem(visitor, early).status_code == 200
    clock.advance(11)
    assert _redeem(visitor, late).json()["error"] == "invalid_grant"


def test_a_code_used_twice_ends_what_came_of_it(server: ServerThread, visitor: ContractClient, calling: Call) -> None:
    code = _code(visitor, server.api_key)
    got = _redeem(visitor, code).json()
    assert _redeem(visitor, code).json()["error"] == "invalid_grant"
    assert _status(calling, got["access_token"]) == 401
    assert _refresh(visitor, got["refresh_token"]).json()["error"] == "invalid_grant"


def test_of_many_at_once_one_redeems_a_code(server: ServerThread, visitor: ContractClient) -> None:
    code = _code(visitor, server.api_key)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _redeem(visitor, code).status_code, range(8)))
    assert sorted(answers) == [200] + [400] * 7


# --- refresh


def test_a_refresh_replaces_the_refresh_token(server: ServerThread, visitor: ContractClient, calling: Call) -> None:
    got = _tokens(visitor, server.api_key)
    renewed = _refresh(visitor, got["refresh_token"]).json()
    assert renewed["refresh_token"] != got["refresh_token"]
    assert renewed["scope"] == got["scope"]
    assert _status(calling, renewed["access_token"]) == 200


def test_a_spent_refresh_token_ends_the_whole_chain(
    server: ServerThread, visitor: ContractClient, calling: Call
) -> None:
    got = _tokens(visitor, server.api_key)
    renewed = _refresh(visitor, got["refresh_token"]).json()
    assert _refresh(visitor, got["refresh_token"]).json()["error"] == "invalid_grant"
    assert _refresh(visitor, renewed["refresh_token"]).json()["error"] == "invalid_grant"
    assert _status(calling, renewed["access_token"]) == 401
    assert _status(calling, got["access_token"]) == 401


def test_of_many_at_once_one_spends_a_refresh_token(server: ServerThread, visitor: ContractClient) -> None:
    token = _tokens(visitor, server.api_key)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _refresh(visitor, token).status_code, range(8)))
    assert sorted(answers) == [200] + [400] * 7


def test_a_refresh_may_narrow_scopes_and_never_widen_them(server: ServerThread, visitor: ContractClient) -> None:
    got = _tokens(visitor, server.api_key, scope="migrations:* webhooks:read")
    narrowed = _refresh(visitor, got["refresh_token"], scope="migrations:read").json()
    assert narrowed["scope"] == "migrations:read"
    again = _refresh(visitor, narrowed["refresh_token"]).json()
    assert again["scope"] == "migrations:* webhooks:read"
    widened = _refresh(visitor, again["refresh_token"], scope="connections:read")
    assert widened.json()["error"] == "invalid_scope"
    assert _refresh(visitor, again["refresh_token"]).status_code == 200


def test_a_refresh_token_belongs_to_its_client(server: ServerThread, visitor: ContractClient) -> None:
    token = _tokens(visitor, server.api_key)["refresh_token"]
    other = visitor.post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token}, auth=_form_encoded(WEB)
    )
    assert other.json()["error"] == "invalid_grant"
    assert _refresh(visitor, token).status_code == 200


def test_an_access_token_lives_an_hour_and_a_refresh_token_a_month(
    server: ServerThread, visitor: ContractClient, calling: Call, clock: ControllableClock
) -> None:
    got = _tokens(visitor, server.api_key)
    clock.advance(3590)
    assert _status(calling, got["access_token"]) == 200
    clock.advance(20)
    assert _status(calling, got["access_token"]) == 401
    renewed = _refresh(visitor, got["refresh_token"]).json()
    clock.advance(31 * 24 * 3600)
    assert _refresh(visitor, renewed["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_consent_ends_with_the_key_that_gave_it(
    visitor: ContractClient, admin: ContractClient, calling: Call
) -> None:
    key = admin.post("/v1/api-keys", json={"name": "k", "scopes": ["migrations:*"]}).json()
    got = _tokens(visitor, key["key"])
    assert _status(calling, got["access_token"]) == 200
    admin.patch(f"/v1/api-keys/{key['id']}", json={"scopes": ["billing:read"]})
    assert _status(calling, got["access_token"]) == 403
    admin.delete(f"/v1/api-keys/{key['id']}")
    assert _status(calling, got["access_token"]) == 401
    assert _refresh(visitor, got["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_consent_reaches_no_further_than_the_addresses_of_its_key(
    visitor: ContractClient, admin: ContractClient, calling: Call
) -> None:
    key = admin.post("/v1/api-keys", json={"name": "k", "scopes": ["migrations:*"], "ip_whitelist": ["127.0.0.1"]})
    got = _tokens(visitor, key.json()["key"])
    assert _status(calling, got["access_token"]) == 200
    admin.patch(f"/v1/api-keys/{key.json()['id']}", json={"ip_whitelist": ["203.0.113.7"]})
    assert _status(calling, got["access_token"]) == 403


def test_two_clients_of_one_person_do_not_share_idempotency_keys(
    server: ServerThread, visitor: ContractClient, calling: Call
) -> None:
    code = _answer(_allow(visitor, server.api_key, _web_request(scope="*")))["code"]
    web = visitor.post(
        "/oauth/token",
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK},
        auth=_form_encoded(WEB),
    ).json()["access_token"]
    code = _answer(_allow(visitor, server.api_key, _web_request(scope="*")))["code"]
    body = {"name": "r", "type": "sql", "rule": "SELECT 1", "expected": 1}
    keyed = {"X-Idempotency-Key": "same"}
    by_web = calling(web).post("/v1/validations/rules", json=body, headers=keyed)
    by_key = calling(server.api_key).post("/v1/validations/rules", json=body, headers=keyed)
    assert by_web.json()["id"] != by_key.json()["id"]
    assert calling(web).post("/v1/validations/rules", json=body, headers=keyed).json() == by_web.json()


# --- clients


def _form_encoded(application: OAuthApplication) -> tuple[str, str]:
    """Id and secret as RFC 6749 wants them inside HTTP Basic."""
    return quote_plus(application.client_id), quote_plus(application.client_secret or "")


def test_a_client_proves_itself_by_header_or_body_as_form_or_json(visitor: ContractClient, calling: Call) -> None:
    inside = {"grant_type": "client_credentials", "client_id": WEB.client_id, "client_secret": WEB.client_secret}
    answers = [
        visitor.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=_form_encoded(WEB)),
        visitor.post("/oauth/token", data=inside),
        visitor.post("/oauth/token", json=inside),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
        assert _status(calling, answer.json()["access_token"]) == 200


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        ({"data": {}}, 400, "invalid_request"),
        ({"data": {"grant_type": "password"}}, 400, "unsupported_grant_type"),
        ({"data": {"grant_type": "client_credentials"}}, 401, "invalid_client"),
        ({"data": {"grant_type": "client_credentials", "client_id": "cli"}}, 400, "unauthorized_client"),
        ({"data": {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}}, 401, "invalid_client"),
        (
            {"data": {"grant_type": "client_credentials", "client_id": "cli", "client_secret": "y"}},
            401,
            "invalid_client",
        ),
        ({"data": {"grant_type": "client_credentials", "client_id": "web app"}}, 401, "invalid_client"),
        (
            {"data": {"grant_type": "client_credentials", "client_secret": "z"}, "auth": ("web+app", "x")},
            400,
            "invalid_request",
        ),
        (
            {"data": {"grant_type": "client_credentials", "client_id": "cli"}, "auth": ("web+app", "x")},
            400,
            "invalid_request",
        ),
        ({"data": {"grant_type": "client_credentials"}, "auth": ("web+app", "wrong")}, 401, "invalid_client"),
        (
            {"headers": {"Authorization": "Basic !"}, "data": {"grant_type": "client_credentials"}},
            401,
            "invalid_client",
        ),
        ({"content": b"grant_type=client_credentials&grant_type=refresh_token"}, 400, "invalid_request"),
        ({"content": b"\xff\xfe"}, 400, "invalid_request"),
        ({"content": b"[]", "headers": {"Content-Type": "application/json"}}, 400, "invalid_request"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_request"),
        ({"json": {"grant_type": ["client_credentials"]}}, 400, "invalid_request"),
        ({"content": b"a=" + b"x" * 70_000}, 400, "invalid_request"),
        (
            {"content": rb'{"grant_type": "\ud800"}', "headers": {"Content-Type": "application/json"}},
            400,
            "invalid_request",
        ),
        (
            {"content": rb'{"\udfff": "client_credentials"}', "headers": {"Content-Type": "application/json"}},
            400,
            "invalid_request",
        ),
    ],
)
def test_bad_token_requests(visitor: ContractClient, sent: dict[str, Any], status: int, error: str) -> None:
    answer = visitor.post("/oauth/token", **sent)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_a_client_asks_for_no_more_than_it_may_have(admin: ContractClient, visitor: ContractClient) -> None:
    account = admin.post("/v1/service-accounts", json={"name": "x", "scopes": ["migrations:*"]}).json()["credentials"]
    pair = (account["client_id"], account["client_secret"])
    narrowed = visitor.post(
        "/oauth/token", data={"grant_type": "client_credentials", "scope": "migrations:read"}, auth=pair
    )
    assert narrowed.json()["scope"] == "migrations:read"
    whole = visitor.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=pair)
    assert whole.json()["scope"] == "migrations:*"
    more = visitor.post("/oauth/token", data={"grant_type": "client_credentials", "scope": "webhooks:read"}, auth=pair)
    assert more.json()["error"] == "invalid_scope"


def test_the_token_endpoint_has_a_limit_of_its_own(start_server: Callable[..., ServerThread]) -> None:
    server = start_server(limits=RateLimits(endpoints={"oauth.token": 2}), oauth_applications=(WEB,))
    with ContractClient(server.url) as visitor:
        answers = [
            visitor.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=_form_encoded(WEB))
            for _ in range(3)
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1


# --- revocation and introspection


def test_revoking_an_access_token_ends_it_alone(server: ServerThread, visitor: ContractClient, calling: Call) -> None:
    got = _tokens(visitor, server.api_key)
    answer = visitor.post("/oauth/revoke", data={"token": got["access_token"], "client_id": "cli"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert _status(calling, got["access_token"]) == 401
    assert _refresh(visitor, got["refresh_token"]).status_code == 200


def test_revoking_a_refresh_token_ends_the_access_tokens_made_from_it(
    server: ServerThread, visitor: ContractClient, calling: Call
) -> None:
    got = _tokens(visitor, server.api_key)
    visitor.post("/oauth/revoke", data={"token": got["refresh_token"], "client_id": "cli"})
    assert _status(calling, got["access_token"]) == 401
    assert _refresh(visitor, got["refresh_token"]).json()["error"] == "invalid_grant"


def test_an_unknown_token_is_revoked_already(admin: ContractClient) -> None:
    for token in ("nothing", "rt_nothing", "a.b.c", "ä"):
        assert admin.post("/oauth/revoke", data={"token": token}).status_code == 200


def test_revoking_for_others_needs_an_administrator(
    server: ServerThread, visitor: ContractClient, admin: ContractClient, calling: Call
) -> None:
    got = _tokens(visitor, server.api_key)
    account = admin.post("/v1/service-accounts", json={"name": "x", "scopes": ["migrations:*"]}).json()["credentials"]
    refused = calling(account["token"]).post("/oauth/revoke", data={"token": got["access_token"]})
    assert refused.json()["error"] == "unauthorized_client"
    assert _status(calling, got["access_token"]) == 200
    assert calling(got["access_token"]).post("/oauth/revoke", data={"token": got["refresh_token"]}).status_code == 200
    assert _status(calling, got["access_token"]) == 401


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
def test_the_caller_must_prove_itself(visitor: ContractClient, path: str) -> None:
    assert visitor.post(path, data={"token": "x"}).status_code == 401
    assert visitor.post(path, data={"token": "x"}, headers={"Authorization": "Bearer nothing"}).status_code == 401
    assert visitor.post(path, data={}, auth=_form_encoded(WEB)).json()["error"] == "invalid_request"


def test_a_public_client_gains_nothing_from_its_widest_scopes(
    start_server: Callable[..., ServerThread],
) -> None:
    public = OAuthApplication(client_id="p", name="p", redirect_uris=("http://127.0.0.1/cb",), scopes=("*",))
    server = start_server(oauth_applications=(CLI, public))
    with ContractClient(server.url) as visitor:
        got = _tokens(visitor, server.api_key)
        refused = visitor.post("/oauth/revoke", data={"token": got["access_token"], "client_id": "p"})
        assert refused.json()["error"] == "unauthorized_client"
        asked = visitor.post("/oauth/introspect", data={"token": got["access_token"], "client_id": "p"})
        assert asked.json()["error"] == "invalid_client"


def test_introspection_tells_what_is_known(
    server: ServerThread, visitor: ContractClient, admin: ContractClient
) -> None:
    got = _tokens(visitor, server.api_key)
    facts = admin.post("/oauth/introspect", data={"token": got["access_token"]}).json()
    assert facts["active"] is True
    assert (facts["scope"], facts["client_id"], facts["token_type"]) == ("migrations:read", "cli", "Bearer")
    assert facts["sub"].startswith("user_")
    assert facts["exp"] - facts["iat"] == 3600
    assert (facts["iss"], facts["environment"]) == (server.url, "sandbox")
    refresh = admin.post("/oauth/introspect", data={"token": got["refresh_token"]}).json()
    assert (refresh["active"], refresh["scope"]) == (True, "migrations:read")


def test_a_token_that_is_over_unknown_or_of_another_environment_is_not_active(
    server: ServerThread, visitor: ContractClient, admin: ContractClient, calling: Call, clock: ControllableClock
) -> None:
    ensure_api_key(server.runtime, PRODUCTION_KEY)
    got = _tokens(visitor, server.api_key)
    for caller, token in (
        (calling(PRODUCTION_KEY), got["access_token"]),
        (calling(PRODUCTION_KEY), got["refresh_token"]),
        (admin, "nothing"),
        (admin, server.api_key),
        (admin, got["access_token"][:-4] + "AAAA"),
    ):
        assert caller.post("/oauth/introspect", data={"token": token}).json() == {"active": False}
    clock.advance(3601)
    assert admin.post("/oauth/introspect", data={"token": got["access_token"]}).json() == {"active": False}


@settings(derandomize=True, max_examples=60)
@given(st.text(max_size=60))
def test_a_redirect_uri_is_matched_exactly_but_for_the_loopback_port(text: str) -> None:
    row = OAuthClient(
        id="c",
        organization_id="o",
        environment="sandbox",
        name="n",
        secret_hash=None,
        redirect_uris=["https://app.example/cb", "http://127.0.0.1/cb"],
        scopes=["*"],
        created_at=None,  # type: ignore[arg-type]
    )
    for uri in (text, f"https://{text}", f"http://127.0.0.1{text}", f"https://app.example{text}"):
        if clients.may_redirect_to(row, uri):
            assert uri == "https://app.example/cb" or re.fullmatch(r"(?i:http)://127\.0\.0\.1(:\d*)?/cb", uri)


@settings(derandomize=True, max_examples=60)
@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_shown_on_the_page_is_text(name: str, value: str) -> None:
    page = consent.consent_page(
        application=f"<script>{name}",
        scopes=["migrations:read"],
        environment="sandbox",
        redirect_uri=f"https://x/{value}",
        fields={"state": f'"><script>{value}'},
        problem=f"<script>{name}",
    )
    assert "<script" not in page


def test_tokens_leave_a_trail(server: ServerThread, visitor: ContractClient, admin: ContractClient) -> None:
    person = admin.post("/v1/api-keys", json={"name": "k", "scopes": ["migrations:read"]}).json()
    begin = admin.get("/v1/audit-logs", params={"limit": "1"}).json()["data"][0]["timestamp"]
    got = _tokens(visitor, person["key"])
    _refresh(visitor, got["refresh_token"])
    _refresh(visitor, got["refresh_token"])
    admin.post("/oauth/revoke", data={"token": got["access_token"]})
    records = admin.get("/v1/audit-logs", params={"type": "authentication", "created_after": begin}).json()["data"]
    found = [(r["action"], r["result"], r["actor"]["type"]) for r in reversed(records)]
    assert found == [
        ("oauth.authorize", "success", "api_key"),
        ("oauth.token", "success", "oauth_client"),
        ("oauth.token", "success", "oauth_client"),
        ("oauth.token", "denied", "oauth_client"),
    ]
    assert records[0]["details"] == {"error": "invalid_grant"}
    assert got["refresh_token"] not in str(records)
