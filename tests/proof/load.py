"""Hundreds of clients at once on one server with the limits of a plan: honest refusals, exact effects, flat memory."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sensei import AsyncClient, AsyncConnection, Hooks, RequestEvent, ResponseEvent, RetryPolicy, SenseiError
from tests.proof.pacing import TIER_LIMITS
from tests.proof.serving import KEY, ServerProcess

CONFIG = {"path": "/nowhere.db"}
PATIENT = RetryPolicy(max_retries=1_000)


@dataclass(slots=True)
class Report:
    """What came of a run."""

    clients: int
    limit: int
    calls: int = 0
    replays: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    """Seconds from sending a request that was carried out to its answer, without waits."""
    memory: list[int] = field(default_factory=list)
    """Bytes that the server held, once a second."""
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """A latency in seconds that this share of the requests stayed below."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    @property
    def memory_growth(self) -> float:
        """Growth of the memory from the second to the last quarter of the run, as a share."""
        quarter = max(1, len(self.memory) // 4)
        before, after = self.memory[quarter : 2 * quarter], self.memory[-quarter:]
        return sum(after) / len(after) / (sum(before) / len(before)) - 1 if before else 0.0


class Windows:
    """Holds the server's refusals against what it let through, second by second, as its answers tell."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._let_through: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self.problems: list[str] = []

    def note(self, event: ResponseEvent) -> None:
        """Take an answer in."""
        headers = event.response.headers
        reset = headers["x-ratelimit-reset"]
        if event.response.status_code != 429:
            self._let_through[reset] += 1
            return
        self._refused[reset] += 1
        if not headers.get("retry-after", "").isdecimal() or headers["x-ratelimit-remaining"] != "0":
            self.problems.append(f"a 429 that does not say when to come back: {dict(headers)}")

    def judge(self) -> list[str]:
        """What was wrong: more let through than allowed, or refused while there was room."""
        over = [f"{n} calls in the second before {at}" for at, n in self._let_through.items() if n > self._limit]
        early = [
            f"429 in the second before {at} after only {self._let_through[at]} calls"
            for at in self._refused
            if self._let_through[at] < self._limit
        ]
        return self.problems + over + early


@dataclass(slots=True)
class Expected:
    """What must be on the server at the end: the description of each connection by its id."""

    there: dict[str, str] = field(default_factory=dict)
    made: Counter[str] = field(default_factory=Counter)


def run(
    folder: Path,
    *,
    clients: int,
    seconds: float,
    seed: int,
    tier: str = "starter",
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Let so many clients call for so long, each with connections of its own.

    Parameters:
        folder: Where the state is kept; empty.
        clients: How many at a time.
        seconds: How long new calls are begun.
        seed: Of the mixture of calls.
        tier: Whose limits.
        say: Told how far it is.
    """
    report = Report(clients, TIER_LIMITS[tier])
    with ServerProcess(folder / "state.db", ("--tier", tier), folder / "server.log") as server:
        asyncio.run(_run(server, seconds, seed, report, say))
    return report


async def _run(server: ServerProcess, seconds: float, seed: int, report: Report, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    windows, expected = Windows(report.limit), Expected()
    done = asyncio.Event()

    async def sample() -> None:
        while not done.is_set():
            report.memory.append(server.memory())
            if len(report.memory) % 10 == 0:
                say(f"{len(report.memory)} s: {report.statuses.total()} requests, {report.memory[-1] >> 20} MiB")
            await asyncio.sleep(1)

    sampler = asyncio.create_task(sample())
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(report.clients):
                dice = random.Random(f"{seed}-{number}")
                group.create_task(_one(server.url, number, dice, began + seconds, report, windows, expected))
    finally:
        done.set()
        await sampler
    report.seconds = time.monotonic() - began
    report.problems += windows.judge()
    async with AsyncClient(KEY, base_url=server.url, retry=PATIENT, timeout=60) as client:
        found = [connection async for connection in client.connections.list(limit=100)]
    there = {connection.id: connection.description or "" for connection in found}
    names = Counter(connection.name for connection in found)
    report.problems += [f"{name} is there {n} times" for name, n in names.items() if n > 1]
    report.problems += [f"{name} was answered with {n} ids" for name, n in expected.made.items() if n > 1]
    lost, extra = expected.there.keys() - there.keys(), there.keys() - expected.there.keys()
    report.problems += [f"{key} is lost" for key in lost] + [f"{key} is there and should not be" for key in extra]
    report.problems += [
        f"{key} is described as {there[key]!r}, not {text!r}"
        for key, text in expected.there.items()
        if there.get(key, text) != text
    ]


async def _one(
    url: str, number: int, dice: random.Random, until: float, report: Report, windows: Windows, expected: Expected
) -> None:
    """One client: makes connections, asks for them again with the same key, reads, changes and deletes them."""
    sent = 0.0

    def note_request(_: RequestEvent) -> None:
        nonlocal sent
        sent = time.monotonic()

    def note_response(event: ResponseEvent) -> None:
        status = event.response.status_code
        report.statuses[status] += 1
        if status < 400:
            report.latencies.append(time.monotonic() - sent)
        windows.note(event)

    hooks = Hooks(on_request=note_request, on_response=note_response)
    own: list[str] = []
    async with AsyncClient(KEY, base_url=url, retry=PATIENT, timeout=60, hooks=hooks) as client:
        step = 0
        while time.monotonic() < until:
            step += 1
            try:
                await _step(client, f"client-{number}-{step}", dice, own, report, expected)
            except SenseiError as error:
                report.problems.append(f"client {number}: {error!r}")
                return


async def _step(
    client: AsyncClient, name: str, dice: random.Random, own: list[str], report: Report, expected: Expected
) -> None:
    what = dice.choice(("create", "twice", "get", "list", "update", "delete")) if own else "twice"
    report.calls += 1
    match what:
        case "create" | "twice":
            made = await _create(client, name)
            if what == "twice":
                report.calls, report.replays = report.calls + 1, report.replays + 1
                again = await _create(client, name)
                answer = again.last_response
                if again.id != made.id or answer is None or not answer.idempotent_replay:
                    report.problems.append(f"{name} was made as {made.id}, and again as {again.id}")
            own.append(made.id)
            expected.there[made.id] = name
            expected.made[name] += 1
        case "get":
            got = await client.connections.get(dice.choice(own))
            if got.description != expected.there[got.id]:
                report.problems.append(f"{got.id} is described as {got.description!r}")
        case "list":
            await client.connections.list(limit=10)
        case "update":
            chosen = dice.choice(own)
            await client.connections.update(chosen, description=name)
            expected.there[chosen] = name
        case _:
            chosen = own.pop(dice.randrange(len(own)))
            await client.connections.delete(chosen)
            del expected.there[chosen]


async def _create(client: AsyncClient, name: str) -> AsyncConnection:
    return await client.connections.create(
        name=name, description=name, type="sqlite", role="source", config=CONFIG, idempotency_key=name
    )
