"""Files that no endpoint may lead to: who could migrate into the server's own state could make himself its master."""

from __future__ import annotations

import threading
from pathlib import Path

_lock = threading.Lock()
_paths: list[Path] = []


def reserve(path: Path) -> None:
    """Keep the engine away from a file, by whatever name it is reached, until `release`."""
    with _lock:
        _paths.append(path.absolute())


def release(path: Path) -> None:
    """Undo one `reserve` of that path."""
    with _lock:
        _paths.remove(path.absolute())


def is_reserved(path: Path) -> bool:
    """Whether the existing file at `path` is a reserved one, through links too."""
    with _lock:
        reserved = tuple(_paths)
    return any(one.exists() and path.samefile(one) for one in reserved)
