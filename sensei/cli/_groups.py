"""Groups of commands that are listed without being imported."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import cast

import click
from click.shell_completion import CompletionItem

from sensei.cli._options import Command, with_shared_options

Lazy = Mapping[str, tuple[str, str]]
"""Name → where the command is, `module` or `module:attribute` (`command` when not given), and its line in overviews."""


class Group(click.Group):
    """A group that takes the shared options, imports a lazy subcommand when it is used, and knows what was meant.

    Args:
        name: Its name.
        lazy: Subcommands that are imported when they are used. Others are added with the `command` decorator.
        rest: As for `click.Group`.
    """

    command_class: type[click.Command] | None = Command

    def __init__(self, name: str | None = None, *, lazy: Lazy | None = None, **rest: object) -> None:
        super().__init__(name, **rest)  # type: ignore[arg-type]  # click's own keyword arguments
        self.lazy: Lazy = lazy or {}
        with_shared_options(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        return cast("click.Command", getattr(import_module(module), attribute or "command"))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = get_close_matches(name.lower(), self.list_commands(ctx), n=1)
            meant = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(self.list_commands(ctx))}."
            raise click.UsageError(f"No such command {name!r}. {meant}", ctx)
        return super().resolve_command(ctx, args)

    def summaries(self, ctx: click.Context) -> list[tuple[str, str]]:
        """The names of the subcommands and a line about each; nothing is imported for it."""
        found: list[tuple[str, str]] = []
        for name in self.list_commands(ctx):
            if name in self.lazy:
                found.append((name, self.lazy[name][1]))
            elif (command := self.get_command(ctx, name)) is not None and not command.hidden:
                found.append((name, command.get_short_help_str(limit=100)))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(self.summaries(ctx))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [CompletionItem(name, help=line) for name, line in self.summaries(ctx) if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)


Group.group_class = Group
