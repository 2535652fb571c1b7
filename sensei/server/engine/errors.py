"""What the engine raises.

EngineError
├─ EndpointError            a database cannot be reached or used (E1xxx); `.reason_code` says why
├─ ConnectorUnavailableError  no driver here for this type
├─ TableNotFoundError       a named schema or table does not exist (E2001)
├─ PlanningError            no plan can be made (E2xxx)
├─ ExpressionError          a transformation is no usable expression (E3008)
├─ DataError                rows that cannot be carried (E3xxx); recorded, counted, sometimes fatal
└─ ExecutionError           a phase cannot go on (E5xxx)

Messages are one line, say what to do, and never hold a password or a connection string.
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of everything the engine raises on purpose."""

    default_reason = "E6001"

    def __init__(
        self,
        message: str,
        *,
        reason_code: str | None = None,
        table: str | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason_code: str = reason_code or self.default_reason
        self.table = table
        self.column = column


class EndpointError(EngineError):
    """A database cannot be reached, refuses the credentials, or may not be used as asked."""

    default_reason = "E1001"


class ConnectorUnavailableError(EngineError):
    """The type is valid but this machine has no driver for it."""

    default_reason = "E6005"


class TableNotFoundError(EngineError):
    """A named schema or table does not exist."""

    default_reason = "E2001"


class PlanningError(EngineError):
    """The two ends do not admit a plan."""

    default_reason = "E2004"


class ExpressionError(EngineError):
    """A transformation is not a usable expression over its source table."""

    default_reason = "E3008"


class DataError(EngineError):
    """Rows that cannot be carried as the plan says."""

    default_reason = "E3001"


class ExecutionError(EngineError):
    """A phase cannot go on."""

    default_reason = "E5005"
