"""How the main job talks to a person: one interface, one plain face for pipes and logs.

The face for terminals is in `_terminal.py`, so that Rich is loaded only where it is seen.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from sensei.cli._ask import read_line
from sensei.cli._errors import CommandError
from sensei.cli._screen import for_screen
from sensei.cli._text import clean, columns, count, seconds


@dataclass(frozen=True, slots=True)
class MappingRow:
    """A column on its way, as it is shown for review."""

    source: str
    becomes: str
    confidence: float
    status: str
    remark: str


@dataclass(frozen=True, slots=True)
class RiskRow:
    """A risk of the plan; one that blocks means that the job cannot be done as asked."""

    severity: str
    description: str
    mitigation: str
    blocks: bool = False
    affected: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A plan as it is shown: the least certain mappings first, the worst risks first."""

    undecided: int
    mappings: Sequence[MappingRow]
    risks: Sequence[RiskRow]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is.

    Attributes:
        phase: What is being done.
        percent: Of the whole.
        done: How many of `unit`.
        total: Of how many, if that is known.
        per_second: How fast.
        table: Where the work is.
        unit: What is counted.
        left: Seconds to go, where that is known otherwise than by counting.
    """

    phase: str
    percent: float
    done: int
    total: int | None
    per_second: float | None
    table: str | None
    unit: str = "rows"
    left: float | None = None


class Presenter(Protocol):
    """What the main job tells a person, and the one thing it asks."""

    def say(self, text: str) -> None:
        """A remark."""

    def warn(self, text: str) -> None:
        """A remark that should not be missed."""

    def begin(self, doing: str) -> None:
        """A step has begun."""

    def end(self, done: str) -> None:
        """The step begun last is done."""

    def review(self, plan: Review) -> None:
        """Show a plan."""

    def progress(self, now: Progress) -> None:
        """Show how far the data is; called often."""

    def confirm(self, question: str) -> bool:
        """Ask for a yes."""
        ...

    def close(self) -> None:
        """Leave the screen in order, whatever happened; the last call, and harmless when repeated."""


SHOWN_MAPPINGS = 8
"""Mappings a review shows before it says how many more there are."""

_SECONDS_BETWEEN_LINES = 2.0


class PlainPresenter:
    """Plain lines on stderr: for pipes, logs, `NO_COLOR` and `TERM=dumb`."""

    def __init__(self, stream: TextIO | None = None, *, interactive: bool = False, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._interactive = interactive
        self._quiet = quiet
        self._last_line_at = float("-inf")
        self._last_phase: str = ""
        self._last_line: str = ""

    def say(self, text: str) -> None:
        if not self._quiet:
            self._write(text)

    def warn(self, text: str) -> None:
        self._write(f"Warning: {text}")

    def _write(self, text: str) -> None:
        self._stream.write(for_screen(clean(text), self._stream) + "\n")
        self._stream.flush()

    def begin(self, doing: str) -> None:
        self.say(f"{doing} …")

    def end(self, done: str) -> None:
        self.say(f"  {done}")

    def review(self, plan: Review) -> None:
        shown = plan.mappings[:SHOWN_MAPPINGS]
        self.say("Mappings, the least certain first:")
        rows = [(f"{row.confidence:.0%}", row.source, row.becomes, row.status, row.remark) for row in shown]
        for line in columns(rows):
            self.say(line)
        if len(plan.mappings) > len(shown):
            self.say(f"  and {count(len(plan.mappings) - len(shown), 'more column')}, no less certain")
        self.say("Risks:" if plan.risks else "Risks: none found")
        for risk in plan.risks:
            advice = f". {risk.mitigation}" if risk.mitigation else ""
            self.say(f"  {risk.severity}: {risk.description}{advice}")

    def progress(self, now: Progress) -> None:
        moment = time.monotonic()
        if now.phase == self._last_phase and now.percent < 100 and moment - self._last_line_at < _SECONDS_BETWEEN_LINES:
            return
        line = progress_line(now)
        if line != self._last_line:
            self.say("  " + line)
        self._last_line_at, self._last_phase, self._last_line = moment, now.phase, line

    def confirm(self, question: str) -> bool:
        if not self._interactive:
            raise CommandError("there is nobody to ask: pass --yes to go on without being asked")
        self._stream.write(f"{clean(question)} [y/N] ")
        self._stream.flush()
        return read_yes()

    def close(self) -> None:
        self._stream.flush()


def progress_line(now: Progress) -> str:
    """Write progress as one line.

    Examples:
        >>> progress_line(Progress("data_transfer", 41.6, 5_000, 12_000, 2_500.0, "orders"))
        ' 42 %  data transfer  5,000 of 12,000 rows  2,500 rows/s  3 s to go  orders'
        >>> progress_line(Progress("validation", 41.6, 2, 5, None, "referential", "perspectives", 75))
        ' 42 %  validation  2 of 5 perspectives  1 min 15 s to go  referential'
    """
    of = f" of {now.total:,}" if now.total else ""
    parts = [f"{now.percent:3.0f} %", now.phase.replace("_", " "), f"{now.done:,}{of} {now.unit}"]
    if now.per_second:
        parts.append(f"{now.per_second:,.0f} {now.unit}/s")
    left = time_left(now)
    if left is not None:
        parts.append(f"{seconds(left) if left >= 60 else f'{left:.0f} s'} to go")
    if now.table:
        parts.append(now.table)
    return "  ".join(parts)


def time_left(now: Progress) -> float | None:
    """Seconds to go, as far as that can be told."""
    if now.left is None and now.per_second and now.total and now.total > now.done:
        return (now.total - now.done) / now.per_second
    return now.left


def read_yes() -> bool:
    """Read the answer to a question from stdin; anything but a yes is a no.

    Raises:
        CommandError: stdin ended before there was an answer.
    """
    answer = read_line()
    if not answer:
        raise CommandError("no answer could be read: pass --yes to go on without being asked")
    return answer.strip().lower() in {"y", "yes"}
