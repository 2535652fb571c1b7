"""The worker of a queue: what it begins it ends, and what it cannot end it leaves to the next."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio.to_thread
import pytest
from sqlalchemy.exc import OperationalError

from sensei.server.queue_worker import QueueWorker

PATIENCE_SECONDS = 30


class Worker(QueueWorker[str]):
    """Takes texts from a list; a test says how attempts go."""

    def __init__(self, *items: str) -> None:
        super().__init__("test", looked_every_seconds=0.01, grace_seconds=0.05, forgotten_every=1_000_000)
        self.waiting = list(items)
        self.done: list[str] = []
        self.released: list[str] = []
        self.is_broken = False
        self.refusals = 0
        self.times_refused = 0
        self.refused = threading.Event()
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self.settled = threading.Event()

    def id_of(self, item: str) -> str:
        return item

    def about(self, item: str) -> dict[str, str]:
        return {"item": item}

    def take(self, round_number: int) -> list[str]:
        if self.is_broken:
            self.times_refused += 1
            if self.times_refused == 3:
                self.refused.set()
            raise OperationalError("SELECT", {}, Exception("the disk is away"))
        taken, self.waiting = self.waiting, []
        return taken

    async def work_off(self, item: str) -> None:
        self.arrived.set()
        await anyio.to_thread.run_sync(self.go_on.wait, PATIENCE_SECONDS, abandon_on_cancel=True)
        if self.refusals:
            self.refusals -= 1
            raise OperationalError("UPDATE", {}, Exception("the disk is away"))
        self.done.append(item)
        self.settled.set()

    def release(self, item: str) -> None:
        self.released.append(item)
        self.waiting.append(item)

    def forget_old(self) -> None: ...


@contextmanager
def running(worker: Worker) -> Iterator[Worker]:
    worker.start()
    try:
        assert worker.arrived.wait(PATIENCE_SECONDS)
        yield worker
    finally:
        worker.stop()
        worker.go_on.set()


def test_what_is_under_way_is_not_cut_when_the_state_cannot_be_asked(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker("a")
    with running(worker):
        worker.is_broken = True
        assert worker.refused.wait(PATIENCE_SECONDS)
        worker.go_on.set()
        assert worker.settled.wait(PATIENCE_SECONDS)
    assert (worker.done, worker.released) == (["a"], [])
    assert "test could not ask the state; it asks again" in caplog.text


def test_what_could_not_be_recorded_is_attempted_again(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker("a")
    worker.refusals = 1
    worker.go_on.set()
    with running(worker):
        assert worker.settled.wait(PATIENCE_SECONDS)
    assert (worker.done, worker.released) == (["a"], ["a"])
    assert "an attempt could not be recorded; it is made again" in caplog.text


def test_what_does_not_end_in_time_is_left_to_the_next() -> None:
    worker = Worker("a", "b")
    with running(worker):
        pass
    assert worker.done == []
    assert sorted(worker.released) == ["a", "b"]
    assert list(worker.under_way) == []
