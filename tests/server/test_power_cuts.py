"""What is answered is on the disk by then: a power cut takes nothing that was acknowledged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sensei.server.serve import ServerThread
from sensei.server.store.durability import GroupSync
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


def test_a_disk_that_refuses_is_told_to_everybody_and_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "state.db-wal").touch()
    failing: Callable[[int], None] = lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error"))  # noqa: E731
    monkeypatch.setattr("sensei.server.store.durability.os.fsync", failing)
    sync = GroupSync(tmp_path / "state.db")
    with ThreadPoolExecutor(8) as pool:
        for waiting in [pool.submit(sync.wait) for _ in range(8)]:
            with pytest.raises(OSError, match="Input/output"):
                waiting.result(20)
    monkeypatch.undo()
    sync.wait()


def test_without_a_log_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    GroupSync(tmp_path / "state.db").wait()
