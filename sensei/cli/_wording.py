"""Errors of the SDK in the words of a command line, which has options and commands, not arguments and methods."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sensei.cli._text import seconds

if TYPE_CHECKING:
    from sensei.errors import APIStatusError

_TEST = "Check host, port, user and password; `sensei connections test` tries them"
_FIT = "Is it a Sensei server, and is sensei-sdk up to date?"

_ADVICE = {
    "unauthorized": "Check the key: `sensei config show` tells which one is in force and where it comes from",
    "quota_exceeded": "Delete what is no longer needed, or move to a larger plan",
    "invalid_request": _FIT,
    "not_found": _FIT,
    "method_not_allowed": _FIT,
    "unsupported_media_type": _FIT,
    "payload_too_large": "Give less at a time",
    "table_not_found": "`sensei connections schema CONNECTION --tables --refresh` shows the tables that are there",
    "plan_not_ready": "`sensei migrations wait ID --for plan_ready` waits for it",
    "approval_required": "`sensei plans mappings ID --undecided` shows them, `sensei plans approve ID` decides",
    "concurrent_limit_exceeded": "Wait for one to end, or cancel one: `sensei migrations list --status running`",
    "connection_in_use": "Wait for the migration that uses it, or cancel it",
    "rollback_not_available": "Choose another --strategy",
    "idempotency_in_progress": "Run the command again in a moment",
    "connector_unavailable": "The server has no driver for this type of database; install it there",
    "source_unreachable": _TEST,
    "target_unreachable": _TEST,
    "connection_unreachable": _TEST,
    "invalid_client": "Check the client id and its secret",
    "invalid_grant": "Sign in again",
    "unauthorized_client": "Check what this OAuth client may do",
    "invalid_scope": "Ask for fewer scopes",
    # The server's own sentence says it all.
    "invalid_state": "",
    "certificate_not_found": "",
    "validation_error": "",
}
"""What to do about a code of the API."""

_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (
            r": pass api_key= for that server",
            ": give SENSEI_API_KEY a key of that server, or name a --profile that has one",
        ),
        (r", or pass allow_insecure=True", ""),
        (r": give the key as api_key=", ": give the key by itself"),
        (r", or pass api_key= and base_url=", ""),
        (
            r"Give a longer timeout= or deadline=, in seconds, or see",
            "`sensei config set timeout SECONDS` waits longer; or see",
        ),
        (r"Wait again, or longer: timeout=", "Wait again, or longer"),
        (r"\. Go on with last_event_id=\S+", ". Run the command again to go on"),
        (
            r": call again with idempotency_key=\S+ to get its outcome",
            ": look whether it did before you run the command again",
        ),
        (r"\. Store \.new_key, then delete the old one", ". `sensei api-keys delete` ends the old one"),
        (r"pass an aware datetime, e\.g\. with tzinfo=UTC", "write it like 2027-01-31T12:00:00Z"),
        (r"must be a valid datetime or date, .*", "is no instant: write it like 2027-01-31T12:00:00Z"),
        (r"must have at least 1 item after validation, not 0", "is empty"),
        (r"must match pattern '.*'", "is not of the form that the API takes"),
        (r"must be a dictionary", "must be a mapping of members"),
        (r"must be a str\b", "must be text"),
        (r"Is base_url that of a Sensei server, and the SDK up to date\?", _FIT),
        (r"is base_url right\?", "is that the address of the API?"),
        (r"key_file= \(--key-file\)", "--key-file"),
        (r"with (\w+)='([^']*)'", r"with --\1 \2"),
    )
)
"""Sentences of the SDK that speak to a programmer, and what they come to here."""

_PLACE = re.compile(r"(?:config\.)?([a-z_]+)(?:\.\d+)*(?= |: )")


def in_words(error: BaseException, names: Mapping[str, str] | None = None) -> str:
    """The line for an error.

    Args:
        error: Of the SDK; the text of any other is taken as it is.
        names: Arguments of the SDK → what the user wrote them as, such as `--restore-to`.

    Examples:
        >>> from sensei.errors import InvalidArgumentError
        >>> error = InvalidArgumentError("backup_id is required with strategy='backup_restore'")
        >>> in_words(error, {"backup_id": "--backup-id"})
        '--backup-id is required with --strategy backup_restore'
    """
    from sensei.errors import APIStatusError, SenseiError

    text = _of_status(error, names or {}) if isinstance(error, APIStatusError) else _renamed(str(error), names or {})
    if isinstance(error.__cause__, SenseiError):
        # Quoted in the text, where it is.
        text = text.replace(str(error.__cause__), in_words(error.__cause__))
    for pattern, said in _PHRASES:
        text = pattern.sub(said, text)
    return re.sub(r"\bbase_url\b", (names or {}).get("base_url") or _where_the_url_is_from(), text)


def said_by_server(error: APIStatusError) -> str:
    """What the server said, with what support asks for."""
    about = ", ".join(str(part) for part in (error.code, error.status_code, error.request_id) if part)
    return f"{error.message.rstrip('.')} ({about})"


def _of_status(error: APIStatusError, names: Mapping[str, str]) -> str:
    advice = _advice(error)
    page = f". See {error.documentation_url}" if error.documentation_url else ""
    return _renamed(said_by_server(error), names) + (f". {advice}" if advice else "") + page


def _advice(error: APIStatusError) -> str:
    from sensei import errors

    details, code = error.details, error.code or ""
    scope = details.get("required_scope")
    if isinstance(scope, str):
        return f"Use a key that has the scope {scope}"
    if code in _ADVICE:
        return _ADVICE[code] or _unsaid(error)
    if isinstance(error, errors.NotFoundError):
        return "Check the id, and that the key is for the same organization and environment"
    if isinstance(error, errors.AuthenticationError):
        return _ADVICE["unauthorized"]
    if isinstance(error, errors.RateLimitError):
        return "Try again later" if error.retry_after is None else f"Try again in {seconds(error.retry_after)}"
    if isinstance(error, errors.ServerError):
        return "Try again later; give the request id to support if it stays"
    return _unsaid(error)


def _unsaid(error: APIStatusError) -> str:
    """What is known beyond the server's sentence."""
    field, status = error.details.get("field"), error.details.get("current_status")
    if isinstance(field, str) and field not in error.message:
        return f"It is about {field}"
    if isinstance(status, str) and status not in error.message:
        return f"Its status is {status}"
    return ""


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Call an argument what the user wrote it as, where the text begins with it."""
    place = _PLACE.match(text)
    return names[place[1]] + text[place.end() :] if place and place[1] in names else text


def _where_the_url_is_from() -> str:
    return "SENSEI_API_URL" if os.environ.get("SENSEI_API_URL") else "the URL of the profile"
