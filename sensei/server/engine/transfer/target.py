"""The database that is written to: transactions, batches, and the ledger that says how far they have come.

The ledger is a small table in the target itself. A batch and its place in the ledger are written in one transaction, so
after any kind of death the ledger tells exactly what has arrived; it goes when the migration is through or undone.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self

from sensei.server.engine.catalog import Table
from sensei.server.engine.ddl import Ddl, literal
from sensei.server.engine.transfer.rows import BadRow, Part
from sensei.server.engine.transfer.work import TableWork

LEDGER = "_sensei_ledger"
ADDED = "_sensei_added"
"""Keys of rows that were added to tables with rows of their own; like the ledger, it goes at the end."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    kind: str
    """``schema``, ``table``, ``step`` or ``backup``."""
    name: str
    data: dict[str, Any]


class TargetDatabase(ABC):
    """One connection to a target. Not to be shared between threads.

    Every method raises ExecutionError where the phase cannot go on.
    """

    system: str
    ddl: Ddl
    schema: str | None
    commit_seconds: float = 0.0
    """How long batches share a transaction; 0 where a commit costs little, so that each has its own."""

    @abstractmethod
    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        """All or nothing. One that is not durable may be lost as a whole in a crash of the database, never in part."""

    @abstractmethod
    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; tells the rows it changed."""

    @abstractmethod
    def attempt(self, sql: str) -> bool:
        """Run a statement within the open transaction; False, and nothing done, where rows stand in its way."""

    @abstractmethod
    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query that gives few rows."""

    @abstractmethod
    def write(self, work: TableWork, part: Part) -> list[BadRow]:
        """Write rows within the open transaction; those that cannot be stored are left out and told."""

    @abstractmethod
    def table_exists(self, schema: str | None, name: str) -> bool:
        """Whether there is a table or view of that name."""

    @abstractmethod
    def schema_exists(self, schema: str) -> bool:
        """Whether there is a schema of that name."""

    @abstractmethod
    def relation_exists(self, table: Table, name: str) -> bool:
        """Whether an index or a constraint of that name is there already."""

    @abstractmethod
    def can_track(self, work: TableWork) -> bool:
        """Whether `track` will know the rows that are added to a table from those that were there."""

    @abstractmethod
    def track(self, migration_id: str, work: TableWork) -> None:
        """From now on note the key of every row that `write` adds to a table, where it has one."""

    @abstractmethod
    def take_out_appended(self, migration_id: str, work: TableWork) -> int | None:
        """Delete the rows that a migration added to a table that was there before; None where they are not known."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ledger(self) -> str:
        """The ledger's name for SQL."""
        return self.ddl.qualify(self.schema, LEDGER)

    def open_ledger(self) -> None:
        """Make the ledger if it is not there."""
        self.execute(
            f"CREATE TABLE IF NOT EXISTS {self.ledger} (migration_id TEXT NOT NULL, kind TEXT NOT NULL, "
            "name TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (migration_id, kind, name))"
        )

    @property
    def added(self) -> str:
        """The name of the table of added keys, for SQL."""
        return self.ddl.qualify(self.schema, ADDED)

    def open_added(self) -> None:
        """Make the table of added keys if it is not there."""
        key = "TEXT" if self.system == "postgresql" else "INTEGER"
        self.execute(
            f"CREATE TABLE IF NOT EXISTS {self.added} (migration_id TEXT NOT NULL, name TEXT NOT NULL, "
            f"key {key} NOT NULL)"
        )

    def has_ledger(self) -> bool:
        """Whether there is one."""
        return self.table_exists(self.schema, LEDGER)

    def entries(self, migration_id: str) -> list[Entry]:
        """What the ledger tells of a migration."""
        if not self.has_ledger():
            return []
        found = self.rows(f"SELECT kind, name, data FROM {self.ledger} WHERE migration_id = {literal(migration_id)}")
        return [Entry(str(kind), str(name), json.loads(data)) for kind, name, data in found]

    def put(self, migration_id: str, kind: str, name: str, data: dict[str, Any]) -> None:
        """Set a line of the ledger, within the open transaction."""
        # Literals rather than parameters: a name may hold what the driver takes for a parameter.
        values = ", ".join(map(literal, (migration_id, kind, name, json.dumps(data))))
        self.execute(
            f"INSERT INTO {self.ledger} (migration_id, kind, name, data) VALUES ({values}) "
            "ON CONFLICT (migration_id, kind, name) DO UPDATE SET data = excluded.data"
        )

    def forget(
        self, migration_id: str, entries: Iterable[tuple[str, str]] | None = None, *, added: bool = True
    ) -> None:
        """Remove a migration's lines (or some of them), and the ledger with the last line of all.

        Args:
            migration_id: Whose.
            entries: Only these, by kind and name.
            added: The keys of added rows as well; a rollback cannot tell those rows from the others afterwards.
        """
        with self.transaction():
            if entries is not None:
                for kind, name in entries if self.has_ledger() else ():
                    self.strike(migration_id, kind, name)
                return
            going = [LEDGER, ADDED] if added else [LEDGER]
            for table in going:
                if not self.table_exists(self.schema, table):
                    continue
                name = self.ddl.qualify(self.schema, table)
                self.execute(f"DELETE FROM {name} WHERE migration_id = {literal(migration_id)}")
                if not self.rows(f"SELECT 1 FROM {name} LIMIT 1"):
                    self.execute(f"DROP TABLE {name}")

    def strike(self, migration_id: str, kind: str, name: str) -> None:
        """Remove a line of the ledger, within the open transaction."""
        self.execute(
            f"DELETE FROM {self.ledger} WHERE migration_id = {literal(migration_id)} "
            f"AND kind = {literal(kind)} AND name = {literal(name)}"
        )
