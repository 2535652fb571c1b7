"""One attempt to post into Slack: by a bot's token (any channel it is in), or to an incoming webhook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sensei._version import __version__
from sensei.server.notifications import wording
from sensei.server.notifications.queue import Message, Outcome
from sensei.server.webhooks import sender
from sensei.server.webhooks.addresses import IPNetwork, url_problem

_ANSWER_BYTES = 64 * 1024
_PASSING = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
"""Slack's errors that are worth another attempt."""


@dataclass(frozen=True, slots=True)
class Slack:
    """How this server reaches Slack."""

    url: str = field(repr=False)
    """The incoming webhook (a secret), or `chat.postMessage`."""
    token: str | None = field(default=None, repr=False)


def configured(webhook_url: str | None, token: str | None, api: str) -> Slack | None:
    """The way into Slack that the settings describe; a token wins, since it reaches every channel.

    Raises:
        ValueError: They cannot be used.
    """
    if token is not None:
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("the Slack token holds characters that no token has")
        return Slack(api.rstrip("/") + "/chat.postMessage", token)
    if webhook_url is None:
        return None
    # On a loopback address it may be http, as for webhooks.
    if url_problem(webhook_url, environment="sandbox") is not None:
        raise ValueError("the Slack webhook URL must look like https://hooks.slack.com/services/…")
    return Slack(webhook_url)


def payload(message: Message) -> bytes:
    """The body that both of Slack's ways take."""
    lines = [f"*{_escaped(wording.headline(message))}*"]
    lines += [f"{label}: {_escaped(value)}" for label, value in wording.facts(message)]
    body = {"channel": message.address, "text": "\n".join(lines), "unfurl_links": False, "unfurl_media": False}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _escaped(text: str) -> str:
    # The three characters with a meaning to Slack; without them nobody can be mentioned and nothing linked.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


async def send(slack: Slack, message: Message, *, allowed: Sequence[IPNetwork], timeout_seconds: float) -> Outcome:
    """Post once. Never raises for what Slack or the network does."""
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"Sensei-Notifications/{__version__}"}
    if slack.token is not None:
        headers["Authorization"] = f"Bearer {slack.token}"
    attempt = await sender.attempt(
        slack.url,
        payload(message),
        headers,
        allowed=allowed,
        timeout_seconds=timeout_seconds,
        answer_bytes=_ANSWER_BYTES,
    )
    status = attempt.response_status
    if attempt.error is not None:
        final = status is not None and 400 <= status < 500 and status not in (408, 429)
        return Outcome("refused" if final else "later", f"Slack: {attempt.error}{_reason(attempt.answer)}")
    problem = _refusal(attempt.answer) if slack.token is not None else None
    if problem is None:
        return Outcome("delivered")
    return Outcome("later" if problem in _PASSING else "refused", f"Slack: {problem}")


def _refusal(answer: bytes) -> str | None:
    """Why `chat.postMessage` did not post; it answers 200 in any case."""
    try:
        parsed: Any = json.loads(answer)
    except ValueError:
        return "the answer is not JSON"
    if not isinstance(parsed, dict):
        return "the answer is not JSON"
    members = cast("dict[str, Any]", parsed)
    return None if members.get("ok") is True else wording.one_line(str(members.get("error") or "no reason"), 100)


def _reason(answer: bytes) -> str:
    """What an incoming webhook says about a refusal, such as ``channel_not_found``."""
    text = wording.one_line(answer[:200].decode("utf-8", "replace"), 100)
    return f" ({text})" if text.replace("_", "").isalnum() else ""
