"""Results that are files: written whole, byte for byte, to a file or to stdout."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import click

from sensei.cli._errors import USAGE, CommandError

output_file_option = click.option(
    "-o", "--output-file", "path", type=click.Path(path_type=Path, dir_okay=False), help="File to write; else stdout."
)
"""For commands that call `write_file`."""


def write_file(data: bytes, path: Path | None, *, binary: bool = False) -> None:
    """Write a result to a file, or to stdout when there is none.

    Args:
        data: The bytes, which arrive as they are.
        path: The file; it appears whole or not at all, and one that was there is replaced.
        binary: Whether a terminal could not show it.

    Raises:
        CommandError: There is no file, and a terminal could not show it.
    """
    if path is None:
        if binary and sys.stdout.isatty():
            raise CommandError("a terminal cannot show this: name a file with -o, or send it to one", exit_code=USAGE)
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    if path.exists() and not path.is_file():
        # A device or a pipe, such as /dev/stderr: nothing to replace.
        path.write_bytes(data)
        return
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise CommandError(f"{path}: {error.strerror}") from None
    sys.stderr.write(f"Wrote {path}\n")
