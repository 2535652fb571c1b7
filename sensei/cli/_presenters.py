"""Choose how to talk: colour and bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys

from sensei.cli._options import Options
from sensei.cli._presenter import PlainPresenter, Presenter


def presenter_for(options: Options) -> Presenter:
    """The presenter that suits what stderr is."""
    lively = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    if lively and not options.quiet:
        from sensei.cli._terminal import TerminalPresenter

        return TerminalPresenter(in_color=options.settings.color != "never")
    return PlainPresenter(interactive=sys.stdin.isatty() and sys.stderr.isatty(), quiet=options.quiet)
