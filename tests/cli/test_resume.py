"""Whatever stops the main job, the same command goes on with it or cleans up, and says which."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sensei import Client
from sensei.cli._endpoint import parse_endpoint
from sensei.cli._errors import CommandError, StoppedError
from sensei.cli._job import MainJob, Order, Outcome
from sensei.cli._memory import Memory, errand_for
from sensei.cli._presenter import PlainPresenter, Progress
from sensei.testing import LocalServer
from tests.cli.conftest import SHOP, User

ROWS = 120_000


class StopAt(PlainPresenter):
    """A user who presses Ctrl-C when something is said for the first time."""

    def __init__(self, moment: str) -> None:
        super().__init__(io.StringIO())
        self._moment = moment

    def begin(self, doing: str) -> None:
        super().begin(doing)
        self._look(doing)

    def progress(self, now: Progress) -> None:
        super().progress(now)
        self._look(now.phase if now.done else "")

    def _look(self, said: str) -> None:
        if said.startswith(self._moment):
            self._moment = "never again"
            raise KeyboardInterrupt

    @property
    def said(self) -> str:
        stream = self._stream
        assert isinstance(stream, io.StringIO)
        return stream.getvalue()


Run = Callable[..., Outcome]


@pytest.fixture
def run(user: User) -> Run:
    """Runs the job as one process would: a server of its own on the same state."""

    def once(
        tell: PlainPresenter,
        target_url: str = "sqlite:///copy.db",
        *,
        existing: str = "stop",
        scope: tuple[str, ...] = (),
    ) -> Outcome:
        source = parse_endpoint("sqlite:///shop.db", user.folder, role="source")
        target = parse_endpoint(target_url, user.folder, role="target")
        memory = Memory(errand_for("embedded", source, target, scope), user.home / "unfinished")

        def results(_id: str) -> Path:
            folder = user.folder / "results"
            folder.mkdir(exist_ok=True)
            return folder

        order = Order(source=source, target=target, name="Move it", results=results, ask=False, existing=existing)
        with (
            LocalServer(state=user.home / "state.db") as server,
            Client(base_url=server.url, api_key=server.api_key) as client,
        ):
            return MainJob(client, order, tell, memory).run()

    return once


def fill(user: User) -> None:
    user.database(
        "shop.db",
        "CREATE TABLE events (id INTEGER PRIMARY KEY, what TEXT NOT NULL, at TEXT)",
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
        "INSERT INTO events SELECT i, 'event ' || i, '2026-01-02 03:04:05' FROM n",
    )


def test_stopped_before_the_start_nothing_is_written(user: User, run: Run) -> None:
    user.database("shop.db", *SHOP)

    with pytest.raises(StoppedError, match="nothing had been written"):
        run(StopAt("Planning"))

    assert not (user.folder / "copy.db").exists()
    assert list((user.home / "unfinished").glob("*")) == []
    assert run(StopAt("never")).records == 5


def test_stopped_in_the_middle_it_goes_on_where_it_was(user: User, run: Run) -> None:
    fill(user)
    with pytest.raises(StoppedError) as stopped:
        run(StopAt("data_transfer"))

    assert "run the same command again" in stopped.value.message
    again = StopAt("never")
    outcome = run(again)

    assert outcome.records == ROWS
    assert "earlier run" in again.said
    # What the first run told is not told again, and no time tells of the break.
    assert "Schema migration" not in again.said
    # A pause that came with the last batch leaves nothing of the phase to tell.
    assert ("Data transfer" in again.said) == ("Data transfer: All rows are copied\n" in again.said)
    assert "all runs together" in again.said
    query = "SELECT count(*), min(id), max(id), sum(id), sum(length(what)), count(DISTINCT id) FROM events"
    assert user.rows("copy.db", query) == user.rows("shop.db", query)


def test_stopped_while_validating_the_data_is_not_copied_again(user: User, run: Run) -> None:
    user.database("shop.db", *SHOP)
    with pytest.raises(StoppedError, match="the data is complete on the target"):
        run(StopAt("Validating"))

    again = StopAt("never")
    outcome = run(again)

    assert outcome.proof.certificate is not None
    assert "only its validation is left" in again.said
    assert user.rows("copy.db", "SELECT count(*) FROM orders") == [(3,)]


@pytest.mark.parametrize("moment", ["data_transfer", "Validating"])
def test_what_was_thrown_away_in_between_is_moved_afresh(moment: str, user: User, run: Run) -> None:
    fill(user)
    with pytest.raises(StoppedError):
        run(StopAt(moment))
    assert (user.folder / "copy.db").exists()
    (user.folder / "copy.db").unlink()

    again = StopAt("never")
    outcome = run(again)

    assert "is not on the target any more; starting afresh" in again.said
    assert outcome.proof.certificate is not None
    assert user.rows("copy.db", "SELECT count(*) FROM events") == [(ROWS,)]


def test_a_wrong_password_in_between_does_not_hinder_the_cleaning_up(user: User, run: Run, postgres_url: str) -> None:
    user.database("shop.db", *SHOP, "INSERT INTO orders VALUES (4, 1, 'a' || char(0) || 'b')")
    with pytest.raises(CommandError, match="run the same command again"):
        run(StopAt("never"), postgres_url)
    before, at, after = postgres_url.rpartition("@")
    with pytest.raises(CommandError, match="refused user"):
        run(StopAt("never"), f"{before}not-it{at}{after}", scope=("another errand",))
    user.database("shop.db", "DELETE FROM orders WHERE id = 4")

    assert run(StopAt("never"), postgres_url).records == 5


def test_after_a_failure_it_says_what_is_there_and_the_same_command_starts_over(
    user: User, run: Run, postgres_url: str
) -> None:
    user.database("shop.db", *SHOP, "INSERT INTO orders VALUES (4, 1, 'a' || char(0) || 'b')")
    with pytest.raises(CommandError) as failed:
        run(StopAt("never"), postgres_url)

    assert "customers" in failed.value.message
    assert "orders" in failed.value.message
    assert "run the same command again" in failed.value.message
    user.database("shop.db", "DELETE FROM orders WHERE id = 4")
    again = StopAt("never")
    outcome = run(again, postgres_url)

    assert "Removed what an earlier run wrote" in again.said
    assert outcome.records == 5
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (3,)


def test_a_failure_says_one_way_to_go_on(user: User, run: Run, postgres_url: str) -> None:
    """The server tells how to go on with the API; here there is one command, which is said once."""
    user.database("shop.db", *SHOP, "INSERT INTO orders VALUES (4, 1, 'a' || char(0) || 'b')")
    with pytest.raises(CommandError) as failed:
        run(StopAt("never"), postgres_url)

    said = failed.value.message
    assert "mend the source or the mappings" in said
    assert "resume" not in said
    assert said.count("run the same command again") == 1


def test_a_finished_job_begins_anew(user: User, run: Run) -> None:
    user.database("shop.db", *SHOP)
    first = run(StopAt("never"))
    (user.folder / "copy.db").unlink()

    second = run(StopAt("never"))

    assert second.migration_id != first.migration_id
    assert second.records == 5


def test_starting_over_brings_back_what_an_earlier_run_made_room_for(user: User, run: Run) -> None:
    """A run that emptied a table failed; nothing of the old rows is lost by trying again."""
    user.database("shop.db", "CREATE TABLE things (id INTEGER PRIMARY KEY)", "INSERT INTO things VALUES (1), (2)")
    user.database(
        "copy.db", "CREATE TABLE things (id INTEGER PRIMARY KEY CHECK (id > 9))", "INSERT INTO things VALUES (10)"
    )
    with pytest.raises(CommandError, match="cannot be carried"):
        run(StopAt("never"), existing="truncate")
    assert user.rows("copy.db", "SELECT id FROM things") == []

    again = StopAt("never")
    with pytest.raises(CommandError, match="already has things"):
        run(again)

    assert "brought back what was there before it" in again.said
    assert user.rows("copy.db", "SELECT id FROM things") == [(10,)]
