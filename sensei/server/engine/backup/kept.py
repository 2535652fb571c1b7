"""A table as it was before, and who puts it aside."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sensei.server.engine.catalog import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of one table that was there before. JSON through `to_json` and `kept_from_json`."""

    target: str
    """Its qualified name."""
    how: str
    """``moved`` away as a whole, ``copied`` row by row, or only ``counted``, since its rows stay where they are."""
    rows: int
    digest: str
    """Of all its rows, whatever their order."""
    taken_at: str
    """When, as ISO 8601."""
    place: str | None = None
    """The table that holds it now; None where it was only counted."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What is needed beside the rows, as the system's keeper wrote it."""

    def to_json(self) -> dict[str, Any]:
        """JSON data."""
        return dataclasses.asdict(self)


def kept_from_json(data: Mapping[str, Any]) -> Kept:
    """What `to_json` gave."""
    return Kept(**data)


class Keeper(ABC):
    """Puts tables of one target aside and brings them back.

    `move`, `copy` and `bring_back` work within the target's open transaction. Every method raises ExecutionError where
    that cannot be done.
    """

    @abstractmethod
    def is_table(self, table: Table) -> bool:
        """Whether there is an ordinary table of that name, rather than a view or nothing."""

    @abstractmethod
    def measure(self, table: Table) -> tuple[int, str]:
        """Rows of a table, and a digest of them that does not depend on their order."""

    @abstractmethod
    def set_aside(self, tables: Sequence[Table], *, dropping: bool) -> list[Kept]:
        """Keep all that these tables hold; with `dropping` they are gone afterwards, otherwise they stay."""

    @abstractmethod
    def count(self, table: Table) -> Kept:
        """Note what a table holds, and leave it where it is."""

    @abstractmethod
    def has(self, kept: Kept) -> bool:
        """Whether what was put aside is still there."""

    @abstractmethod
    def bring_back(self, tables: Sequence[tuple[Table, Kept]]) -> None:
        """Make these tables what they were: those that were moved are missing now, the others are there."""

    @abstractmethod
    def discard(self) -> None:
        """Remove all that is put aside for the migration."""
