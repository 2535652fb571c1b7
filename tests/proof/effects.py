"""Thousands of POSTs against a server that fails by chance: each effect exactly once, or an error that says how to ask.

The calls end in one of three ways, and each is held to what it promises:

- an answer: the effect is there, once;
- `OutcomeUnknownError`: the same call again, with the key that the error carries, settles it;
- another error: nothing happened.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from sensei import AsyncClient, Hooks, OutcomeUnknownError, RetryPolicy, SenseiError
from tests.proof.serving import KEY, ServerProcess

KINDS = ("rate_limit", "unavailable", "error", "cut_before", "cut_after", "slow", "stall")
TIMEOUT_SECONDS = 3.0
"""For one attempt, so that a stalled answer is given up soon; longer than the server needs when it is busy."""


@dataclass(slots=True)
class Report:
    """What came of a run."""

    calls: int
    attempts: int = 0
    failed_attempts: int = 0
    answered: int = 0
    unknown: int = 0
    refused: int = 0
    effects: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(
    folder: Path, *, calls: int, seed: int, rate: float = 0.3, concurrency: int = 24, max_retries: int = 4
) -> Report:
    """Make so many POSTs while a share of all calls fails.

    Parameters:
        folder: Where the state is kept; empty.
        calls: How many.
        seed: Of the faults.
        rate: Share of the calls that fail, 0 to 1.
        concurrency: Calls at a time.
        max_retries: Tries of the SDK after the first one.
    """
    began = time.monotonic()
    with ServerProcess(folder / "state.db", ("--faults",), folder / "server.log") as server:
        report = asyncio.run(_run(server.url, calls, seed, rate, concurrency, max_retries))
    report.seconds = time.monotonic() - began
    return report


async def _plan_faults(url: str, chance: dict[str, object] | None) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as raw:
        (await raw.post(f"{url}/_faults", json={"random": chance})).raise_for_status()


async def _run(url: str, calls: int, seed: int, rate: float, concurrency: int, max_retries: int) -> Report:
    report = Report(calls)
    unsettled: dict[str, str] = {}
    refused: list[str] = []
    ids: dict[str, str] = {}
    names = iter([f"effect-{number}" for number in range(calls)])

    def count(_: object) -> None:
        report.attempts += 1

    def count_failure(_: object) -> None:
        report.failed_attempts += 1

    async def create(client: AsyncClient, name: str, key: str | None = None) -> None:
        made = await client.connections.create(
            name=name, type="sqlite", role="source", config={"path": "/nowhere.db"}, idempotency_key=key
        )
        ids[name] = made.id

    async def worker(client: AsyncClient) -> None:
        for name in names:
            try:
                await create(client, name)
                report.answered += 1
            except OutcomeUnknownError as error:
                unsettled[name] = error.idempotency_key
            except SenseiError as error:
                refused.append(f"{name}: {error!r}")

    hooks = Hooks(on_request=count, on_failure=count_failure)
    retry = RetryPolicy(max_retries=max_retries, initial_delay=0.05, max_delay=0.5)
    async with AsyncClient(KEY, base_url=url, retry=retry, timeout=TIMEOUT_SECONDS, hooks=hooks) as client:
        await _plan_faults(url, {"seed": seed, "rate": rate, "kinds": list(KINDS)})
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker(client))
        await _plan_faults(url, None)
        report.unknown, report.refused = len(unsettled), len(refused)
        before = await _effects(client)
        for name, key in unsettled.items():
            await create(client, name, key)
        after = await _effects(client)
    report.effects = after.total()
    report.problems += [
        f"an error said that nothing happened, but it did: {line}" for line in refused if before[line.partition(":")[0]]
    ]
    without = {line.partition(":")[0] for line in refused}
    expected = {f"effect-{number}" for number in range(calls)} - without
    report.problems += [f"{name} happened {after[name]} times" for name in sorted(expected) if after[name] != 1]
    return report


async def _effects(client: AsyncClient) -> Counter[str]:
    return Counter([connection.name async for connection in client.connections.list(limit=100)])
