"""Which tables a selection means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate

from sensei.server.engine.errors import TableNotFoundError
from sensei.server.engine.job import Selection


def _pattern(text: str) -> re.Pattern[str]:
    # Square brackets are ordinary characters here, not sets.
    return re.compile(translate(text.replace("[", "[[]")))


def _matches(pattern: re.Pattern[str], schema: str | None, table: str) -> bool:
    return bool(pattern.match(table) or (schema is not None and pattern.match(f"{schema}.{table}")))


def choose(selection: Selection, found: Iterable[tuple[str | None, str]]) -> list[tuple[str | None, str]]:
    """The (schema, table) pairs among `found` that are selected, in the order of `found`.

    Raises:
        TableNotFoundError: A table pattern without wildcards fits nothing.
    """
    names = list(found)
    for wanted in selection.tables or ():
        if not set("*?") & set(wanted) and not any(_matches(_pattern(wanted), *name) for name in names):
            raise TableNotFoundError(f"there is no table {wanted[:200]!r} in the database", table=wanted)
    included = None if selection.tables is None else [_pattern(text) for text in selection.tables]
    excluded = [_pattern(text) for text in selection.exclude_tables]
    return [
        name
        for name in names
        if (included is None or any(_matches(pattern, *name) for pattern in included))
        and not any(_matches(pattern, *name) for pattern in excluded)
    ]
