"""Choose how to talk: colour and bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys

from sensei.cli._options import Options
from sensei.cli._presenter import PlainPresenter, Presenter


def presenter_for(options: Options) -> Presenter:
    """The presenter that suits what stderr is."""
    on_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if on_terminal and not options.quiet:
        from sensei.cli._terminal import TerminalPresenter

        return TerminalPresenter(in_color=options.settings.color != "never")
    return PlainPresenter(interactive=sys.stdin.isatty() and sys.stderr.isatty(), quiet=options.quiet)
