"""What is already on the target, as far as a plan must know."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sensei.server.engine.catalog import Table
from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.connectors.postgresql import PostgresqlConnector
from sensei.server.engine.connectors.sqlite import SqliteConnector
from sensei.server.engine.errors import PlanningError
from sensei.server.engine.job import Selection

_TYPE = re.compile(
    r"""^(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)(?:[ .](?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*))*
        (?:\s*\(\s*\d+\s*(?:,\s*-?\d+\s*)?\))?(?:\s+with(?:out)?\s+time\s+zone)?(?:\s*\[\d*\])*$""",
    re.VERBOSE | re.IGNORECASE,
)
_NO_TYPE_WORDS = re.compile(
    r"\b(?:primary|key|references|check|default|not|null|unique|collate|generated|always|as|constraint|select)\b",
    re.IGNORECASE,
)


def check_type(text: str) -> str:
    """A type name that may be put into a statement.

    Raises:
        PlanningError: It is more, or something else, than a type.
    """
    text = text.strip()
    if not text:
        return ""
    if not _TYPE.match(text) or _NO_TYPE_WORDS.search(re.sub(r'"(?:[^"]|"")+"', "", text)):
        raise PlanningError(f"{text[:80]!r} is no type", reason_code="E2003")
    return text


@dataclass(slots=True)
class Target:
    """The place to write to."""

    connector: Connector
    schema: str | None
    """None for SQLite."""
    schema_exists: bool = True
    tables: dict[str, Table] = field(default_factory=dict[str, Table])
    """By name, folded where the system folds names."""
    other_names: tuple[str, ...] = ()
    """Indexes and other things that take names in the same namespace."""

    @property
    def system(self) -> str:
        return self.connector.system

    def fold(self, name: str) -> str:
        """A name as the system compares it."""
        return name.lower() if self.system == "sqlite" else name

    def existing(self, name: str) -> Table | None:
        """The table of that name, if there is one."""
        return self.tables.get(self.fold(name))

    def knows_type(self, type_: str) -> bool:
        """Whether the target has a type of that name."""
        if self.system == "sqlite":
            return True
        literal = type_.replace("'", "''")
        return self.connector.scalar(f"SELECT to_regtype('{literal}') IS NOT NULL") is True

    def has_rows(self, table: Table) -> bool:
        """Whether a table there has at least one row."""
        name = self.connector.qualify(table.schema, table.name)
        return bool(self.connector.scalar(f"SELECT EXISTS (SELECT 1 FROM {name})"))


def look_at_target(connector: Connector, wanted_schema: str | None) -> Target:
    """Read what is there; a SQLite file that does not exist yet is an empty target.

    Raises:
        PlanningError: A schema was named that the system cannot have.
    """
    if isinstance(connector, SqliteConnector):
        if wanted_schema not in {None, "main"}:
            raise PlanningError(
                f"a SQLite target has no schema {str(wanted_schema)[:80]!r}; leave the schema out", reason_code="E2004"
            )
        target = Target(connector, None)
        if not connector.path.exists():
            return target
        target.tables = {table.name.lower(): table for table in connector.read_catalog(Selection()).tables}
        names = connector.scalar("SELECT group_concat(name, char(0)) FROM sqlite_master WHERE type = 'index'")
        target.other_names = tuple(str(names).split("\0")) if names else ()
        return target
    schema = wanted_schema or connector.default_schema or "public"
    literal = schema.replace("'", "''")
    exists = bool(connector.scalar(f"SELECT count(*) FROM pg_namespace WHERE nspname = '{literal}'"))
    target = Target(connector, schema, schema_exists=exists)
    if exists:
        catalog = connector.read_catalog(Selection(schemas=(schema,)))
        target.tables = {table.name: table for table in catalog.tables}
        names = connector.scalar(
            "SELECT string_agg(c.relname, chr(1)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = '{literal}' AND c.relkind NOT IN ('r', 'p', 'v', 'm', 'f', 't')"
        )
        target.other_names = tuple(str(names).split("\x01")) if names else ()
    return target


def refuse_same_place(source: Connector, target: Target, schemas: set[str | None]) -> None:
    """Refuse to write into what is being read.

    Raises:
        PlanningError: Source and target are the same file, or the same schema of the same database.
    """
    if isinstance(source, SqliteConnector) and isinstance(target.connector, SqliteConnector):
        there = target.connector.path
        if there.exists() and source.path.samefile(there):
            raise PlanningError("source and target are the same SQLite file", reason_code="E2004")
    if isinstance(source, PostgresqlConnector) and isinstance(target.connector, PostgresqlConnector):
        same = (
            "SELECT (SELECT oid FROM pg_database WHERE datname = current_database())::text || '/' || "
            "current_database() || '/' || pg_postmaster_start_time()::text"
        )
        if source.scalar(same) == target.connector.scalar(same) and target.schema in schemas:
            raise PlanningError(
                f"source and target are the same schema {target.schema!r} of the same database", reason_code="E2004"
            )
