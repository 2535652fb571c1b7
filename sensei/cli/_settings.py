"""The settings of `~/.sensei/config.yaml` that are the command line's own.

Profiles are read by the SDK (`sensei._config`), so that a program and a command line never disagree about them.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

OutputForm = Literal["table", "json", "yaml"]
ColorMode = Literal["auto", "always", "never"]

OUTPUT_FORMS: tuple[OutputForm, ...] = ("table", "json", "yaml")
COLOR_MODES: tuple[ColorMode, ...] = ("auto", "always", "never")
LONGEST_TIMEOUT = 86_400.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file says, or the defaults.

    Attributes:
        output_format: Form of results.
        timeout: Seconds for one attempt of a call; None for the SDK's own.
        color: When to colour.
        default_organization: For people: which organization a key belongs to, the server knows.
    """

    output_format: OutputForm = "table"
    timeout: float | None = None
    color: ColorMode = "auto"
    default_organization: str | None = None


def load_settings() -> Settings:
    """Read the settings; the defaults when there is no file.

    Raises:
        ConfigurationError: The file cannot be read, or a value cannot be.
    """
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE")
    # Before the SDK is loaded: most commands of most users have no file to read.
    if home and not (Path(home) / ".sensei" / "config.yaml").exists():
        return Settings()
    from sensei._config import config_path

    path = config_path()
    return read_settings(read_file(path), path)


def read_file(path: Path) -> dict[str, object]:
    """The configuration file as a mapping; empty when it does not exist.

    Raises:
        ConfigurationError: It cannot be read, or is no YAML mapping.
    """
    from sensei._config import read_config
    from sensei.errors import ConfigurationError

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ConfigurationError(f"{path} cannot be read: {reason}") from None
    return read_config(text, path)


def read_settings(document: dict[str, object], path: Path) -> Settings:
    """The settings in a configuration file.

    Raises:
        ConfigurationError: A value cannot be.
    """
    from sensei.errors import ConfigurationError

    problems = list(problems_of(document))
    if problems:
        raise ConfigurationError(f"{path}: {problems[0]}; mend it with `sensei config set`")
    timeout = document.get("timeout")
    return Settings(
        output_format=cast("OutputForm", document.get("output_format") or "table"),
        timeout=None if timeout is None else float(cast("float", timeout)),
        color=_color(document.get("color")) or "auto",
        default_organization=cast("str | None", document.get("default_organization")),
    )


def problems_of(document: dict[str, object]) -> list[str]:
    """What is wrong with the settings, as sentences."""
    found: list[str] = []
    if document.get("output_format") not in {None, *OUTPUT_FORMS}:
        found.append(f"output_format must be one of {', '.join(OUTPUT_FORMS)}")
    timeout = document.get("timeout")
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= LONGEST_TIMEOUT
    ):
        found.append("timeout must be a number of seconds above 0, at most 86400")
    if _color(document.get("color")) is None and document.get("color") is not None:
        found.append(f"color must be one of {', '.join(COLOR_MODES)}")
    if not isinstance(document.get("default_organization"), str | None):
        found.append("default_organization must be text")
    return found


def _color(value: object) -> ColorMode | None:
    if isinstance(value, bool):
        # In YAML an unquoted `on` is true and `off` is false.
        return "auto" if value else "never"
    return next((mode for mode in COLOR_MODES if mode == value), None)


def in_color(mode: ColorMode, stream: IO[str] | None = None) -> bool:
    """Whether to colour what goes to a stream, stdout when None."""
    if os.environ.get("NO_COLOR") or mode == "never":
        return False
    where = stream or sys.stdout
    return mode == "always" or (where.isatty() and os.environ.get("TERM") != "dumb")
