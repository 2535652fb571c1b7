"""`sensei completion`."""

from __future__ import annotations

import click

from sensei.cli._options import Command


@click.command("completion", cls=Command, needs_settings=False)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that makes SHELL (bash, zsh or fish) complete commands, options and their values.

    \b
    Examples:
      eval "$(sensei completion bash)"                                # in ~/.bashrc
      eval "$(sensei completion zsh)"                                 # in ~/.zshrc
      sensei completion fish > ~/.config/fish/completions/sensei.fish
    """
    from click.shell_completion import get_completion_class

    from sensei.cli._app import root
    from sensei.cli._result import emit

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  # the choices above are click's own
    completion = kind(root, {}, "sensei", "_SENSEI_COMPLETE")
    # Not `source()`: for bash it starts the one of this machine to look at its version.
    script = completion.source_template % completion.source_vars()
    # Only the first comma parts; further ones belong to what fish shows about a command.
    emit(script.replace('string split ","', 'string split --max 1 ","') + "\n")
