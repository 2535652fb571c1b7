"""What cannot be read or answered is a finding, and not the end of everything."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from sensei.server.engine.errors import EngineError
from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.pairs import TablePair, Unreadable
from sensei.server.engine.validation.scoring import Findings
from sensei.server.engine.validation.types import ValidationStopped


def probe(context: Context, pair: TablePair) -> TablePair:
    """The pair, marked if one of its sides cannot be read as the plan says.

    Raises:
        EngineError: A database is not there any more.
    """
    for side in ("source", "target"):
        values = ", ".join(c.source_raw if side == "source" else c.target_raw for c in pair.columns) or "1"
        try:
            context.side(side).scalar(f"SELECT {values} FROM {context.table_name(pair, side)} LIMIT 1")
        except EngineError as error:
            context.renew(side)
            return dataclasses.replace(pair, unreadable=Unreadable(side, error.message))
    return pair


def readable(context: Context, findings: Findings) -> Iterator[TablePair]:
    """The pairs that can be compared; the others become findings."""
    for pair in context.pairs:
        if pair.unreadable is None:
            yield pair
        elif pair.unreadable.side == "target":
            findings.found(
                "E2004",
                f"{pair.target.qualified_name} cannot be read as planned: {pair.unreadable.message}",
                severity="critical",
                table=pair.target,
            )
        else:
            _leave_open(findings, pair, f"{pair.label} can no longer be read: {pair.unreadable.message}")


@contextmanager
def attempt(context: Context, findings: Findings, pair: TablePair, what: str) -> Generator[None]:
    """Within it, a query that cannot be answered leaves the perspective unfinished.

    Raises:
        EngineError: A database is not there any more.
    """
    try:
        yield
    except ValidationStopped:
        raise
    except EngineError as error:
        context.renew("source")
        context.renew("target")
        _leave_open(findings, pair, f"{what} could not be checked: {error.message}")


def _leave_open(findings: Findings, pair: TablePair, message: str) -> None:
    findings.unfinished = True
    findings.found("E4010", message, severity="warning", table=pair.target, classification="source_change")
