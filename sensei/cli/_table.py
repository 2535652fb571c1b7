"""Tables: aligned by what characters take on a screen, fitted to a terminal, whole in pipes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sensei.cli._screen import width
from sensei.cli._text import clean

_GAP = "  "
_NARROWEST = 16
"""Characters below which a column is not shortened: what is shorter says nothing."""
_LINE_BREAKS = str.maketrans({"\n": " ", "\r": " ", "\t": " ", "\v": " ", "\f": " ", "\u2028": " ", "\u2029": " "})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, or a line of one object.

    Attributes:
        title: Its heading.
        path: Which member it shows, dotted for members of members.
        whole: Never shortened: an id, or what else is copied from the screen.
    """

    title: str
    path: str
    whole: bool = False


def columns_of(paths: str, **titles: str) -> tuple[Column, ...]:
    """Columns for members, named after them.

    Args:
        paths: The members, separated by blanks. An id is never shortened.
        titles: Other headings, by member, with `__` for the dot.

    Examples:
        >>> [column.title for column in columns_of("id created_at last_test.status", last_test__status="test")]
        ['ID', 'CREATED', 'TEST']
    """
    return tuple(
        Column(
            titles.get(path.replace(".", "__"), _title(path)).upper(),
            path,
            whole=path == "id" or path.endswith("_id"),
        )
        for path in paths.split()
    )


def _title(path: str) -> str:
    # The message of an error is the error.
    return path.removesuffix(".message").rpartition(".")[2].removesuffix("_at").replace("_", " ")


def member(record: object, path: str) -> object:
    """The member of a record at a dotted path; None when it is not there."""
    for name in path.split("."):
        if not isinstance(record, dict):
            return None
        record = cast("dict[str, object]", record).get(name)
    return record


def cell(value: object) -> str:
    """Write a value on one line.

    Examples:
        >>> [cell(one) for one in (None, True, 1250, 0.5, ["a", "b"], {"a": 1}, "2026-11-24T16:13:35.123456Z")]
        ['-', 'yes', '1250', '0.5', 'a, b', '{"a": 1}', '2026-11-24 16:13:35Z']
    """
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        items = cast("list[object]", value)
        if all(isinstance(item, str | int | float) for item in items):
            return ", ".join(cell(item) for item in items)
    if isinstance(value, list | dict):
        return one_line(json.dumps(value, ensure_ascii=False))
    return one_line(_moment(value) if isinstance(value, str) else str(value))


def one_line(text: str) -> str:
    """Text without line breaks and whatever else would disturb a screen."""
    return clean(text.translate(_LINE_BREAKS))


def _moment(text: str) -> str:
    """An instant of the API to the second; other text as it is."""
    if len(text) >= 20 and text[10] == "T" and text[4] == text[7] == "-" and text.endswith("Z") and text[:4].isdigit():
        return f"{text[:10]} {text[11:19]}Z"
    return text


def shortened(text: str, room: int) -> str:
    """A text that takes at most `room` columns, with … where it was cut.

    Examples:
        >>> shortened("production database", 10), shortened("東京都", 4)
        ('productio…', '東…')
    """
    if width(text) <= room:
        return text
    kept = ""
    for one in text:
        if width(kept + one) > room - 1:
            break
        kept += one
    return kept + "…"


def rendered(
    rows: Sequence[Sequence[str]], columns: Sequence[Column], room: int | None, *, head: tuple[str, str] = ("", "")
) -> list[str]:
    """Lines of a table, the heading first.

    Args:
        rows: The cells.
        columns: The columns.
        room: Columns of the screen; None for a pipe, where nothing is shortened.
        head: What to write before and after the heading, to colour it.
    """
    titles = [column.title for column in columns]
    widths = [max(map(width, cells)) for cells in zip(titles, *rows, strict=True)]
    if room is not None:
        widths = _fitted(widths, columns, room - len(_GAP) * (len(columns) - 1))

    def line(cells: Sequence[str]) -> str:
        fitted = [shortened(text, most) for text, most in zip(cells, widths, strict=True)]
        return _GAP.join(text + " " * (most - width(text)) for text, most in zip(fitted, widths, strict=True)).rstrip()

    return [head[0] + line(titles) + head[1], *map(line, rows)]


def fitting(rows: Sequence[Sequence[str]], columns: Sequence[Column], room: int) -> int:
    """How many of the columns, from the left, have room on a screen, each as short as it can be; one at least."""
    used = -len(_GAP)
    for index, (column, *cells) in enumerate(zip(columns, *rows, strict=True)):
        most = max(map(width, [column.title, *cells]))
        used += len(_GAP) + _floor(column, most)
        if used > room and index:
            return index
    return len(columns)


def _floor(column: Column, most: int) -> int:
    return most if column.whole else min(most, max(_NARROWEST, width(column.title)))


def _fitted(widths: list[int], columns: Sequence[Column], room: int) -> list[int]:
    """Take from the widest column, one character at a time, until all fit or none can give any more."""
    found = list(widths)
    floors = [_floor(column, most) for most, column in zip(widths, columns, strict=True)]
    while sum(found) > room:
        index = max(range(len(found)), key=lambda one: (found[one] > floors[one], found[one]))
        if found[index] <= floors[index]:
            break
        found[index] -= 1
    return found


def described(pairs: Sequence[tuple[str, str]], room: int | None) -> list[str]:
    """Lines for one object: names and values in two columns; the values wrap nowhere and are whole."""
    most = max((width(name) for name, _ in pairs), default=0)
    lines = [f"{name}{' ' * (most - width(name))}{_GAP}{value}" for name, value in pairs]
    return (
        lines if room is None else [shortened(line, max(room, 20)) if len(line) > 4 * room else line for line in lines]
    )


def flattened(record: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Name and value of each member, with those of members inside under dotted names; empty ones are left out."""
    found: list[tuple[str, str]] = []
    for name, value in record.items():
        shown = cell(value)
        if isinstance(value, dict) and value:
            found += flattened(cast("dict[str, object]", value), f"{prefix}{name}.")
        elif shown != "-":
            found.append((one_line(f"{prefix}{name}"), shown))
    return found
