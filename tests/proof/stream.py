"""A very long event stream that is cut again and again: no event is lost, none comes twice."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sensei import Client
from tests.client.faulty import Answer, FaultyServer, Heard
from tests.proof.serving import KEY

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
OVERLAP = 3
"""Events that are sent once more now and then, as a server does that does not know the last id exactly."""


@dataclass(slots=True)
class Report:
    """What came of a run."""

    events: int
    connections: int = 0
    received: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class LongStream:
    """Answers a request for events with the next ones, and breaks the connection in the middle of the one after.

    The cut falls on every byte of an event sooner or later; every third connection ends in good order, so that only
    the missing `end` tells that it is not over.
    """

    def __init__(self, events: int, cut_every: int, seed: int) -> None:
        self._events = events
        self._cut_every = cut_every
        self._dice = random.Random(seed)
        self.connections = 0

    def answer(self, heard: Heard) -> Answer:
        """The bytes of one connection."""
        self.connections += 1
        begin = int(heard.headers.get("last-event-id", "0"))
        if begin and self.connections % 5 == 0:
            begin = max(0, begin - OVERLAP)
        last = min(begin + self._cut_every, self._events)
        body = b"retry: 1\n\n" + b"".join(map(self._event, range(begin + 1, last + 1)))
        if last == self._events:
            return Answer(HEAD + _chunk(body) + b"0\r\n\r\n", close=True)
        if self.connections % 3 == 0:
            return Answer(HEAD + _chunk(body) + b"0\r\n\r\n", close=True)
        torn = self._event(last + 1)
        data = HEAD + _chunk(body + torn[: self._dice.randrange(len(torn) - 1)])
        return Answer(data, close=True)

    def _event(self, number: int) -> bytes:
        name = "end" if number == self._events else "progress"
        data: dict[str, object] = {
            "timestamp": "2026-02-02T16:30:00Z",
            "phase": "data_transfer",
            "percent": 45,
            "phase_percent": 41,
            "records_processed": number,
            "records_total": self._events,
            "message": f"batch {number}\u2028ü",
        }
        if name == "end":
            data["status"] = "completed"
        return f"id: {number}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def run(*, events: int, cut_every: int, seed: int, say: Callable[[str], None] = lambda _: None) -> Report:
    """Read a stream of so many events, cut after every `cut_every` of them.

    Parameters:
        events: How many.
        cut_every: After how many the connection breaks.
        seed: Of the bytes at which it breaks.
        say: Told how far it is.
    """
    report = Report(events)
    began = time.monotonic()
    stream = LongStream(events, cut_every, seed)
    expected = 0
    with FaultyServer(stream.answer) as server, Client(KEY, base_url=server.url) as client:
        for event in client.migrations.stream_events("mig_1"):
            expected += 1
            report.received += 1
            if event.id != str(expected):
                report.problems.append(f"event {event.id} came where {expected} was due")
                expected = int(event.id or expected)
            if expected % 100_000 == 0:
                say(f"{expected:,} events over {stream.connections:,} connections")
    report.connections = stream.connections
    if expected != events:
        report.problems.append(f"the last event was {expected}, not {events}")
    report.seconds = time.monotonic() - began
    return report
