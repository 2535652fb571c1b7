"""Names that the target can bear: short enough, unique there, and none of its own."""

from __future__ import annotations

import hashlib

_POSTGRESQL_BYTES = 63
_POSTGRESQL_COLUMNS = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}


class Names:
    """Hands out names within one namespace of the target; the first to ask for a name gets it."""

    def __init__(self, system: str, *, columns: bool = False) -> None:
        self._system = system
        self._columns = columns
        self._taken: set[str] = set()

    def _key(self, name: str) -> str:
        # SQLite folds ASCII letters only, but names that differ in other letters' case are no use to anybody either.
        return name.lower() if self._system == "sqlite" else name

    def reserve(self, name: str) -> None:
        """Take a name out of use."""
        self._taken.add(self._key(name))

    def give(self, wanted: str) -> str:
        """`wanted` itself where the target can bear it, else a name near it; always the same one for the same calls."""
        name = self._bearable(wanted)
        number = 2
        while self._key(name) in self._taken:
            name = self._fit(f"{self._bearable(wanted)}_{number}", f"{wanted}\0{number}")
            number += 1
        self.reserve(name)
        return name

    def _bearable(self, wanted: str) -> str:
        if self._system == "sqlite":
            return f"_{wanted}" if wanted.lower().startswith("sqlite_") and not self._columns else wanted
        name = wanted.encode("utf-8", "replace").decode() or "unnamed"
        if self._columns and name in _POSTGRESQL_COLUMNS:
            name += "_"
        return self._fit(name, wanted)

    def _fit(self, name: str, origin: str) -> str:
        if self._system != "postgresql" or len(name.encode()) <= _POSTGRESQL_BYTES:
            return name
        mark = "_" + hashlib.sha256(origin.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        return name.encode()[: _POSTGRESQL_BYTES - len(mark)].decode("utf-8", "ignore") + mark
