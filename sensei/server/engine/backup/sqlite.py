"""Tables of a SQLite file: copied, since a renamed table would keep the names of its indexes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sensei.server.engine.backup.kept import Keeper, Kept
from sensei.server.engine.catalog import Table
from sensei.server.engine.ddl import literal
from sensei.server.engine.transfer.write_sqlite import SqliteTarget


class SqliteKeeper(Keeper):
    """Keeps tables as ``_sensei_backup_…`` in the same file."""

    def __init__(self, target: SqliteTarget, name: str) -> None:
        self._target = target
        self._prefix = f"_sensei_backup_{name}_"

    def is_table(self, table: Table) -> bool:
        return bool(
            self._target.rows(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE", [table.name]
            )
        )

    def measure(self, table: Table) -> tuple[int, str]:
        return self._target.digest(table.name)

    def set_aside(self, tables: Sequence[Table], *, dropping: bool) -> list[Kept]:
        found = [self._copy(table, dropped=dropping) for table in tables]
        for table in tables if dropping else ():
            self._target.execute(f"DROP TABLE {self._quoted(table.name)}")
        return found

    def count(self, table: Table) -> Kept:
        rows, digest = self.measure(table)
        return Kept(
            target=table.qualified_name, how="counted", rows=rows, digest=digest, taken_at=datetime.now(UTC).isoformat()
        )

    def has(self, kept: Kept) -> bool:
        return kept.place is not None and self._target.table_exists(None, kept.place)

    def bring_back(self, tables: Sequence[tuple[Table, Kept]]) -> None:
        for table, kept in tables:
            self._restore(table, kept)

    def discard(self) -> None:
        ours = self._target.rows(
            f"SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, {len(self._prefix)}) = ?",
            [self._prefix],
        )
        for (name,) in ours:
            self._target.execute(f"DROP TABLE {self._quoted(str(name))}")

    def _quoted(self, name: str) -> str:
        return self._target.ddl.quote(name)

    def _columns(self, table: str) -> str:
        """The columns that hold values of their own."""
        rows = self._target.rows("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", [table])
        return self._target.ddl.listed(tuple(str(name) for (name,) in rows))

    def _copy(self, table: Table, *, dropped: bool) -> Kept:
        target = self._target
        rows, digest = self.measure(table)
        place = self._prefix + table.name
        statements = target.rows(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL "
            "ORDER BY type <> 'table', rowid",
            [table.name],
        )
        target.execute(
            f"CREATE TABLE {self._quoted(place)} AS SELECT {self._columns(table.name)} FROM {self._quoted(table.name)}"
        )
        return Kept(
            target=table.qualified_name,
            how="moved" if dropped else "copied",
            rows=rows,
            digest=digest,
            taken_at=datetime.now(UTC).isoformat(),
            place=place,
            extra={"statements": [list(map(str, row)) for row in statements], "last": self._last_given(table.name)},
        )

    def _last_given(self, table: str) -> int | None:
        if not self._target.table_exists(None, "sqlite_sequence"):
            return None
        found = self._target.rows("SELECT seq FROM sqlite_sequence WHERE name = ? COLLATE NOCASE", [table])
        return int(found[0][0]) if found else None

    def _restore(self, table: Table, kept: Kept) -> None:
        target, place = self._target, str(kept.place)
        made = [(str(type_), str(name), str(sql)) for type_, name, sql in kept.extra["statements"]]
        if kept.how == "moved":
            target.execute(made[0][2])
            afterwards = [sql for _, _, sql in made[1:]]
        else:
            # Triggers would make something else of the rows.
            afterwards = [sql for type_, _, sql in made if type_ == "trigger"]
            for type_, name, _ in made:
                if type_ == "trigger":
                    target.execute(f"DROP TRIGGER IF EXISTS {self._quoted(name)}")
            target.execute(f"DELETE FROM {self._quoted(table.name)}")
        columns = self._columns(table.name)
        target.execute(
            f"INSERT INTO {self._quoted(table.name)} ({columns}) SELECT {columns} FROM {self._quoted(place)}"
        )
        for sql in afterwards:
            target.execute(sql)
        if kept.extra.get("last") is not None:
            name = literal(made[0][1])
            target.execute(f"DELETE FROM sqlite_sequence WHERE name = {name}")
            target.execute(f"INSERT INTO sqlite_sequence (name, seq) VALUES ({name}, {int(kept.extra['last'])})")
        target.execute(f"DROP TABLE {self._quoted(place)}")
