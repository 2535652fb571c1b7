"""What happens around a route: the checks in the contract's order, the transaction, the answer."""

from __future__ import annotations

import functools
import inspect
import logging
import typing
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import anyio.to_thread
from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sensei.server import audit
from sensei.server.auth import access_control
from sensei.server.auth.access_control import Principal
from sensei.server.clock import monotonic
from sensei.server.errors import ApiError
from sensei.server.http import idempotency, request_body, request_validation
from sensei.server.http.disconnect import Disconnect
from sensei.server.http.messages import RequestFacts, error_response, json_response
from sensei.server.http.operation import Answer, Context, Download, Registered, Stream
from sensei.server.http.rate_limit import RateLimitedError
from sensei.server.runtime import Runtime
from sensei.server.store.durability import OutcomeUnknownError

log: logging.Logger = logging.getLogger("sensei.server")
access: logging.Logger = logging.getLogger("sensei.server.access")


def endpoint(registered: Registered) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The function that answers requests of one operation: reads the body, then works in a thread."""
    pipeline = _Pipeline(registered)

    async def answer(request: Request) -> Response:
        runtime: Runtime = request.app.state.runtime
        facts = RequestFacts.of(request)
        call = _Call(runtime, request, facts)
        in_thread = functools.partial(anyio.to_thread.run_sync, limiter=runtime.threads)
        if not request_body.is_small(request) and not await in_thread(pipeline.admit, call):
            return await in_thread(pipeline.run, call, b"")
        try:
            raw = await request_body.read(
                request, runtime.settings.max_body_bytes, runtime.settings.body_timeout_seconds
            )
        except request_body.SlowBodyError:
            call.problem = ApiError(
                "invalid_request", "The body did not arrive in time.", headers={"Connection": "close"}
            )
            raw = b""
        try:
            return await in_thread(pipeline.run, call, raw)
        except OutcomeUnknownError as error:
            log.critical(
                "a call is not answered: %s",
                error,
                extra={"operation": registered.operation.id, "request_id": facts.request_id},
            )
            return Disconnect()

    return answer


@dataclass(slots=True)
class _Call:
    """One call on its way: what is known of it besides its body."""

    runtime: Runtime
    request: Request
    facts: RequestFacts
    began: float = field(default_factory=monotonic)
    admitted: bool = False
    principal: Principal | None = None
    allowance: dict[str, str] = field(default_factory=dict[str, str])
    refusal: Exception | None = None
    """Why it was not admitted."""
    problem: ApiError | None = None
    """What was wrong with its body."""


class _Pipeline:
    def __init__(self, registered: Registered) -> None:
        self._function = registered.function
        self._operation = registered.operation
        hints = typing.get_type_hints(self._function, include_extras=True)
        parameters = inspect.signature(self._function).parameters
        self._path_names = [n for n in parameters if n not in ("ctx", "query", "body")]
        self._query_type: Any = hints.get("query")
        self._body_type: Any = hints.get("body")
        self._body_optional = "body" in parameters and parameters["body"].default is None

    @functools.cached_property
    def _query(self) -> TypeAdapter[Any]:
        return TypeAdapter(self._query_type)

    @functools.cached_property
    def _body(self) -> TypeAdapter[Any]:
        return TypeAdapter(self._body_type)

    def run(self, call: _Call, raw: bytes | None) -> Response:
        """Answer one request, in a thread; it is admitted first, if that has not been done.

        Raises:
            OutcomeUnknownError: Whether it happened cannot be told.
        """
        facts = call.facts
        response = self._respond(call, raw)
        seconds = monotonic() - call.began
        call.runtime.metrics.observe(self._operation.id, response.status_code, seconds)
        principal: Principal | None = getattr(call.request.state, "principal", None)
        access.info(
            "%s answered %d",
            self._operation.id,
            response.status_code,
            extra={
                "operation": self._operation.id,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 3),
                "request_id": facts.request_id,
                "organization": principal.organization_id if principal is not None else None,
                "address": facts.address,
            },
        )
        return response

    def admit(self, call: _Call) -> bool:
        """Whether the call may go on by what its head tells: 401, 403 and 429 come before the body is read."""
        if call.admitted or call.refusal is not None:
            return call.admitted
        runtime, facts = call.runtime, call.facts
        try:
            try:
                call.principal = self._identify(runtime, call.request)
            except ApiError as error:
                call.allowance.update(runtime.count_refused(facts.address))
                self._audit_refusal(runtime, facts, error)
                raise
            subject = call.principal.organization_id if call.principal else f"address:{facts.address}"
            call.allowance.update(runtime.count(subject, self._operation.id))
            call.admitted = True
        except Exception as error:
            call.refusal = error
        return call.admitted

    def _respond(self, call: _Call, raw: bytes | None) -> Response:
        facts, allowance = call.facts, call.allowance
        try:
            self.admit(call)
            wrong = call.refusal or call.problem
            if wrong is not None:
                raise wrong
            response = self._answer(Context(call.runtime, call.request, facts, call.principal), raw)
        except RateLimitedError as error:
            response = error_response(error, facts)
            allowance = error.allowance.headers()
        except ApiError as error:
            response = error_response(error, facts)
        except OutcomeUnknownError:
            raise
        except Exception:
            log.exception("unforeseen failure", extra={"operation": self._operation.id, "request_id": facts.request_id})
            response = error_response(
                ApiError("internal_error", "Something unforeseen happened; nothing was done."), facts
            )
        response.headers.update(allowance)
        response.headers["X-Request-Id"] = facts.request_id
        return response

    def _identify(self, runtime: Runtime, request: Request) -> Principal | None:
        scope = self._operation.scope
        if scope is None:
            return None
        with runtime.store.read() as session:
            principal = access_control.authenticate(
                session, request.headers.get("authorization"), runtime.settings.clock.now()
            )
        access_control.check_address(principal, request.client.host if request.client else None)
        request.state.principal = principal
        access_control.require(principal, scope)
        runtime.note_use(principal)
        return principal

    def _audit_refusal(self, runtime: Runtime, facts: RequestFacts, error: ApiError) -> None:
        principal: Principal | None = getattr(facts.request.state, "principal", None)
        if error.status != 403 or principal is None or not self._operation.audited:
            return
        with runtime.store.write() as session:
            self._write_audit(session, runtime, facts, principal, None, "denied")

    def _answer(self, ctx: Context, raw: bytes | None) -> Response:
        if raw is None:
            raise request_validation.TooLargeError(ctx.runtime.settings.max_body_bytes)
        data: Any = None
        # A body is only looked at where the operation has one; elsewhere it is ignored, as HTTP wants.
        has_body = bool(raw) and self._body_type is not None
        if has_body:
            request_validation.check_content_type(ctx.request.headers.get("content-type"))
            data = request_validation.parse_json(raw)
        key = ctx.request.headers.get("x-idempotency-key") if ctx.request.method == "POST" else None
        if key is None:
            return self._carry_out(ctx, raw, None)
        path = ctx.request.url.path + (f"?{ctx.request.url.query}" if ctx.request.url.query else "")
        claimed = idempotency.claim(
            ctx.store,
            ctx.principal.idempotency_scope,
            idempotency.check_key(key),
            idempotency.fingerprint("POST", path, data, has_body=has_body),
            ctx.now,
        )
        if isinstance(claimed, idempotency.StoredAnswer):
            # Whoever asked first may still be waiting for the disk.
            ctx.store.make_durable()
            return _replay(claimed, ctx.facts)
        return self._carry_out(ctx, raw, claimed)

    def _carry_out(self, ctx: Context, raw: bytes, claimed: idempotency.Claim | None) -> Response:
        try:
            result = self._function(ctx, **self._arguments(ctx, raw))
            if isinstance(result, Stream):
                return StreamingResponse(
                    result.frames, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
                )
            if isinstance(result, Download):
                return Response(result.content, media_type=result.media_type, headers=result.headers)
            answer = _as_answer(result)
            status = answer.status or self._operation.status
            # JSON first: what cannot be written must not be committed.
            content = None if answer.body is None else to_json(answer.body)
            if claimed is not None:
                claimed.complete(
                    ctx.store,
                    ctx.tx,
                    idempotency.StoredAnswer(status=status, body=answer.body, location=answer.location),
                )
            if self._operation.audited:
                resource = answer.resource or next(iter(ctx.request.path_params.values()), None)
                self._write_audit(ctx.tx, ctx.runtime, ctx.facts, ctx.principal, resource, "success", answer.audit)
            ctx.commit()
        except OutcomeUnknownError:
            # Nothing more is written: the claim of a key is settled by the commit, or ends with its lease.
            ctx.abandon()
            raise
        except BaseException as error:
            ctx.abandon()
            self._settle_failure(ctx, claimed, error)
            raise
        headers = dict(answer.headers)
        if answer.location is not None:
            headers["Location"] = answer.location
        return json_response(content, status, headers)

    def _arguments(self, ctx: Context, raw: bytes) -> dict[str, Any]:
        arguments: dict[str, Any] = {name: ctx.request.path_params[name] for name in self._path_names}
        if self._query_type is not None:
            arguments["query"] = request_validation.check_query(self._query, ctx.request.query_params)
        if self._body_type is not None and (raw or not self._body_optional):
            if not raw:
                raise ApiError("validation_error", "A body is needed.", details={"field": "", "reason": "required"})
            arguments["body"] = request_validation.check_body(self._body, raw)
        return arguments

    def _settle_failure(self, ctx: Context, claimed: idempotency.Claim | None, error: BaseException) -> None:
        keep = claimed is not None and isinstance(error, ApiError) and idempotency.is_stored(error)
        audited = self._operation.audited and isinstance(error, ApiError) and error.status in (404, 409)
        if claimed is None and not audited:
            return
        with ctx.store.write() as session:
            if claimed is not None and keep and isinstance(error, ApiError):
                body = error.body(ctx.facts.request_id)
                claimed.complete(
                    ctx.store, session, idempotency.StoredAnswer(status=error.status, body=body, location=None)
                )
            elif claimed is not None:
                claimed.release(session)
            if audited:
                resource = next(iter(ctx.request.path_params.values()), None)
                self._write_audit(session, ctx.runtime, ctx.facts, ctx.principal, resource, "failure")

    def _write_audit(
        self,
        session: Session,
        runtime: Runtime,
        facts: RequestFacts,
        principal: Principal,
        resource: str | None,
        result: str,
        details: dict[str, Any] | None = None,
    ) -> None:
        audit.record(
            session,
            principal=principal,
            now=runtime.settings.clock.now(),
            action=self._operation.id,
            resource=resource,
            result=result,
            request_id=facts.request_id,
            ip_address=facts.address,
            user_agent=facts.user_agent,
            details=details,
        )


def _as_answer(result: Any) -> Answer[Any]:
    return result if isinstance(result, Answer) else Answer(result)  # pyright: ignore[reportUnknownVariableType] - any


def _replay(stored: idempotency.StoredAnswer, facts: RequestFacts) -> Response:
    body = stored.body
    if stored.status >= 400:
        body = {"error": {**body["error"], "request_id": facts.request_id}}
    headers = {"X-Idempotent-Replayed": "true"}
    if stored.location is not None:
        headers["Location"] = stored.location
    return json_response(None if body is None else to_json(body), stored.status, headers)
