"""The root command: finds subcommands without importing them, and turns whatever happens into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from sensei.cli._errors import INTERRUPTED, USAGE, report, write_exchange
from sensei.cli._options import Command, Options, with_shared_options

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("sensei.cli.commands.demo", "Move a small shop from one database to another, with proof."),
    "migrate": ("sensei.cli.commands.migrate", "Move a database of yours: plan, review, run, validate, certify."),
    "ping": ("sensei.cli.commands.ping", "Check that the API answers and accepts your key."),
    "serve": ("sensei.cli.commands.serve", "Run the local reference server."),
}
"""Name → module that holds `command`, and the line for the overview; `--help` imports none of them."""


class LazyGroup(click.Group):
    """A group whose subcommands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name.lower(), self.list_commands(ctx), n=1)
            meant = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(self.list_commands(ctx))}."
            raise click.UsageError(f"No such command {name!r}. {meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from sensei._version import __version__

        click.echo(f"sensei {__version__}")
        ctx.exit()


@with_shared_options
@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Results go to stdout, everything else to stderr. NO_COLOR and pipes turn colour and progress bars off.",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show it.")
def root() -> None:
    """Plan, run, watch and prove database migrations.

    Begin with `sensei demo`: a real migration on data it makes, in under a minute, with no account.
    """


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code; nothing it raises gets out."""
    options = Options()
    try:
        result: object = root.main(list(arguments), prog_name="sensei", standalone_mode=False, obj=options)
        sys.stdout.flush()
        write_exchange(options)
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except BrokenPipeError:
        # The reader has gone (`sensei … | head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt) as error:
        return report(error, options)
    return result if isinstance(result, int) else 0


__all__ = ["COMMANDS", "Command", "LazyGroup", "root", "run"]
