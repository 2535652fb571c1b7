"""Remembers which migration a command line has begun, so that the same command line can go on with it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sensei.cli._endpoint import Endpoint


def home() -> Path:
    """The folder that keeps what must outlive a command: `~/.sensei`, for its owner only."""
    folder = Path.home() / ".sensei"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True, slots=True)
class Errand:
    """What a user asked for, as far as it tells one migration from another. Holds no secret.

    Attributes:
        server: Which server does the work; `embedded`, or the API's address.
        source: The source as it may be shown.
        target: The target as it may be shown.
        scope: What else makes a difference: schemas, tables left out.
    """

    server: str
    source: str
    target: str
    scope: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        told_apart = json.dumps([self.server, self.source, self.target, *self.scope])
        return hashlib.sha256(told_apart.encode()).hexdigest()[:32]


class Memory:
    """One small file for an errand that was begun and is not finished."""

    def __init__(self, errand: Errand, folder: Path) -> None:
        self._path = folder / f"{errand.key}.json"
        self._errand = errand

    def recall(self) -> str | None:
        """The id of the migration that was begun, or None."""
        try:
            kept: object = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        found = cast("dict[str, object]", kept).get("migration_id") if isinstance(kept, dict) else None
        return found if isinstance(found, str) else None

    def keep(self, migration_id: str) -> None:
        """Note the migration; the file appears whole or not at all."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {"migration_id": migration_id, "source": self._errand.source, "target": self._errand.target}
        fresh = self._path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(kept), encoding="utf-8")
        fresh.replace(self._path)

    def forget(self) -> None:
        """The errand is done."""
        self._path.unlink(missing_ok=True)


def errand_for(server: str, source: Endpoint, target: Endpoint, scope: tuple[str, ...]) -> Errand:
    """Describe what two ends and a scope amount to.

    Examples:
        >>> from sensei.cli._endpoint import parse_endpoint
        >>> target = parse_endpoint("postgresql://ada:old@db/shop", Path("/"), role="target")
        >>> changed = parse_endpoint("postgresql://ada:new@db/shop", Path("/"), role="target")
        >>> errand_for("embedded", target, target, ()) == errand_for("embedded", changed, changed, ())
        True
    """
    return Errand(server, source.shown, target.shown, scope)
