"""The receivers for FastAPI/Starlette, Flask and Django, each in its real framework."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import anyio
import anyio.lowlevel
import django
import flask
import httpx
import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

import sensei.webhooks.django
import sensei.webhooks.flask
import sensei.webhooks.starlette
from sensei.errors import ConfigurationError, InvalidArgumentError
from sensei.models.webhooks import WebhookEvent
from sensei.webhooks import RecentEvents, sign

SECRET = "whsec_your_signing_secret"
# White space and an escape that parsing and writing again would lose.
BODY = (
    b'{"id": "evt_1",  "type":"migration.completed","created_at":"2026-02-02T14:45:30.123Z",'
    b'"data":{"migration_id":"mig_1","migration_name":"Q\\u0031 \xc3\xbc"},"metadata":{}}\n'
)
Handler = Callable[[Any], Any]


class Answer(NamedTuple):
    status: int
    text: str


Post = Callable[[bytes, dict[str, str]], Answer]


def fastapi_post(handle: Handler, **options: Any) -> Post:
    app = FastAPI()
    app.post("/hook")(sensei.webhooks.starlette.webhook_handler(secret=SECRET, **options)(handle))
    return asgi_post(app)


def starlette_post(handle: Handler, **options: Any) -> Post:
    endpoint = sensei.webhooks.starlette.webhook_handler(secret=SECRET, **options)(handle)
    return asgi_post(Starlette(routes=[Route("/hook", endpoint, methods=["POST"])]))


def asgi_post(app: Any) -> Post:
    async def send(body: bytes, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver") as client:
            return await client.post("/hook", content=body, headers=headers)

    def post(body: bytes, headers: dict[str, str]) -> Answer:
        response = anyio.run(send, body, headers)
        return Answer(response.status_code, response.text)

    return post


def flask_post(handle: Handler, **options: Any) -> Post:
    app = flask.Flask("receiver")
    app.testing = True
    app.post("/hook")(sensei.webhooks.flask.webhook_handler(secret=SECRET, **options)(handle))
    client = app.test_client()

    def post(body: bytes, headers: dict[str, str]) -> Answer:
        response = client.post("/hook", data=body, headers=headers)
        return Answer(response.status_code, response.text)

    return post


@pytest.fixture(scope="module", autouse=True)
def django_project() -> None:
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"], MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"], SECRET_KEY="for-tests"
        )
        django.setup()


def django_urls(handle: Handler, **options: Any) -> ModuleType:
    view = sensei.webhooks.django.webhook_handler(secret=SECRET, **options)(handle)
    urls = ModuleType("urls")
    urls.urlpatterns = [path("hook", view)]  # type: ignore[attr-defined]
    return urls


def django_post(handle: Handler, **options: Any) -> Post:
    urls = django_urls(handle, **options)
    client = Client(enforce_csrf_checks=True)

    def post(body: bytes, headers: dict[str, str]) -> Answer:
        from django.test import override_settings

        with override_settings(ROOT_URLCONF=urls):
            response = client.post("/hook", body, content_type="application/json", headers=headers)
        return Answer(response.status_code, response.content.decode())

    return post


@pytest.fixture(params=[fastapi_post, starlette_post, flask_post, django_post])
def framework(request: pytest.FixtureRequest) -> Iterator[Any]:
    return request.param


def signed(body: bytes = BODY) -> dict[str, str]:
    return {"X-Sensei-Signature": sign(body, SECRET), "Content-Type": "application/json"}


class TestEveryFramework:
    def test_a_genuine_delivery_reaches_the_function_typed(self, framework: Any) -> None:
        events: list[WebhookEvent] = []
        post = framework(events.append)
        assert post(BODY, signed()) == Answer(204, "")
        (event,) = events
        assert (event.type, event.data.migration_id, event.data.migration_name) == (
            "migration.completed",
            "mig_1",
            "Q1 ü",
        )

    @pytest.mark.parametrize(
        ("body", "headers", "reason"),
        [
            (BODY, {"Content-Type": "application/json"}, "header is missing"),
            (BODY, {**signed(), "X-Sensei-Signature": "sha256=" + "0" * 64}, "does not fit"),
            (BODY + b" ", signed(), "does not fit"),
            (json.dumps(json.loads(BODY)).encode(), signed(), "does not fit"),
            (b"", signed(), "does not fit"),
            (b"[]", signed(b"[]"), "no Sensei event"),
        ],
    )
    def test_a_bad_delivery_is_400_and_never_reaches_it(
        self, framework: Any, body: bytes, headers: dict[str, str], reason: str
    ) -> None:
        events: list[WebhookEvent] = []
        answer = framework(events.append)(body, headers)
        assert answer.status == 400
        assert reason in answer.text
        assert SECRET not in answer.text
        assert events == []

    def test_an_old_event_is_400_when_the_age_matters(self, framework: Any) -> None:
        answer = framework(lambda _: None, tolerance=60)(BODY, signed())
        assert answer.status == 400
        assert "too old" in answer.text

    def test_a_huge_body_is_not_read(self, framework: Any) -> None:
        huge = b" " * 1_048_577
        assert framework(lambda _: None)(huge, signed(huge)).status == 413

    def test_a_repeated_event_is_acknowledged_and_not_handled_again(self, framework: Any) -> None:
        events: list[WebhookEvent] = []
        post = framework(events.append, seen=RecentEvents())
        assert [post(BODY, signed()).status, post(BODY, signed()).status] == [204, 204]
        assert len(events) == 1

    def test_an_event_whose_function_failed_is_handled_at_the_next_attempt(self, framework: Any) -> None:
        attempts: list[WebhookEvent] = []

        def handle(event: WebhookEvent) -> None:
            attempts.append(event)
            if len(attempts) == 1:
                raise RuntimeError("the database is down")

        post = framework(handle, seen=RecentEvents())
        with pytest.raises(RuntimeError, match="database is down"):
            post(BODY, signed())
        assert post(BODY, signed()).status == 204
        assert post(BODY, signed()).status == 204
        assert len(attempts) == 2

    def test_the_old_secret_is_good_while_it_is_replaced(self) -> None:
        handler = sensei.webhooks.starlette.webhook_handler(secret=["whsec_new_secret", SECRET])
        app = Starlette(routes=[Route("/hook", handler(lambda _: None), methods=["POST"])])
        assert asgi_post(app)(BODY, signed()).status == 204

    @pytest.mark.parametrize(
        ("name", "value", "error"),
        [
            ("tolerance", float("nan"), InvalidArgumentError),
            ("tolerance", -1, InvalidArgumentError),
            ("tolerance", "60", InvalidArgumentError),
            ("seen", RecentEvents, ConfigurationError),
            ("seen", {"evt_1"}, ConfigurationError),
            ("seen", str.isdecimal, ConfigurationError),  # cannot give a claim back
        ],
        ids=["no number", "negative", "text", "a class", "a set", "a function"],
    )
    def test_a_bad_setting_stops_the_program_at_its_start(
        self, framework: Any, name: str, value: Any, error: type[Exception]
    ) -> None:
        with pytest.raises(error, match=name):
            framework(lambda _: None, **{name: value})

    def test_a_claim_that_broke_off_is_given_back(self, framework: Any) -> None:
        """The store may have noted it before its answer was lost: the event must not count as handled."""
        events: list[WebhookEvent] = []
        store = RecentEvents()

        class Flaky:
            cut = True

            def __call__(self, event_id: str, /) -> bool:
                answer = store(event_id)
                if self.cut:
                    self.cut = False
                    raise OSError("the connection to the store was cut")
                return answer

            def forget(self, event_id: str, /) -> None:
                store.forget(event_id)

        post = framework(events.append, seen=Flaky())
        with pytest.raises(OSError, match="was cut"):
            post(BODY, signed())
        assert [post(BODY, signed()).status, post(BODY, signed()).status] == [204, 204]
        assert len(events) == 1

    @pytest.mark.parametrize("module", [sensei.webhooks.starlette, sensei.webhooks.flask, sensei.webhooks.django])
    def test_a_missing_secret_stops_the_program_at_its_start(self, module: Any) -> None:
        with pytest.raises(ConfigurationError, match="secret"):
            module.webhook_handler(secret="")


class AsyncStore:
    def __init__(self) -> None:
        self.events = RecentEvents()

    async def __call__(self, event_id: str, /) -> bool:
        return self.events(event_id)

    async def forget(self, event_id: str, /) -> None:
        self.events.forget(event_id)


class TestAsynchronousFunctions:
    @pytest.mark.parametrize("make", [fastapi_post, starlette_post])
    @pytest.mark.parametrize("seen", [AsyncStore, RecentEvents])
    def test_starlette_awaits_function_and_store(self, make: Any, seen: Any) -> None:
        attempts: list[WebhookEvent] = []

        async def handle(event: WebhookEvent) -> None:
            attempts.append(event)
            if len(attempts) == 1:
                raise RuntimeError("first")

        post = make(handle, seen=seen())
        with pytest.raises(RuntimeError):
            post(BODY, signed())
        assert [post(BODY, signed()).status, post(BODY, signed()).status] == [204, 204]
        assert len(attempts) == 2

    @pytest.mark.parametrize("form", ["function", "partial", "method", "object", "plain"])
    def test_in_whatever_form_it_comes_it_is_awaited_or_refused_and_never_lost(self, framework: Any, form: str) -> None:
        """What is called and not awaited does nothing, and the answer 204 would end the delivery."""
        events: list[WebhookEvent] = []

        class Handler:
            async def method(self, event: WebhookEvent) -> None:
                events.append(event)

            async def __call__(self, event: WebhookEvent) -> None:
                events.append(event)

        async def function(event: WebhookEvent) -> None:
            events.append(event)

        forms: dict[str, Callable[[Any], Any]] = {
            "function": function,
            "partial": functools.partial(function),
            "method": Handler().method,
            "object": Handler(),
            "plain": lambda event: Handler().method(event),
        }
        seen = RecentEvents()
        post = framework(forms[form], seen=seen)
        if (framework, form) in {(flask_post, "plain"), (django_post, "plain")}:
            with pytest.raises(ConfigurationError, match="async def"):
                post(BODY, signed())
            assert len(seen) == 0
        else:
            assert post(BODY, signed()).status == 204
            assert len(events) == 1

    @pytest.mark.anyio
    @pytest.mark.parametrize("where", ["claim", "handler"])
    async def test_whoever_hangs_up_meanwhile_takes_no_event_along(self, where: str) -> None:
        """A task that is cancelled gives its claim back, also when the store was just making it."""
        reached, store = anyio.Event(), RecentEvents()

        class Slow(AsyncStore):
            async def __call__(self, event_id: str, /) -> bool:
                answer = store(event_id)
                if where == "claim":
                    reached.set()
                    await anyio.sleep_forever()
                return answer

            async def forget(self, event_id: str, /) -> None:
                await anyio.lowlevel.checkpoint()  # a store that is awaited can be cancelled
                store.forget(event_id)

        async def handle(event: WebhookEvent) -> None:
            reached.set()
            await anyio.sleep_forever()

        endpoint = sensei.webhooks.starlette.webhook_handler(secret=SECRET, seen=Slow())(handle)

        async def receive() -> Any:
            return {"type": "http.request", "body": BODY}

        headers = [(b"x-sensei-signature", sign(BODY, SECRET).encode())]
        request = Request({"type": "http", "method": "POST", "path": "/hook", "headers": headers}, receive)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(endpoint, request)
            await reached.wait()
            assert len(store) == 1
            tasks.cancel_scope.cancel()
        assert len(store) == 0

    def test_flask_says_at_the_start_what_it_lacks_for_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def handle(event: WebhookEvent) -> None: ...

        monkeypatch.setattr("sensei.webhooks.flask.find_spec", lambda name: None)
        with pytest.raises(ConfigurationError, match=r"flask\[async\]"):
            sensei.webhooks.flask.webhook_handler(secret=SECRET)(handle)

    @pytest.mark.parametrize("module", [sensei.webhooks.flask, sensei.webhooks.django])
    def test_an_asynchronous_store_is_refused_where_nothing_awaits_it(self, module: Any) -> None:
        class HalfAsync(AsyncStore):
            def forget(self, event_id: str, /) -> None:  # type: ignore[override]  # a mistake, as users make it
                self.events.forget(event_id)

        for store in (AsyncStore(), HalfAsync()):
            with pytest.raises(ConfigurationError, match="asynchronous `seen`"):
                module.webhook_handler(secret=SECRET, seen=store)(lambda _: None)

    @pytest.mark.anyio
    @pytest.mark.parametrize("anyio_backend", ["asyncio"])  # all that Django knows
    async def test_django_makes_an_asynchronous_view(self) -> None:
        from django.test import override_settings

        events: list[WebhookEvent] = []

        async def handle(event: WebhookEvent) -> None:
            events.append(event)

        client = AsyncClient(enforce_csrf_checks=True)
        with override_settings(ROOT_URLCONF=django_urls(handle, seen=AsyncStore())):
            statuses = [
                (await client.post("/hook", BODY, content_type="application/json", headers=headers)).status_code
                for headers in (signed(), signed(), {"X-Sensei-Signature": "sha256="})
            ]
        assert statuses == [204, 204, 400]
        assert len(events) == 1


class TestOddRequests:
    def test_django_takes_post_only(self) -> None:
        from django.test import override_settings

        with override_settings(ROOT_URLCONF=django_urls(lambda _: None)):
            assert Client().get("/hook").status_code == 405

    @pytest.mark.parametrize("length", ["abc", "\xd9\xa1", "-5"])
    def test_django_takes_a_length_that_is_none_for_none(self, length: str) -> None:
        view = sensei.webhooks.django.webhook_handler(secret=SECRET)(lambda event: None)
        request = RequestFactory().post("/hook", BODY, content_type="application/json", headers=signed())
        request.META["CONTENT_LENGTH"] = length
        assert view(request).status_code in {204, 400}

    @pytest.mark.parametrize(("size", "status"), [(0, 204), (2_000_000, 413)])
    def test_django_reads_a_body_in_chunks_only_so_far(self, size: int, status: int) -> None:
        view = sensei.webhooks.django.webhook_handler(secret=SECRET)(lambda event: None)
        body = BODY + b" " * size
        stream = io.BytesIO(body)
        headers = [(b"x-sensei-signature", sign(body, SECRET).encode()), (b"transfer-encoding", b"chunked")]
        request = ASGIRequest({"type": "http", "method": "POST", "path": "/hook", "headers": headers}, stream)
        assert view(request).status_code == status
        assert stream.tell() < 1_100_000

    def test_django_reads_a_body_that_a_middleware_has_read_before(self) -> None:
        view = sensei.webhooks.django.webhook_handler(secret=SECRET)(lambda event: None)
        headers = [(b"x-sensei-signature", sign(BODY, SECRET).encode())]
        request = ASGIRequest({"type": "http", "method": "POST", "path": "/hook", "headers": headers}, io.BytesIO(BODY))
        assert request.body == BODY
        assert view(request).status_code == 204

    @pytest.mark.anyio
    @pytest.mark.parametrize("length", [b"1048577", b"9" * 5000])
    async def test_starlette_does_not_wait_for_a_body_that_is_announced_too_large(self, length: bytes) -> None:
        endpoint = sensei.webhooks.starlette.webhook_handler(secret=SECRET)(lambda event: None)

        async def receive() -> Any:
            raise AssertionError("nothing of it is read")

        headers = [(b"content-length", length)]
        request = Request({"type": "http", "method": "POST", "path": "/hook", "headers": headers}, receive)
        assert (await endpoint(request)).status_code == 413

    @pytest.mark.anyio
    async def test_starlette_shrugs_at_a_sender_that_is_gone(self) -> None:
        """Anybody can hang up in the middle: that is no fault of the program, to be reported as one."""
        endpoint = sensei.webhooks.starlette.webhook_handler(secret=SECRET)(lambda event: None)
        heard = [{"type": "http.request", "body": BODY[:10], "more_body": True}, {"type": "http.disconnect"}]

        async def receive() -> Any:
            return heard.pop(0)

        headers = [(b"x-sensei-signature", sign(BODY, SECRET).encode())]
        request = Request({"type": "http", "method": "POST", "path": "/hook", "headers": headers}, receive)
        assert (await endpoint(request)).status_code == 400

    @pytest.mark.parametrize(("size", "status"), [(0, 204), (2_000_000, 413)])
    def test_flask_reads_a_body_in_chunks_only_so_far(self, size: int, status: int) -> None:
        app = flask.Flask("receiver")
        app.post("/hook")(sensei.webhooks.flask.webhook_handler(secret=SECRET)(lambda event: None))
        stream = io.BytesIO(BODY + b" " * size)
        answer = app.test_client().open(
            "/hook",
            method="POST",
            headers={"X-Sensei-Signature": sign(BODY + b" " * size, SECRET)},
            environ_overrides={"wsgi.input": stream, "wsgi.input_terminated": True},
        )
        assert answer.status_code == status
        assert stream.tell() < 1_100_000

    def test_fastapi_gives_the_event_as_a_dependency(self) -> None:
        events: list[WebhookEvent] = []
        app = FastAPI()
        verified = Depends(sensei.webhooks.starlette.verified_event(secret=SECRET))

        @app.post("/hook", status_code=202)
        async def on_event(event: Any = verified, note: str = "none") -> None:
            events.append(event)
            assert note == "none"

        post = asgi_post(app)
        assert post(BODY, signed()).status == 202
        assert post(BODY, {}).status == 400
        assert [event.id for event in events] == ["evt_1"]

    def test_starlette_reads_a_body_that_a_middleware_has_read_before(self) -> None:
        events: list[WebhookEvent] = []
        endpoint = sensei.webhooks.starlette.webhook_handler(secret=SECRET)(events.append)

        async def read_twice(request: Request) -> Any:
            assert await request.body() == BODY
            return await endpoint(request)

        assert asgi_post(Starlette(routes=[Route("/hook", read_twice, methods=["POST"])]))(BODY, signed()).status == 204
        assert len(events) == 1

    def test_the_endpoint_of_fastapi_has_no_parameters_of_its_own(self) -> None:
        app = FastAPI()

        @app.post("/hook")
        @sensei.webhooks.starlette.webhook_handler(secret=SECRET)
        async def on_sensei_event(event: WebhookEvent) -> None:
            """What the function says of itself."""

        operation = app.openapi()["paths"]["/hook"]["post"]
        assert "parameters" not in operation
        assert "requestBody" not in operation
        assert operation["description"] == "What the function says of itself."
