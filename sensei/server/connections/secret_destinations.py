"""Where a connection's secrets go: a change of the place asks for the secrets again.

Stored secrets are write-only. Whoever may change a connection without knowing its password must not get to know it
by having it sent to a server of their own, or over a connection that they can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensei.server.connections import gateway
from sensei.server.errors import FieldProblem, invalid_fields

_SENT = ("password", "connection_string", "uri", "access_token", "session_token")
"""Secrets that the other side gets to see, or that hold one. Private keys and signing secrets never leave."""

_NEUTRAL = frozenset(
    {
        "auth_source", "bucket", "catalog", "database", "dataset", "location", "path", "prefix", "project", "region",
        "role", "schema", "schemas", "service_name", "sid", "username", "warehouse",
    }
)  # fmt: skip
"""Members of a config that do not change to whom, or how well protected, secrets are sent."""

PROTECTING = ("ssl_mode", "encrypt", "trust_server_certificate")
"""Options that decide how well they are protected on the way."""


def check_secrets_are_known(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    change: Mapping[str, Any],
    options: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> None:
    """Let a change pass that leaves the place alone, or that gives every secret which would be sent there.

    Parameters:
        before: The whole config as it was, secrets included.
        after: As it is going to be.
        change: What was sent to be merged.
        options: The options before and after.

    Raises:
        ApiError: 422 `validation_error` with `required` for each secret that has to be given again.
    """
    if _place(before) == _place(after) and all(options[0].get(n) == options[1].get(n) for n in PROTECTING):
        return
    kept = [name for name in _SENT if name in after and name not in change]
    # What the driver is told beside the config is replaced as a whole, or kept with what is hidden in it.
    if "extra_params" not in change and "extra_params" in gateway.split_config(dict(after))[1]:
        kept.append("extra_params")
    if "password" in change and "connection_string" in kept:
        # It overrides the one in the text.
        kept.remove("connection_string")
    if kept:
        words = "must be given again, or set to null, when the place it is sent to changes"
        raise invalid_fields([FieldProblem(f"config.{name}", "required", words) for name in kept])


def _place(config: Mapping[str, Any]) -> dict[str, Any]:
    shown, secret = gateway.split_config(dict(config))
    place = {name: value for name, value in shown.items() if name not in _NEUTRAL}
    return {**place, **{name: secret[name] for name in ("connection_string", "uri") if name in secret}}
