"""Sentences that agree with their numbers."""

from __future__ import annotations


def counted(number: int, one: str, many: str) -> str:
    """A number with the words that follow it.

    Examples:
        >>> counted(1, "row refers", "rows refer"), counted(1234, "row refers", "rows refer")
        ('1 row refers', '1,234 rows refer')
    """
    return f"{number:,} {one if number == 1 else many}"
