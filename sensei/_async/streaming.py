"""Event streams that go on after a cut, and never take a cut for an end."""

from __future__ import annotations

from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sensei._concurrency import async_sleep
from sensei._http import LONGEST_TIMEOUT, Trouble, trouble
from sensei._parse import invalid_answer
from sensei._request import UNSET
from sensei._sse import Resumption, SSEReader
from sensei.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    SenseiError,
    StreamInterruptedError,
)
from sensei.models.events import parse_stream_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from httpx_sse import ServerSentEvent

    from sensei._async.body import AsyncBody
    from sensei._async.transport import AsyncTransport
    from sensei._call import Call
    from sensei._request import TimeoutTypes
    from sensei.models.events import StreamEvent
    from sensei.models.response import ResponseInfo

IDLE = 45.0
"""Seconds of silence after which a connection is given up; the server breaks it every 15."""

_LONGEST_HINT = 10**9
"""Milliseconds; more makes no difference."""

LIVELY = 20.0
"""Seconds after which a connection counts as good even if it brought no event: a paused migration has none."""


class AsyncEventStream:
    """The events of a migration, in order, each once. Iterate it; leave it by its `with` block or `aclose()`.

    A connection that is cut is made again, and the stream goes on with the event after the last one. The `end` event
    is handed out and then the iteration is over; without it a closed connection counts as cut. The connection is
    made with the first event that is asked for. A stream may last for days: the `deadline` of the client bounds each
    try to connect, not the whole of it. Once it was connected it bears an outage of five minutes, such as a restart
    of the server; with `max_retries` or `retry` of your own it bears what those say.

    Attributes:
        last_event_id: id of the last event handed out. Pass it as `last_event_id=` to go on elsewhere.
        last_response: the answer that the newest connection began with; None before the first.

    Raises:
        StreamInterruptedError: it was cut and could not be resumed; its `last_event_id` tells where.

    Examples:
        >>> async with client.migrations.stream_events("mig_abc123") as events:
        ...     async for event in events:
        ...         print(event.type, event.message)
    """

    last_response: ResponseInfo | None

    def __init__(
        self,
        transport: AsyncTransport,
        begin: Callable[[dict[str, str]], Call],
        *,
        last_event_id: str | None = None,
        timeout: TimeoutTypes = UNSET,
    ) -> None:
        self._transport = transport
        self._begin = begin
        self._idle = min(float(timeout), LONGEST_TIMEOUT) if isinstance(timeout, int | float) else IDLE
        self._place = Resumption(last_event_id)
        self._phase: str | None = None
        self._body: AsyncBody | None = None
        self._opened_at = 0.0
        self._down_since: float | None = None
        self._reader = SSEReader()
        self._pending: Iterator[ServerSentEvent] = iter(())
        self._over = False
        self._any = False
        self.last_response = None

    @property
    def last_event_id(self) -> str | None:
        """Id of the last event handed out, or the one given; None at the beginning."""
        return self._place.last_event_id

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        place = self._place
        while True:
            # Goes on where the last event was handed out. It stands here in one piece since streams may be quick:
            # beside the reading of an event, every function of its own counts.
            for sent in self._pending:
                if sent.retry is not None:
                    place.hint = min(sent.retry, _LONGEST_HINT) / 1000.0
                data = sent.data
                if not data:
                    continue
                name, event_id = sent.event, sent.id
                if place.resumed and not place.is_news(event_id, name):
                    continue
                try:
                    event = parse_stream_event(name, data, event_id or None, self._phase)
                except ValidationError as error:
                    raise self._unreadable(error, data) from None
                if event_id:
                    place.last_event_id = event_id
                place.failures = 0
                place.resumed = False
                self._phase = event.phase
                self._any = True
                if name == "end":
                    await self.aclose()
                return event
            if self._over:
                raise StopAsyncIteration
            await self._read_on()

    async def _read_on(self) -> None:
        """Read the next chunk, connecting first when there is no connection; waits out a failure."""
        connecting = self._body is None
        try:
            if self._body is None:
                await self._connect()
                return
            chunk = await self._body.chunk()
            if chunk:
                self._pending = self._reader.feed(chunk)
                return
            failure: SenseiError = APIConnectionError("the server closed the stream before its end")
        except SenseiError as error:
            failure = error
        except Exception as error:
            # While it connects, what is not of the SDK comes from functions of the user: hooks, or one for the key.
            how = None if connecting else trouble(error)
            if how is None:
                await self.aclose()
                if isinstance(error, ValueError) and not connecting:
                    raise self._unreadable(error, "") from error
                if isinstance(error, StopAsyncIteration):  # it would pass for the end of the stream
                    raise RuntimeError("a function that the stream needs had nothing more to give") from error
                raise
            silent = how is Trouble.TOO_LATE
            failure = APIConnectionError(
                f"the stream was silent for {self._idle:g} s" if silent else f"the stream broke ({error})"
            )
        except BaseException:
            # Cancelled, which is no end: whoever asks for the next event goes on after the last one.
            await self._let_go()
            self._place.resumed = self._any and self._place.last_event_id is not None
            raise
        if not self._over:  # closed meanwhile from elsewhere, which is what broke it
            await self._wait_out(failure)

    async def _connect(self) -> None:
        place = self._place
        extra = {"Accept-Encoding": "identity", "Cache-Control": "no-store"}
        if place.last_event_id is not None:
            extra["Last-Event-ID"] = place.last_event_id
        self._reader = SSEReader()
        self._opened_at = monotonic()
        self._body = await self._transport.open(self._begin(extra), self._idle)
        self.last_response = info = self._body.info
        if self._over:  # closed meanwhile
            await self._let_go()
            return
        kind = info.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "text/event-stream":
            await self._let_go()
            raise self._unreadable(ValueError(f"it is {kind or 'of no type'}, not an event stream"), "")

    async def _wait_out(self, failure: SenseiError) -> None:
        """Let go of the connection and wait before the next one.

        Raises:
            SenseiError: it cannot go on.
        """
        now = monotonic()
        connected = self._body is not None
        good = connected and now - self._opened_at >= LIVELY
        await self._let_go()
        place = self._place
        if good:
            place.failures = 0
        if connected or self._down_since is None:
            self._down_since = now
        policy = self._transport.options.retry
        asked = failure.retry_after if isinstance(failure, APIStatusError) else None
        too_long = max(asked or 0.0, place.hint) > policy.max_retry_after
        # A server that answers and brings nothing is not one that is being restarted.
        outage = not connected and self.last_response is not None and now - self._down_since < policy.max_outage
        if too_long or not policy.wants(failure) or (place.failures >= policy.max_retries and not outage):
            self._over = True
            if not self._any or isinstance(failure, APIResponseValidationError):
                raise failure
            raise StreamInterruptedError(
                f"the stream was cut and could not be resumed: {failure}. Go on with "
                f"last_event_id={place.last_event_id!r}",
                last_event_id=place.last_event_id,
            ) from failure
        delay = place.delay()
        if asked is not None:
            delay = max(delay, policy.delay(failure, 1))
        place.failures += 1
        place.resumed = place.last_event_id is not None and self._any
        self._transport.notify_reconnect(self._begin({}), place.failures, delay, failure)
        await async_sleep(delay)

    def _unreadable(self, error: ValueError, data: str) -> APIResponseValidationError:
        call = self._begin({})
        info = self.last_response
        assert info is not None  # noqa: S101 - nothing is read before the head of the answer
        return invalid_answer(error, data.encode(), info, call.summary())

    async def _let_go(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            await body.aclose()

    async def aclose(self) -> None:
        """Free the connection at once; the iteration is over. Events that were read but not handed out are dropped.

        Examples:
            >>> await events.aclose()
        """
        self._over = True
        self._pending = iter(())
        await self._let_go()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        body = getattr(self, "_body", None)
        if body is not None:
            body.abandon()

    def __repr__(self) -> str:
        state = "over" if self._over else "open" if self._body is not None else "not connected"
        return f"<{type(self).__name__} {state}, last event {self.last_event_id}>"
