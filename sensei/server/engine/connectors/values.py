"""Values for people: a few cells as JSON."""

from __future__ import annotations

import base64
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

_LARGEST_SAFE = 2**53 - 1


def json_ready(value: Any) -> Any:
    """A value that `stream` gave, as JSON data that loses nothing: what JSON numbers cannot hold becomes a string."""
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) <= _LARGEST_SAFE else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case date() | datetime() | time():
            return value.isoformat()
        case _:
            # Stray bytes of a text that is no UTF-8 are shown, as JSON cannot carry surrogates.
            return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
