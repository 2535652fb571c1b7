# Generated from sensei/_async/transport.py by scripts/generate_sync.py: change that file and run the script.
"""One call: credential, pace, send, try again, map errors, parse."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from time import monotonic
from types import NoneType
from typing import TYPE_CHECKING, TypeVar, cast

from sensei._call import Call, ClientOptions, merged
from sensei._concurrency import shielded, sleep
from sensei._http import RawHeaders, Trouble, check_fresh, end_of, limits, socket_of, trouble
from sensei._parse import LONGEST_ANSWER, check_file, check_length, decompress, invalid_answer, parse, status_error
from sensei._ratelimit import RateLimiter, read_rate_limit
from sensei._redact import LONGEST_LOOKED_AT, SecretText, concealed, one_line
from sensei._request import (
    ORDINARY,
    UNSET,
    HeaderTypes,
    QueryTypes,
    RequestExtras,
    TimeoutTypes,
    build_path,
    build_query,
)
from sensei._response import Headers, lower_names
from sensei._sync.body import Body, drained
from sensei._sync.pacing import turn_of
from sensei._sync.pool import Pools
from sensei._tracebacks import without_wire
from sensei.errors import APIStatusError, SenseiError
from sensei.models.response import ResponseInfo

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from sensei._client_adapters import ClientAdapter
    from sensei._config import Server
    from sensei._sync.keys import Authorizer

T = TypeVar("T")

log = logging.getLogger("sensei")
"""The one logger of the client. It never gets bodies, credentials or query values."""


class Transport:
    """Makes the calls of one client.

    Args:
        client: what live objects are given as their client.
        server: where the API is.
        authorizer: gives the credential, for the API and its OAuth server only.
        pools: the connections, shared with the copies of the client.
        adapter: a client to send through instead of the pools, or None.
        limiter: paces the calls, or None.
        options: what `with_options` can change.
    """

    def __init__(
        self,
        client: object,
        server: Server,
        authorizer: Authorizer,
        pools: Pools,
        adapter: ClientAdapter | None,
        limiter: RateLimiter | None,
        options: ClientOptions,
    ) -> None:
        self.client = client
        self.server = server
        self.auth_server: Server = server.auth_server()
        self.authorizer = authorizer
        self.pools = pools
        self.adapter = adapter
        self.limiter = limiter
        self.options = options

    def call(
        self,
        cast_to: type[T] | TypeAdapter[T],
        method: str,
        route: str,
        *ids: str,
        params: QueryTypes = None,
        json: object = UNSET,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
        idempotency_key: str | None = None,
        extras: RequestExtras = ORDINARY,
        call: Call | None = None,
    ) -> T:
        """Make a call and give what it answers.

        Args:
            cast_to: what to make of the answer: a model, `NoneType`, `bytes`, `str`, or a pydantic adapter.
            method: the HTTP method.
            route: the path below the base URL, with braces where `ids` go.
            ids: fill the braces in order; each is quoted, and cannot leave its segment.
            params: query members; those that are None or UNSET are left out.
            json: the body; members that are UNSET are left out.
            timeout: seconds for one attempt; UNSET for the client's.
            headers: beside those of the client.
            idempotency_key: of a POST; made up when None, the same for all tries.
            extras: what few calls need.
            call: the call itself, when it is tried again.

        Raises:
            SenseiError: see `sensei.errors`.
        """
        if call is None:
            if json is not UNSET:
                json = concealed(json)
            if headers is not None:
                headers = concealed(headers)
            call = self.begin(method, route, ids, params, json, timeout, headers, idempotency_key, extras)
        # A whole try stands here, not in functions of its own: so there is one frame between the method of the
        # resource and the HTTP library.
        authorization = self._credential(call)
        lines = self._ready(call, authorization)
        timeouts = limits(call.timeout, call.deadline)
        unmade = False
        try:
            if self.adapter is None:
                pool = self.pools.of(call.server)
                connection = pool.acquire(timeouts["pool"], fresh=not call.extras.repeatable)
                try:
                    response = connection.handle_request(
                        pool.target.request(call.method, call.path, lines, call.body, timeouts)
                    )
                    check_fresh(response)
                    body = self._whole(response.iter_stream(), connection.close)
                    response.close()
                except BaseException:
                    unmade = pool.target.is_unmade(connection)
                    pool.discard(connection)
                    raise
                pool.release(connection)
                status, raw = response.status, response.headers
                lowered = lower_names(raw)
            else:
                self.pools.check_open()
                answer = self.adapter.send(call.method, call.url, lines, call.body, timeouts)
                status, raw = answer.status_code, answer.headers.raw
                lowered = lower_names(raw)
                try:
                    chunks = self.adapter.pieces(answer, packed=b"content-encoding" in lowered)
                    body = self._whole(iter(chunks), answer.close, end_of(timeouts))
                finally:
                    answer.close()
        except BaseException as error:
            raw, lowered = [], {}  # which may hold cookies, and those who report crashes print the variables of frames
            without_wire(error)
            self._notify_failure(call, error)
            how = None if isinstance(error, SenseiError) else trouble(error, unmade=unmade)
            if how is None:
                raise
            failure = call.broken(how, error)
            # What cannot be sent is quoted by the library.
            failure.__cause__ = None if how is Trouble.UNSENDABLE else error
        else:
            try:
                info = self._note(call, status, raw, lowered)
            except BaseException:  # of a hook of the user's, or a warning
                body, raw, lowered = b"", [], {}
                raise
            if 200 <= status < 300:
                try:
                    check_length(body)
                    if b"content-encoding" in lowered and self.adapter is None:
                        body = decompress(body, lowered[b"content-encoding"], call.deadline)
                    if call.extras.accept != "application/json":
                        check_file(call.extras.accept, body, info)
                    return parse(cast_to, body, info, self.client)
                except ValueError as error:
                    failure = invalid_answer(error, body, info, call.summary())
                except TimeoutError as error:
                    failure = call.final(call.broken(Trouble.TOO_LATE, error))
                except BaseException:  # of a type of the user's
                    body, raw, lowered = b"", [], {}
                    raise
                body, raw, lowered = b"", [], {}
                raise failure  # out here, where what could not be read is not the context of it
            if call.is_gone(status) and (cast_to is NoneType or call.extras.gone_is_none):
                return cast("T", None)
            failure = self._refused(call, info, lowered, body)
            body, raw, lowered = b"", [], {}  # of which the error keeps what is no secret
            if self._renewed(call, status, authorization):
                return self.call(cast_to, method, route, call=call)
        if call.retrying:
            raise failure
        return self._again(cast_to, call, failure)

    def open(self, call: Call, idle: float) -> Body:
        """One try of a call whose answer is read bit by bit: a stream.

        Its connection is beyond the count of the pool, so that streams never hold up other calls.

        Args:
            call: the call.
            idle: seconds of silence after which reading is given up.

        Raises:
            SenseiError: the answer is an error, or none came.
        """
        authorization = self._credential(call)
        lines = self._ready(call, authorization)
        timeouts = limits(call.timeout, call.deadline)
        close: Callable[[], None]
        try:
            if self.adapter is None:
                pool = self.pools.of(call.server)
                connection = pool.extra()
                close = connection.close
                try:
                    response = connection.handle_request(
                        pool.target.request(call.method, call.path, lines, call.body, timeouts)
                    )
                except BaseException:
                    shielded(close)
                    raise
                # The HTTP library looks at this when it begins with the body.
                timeouts["read"] = idle
                status, raw = response.status, response.headers
                lowered = lower_names(raw)
                chunks, socket = response.iter_stream(), socket_of(response)
            else:
                self.pools.check_open()
                answer = self.adapter.send(call.method, call.url, lines, call.body, timeouts | {"read": idle})
                close = answer.close
                status, raw = answer.status_code, answer.headers.raw
                lowered = lower_names(raw)
                chunks, socket = self.adapter.pieces(answer, packed=b"content-encoding" in lowered), None
        except BaseException as error:
            without_wire(error)
            self._notify_failure(call, error)
            how = None if isinstance(error, SenseiError) else trouble(error)
            if how is None:
                raise
            raise call.broken(how, error) from error
        try:
            info = self._note(call, status, raw, lowered)
        except BaseException:
            raw, lowered = [], {}
            shielded(close)
            raise
        body = Body(info, chunks, close, socket)
        if 200 <= status < 300:
            return body
        try:
            text = body.rest()
        except BaseException as error:
            raw, lowered = [], {}
            how = trouble(without_wire(error))
            if how is None:
                raise
            raise call.broken(how, error) from error
        finally:
            body.close()
        failure = self._refused(call, info, lowered, text)
        raw, lowered, text = [], {}, b""
        if self._renewed(call, info.status_code, authorization):
            return self.open(call, idle)
        raise failure

    def begin(
        self,
        method: str,
        route: str,
        ids: tuple[str, ...],
        params: QueryTypes,
        json: object,
        timeout: TimeoutTypes,
        headers: HeaderTypes,
        idempotency_key: str | None,
        extras: RequestExtras,
    ) -> Call:
        """Everything about a call that stays the same for all its tries."""
        server = self.server if extras.server == "api" else self.auth_server
        if headers is not None:
            headers = concealed(headers)
        path = server.prefix + build_path(route, ids)
        if "?" in path:
            path = SecretText(path)
        query = build_query(params)
        if query:
            path = SecretText(f"{path}{'&' if '?' in path else '?'}{query}")
        # A path of the user's own may bring its query with it, which neither logs nor traces are to show.
        template = route.partition("?")[0]
        return Call(self.options, server, method, template, path, json, timeout, headers, idempotency_key, extras)

    def _credential(self, call: Call) -> str | None:
        wanted = call.extras.authorization
        if wanted != "client":
            return wanted
        ready = self.authorizer.ready
        return self.authorizer.authorization(call.deadline) if ready is None else ready

    def _ready(self, call: Call, authorization: str | None) -> RawHeaders:
        """Wait for leave to send, count the try, and give its headers."""
        limiter = self.limiter
        if limiter is not None and call.extras.server == "api":
            patience = call.left() if limiter.block else 0.0
            if limiter.admit(None, patience):
                turn_of(call, limiter, patience)
        call.attempts += 1
        lines = call.lines(authorization)
        hooks = self.options.hooks
        if hooks is not None:
            try:
                more = concealed(hooks.notify_request(call))
            except BaseException:
                if limiter is not None:
                    limiter.forget()
                raise
            try:
                added = merged((), more)
            except BaseException as error:
                self._notify_failure(call, error)
                raise
            own = {name.lower() for name, _ in lines}
            lines += [line for line in added if line[0].lower() not in own]
        return lines

    def _whole(self, chunks: Iterator[bytes], close: Callable[[], None], deadline: float | None = None) -> bytes:
        """A body. One that does not end is read to just above the longest that is taken, and its connection closed.

        Args:
            chunks: of the body.
            close: closes its connection.
            deadline: when it must be there, where nothing below sees to that.
        """
        parts: list[bytes] = []
        size = 0
        for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            late = deadline is not None and monotonic() >= deadline
            if late or size > LONGEST_ANSWER:
                drained(chunks, close)
                if late:
                    raise TimeoutError("the deadline has passed")
                break
        return b"".join(parts)

    def _note(self, call: Call, status: int, raw: RawHeaders, lowered: dict[bytes, bytes]) -> ResponseInfo:
        """Learn from the head of an answer, whatever its status."""
        seen = read_rate_limit(lowered)
        if seen is not None:
            self.pools.rate_limit = seen
        if self.limiter is not None and status != 429 and call.extras.server == "api":
            self.limiter.observe(seen, date=lowered.get(b"date"))
        request_id = lowered.get(b"x-request-id")
        info = ResponseInfo(
            status,
            Headers(raw),
            call.request_id if request_id is None else request_id.decode("latin-1"),
            seen,
            call.attempts,
            monotonic() - call.started,
            lowered.get(b"x-idempotent-replayed") == b"true",
        )
        deprecated = b"deprecation" in lowered or b"sunset" in lowered
        raw, lowered = [], {}  # which may hold cookies, and the warning or a hook may raise
        if deprecated:
            from sensei._deprecations import warn_about_deprecation

            warn_about_deprecation(call.method, call.route, info.headers)
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "%s %s: %d after %.3f s, try %d, request %s",
                call.method,
                call.route,
                status,
                info.elapsed,
                call.attempts,
                one_line(info.request_id or ""),
            )
        hooks = self.options.hooks
        if hooks is not None:
            hooks.notify_response(call, info)
        return info

    def _refused(self, call: Call, info: ResponseInfo, lowered: dict[bytes, bytes], body: bytes) -> APIStatusError:
        """The error for an answer with an error status."""
        if b"content-encoding" in lowered and self.adapter is None:
            try:
                body = decompress(body, lowered[b"content-encoding"], call.deadline, LONGEST_LOOKED_AT)
            except (ValueError, TimeoutError):
                body = b""
        if info.status_code >= 500 or info.status_code == 408:
            call.doubtful = True
        error = status_error(info, body, call.summary())
        if (
            info.status_code == 429
            and self.limiter is not None
            and call.extras.server == "api"
            and error.details.get("window") != "endpoint"  # a limit of this operation, which no other has to wait for
        ):
            self.limiter.observe(info.rate_limit, date=lowered.get(b"date"), refused_for=error.retry_after or 1.0)
        return error

    def _renewed(self, call: Call, status: int, refused: str | None) -> bool:
        """True when a credential was refused and there is a new one, to try once more."""
        if status != 401 or call.renewed or refused is None or call.extras.authorization != "client":
            return False
        call.renewed = True
        return self.authorizer.renewed(refused, call.deadline) is not None

    def _again(self, cast_to: type[T] | TypeAdapter[T], call: Call, failure: SenseiError) -> T:
        """Go on after a first failure. Tenacity comes in here, and costs nothing before."""
        policy = self.options.retry
        if policy.max_retries == 0 or not policy.wants(failure, repeatable=call.may_repeat(failure)):
            raise call.final(failure)
        call.retrying = True
        first: SenseiError | None = failure

        def again() -> T:
            nonlocal first
            if first is not None:
                failed, first = first, None
                raise failed
            return self.call(cast_to, call.method, call.route, call=call)

        from sensei._retry_loop import RetryLoop

        loop = RetryLoop(policy, call, self._notify_retry)
        try:
            return loop.retrying(sleep)(again)
        except SenseiError as error:
            final = call.final(error)
            if final is error:
                raise
            raise final from error

    def notify_reconnect(self, call: Call, attempt: int, delay: float, error: SenseiError) -> None:
        """Say that a stream is going to be connected again."""
        call.attempts = attempt
        self._notify_retry(call, delay, error)

    def _notify_failure(self, call: Call, error: BaseException) -> None:
        if self.limiter is not None and call.extras.server == "api":
            self.limiter.forget()
        hooks = self.options.hooks
        if hooks is not None:
            hooks.notify_failure(call, error)

    def _notify_retry(self, call: Call, delay: float, error: SenseiError) -> None:
        log.info(
            "%s %s: try %d in %.2f s, after %s", call.method, call.route, call.attempts + 1, delay, type(error).__name__
        )
        hooks = self.options.hooks
        if hooks is not None:
            hooks.notify_retry(call, delay, error)
