"""Whether a planned default and the one a database reports mean the same."""

from __future__ import annotations

import re

from sensei.server.engine.catalog import Column
from sensei.server.engine.connectors.base import Connector

_CAST = re.compile(r"::[a-z_ ]+(?:\(\d+(?:,\s*\d+)?\))?(?:\[\])*", re.IGNORECASE)
_NOW = ("now()", "current_timestamp", "current_timestamp()", "localtimestamp", "datetime('now')")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def same(target: Connector, planned: Column, column: Column) -> bool:
    """Whether both columns fill in the same value.

    A column that the database numbers by itself has no other default, and a default of null is none.
    """
    if planned.autoincrement or planned.computed is not None:
        return True
    first, second = _bare(target.system, planned.default), _bare(target.system, column.default)
    return first == second


def _bare(system: str, default: str | None) -> str | None:
    """The expression without casts, outer parentheses and other things that databases add."""
    if default is None:
        return None
    text = default.strip()
    if system == "postgresql":
        text = _CAST.sub("", text)
    while text.startswith("(") and text.endswith(")") and _is_one_group(text):
        text = text[1:-1].strip()
    lowered = text.lower()
    if lowered == "null":
        return None
    if lowered in _NOW:
        return "current_timestamp"
    if lowered in ("true", "false"):
        return lowered
    quoted = text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else None
    if quoted is not None and _NUMBER.fullmatch(quoted):
        return _number(quoted)
    if _NUMBER.fullmatch(text):
        return _number(text)
    return text if quoted is not None else lowered


def _number(text: str) -> str:
    return (text.rstrip("0").rstrip(".") if "." in text else text).removeprefix("+")


def _is_one_group(text: str) -> bool:
    depth = 0
    for position, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            return position == len(text) - 1
    return False
