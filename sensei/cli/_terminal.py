"""The face of the main job on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.status import Status
from rich.table import Table
from rich.text import Text

from sensei.cli._presenter import SHOWN_MAPPINGS, MappingRow, Progress, Review, read_yes, time_left
from sensei.cli._screen import wrapped
from sensei.cli._text import clean, count, seconds

_WIDE = 110
"""Columns of a terminal from which on mappings are shown as a table."""
_SURE = 0.95
_SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}


class TerminalPresenter:
    """Colour, a spinner while a step runs, and a bar while data moves; on stderr, like all that is no result."""

    def __init__(self, console: Console | None = None, *, in_color: bool = True) -> None:
        # None leaves it to Rich, which heeds NO_COLOR.
        self._console = console or Console(stderr=True, highlight=False, no_color=None if in_color else True)
        self._status: Status | None = None
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def say(self, text: str) -> None:
        self._line(Text(clean(text)))

    def _line(self, text: Text) -> None:
        # Broken between words only: whoever copies a path or an id gets it whole.
        self._console.print(fitted(text, self._console.width), overflow="ignore", crop=False)

    def warn(self, text: str) -> None:
        self._line(Text.assemble(("! ", "bold yellow"), clean(text)))

    def begin(self, doing: str) -> None:
        self.close()
        self._status = self._console.status(Text(clean(doing)))
        self._status.start()

    def end(self, done: str) -> None:
        self.close()
        self._line(Text.assemble(("✓ ", "bold green"), clean(done)))

    def review(self, plan: Review) -> None:
        self.close()
        self._console.print(Text("Mappings, the least certain first", style="bold"))
        self._mappings(plan.mappings[:SHOWN_MAPPINGS])
        if len(plan.mappings) > SHOWN_MAPPINGS:
            more = count(len(plan.mappings) - SHOWN_MAPPINGS, "more column")
            self._console.print(Text(f"  and {more}, no less certain", style="dim"))
        self._console.print(Text("Risks" if plan.risks else "Risks: none found", style="bold"))
        risks = Table(box=None, show_header=False)
        for risk in plan.risks:
            description = Text(clean(risk.description))
            if risk.mitigation:
                description.append(f". {clean(risk.mitigation)}", style="dim")
            risks.add_row(Text(clean(risk.severity), style=_SEVERITY_STYLES.get(risk.severity, "")), description)
        self._console.print(risks)

    def _mappings(self, rows: Sequence[MappingRow]) -> None:
        """As a table where there is room for one, else a line each, and the reason of a doubt below it."""
        wide = self._console.width >= _WIDE
        table = Table(box=None, header_style="dim")
        for heading in ("sure", "column", "becomes", "review", "why"):
            table.add_column(heading, justify="right" if heading == "sure" else "left", overflow="fold")
        for row in rows:
            style = "green" if row.confidence >= _SURE else "yellow" if row.confidence >= 0.8 else "red"
            sure, becomes = Text(f"{row.confidence:.0%}", style=style), row.becomes.replace("->", "→")
            source, review, why = Text(clean(row.source)), Text(clean(row.status)), Text(clean(row.remark), style="dim")
            if wide:
                table.add_row(sure, source, Text(clean(becomes)), review, why)
                continue
            decided = f", {row.status}" if row.status else ""
            self._line(Text.assemble(" ", sure, "  ", source, clean(f": {becomes}{decided}")))
            if row.confidence < _SURE:
                self._console.print(Padding(why, (0, 0, 0, 6)))
        if wide:
            self._console.print(table)

    def progress(self, now: Progress) -> None:
        if self._bar is None:
            self.close()
            self._bar = Bar(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[rows]}", style="dim", markup=False),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=100.0, rows="")
        if self._task is not None:
            self._bar.update(
                self._task, description=clean(now.phase.replace("_", " ")), completed=now.percent, rows=_rows(now)
            )
        # Once there is something to show; harmless when repeated.
        self._bar.start()

    def confirm(self, question: str) -> bool:
        self.close()
        self._console.print(Text.assemble((clean(question), "bold"), (" [y/N] ", "dim")), end="")
        return read_yes()

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None


def fitted(text: Text, room: int) -> Text:
    """A line broken between words, in the styles that it had."""
    lines = Text(wrapped(text.plain, room))
    # Breaking changes blanks alone.
    places = [place for place, one in enumerate(lines.plain) if not one.isspace()]
    words = [place for place, one in enumerate(text.plain) if not one.isspace()]
    for span in text.spans:
        covered = [there for there, here in zip(places, words, strict=True) if span.start <= here < span.end]
        if covered:
            lines.stylize(span.style, covered[0], covered[-1] + 1)
    return lines


def _rows(now: Progress) -> str:
    of = f" of {now.total:,}" if now.total else ""
    rate = f" · {now.per_second:,.0f}/s" if now.per_second else ""
    left = time_left(now)
    to_go = "" if left is None else f" · {seconds(left) if left >= 60 else f'{left:.0f} s'} to go"
    return f"{now.done:,}{of} {now.unit}{rate}{to_go}"
