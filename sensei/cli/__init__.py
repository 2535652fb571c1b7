"""The `sensei` command line: a thin face over the SDK.

Importing this package loads nothing but itself, so that `sensei --version` costs no more than bare Python.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What stands behind `sensei`; the process's own arguments when None.

    Returns:
        The exit code: 0 done, 1 the operation failed, 2 usage, 3 credentials, 4 not found, 5 the API could not be
        reached, 130 and 143 stopped by SIGINT (Ctrl-C) and SIGTERM.

    Examples:
        >>> from sensei.cli import main
        >>> main(["migrate", "--no-such-option"])
        2
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from sensei.cli._streams import mend

        mend()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        from sensei._version import __version__

        with suppress(OSError):  # which the long way reports
            sys.stdout.write(f"sensei {__version__}\n")
            sys.stdout.flush()
            return 0
    try:
        from sensei.cli._app import run

        return run(given)
    except KeyboardInterrupt:
        # While the command line itself was being loaded.
        return 130
