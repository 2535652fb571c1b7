"""Profiles: a key and the server that it is for."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from sensei.cli._config_file import Document, change, config_file, current_profile, profiles_of
from sensei.cli._errors import NOT_FOUND, USAGE, CommandError
from sensei.cli._options import Options
from sensei.cli._text import listing

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}").fullmatch
_URLS = ("api_url", "base_url", "url")


def masked(key: object) -> str | None:
    """A key as it may be shown: what tells its kind, and its last characters where enough are left.

    Examples:
        >>> masked("sk_live_0123456789abcdef"), masked("short"), masked("${KEY}"), masked(None)
        ('sk_live_***cdef', '***', '${KEY}', None)
    """
    if key is None:
        return None
    text = str(key)
    if text.startswith("${") and text.endswith("}"):
        return text
    kind = re.match(r"sk_(live|test)_|sa_", text)
    return f"{kind[0] if kind else ''}***{text[-4:] if len(text) >= 20 else ''}"


def url_of(profile: Document) -> str | None:
    """The server of a profile."""
    found = next((profile[name] for name in _URLS if profile.get(name)), None)
    return None if found is None else str(found)


def check_key_and_url(key: str, url: str | None) -> None:
    """Make sure that both can be used, before they are stored.

    Raises:
        ConfigurationError: One of them cannot.
    """
    from sensei._config import check_key, parse_url

    if not (key.startswith("${") and key.endswith("}")):
        check_key(key, "the API key")
    if url is not None:
        parse_url(url)


def store(name: str, key: str | None, url: str | None, *, use: bool | None = None, fresh: bool = False) -> Path:
    """Write a profile.

    Args:
        name: Its name.
        key: Its key; None leaves it as it is.
        url: Its server; None leaves it as it is.
        use: Whether it becomes the one that is used when none is named; None when it is the first.
        fresh: Whether it must not be there already.

    Raises:
        CommandError: The name cannot be, or is taken.
    """
    if not _NAME(name):
        raise CommandError(
            f"{name[:64]!r} cannot be the name of a profile: letters, digits, and . _ - inside", exit_code=USAGE
        )

    def edit(document: Document) -> None:
        profiles = profiles_of(document, config_file())
        if fresh and name in profiles:
            raise CommandError(
                f"there is a profile {name!r} already; `sensei login --profile {name}` gives it a new key",
                exit_code=USAGE,
            )
        profile = profiles.setdefault(name, {})
        if key is not None:
            profile["api_key"] = key
        if url is not None:
            for member in _URLS:
                profile.pop(member, None)
            profile["api_url"] = url
        document["profiles"] = profiles
        if use or (use is None and current_profile(document) not in profiles):
            document.pop("profile", None)
            document["current_profile"] = name

    return change(edit)


def chosen_name(options: Options) -> str:
    """The profile that a command is about: the option's, else the environment's, else the current one."""
    from sensei.cli._settings import read_file

    named = options.profile or os.environ.get("SENSEI_PROFILE")
    return named or current_profile(read_file(config_file()))


def existing(document: Document, name: str) -> dict[str, Document]:
    """The profiles, when `name` is one of them.

    Raises:
        CommandError: It is not.
    """
    path = config_file()
    profiles = profiles_of(document, path)
    if name not in profiles:
        known = listing(sorted(profiles)) or "none"
        raise CommandError(f"there is no profile {name!r} in {path}; it has: {known}", exit_code=NOT_FOUND)
    return profiles
