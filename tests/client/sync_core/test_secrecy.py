# Generated from tests/client/async_core/test_secrecy.py by scripts/generate_sync.py: change that file and run the script.
"""No secret is visible when something fails, whatever it is and whenever it fails."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpcore
import httpx
import httpx2
import pytest
from pydantic import BaseModel, ValidationError, model_validator

from sensei import Hooks
from sensei._network import Stream
from sensei._retry import RetryPolicy
from sensei._sync.client import Client
from sensei.auth import OAuth2ClientCredentials, OAuth2Token, ServiceAccount
from sensei.errors import APIResponseValidationError, ConfigurationError, InvalidArgumentError, SenseiError
from tests.client.faulty import Answer, FaultyServer, Heard, refusal, reply
from tests.client.secrecy import CLIENT_ID, SECRET, everything_said, frames, leaks, links, report

Act = Callable[[Client], object]

URL = f"postgresql://ada:{SECRET}@db/shop"
CONFIG: Any = {"host": "db", "username": "ada", "password": SECRET, "extra_params": {"sslpassword": SECRET}}
TUNNEL: Any = {"type": "ssh", "host": "bastion", "username": "ada", "private_key": SECRET}
CALLBACK = "https://app.example.com/callback"
BASIC: Any = {"client_id": CLIENT_ID, "client_secret": SECRET, "client_auth": "basic"}

ACTS: dict[str, Act] = {
    "a password": lambda client: client.connections.create(
        name="Shop", type="postgresql", role="source", config=CONFIG
    ),
    "a tunnel": lambda client: client.connections.create(
        name="Shop", type="mysql", role="source", config={"host": "db", "tunnel": TUNNEL}
    ),
    "a URL": lambda client: client.connections.create(
        name="Shop", type="postgresql", role="source", config={"connection_string": URL}
    ),
    "a migration": lambda client: client.migrations.create(
        source={"type": "postgresql", "connection_string": URL}, target={"type": "mysql", "connection_string": URL}
    ),
    "a changed password": lambda client: client.connections.update("conn_1", config={"password": SECRET}),
    "a tested password": lambda client: client.connections.test_config(type="postgresql", config=CONFIG),
    "a tested URL": lambda client: client.connections.test_config(type="postgresql", connection_string=URL),
    "a webhook": lambda client: client.webhooks.create(
        url=f"https://ada:{SECRET}@app.example.com/hook", events=["*"], secret=SECRET
    ),
    "a changed webhook": lambda client: client.webhooks.update("wh_1", secret=SECRET),
    "many webhooks": lambda client: client.webhooks.bulk_create(
        webhooks=[{"url": CALLBACK, "events": ["*"], "secret": SECRET}] * 3
    ),
    "a code": lambda client: client.oauth.exchange_code(
        SECRET, redirect_uri=CALLBACK, client_id=CLIENT_ID, client_secret=SECRET, code_verifier=SECRET * 3
    ),
    "a code, by Basic": lambda client: client.oauth.exchange_code(SECRET, redirect_uri=CALLBACK, **BASIC),
    "client credentials": lambda client: client.oauth.client_credentials(CLIENT_ID, SECRET),
    "client credentials, by Basic": lambda client: client.oauth.client_credentials(**BASIC),
    "a refresh token": lambda client: client.oauth.refresh(SECRET, client_id=CLIENT_ID, client_secret=SECRET),
    "a revoked token": lambda client: client.oauth.revoke(SECRET, **BASIC),
    "a token to ask about": lambda client: client.oauth.introspect(SECRET),
    "a body": lambda client: client.request("POST", "/connections", json={"config": CONFIG}),
    "a header": lambda client: client.request("GET", "/alerts", headers={"Authorization": f"Bearer {SECRET}"}),
    "a query": lambda client: client.request("GET", f"/alerts?token={SECRET}", params={"secret": SECRET}),
    "headers of a copy": lambda client: client.with_options(headers={"X-Vault-Token": SECRET}).usage.current(),
    "a key": lambda client: client.api_keys.create(name="ci", scopes=["migrations:read"]),
    "a list": lambda client: client.api_keys.list().to_list(max_items=1),
}

ANYTHING_GOES = [ACTS[name] for name in ("a body", "a header", "a query", "a revoked token")]
"""Those that take any answer for a good one."""

CREDENTIALS: dict[str, dict[str, Any]] = {
    "a key": {"api_key": f"sk_test_{SECRET}"},
    "a key of a function": {"api_key": lambda: f"sk_test_{SECRET}"},
    "client credentials": {"credentials": OAuth2ClientCredentials(CLIENT_ID, SECRET)},
    "tokens": {"credentials": OAuth2Token(SECRET, SECRET, client_id=CLIENT_ID, client_secret=SECRET)},
    "a service account": {"credentials": ServiceAccount(CLIENT_ID, SECRET)},
    "a token of a service account": {"credentials": ServiceAccount(token=SECRET)},
    "default headers": {"api_key": "sk_test_1", "default_headers": {"Authorization": f"Bearer {SECRET}"}},
}

TOKEN = {"access_token": SECRET, "token_type": "Bearer", "expires_in": 3600, "refresh_token": SECRET}


class Stopped(BaseException):
    """What comes from outside in the middle of a call, as Ctrl-C does."""


@dataclass(frozen=True)
class Stage:
    """A way to fail.

    Attributes:
        answer: of the server to what is not a token call.
        hook: fail when the answer has come.
        method: of the network stream that fails.
        raised: by it.
    """

    answer: Callable[[Heard], Answer | None] = lambda heard: None
    hook: bool = False
    method: str | None = None
    raised: type[BaseException] = Stopped


def repeated(heard: Heard) -> Answer:
    """A refusal that repeats what was asked, as validators do."""
    kind = heard.headers.get("content-type", "")
    sent: object = json.loads(heard.body) if "json" in kind else heard.body.decode()
    text = f"cannot read {heard.body.decode()} for {heard.headers.get('authorization')}"
    return reply({"error": {"code": "validation_error", "message": text, "details": {"sent": sent}}}, 422)


def half(heard: Heard) -> Answer:
    """An answer of which half comes, with what it is about."""
    body = json.dumps({"id": "key_1", "key": f"sk_test_{SECRET}", "secret": SECRET, **TOKEN, "more": "x" * 500})
    head = f"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nSet-Cookie: session={SECRET}\r\n\r\n"
    return Answer((head + body).encode(), close=True)


def unreadable(heard: Heard) -> Answer:
    """An answer that is not what the contract says, and holds what is shown once."""
    odd = {"id": 5, "key": f"sk_test_{SECRET}", "secret": SECRET, "access_token": SECRET, "data": {"secret": SECRET}}
    return reply(odd, headers={"Set-Cookie": f"session={SECRET}"})


STAGES = {
    "cut": Stage(),
    "refused": Stage(repeated),
    "unauthorized": Stage(lambda heard: refusal(401, "invalid_api_key")),
    "out of order": Stage(lambda heard: refusal(503, "service_unavailable", {"Retry-After": "0"})),
    "no API": Stage(lambda heard: Answer(b"HTTP/1.1 502 X\r\nContent-Length: 4\r\n\r\nOops")),
    "elsewhere": Stage(
        lambda heard: Answer(f"HTTP/1.1 302 X\r\nLocation: https://x.io/?token={SECRET}\r\n\r\n".encode(), close=True)
    ),
    "unreadable": Stage(unreadable),
    "half": Stage(half),
    "late": Stage(lambda heard: Answer(b"HTTP/1.1 200", hold=NEVER)),
    "hook": Stage(unreadable, hook=True),
    "interrupted while it writes": Stage(method="write"),
    "interrupted while it reads": Stage(half, method="read"),
    "too slow to write": Stage(method="write", raised=httpcore.WriteTimeout),
    "broken while it reads": Stage(half, method="read", raised=httpcore.ReadError),
}

NEVER = threading.Event()


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.set_level(logging.DEBUG)
    yield caplog
    records = caplog.get_records("call")
    # The HTTP library logs the heads of answers, where a server may set a cookie of its own.
    said = [one.getMessage() for one in records if not one.getMessage().startswith("receive_response_headers.complete")]
    assert not leaks("\n".join(said))


@contextlib.contextmanager
def client_of(
    url: str, way: str, stage: Stage, credential: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    def fail(event: object) -> None:
        raise KeyError("of the hook")

    with contextlib.ExitStack() as stack:
        own = None
        if way == "httpx":
            own = stack.enter_context(httpx.Client())
        elif way == "httpx2":
            own = stack.enter_context(httpx2.Client())
        elif way == "proxy":
            monkeypatch.setenv("HTTP_PROXY", url.replace("http://", f"http://{CLIENT_ID}:{SECRET}@"))
            monkeypatch.setenv("NO_PROXY", "")
            url = "http://sensei.localhost"
        options = {"api_key": "sk_test_1", **credential}
        if "credentials" in options:
            del options["api_key"]
        client = Client(
            base_url=url,
            retry=RetryPolicy(max_retries=1, initial_delay=0),
            timeout=0.2 if stage is STAGES["late"] else 10,
            http_client=own,  # type: ignore[arg-type]
            hooks=Hooks(on_response=fail) if stage.hook else None,
            **options,
        )
        yield stack.enter_context(client)


def tokens(answer: Callable[[Heard], Answer | None]) -> Callable[[Heard], Answer | None]:
    """A server that gives out tokens, and answers the calls themselves by `answer`."""

    def both(heard: Heard) -> Answer | None:
        return reply(TOKEN) if heard.target.endswith("/oauth/token") else answer(heard)

    return both


def interrupt(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the second piece that is read, or the first that is written, fail as the stage says."""
    if stage.method is None:
        return
    inner = getattr(Stream, stage.method)
    done = {"read": 0, "write": 1}[stage.method]

    def fails(self: Stream, *arguments: Any, **named: Any) -> object:
        nonlocal done
        done += 1
        if done == 1:
            return inner(self, *arguments, **named)
        raise stage.raised("of the test")

    monkeypatch.setattr(Stream, stage.method, fails)


def failure_of(act: Act, client: Client) -> BaseException | None:
    try:
        act(client)
    except BaseException as error:
        return error
    return None


def check(error: BaseException) -> None:
    """See to it that `error` shows no secret, and that there was something to look at."""
    assert frames(error)
    found = leaks(everything_said(error))
    assert not found, "\n".join(found[:5])


COMMON = ["cut", "refused", "unreadable", "half", "hook"]

WAYS = ["own", "httpx", "httpx2", "proxy"]


class TestCalls:
    @pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
    @pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
    def test_what_is_sent_is_never_shown(self, act: Act, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(stage.answer) as server:
            with client_of(server.url, "own", stage, {}, monkeypatch) as client:
                interrupt(stage, monkeypatch)
                error = failure_of(act, client)
        if stage is STAGES["unreadable"] and act in ANYTHING_GOES:
            assert error is None
        else:
            assert error is not None
            check(error)

    @pytest.mark.parametrize("stage", [STAGES[name] for name in COMMON], ids=COMMON)
    @pytest.mark.parametrize("act", ["a password", "a code, by Basic", "many webhooks"])
    @pytest.mark.parametrize("way", WAYS[1:])
    def test_nor_through_a_client_of_the_users_or_a_proxy(
        self, way: str, act: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with FaultyServer(stage.answer) as server:
            with client_of(server.url, way, stage, {}, monkeypatch) as client:
                error = failure_of(ACTS[act], client)
        assert error is not None
        check(error)

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("stage", [STAGES[name] for name in COMMON], ids=COMMON)
    @pytest.mark.parametrize("credential", CREDENTIALS.values(), ids=CREDENTIALS)
    def test_nor_is_what_a_call_is_authorized_by(
        self, credential: dict[str, Any], stage: Stage, way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with FaultyServer(tokens(stage.answer)) as server:
            with client_of(server.url, way, stage, credential, monkeypatch) as client:
                error = failure_of(lambda client: client.connections.get("conn_1"), client)
                shown = [repr(client), repr(vars(client)), repr(vars(client._transport)), f"{client}"]
        assert error is not None
        check(error)
        assert not leaks("\n".join(shown))
        assert any(SECRET in f"{heard.headers} {heard.body!r}" for heard in server.heard)

    @pytest.mark.parametrize("way", ["own", "proxy"])
    @pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
    def test_nor_when_nobody_listens(self, act: Act, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with FaultyServer(lambda heard: None) as server:
            url = server.url
        with client_of(url, way, Stage(), {}, monkeypatch) as client:
            error = failure_of(act, client)
        assert error is not None
        check(error)


REFUSED: dict[str, Act] = {
    "a wrong member": lambda client: client.connections.create(
        name="Shop", type="postgresql", role="source", config={**CONFIG, "pasword": SECRET}
    ),
    "a wrong kind": lambda client: client.connections.create(
        name="Shop", type="postgresql", role="source", config={**CONFIG, "port": SECRET}
    ),
    "a wrong kind deep inside": lambda client: client.connections.create(
        name="Shop", type="postgresql", role="source", config={"host": "db", "tunnel": {**TUNNEL, "port": SECRET}}
    ),
    "a missing member": lambda client: client.connections.create(
        name="Shop", type="postgresql", role="source", config={"password": SECRET}
    ),
    "another wrong argument": lambda client: client.connections.create(
        name="", type="postgresql", role="source", config=CONFIG
    ),
    "a text for settings": lambda client: client.connections.create(
        name="Shop",
        type="postgresql",
        role="source",
        config=URL,  # type: ignore[arg-type]
    ),
    "a list for settings": lambda client: client.connections.create(
        name="Shop",
        type="postgresql",
        role="source",
        config=[URL],  # type: ignore[arg-type]
    ),
    "no JSON": lambda client: client.connections.create(
        name="Shop",
        type="sqlite",
        role="source",
        config={"path": "a.db", "extra_params": {"pw": SECRET, "n": float("nan")}},
    ),
    "no UTF-8": lambda client: client.connections.create(
        name="Shop", type="sqlite", role="source", config={"path": "a.db", "extra_params": {"pw": SECRET + "\ud800"}}
    ),
    "a circle": lambda client: client.request("POST", "/connections", json=CIRCLE),
    "an object": lambda client: client.request("POST", "/connections", json={"password": SECRET, "at": object()}),
    "an update": lambda client: client.connections.update("conn_1", config={"password": SECRET}, tags=5),  # type: ignore[arg-type]
    "an update of nothing": lambda client: client.connections.update("", config={"password": SECRET}),
    "a test": lambda client: client.connections.test_config(type="mysql", connection_string=URL, config=CONFIG, role=5),
    "a number for a text": lambda client: client.connections.test_config(
        type="mysql",
        connection_string=[URL],  # type: ignore[arg-type]
    ),
    "a short secret": lambda client: client.webhooks.create(url=CALLBACK, events=["*"], secret=[SECRET]),  # type: ignore[arg-type]
    "a wrong URL": lambda client: client.webhooks.create(url=f"ftp://{SECRET}@x", events=[], secret=SECRET),
    "a changed webhook": lambda client: client.webhooks.update("wh_1", events=[], secret=SECRET),
    "one of many webhooks": lambda client: client.webhooks.bulk_create(
        webhooks=[{"url": CALLBACK, "events": ["*"], "secret": SECRET}, {"url": CALLBACK, "secret": SECRET}]  # type: ignore[typeddict-item]
    ),
    "a migration": lambda client: client.migrations.create(
        source={"type": "mysql", "connection_string": URL},
        target={"connection_string": URL},  # type: ignore[typeddict-item]
    ),
    "a verifier": lambda client: called(
        lambda: client.oauth.authorization_url(
            client_id=CLIENT_ID, redirect_uri=CALLBACK, code_verifier=f"{SECRET} {SECRET}", state=SECRET
        )
    ),
    "another state": lambda client: client.oauth.exchange_code(
        SECRET, redirect_uri=CALLBACK, client_id=CLIENT_ID, state=SECRET, expected_state=f"{SECRET}2"
    ),
    "no state": lambda client: client.oauth.exchange_code(
        SECRET, redirect_uri=CALLBACK, client_id=CLIENT_ID, expected_state=SECRET
    ),
    "no client": lambda client: client.oauth.exchange_code(
        SECRET, redirect_uri=CALLBACK, client_id="", client_secret=SECRET, code_verifier=SECRET
    ),
    "a code of a wrong kind": lambda client: client.oauth.exchange_code(
        [SECRET],
        redirect_uri=CALLBACK,
        client_id=CLIENT_ID,  # type: ignore[arg-type]
    ),
    "a code that is no text": lambda client: client.oauth.exchange_code(
        f"{SECRET}\ud800", redirect_uri=CALLBACK, client_id=CLIENT_ID
    ),
    "a secret that is no text": lambda client: client.oauth.client_credentials(
        CLIENT_ID, f"{SECRET}\ud800", client_auth="basic"
    ),
    "a wrong scope": lambda client: client.oauth.client_credentials(CLIENT_ID, SECRET, scopes=["a b"]),
    "a wrong way": lambda client: client.oauth.refresh(
        SECRET,
        client_id=CLIENT_ID,
        client_secret=SECRET,
        client_auth="odd",  # type: ignore[arg-type]
    ),
    "a secret without its client": lambda client: client.oauth.revoke(SECRET, client_secret=SECRET),
    "a header": lambda client: client.request("GET", "/x", headers={"Authorization": f"Bearer {SECRET}\n"}),
    "a header of a copy": lambda client: called(
        lambda: client.with_options(headers={"Authorization": f"{SECRET}\u00e9"})
    ),
    "headers of a wrong kind": lambda client: client.request(
        "GET",
        "/x",
        headers=[("Authorization", SECRET)],  # type: ignore[arg-type]
    ),
    "another header": lambda client: client.request("GET", "/x", headers={"A": SECRET, "Host": "x"}),
    "another server": lambda client: client.request("GET", f"https://ada:{SECRET}@x.io/v1/a?token={SECRET}"),
    "another path": lambda client: client.request("GET", f"/a//b?token={SECRET}", params={"secret": SECRET}),
    "another version": lambda client: client.request("GET", f"http://127.0.0.1:1/v2/a?token={SECRET}"),
    "a time without a zone": lambda client: client.request(
        "GET",
        f"/a?token={SECRET}",
        params={"secret": SECRET, "since": datetime(2026, 1, 1)},  # noqa: DTZ001
    ),
    "a wrong time-out": lambda client: client.request("POST", "/a", json=CONFIG, timeout=-1),
    "a wrong key": lambda client: client.request("POST", "/a", json=CONFIG, idempotency_key="a b"),
    "a wrong model": lambda client: client.request("POST", "/a", json=CONFIG, cast_to=5),  # type: ignore[arg-type]
}


class Failing(BaseModel):
    id: int

    @model_validator(mode="after")
    def fail(self) -> Failing:
        raise KeyError("of the type")


class OfTheUsers(BaseModel):
    id: str
    key: int


CIRCLE: dict[str, object] = {"password": SECRET}
CIRCLE["again"] = CIRCLE


def called(function: Callable[[], object]) -> object:
    return function()


BAD_KEYS: dict[str, dict[str, Any]] = {
    "a key with a blank": {"api_key": f"{SECRET} {SECRET}"},
    "a key of a wrong kind": {"api_key": [SECRET]},
    "a number": {"api_key": 12345678},
    "a key of a function with a blank": {"api_key": lambda: f"{SECRET}\n"},
    "a list of a function": {"api_key": lambda: [SECRET]},
    "a mapping of a function": {"api_key": lambda: {"key": SECRET}},
    "bytes of a function": {"api_key": SECRET.encode},
    "a function that waits": {"api_key": lambda: called(lambda: f"{SECRET} ")},
    "a text for credentials": {"credentials": SECRET},
    "a mapping for credentials": {"credentials": {"client_secret": SECRET}},
    "both": {"api_key": SECRET, "credentials": ServiceAccount(token=SECRET)},
    "a URL with a user part": {"api_key": SECRET, "base_url": f"https://ada:{SECRET}@x.io"},
    "a URL with half a user part": {"api_key": SECRET, "base_url": f"ada:{SECRET}@x.io"},
    "a URL with a bad port": {"api_key": SECRET, "base_url": f"https://ada:{SECRET}@x.io:{SECRET}"},
    "a URL with a token": {"api_key": SECRET, "base_url": f"https://x.io/?token={SECRET}"},
    "plain http": {"api_key": SECRET, "base_url": "http://x.io"},
    "a bad header": {"api_key": SECRET, "default_headers": {"Authorization": f"Bearer {SECRET}\n"}},
    "a header that frames": {"api_key": SECRET, "default_headers": {"Authorization": SECRET, "Host": "x"}},
    "headers in a list": {"api_key": SECRET, "default_headers": [("Authorization", SECRET)]},
    "a wrong time-out": {"api_key": SECRET, "default_headers": {"Authorization": SECRET}, "timeout": -1},
}


class TestRefusals:
    @pytest.mark.parametrize("act", REFUSED.values(), ids=REFUSED)
    def test_what_is_refused_is_not_shown(self, act: Act) -> None:
        with Client("sk_test_1", base_url="http://127.0.0.1:1", max_retries=0) as client:
            error = failure_of(act, client)
        assert isinstance(error, InvalidArgumentError | ConfigurationError)
        check(error)
        assert "Secret" not in str(error)  # the names of what conceals it
        assert not [link for link in links(error) if isinstance(link, ValidationError)]

    @pytest.mark.parametrize("bad", BAD_KEYS.values(), ids=BAD_KEYS)
    def test_nor_is_a_credential_that_cannot_be_used(self, bad: dict[str, Any]) -> None:
        def use() -> None:
            with Client(**{"base_url": "http://127.0.0.1:1", "max_retries": 0, **bad}) as client:
                client.usage.current()

        with pytest.raises(ConfigurationError) as caught:
            use()
        check(caught.value)
        assert "12345678" not in report(caught.value)

    @pytest.mark.parametrize("cast_to", [dict[str, int], OfTheUsers, list[OfTheUsers]])
    def test_nor_is_an_answer_that_a_type_of_the_users_cannot_read(self, cast_to: Any) -> None:
        with FaultyServer(unreadable) as server:
            with Client("sk_test_1", base_url=server.url) as client:
                with pytest.raises(APIResponseValidationError) as caught:
                    client.request("POST", "/things", json={}, cast_to=cast_to)
        check(caught.value)

    def test_nor_is_one_that_a_type_of_the_users_fails_on(self) -> None:
        with FaultyServer(unreadable) as server:
            with Client("sk_test_1", base_url=server.url) as client:
                with pytest.raises(KeyError) as caught:
                    client.request("POST", "/things", json={}, cast_to=Failing)
        # The frames of pydantic are between the type and us.
        assert [line for line in leaks(report(caught.value)) if "model_validate_json" not in line] == []

    def test_nor_is_a_header_of_the_users_client_that_cannot_be_sent(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "httpcore")  # which quotes it in its own log
        with httpx.Client(headers={"X-Vault-Token": f"{SECRET}\n"}) as own:
            with FaultyServer(lambda heard: None) as server:
                client = Client("sk_test_1", base_url=server.url, max_retries=0, http_client=own)
                with pytest.raises(InvalidArgumentError, match="Illegal header value") as caught:
                    client.usage.current()
        check(caught.value)

    def test_nor_is_one_that_is_no_text(self) -> None:
        text = b'{"key": "%b", "name": "\xff"}' % SECRET.encode()
        answer = Answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))
        with FaultyServer(lambda heard: answer) as server:
            with Client("sk_test_1", base_url=server.url) as client:
                with pytest.raises(APIResponseValidationError) as caught:
                    client.request("GET", "/things", cast_to=str)
        check(caught.value)

    @pytest.mark.parametrize("token", [f"{SECRET} ", "", {"a": SECRET}])
    def test_nor_is_a_token_that_cannot_be_used(self, token: object) -> None:
        with FaultyServer(lambda heard: reply({**TOKEN, "access_token": token})) as server:
            credentials = OAuth2ClientCredentials(CLIENT_ID, SECRET)
            with Client(credentials=credentials, base_url=server.url) as client:
                with pytest.raises(SenseiError) as caught:
                    client.usage.current()
        check(caught.value)
