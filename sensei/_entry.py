"""The `sensei` command: hands over to the command line, or says which extra brings it."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit code: 2 when the extra it needs is not installed."""
    try:
        from sensei.cli import main as run

        return run()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in {"click", "rich", "yaml"}:
            raise
        sys.stderr.write('The command line needs an extra: pip install "sensei-sdk[cli]"\n')
        return 2
