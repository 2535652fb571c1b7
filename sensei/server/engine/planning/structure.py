"""What becomes of keys, references, checks and indexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sensei.server.engine.catalog import CheckConstraint, ForeignKey, Index, Table, UniqueConstraint
from sensei.server.engine.kinds import Kind
from sensei.server.engine.plan import Risk
from sensei.server.engine.planning.columns import PlannedColumns
from sensei.server.engine.planning.naming import Names
from sensei.server.engine.planning.profile import TableProfile
from sensei.server.engine.planning.target import Target
from sensei.server.engine.planning.translate import translate_condition
from sensei.server.engine.wording import counted

_UNCOMPARABLE = {"json", "xml", "point", "polygon", "box", "circle", "line", "lseg", "path"}


class StructurePlanner:
    """Builds target tables; `tables` and `columns` are by the source's (schema, table)."""

    def __init__(
        self,
        system: str,
        target: Target,
        names: Names,
        targets: Mapping[tuple[str | None, str], str],
        columns: Mapping[tuple[str | None, str], PlannedColumns],
        sources: Mapping[tuple[str | None, str], Table],
    ) -> None:
        self._system = system
        self._target = target
        self._names = names
        self._targets = targets
        self._columns = columns
        self._sources = sources
        self.risks: list[Risk] = []

    def build(self, table: Table, profile: TableProfile | None) -> Table:
        """The target's table: complete, in the target's notation."""
        key = (table.schema, table.name)
        planned = self._columns[key]
        name = self._targets[key]
        rename = planned.names.__getitem__
        extra = dict(table.extra) if self._system == self._target.system == "sqlite" else {}
        if self._target.system == "postgresql" and table.primary_key:
            extra["primary_key_name"] = self._names.give(str(table.extra.get("primary_key_name", f"{name}_pkey")))
        elif table.primary_key and len(table.primary_key) == 1 and self._system != "sqlite":
            # Like an identity, AUTOINCREMENT never gives a number twice.
            column = table.column(table.primary_key[0])
            if column.autoincrement and planned.kinds[column.name][1] is Kind.INTEGER:
                extra["autoincrement"] = True
        if "rowid_alias" in extra:
            extra["rowid_alias"] = rename(str(extra["rowid_alias"]))
        return Table(
            schema=self._target.schema,
            name=name,
            columns=tuple(planned.columns),
            primary_key=tuple(map(rename, table.primary_key)),
            foreign_keys=tuple(self._foreign_keys(table, profile)),
            unique_constraints=tuple(self._uniques(table, name)),
            check_constraints=tuple(self._checks(table, planned)),
            indexes=tuple(self._indexes(table, planned)),
            row_estimate=table.row_estimate,
            comment=table.comment,
            extra=extra,
        )

    def _risk(self, severity: str, description: str, table: Table, mitigation: str | None = None) -> None:
        self.risks.append(
            Risk(
                severity=severity,
                type="semantic_ambiguity",
                description=description,
                affected=(table.qualified_name,),
                mitigation=mitigation,
            )
        )

    def _uniques(self, table: Table, name: str) -> list[UniqueConstraint]:
        rename = self._columns[table.schema, table.name].names.__getitem__
        found: list[UniqueConstraint] = []
        for unique in table.unique_constraints:
            columns = tuple(map(rename, unique.columns))
            given = None
            if self._target.system == "postgresql":
                given = self._names.give(_apart(unique.name, table, "key") or f"{name}_{'_'.join(columns)}_key")
            elif unique.nulls_equal:
                self._risk(
                    "medium", f"unique {unique.columns} lets nulls count as equal, which SQLite cannot do", table
                )
            found.append(replace(unique, columns=columns, name=given))
        return found

    def _checks(self, table: Table, planned: PlannedColumns) -> list[CheckConstraint]:
        found: list[CheckConstraint] = []
        own = Names(self._target.system)
        for check in table.check_constraints:
            if self._system == self._target.system and planned.names == {c.name: c.name for c in table.columns}:
                text: str | None = check.expression
            elif self._system == "mysql" and _compares_texts(table, check.expression):
                # Most of its collations ignore case and accents.
                text = None
            else:
                text = translate_condition(
                    check.expression, self._system, self._target.system, planned.kinds, planned.names.__getitem__
                )
            if text is None:
                self._risk(
                    "low",
                    f"the check ({check.expression[:120]}) of {table.qualified_name} has no sure counterpart and is "
                    "not made; the data was already held to it",
                    table,
                    "Add it by hand after the migration.",
                )
                continue
            found.append(CheckConstraint(expression=text, name=own.give(check.name) if check.name else None))
        for column, labels in planned.checks:
            listed = ", ".join("'" + label.replace("'", "''") + "'" for label in labels)
            found.append(CheckConstraint(expression=f"{self._target.connector.quote(column)} IN ({listed})"))
        for column, members in planned.lists:
            if self._target.system != "postgresql":
                self._risk("low", f"which members {table.qualified_name}.{column} may have is not checked", table)
                continue
            listed = ", ".join("'" + member.replace("'", "''") + "'" for member in members)
            quoted = self._target.connector.quote(column)
            found.append(CheckConstraint(expression=f"string_to_array({quoted}, ',') <@ ARRAY[{listed}]::text[]"))
        return found

    def _indexes(self, table: Table, planned: PlannedColumns) -> list[Index]:
        found: list[Index] = []
        name = self._targets[table.schema, table.name]
        types = {column.name: column.type.lower() for column in planned.columns}
        for index in table.indexes:
            same = self._system == self._target.system
            if index.expression and not (same and planned.names == {c.name: c.name for c in table.columns}):
                self._risk(
                    "low",
                    f"the index {index.name} of {table.qualified_name} is over an expression and is not made",
                    table,
                )
                continue
            if not same and index.method not in {None, "btree"}:
                self._risk(
                    "low",
                    f"the index {index.name} of {table.qualified_name} is of kind {index.method} and is not made",
                    table,
                )
                continue
            where = index.where
            if where is not None and not same:
                where = translate_condition(
                    where, self._system, self._target.system, planned.kinds, planned.names.__getitem__
                )
                if where is None:
                    self._risk(
                        "low",
                        f"the condition of index {index.name} of {table.qualified_name} has no sure counterpart; "
                        "the index is not made",
                        table,
                    )
                    continue
            columns = tuple(planned.names[column] for column in index.columns)
            if self._target.system == "postgresql" and any(types[c] in _UNCOMPARABLE for c in columns) and not same:
                continue
            found.append(
                replace(
                    index,
                    columns=columns,
                    name=self._names.give(_apart(index.name, table, "idx") or f"{name}_idx"),
                    where=where,
                    descending=tuple(planned.names[column] for column in index.descending),
                    included=tuple(planned.names[c] for c in index.included if self._target.system == "postgresql"),
                )
            )
        return found

    def _foreign_keys(self, table: Table, profile: TableProfile | None) -> list[ForeignKey]:
        found: list[ForeignKey] = []
        planned = self._columns[table.schema, table.name]
        own = Names(self._target.system)
        for key in table.foreign_keys:
            parent_key = (key.referenced_schema if self._system != "sqlite" else None, key.referenced_table)
            parent = self._sources.get(parent_key)
            what = f"the reference of {table.qualified_name} ({', '.join(key.columns)}) to {key.referenced_table}"
            if parent is None:
                self._risk("medium", f"{what} is not made, as that table is not part of this migration", table)
                continue
            orphans = profile.orphans.get(key.columns, 0) if profile else 0
            if self._target.system == "sqlite" and orphans:
                self._risk(
                    "medium",
                    f"{counted(orphans, 'row breaks', 'rows break')} {what}; copied as they are and "
                    "recorded as errors, and the reference holds for new rows",
                    table,
                    "Mend the rows at the source, or on the target afterwards.",
                )
            if self._target.system == "postgresql" and self._system != "postgresql":
                if not self._fits(table, key, parent, parent_key, what):
                    continue
                if orphans:
                    self._risk(
                        "high",
                        f"{counted(orphans, 'row breaks', 'rows break')} {what}; "
                        "the reference is made NOT VALID and holds for new rows",
                        table,
                        "Mend the rows, then run ALTER TABLE … VALIDATE CONSTRAINT.",
                    )
            parent_columns = self._columns[parent_key]
            found.append(
                replace(
                    key,
                    columns=tuple(planned.names[column] for column in key.columns),
                    referenced_schema=self._target.schema,
                    referenced_table=self._targets[parent_key],
                    referenced_columns=tuple(parent_columns.names[column] for column in key.referenced_columns),
                    name=own.give(key.name or f"{self._targets[table.schema, table.name]}_{'_'.join(key.columns)}_fkey")
                    if self._target.system == "postgresql"
                    else key.name,
                )
            )
        return found

    def _fits(
        self, table: Table, key: ForeignKey, parent: Table, parent_key: tuple[str | None, str], what: str
    ) -> bool:
        """Whether PostgreSQL can have a reference: SQLite checks neither types nor uniqueness, MySQL not the latter."""
        names = {column.name for column in parent.columns}
        unique = [set(parent.primary_key), *(set(u.columns) for u in parent.unique_constraints)]
        unique += [set(i.columns) for i in parent.indexes if i.unique and not i.where and not i.expression]
        if not set(key.referenced_columns) <= names or set(key.referenced_columns) not in unique:
            self._risk("medium", f"{what} is not made, as the columns it refers to are not unique", table)
            return False
        for child_column, parent_column in zip(key.columns, key.referenced_columns, strict=True):
            ours = self._columns[table.schema, table.name].kinds[child_column][1]
            theirs = self._columns[parent_key].kinds[parent_column][1]
            numbers = {Kind.INTEGER, Kind.DECIMAL}
            if ours is not theirs and not {ours, theirs} <= numbers:
                self._risk(
                    "medium",
                    f"{what} is not made, as {child_column} becomes {ours.value} and {parent_column} {theirs.value}",
                    table,
                )
                return False
        return True


def _apart(name: str | None, table: Table, what: str) -> str | None:
    """An index's name apart from those of references: MySQL gives a reference and its index one name."""
    return f"{name}_{what}" if name is not None and any(key.name == name for key in table.foreign_keys) else name


def _compares_texts(table: Table, expression: str) -> bool:
    return "'" in expression and any(
        column.collation and not column.collation.endswith("_bin") and column.name in expression
        for column in table.columns
    )
