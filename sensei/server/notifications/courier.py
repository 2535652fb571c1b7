"""Sends what the queue of notifications holds, some at a time."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

import anyio.to_thread

from sensei.server.notifications import queue
from sensei.server.notifications.queue import Message, Outcome
from sensei.server.queue_worker import QueueWorker, in_thread

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


class Courier(QueueWorker[Message]):
    """Sends notifications for as long as it runs; what is not sent waits in the state.

    Raises:
        ValueError: The settings of a channel cannot be used.
    """

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(
            "sensei-notifications",
            looked_every_seconds=_LOOKED_EVERY_SECONDS,
            grace_seconds=_GRACE_SECONDS,
            forgotten_every=_FORGOTTEN_EVERY,
        )
        settings = runtime.settings
        self._runtime = runtime
        self._mail = _mail_server(settings)
        self._slack = _slack(settings)

    def missing(self, channel: str) -> str | None:
        """Why nothing is sent on this channel; None when it is."""
        ready = self._mail is not None if channel == "email" else self._slack is not None
        return None if ready else MISSING[channel]

    def id_of(self, item: Message) -> str:
        return item.id

    def about(self, item: Message) -> dict[str, str]:
        return {"notification": item.id, "migration": item.migration_id, "channel": item.channel}

    def take(self, round_number: int) -> list[Message]:  # noqa: ARG002  # every round is like the others
        store, clock = self._runtime.store, self._runtime.settings.clock
        with store.read() as session:
            if not queue.has_work(session, clock.now()):
                return []
        under_way = self.under_way
        with store.write() as session:
            messages = queue.claim_due(
                session,
                clock.now(),
                limit=_AT_A_TIME - len(under_way),
                busy=[(message.channel, message.address) for message in under_way],
            )
            unsent = [(message, self.missing(message.channel)) for message in messages]
            for message, problem in unsent:
                if problem is not None:
                    queue.give_up(session, message.id, problem)
        for message, problem in unsent:
            if problem is not None:
                log.warning("a notification is not sent: %s", problem, extra=self.about(message))
        return [message for message, problem in unsent if problem is None]

    async def work_off(self, item: Message) -> None:
        outcome = await self._send(item)
        status = await in_thread(lambda: self._settle(item, outcome))
        if status is not None and status != "delivered":
            again = "it is tried again" if status == "pending" else "it is not tried again"
            log.warning("a notification was not sent, %s: %s", again, outcome.problem, extra=self.about(item))

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

    def release(self, item: Message) -> None:
        with self._runtime.store.write() as session:
            queue.release(session, [item.id])

    def forget_old(self) -> None:
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
