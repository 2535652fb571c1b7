"""A day's worth of calls in fast motion: file handles, threads and memory of client and server stay flat."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sensei
from sensei import AsyncClient, Client
from tests.proof.serving import KEY, PAGE_BYTES, ServerProcess
from tests.proof.shop import make_shop

NOWHERE = {"path": "/nowhere.db"}
JUDGED_FROM = 20_000
"""Calls below which the growth of memory says nothing: what is loaded and cached on first use counts for too much."""
MOST_GROWTH = 0.03
MOST_MORE = {"files": 2, "threads": 8}
"""Threads are kept in a pool, which follows how much happens at once."""
SIDES = ("server", "client")


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process holds at one moment."""

    memory: int
    """Bytes."""
    files: int
    threads: int


@dataclass(slots=True)
class Report:
    """What came of a run."""

    calls: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[Sample]] = field(default_factory=lambda: {side: [] for side in SIDES})
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def quarters(self, side: str, what: str) -> list[float]:
        """Median of a figure in each quarter of the run."""
        taken = [getattr(sample, what) for sample in self.samples[side]]
        size = max(1, len(taken) // 4)
        return [statistics.median(taken[n * size : (n + 1) * size] or taken[-1:]) for n in range(4)]

    def judge(self) -> None:
        """Hold the last quarter against the second; what is set up in the first is not growth."""
        for side in SIDES:
            for what, most in MOST_MORE.items():
                before, after = self.quarters(side, what)[1::2]
                if after > before + most:
                    self.problems.append(f"the {side} went from {before:g} to {after:g} {what}")
            before, after = self.quarters(side, "memory")[1::2]
            if self.calls.total() >= JUDGED_FROM and after > before * (1 + MOST_GROWTH):
                self.problems.append(f"the memory of the {side} grew by {after / before - 1:.1%}")


def sample(pid: int | str, state: Path | None = None) -> Sample:
    """What a process holds now (Linux).

    Args:
        pid: Of the process.
        state: A database whose handles are left out: its pool bounds them, and keeps as many as were used together.
    """
    place = Path(f"/proc/{pid}")
    files = 0
    for handle in (place / "fd").iterdir():
        with suppress(FileNotFoundError):
            files += state is None or not str(handle.readlink()).startswith(str(state))
    return Sample(
        memory=int((place / "statm").read_text().split()[1]) * PAGE_BYTES,
        files=files,
        threads=sum(1 for _ in (place / "task").iterdir()),
    )


def run(folder: Path, *, calls: int, seed: int, say: Callable[[str], None] = lambda _: None) -> Report:
    """Make so many calls, of every kind that leaves something behind when it is not cleaned up.

    Parameters:
        folder: For the state and the databases; empty.
        calls: About how many.
        seed: Of the mixture.
        say: Told how far it is.
    """
    report = Report()
    dice = random.Random(seed)
    began = time.monotonic()
    make_shop(folder / "source.db", 200)
    with (
        ServerProcess(folder / "state.db", log=folder / "server.log") as server,
        Client(KEY, base_url=server.url) as client,
    ):
        watched = client.migrations.create(**_job(folder, "watched.db"))
        watched.wait_for_plan()
        report.calls["plan"] += 1
        due, number = 0, 0
        while (made := report.calls.total()) < calls:
            number += 1
            _round(server.url, client, watched.id, folder, dice, number, report)
            if made >= due:
                due += max(1, calls // 200)
                report.samples["server"].append(sample(server.pid, folder / "state.db"))
                report.samples["client"].append(sample("self"))
                if len(report.samples["server"]) % 20 == 0:
                    say(f"{made:,} calls: server {report.samples['server'][-1]}, client {report.samples['client'][-1]}")
    report.seconds = time.monotonic() - began
    report.judge()
    return report


def _job(folder: Path, target: str) -> dict[str, Any]:
    return {
        "name": target,
        "source": {"type": "sqlite", "connection_string": f"sqlite://{folder}/source.db"},
        "target": {"type": "sqlite", "connection_string": f"sqlite://{folder}/{target}"},
    }


def _round(
    url: str, client: Client, watched: str, folder: Path, dice: random.Random, number: int, report: Report
) -> None:
    made = client.connections.create(name=f"c{number}", type="sqlite", role="source", config=NOWHERE)
    client.connections.update(made.id, description="x" * dice.randrange(1_000))
    client.connections.list(limit=dice.choice((1, 20, 100)))
    client.connections.delete(made.id)
    for attempt in (
        lambda: client.connections.get(made.id),
        lambda: client.webhooks.create(url="http://example.com", events=["*"]),
    ):
        try:
            attempt()
        except (sensei.NotFoundError, sensei.UnprocessableEntityError):
            report.calls["refused"] += 1
        else:
            report.problems.append("a call that should be refused was not")
    report.calls["plain"] += 4
    if number % 5 == 0:
        # A stream that is left in the middle.
        with client.migrations.stream_events(watched) as events:
            next(iter(events))
        report.calls["stream"] += 1
    if number % 25 == 0:
        with Client(KEY, base_url=url) as other:
            other.webhooks.list()
        report.calls["new client"] += 1
    if number % 50 == 0:
        report.calls["async"] += asyncio.run(_many(url, watched))
    if number % 250 == 0:
        _migrate(client, folder, f"target-{number}.db", report)


async def _many(url: str, watched: str) -> int:
    async with AsyncClient(KEY, base_url=url) as client:
        await asyncio.gather(*(client.migrations.get(watched) for _ in range(20)))
        # One that is cut off by its deadline, mostly.
        with suppress(TimeoutError, sensei.SenseiError):
            await asyncio.wait_for(client.migrations.get(watched), 0.001)
    return 21


def _migrate(client: Client, folder: Path, target: str, report: Report) -> None:
    job = client.migrations.create(**_job(folder, target))
    job.wait_for_plan()
    job.start(skip_approval=True)
    done = job.wait()
    if done.status != "completed":
        report.problems.append(f"{target}: {done.status} {done.error}")
    client.migrations.delete(job.id)
    (folder / target).unlink()
    report.calls["migration"] += 4
