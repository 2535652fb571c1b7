"""What was acknowledged is kept: over a stop, a kill, a lost lease, and with several servers on one state."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from sensei.server import leases
from sensei.server.clock import SystemClock
from sensei.server.migrations import supervisor
from sensei.server.serve import ServerThread
from sensei.server.store.migration_tables import Migration
from tests.server.scripted_engine import ScriptedEngine
from tests.server.waiting import wait_until
from tests.server.world import ELSEWHERE, Event, World, parse
from tests.support.contract import ContractClient

KEY = "sk_test_0123456789abcdef"
ROWS = 30_000

_SERVER = """
import sys
from sensei.server.serve import serve
from sensei.server.settings import Settings
serve(Settings(state=sys.argv[1], lease_seconds=3), port=0, api_key=sys.argv[2],
      on_ready=lambda facts: print(facts.url, flush=True))
"""


@contextmanager
def server_process(state: Path) -> Iterator[tuple[subprocess.Popen[str], ContractClient]]:
    """A server in a process of its own, and a client of it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(state), KEY], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the server did not start"
        with ContractClient(url, KEY) as client:
            yield process, client
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def _shop(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.executescript(
            """
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers, note TEXT);
            """
        )
        db.executemany("INSERT INTO customers VALUES (?, ?)", [(n, f"näme {n}") for n in range(100)])
        notes = (None, "", "x", "\u2028", "a'b")
        db.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(n, n % 100, notes[n % 5]) for n in range(ROWS)])
    db.close()


def _rows(path: Path) -> dict[str, list[Any]]:
    db = sqlite3.connect(path)
    try:
        return {name: db.execute(f"SELECT * FROM {name} ORDER BY id").fetchall() for name in ("customers", "orders")}
    finally:
        db.close()


def _begin(client: ContractClient, folder: Path) -> str:
    """Make a migration of the shop and start it."""
    ends = {}
    for role in ("source", "target"):
        body = {"name": role, "type": "sqlite", "role": role, "config": {"path": str(folder / f"{role}.db")}}
        ends[role] = {"connection_id": client.post("/v1/connections", json=body).json()["id"]}
    options = {"batch_size": 500, "parallelism": 1, "validation_type": "quick"}
    made = client.post("/v1/migrations", json={"name": "m", **ends, "options": options})
    mig = str(made.json()["id"])
    _follow(client, mig, lambda event: event.data.get("status") in ("approved", "plan_ready"))
    assert client.post(f"/v1/migrations/{mig}/start", json={"skip_approval": True}).status_code == 202
    return mig


def _follow(client: ContractClient, mig: str, until: Callable[[Event], bool]) -> list[Event]:
    seen: list[Event] = []
    with client.stream("GET", f"/v1/migrations/{mig}/events") as response:
        for event in parse(response.iter_lines()):
            seen.append(event)
            if until(event) or event.name == "end":
                break
    return seen


def _moving(event: Event) -> bool:
    return event.name == "progress" and event.data["phase"] == "data_transfer" and event.data["records_processed"] > 0


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_running_migration_goes_on_after_its_process_is_gone(tmp_path: Path, ending: signal.Signals) -> None:
    _shop(tmp_path / "source.db")
    state = tmp_path / "state.db"
    with server_process(state) as (process, client):
        mig = _begin(client, tmp_path)
        seen = _follow(client, mig, _moving)
        process.send_signal(ending)
        process.wait(30)
    with server_process(state) as (_, client):
        story = _follow(client, mig, lambda event: event.name == "end")
        shown = client.get(f"/v1/migrations/{mig}").json()
    assert shown["status"] == "completed", shown["error"]
    assert shown["metrics"]["records_processed"] == ROWS + 100
    assert _rows(tmp_path / "target.db") == _rows(tmp_path / "source.db")
    # What a client had seen before is still there, under the same ids, and the ids went on growing.
    assert [(e.id, e.data) for e in story[: len(seen)]] == [(e.id, e.data) for e in seen]
    assert [e.id for e in story] == sorted({e.id for e in story})


KILLS = int(os.environ.get("SENSEI_KILLS", "4"))
_KILLS_A_JOB = 2


@pytest.mark.timeout(60 + 60 * KILLS)
def test_kills_at_random_points_lose_nothing(tmp_path: Path) -> None:
    """A short seeded sample; ``SENSEI_KILLS=50`` is the full run."""
    dice = random.Random(2026)
    for job in range(0, KILLS, _KILLS_A_JOB):
        folder = tmp_path / str(job)
        folder.mkdir()
        _shop(folder / "source.db")
        mig = ""
        seen: list[Event] = []
        for _ in range(_KILLS_A_JOB):
            with server_process(folder / "state.db") as (process, client):
                mig = mig or _begin(client, folder)
                more = dice.randrange(len(seen) + 1, len(seen) + 14)
                last = 0 if not seen else seen[-1].id
                seen += [e for e in _follow(client, mig, lambda e, n=more: e.id >= n) if e.id > last]
                process.kill()
                process.wait(30)
        with server_process(folder / "state.db") as (_, client):
            story = _follow(client, mig, lambda event: event.name == "end")
            shown = client.get(f"/v1/migrations/{mig}").json()
        assert shown["status"] == "completed", shown["error"]
        assert _rows(folder / "target.db") == _rows(folder / "source.db")
        assert [(e.id, e.data) for e in story[: len(seen)]] == [(e.id, e.data) for e in seen]


def test_a_validation_is_taken_up_by_the_next_server(
    start_server: Callable[..., ServerThread], engine: ScriptedEngine
) -> None:
    first = start_server(api_key=KEY)
    engine.hold_in.add("validation")
    with ContractClient(first.url, KEY) as client:
        world = World(first, client)
        mig = world.planned()
        world.post(mig, "start")
        assert engine.arrived.wait(10)
        validation = world.get(mig)["validation_id"]
    first.stop()
    engine.hold_in.clear()
    second = start_server(api_key=KEY)
    with ContractClient(second.url, KEY) as client:
        story = _follow(client, mig, lambda event: event.name == "end")
        shown = client.get(f"/v1/migrations/{mig}").json()
    assert (shown["status"], shown["validation_id"]) == ("completed", validation)
    assert story[-1].data["status"] == "completed"


@pytest.mark.parametrize("status", ["pausing", "cancelling", "rolling_back", "pending", "planning"])
def test_whatever_a_dead_process_left_is_brought_to_an_end(world: World, engine: ScriptedEngine, status: str) -> None:
    mig = world.planned()
    written = {"tables": {"items": {"rows_done": 100}}, "created_tables": ["items"]}
    world.put_into(
        mig,
        status,
        state=written,
        cancel_rollback=True,
        rollback={"strategy": "truncate", "scope": "full"},
        owner=f"{leases.socket.gethostname()}:999999999:0",
    )
    expected = {"pausing": "paused", "cancelling": "cancelled", "rolling_back": "rolled_back"}.get(status, "approved")
    world.server.runtime.supervisor.wake()
    world.wait_for(mig, expected)
    assert engine.rollbacks == ([None] if status in ("cancelling", "rolling_back") else [])


def test_work_of_a_living_process_is_left_alone_and_taken_when_its_lease_ends(
    world: World, engine: ScriptedEngine
) -> None:
    mig = world.planned()
    world.put_into(mig, "running", phases={"planning": {"status": "completed"}})
    world.server.runtime.supervisor.wake()
    assert world.row(mig).owner == ELSEWHERE
    assert engine.phases_run == []
    with world.server.runtime.store.write() as session:
        session.get_one(Migration, mig).lease_until = SystemClock().now()
    world.server.runtime.supervisor.wake()
    world.wait_for(mig, "completed")


def test_a_lease_that_cannot_be_given_back_holds_up_nothing(
    world: World, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned()
    world.post(mig, "start")
    assert engine.arrived.wait(10)

    def refuse(*_: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("the disk is away"))

    with monkeypatch.context() as broken:
        broken.setattr(supervisor, "update", refuse)
        engine.go_on.set()
        _wait_until_idle(world)
    assert "leases could not be given back" in caplog.text
    assert world.get(mig)["status"] == "completed"
    # What is left of it runs out, and whatever there still is to do is done.
    world.put_into(mig, "rolling_back")
    with world.server.runtime.store.write() as session:
        row = session.get_one(Migration, mig)
        row.owner, row.lease_until = leases.this_owner(), SystemClock().now()
    world.server.runtime.supervisor.wake()
    world.wait_for(mig, "rolled_back")


def test_a_worker_that_lost_its_lease_leaves_no_trace(
    world: World, engine: ScriptedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned()
    world.post(mig, "start")
    assert engine.arrived.wait(10)
    world.put_into(mig, "running")
    before = [event.id for event in _until_now(world, mig)]
    engine.go_on.set()
    _wait_until_idle(world)
    assert world.row(mig).owner == ELSEWHERE
    assert world.row(mig).status == "running"
    assert [event.id for event in _until_now(world, mig)] == before
    assert "taken over" in caplog.text


def _until_now(world: World, mig: str) -> list[Event]:
    last = world.row(mig).last_event_id
    seen: list[Event] = []
    for event in world.events(mig):
        seen.append(event)
        if event.id >= last - 1:
            break
    return seen


def _wait_until_idle(world: World) -> None:
    wait_until(lambda: not world.server.runtime.supervisor.is_busy)


def test_two_servers_on_one_state_share_the_work(
    start_server: Callable[..., ServerThread], engine: ScriptedEngine
) -> None:
    one, two = start_server(api_key=KEY), start_server(api_key=KEY)
    with ContractClient(one.url, KEY) as first, ContractClient(two.url, KEY) as second:
        here, there = World(one, first), World(two, second)
        migs = [(here if n % 2 else there).planned() for n in range(6)]
        for mig in migs:
            assert here.post(mig, "start").status_code == 202
        for mig in migs:
            # Followed where it may not run: the other process's events come through the state.
            assert there.wait_for(mig, "completed")["metrics"]["records_processed"] == 300
        assert len(engine.phases_run) == 3 * len(migs), "nothing was done twice"


def test_a_state_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    from sensei.server.settings import Settings
    from sensei.server.store import StoreError

    (tmp_path / "state.db").write_text("this is no database " * 100)
    with pytest.raises(StoreError, match=r"cannot open the state .*state\.db: file is not a database"):
        ServerThread(Settings(state=tmp_path / "state.db"))


def test_secrets_need_the_key_file(tmp_path: Path, start_server: Callable[..., ServerThread]) -> None:
    from sensei.server.crypto.vault import Vault, VaultError

    server = start_server()
    key_file = server.runtime.settings.resolved_key_file
    assert key_file.stat().st_mode & 0o777 == 0o600
    sealed = server.runtime.store.vault.seal({"password": "hunter2"})
    assert b"hunter2" not in sealed
    assert Vault(key_file).open(sealed) == {"password": "hunter2"}
    with pytest.raises(VaultError, match="does not open"):
        Vault(tmp_path / "other.key").open(sealed)
    key_file.write_text("nonsense")
    with pytest.raises(VaultError, match="holds no encryption key"):
        Vault(key_file)
