"""Delivers what the queue of deliveries holds, many at a time."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import anyio

from sensei._version import __version__
from sensei.server.queue_worker import QueueWorker, in_thread
from sensei.server.webhooks import queue, signing

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime
    from sensei.server.webhooks import sender

USER_AGENT = f"Sensei-Webhooks/{__version__}"
_LOOKED_EVERY_SECONDS = 0.25
_AT_A_TIME = 32
_PER_ENDPOINT = 4
_GRACE_SECONDS = 1.0
_LOOKED_TWICE_EVERY = 20
"""Rounds after which the queue is looked through even though there seems to be nothing to do."""
_FORGOTTEN_EVERY = 2_400


class DeliveryFaults(Protocol):
    """What goes wrong with deliveries on purpose, for receivers that want to be tested."""

    @property
    def webhook_copies(self) -> int: ...
    @property
    def webhook_delay(self) -> float: ...


class Dispatcher(QueueWorker[queue.Attempt]):
    """Delivers events to webhooks for as long as it runs; what is not delivered waits in the state."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(
            "sensei-webhooks",
            looked_every_seconds=_LOOKED_EVERY_SECONDS,
            grace_seconds=_GRACE_SECONDS,
            forgotten_every=_FORGOTTEN_EVERY,
        )
        self._runtime = runtime
        self.faults: DeliveryFaults | None = None

    def id_of(self, item: queue.Attempt) -> str:
        return item.delivery_id

    def about(self, item: queue.Attempt) -> dict[str, str]:
        return {"delivery": item.delivery_id}

    def take(self, round_number: int) -> list[queue.Attempt]:
        settings = self._runtime.settings
        store = self._runtime.store
        if round_number % _LOOKED_TWICE_EVERY:
            with store.read() as session:
                if not queue.has_work(session, settings.clock.now()):
                    return []
        under_way = self.under_way
        with store.write() as session:
            now = settings.clock.now()
            queue.fan_out(session, now)
            session.flush()
            return queue.claim_due(
                session,
                store.vault,
                now,
                limit=_AT_A_TIME - len(under_way),
                per_endpoint=_PER_ENDPOINT,
                busy=Counter(attempt.webhook_id for attempt in under_way),
                timeout_seconds=settings.webhook_timeout_seconds,
            )

    async def work_off(self, item: queue.Attempt) -> None:
        attempted_at = self._runtime.settings.clock.now()
        outcome = await self._send(item)
        await in_thread(lambda: self._record(item, outcome, attempted_at))

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

    def release(self, item: queue.Attempt) -> None:
        with self._runtime.store.write() as session:
            queue.release(session, [item.delivery_id])

    def forget_old(self) -> None:
        with self._runtime.store.write() as session:
            queue.forget_old(session, self._runtime.settings.clock.now())


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
