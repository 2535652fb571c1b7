"""Custom transformations: scalar SQL over one row of the source, and nothing else."""

from __future__ import annotations

from sensei.server.engine.catalog import Table


def check_expression(expression: str, table: Table, system: str) -> None:
    """Refuse whatever is not a scalar expression over the columns of `table` in the dialect of `system`.

    Raises:
        ExpressionError: It is not; the message says why.
    """
    raise NotImplementedError
