"""Many calls at once through one client against a small allowance: all succeed, and hardly any is answered 429."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sensei import AsyncClient, Hooks, ResponseEvent, RetryPolicy, SenseiError
from tests.proof.serving import KEY, ServerProcess

TIER_LIMITS = {"free": 10, "starter": 50}


@dataclass(slots=True)
class Report:
    """What came of a run."""

    calls: int
    limit: int
    succeeded: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def refused_share(self) -> float:
        """Share of all requests that were answered 429."""
        return self.statuses[429] / max(1, self.statuses.total())


def run(folder: Path, *, calls: int, tier: str = "starter") -> Report:
    """Make so many calls at once against the limit of a plan.

    Parameters:
        folder: Where the state is kept; empty.
        calls: How many.
        tier: Whose limit: ``free`` or ``starter``.
    """
    report = Report(calls, TIER_LIMITS[tier])
    with ServerProcess(folder / "state.db", ("--tier", tier), folder / "server.log") as server:
        began = time.monotonic()
        asyncio.run(_run(server.url, report))
        report.seconds = time.monotonic() - began
    return report


async def _run(url: str, report: Report) -> None:
    def note(event: ResponseEvent) -> None:
        report.statuses[event.response.status_code] += 1

    async def call(client: AsyncClient) -> None:
        try:
            await client.connections.list(limit=1)
            report.succeeded += 1
        except SenseiError as error:
            report.problems.append(repr(error))

    patient = RetryPolicy(max_retries=8)
    hooks = Hooks(on_response=note)
    async with (
        AsyncClient(KEY, base_url=url, timeout=60, retry=patient, hooks=hooks) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(report.calls):
            group.create_task(call(client))
