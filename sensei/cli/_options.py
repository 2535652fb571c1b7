"""The options that every command takes, before or after its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from sensei.cli._exchange import ExchangeLog

_CommandT = TypeVar("_CommandT", bound=click.Command)


@dataclass(slots=True)
class Options:
    """What was asked for beyond the command itself."""

    debug: bool = False
    profile: str | None = None
    output: str = "table"
    quiet: bool = False
    exchange: ExchangeLog | None = field(default=None, repr=False)


def _store(ctx: click.Context, param: click.Parameter, value: object) -> None:
    # The same option may stand before and after the command; one that was not given changes nothing.
    if value is not None:
        setattr(ctx.ensure_object(Options), str(param.name), value)


def _shared_options() -> list[click.Option]:
    def option(*names: str, help: str, type: click.ParamType[str] | None = None, is_flag: bool = False) -> click.Option:
        return click.Option(
            names,
            help=help,
            type=type,
            is_flag=is_flag,
            flag_value=True if is_flag else None,
            default=None,
            expose_value=False,
            callback=_store,
        )

    return [
        option("--output", type=click.Choice(["table", "json", "yaml"]), help="Form of the result."),
        option("--quiet", is_flag=True, help="Print ids only."),
        option("--profile", type=click.STRING, help="Profile of ~/.sensei/config.yaml to use."),
        option("--debug", is_flag=True, help="Show the exchange with the API, secrets masked."),
    ]


def with_shared_options(command: _CommandT) -> _CommandT:
    """Add the shared options to a command."""
    command.params.extend(_shared_options())
    return command


class Command(click.Command):
    """A command that takes the shared options too."""

    def __init__(self, name: str | None, *, callback: Callable[..., object] | None = None, **rest: object) -> None:
        super().__init__(name, callback=callback, **rest)  # type: ignore[arg-type]  # click's own keyword arguments
        with_shared_options(self)
