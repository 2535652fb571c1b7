"""What crosses the border between the engine and its caller, besides plans and catalogs.

The engine does the work of one phase at a time and knows nothing of HTTP, ids, users or the state store. It tells
what happens through a `Journal` and asks what is wanted through a `Control`; the caller owns statuses and durability.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sensei.server.engine.errors import EndpointError
from sensei.server.engine.plan import DecidedMapping, Plan, PlanOptions
from sensei.server.engine.reach import Reach

_DAY_SECONDS = 86_400.0

PHASES = ("planning", "schema_migration", "data_transfer", "validation", "cutover")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One database, with everything needed to reach it. Never logged: `config` holds secrets in the clear."""

    type: str
    """One of the contract's connection types, e.g. ``postgresql``."""
    config: Mapping[str, Any] = field(repr=False)
    """Members of the contract's config schema of that type: ``connection_string``, ``host``, ``port``, ``path``, …"""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """`ConnectionOptions` overlaid with the options of this end of the migration."""
    reach: Reach = field(default_factory=Reach)
    """What it may lead to."""

    def seconds(self, name: str, default: float) -> float:
        """A span of time among the options; none is longer than a day, which drivers can still count in milliseconds.

        Raises:
            EndpointError: It is no number of seconds (E1009).
        """
        value = self.options.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise EndpointError(f"{name} of the connection is no number of seconds", reason_code="E1009")
        return min(float(value), _DAY_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which tables of a source are meant. Patterns know ``*`` and ``?``; `exclude_tables` is applied last."""

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] | None = None
    exclude_tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why something failed, in the contract's terms (`ProblemSummary`)."""

    code: str
    message: str
    reason_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome:
    """Outcome of a connectivity test; a database that cannot be reached is a failed outcome, not an exception."""

    __test__ = False

    status: str
    """``success`` or ``failed``."""
    latency_ms: float
    server_version: str | None = None
    accessible_schemas: tuple[str, ...] | None = None
    available_schemas: tuple[str, ...] | None = None
    table_count: int | None = None
    estimated_rows: int | None = None
    write_test: str | None = None
    """``success``, ``failed`` or ``skipped``; None where the role is source."""
    error: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The first rows of a table."""

    schema: str | None
    table: str
    columns: tuple[tuple[str, str], ...]
    """(name, type in the system's own notation)"""
    rows: tuple[dict[str, Any], ...]
    """JSON-ready: integers beyond 2^53-1 and decimals as strings, times as ISO 8601, binary as base64."""
    truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan after review: all that a phase needs. Plain picklable data."""

    migration_id: str
    source: Endpoint
    target: Endpoint
    plan: Plan
    mappings: tuple[DecidedMapping, ...]
    options: PlanOptions


@dataclass(slots=True, kw_only=True)
class TableProgress:
    """How far one table has come."""

    rows_done: int = 0
    rows_total: int | None = None
    bytes_done: int = 0
    errors: int = 0
    status: str = "pending"
    """``pending``, ``running``, ``completed`` or ``failed``."""
    position: Any = None
    """Where to go on: JSON data that only the engine reads (e.g. the last key copied)."""


@dataclass(slots=True, kw_only=True)
class MigrationState:
    """All that a restarted process needs to go on. JSON through `to_json` / `from_json`."""

    tables: dict[str, TableProgress] = field(default_factory=dict[str, TableProgress])
    """By qualified source name."""
    created_schemas: list[str] = field(default_factory=list[str])
    created_tables: list[str] = field(default_factory=list[str])
    """Qualified target names, in order of creation: what a rollback may drop."""
    done_steps: list[str] = field(default_factory=list[str])
    """Named steps of schema_migration and cutover that need not be done again."""
    backups: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """By qualified source name: what was on the target before, as `backup.Kept.to_json` gives it."""

    def to_json(self) -> dict[str, Any]:
        """The state as JSON data."""
        return {
            "tables": {
                name: {
                    "rows_done": t.rows_done,
                    "rows_total": t.rows_total,
                    "bytes_done": t.bytes_done,
                    "errors": t.errors,
                    "status": t.status,
                    "position": t.position,
                }
                for name, t in self.tables.items()
            },
            "created_schemas": list(self.created_schemas),
            "created_tables": list(self.created_tables),
            "done_steps": list(self.done_steps),
            "backups": dict(self.backups),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MigrationState:
        """The state that `to_json` gave."""
        return cls(
            tables={name: TableProgress(**fields) for name, fields in data.get("tables", {}).items()},
            created_schemas=list(data.get("created_schemas", [])),
            created_tables=list(data.get("created_tables", [])),
            done_steps=list(data.get("done_steps", [])),
            backups=dict(data.get("backups", {})),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Running figures of a phase, told at least every second while data moves."""

    phase: str
    phase_percent: float
    records_processed: int = 0
    records_total: int | None = None
    bytes_processed: int = 0
    records_per_second: float = 0.0
    errors: int = 0
    active_workers: int = 0
    table: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataErrorRecord:
    """Rows that could not be carried as they were, or were mended on the way."""

    type: str
    """One of the contract's `MigrationErrorType`."""
    status: str
    """``recovered`` (mended as the plan says) or ``escalated`` (left out, a person must decide)."""
    message: str
    reason_code: str
    phase: str
    table: str | None = None
    column: str | None = None
    affected_records: int = 1
    sample: tuple[dict[str, Any], ...] = ()
    """A few offending rows by key, values shortened, for the person who decides."""


class Wanted(enum.Enum):
    """What the caller wants of a running phase."""

    RUN = "run"
    PAUSE = "pause"
    """Stop after the batch in flight, with a checkpoint."""
    STOP = "stop"
    """Drop the batch in flight (cancel, or an immediate pause)."""


class PhaseOutcome(enum.Enum):
    """How the work on a phase ended."""

    COMPLETED = "completed"
    PAUSED = "paused"
    STOPPED = "stopped"


def backup_id(migration_id: str) -> str:
    """What the backup of a migration is called.

    Examples:
        >>> backup_id("mig_a1b2")
        'bkp_a1b2'
    """
    return f"bkp_{migration_id.removeprefix('mig_')}"


class Control(Protocol):
    """Asked by the engine between batches and while it waits."""

    def wanted(self) -> Wanted:
        """What the user wants to become of the migration."""
        ...


class Journal(Protocol):
    """Told by the engine; every method may be called from worker threads, one call at a time per table."""

    def log(
        self,
        level: str,
        message: str,
        *,
        phase: str,
        table: str | None = None,
        records: int | None = None,
        component: str = "engine",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep a log entry of the migration."""
        ...

    def progress(self, progress: Progress) -> None:
        """Keep how far it has come."""
        ...

    def data_error(self, record: DataErrorRecord) -> None:
        """Keep rows that could not be carried over."""
        ...

    def checkpoint(self, state: MigrationState, *, kind: str = "automatic", table: str | None = None) -> None:
        """Store `state` durably before returning. `kind` is ``automatic`` or ``phase_boundary``."""
        ...
