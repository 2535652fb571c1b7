"""Text as it may be shown on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sensei.cli._screen import width

# Names and messages come from databases and servers: none of them may move the cursor or recolour the screen.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Replace characters that would control the terminal.

    Examples:
        >>> clean("orders\\x1b[31m")
        'orders\N{REPLACEMENT CHARACTER}[31m'
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def columns(rows: Iterable[Sequence[str]], *, indent: str = "  ") -> list[str]:
    """Align cells in columns, two blanks apart, for a pipe or a log.

    Examples:
        >>> columns([("orders", "12"), ("customers", "4")])
        ['  orders     12', '  customers  4']
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(width, column), default=0) for column in zip(*cells, strict=True)]
    return [
        (indent + "  ".join(cell + " " * (most - width(cell)) for cell, most in zip(row, widths, strict=True))).rstrip()
        for row in cells
    ]


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun.

    Examples:
        >>> count(1, "row"), count(12000, "row"), count(2, "index", "indexes")
        ('1 row', '12,000 rows', '2 indexes')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def seconds(duration: float) -> str:
    """Write a duration for people.

    Examples:
        >>> seconds(0.42), seconds(75), seconds(7260)
        ('0.4 s', '1 min 15 s', '2 h 1 min')
    """
    if duration < 60:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def listing(names: Sequence[str], *, most: int = 8) -> str:
    """Write names in a row, and how many more there are.

    Examples:
        >>> listing(["a", "b", "c"], most=2)
        'a, b and 1 more'
    """
    shown = ", ".join(clean(name) for name in names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown
