"""Files that no endpoint may lead to: who could migrate into the server's own state could make himself its master."""

from __future__ import annotations

import threading
from pathlib import Path

_lock = threading.Lock()
_paths: list[Path] = []
_COMPANIONS = ("-wal", "-shm", "-journal")


def reserve(path: Path) -> None:
    """Keep the engine away from a file, by whatever name it is reached, until `release`."""
    with _lock:
        _paths.append(path.absolute())


def release(path: Path) -> None:
    """Undo one `reserve` of that path."""
    with _lock:
        _paths.remove(path.absolute())


def is_reserved(path: Path) -> bool:
    """Whether `path` is a reserved file or one of those that SQLite keeps beside it, through links too."""
    with _lock:
        reserved = tuple(_paths)
    return any(_is_same(path, one.with_name(one.name + suffix)) for one in reserved for suffix in ("", *_COMPANIONS))


def _is_same(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return path.samefile(other)
    # Made now, it would be found beside the state later.
    return path.resolve() == other.resolve()
