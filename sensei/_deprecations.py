"""Warnings about operations that the server is going to remove."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)
_told: set[str] = set()


class OperationDeprecatedWarning(DeprecationWarning):
    """The server says that an operation is deprecated, or when it will be gone."""


def warn_about_deprecation(method: str, route: str, headers: Mapping[str, str]) -> None:
    """Warn about an operation, once for each in a process, at the line of the user's that called it.

    Args:
        method: the HTTP method.
        route: the path with its ids left open.
        headers: of the answer: `Deprecation`, `Sunset` with an HTTP date, and `Link` to what to do instead.
    """
    operation = f"{method} {route}"
    if operation in _told:
        return
    _told.add(operation)
    sunset, link = headers.get("sunset"), headers.get("link")
    text = f"{operation} is deprecated" if "deprecation" in headers else f"{operation} is going to be removed"
    if sunset:
        text += f" and will be gone after {sunset[:60]}"
    if link:
        text += f"; see {link[:200]}"
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    warnings.warn(text, OperationDeprecatedWarning, stacklevel=level)
