"""What of the source does not come along."""

from __future__ import annotations

from collections.abc import Sequence

from sensei.server.engine.catalog import Table
from sensei.server.engine.connectors import Connector
from sensei.server.engine.connectors.sqlite import SqliteConnector
from sensei.server.engine.plan import Risk
from sensei.server.engine.planning.stays_in_mysql import stays_in_mysql
from sensei.server.engine.planning.target import Target

_ANEW = "Make it anew on the target."
_FACTS = {
    "triggers": "triggers, which are",
    "rules": "rewrite rules, which are",
    "row_security": "row-level security, which is",
    "partitioned": "partitions: its rows are carried, into one plain table; its division is",
    "inherited": "children by inheritance, which are carried as tables of their own; its inheritance is",
}


def left_behind(reader: Connector, selected: Sequence[Table], target: Target) -> list[Risk]:
    """A risk for everything that is not carried over, and for characters that the target cannot hold.

    Args:
        selected: The tables and views that are meant.
    """
    risks = [
        _lost(f"the view {view.qualified_name} is not carried over", view.qualified_name, _ANEW)
        for view in selected
        if view.type != "table"
    ]
    tables = [table for table in selected if table.type == "table"]
    for table in tables:
        risks += [
            _lost(f"{table.qualified_name} has {what} not carried over", table.qualified_name)
            for fact, what in _FACTS.items()
            if table.extra.get(fact)
        ]
    if reader.system == "mysql":
        risks += stays_in_mysql(tables)
    risks += [_lost(f"the {kind} {name} is not carried over", name, _ANEW) for name, kind in _no_tables(reader, tables)]
    return risks + _lost_characters(reader, target)


def _no_tables(reader: Connector, tables: Sequence[Table]) -> list[tuple[str, str]]:
    """(name, kind) of what is no table or view of the source."""
    if isinstance(reader, SqliteConnector):
        return reader.left_out()
    if reader.system == "mysql":
        from sensei.server.engine.connectors.mysql import MysqlConnector

        assert isinstance(reader, MysqlConnector)  # noqa: S101  # the one connector of this system
        return reader.left_out({str(table.schema) for table in tables})
    return []


def _lost_characters(reader: Connector, target: Target) -> list[Risk]:
    if target.system != "postgresql" or (reader.system == "postgresql" and not target.schema_exists):
        return []
    encoding = target.connector.scalar("SHOW server_encoding")
    if encoding == "UTF8":
        return []
    return [
        Risk(
            severity="high",
            type="data_loss",
            description=f"the target's encoding is {encoding}; rows with other characters are left out",
            mitigation="Use a database with the encoding UTF8.",
        )
    ]


def _lost(description: str, name: str, mitigation: str | None = None) -> Risk:
    return Risk(severity="medium", type="data_loss", description=description, affected=(name,), mitigation=mitigation)
