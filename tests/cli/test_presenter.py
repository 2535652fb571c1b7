"""The same story on a terminal and in a pipe, whatever a database calls its tables."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from sensei.cli._errors import CommandError
from sensei.cli._options import Options
from sensei.cli._presenter import SHOWN_MAPPINGS, MappingRow, PlainPresenter, Presenter, Progress, Review, RiskRow
from sensei.cli._presenters import presenter_for
from sensei.cli._terminal import TerminalPresenter

HOSTILE = "orders[red]\x1b[31m\u202e"


def _review(mappings: int = 2) -> Review:
    return Review(
        undecided=1,
        mappings=[
            MappingRow(
                f"{HOSTILE}.c{number}", "TEXT -> VARCHAR(10)", 0.5 + number / 100, "needs a decision", "[b]narrow"
            )
            for number in range(mappings)
        ],
        risks=[RiskRow("critical", "values may be cut", "widen the column"), RiskRow("low", "slow", "")],
    )


@pytest.fixture(params=["plain", "terminal"])
def told(request: pytest.FixtureRequest) -> tuple[Presenter, io.StringIO]:
    stream = io.StringIO()
    if request.param == "plain":
        return PlainPresenter(stream), stream
    return TerminalPresenter(Console(file=stream, width=160, force_terminal=True, color_system=None)), stream


def test_names_cannot_colour_or_move_the_screen(told: tuple[Presenter, io.StringIO]) -> None:
    tell, stream = told
    tell.say(HOSTILE)
    tell.warn(HOSTILE)
    tell.begin(HOSTILE)
    tell.end(HOSTILE)
    tell.review(_review())
    tell.progress(Progress(HOSTILE, 10.0, 5, 50, 2.0, HOSTILE))
    tell.close()

    said = stream.getvalue()
    assert "[red]" in said
    assert "[b]narrow" in said
    assert "\x1b[31m" not in said
    assert "\u202e" not in said


def test_a_review_shows_confidence_risk_and_what_to_do(told: tuple[Presenter, io.StringIO]) -> None:
    tell, stream = told
    tell.review(_review())

    said = stream.getvalue()
    for part in ("50%", "51%", "needs a decision", "critical", "values may be cut", "widen the column", "slow"):
        assert part in said


def test_a_long_review_says_how_much_more_there_is(told: tuple[Presenter, io.StringIO]) -> None:
    tell, stream = told
    tell.review(_review(mappings=SHOWN_MAPPINGS + 3))

    assert "3 more columns" in stream.getvalue()


def test_a_pipe_is_not_flooded() -> None:
    stream = io.StringIO()
    tell = PlainPresenter(stream)
    for percent in range(100):
        tell.progress(Progress("data_transfer", percent, percent, 100, None, None))
    tell.progress(Progress("data_transfer", 100, 100, 100, None, None))

    assert stream.getvalue().splitlines()[0].startswith("    0 %")
    assert stream.getvalue().splitlines()[-1].startswith("  100 %")
    assert len(stream.getvalue().splitlines()) < 10


def test_a_pipe_gets_no_escape_codes() -> None:
    stream = io.StringIO()
    tell = PlainPresenter(stream)
    tell.begin("Planning")
    tell.review(_review())
    tell.end("Planned")

    assert "\x1b" not in stream.getvalue()


def test_nobody_is_asked_where_nobody_can_answer() -> None:
    with pytest.raises(CommandError, match="--yes"):
        PlainPresenter(io.StringIO()).confirm("Sure?")


@pytest.mark.parametrize(("answer", "meaning"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False)])
def test_only_a_yes_is_a_yes(answer: str, meaning: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for tell in (PlainPresenter(io.StringIO(), interactive=True), TerminalPresenter(Console(file=io.StringIO()))):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        assert tell.confirm("Sure?") is meaning


def test_no_answer_is_no_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="--yes"):
        PlainPresenter(io.StringIO(), interactive=True).confirm("Sure?")


def test_quiet_tells_warnings_only() -> None:
    stream = io.StringIO()
    tell = PlainPresenter(stream, quiet=True)
    tell.say("one")
    tell.begin("two")
    tell.end("three")
    tell.warn("four")

    assert stream.getvalue() == "Warning: four\n"


def test_closing_twice_is_harmless(told: tuple[Presenter, io.StringIO]) -> None:
    tell, _ = told
    tell.begin("Planning")
    tell.close()
    tell.close()


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_path_id_or_column_is_broken_by_a_narrow_terminal(width: int) -> None:
    stream = io.StringIO()
    tell = TerminalPresenter(Console(file=stream, width=width, force_terminal=True, color_system=None))
    path = "/home/ada/" + "a-long-folder/" * 8 + "certificate.json"
    tell.end(f"The certificate of this migration is in the file {path}, as it should be")
    tell.say(path)
    tell.review(Review(undecided=1, mappings=[_narrow_row()], risks=[]))
    assert stream.getvalue().count(path) == 2
    assert "customers.preferred_language_of_correspondence" in stream.getvalue()
    assert "needs a decision" in " ".join(stream.getvalue().split())
    assert all(word in stream.getvalue() for word in _narrow_row().remark.split())


def _narrow_row() -> MappingRow:
    why = "declared BOOLEAN, but it holds more than 0 and 1, and what that means nobody can tell"
    return MappingRow("customers.preferred_language_of_correspondence", "TEXT -> TEXT", 0.75, "needs a decision", why)


def test_a_validation_tells_its_perspectives_and_the_time_left(told: tuple[Presenter, io.StringIO]) -> None:
    tell, stream = told
    tell.progress(Progress("validation", 40.0, 2, 5, None, "referential", "perspectives", 90.0))
    tell.close()
    assert "2 of 5 perspectives" in stream.getvalue()
    assert "1 min 30 s to go" in stream.getvalue()
    assert "rows" not in stream.getvalue()


@pytest.mark.parametrize(
    ("variables", "quiet", "kind"),
    [
        ({}, False, TerminalPresenter),
        ({"NO_COLOR": ""}, False, TerminalPresenter),
        ({"NO_COLOR": "1"}, False, PlainPresenter),
        ({"TERM": "dumb"}, False, PlainPresenter),
        ({}, True, PlainPresenter),
    ],
)
def test_a_terminal_that_wants_it_plain_gets_lines_and_no_bars(
    variables: dict[str, str], quiet: bool, kind: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)

    assert type(presenter_for(Options(quiet=quiet))) is kind
