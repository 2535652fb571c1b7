"""Streams that a shell has closed (`>&-`), for which Python has None."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import cast


class _Closed(io.RawIOBase):
    """Takes nothing: a result that nobody gets is a failure, as for other programs."""

    def writable(self) -> bool:
        return True

    def write(self, _data: object) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "stdout")


def mend() -> None:
    """Put something in the place of closed streams: an empty stdin, a stdout that refuses, a stderr that forgets."""
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  # typeshed leaves this case out
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  # for as long as the process lives
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdout = io.TextIOWrapper(cast("io.BufferedWriter", _Closed()), encoding="utf-8", write_through=True)
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # as above
