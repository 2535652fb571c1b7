"""Transformations that people write, checked before they are kept."""

from __future__ import annotations

from sqlalchemy.orm import Session

from sensei.server.errors import invalid
from sensei.server.migrations import engine_jobs
from sensei.server.store.migration_tables import MappingRow


def check_transformation(session: Session, mapping: MappingRow, expression: str, field: str) -> None:
    """Let an expression pass that can be used over the mapping's source table.

    Raises:
        ApiError: 422 `validation_error` about `field`.
    """
    from sensei.server.engine.errors import EngineError
    from sensei.server.engine.expressions import check_expression

    source = engine_jobs.plan_of(session, mapping.migration_id).source
    table = source.table(mapping.source["schema"], mapping.source["table"])
    try:
        check_expression(expression, table, source.system)
    except EngineError as error:
        raise invalid(field, "format", error.message) from None
