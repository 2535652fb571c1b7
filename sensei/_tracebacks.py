"""Tracebacks without the frames that hold what goes over the wire.

Those who report crashes print the variables of frames. In the frames of the HTTP libraries below the sending of a
request stand its headers and its body as they are written, and below the reading of an answer what was read.
"""

from __future__ import annotations

from types import FrameType, TracebackType
from typing import Final, cast

_LIBRARIES: Final = frozenset({"httpcore", "httpcore2", "httpx", "httpx2", "anyio", "trio", "asyncio", "ssl", "sensei"})
_WHOLE: Final = frozenset({"aiohttp", "h11", "h2", "hpack", "socksio"})
"""Libraries of which every frame may hold some of it."""

_WIRE: Final = frozenset(
    {
        "_send_request_headers",
        "_send_request_body",
        "_send_event",
        "_receive_response_headers",
        "_receive_response_body",
        "_receive_event",
        "_receive_stream_event",
        "_receive_remote_settings_change",
        "_write_outgoing_data",
        "_read_incoming_data",
        "_whole",
        "rest",
        "chunk",
        "read",
        "receive",
        "write",
        "send_all",
        "sendall",
        "__iter__",
        "__aiter__",
        "iter_raw",
        "aiter_raw",
        "iter_bytes",
        "aiter_bytes",
        "iter_stream",
        "aiter_stream",
    }
)
"""Functions below which bytes travel."""


def without_wire(error: BaseException) -> BaseException:
    """`error`, itself and what led to it, cut off where bytes travel. What is above stays, and so do the messages."""
    links: list[BaseException | None] = [error]
    seen: set[int] = set()
    while links:
        link = links.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        link.__traceback__ = _cut(link.__traceback__)
        links += [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            links += cast("tuple[BaseException, ...]", link.exceptions)
    return error


def _cut(traceback: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    here = traceback
    while here is not None and not _holds_bytes(here.tb_frame):
        kept.append(here)
        here = here.tb_next
    if here is None:
        return traceback
    above: TracebackType | None = None
    for one in reversed(kept):
        above = TracebackType(above, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return above


def _holds_bytes(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    library = module.partition(".")[0]
    if library in _WHOLE:
        return True
    if library not in _LIBRARIES:
        return False
    name = frame.f_code.co_name
    # With a proxy its password stands in the headers that ask for the way through.
    return name in _WIRE or module.endswith("_proxy") or (name == "send" and not module.startswith(_SENDERS))


_SENDERS: Final = ("httpx", "sensei._client_adapters", "sensei._aiohttp")
"""Modules whose `send` takes a request as an object, or concealed."""
