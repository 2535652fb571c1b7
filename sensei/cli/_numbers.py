"""Numbers from the command line."""

from __future__ import annotations

import math

import click


class Number(click.FloatRange):
    """A finite number in a range: `nan` lies in no range, and `inf` means nothing here."""

    name = "number"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)  # type: ignore[arg-type]  # text comes in, a number goes out
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number
