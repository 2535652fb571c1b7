"""Works off the delivery queue: one thread with an event loop, many attempts at a time."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

import anyio
import anyio.to_thread

from sensei._version import __version__
from sensei.server.webhooks import queue, signing

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime
    from sensei.server.webhooks import sender

log: logging.Logger = logging.getLogger("sensei.server")

USER_AGENT = f"Sensei-Webhooks/{__version__}"
_LOOKED_EVERY_SECONDS = 0.25
_AT_A_TIME = 32
_PER_ENDPOINT = 4
_GRACE_SECONDS = 1.0
_LOOKED_TWICE_EVERY = 20
"""Rounds after which the queue is looked through even though there seems to be nothing to do."""
_FORGOTTEN_EVERY = 2_400

T = TypeVar("T")


class DeliveryFaults(Protocol):
    """What goes wrong with deliveries on purpose, for receivers that want to be tested."""

    @property
    def webhook_copies(self) -> int: ...
    @property
    def webhook_delay(self) -> float: ...


class Dispatcher:
    """Delivers events to webhooks for as long as it runs; what is not delivered waits in the state."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.faults: DeliveryFaults | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = anyio.Event()
        self._under_way: dict[str, str] = {}
        """Webhook by delivery; only touched by the event loop."""

    def start(self) -> None:
        """Begin to deliver."""
        self._thread = threading.Thread(target=self._run, name="sensei-webhooks", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look into the queue now rather than in a quarter of a second. May be called from any thread."""
        loop = self._loop
        if loop is not None:
            # A loop that has just ended needs no waking.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._set_woken)

    def stop(self) -> None:
        """Let attempts under way end within a second; others are made by whoever runs next."""
        self._stopped.set()
        self.wake()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                anyio.run(self._work, backend="asyncio")
            except Exception:
                log.exception("the delivery of webhooks broke; it begins again")
                self._stopped.wait(5.0)

    def _set_woken(self) -> None:
        self._woken.set()

    async def _work(self) -> None:
        rounds = 0
        self._woken = anyio.Event()
        self._loop = asyncio.get_running_loop()
        async with anyio.create_task_group() as attempts:
            while not self._stopped.is_set():
                take = functools.partial(self._take, anyway=rounds % _LOOKED_TWICE_EVERY == 0)
                for attempt in await self._in_thread(take):
                    self._under_way[attempt.delivery_id] = attempt.webhook_id
                    attempts.start_soon(self._attempt, attempt)
                if rounds % _FORGOTTEN_EVERY == 0:
                    await self._in_thread(self._forget)
                rounds += 1
                with anyio.move_on_after(_LOOKED_EVERY_SECONDS):
                    await self._woken.wait()
                self._woken = anyio.Event()
            attempts.cancel_scope.deadline = anyio.current_time() + _GRACE_SECONDS

    def _take(self, *, anyway: bool) -> list[queue.Attempt]:
        settings = self._runtime.settings
        store = self._runtime.store
        if not anyway:
            with store.read() as session:
                if not queue.has_work(session, settings.clock.now()):
                    return []
        with store.write() as session:
            now = settings.clock.now()
            queue.fan_out(session, now)
            session.flush()
            return queue.claim_due(
                session,
                store.vault,
                now,
                limit=_AT_A_TIME - len(self._under_way),
                per_endpoint=_PER_ENDPOINT,
                busy=Counter(self._under_way.values()),
                timeout_seconds=settings.webhook_timeout_seconds,
            )

    async def _attempt(self, attempt: queue.Attempt) -> None:
        attempted_at = self._runtime.settings.clock.now()
        recorded = False
        try:
            outcome = await self._send(attempt)
            await self._in_thread(lambda: self._record(attempt, outcome, attempted_at))
            recorded = True
        except Exception:
            log.exception("an attempt could not be recorded; it is made again", extra={"delivery": attempt.delivery_id})
        finally:
            # Once recorded, its next attempt may have begun, and even ended, already.
            self._under_way.pop(attempt.delivery_id, None)
            # There is room for the next one.
            self._woken.set()
            if not recorded:
                with anyio.CancelScope(shield=True):
                    await self._in_thread(lambda: self._release(attempt))

    async def _send(self, attempt: queue.Attempt) -> sender.AttemptOutcome:
        faults = self.faults
        if faults is None:
            return await send(self._runtime, attempt)
        await anyio.sleep(faults.webhook_delay)
        outcome = await send(self._runtime, attempt)
        for _ in range(faults.webhook_copies if outcome.delivered else 0):
            await send(self._runtime, attempt)
        return outcome

    def _record(self, attempt: queue.Attempt, outcome: sender.AttemptOutcome, attempted_at: datetime) -> None:
        settings = self._runtime.settings
        with self._runtime.store.write() as session:
            queue.record(
                session,
                attempt,
                outcome,
                attempted_at=attempted_at,
                now=settings.clock.now(),
                delays=settings.webhook_delays,
            )

    def _release(self, attempt: queue.Attempt) -> None:
        with self._runtime.store.write() as session:
            queue.release(session, [attempt.delivery_id])

    def _forget(self) -> None:
        with self._runtime.store.write() as session:
            queue.forget_old(session, self._runtime.settings.clock.now())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work)


async def send(runtime: Runtime, attempt: queue.Attempt) -> sender.AttemptOutcome:
    """Make one attempt."""
    # The HTTP client loads when there is something to send; a server answers without.
    from sensei.server.webhooks import sender

    return await sender.attempt(
        attempt.url,
        attempt.body,
        signing.headers(
            attempt.body,
            secret=attempt.secret,
            event_id=attempt.event_id,
            delivery_id=attempt.delivery_id,
            user_agent=USER_AGENT,
        ),
        allowed=runtime.settings.exempt_networks,
        timeout_seconds=runtime.settings.webhook_timeout_seconds,
    )
