"""Change `~/.sensei/config.yaml`: whole or not at all, for its owner only, one process at a time."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from sensei.cli._errors import FAILED, USAGE, CommandError
from sensei.cli._result import tell
from sensei.cli._settings import read_file

Document = dict[str, object]


def config_file() -> Path:
    """Where the file is, as the SDK finds it."""
    from sensei._config import config_path

    return config_path()


def profiles_of(document: Document, path: Path) -> dict[str, Document]:
    """The profiles of the file, each as its members.

    Raises:
        CommandError: They are no mappings.
    """
    found: object = document.get("profiles") or {}
    if not isinstance(found, dict) or not all(
        isinstance(one, dict | None) for one in cast("dict[object, object]", found).values()
    ):
        raise CommandError(f"{path}: profiles must be a mapping of names to mappings", exit_code=USAGE)
    return {str(name): dict(one or {}) for name, one in cast("dict[object, Document | None]", found).items()}


def current_profile(document: Document) -> str:
    """The profile that is used when none is named."""
    named = document.get("current_profile") or document.get("profile")
    return named if isinstance(named, str) else "default"


def change(edit: Callable[[Document], None]) -> Path:
    """Read the file, let `edit` change it, and write it back.

    Raises:
        ConfigurationError: The file cannot be read.
        CommandError: It belongs to somebody else, or others may change it.
    """
    path = config_file()
    _make_folder(path.parent)
    with _alone(path.parent):
        # A link, as managers of dotfiles make them, stays a link: what it leads to is replaced.
        real = Path(os.path.realpath(path))
        if real != path:
            _check_owner(real.parent)
        _check_owner(real)
        document = read_file(path)
        edit(document)
        if real.exists() and _has_comments(real):
            tell(f"Comments in {path} are not kept.")
        _replace(real, document)
    return path


def permission_problems(path: Path) -> list[str]:
    """What is wrong with who may read or change the file, as sentences."""
    if os.name != "posix":
        return []
    found: list[str] = []
    with suppress(FileNotFoundError):
        facts = path.stat()
        if facts.st_uid not in {os.getuid(), 0}:
            found.append(f"{path} belongs to another user")
        if facts.st_mode & 0o077:
            found.append(f"{path} can be read or changed by others: chmod 600 {path}")
    with suppress(FileNotFoundError):
        if path.parent.stat().st_mode & 0o022:
            found.append(f"{path.parent} can be changed by others: chmod 700 {path.parent}")
    return found


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_owner(folder)


def _check_owner(place: Path) -> None:
    """Refuse to write a key where another user could have it replaced or read."""
    if os.name != "posix":
        return
    with suppress(FileNotFoundError):
        facts = place.stat()
        if facts.st_uid not in {os.getuid(), 0} and os.getuid() != 0:
            raise CommandError(f"{place} belongs to another user; nothing was written", exit_code=USAGE)
        if stat.S_ISDIR(facts.st_mode) and facts.st_mode & 0o022:
            raise CommandError(
                f"{place} can be changed by others, nothing was written: chmod go-w {place}", exit_code=USAGE
            )


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Keep other processes from changing the file meanwhile: what one of them adds must not be lost."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    place = os.open(folder / "config.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def _has_comments(path: Path) -> bool:
    return any(line.lstrip().startswith("#") for line in path.read_text(encoding="utf-8").splitlines())


def _replace(path: Path, document: Document) -> None:
    import yaml

    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    # Made by mkstemp with 0600, under a name that nobody can foresee.
    handle, fresh = tempfile.mkstemp(prefix=".config-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(fresh).unlink()
        raise CommandError(f"{path} cannot be written: {error.strerror}", exit_code=FAILED) from None
    except BaseException:
        with suppress(OSError):
            Path(fresh).unlink()
        raise
