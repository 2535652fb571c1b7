"""Several processes on one state share the limits of an organization."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sensei.server.clock import ControllableClock
from sensei.server.http.rate_limit import RateLimitedError
from sensei.server.serve import ServerThread
from sensei.server.settings import RateLimits
from sensei.server.store.tables import ServerProcess
from tests.support.contract import ContractClient

StartServer = Callable[..., ServerThread]


def _let_through(server: ServerThread, calls: int) -> int:
    """How many of so many calls at the same moment are not refused."""
    through = 0
    for _ in range(calls):
        try:
            server.runtime.count("org_x", None)
        except RateLimitedError:
            continue
        through += 1
    return through


def _meet(*servers: ServerThread) -> None:
    for server in servers:
        server.runtime._meet_others()


@pytest.mark.parametrize(("processes", "each"), [(1, 10), (2, 5), (3, 3)])
def test_the_second_is_divided_among_those_that_run(start_server: StartServer, processes: int, each: int) -> None:
    servers = [start_server(limits=RateLimits(per_second=10, per_day=None)) for _ in range(processes)]
    _meet(*servers)
    assert [_let_through(server, 12) for server in servers] == [each] * processes


def test_what_stops_gives_its_part_back(start_server: StartServer, clock: ControllableClock) -> None:
    limits = RateLimits(per_second=10, per_day=None)
    first, second = start_server(limits=limits), start_server(limits=limits)
    _meet(first, second)
    assert _let_through(first, 12) == 5
    second.stop()
    _meet(first)
    clock.advance(1)
    assert _let_through(first, 12) == 10


def test_a_process_that_died_counts_no_more(start_server: StartServer) -> None:
    first = start_server(limits=RateLimits(per_second=10, per_day=None))
    host = os.uname().nodename
    with first.runtime.store.write() as session:
        now = datetime.now(UTC)
        session.add(ServerProcess(id="srv_dead", owner=f"{host}:999999999:x", seen_at=now))
        session.add(ServerProcess(id="srv_silent", owner="elsewhere:1:x", seen_at=now - timedelta(seconds=21)))
        session.add(ServerProcess(id="srv_alive", owner="elsewhere:1:y", seen_at=now))
    _meet(first)
    assert _let_through(first, 12) == 5


def test_the_day_is_counted_together_to_the_last_call(start_server: StartServer, clock: ControllableClock) -> None:
    limits = RateLimits(per_second=1_000, per_day=50)
    servers = [start_server(limits=limits) for _ in range(3)]
    _meet(*servers)
    through = 0
    for _ in range(40):
        through += sum(_let_through(server, 1) for server in servers)
    assert through == 50


def test_limits_of_an_operation_are_divided_too(start_server: StartServer, postgres_url: str, tmp_path: Path) -> None:
    limits = RateLimits(endpoints={"webhooks.create": 4})
    one, two = (start_server(state=postgres_url, key_file=tmp_path / "key", limits=limits) for _ in range(2))
    _meet(one, two)
    hook = {"url": "https://example.com", "events": ["*"]}
    with ContractClient(one.url, one.api_key) as first, ContractClient(two.url, two.api_key) as second:
        for client in (first, second):
            statuses = [client.post("/v1/webhooks", json=hook).status_code for _ in range(4)]
            assert statuses == [201, 201, 429, 429]


def test_calls_of_yesterday_are_not_taken_for_those_of_today(
    start_server: StartServer, clock: ControllableClock
) -> None:
    server = start_server(limits=RateLimits(per_second=None, per_day=10))
    assert _let_through(server, 12) == 10
    # What was counted just before midnight is written down just after it.
    clock.advance(86_400)
    server.runtime.save_usage()
    assert _let_through(server, 12) == 10


def test_calls_that_could_not_be_written_down_are_written_down_later(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server()

    with ContractClient(server.url, server.api_key) as client:

        def used() -> int:
            return int(client.get("/v1/usage/current").json()["requests"]["total"])

        before = used()
        with monkeypatch.context() as patch:
            patch.setattr("sensei.server.runtime._add_usage", _refuse)
            for _ in range(5):
                assert client.get("/v1/connections").status_code == 200
            with pytest.raises(OSError, match="disk"):
                server.runtime.save_usage()
        assert used() == before + 6


def _refuse(*_: object) -> int:
    raise OSError("the disk is full")
