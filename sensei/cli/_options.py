"""The options that every command takes, before or after its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import click

from sensei.cli._settings import OUTPUT_FORMS, OutputForm, Settings

if TYPE_CHECKING:
    from sensei.cli._exchange import ExchangeLog

_CommandT = TypeVar("_CommandT", bound=click.Command)


@dataclass(slots=True)
class Options:
    """What was asked for beyond the command itself."""

    debug: bool = False
    profile: str | None = None
    output: OutputForm | None = None
    quiet: bool = False
    exchange: ExchangeLog | None = field(default=None, repr=False)
    file: Settings | None = field(default=None, compare=False)
    names: dict[str, str] = field(default_factory=dict[str, str], compare=False)
    """Arguments of the SDK → what the user of the command at hand writes them as."""

    @property
    def settings(self) -> Settings:
        """What the configuration file says; it is read once.

        Raises:
            ConfigurationError: The file cannot be read, or a value in it cannot be.
        """
        if self.file is None:
            from sensei.cli._settings import load_settings

            self.file = load_settings()
        return self.file

    @property
    def form(self) -> OutputForm:
        """The form of results: the option, else the file's, else a table."""
        return self.output or self.settings.output_format


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
        option("--output", type=click.Choice(OUTPUT_FORMS), help="Form of the result."),
        option("--quiet", is_flag=True, help="Print ids only."),
        option("--profile", type=click.STRING, help="Profile of ~/.sensei/config.yaml to use."),
        option("--debug", is_flag=True, help="Show the exchange with the API, secrets masked."),
    ]


def with_shared_options(command: _CommandT) -> _CommandT:
    """Add the shared options to a command."""
    command.params.extend(_shared_options())
    return command


class Command(click.Command):
    """A command that takes the shared options too.

    Args:
        name: Its name.
        callback: What it does.
        needs_settings: False for a command that must work when the configuration file is broken.
        rest: As for `click.Command`.
    """

    def __init__(
        self,
        name: str | None,
        *,
        callback: Callable[..., object] | None = None,
        needs_settings: bool = True,
        **rest: object,
    ) -> None:
        super().__init__(name, callback=callback, **rest)  # type: ignore[arg-type]  # click's own keyword arguments
        self._needs_settings = needs_settings
        with_shared_options(self)

    def invoke(self, ctx: click.Context) -> object:
        if self._needs_settings:
            # Before anything is done: a file that cannot be read must not spoil the result of hours.
            _ = ctx.ensure_object(Options).settings
        ctx.ensure_object(Options).names = _names_of(self, ctx)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            # Here, since click would write an empty line.
            from sensei.cli._errors import StoppedError

            raise StoppedError from stop


def _names_of(command: click.Command, ctx: click.Context) -> dict[str, str]:
    """What the parameters of a command are called: by the API's name, and by the user."""
    found: dict[str, str] = {}
    for param in command.params:
        if isinstance(param, click.Argument):
            shown = param.make_metavar(ctx)
            found |= {"id": found.get("id", shown), str(param.name): shown}
        else:
            long = next((name for name in param.opts if name.startswith("--")), param.opts[0])
            found |= {long.lstrip("-").replace("-", "_"): long, str(param.name): long}
    if not ctx.params.get("base_url"):
        # It came from elsewhere then.
        found.pop("base_url", None)
    return found
