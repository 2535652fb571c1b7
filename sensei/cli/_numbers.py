"""Numbers from the command line."""

from __future__ import annotations

import math

import click


class Number(click.FloatRange):
    """A finite number in a range: `nan` lies in no range, and `inf` means nothing here."""

    name = "number"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        if not _fits(number, self.min, self.max):
            self.fail(f"{value} is out of range: {_range(self.min, self.max)}.", param, ctx)
        return number

    def _describe_range(self) -> str:  # what click shows in help
        return _range(self.min, self.max)


class Whole(click.IntRange):
    """A whole number in a range."""

    name = "whole number"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number.", param, ctx)
        if not _fits(number, self.min, self.max):
            self.fail(f"{value} is out of range: {_range(self.min, self.max)}.", param, ctx)
        return number

    def _describe_range(self) -> str:  # what click shows in help
        return _range(self.min, self.max)


def _fits(number: float, least: float | None, most: float | None) -> bool:
    return (least is None or number >= least) and (most is None or number <= most)


def _range(least: float | None, most: float | None) -> str:
    """A range in words.

    Examples:
        >>> _range(1, None), _range(0, 1)
        ('1 or more', 'from 0 to 1')
    """
    return f"{least} or more" if most is None else f"from {least} to {most}"
