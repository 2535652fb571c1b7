"""Why work on a migration cannot go on, in the contract's terms."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensei.server.connections import gateway
from sensei.server.engine.errors import ConnectorUnavailableError, DataError, EndpointError, EngineError, PlanningError
from sensei.server.errors import ApiError

if TYPE_CHECKING:
    from sensei.server.engine.job import Endpoint

log: logging.Logger = logging.getLogger("sensei.server")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why work cannot go on, in the contract's terms."""

    code: str
    message: str
    reason_code: str | None


def explain(error: Exception) -> Failure:
    """An exception in the contract's terms; what nobody foresaw goes to the log, not to the user."""
    if isinstance(error, DataError):
        return Failure("error_limit_exceeded", error.message, error.reason_code)
    if isinstance(error, PlanningError):
        return Failure("plan_failed", error.message, error.reason_code)
    if isinstance(error, ConnectorUnavailableError):
        return Failure("connector_unavailable", error.message, error.reason_code)
    if isinstance(error, EngineError):
        return Failure("execution_failed", error.message, error.reason_code)
    if isinstance(error, ApiError):
        return Failure(error.code, error.message, error.details.get("reason_code"))
    log.error("a migration met an unforeseen fault", exc_info=error)
    return Failure("internal_error", "Something unforeseen happened; the server's log has the details.", "E6001")


def blame(error: EndpointError, source: Endpoint, otherwise: str) -> Failure:
    """Which end an error is about: the source when it does not answer now, else the target."""
    side = "source" if gateway.test(source, "source").status != "success" else "target"
    code = f"{side}_unreachable" if error.reason_code.startswith("E1") else otherwise
    return Failure(code, error.message, error.reason_code)
