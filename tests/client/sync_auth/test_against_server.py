# Generated from tests/client/async_auth/test_against_server.py by scripts/generate_sync.py: change that file and run the script.
"""Credentials of every kind against the real server."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sensei import Client
from sensei.auth import OAuth2ClientCredentials, OAuth2Token, ServiceAccount
from sensei.errors import AuthenticationError, BadRequestError, PermissionDeniedError
from sensei.server.settings import OAuthApplication
from sensei.testing import LocalServer

CALLBACK = "http://127.0.0.1:9999/callback"
DAY = 24 * 3600.0


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    applications = (
        OAuthApplication(
            client_id="public-app",
            name="Public app",
            redirect_uris=(CALLBACK,),
            scopes=("connections:read", "migrations:read"),
            environment="sandbox",
        ),
        OAuthApplication(
            client_id="secret app",
            name="Confidential app",
            redirect_uris=(CALLBACK,),
            scopes=("connections:read",),
            client_secret="s3cret:with%signs",
            environment="sandbox",
        ),
    )
    with LocalServer(clock=True, oauth_applications=applications) as running:
        yield running


def consent(server: LocalServer, url: str, decision: str = "allow") -> dict[str, str]:
    """What the user's browser does, and what it brings back to the application."""
    fields = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    with httpx.Client() as browser:
        assert browser.get(url).status_code == 200
        form = {**fields, "api_key": server.api_key, "decision": decision}
        answer = browser.post(f"{server.url}/oauth/authorize", data=form)
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


class TestServiceAccounts:
    def test_both_kinds_of_credentials_work_and_have_their_scopes_only(self, server: LocalServer) -> None:
        with Client(server.api_key, base_url=server.url) as admin:
            account = admin.service_accounts.create(name="ci", scopes=["connections:read"])
        once = account.credentials
        for credentials in (ServiceAccount(once.client_id, once.client_secret), ServiceAccount(token=once.token)):
            with Client(credentials=credentials, base_url=server.url) as client:
                assert (client.connections.list()).data == []
                with pytest.raises(PermissionDeniedError) as caught:
                    client.webhooks.list()
            assert caught.value.details["required_scope"] == "webhooks:read"

    def test_the_old_credentials_work_for_a_day_after_rotation(self, server: LocalServer) -> None:
        with Client(server.api_key, base_url=server.url) as admin:
            account = admin.service_accounts.create(name="ci", scopes=["connections:read"])
            old = account.credentials
            new = (admin.service_accounts.rotate(account.id)).credentials
        olds = [ServiceAccount(old.client_id, old.client_secret), ServiceAccount(token=old.token)]
        news = [ServiceAccount(new.client_id, new.client_secret), ServiceAccount(token=new.token)]
        for credentials in (*olds, *news):
            with Client(credentials=credentials, base_url=server.url) as client:
                client.connections.list()
        server.clock.advance(DAY + 1)
        for credentials in olds:
            with Client(credentials=credentials, base_url=server.url) as client:
                with pytest.raises(AuthenticationError):
                    client.connections.list()
        for credentials in news:
            with Client(credentials=credentials, base_url=server.url) as client:
                client.connections.list()

    def test_a_token_that_ended_on_the_server_is_renewed_unseen(self, server: LocalServer) -> None:
        with Client(server.api_key, base_url=server.url) as admin:
            once = (admin.service_accounts.create(name="ci", scopes=["connections:read"])).credentials
        credentials = OAuth2ClientCredentials(once.client_id, once.client_secret)
        with Client(credentials=credentials, base_url=server.url) as client:
            client.connections.list()
            server.clock.advance(3601)
            client.connections.list()

    def test_a_scope_it_may_not_have_is_refused_with_advice(self, server: LocalServer) -> None:
        with Client(server.api_key, base_url=server.url) as admin:
            once = (admin.service_accounts.create(name="ci", scopes=["connections:read"])).credentials
        credentials = ServiceAccount(once.client_id, once.client_secret, scopes=["admin:write"])
        with Client(credentials=credentials, base_url=server.url) as client:
            with pytest.raises(AuthenticationError, match="Ask for fewer") as caught:
                client.connections.list()
        assert caught.value.code == "invalid_scope"


class TestUsers:
    def test_a_public_application_signs_a_user_in_refreshes_and_signs_out(self, server: LocalServer) -> None:
        with Client(server.api_key, base_url=server.url) as app:
            request = app.oauth.authorization_url(
                client_id="public-app", redirect_uri=CALLBACK, scopes=["connections:read"]
            )
            callback = consent(server, request.url)
            tokens = app.oauth.exchange_code(
                callback["code"],
                state=callback["state"],
                expected_state=request.state,
                code_verifier=request.code_verifier,
                redirect_uri=CALLBACK,
                client_id="public-app",
            )
            assert tokens.scope == "connections:read"
            saved: list[OAuth2Token] = []
            user = OAuth2Token.from_answer(tokens, client_id="public-app", on_refresh=saved.append)
            with Client(credentials=user, base_url=server.url) as client:
                client.connections.list()
                with pytest.raises(PermissionDeniedError):
                    client.migrations.list()
                server.clock.advance(3601)
                client.connections.list()
            (refreshed,) = saved
            assert refreshed.refresh_token not in {None, tokens.refresh_token}
            with Client(credentials=refreshed, base_url=server.url) as client:
                client.connections.list()
                known = app.oauth.introspect(refreshed.access_token)
                assert (known.active, known.client_id, known.scope) == (True, "public-app", "connections:read")
                app.oauth.revoke(refreshed.refresh_token or "", client_id="public-app")
                assert (app.oauth.introspect(refreshed.access_token)).active is False
                with pytest.raises(AuthenticationError, match="Sign in again"):
                    client.connections.list()

    @pytest.mark.parametrize("client_auth", ["body", "basic"])
    def test_a_confidential_application_proves_itself_either_way(self, server: LocalServer, client_auth: str) -> None:
        with Client(server.api_key, base_url=server.url) as app:
            request = app.oauth.authorization_url(client_id="secret app", redirect_uri=CALLBACK)
            tokens = app.oauth.exchange_code(
                consent(server, request.url)["code"],
                code_verifier=request.code_verifier,
                redirect_uri=CALLBACK,
                client_id="secret app",
                client_secret="s3cret:with%signs",
                client_auth="basic" if client_auth == "basic" else "body",
            )
            assert tokens.token_type == "Bearer"
            with pytest.raises(AuthenticationError) as caught:
                app.oauth.refresh(tokens.refresh_token or "", client_id="secret app", client_secret="wrong")
            assert caught.value.code == "invalid_client"

    def test_a_code_works_once_and_only_with_its_verifier(self, server: LocalServer) -> None:
        with Client(server.api_key, base_url=server.url) as app:
            request = app.oauth.authorization_url(client_id="public-app", redirect_uri=CALLBACK)
            code = consent(server, request.url)["code"]
            for verifier in ("v" * 43, request.code_verifier):
                with pytest.raises(BadRequestError) as caught:
                    app.oauth.exchange_code(
                        code, code_verifier=verifier, redirect_uri=CALLBACK + "?other", client_id="public-app"
                    )
                assert caught.value.code == "invalid_grant"

    def test_a_user_who_says_no_brings_back_an_error(self, server: LocalServer) -> None:
        with Client(server.api_key, base_url=server.url) as app:
            request = app.oauth.authorization_url(client_id="public-app", redirect_uri=CALLBACK)
        callback = consent(server, request.url, decision="deny")
        assert (callback["error"], callback["state"]) == ("access_denied", request.state)
