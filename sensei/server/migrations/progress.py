"""How far a migration is: phases, percentages, times, figures for people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sensei.server.migrations.state_machine import PHASES
from sensei.server.schemas.base import wire_time
from sensei.server.schemas.migration_answers import PhaseProgress
from sensei.server.store.migration_tables import Migration

WEIGHTS = {"planning": 5.0, "schema_migration": 5.0, "data_transfer": 65.0, "validation": 20.0, "cutover": 5.0}
"""Share of each phase in the whole, in percent."""


def phase_number(name: str) -> int:
    """Position of a phase, from 1."""
    return PHASES.index(name) + 1


def overall_percent(row: Migration) -> float:
    """Share of the whole that is done; a skipped phase counts as done."""
    done = 0.0
    for name, weight in WEIGHTS.items():
        phase = row.phases.get(name, {})
        if phase.get("status") in ("completed", "skipped"):
            done += weight
        else:
            done += weight * float(phase.get("percent", 0.0)) / 100
    return round(done, 2)


def set_phase(row: Migration, name: str, status: str, now: datetime, *, percent: float | None = None) -> None:
    """Note the status of a phase. The dictionary is replaced, so that the change is seen and stored."""
    before: dict[str, Any] = row.phases.get(name, {})
    phase = {**before, "status": status}
    if status == "running":
        phase.setdefault("started_at", wire_time(now))
        phase.pop("completed_at", None)
    elif status in ("completed", "failed"):
        phase["completed_at"] = wire_time(now)
    if percent is not None:
        phase["percent"] = percent
    row.phases = {**row.phases, name: phase}


def set_percent(row: Migration, name: str, percent: float) -> None:
    """Note how far a phase is."""
    row.phases = {**row.phases, name: {**row.phases.get(name, {}), "percent": percent}}


def phase_seconds(row: Migration, name: str, now: datetime) -> float | None:
    """How long a phase took or takes, in seconds."""
    phase = row.phases.get(name, {})
    if "started_at" not in phase:
        return None
    end = datetime.fromisoformat(phase["completed_at"]) if "completed_at" in phase else now
    return max(0.0, round((end - datetime.fromisoformat(phase["started_at"])).total_seconds(), 3))


def show_phases(row: Migration, now: datetime) -> list[PhaseProgress]:
    """All five phases in order, as the wire has them."""
    shown: list[PhaseProgress] = []
    for name in PHASES:
        phase = row.phases.get(name, {})
        status = phase.get("status", "pending")
        one: PhaseProgress = {
            "name": name,
            "status": status,
            "progress_percent": 100.0 if status == "completed" else round(float(phase.get("percent", 0.0)), 2),
            "started_at": phase.get("started_at"),
            "completed_at": phase.get("completed_at"),
        }
        seconds = phase_seconds(row, name, now)
        if seconds is not None:
            one["duration_seconds"] = seconds
        shown.append(one)
    return shown


def elapsed_seconds(row: Migration, now: datetime) -> float:
    """Time spent executing, pauses not counted."""
    running = (now - row.executing_since).total_seconds() if row.executing_since else 0.0
    return round(row.executed_seconds + max(0.0, running), 3)


def estimated_completion(row: Migration, now: datetime) -> datetime | None:
    """When an executing migration will be done, by its pace so far, else by the plan's estimate."""
    if row.executing_since is None:
        return None
    percent = overall_percent(row) - WEIGHTS["planning"]
    elapsed = elapsed_seconds(row, now)
    if percent >= 5 and elapsed >= 1:
        return now + timedelta(seconds=elapsed / percent * (100 - WEIGHTS["planning"] - percent))
    if row.estimated_seconds is not None:
        return now + timedelta(seconds=max(0.0, row.estimated_seconds - elapsed))
    return None


def people_bytes(count: float) -> str:
    """A size for people, in decimal units.

    Examples:
        >>> people_bytes(0), people_bytes(47_200_000_000)
        ('0 B', '47.2 GB')
    """
    units = ("B", "KB", "MB", "GB", "TB", "PB")
    value = float(count)
    for unit in units:
        if value < 999.95 or unit == units[-1]:
            text = f"{value:.1f}".removesuffix(".0")
            return f"{text} {unit}"
        value /= 1000
    raise AssertionError("unreachable")
