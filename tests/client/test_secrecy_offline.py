"""No secret is visible when something fails that sends nothing: webhooks, credentials, files of settings, masks."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
from rich.pretty import pretty_repr

import sensei._async.resources.api_keys
import sensei._async.resources.service_accounts
import sensei._async.resources.webhooks
import sensei._sync.resources.api_keys
import sensei._sync.resources.service_accounts
import sensei._sync.resources.webhooks  # noqa: F401 - with all of these the list of models below is whole
from sensei import Client
from sensei._config import resolve
from sensei._redact import SecretBytes, SecretText, concealed, mask_text, revealed
from sensei.auth import OAuth2ClientCredentials, OAuth2Token, ServiceAccount
from sensei.errors import ConfigurationError, SenseiError
from sensei.models.base import SecretsModel
from sensei.models.oauth import OAuthTokenResponse
from sensei.webhooks import sign, unwrap, verify_signature
from sensei.webhooks.django import webhook_handler as django_handler
from sensei.webhooks.flask import webhook_handler as flask_handler
from sensei.webhooks.starlette import verified_event
from sensei.webhooks.starlette import webhook_handler as starlette_handler
from tests.client.secrecy import CLIENT_ID, SECRET, everything_said, frames, leaks, printed

SIGNED = {"X-Sensei-Signature": "sha256=" + "0" * 64}
ODD: Any = object()


def signed(body: str) -> object:
    return unwrap(body, {"X-Sensei-Signature": sign(body, SECRET)}, secret=SECRET, tolerance=1)


def client() -> Client:
    return Client("sk_test_1", base_url="https://sensei.example.com")


TRIES: dict[str, Callable[[], object]] = {
    "a wrong signature": lambda: unwrap("{}", SIGNED, secret=SECRET),
    "a wrong signature, by a client": lambda: client().webhooks.unwrap("{}", SIGNED, secret=SECRET),
    "no signature": lambda: unwrap("{}", {}, secret=[SECRET, SECRET.encode()]),
    "no headers": lambda: unwrap("{}", ODD, secret=SECRET),
    "no body": lambda: unwrap(ODD, SIGNED, secret=SECRET),
    "a signed nothing": lambda: signed("{}"),
    "an old event": lambda: signed(
        json.dumps({"id": "e", "type": "t", "created_at": "2020-01-01T00:00:00Z", "data": {}})
    ),
    "no text": lambda: verify_signature(ODD, "x", SECRET),
    "no signature at all": lambda: verify_signature(b"", ODD, bytearray(SECRET.encode())),  # type: ignore[arg-type]
    "an empty secret among others": lambda: verify_signature("{}", "x", [SECRET, ""]),
    "a secret of a wrong kind": lambda: verify_signature("{}", "x", [SECRET, ODD]),
    "nothing to sign": lambda: sign(ODD, SECRET),
    "too many to sign with": lambda: sign("{}", [SECRET, ""]),  # type: ignore[arg-type]
    "flask": lambda: flask_handler(secret=[SECRET, ""]),
    "django": lambda: django_handler(secret=[SECRET, ""]),
    "starlette": lambda: starlette_handler(secret=[SECRET, ""]),
    "fastapi": lambda: verified_event(secret=[SECRET, ""]),
    "credentials": lambda: OAuth2ClientCredentials("", SECRET),
    "credentials of a wrong kind": lambda: OAuth2ClientCredentials("id", [SECRET]),  # type: ignore[arg-type]
    "a service account": lambda: ServiceAccount("", SECRET, token=SECRET),
    "tokens": lambda: OAuth2Token(SECRET, {"token": SECRET}, client_id="id"),  # type: ignore[arg-type]
    "tokens of an answer": lambda: OAuth2Token.from_answer(
        OAuthTokenResponse(access_token=f"{SECRET} ", token_type="Bearer", expires_in=1),
        client_id=CLIENT_ID,
        client_secret=SECRET,
    ),
    "refreshed tokens": lambda: OAuth2Token("at", SECRET, client_id=CLIENT_ID).refreshed(
        OAuthTokenResponse(access_token=f"{SECRET} ", token_type="Bearer", expires_in=1)
    ),
}


@pytest.mark.parametrize("attempt", TRIES.values(), ids=TRIES)
def test_what_is_refused_shows_no_secret(attempt: Callable[[], object]) -> None:
    with pytest.raises((SenseiError, TypeError)) as caught:
        attempt()
    assert frames(caught.value)
    found = leaks(everything_said(caught.value))
    assert not found, "\n".join(found[:5])


@pytest.mark.parametrize(
    "text",
    [
        f"profiles: {{default: {SECRET}}}",
        f"profiles: [{SECRET}]",
        f"{SECRET}",
        f"profiles: {{default: {{api_key: [{SECRET}]}}}}",
        f"profiles: {{default: {{api_key: {SECRET}, api_url: 5}}}}",
        f"profiles: {{default: {{api_key: {SECRET}, api_url: 'https://ada:{SECRET}@x.io'}}}}",
        f"profiles: {{default: {{api_key: {SECRET}, api_url: '${{NOWHERE}}'}}}}",
        f"profiles: {{default: {{api_key: '{SECRET} {SECRET}'}}}}",
        f"profiles: {{other: {{api_key: {SECRET}}}}}",
        f"api_key: {SECRET}\n\t- [",
        f"api_key: !odd {SECRET}",
    ],
)
@pytest.mark.parametrize("profile", [None, "default"])
def test_a_configuration_file_that_is_refused_is_not_shown(text: str, profile: str | None, tmp_path: Path) -> None:
    file = tmp_path / ".sensei" / "config.yaml"
    file.parent.mkdir()
    file.write_text(text)
    environ = {"HOME": str(tmp_path), "OTHER": SECRET}
    with pytest.raises(ConfigurationError) as caught:
        resolve(None, credentials=None, base_url=None, profile=profile, allow_insecure=False, environ=environ)
    found = leaks(everything_said(caught.value))
    assert not found, "\n".join(found[:5])


@pytest.mark.parametrize(
    "value",
    [SECRET, SECRET.encode(), bytearray(SECRET.encode()), [SECRET], {"a": {"b": [SECRET]}}, (SECRET, 5), {SECRET}, 17],
)
def test_what_is_concealed_is_printed_by_nobody_and_not_lost(value: Any) -> None:
    hidden = concealed(value)
    shown = [*printed(hidden), *printed([hidden] * 2), pretty_repr(hidden, max_string=5), repr(concealed(hidden))]
    assert not leaks("\n".join(shown))
    assert SECRET[:5] not in "\n".join(shown)
    assert "17" not in "\n".join(shown)
    assert revealed(hidden) == value
    assert type(revealed(hidden)) in {type(value), bytes}


def test_what_is_no_secret_stays_as_it_is() -> None:
    for value in (None, True, ODD, len, SecretText("a"), SecretBytes(b"a")):
        assert concealed(value) is value
        assert revealed(ODD) is ODD


@pytest.mark.parametrize(
    "credentials",
    [
        OAuth2ClientCredentials(CLIENT_ID, SECRET),
        OAuth2Token(SECRET, SECRET, client_id=CLIENT_ID, client_secret=SECRET),
        ServiceAccount(CLIENT_ID, SECRET),
    ],
)
def test_credentials_show_nothing_however_they_are_printed(credentials: Any) -> None:
    same = copy.deepcopy(credentials)
    shown = [f"{same}", f"{same!r:>200}", "%s" % same, pretty_repr(same), pickle.dumps(same, 0).decode("latin-1")]  # noqa: UP031
    assert not leaks("\n".join(shown))
    with pytest.raises(TypeError):
        dataclasses.asdict(same)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://ada:p@ss@db/shop refused", "postgres://***@db/shop refused"),
        ("postgres://ada:p/ss?x#y@db/shop", "postgres://***@db/shop"),
        ("https://host:8080/a/@me and x@y.z", "https://host:8080/a/@me and x@y.z"),
        ("redis://:word@h redis://u@h", "redis://***@h redis://***@h"),
        ("for Basic bXktYXBwOnNlY3JldA== it is", "for Basic *** it is"),
        ("Basic authentication is off", "Basic authentication is off"),
        ('sent {"password": "a\\"b", "port": 5}, no', 'sent {"password": "***", "port": 5}, no'),
        ("sent {'host': 'db'}", "sent {'host': 'db'}"),
    ],
)
def test_texts_lose_what_looks_like_a_secret(text: str, shown: str) -> None:
    assert mask_text(text) == shown


def secretive(cls: type[SecretsModel]) -> list[type[SecretsModel]]:
    return [found for sub in cls.__subclasses__() for found in (sub, *secretive(sub))]


@pytest.mark.parametrize("name", [f"{one.__module__}.{one.__qualname__}" for one in secretive(SecretsModel)])
def test_what_the_server_shows_once_is_shown_by_no_print_and_in_no_pickle(name: str) -> None:
    (cls,) = [one for one in secretive(SecretsModel) if f"{one.__module__}.{one.__qualname__}" == name]
    assert cls._masked
    members: dict[str, Any] = dict.fromkeys(cls._masked, SECRET)
    made = cls.model_construct(**members)
    twins: list[Any] = [made, copy.copy(made), copy.deepcopy(made)]
    for one in twins:
        shown = [f"{one}", f"{[one]!r}", pretty_repr(one), pformat(one), pretty_repr({"a": one}), *printed([one])]
        assert not leaks("\n".join(shown))
        assert not leaks(pickle.dumps(one, 0).decode("latin-1"))
        assert all(getattr(one, member) == SECRET for member in cls._masked)
    html: Callable[[], str] | None = getattr(made, "_repr_html_", None)
    assert html is None or not leaks(html())
