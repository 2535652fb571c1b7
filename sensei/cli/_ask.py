"""What is asked on a terminal: a yes before something is destroyed, and secrets that nobody may read on the screen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import click

from sensei.cli._errors import FAILED, USAGE, CommandError
from sensei.cli._numbers import Whole
from sensei.cli._text import clean

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., object])

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
"""For commands that call `confirm`."""


def can_ask() -> bool:
    """True when there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, yes: bool, refusal: str) -> None:
    """Ask for a yes; without a terminal, `--yes` must have said it.

    Args:
        question: What is asked.
        yes: Whether `--yes` was given.
        refusal: What to say when the answer is no, such as `nothing was deleted`.

    Raises:
        CommandError: There is nobody to ask, which is a wrong command line, or the answer is no.
    """
    if yes:
        return
    if not can_ask():
        raise CommandError("there is nobody to ask: pass --yes to go on without being asked", exit_code=USAGE)
    sys.stderr.write(f"{clean(question)} [y/N] ")
    sys.stderr.flush()
    if read_line().strip().lower() not in {"y", "yes"}:
        raise CommandError(refusal, exit_code=FAILED)


def read_line() -> str:
    """Read a line that somebody types; one that Ctrl-C ends stays on the screen."""
    try:
        return sys.stdin.readline()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        raise


def ask(prompt: str, *, option: str, default: str | None = None, choices: tuple[str, ...] = ()) -> str:
    """Ask for a value.

    Args:
        prompt: What is asked for.
        option: What gives it without asking, for the error.
        default: What an empty answer means.
        choices: The answers that there are; any when empty.

    Raises:
        CommandError: There is nobody to ask.
    """
    if not can_ask():
        raise CommandError(f"{prompt} is missing: give it with {option}", exit_code=USAGE)
    kind = click.Choice(choices) if choices else click.STRING
    try:
        answer: str = click.prompt(prompt, default=default, type=kind, err=True)
    except click.Abort:
        sys.stderr.write("\n")
        raise
    return answer


def ask_secret(prompt: str, *, option: str, empty: bool = False) -> str:
    """Ask for a secret without showing it.

    Args:
        prompt: What is asked for.
        option: What gives it without asking, for the error.
        empty: Whether there may be none.

    Raises:
        CommandError: There is nobody to ask.
    """
    if not can_ask():
        raise CommandError(f"{prompt} is missing: give it with {option}", exit_code=USAGE)
    shown = f"{prompt} (empty for none)" if empty else prompt
    answer: str = click.prompt(shown, hide_input=True, err=True, default="" if empty else None, show_default=False)
    return answer


def secret_from(value: str | None, prompt: str, *, option: str) -> str:
    """A secret from the command line: `-` reads a line of stdin, nothing at all asks for it.

    Raises:
        CommandError: There is nobody to ask, or nothing on stdin.
    """
    if value is None:
        return ask_secret(prompt, option=option)
    if value != "-":
        return value
    line = sys.stdin.readline().strip()
    if not line:
        raise CommandError(f"{prompt}: there is nothing on stdin", exit_code=USAGE)
    return line


def limited(function: _FunctionT) -> _FunctionT:
    """Add `--limit` and `--all` to a command that lists; it is given `limit`, which is None for all."""

    @click.option("--limit", type=Whole(min=1), metavar="NUMBER", help="Most items to show.  [default: 20]")
    @click.option("--all", "everything", is_flag=True, help="Show all items.")
    @wraps(function)
    def bounded(*args: object, limit: int | None, everything: bool, **rest: object) -> object:
        if everything and limit is not None:
            raise click.UsageError("Give --limit or --all, not both.")
        return function(*args, limit=None if everything else limit or 20, **rest)

    return bounded  # type: ignore[return-value]  # takes what the function takes, but for the two options
