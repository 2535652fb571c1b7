"""What becomes visible of a secret when a call fails: in reports of crashes, in print, in pickles, in logs."""

from __future__ import annotations

import base64
import pickle
import traceback
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from types import FrameType
from typing import cast

from rich.traceback import Traceback

TESTS = str(Path(__file__).resolve().parents[1])
"""The frames of callers, who see their own variables."""

SECRET = "hush4Nobody0May9See"
CLIENT_ID = "my-app"
FORMS = (SECRET, base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode(), SECRET.encode().hex())
"""The secret as it may stand somewhere: itself, and as HTTP Basic sends it."""


def leaks(text: str) -> list[str]:
    """The lines of `text` in which the secret stands."""
    return [line[:300] for line in text.splitlines() if any(form in line for form in FORMS)]


def links(error: BaseException) -> list[BaseException]:
    """The error with all that led to it, also what a traceback leaves out."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in found:
            continue
        found.append(one)
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return found


def frames(error: BaseException) -> list[FrameType]:
    """The frames of the SDK and of the libraries below it."""
    return [
        frame
        for link in links(error)
        for frame, _ in traceback.walk_tb(link.__traceback__)
        if not frame.f_code.co_filename.startswith(TESTS)
    ]


def report(error: BaseException) -> str:
    """What reports of crashes show of `error`: the variables of frames, as each kind of report prints them."""
    lines: list[str] = []
    for frame in frames(error):
        where = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"
        for name, value in frame.f_locals.items():
            lines += [f"{where}: {name} = {text}" for text in printed(value)]
    for link in links(error):
        lines += [f"{type(link).__name__}: {text}" for text in (str(link), repr(link), repr(vars(link)))]
        # Rich looks into containers, and prints the beginning of long texts.
        trace = Traceback.extract(type(link), link, link.__traceback__, show_locals=True, locals_max_string=80)
        for frame in [frame for stack in trace.stacks for frame in stack.frames]:
            if not frame.filename.startswith(TESTS):
                lines += [f"rich, {frame.name}: {name} = {node}" for name, node in (frame.locals or {}).items()]
    return "\n".join(lines)


def printed(value: object, depth: int = 4) -> Iterator[str]:
    """`value` as it is printed: whole, and piece by piece as those do who look into containers themselves."""
    yield repr(value)
    if depth == 0 or isinstance(value, str | bytes | bytearray):
        if isinstance(value, str | bytes):
            yield repr(value[:80])
    elif isinstance(value, Mapping):
        for name, member in list(cast("Mapping[object, object]", value).items()):
            yield from printed(name, depth - 1)
            yield from printed(member, depth - 1)
    elif isinstance(value, Sequence | Set):
        for item in list(cast("Sequence[object]", value)):
            yield from printed(item, depth - 1)


def everything_said(error: BaseException) -> str:
    """All that an error gives away: its report, its pickle, its text, the command that repeats it."""
    parts = [report(error), "".join(traceback.format_exception(error))]
    if isinstance(error, Exception):
        parts.append(pickle.dumps(error, 0).decode("latin-1"))
    as_curl = getattr(error, "as_curl", None)
    if as_curl is not None:
        parts.append(as_curl())
    return "\n".join(parts)
