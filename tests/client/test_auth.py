"""Credentials as data, what is sent to the OAuth server, and when a token is renewed."""

from __future__ import annotations

import base64
import copy
import hashlib
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei._oauth import (
    authorization_request,
    check_state,
    client_credentials_grant,
    code_challenge,
    code_exchange,
    refresh_grant,
    token_reference,
)
from sensei._request import UNSET
from sensei._tokens import HeldToken, first_token, header_of, hold, renewal
from sensei.auth import OAuth2ClientCredentials, OAuth2Token, ServiceAccount
from sensei.errors import ConfigurationError, InvalidArgumentError
from sensei.models.oauth import OAuthTokenResponse

SECRETS = ("TOPSECRET", "ACCESSTOKEN", "REFRESHTOKEN", "sa_DIRECTTOKEN")


def every_kind() -> list[Any]:
    return [
        OAuth2ClientCredentials("my-client", "TOPSECRET", scopes=["migrations:read"]),
        ServiceAccount("sa_abc123", "TOPSECRET"),
        ServiceAccount(token="sa_DIRECTTOKEN"),
        OAuth2Token("ACCESSTOKEN", "REFRESHTOKEN", client_id="my-client", client_secret="TOPSECRET"),
        OAuth2Token("ACCESSTOKEN", "REFRESHTOKEN", client_id="my-client", on_refresh=lambda token: None),
    ]


class TestCredentials:
    @pytest.mark.parametrize("credentials", every_kind(), ids=repr)
    def test_secrets_are_neither_printed_nor_pickled(self, credentials: Any) -> None:
        assert "***" in repr(credentials)
        for text in (repr(credentials), str(credentials), f"{credentials}"):
            assert not any(secret in text for secret in SECRETS)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            pickled = pickle.dumps(credentials, protocol)
            assert not any(secret.encode() in pickled for secret in SECRETS)
            revived = pickle.loads(pickled)
            assert type(revived) is type(credentials)
            with pytest.raises(ConfigurationError, match="gone: secrets are never written into a pickle"):
                first_token(revived, 0.0)
            assert repr(revived).startswith(type(credentials).__name__)

    @pytest.mark.parametrize("credentials", every_kind(), ids=repr)
    def test_copies_in_the_same_process_work(self, credentials: Any) -> None:
        assert copy.copy(credentials) is credentials
        assert copy.deepcopy({"c": credentials})["c"] is credentials

    @pytest.mark.parametrize("credentials", every_kind(), ids=repr)
    def test_they_cannot_be_changed(self, credentials: Any) -> None:
        with pytest.raises(AttributeError, match="cannot be changed"):
            credentials.client_id = "other"
        with pytest.raises(AttributeError, match="cannot be changed"):
            del credentials.client_id
        with pytest.raises(AttributeError, match="no attribute"):
            _ = credentials.clientid

    @pytest.mark.parametrize(
        ("make", "problem"),
        [
            (lambda: OAuth2ClientCredentials("", "s"), "client_id is empty"),
            (lambda: OAuth2ClientCredentials("c", " "), "client_secret is empty"),
            (lambda: OAuth2ClientCredentials("c", "s", scopes=["a b"]), "is no scope"),
            (lambda: OAuth2ClientCredentials("c", "s", scopes=[""]), "is no scope"),
            (ServiceAccount, "needs client_id and client_secret"),
            (lambda: ServiceAccount("sa_abc123"), "alone is no credential"),
            (lambda: ServiceAccount(client_secret="s"), "needs client_id"),
            (lambda: ServiceAccount("c", "s", token="sa_x"), "token alone"),
            (lambda: ServiceAccount(token="sa_x", scopes=["a:read"]), "token alone"),
            (lambda: ServiceAccount(token=""), "token is empty"),
            (lambda: ServiceAccount(token="sa_TOPSECRET\r\nX: y"), "token holds white space"),
            (lambda: OAuth2Token(""), "access_token is empty"),
            (lambda: OAuth2Token("TOPSECRETü"), "access_token holds"),
            (lambda: OAuth2Token("a", "r"), "needs the client_id"),
            (lambda: OAuth2Token("a", expires_at=datetime(2026, 1, 1)), "no time zone"),  # noqa: DTZ001  # the point
        ],
    )
    def test_what_cannot_work_is_refused_at_once(self, make: Any, problem: str) -> None:
        with pytest.raises(ConfigurationError, match=problem) as caught:
            make()
        assert "TOPSECRET" not in str(caught.value)

    def test_scopes_may_come_as_one_text(self) -> None:
        assert OAuth2ClientCredentials("c", "s", scopes="a:read b:write").scopes == ("a:read", "b:write")

    def test_a_token_is_made_of_the_answer_of_the_server(self) -> None:
        before = datetime.now(UTC)
        answer = OAuthTokenResponse(
            access_token="at", token_type="Bearer", expires_in=3600, refresh_token="rt", scope="a:read b:read"
        )
        token = OAuth2Token.from_answer(answer, client_id="c", client_secret="s")
        assert (token.access_token, token.refresh_token, token.scopes) == ("at", "rt", ("a:read", "b:read"))
        assert token.expires_at is not None
        assert before + timedelta(hours=1) <= token.expires_at <= datetime.now(UTC) + timedelta(hours=1)

    @pytest.mark.parametrize("lifetime", [10**30, 10**15, 10**12, -(10**30), 0])
    def test_a_token_may_live_as_long_as_the_server_says(self, lifetime: int) -> None:
        answer = OAuthTokenResponse(access_token="at_2", token_type="Bearer", expires_in=lifetime, refresh_token="rt_2")
        for token in (
            OAuth2Token.from_answer(answer, client_id="c"),
            OAuth2Token("at_1", "rt_1", client_id="c").refreshed(answer),
        ):
            assert token.refresh_token == "rt_2"
            assert token.expires_at is not None
            assert (token.expires_at > datetime.now(UTC)) == (lifetime > 0)

    @pytest.mark.parametrize(("new", "kept"), [("rt_2", "rt_2"), (None, "rt_1")])
    def test_the_old_refresh_token_stays_unless_there_is_a_new_one(self, new: str | None, kept: str) -> None:
        old = OAuth2Token("at_1", "rt_1", client_id="c", client_secret="s", scopes=["a:read"], on_refresh=print)
        answer = OAuthTokenResponse(access_token="at_2", token_type="Bearer", expires_in=60, refresh_token=new)
        token = old.refreshed(answer)
        assert (token.access_token, token.refresh_token) == ("at_2", kept)
        assert (token.client_id, token.client_secret, token.scopes, token.on_refresh) == ("c", "s", ("a:read",), print)


class TestRenewal:
    @pytest.mark.parametrize(
        ("lifetime", "due", "expires"),
        [
            (3600, 3540, 3600),
            (600, 540, 600),
            (100, 90, 100),
            (10, 9, 10),
            (0, 0, 0),
            (-50, -50, -50),
            (None, float("inf"), float("inf")),
        ],
    )
    def test_a_token_is_renewed_before_it_ends(self, lifetime: float | None, due: float, expires: float) -> None:
        assert hold("at", lifetime, 0.0) == HeldToken("Bearer at", due, expires)

    @given(lifetime=st.floats(0, 1e9), now=st.floats(0, 1e9))
    @settings(derandomize=True, deadline=None)
    def test_it_is_never_due_before_it_is_there_nor_after_it_ended(self, lifetime: float, now: float) -> None:
        held = hold("at", lifetime, now)
        assert now <= held.due <= held.expires

    def test_a_postponed_token_is_due_again_soon_and_not_after_its_end(self) -> None:
        held = hold("at", 100, 0.0)
        assert held.postponed(90.0).due == 100.0
        assert held.postponed(50.0).due == 60.0

    def test_the_header_never_shows_in_print(self) -> None:
        assert "at_secret" not in repr(HeldToken("Bearer at_secret"))

    @pytest.mark.parametrize("bad", ["", " ", "a b", "a\n", "ü", None, 7, b"sk_test_x"])
    def test_what_cannot_stand_in_a_header_is_refused_without_showing_it(self, bad: Any) -> None:
        with pytest.raises(ConfigurationError, match="api_key") as caught:
            header_of("api_key", bad)
        assert "sk_test_x" not in str(caught.value)

    def test_a_token_with_a_known_end_is_held_as_long(self) -> None:
        token = OAuth2Token("at", expires_at=datetime.now(UTC) + timedelta(seconds=1000))
        held = first_token(token, 5000.0)
        assert held is not None
        assert 5990 < held.expires <= 6000

    @pytest.mark.parametrize(
        ("credentials", "form"),
        [
            (
                OAuth2ClientCredentials("c", "s", scopes=["a:read", "b:*"]),
                {"grant_type": "client_credentials", "scope": "a:read b:*", "client_id": "c", "client_secret": "s"},
            ),
            (
                ServiceAccount("sa_1", "sas_1"),
                {"grant_type": "client_credentials", "client_id": "sa_1", "client_secret": "sas_1"},
            ),
            (
                OAuth2Token("at", "rt", client_id="c", client_secret="s", scopes=["a:read"]),
                {"grant_type": "refresh_token", "refresh_token": "rt", "client_id": "c", "client_secret": "s"},
            ),
            (
                OAuth2Token("at", "rt", client_id="c"),
                {"grant_type": "refresh_token", "refresh_token": "rt", "client_id": "c"},
            ),
            (OAuth2Token("at"), None),
            (ServiceAccount(token="sa_x"), None),
        ],
    )
    def test_each_kind_has_its_own_way_to_a_new_token(self, credentials: Any, form: dict[str, str] | None) -> None:
        call = renewal(credentials)
        assert (call.form if call else None) == form
        if call:
            assert (call.path, call.authorization) == ("/token", None)
            assert call.repeatable is (form is not None and form["grant_type"] == "client_credentials")
            assert "sas_1" not in repr(call)


class TestAuthorizationRequest:
    def make(self, **changes: Any) -> Any:
        arguments = {
            "client_id": "my app",
            "redirect_uri": "https://app.example.com/callback?x=1&y=2",
            "scopes": ["migrations:read", "migrations:write"],
            "state": None,
            "code_verifier": None,
            **changes,
        }
        return authorization_request("https://auth.sensei.ai/oauth", **arguments)

    def test_the_address_carries_what_the_contract_asks_for(self) -> None:
        request = self.make()
        parts = urlsplit(request.url)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", "auth.sensei.ai", "/oauth/authorize")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(request.code_verifier.encode()).digest()).rstrip(b"=")
        assert parse_qs(parts.query) == {
            "response_type": ["code"],
            "client_id": ["my app"],
            "redirect_uri": ["https://app.example.com/callback?x=1&y=2"],
            "scope": ["migrations:read migrations:write"],
            "state": [request.state],
            "code_challenge": [challenge.decode()],
            "code_challenge_method": ["S256"],
        }

    def test_state_and_verifier_are_new_each_time_and_cannot_be_guessed(self) -> None:
        requests = [self.make() for _ in range(50)]
        assert len({request.state for request in requests}) == 50
        assert len({request.code_verifier for request in requests}) == 50
        assert all(len(request.state) >= 43 and 43 <= len(request.code_verifier) <= 128 for request in requests)

    def test_the_verifier_stays_out_of_the_address_and_of_print(self) -> None:
        request = self.make()
        assert request.code_verifier not in request.url
        assert request.code_verifier not in repr(request)
        assert str(request) == request.url

    def test_own_values_are_kept(self) -> None:
        request = self.make(state="s1", code_verifier="v" * 43)
        assert (request.state, request.code_verifier) == ("s1", "v" * 43)

    def test_the_challenge_is_that_of_rfc_7636(self) -> None:
        challenge = code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        assert challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    @pytest.mark.parametrize(
        "changes",
        [
            {"redirect_uri": "/callback"},
            {"redirect_uri": ""},
            {"redirect_uri": "https://app.example.com/#x"},
            {"client_id": ""},
            {"code_verifier": "short"},
            {"code_verifier": "v" * 129},
            {"code_verifier": "v" * 42 + "ü"},
            {"scopes": ["a b"]},
            {"scopes": None},
            {"scopes": [1]},
            {"state": ""},
            {"state": 5},
            {"code_verifier": 5},
            {"client_id": "c\ud800"},
            {"redirect_uri": "http://[x"},
            {"redirect_uri": None},
            {"redirect_uri": b"https://app.example.com/"},
        ],
    )
    def test_what_cannot_work_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgumentError):
            self.make(**changes)


class TestState:
    @pytest.mark.parametrize("state", ["abc", "ü", "\ud800"])
    def test_the_same_state_passes(self, state: str) -> None:
        check_state(state, state)
        check_state(UNSET, UNSET)

    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            ("a", "b"),
            ("A", "a"),
            ("ü", "u"),
            ("", "a"),
            ("a", ""),
            (None, "a"),
            ("a", None),
            # A forged callback brings no state to a session that began no sign-in.
            (None, None),
            ("", ""),
            (UNSET, "a"),
            ("a", UNSET),
            (1, 1),
            (b"a", b"a"),
        ],
    )
    def test_any_other_is_refused(self, state: object, expected: object) -> None:
        with pytest.raises(InvalidArgumentError, match="state"):
            check_state(state, expected)


class TestForms:
    def exchange(self, **changes: Any) -> Any:
        arguments = {
            "redirect_uri": "https://app.example.com/callback",
            "client_id": "c",
            "client_secret": None,
            "code_verifier": None,
            "client_auth": "body",
            **changes,
        }
        return code_exchange("AUTH_CODE", **arguments)

    def test_a_public_client_sends_its_id_and_the_verifier(self) -> None:
        call = self.exchange(code_verifier="v" * 43)
        assert call.form == {
            "grant_type": "authorization_code",
            "code": "AUTH_CODE",
            "redirect_uri": "https://app.example.com/callback",
            "code_verifier": "v" * 43,
            "client_id": "c",
        }
        assert call.authorization is None
        assert call.repeatable is False

    def test_basic_keeps_id_and_secret_out_of_the_body(self) -> None:
        call = self.exchange(client_id="my client", client_secret="p:ä%s", client_auth="basic")
        assert "client_id" not in call.form
        assert "client_secret" not in call.form
        scheme, encoded = call.authorization.split()
        assert (scheme, base64.b64decode(encoded)) == ("Basic", b"my+client:p%3A%C3%A4%25s")
        assert encoded not in repr(call)

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": ""},
            {"client_secret": ""},
            {"redirect_uri": " "},
            {"redirect_uri": "https://\ud800"},
            {"client_auth": "x", "client_secret": "s"},
            {"client_auth": "x"},
            {"code_verifier": 5},
            {"code_verifier": ""},
        ],
    )
    def test_what_cannot_work_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgumentError):
            self.exchange(**changes)

    def test_a_refresh_may_narrow_the_scopes(self) -> None:
        call = refresh_grant("rt", client_id="c", client_secret=None, scopes=["a:read"], client_auth="body")
        assert call.form["scope"] == "a:read"
        assert call.repeatable is False

    @pytest.mark.parametrize("scopes", [None, 5, [None], [b"a:read"]])
    def test_scopes_that_are_none_are_refused(self, scopes: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="scope"):
            client_credentials_grant("c", "s", scopes, "body")

    def test_client_credentials_need_a_secret(self) -> None:
        with pytest.raises(InvalidArgumentError, match="client_secret"):
            client_credentials_grant("c", "", (), "body")

    def test_a_token_reference_goes_with_the_clients_credential_unless_an_oauth_client_asks(self) -> None:
        plain = token_reference("/p", "t", hint="access_token", client_id=None, client_secret=None, client_auth="body")
        assert (plain.form, plain.authorization) == ({"token": "t", "token_type_hint": "access_token"}, "client")
        proven = token_reference("/p", "t", hint=None, client_id="c", client_secret="s", client_auth="body")
        assert (proven.form, proven.authorization) == ({"token": "t", "client_id": "c", "client_secret": "s"}, None)
        with pytest.raises(InvalidArgumentError, match="client_id"):
            token_reference("/p", "t", hint=None, client_id=None, client_secret="s", client_auth="body")
