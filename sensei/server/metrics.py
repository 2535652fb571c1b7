"""Figures for Prometheus. Counting costs a dictionary; the library is loaded when somebody asks for the first time."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from sensei.server.migrations.state_machine import STATUSES
from sensei.server.store.migration_tables import Migration
from sensei.server.store.tables import OutboxEvent

if TYPE_CHECKING:
    from sensei.server.runtime import Runtime

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(slots=True)
class _Durations:
    counts: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS) + 1))
    total: float = 0.0


class Metrics:
    """What one process counts of its own calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[tuple[str, int], int] = {}
        self._durations: dict[str, _Durations] = {}

    def observe(self, operation: str, status: int, seconds: float) -> None:
        """Count one call; of a stream, the seconds are those up to its beginning."""
        with self._lock:
            key = (operation, status)
            self._calls[key] = self._calls.get(key, 0) + 1
            durations = self._durations.setdefault(operation, _Durations())
            durations.counts[bisect.bisect_left(_BUCKETS, seconds)] += 1
            durations.total += seconds

    def render(self, runtime: Runtime) -> bytes:
        """Everything in Prometheus's text format, with the state's own figures of this moment."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.registry import Collector

        figures = self

        class State(Collector):
            def collect(self) -> Iterator[Any]:
                yield from figures._families(runtime)

        registry = CollectorRegistry(auto_describe=False)
        registry.register(State())
        return generate_latest(registry)

    def _families(self, runtime: Runtime) -> Iterator[Any]:
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        calls = CounterMetricFamily("sensei_requests", "Calls answered.", labels=["operation", "status"])
        spans = HistogramMetricFamily("sensei_request_seconds", "How long answers took.", labels=["operation"])
        with self._lock:
            for (operation, status), count in sorted(self._calls.items()):
                calls.add_metric([operation, str(status)], count)
            for operation, durations in sorted(self._durations.items()):
                spans.add_metric([operation], _cumulative(durations.counts), durations.total)
        yield calls
        yield spans
        by_status, records, waiting = _state(runtime)
        migrations = GaugeMetricFamily("sensei_migrations", "Migrations by status.", labels=["status"])
        for name in STATUSES:
            migrations.add_metric([name], by_status.get(name, 0))
        yield migrations
        yield CounterMetricFamily("sensei_records_processed", "Records moved by migrations not deleted.", value=records)
        yield GaugeMetricFamily("sensei_events_waiting", "Webhook events not yet handed to deliveries.", value=waiting)
        yield GaugeMetricFamily(
            "sensei_streams_open", "Event streams open in this process.", value=runtime.hub.listeners
        )


def _cumulative(counts: Iterable[int]) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip((*map(str, _BUCKETS), "+Inf"), counts, strict=True):
        total += count
        found.append((bound, total))
    return found


def _state(runtime: Runtime) -> tuple[dict[str, int], int, int]:
    with runtime.store.read() as session:
        rows = session.execute(
            select(Migration.status, func.count(), func.sum(Migration.records_processed))
            .where(Migration.deleted_at.is_(None))
            .group_by(Migration.status)
        ).all()
        waiting = session.scalar(
            select(func.count()).select_from(OutboxEvent).where(OutboxEvent.fanned_out_at.is_(None))
        )
    return {row[0]: int(row[1]) for row in rows}, sum(int(row[2] or 0) for row in rows), waiting or 0
