"""Works off the queue of notifications: one thread with an event loop, some messages at a time."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy.exc import SQLAlchemyError

from sensei.server.notifications import queue
from sensei.server.notifications.queue import Message, Outcome

if TYPE_CHECKING:
    from sensei.server.notifications.mail import MailServer
    from sensei.server.notifications.slack import Slack
    from sensei.server.runtime import Runtime
    from sensei.server.settings import Settings

log: logging.Logger = logging.getLogger("sensei.server")

MISSING = {
    "email": "this server sends no e-mail: it was started without --smtp",
    "slack": "this server does not post into Slack: it was started without --slack-token or --slack-webhook-url",
}
"""Why a channel does not work, and which setting mends that."""

_LOOKED_EVERY_SECONDS = 1.0
_AT_A_TIME = 8
_GRACE_SECONDS = 2.0
_FORGOTTEN_EVERY = 600

T = TypeVar("T")


class Courier:
    """Sends notifications for as long as it runs; what is not sent waits in the state.

    Raises:
        ValueError: The settings of a channel cannot be used.
    """

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self._runtime = runtime
        self._mail = _mail_server(settings)
        self._slack = _slack(settings)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = anyio.Event()
        self._under_way: dict[str, tuple[str, str]] = {}
        """(channel, address) by the id of the message; only touched by the event loop."""

    def missing(self, channel: str) -> str | None:
        """Why nothing is sent on this channel; None when it is."""
        ready = self._mail is not None if channel == "email" else self._slack is not None
        return None if ready else MISSING[channel]

    def start(self) -> None:
        """Begin to send."""
        self._thread = threading.Thread(target=self._run, name="sensei-notifications", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let attempts under way end within two seconds; others are made by whoever runs next."""
        self._stopped.set()
        loop = self._loop
        if loop is not None:
            # A loop that has just ended needs no waking.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wake)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                anyio.run(self._work, backend="asyncio")
            except Exception:
                log.exception("the sending of notifications broke; it begins again")
                self._stopped.wait(5.0)

    def _wake(self) -> None:
        self._woken.set()

    async def _work(self) -> None:
        rounds = 0
        self._woken = anyio.Event()
        self._loop = asyncio.get_running_loop()
        async with anyio.create_task_group() as attempts:
            while not self._stopped.is_set():
                for message in await self._taken():
                    self._under_way[message.id] = (message.channel, message.address)
                    attempts.start_soon(self._attempt, message)
                if rounds % _FORGOTTEN_EVERY == 0:
                    await _in_thread(self._forget)
                rounds += 1
                with anyio.move_on_after(_LOOKED_EVERY_SECONDS):
                    await self._woken.wait()
                self._woken = anyio.Event()
            attempts.cancel_scope.deadline = anyio.current_time() + _GRACE_SECONDS

    async def _taken(self) -> list[Message]:
        try:
            return await _in_thread(self._take)
        except SQLAlchemyError:
            # What is under way must not be cut for it, as it would be sent twice.
            log.exception("the state could not be asked for notifications; it is asked again")
            return []

    def _take(self) -> list[Message]:
        store, clock = self._runtime.store, self._runtime.settings.clock
        with store.read() as session:
            if not queue.has_work(session, clock.now()):
                return []
        with store.write() as session:
            messages = queue.claim_due(
                session,
                clock.now(),
                limit=_AT_A_TIME - len(self._under_way),
                busy=self._under_way.values(),
            )
            unsent = [(message, self.missing(message.channel)) for message in messages]
            for message, problem in unsent:
                if problem is not None:
                    queue.give_up(session, message.id, problem)
        for message, problem in unsent:
            if problem is not None:
                log.warning("a notification is not sent: %s", problem, extra=_about(message))
        return [message for message, problem in unsent if problem is None]

    async def _attempt(self, message: Message) -> None:
        settled = False
        try:
            outcome = await self._send(message)
            status = await _in_thread(lambda: self._settle(message, outcome))
            settled = True
            if status is not None and status != "delivered":
                again = "it is tried again" if status == "pending" else "it is not tried again"
                log.warning("a notification was not sent, %s: %s", again, outcome.problem, extra=_about(message))
        except Exception:
            log.exception("an attempt could not be recorded; it is made again", extra=_about(message))
        finally:
            del self._under_way[message.id]
            self._woken.set()
            if not settled:
                with anyio.CancelScope(shield=True):
                    await _in_thread(lambda: self._release(message))

    async def _send(self, message: Message) -> Outcome:
        settings = self._runtime.settings
        if self._mail is not None and message.channel == "email":
            from sensei.server.notifications import mail

            send = functools.partial(mail.send, self._mail, message, self._runtime.origin)
            return await anyio.to_thread.run_sync(send, abandon_on_cancel=True)
        if self._slack is not None and message.channel == "slack":
            from sensei.server.notifications import slack

            return await slack.send(
                self._slack,
                message,
                allowed=settings.exempt_networks,
                timeout_seconds=settings.webhook_timeout_seconds,
            )
        return Outcome("refused", f"there is no channel {message.channel!r}")

    def _settle(self, message: Message, outcome: Outcome) -> str | None:
        settings = self._runtime.settings
        with self._runtime.store.write() as session:
            return queue.settle(session, message.id, outcome, settings.clock.now(), settings.webhook_delays)

    def _release(self, message: Message) -> None:
        with self._runtime.store.write() as session:
            queue.release(session, [message.id])

    def _forget(self) -> None:
        with self._runtime.store.write() as session:
            queue.forget_old(session, self._runtime.settings.clock.now())


# What sends loads where there is a way to send; a server without answers sooner.
def _mail_server(settings: Settings) -> MailServer | None:
    if settings.smtp_url is None:
        return None
    from sensei.server.notifications import mail

    return mail.configured(settings.smtp_url, settings.mail_from)


def _slack(settings: Settings) -> Slack | None:
    if settings.slack_token is None and settings.slack_webhook_url is None:
        return None
    from sensei.server.notifications import slack

    return slack.configured(settings.slack_webhook_url, settings.slack_token, settings.slack_api_url)


def _about(message: Message) -> dict[str, str]:
    return {"notification": message.id, "migration": message.migration_id, "channel": message.channel}


async def _in_thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)
