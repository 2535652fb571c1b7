"""What a delivery looks like on the wire: the envelope's bytes, cut to size, and their signature."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

MAX_BODY_BYTES = 256 * 1024

# What the contract's data schemas promise always to be there; anything else may be left out of a body that is too big.
_REQUIRED_DATA: dict[str, frozenset[str]] = {
    "migration.phase.": frozenset({"migration_id", "migration_name", "phase", "phase_number", "total_phases"}),
    "migration.": frozenset({"migration_id", "migration_name", "status", "phase"}),
    "approval.": frozenset({"migration_id", "migration_name", "pending_mappings"}),
    "error.": frozenset(
        {
            "migration_id",
            "migration_name",
            "error_id",
            "error_type",
            "error_message",
            "table_name",
            "column_name",
            "affected_records",
        }
    ),
    "validation.": frozenset({"validation_id", "migration_id", "type", "status", "overall_result"}),
    "certificate.": frozenset(
        {"certificate_id", "validation_id", "migration_id", "issued_at", "valid_until", "download_url"}
    ),
}
# `migration.failed` always says why.
_ALSO_REQUIRED = {"migration.failed": frozenset({"error_code", "error_message"})}


def required_data(event_type: str) -> frozenset[str]:
    """Members of `data` that every event of this type carries; the longest prefix decides."""
    for prefix, members in _REQUIRED_DATA.items():
        if event_type.startswith(prefix):
            return members | _ALSO_REQUIRED.get(event_type, frozenset())
    return frozenset()


def encode_body(envelope: Mapping[str, Any], *, limit: int = MAX_BODY_BYTES) -> bytes:
    """The bytes of an event, at most `limit` of them.

    A body that is too big loses optional members of `data`, the biggest first; if that is not enough, long texts among
    the others are shortened, since a receiver is better served by a cut message than by none.
    """
    body = _dump(envelope)
    if len(body) <= limit:
        return body
    data: dict[str, Any] = dict(envelope["data"])
    required = required_data(envelope["type"])
    optional = sorted((name for name in data if name not in required), key=lambda name: len(_dump(data[name])))
    while len(body) > limit and optional:
        del data[optional.pop()]
        body = _dump({**envelope, "data": data})
    texts = sorted((name for name, value in data.items() if isinstance(value, str)), key=lambda name: len(data[name]))
    while len(body) > limit and texts:
        name = texts.pop()
        data[name] = _shortened(data[name], len(body) - limit)
        body = _dump({**envelope, "data": data})
    return body


def _shortened(text: str, surplus: int) -> str:
    # JSON spends at least a byte on each byte of UTF-8, so dropping `surplus` (and three for the mark) is enough.
    raw = text.encode("utf-8", "replace")
    return raw[: max(0, len(raw) - surplus - 3)].decode("utf-8", "ignore") + "…"


def _dump(value: Any) -> bytes:
    # Lone surrogates have no UTF-8 form; a receiver gets U+FFFD rather than no event.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def signature(body: bytes, secret: str) -> str:
    """`X-Sensei-Signature` of a body: HMAC-SHA256 over its bytes, keyed with the whole secret."""
    return "sha256=" + hmac.new(secret.encode("utf-8"), body, hashlib.sha256).hexdigest()


def headers(body: bytes, *, secret: str, event_id: str, delivery_id: str, user_agent: str) -> dict[str, str]:
    """All headers that a delivery carries besides `Host` and `Content-Length`."""
    return {
        "Content-Type": "application/json",
        "User-Agent": user_agent,
        "X-Sensei-Signature": signature(body, secret),
        "X-Sensei-Event-Id": event_id,
        "X-Sensei-Delivery-Id": delivery_id,
    }
