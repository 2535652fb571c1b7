"""The application: routes, the contract's own 404 and 405, and what runs beside them."""

from __future__ import annotations

import functools
import importlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from sensei._version import __version__
from sensei.server import metrics
from sensei.server.auth import access_control
from sensei.server.dashboard import add_dashboard
from sensei.server.errors import ApiError
from sensei.server.http.messages import RequestFacts, error_response
from sensei.server.http.openapi import describe
from sensei.server.http.operation import Registered
from sensei.server.http.pipeline import endpoint
from sensei.server.routes import oauth
from sensei.server.runtime import Runtime
from sensei.server.settings import Settings

RESOURCES = (
    "connections",
    "migrations",
    "actions",
    "plans",
    "monitoring",
    "migration_errors",
    "recovery",
    "schedules",
    "validations",
    "certificates",
    "webhooks",
    "api_keys",
    "service_accounts",
    "audit_logs",
    "usage",
)
"""Modules below `sensei.server.routes`; each has a `router`. Literal paths come before parameters within a module."""


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application over the given state.

    Raises:
        StoreError: The state cannot be opened.
        VaultError: The key file cannot be used.
    """
    modules = [importlib.import_module(f"sensei.server.routes.{name}") for name in RESOURCES]
    runtime = Runtime(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None, None]:
        await anyio.to_thread.run_sync(runtime.start)
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(runtime.stop)

    app = FastAPI(
        title="Sensei REST API",
        version="1.0.0",
        summary=f"Reference server {__version__}",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.runtime = runtime
    operations = [registered for module in modules for registered in module.router.registered]
    # Made when it is asked for: describing eighty operations takes longer than starting to answer them.
    app.openapi = functools.partial(describe, app.title, app.version, operations)  # type: ignore[method-assign]
    _keep_literal_paths(app, operations)
    for registered in operations:
        app.add_api_route(
            registered.path,
            endpoint(registered),
            methods=[registered.method],
            operation_id=registered.operation.id,
            response_model=None,
        )
    app.include_router(oauth.router)
    add_dashboard(app)
    app.add_api_route("/healthz", _healthz, methods=["GET"], include_in_schema=False)
    app.add_api_route("/readyz", _readyz, methods=["GET"], include_in_schema=False)
    app.add_api_route("/metrics", _metrics, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(HTTPException, _no_such_route)
    if settings.faults:
        _add_faults(app, runtime)
    return app


def _add_faults(app: FastAPI, runtime: Runtime) -> None:
    from sensei.server.faults import Faults, control
    from sensei.server.faults.middleware import FaultMiddleware

    app.state.faults = Faults()
    runtime.dispatcher.faults = app.state.faults
    app.add_middleware(FaultMiddleware, faults=app.state.faults, runtime=runtime)
    app.add_api_route("/_faults", control.plan, methods=["POST"], include_in_schema=False)
    app.add_api_route("/_faults", control.clear, methods=["DELETE"], include_in_schema=False)
    app.add_api_route("/_clock", control.advance, methods=["POST"], include_in_schema=False)


async def _healthz() -> Response:
    return JSONResponse({"status": "ok", "version": __version__})


async def _readyz(request: Request) -> Response:
    runtime: Runtime = request.app.state.runtime
    ready = await anyio.to_thread.run_sync(runtime.is_ready)
    return JSONResponse({"status": "ready" if ready else "unavailable"}, status_code=200 if ready else 503)


async def _metrics(request: Request) -> Response:
    """Figures for Prometheus; they tell about everybody's work, so they need a credential that may read all."""
    runtime: Runtime = request.app.state.runtime
    facts = RequestFacts.of(request)

    def render() -> bytes:
        with runtime.store.read() as session:
            now = runtime.settings.clock.now()
            principal = access_control.authenticate(session, request.headers.get("authorization"), now)
        access_control.require(principal, "admin:read")
        return runtime.metrics.render(runtime)

    try:
        return Response(await anyio.to_thread.run_sync(render), media_type=metrics.CONTENT_TYPE)
    except ApiError as error:
        return error_response(error, facts)


def _keep_literal_paths(app: FastAPI, operations: Sequence[Registered]) -> None:
    """Let a literal path win over a parameter with every method, also with those that only the other one has."""
    methods: dict[str, set[str]] = {}
    for operation in operations:
        methods.setdefault(operation.path, set()).add(operation.method)
    for path, own in methods.items():
        others = {method for other in methods if _stands_before(path, other) for method in methods[other]} - own
        if others:
            app.add_route(path, _not_this_method, methods=sorted(others), include_in_schema=False)


def _stands_before(path: str, other: str) -> bool:
    """True when every request for `path` would fit `other` as well, which has a parameter where `path` has a word."""
    segments, others = path.split("/"), other.split("/")
    return (
        path != other
        and len(segments) == len(others)
        and all(mine == its or its.startswith("{") for mine, its in zip(segments, others, strict=True))
    )


async def _not_this_method(_request: Request) -> Response:
    raise HTTPException(405)


async def _no_such_route(request: Request, error: Exception) -> Response:
    """404 and 405 in the contract's form; `Allow` names the methods of every route with that path."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    facts = RequestFacts.of(request)
    if status == 405:
        allowed = ", ".join(sorted(_methods(request)))
        failure = ApiError(
            "method_not_allowed",
            f"{request.method} is not possible here; possible: {allowed}.",
            headers={"Allow": allowed},
        )
    else:
        failure = ApiError("not_found", f"There is no {request.url.path[:200]!r} here.")
    response = error_response(failure, facts)
    runtime: Runtime = request.app.state.runtime
    if request.url.path.startswith("/v1"):
        response.headers.update(runtime.count_refused(facts.address))
        response.headers["X-Request-Id"] = facts.request_id
    return response


def _methods(request: Request) -> set[str]:
    """The methods of the routes that fit best: those with the fewest parameters."""
    fitting = [
        route
        for route in request.app.routes
        if isinstance(route, Route)
        and route.endpoint is not _not_this_method
        and route.matches(request.scope)[0] is not Match.NONE
    ]
    fewest = min((len(route.param_convertors) for route in fitting), default=0)
    return {method for route in fitting if len(route.param_convertors) == fewest for method in route.methods or ()}
