"""What is answered is on the disk by then: a power cut takes nothing that was acknowledged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from sensei.server.engine.transfer.write_sqlite import SqliteTarget
from sensei.server.serve import ServeError, ServerThread, Serving, serve
from sensei.server.settings import Settings
from sensei.server.store.database import Store
from sensei.server.store.durability import GroupSync, OutcomeUnknownError
from tests.server.real import Files
from tests.support.contract import ContractClient

BODY = {"name": "a", "type": "sqlite", "role": "both", "config": {"path": "/nowhere.db"}}


class Disk:
    """A disk that can be held up; it knows how often it was asked and whether the log was written by then."""

    def __init__(self, patch: pytest.MonkeyPatch, log: Path) -> None:
        self.log = log
        self.asked = 0
        self.sizes: list[int] = []
        self.ready = threading.Event()
        self.ready.set()
        self.waited_for = threading.Event()
        patch.setattr("sensei.server.store.durability.os.fsync", self.fsync)

    def fsync(self, descriptor: int) -> None:
        assert os.path.samestat(os.fstat(descriptor), self.log.stat())
        self.asked += 1
        self.sizes.append(os.fstat(descriptor).st_size)
        self.waited_for.set()
        assert self.ready.wait(20)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, server: ServerThread, tmp_path: Path) -> Disk:
    return Disk(monkeypatch, tmp_path / "state.db-wal")


def test_no_answer_before_the_disk_has_it(admin: ContractClient, disk: Disk) -> None:
    disk.ready.clear()
    disk.waited_for.clear()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(admin.post, "/v1/connections", json=BODY)
        assert disk.waited_for.wait(20)
        # Everybody sees it, but nobody was told that it is safe.
        assert not answer.done()
        disk.ready.set()
        made = answer.result(20).json()
    assert admin.get(f"/v1/connections/{made['id']}").status_code == 200


def test_reads_do_not_wait_for_the_disk(admin: ContractClient, disk: Disk) -> None:
    admin.get("/v1/connections")
    before = disk.asked
    admin.get("/v1/connections")
    assert disk.asked == before


def test_those_who_wait_at_the_same_time_wait_for_one_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "state.db-wal"
    log.touch()
    disk = Disk(monkeypatch, log)
    disk.ready.clear()
    sync = GroupSync(tmp_path / "state.db")
    with ThreadPoolExecutor(32) as pool:
        first = pool.submit(sync.wait)
        assert disk.waited_for.wait(20)
        others = [pool.submit(sync.wait) for _ in range(31)]
        while sync._asked < 32:
            threading.Event().wait(0.001)
        # The write under way began before they came, so it does not count for them.
        assert not any(other.done() for other in others)
        disk.ready.set()
        for waiting in [first, *others]:
            waiting.result(20)
    assert disk.asked == 2


def _refuse(_descriptor: int) -> None:
    raise OSError(5, "Input/output error")


def test_a_disk_that_refuses_is_told_to_everybody_and_never_trusted_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "state.db-wal").touch()
    monkeypatch.setattr("sensei.server.store.durability.os.fsync", _refuse)
    sync = GroupSync(tmp_path / "state.db")
    with ThreadPoolExecutor(8) as pool:
        for waiting in [pool.submit(sync.wait) for _ in range(8)]:
            with pytest.raises(OutcomeUnknownError):
                waiting.result(20)
    monkeypatch.undo()
    # The system has dropped what it could not write, and calls the next attempt a success.
    with pytest.raises(OutcomeUnknownError):
        sync.wait()


def test_an_answer_that_is_asked_for_again_waits_for_the_disk_too(admin: ContractClient, disk: Disk) -> None:
    key = {"X-Idempotency-Key": "once"}
    made = admin.post("/v1/connections", json=BODY, headers=key).json()
    before = disk.asked
    # Whoever asked first may still be waiting.
    assert admin.post("/v1/connections", json=BODY, headers=key).json()["id"] == made["id"]
    assert disk.asked > before


def test_without_its_disk_a_server_answers_no_change_and_ends(
    monkeypatch: pytest.MonkeyPatch, server: ServerThread, admin: ContractClient
) -> None:
    monkeypatch.setattr("sensei.server.store.durability.os.fsync", _refuse)
    # Neither that it happened nor that it did not is known, not even to those who ask again.
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            admin.post("/v1/connections", json=BODY, headers={"X-Idempotency-Key": "once"})
    server._thread.join(20)
    assert not server._thread.is_alive()


def test_an_application_that_asks_for_a_token_gets_no_answer_either(
    monkeypatch: pytest.MonkeyPatch, server: ServerThread, admin: ContractClient
) -> None:
    body = {"name": "ci", "scopes": ["connections:read"]}
    known = admin.post("/v1/service-accounts", json=body).json()["credentials"]
    monkeypatch.setattr("sensei.server.store.durability.os.fsync", _refuse)
    with pytest.raises(httpx.TransportError):
        admin.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(known["client_id"], known["client_secret"]),
        )


def test_serve_says_why_it_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def ready(facts: Serving) -> None:
        monkeypatch.setattr("sensei.server.store.durability.os.fsync", _refuse)
        pool.submit(change, facts)

    def change(facts: Serving) -> None:
        with ContractClient(facts.url, facts.api_key) as client:
            client.post("/v1/connections", json=BODY)

    with ThreadPoolExecutor(1) as pool, pytest.raises(ServeError, match="disk"):
        serve(Settings(state=tmp_path / "state.db"), port=0, on_ready=ready)


def test_a_state_that_goes_away_during_a_commit_leaves_the_outcome_open(
    monkeypatch: pytest.MonkeyPatch, server: ServerThread, admin: ContractClient
) -> None:
    def commit(_session: Session) -> None:
        raise OperationalError("COMMIT", None, Exception("server closed the connection"), connection_invalidated=True)

    monkeypatch.setattr(Session, "commit", commit)
    with pytest.raises(httpx.TransportError):
        admin.post("/v1/connections", json=BODY)
    monkeypatch.undo()
    # The next call may find it well again.
    assert admin.post("/v1/connections", json=BODY).status_code == 201


def test_without_a_log_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    GroupSync(tmp_path / "state.db").wait()


def test_the_state_is_on_the_disk_before_the_ledger_of_the_target_goes(
    monkeypatch: pytest.MonkeyPatch, admin: ContractClient, tmp_path: Path
) -> None:
    done: list[str] = []
    wait, forget = Store.make_durable, SqliteTarget.forget

    def make_durable(store: Store) -> None:
        wait(store)
        if threading.current_thread().name.startswith("sensei-worker"):
            done.append("on the disk")

    def forget_it(*given: Any, **named: Any) -> None:
        done.append("ledger gone")
        forget(*given, **named)

    monkeypatch.setattr(Store, "make_durable", make_durable)
    monkeypatch.setattr(SqliteTarget, "forget", forget_it)
    files = Files(admin, tmp_path / "from.db", tmp_path / "to.db")
    files.run(files.source, "CREATE TABLE a (b INTEGER PRIMARY KEY); INSERT INTO a VALUES (1)")
    files.finished()
    assert done[: done.index("ledger gone")].count("on the disk") == 3  # schema, data, and all of the target


def test_a_disk_that_refuses_does_not_fail_the_migration(
    monkeypatch: pytest.MonkeyPatch, start_server: Callable[..., ServerThread], tmp_path: Path
) -> None:
    server = start_server()
    with ContractClient(server.url, server.api_key) as client:
        files = Files(client, tmp_path / "from.db", tmp_path / "to.db")
        files.run(files.source, "CREATE TABLE a (b INTEGER PRIMARY KEY); INSERT INTO a VALUES (1)")
        mig = files.planned()
        make_durable = Store.make_durable

        def refuse(store: Store) -> None:
            if threading.current_thread().name.startswith("sensei-worker"):
                monkeypatch.setattr("sensei.server.store.durability.os.fsync", _refuse)
            make_durable(store)

        monkeypatch.setattr(Store, "make_durable", refuse)
        assert client.post(f"/v1/migrations/{mig}/start", json={}).status_code == 202
        server._thread.join(20)
    monkeypatch.undo()
    again = start_server(api_key=server.api_key)
    with ContractClient(again.url, again.api_key) as client:
        Files(client, tmp_path / "from.db", tmp_path / "to.db").wait(mig, "completed")
