"""What happens around a route: the checks in the contract's order, the transaction, the answer."""

from __future__ import annotations

import functools
import inspect
import logging
import typing
from collections.abc import Callable, Coroutine
from typing import Any

import anyio.to_thread
from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from sensei.server import audit, idempotency, reading, security
from sensei.server.clock import monotonic
from sensei.server.errors import ApiError
from sensei.server.operation import Answer, Context, Download, Registered, Stream
from sensei.server.ratelimit import RateLimitedError
from sensei.server.runtime import Runtime
from sensei.server.security import Principal
from sensei.server.wire import RequestFacts, error_response, json_response

log: logging.Logger = logging.getLogger("sensei.server")
access: logging.Logger = logging.getLogger("sensei.server.access")


def endpoint(registered: Registered) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The function that answers requests of one operation: reads the body, then works in a thread."""
    pipeline = _Pipeline(registered)

    async def answer(request: Request) -> Response:
        runtime: Runtime = request.app.state.runtime
        facts = RequestFacts.of(request)
        raw = await _read_body(request, runtime.settings.max_body_bytes)
        return await anyio.to_thread.run_sync(
            functools.partial(pipeline.run, runtime, request, facts, raw), limiter=runtime.threads
        )

    return answer


async def _read_body(request: Request, limit: int) -> bytes | None:
    """The body, or None when it is over the limit (the rest is then not kept)."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
            else:
                chunks.clear()
            if size > 4 * limit:
                break
    except ClientDisconnect:
        return b""
    return b"".join(chunks) if size <= limit else None


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

    def run(self, runtime: Runtime, request: Request, facts: RequestFacts, raw: bytes | None) -> Response:
        """Answer one request."""
        began = monotonic()
        response = self._respond(runtime, request, facts, raw)
        seconds = monotonic() - began
        runtime.metrics.observe(self._operation.id, response.status_code, seconds)
        principal: Principal | None = getattr(request.state, "principal", None)
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

    def _respond(self, runtime: Runtime, request: Request, facts: RequestFacts, raw: bytes | None) -> Response:
        allowance: dict[str, str] = {}
        try:
            try:
                principal = self._admit(runtime, request)
            except ApiError as error:
                allowance.update(runtime.count_refused(facts.address))
                self._audit_refusal(runtime, facts, error)
                raise
            subject = principal.organization_id if principal else f"address:{facts.address}"
            allowance.update(runtime.count(subject, self._operation.id))
            response = self._answer(Context(runtime, request, facts, principal), raw)
        except RateLimitedError as error:
            response = error_response(error, facts)
            allowance = error.allowance.headers()
        except ApiError as error:
            response = error_response(error, facts)
        except Exception:
            log.exception("unforeseen failure", extra={"operation": self._operation.id, "request_id": facts.request_id})
            response = error_response(
                ApiError("internal_error", "Something unforeseen happened; nothing was done."), facts
            )
        response.headers.update(allowance)
        response.headers["X-Request-Id"] = facts.request_id
        return response

    def _admit(self, runtime: Runtime, request: Request) -> Principal | None:
        scope = self._operation.scope
        if scope is None:
            return None
        with runtime.store.read() as session:
            principal = security.authenticate(
                session, request.headers.get("authorization"), runtime.settings.clock.now()
            )
        security.check_address(principal, request.client.host if request.client else None)
        request.state.principal = principal
        security.require(principal, scope)
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
            raise reading.TooLargeError(ctx.runtime.settings.max_body_bytes)
        data: Any = None
        # A body is only looked at where the operation has one; elsewhere it is ignored, as HTTP wants.
        has_body = bool(raw) and self._body_type is not None
        if has_body:
            reading.check_content_type(ctx.request.headers.get("content-type"))
            data = reading.parse_json(raw)
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
            arguments["query"] = reading.check_query(self._query, ctx.request.query_params)
        if self._body_type is not None and (raw or not self._body_optional):
            if not raw:
                raise ApiError("validation_error", "A body is needed.", details={"field": "", "reason": "required"})
            arguments["body"] = reading.check_body(self._body, raw)
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
