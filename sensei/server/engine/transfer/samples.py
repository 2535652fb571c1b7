"""Say which row is meant, without showing more of it than its key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sensei.server.engine.connectors.values import json_ready
from sensei.server.engine.transfer.work import TableWork

_LONGEST = 80


def row_key(work: TableWork, values: Sequence[Any]) -> dict[str, Any]:
    """The key of a row, given its values in the order of `work.columns`; its first column where there is no key."""
    key = set(work.source.primary_key) or {work.columns[0].source.name}
    return {
        column.source.name: _short(json_ready(value))
        for column, value in zip(work.columns, values, strict=False)
        if column.source.name in key
    }


def shown_value(text: str) -> int | str:
    """A COPY field as a person expects to see it in a sample."""
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 20 else str(_short(text))


def _short(value: Any) -> Any:
    return f"{value[: _LONGEST - 1]}…" if isinstance(value, str) and len(value) > _LONGEST else value
