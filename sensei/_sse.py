"""From the bytes of an event stream to its events."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field

from httpx_sse import ServerSentEvent
from httpx_sse._decoders import SSEDecoder

LONGEST_EVENT = 8 * 1024 * 1024
"""Bytes without the end of an event after which a stream is taken for something else."""


class SSEReader:
    """Takes chunks of bytes as they come, cut anywhere, and gives the events that are complete.

    The fields are read by httpx-sse. An event that was not closed by an empty line is not given, as the standard
    demands: the connection was cut in the middle of it.
    """

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._fields = SSEDecoder()
        self._rest = ""
        self._pieces: list[str] = []
        self._unfinished = 0
        self._first = True

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """The events that `chunk` completes, those without data left in for their `retry`.

        Each is read when it is asked for, and all of them must be before the next chunk.

        Raises:
            ValueError: an event is so long that this is no event stream.
        """
        text = self._text.decode(chunk)
        if self._rest and not self._rest.endswith("\r") and "\n" not in text and "\r" not in text:
            # A line that comes in very many pieces is put together once, when it ends.
            self._pieces.append(text)
            self._unfinished += len(chunk)
            self._check()
            return iter(())
        text = "".join((self._rest, *self._pieces, text))
        self._pieces.clear()
        if self._first and text:
            text, self._first = text.removeprefix("\ufeff"), False
        # A carriage return at the very end may be the first half of a line end.
        held = "\r" if text.endswith("\r") else ""
        if held:
            text = text[:-1]
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        self._rest = lines.pop() + held
        # Counted from the last empty line, with which an event ends; one of many lines is kept by the decoder.
        self._unfinished = 0 if "" in lines else self._unfinished + len(chunk)
        self._check()
        return filter(None, map(self._fields.decode, lines))

    def _check(self) -> None:
        if self._unfinished > LONGEST_EVENT or len(self._rest) > LONGEST_EVENT:
            raise ValueError("something in the stream is longer than any event")


@dataclass(slots=True)
class Resumption:
    """Where a stream is, and how patient to be.

    Attributes:
        last_event_id: of the last event that was handed out, or what the user gave; None at the beginning.
        hint: seconds to wait before the first try to connect again, as the server wants.
        failures: connections in a row that brought nothing.
        resumed: True when the server was asked to go on after `last_event_id`, until it does.
    """

    last_event_id: str | None
    hint: float = 1.0
    failures: int = 0
    resumed: bool = field(default=False)

    def delay(self) -> float:
        """Seconds to wait before the next connection: the hint, doubled with each failure, up to 30 s or the hint."""
        return min(self.hint * 2.0 ** min(self.failures, 16), max(30.0, self.hint))

    def is_news(self, event_id: str, name: str) -> bool:
        """False for an event that was handed out before, which a server may send that does not know the last id."""
        if not self.resumed:
            return True
        last = self.last_event_id
        if last is None or not (event_id.isdecimal() and last.isdecimal()):
            return True
        # The end is sent again to those who had seen it.
        return int(event_id) > int(last) or (event_id == last and name == "end")
