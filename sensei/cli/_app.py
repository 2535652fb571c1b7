"""The root command: finds subcommands without importing them, and turns whatever happens into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from sensei.cli._errors import FAILED, USAGE, CommandError, StoppedError, report, write_exchange, write_line
from sensei.cli._groups import Group, Lazy
from sensei.cli._options import Options
from sensei.cli._signals import stoppable

COMMANDS: Lazy = {
    "api-keys": ("sensei.cli.commands.api_keys", "Make, list, replace and delete API keys."),
    "completion": ("sensei.cli.commands.completion", "Print what makes a shell complete commands."),
    "config": ("sensei.cli.commands.config", "Show and change the settings and profiles of this machine."),
    "connections": ("sensei.cli.commands.connections", "Make, test, look into and delete connections to databases."),
    "demo": ("sensei.cli.commands.demo", "Move a small shop from one database to another, with proof."),
    "login": ("sensei.cli.commands.login", "Store an API key, after checking it."),
    "logout": ("sensei.cli.commands.login:logout", "Remove a stored API key."),
    "migrate": ("sensei.cli.commands.migrate", "Move a database of yours: plan, review, run, validate, certify."),
    "migrations": ("sensei.cli.commands.migrations", "Make, start, watch, pause, undo and delete migrations."),
    "ping": ("sensei.cli.commands.ping", "Check that the API answers and accepts your key."),
    "plans": ("sensei.cli.commands.plans", "Look at the plan of a migration, and decide its mappings."),
    "serve": ("sensei.cli.commands.serve", "Run the local reference server."),
    "validations": ("sensei.cli.commands.validations", "Compare source and target, and prove what was found."),
    "webhooks": ("sensei.cli.commands.webhooks", "Register endpoints for events, or receive events here."),
}
"""Name → module that holds `command`, and the line for the overview; `--help` imports none of them."""


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from sensei._version import __version__

        click.echo(f"sensei {__version__}")
        ctx.exit()


@click.group(
    cls=Group,
    lazy=COMMANDS,
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
    with stoppable():
        try:
            result: object = root.main(list(arguments), prog_name="sensei", standalone_mode=False, obj=options)
            sys.stdout.flush()
            write_exchange(options)
        except click.exceptions.Abort as error:
            return report(_abandoned(error), options)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return USAGE
        except click.ClickException as error:
            write_line(f"Error: {_one_line(error)}")
            return USAGE
        except BrokenPipeError:
            # The reader has gone (`sensei … | head`); Python would complain again when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except SystemExit:
            # How click ends for such a reader.
            return FAILED
        except (Exception, KeyboardInterrupt) as error:
            return report(error, options)
    return result if isinstance(result, int) else 0


def _abandoned(error: click.exceptions.Abort) -> CommandError:
    """What it means that a question got no answer."""
    if isinstance(error.__cause__ or error.__context__, EOFError):
        return CommandError("no answer was given")
    stopped = StoppedError()
    stopped.__cause__ = error
    return stopped


def _one_line(error: click.ClickException) -> str:
    """What is wrong with a command line, and where it says what would be right."""
    said = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    ended = said if said.endswith((".", "?")) else f"{said}."
    return f"{ended} `{context.command_path} --help` tells more." if context else said


__all__ = ["COMMANDS", "root", "run"]
