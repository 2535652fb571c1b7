"""Structured logs: one JSON object a line, with what the server knows of the call or the migration."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, TextIO

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON; members of ``extra=`` stand beside the usual ones."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line break."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(stream: TextIO, *, level: int = logging.INFO) -> logging.Handler:
    """Send the server's log to `stream` as JSON lines; gives the handler, to be removed by whoever wants it gone.

    Calls are logged at INFO by ``sensei.server.access``: operation, status, milliseconds, request id, organization.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("sensei.server")
    logger.addHandler(handler)
    logger.setLevel(level)
    return handler
