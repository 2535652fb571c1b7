"""Small samples of what `scripts/prove.py` proves at full size: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof import crash, effects, load, pacing, soak, stream, workers


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_server_that_is_killed_in_the_middle_of_the_main_job_leaves_everything_exact(
    tmp_path: Path, target: str
) -> None:
    report = crash.run(tmp_path, kills=2, seed=5, target=target, rows=3_000)

    assert report.problems == []
    assert len(report.kills) == 2
    assert report.rows == 3_000 * report.migrations
    assert report.posts > 0


def test_the_kills_of_a_seed_are_the_same_and_meet_every_moment() -> None:
    assert crash.plan_kills(50, 1) == crash.plan_kills(50, 1) != crash.plan_kills(50, 2)
    assert {kill.moment for kill in crash.plan_kills(50, 1)} == set(crash.MOMENTS)


def test_many_clients_lose_nothing_double_nothing_and_are_refused_honestly(tmp_path: Path) -> None:
    report = load.run(tmp_path, clients=20, seconds=3, seed=1, tier="starter")

    assert report.problems == []
    assert report.statuses[429] > 0
    assert report.replays > 0
    assert set(report.statuses) <= {200, 201, 204, 429}


def test_posts_under_faults_have_each_effect_once(tmp_path: Path) -> None:
    report = effects.run(tmp_path, calls=150, seed=3)

    assert report.problems == []
    assert report.failed_attempts > 0
    assert report.effects == report.answered + report.unknown


def test_without_retries_what_is_unknown_is_settled_by_its_key(tmp_path: Path) -> None:
    report = effects.run(tmp_path, calls=60, seed=4, max_retries=0)

    assert report.problems == []
    assert report.unknown > 0


def test_calls_leave_no_file_handle_and_no_thread_behind(tmp_path: Path) -> None:
    report = soak.run(tmp_path, calls=2_500, seed=1)

    assert report.problems == []
    assert set(report.calls) == {"plan", "plain", "refused", "stream", "new client", "async", "migration"}


def test_what_grows_is_found() -> None:
    report = soak.Report()
    report.calls["plain"] = soak.JUDGED_FROM
    for n in range(100):
        report.samples["server"].append(soak.Sample(memory=10**8 + n * 10**6, files=20, threads=10 + n // 4))
        report.samples["client"].append(soak.Sample(memory=10**8, files=20, threads=10))
    report.judge()

    assert [problem.split(" ")[-1] for problem in report.problems] == ["threads", "36.5%"]


def test_a_stream_that_is_cut_again_and_again_loses_and_doubles_nothing() -> None:
    report = stream.run(events=5_000, cut_every=100, seed=1)

    assert report.problems == []
    assert (report.received, report.connections) == (5_000, report.connections)
    assert report.connections >= 50


def test_many_calls_at_once_keep_to_a_small_allowance(tmp_path: Path) -> None:
    report = pacing.run(tmp_path, calls=60, tier="free")

    assert report.problems == []
    assert report.succeeded == 60


@pytest.mark.parametrize("state", ["sqlite", "postgresql"])
def test_of_two_processes_on_one_state_the_survivor_finishes_the_work_of_the_other(tmp_path: Path, state: str) -> None:
    report = workers.run(tmp_path, state=state, migrations=3, rows=30_000)

    assert report.problems == []
    assert report.taken_over > 0
