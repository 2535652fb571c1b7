"""Tables of PostgreSQL: moved to a schema of their own where they make room, copied there where they stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sensei.server.engine.backup.kept import Keeper, Kept
from sensei.server.engine.catalog import Table
from sensei.server.engine.ddl import literal
from sensei.server.engine.errors import ExecutionError
from sensei.server.engine.transfer.write_postgresql import PostgresqlTarget

_SAME_TEXTS = (
    "TimeZone = 'UTC'",
    "DateStyle = 'ISO, YMD'",
    "IntervalStyle = 'iso_8601'",
    "bytea_output = 'hex'",
    "extra_float_digits = 1",
)
"""Under these settings a row is always shown by the same text."""


class PostgresqlKeeper(Keeper):
    """Keeps tables in the schema ``_sensei_backup_…`` of the same database."""

    def __init__(self, target: PostgresqlTarget, name: str) -> None:
        self._target = target
        self._schema = f"_sensei_backup_{name}"[:63]

    def is_table(self, table: Table) -> bool:
        return bool(
            self._target.rows(
                "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p')",
                [table.schema, table.name],
            )
        )

    def measure(self, table: Table) -> tuple[int, str]:
        with self._target.transaction():
            for setting in _SAME_TEXTS:
                self._target.execute(f"SET LOCAL {setting}")
            found = self._target.rows(
                "SELECT count(*), coalesce(sum(('x' || left(md5(\"sensei row\"::text), 16))::bit(64)::bigint"
                f'::numeric), 0)::text FROM {self._name(table)} AS "sensei row"'
            )
        return int(found[0][0]), f"md5sum:{found[0][1]}"

    def set_aside(self, tables: Sequence[Table], *, dropping: bool) -> list[Kept]:
        self._open()
        return self._move(tables) if dropping else [self._copy(table) for table in tables]

    def count(self, table: Table) -> Kept:
        return self._kept(table, "counted", None, {})

    def has(self, kept: Kept) -> bool:
        return kept.place is not None and self._target.table_exists(self._schema, kept.place)

    def bring_back(self, tables: Sequence[tuple[Table, Kept]]) -> None:
        for table, kept in tables:
            if kept.how == "moved":
                place = self._target.ddl.qualify(self._schema, str(kept.place))
                self._target.execute(f"ALTER TABLE {place} SET SCHEMA {self._target.ddl.quote(str(table.schema))}")
        for table, kept in tables:
            for name, definition in kept.extra.get("references", ()):
                quoted = self._target.ddl.quote(name)
                self._target.execute(f"ALTER TABLE {self._name(table)} ADD CONSTRAINT {quoted} {definition}")
        self._refill([(table, kept) for table, kept in tables if kept.how == "copied"])
        if not self._target.rows("SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace(%s)", [self._quoted]):
            self._target.execute(f"DROP SCHEMA IF EXISTS {self._quoted}")

    def discard(self) -> None:
        self._target.execute(f"DROP SCHEMA IF EXISTS {self._quoted} CASCADE")

    @property
    def _quoted(self) -> str:
        return self._target.ddl.quote(self._schema)

    def _name(self, table: Table) -> str:
        return self._target.ddl.name(table)

    def _open(self) -> None:
        if self._target.schema_exists(self._schema):
            return
        try:
            self._target.execute(f"CREATE SCHEMA {self._quoted}")
        except ExecutionError as error:
            raise ExecutionError(
                f"no backup of the existing tables can be made: {error.message}; let the target's user create schemas, "
                "or set options.generate_rollback to false",
                reason_code="E6009",
            ) from None

    def _kept(self, table: Table, how: str, place: str | None, extra: Mapping[str, Any]) -> Kept:
        rows, digest = self.measure(table)
        return Kept(
            target=table.qualified_name,
            how=how,
            rows=rows,
            digest=digest,
            taken_at=datetime.now(UTC).isoformat(),
            place=place,
            extra=extra,
        )

    def _move(self, tables: Sequence[Table]) -> list[Kept]:
        names = [self._name(table) for table in tables]
        # What stands in the way of dropping them is found by trying; it must not silently follow them.
        self._target.execute("SAVEPOINT sensei_trial")
        self._target.execute(f"DROP TABLE {', '.join(names)}")
        self._target.execute("ROLLBACK TO SAVEPOINT sensei_trial")
        regclasses = f"ARRAY[{', '.join(map(literal, names))}]::regclass[]"
        found: list[Kept] = []
        for table, name in zip(tables, names, strict=True):
            # A reference to a table that stays would go on to guard it.
            leaving = self._target.rows(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 "
                f"AND conrelid = {literal(name)}::regclass AND confrelid <> ALL({regclasses}::oid[]) "
                "AND confrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace(%s)) "
                "ORDER BY conname",
                [self._quoted],
            )
            references = [[str(constraint), str(definition)] for constraint, definition in leaving]
            found.append(self._kept(table, "moved", table.name, {"references": references}))
            for constraint, _ in references:
                self._target.execute(f"ALTER TABLE {name} DROP CONSTRAINT {self._target.ddl.quote(constraint)}")
        for name in names:
            self._target.execute(f"ALTER TABLE {name} SET SCHEMA {self._quoted}")
        return found

    def _copy(self, table: Table) -> Kept:
        name = self._name(table)
        self._target.execute(
            f"CREATE TABLE {self._target.ddl.qualify(self._schema, table.name)} AS SELECT * FROM {name}"
        )
        owned = self._target.rows(
            "SELECT pg_get_serial_sequence(%s, attname) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [name, name],
        )
        sequences = [
            [str(sequence), *self._target.rows(f"SELECT last_value, is_called FROM {sequence}")[0]]
            for (sequence,) in owned
            if sequence is not None
        ]
        return self._kept(table, "copied", table.name, {"sequences": sequences})

    def _refill(self, tables: Sequence[tuple[Table, Kept]]) -> None:
        if not tables:
            return
        target = self._target
        # Nothing may be left to check when a table is changed.
        target.execute("SET CONSTRAINTS ALL IMMEDIATE")
        target.execute(f"TRUNCATE TABLE {', '.join(self._name(table) for table, _ in tables)}")
        waiting = list(tables)
        while waiting:
            later = [(table, kept) for table, kept in waiting if not self._insert(table, kept)]
            if len(later) == len(waiting):
                raise ExecutionError(
                    f"the rows of {waiting[0][0].qualified_name} cannot be brought back, as they refer to rows "
                    f"that are not there; they are kept in {self._schema}",
                    reason_code="E6010",
                )
            waiting = later
        for _, kept in tables:
            for sequence, value, called in cast("list[tuple[str, int, bool]]", kept.extra.get("sequences", [])):
                target.rows(f"SELECT setval({literal(sequence)}::regclass, {int(value)}, {bool(called)})")
            target.execute(f"DROP TABLE {target.ddl.qualify(self._schema, str(kept.place))}")

    def _insert(self, table: Table, kept: Kept) -> bool:
        """Put the rows back as they were, whatever triggers would make of them; False where others must come first."""
        target, name = self._target, self._name(table)
        columns = target.ddl.listed(
            tuple(
                str(column)
                for (column,) in target.rows(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
                    "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
                    [name],
                )
            )
        )
        triggers = [
            target.ddl.quote(str(trigger))
            for (trigger,) in target.rows(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled = 'O'",
                [name],
            )
        ]
        for trigger in triggers:
            target.execute(f"ALTER TABLE {name} DISABLE TRIGGER {trigger}")
        done = target.attempt(
            f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE "
            f"SELECT {columns} FROM {target.ddl.qualify(self._schema, str(kept.place))}"
        )
        for trigger in triggers:
            target.execute(f"ALTER TABLE {name} ENABLE TRIGGER {trigger}")
        return done
