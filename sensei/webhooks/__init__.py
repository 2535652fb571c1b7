"""Receive webhooks: check signatures, read typed events.

Works without a client and with nothing configured. Ready receivers for web frameworks are in
`sensei.webhooks.starlette` (FastAPI too), `sensei.webhooks.flask` and `sensei.webhooks.django`.

Examples:
    >>> from sensei.webhooks import sign, verify_signature
    >>> body, secret = b'{"id": "evt_1"}', "whsec_your_signing_secret"
    >>> verify_signature(body, sign(body, secret), secret)  # the second is the X-Sensei-Signature header
    True
"""

from __future__ import annotations

from sensei.errors import WebhookVerificationError
from sensei.webhooks._deduplication import AsyncSeenEvents, RecentEvents, SeenEvents
from sensei.webhooks._signature import sign, verify_signature
from sensei.webhooks._unwrap import DuplicateEventError, unwrap

__all__ = [
    "verify_signature",
    "unwrap",
    "sign",
    "SeenEvents",
    "AsyncSeenEvents",
    "RecentEvents",
    "WebhookVerificationError",
    "DuplicateEventError",
]
