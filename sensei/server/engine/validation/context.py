"""What every perspective works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.job import Control, Wanted
from sensei.server.engine.validation.pairs import TablePair
from sensei.server.engine.validation.types import ValidationJob, ValidationStopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Both ends, open and held at one moment each, and what is to be checked."""

    validation: ValidationJob
    source: Connector
    target: Connector
    pairs: tuple[TablePair, ...]
    control: Control
    tell: Callable[[str, float], None]
    """Told what is being done and how far the perspective is, 0 to 1."""
    renew: Callable[[str], None]
    """Makes a side usable again after a query on it failed."""

    def go_on(self) -> None:
        """Come to an end if that is wanted.

        Raises:
            ValidationStopped: It is.
        """
        if self.control.wanted() is not Wanted.RUN:
            raise ValidationStopped("the validation was stopped")

    def side(self, name: str) -> Connector:
        """The connector of ``source`` or ``target``."""
        return self.source if name == "source" else self.target

    def table_name(self, pair: TablePair, side: str) -> str:
        """The pair's table on one side, ready for SQL."""
        return pair.source_name if side == "source" else pair.target_name

    def left_out(self, pair: TablePair) -> int:
        """Rows of the pair's source table that were left out with a recorded error."""
        return self.validation.skipped_rows.get(pair.source.qualified_name, 0)
