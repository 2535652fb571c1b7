"""How wide a screen is, and how text is laid out on it: broken between words, so that what is copied is whole."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import IO

_USUAL = 80
_WORDS = re.compile(r"(\s*)((?:[^\s`]|`[^`]*`|`)+)")
"""Blanks, and what stands together: a word, or a command between backquotes."""
_NAME = re.compile(r" *\S+(?: \S+)* {2,}(?=\S)")
"""The name in a line of names and values."""


def width(text: str) -> int:
    """How many columns of a screen a text takes.

    Examples:
        >>> width("Zoë"), width("Zoe\\u0308"), width("東京")
        (3, 3, 4)
    """
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(one) or one in "\u200b\u200d\ufe0f"
        else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


def room_of(stream: IO[str]) -> int | None:
    """The columns of the terminal behind a stream; None when it is a pipe or a file."""
    if not stream.isatty():
        return None
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    except (OSError, ValueError):
        return _USUAL


def for_screen(text: str, stream: IO[str]) -> str:
    """Text as it is for a pipe, and with lines that fit for a terminal."""
    room = room_of(stream)
    return text if room is None else "\n".join(wrapped(line, room) for line in text.split("\n"))


def wrapped(line: str, room: int) -> str:
    """Break a line between words; a word that fits no line stays where it is, and the terminal goes on with it.

    Examples:
        >>> print(wrapped("target  Warehouse of the north (conn_x1xe2e4l3di5z51owt7j)", 36))
        target  Warehouse of the north
                (conn_x1xe2e4l3di5z51owt7j)
        >>> print(wrapped("It is being planned: `sensei migrations wait mig_1` waits.", 40))
        It is being planned:
          `sensei migrations wait mig_1` waits.
    """
    if width(line) <= room:
        return line
    name = _NAME.match(line)
    indent = len(line) - len(line.lstrip(" ")) + 2 if name is None or name.end() > room // 2 else name.end()
    done: list[str] = []
    current = ""
    for blanks, word in _WORDS.findall(line):
        below = room - width(word)
        if current.strip() and below >= 0 and width(current + blanks + word) > room:
            done.append(current)
            current = " " * min(indent, below) + word
        else:
            current += blanks + word
    return "\n".join([*done, current])
