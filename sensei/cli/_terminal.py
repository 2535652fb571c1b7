"""The face of the main job on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.status import Status
from rich.table import Table
from rich.text import Text

from sensei.cli._presenter import SHOWN_MAPPINGS, Progress, Review, read_yes
from sensei.cli._text import clean, count, seconds

_SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}


class TerminalPresenter:
    """Colour, a spinner while a step runs, and a bar while data moves; on stderr, like all that is no result."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def say(self, text: str) -> None:
        self._console.print(Text(clean(text)))

    def warn(self, text: str) -> None:
        self._console.print(Text.assemble(("! ", "bold yellow"), clean(text)))

    def begin(self, doing: str) -> None:
        self.close()
        self._status = self._console.status(Text(clean(doing)))
        self._status.start()

    def end(self, done: str) -> None:
        self.close()
        self._console.print(Text.assemble(("✓ ", "bold green"), clean(done)))

    def review(self, plan: Review) -> None:
        self.close()
        table = Table(title="Mappings, the least certain first", title_justify="left", title_style="bold", box=None)
        for heading in ("sure", "column", "becomes", "review", "why"):
            table.add_column(heading, header_style="dim", justify="right" if heading == "sure" else "left")
        for row in plan.mappings[:SHOWN_MAPPINGS]:
            style = "green" if row.confidence >= 0.95 else "yellow" if row.confidence >= 0.8 else "red"
            table.add_row(
                Text(f"{row.confidence:.0%}", style=style),
                Text(clean(row.source)),
                Text(clean(row.becomes.replace("->", "→"))),
                Text(clean(row.status)),
                Text(clean(row.remark), style="dim"),
            )
        self._console.print(table)
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
            self._bar.start()
            self._task = self._bar.add_task("", total=100.0, rows="")
        if self._task is not None:
            self._bar.update(
                self._task, description=clean(now.phase.replace("_", " ")), completed=now.percent, rows=_rows(now)
            )

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


def _rows(now: Progress) -> str:
    of = f" of {now.total:,}" if now.total else ""
    rate = f" · {now.per_second:,.0f}/s" if now.per_second else ""
    left = ""
    if now.per_second and now.total and now.total > now.done:
        left = f" · {seconds((now.total - now.done) / now.per_second)} to go"
    return f"{now.done:,}{of} rows{rate}{left}"
