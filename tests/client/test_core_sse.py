"""Event streams as bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei._sse import LONGEST_EVENT, Resumption, SSEReader

steady = settings(derandomize=True, deadline=None)


EVENTS = (
    b"retry: 3000\n\nid: 1\nevent: log\ndata: {\n\n: note\n\nid: 2\ndata: a\ndata: \xc3\xbc\n\nevent: end\ndata: x\n\n"
)
READ = [("log", "{", "1"), ("message", "a\nü", "2"), ("end", "x", "2")]


class TestSSE:
    def read(self, chunks: list[bytes]) -> list[tuple[str, str, str]]:
        reader = SSEReader()
        return [(e.event, e.data, e.id) for chunk in chunks for e in reader.feed(chunk) if e.data]

    @steady
    @given(st.lists(st.integers(0, len(EVENTS))), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans())
    def test_cut_anywhere_with_any_line_end_it_reads_the_same(self, cuts: list[int], end: bytes, bom: bool) -> None:
        data = (b"\xef\xbb\xbf" if bom else b"") + EVENTS.replace(b"\n", end)
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        chunks = [data[a:b] for a, b in pairwise(places)]
        # A lone carriage return at the end could be half of a line end, so that the last event waits for more.
        assert self.read([*chunks, b":"]) == READ

    @steady
    @given(st.lists(st.binary()))
    def test_no_bytes_break_it(self, chunks: list[bytes]) -> None:
        self.read(chunks)

    def test_an_event_cut_in_the_middle_is_not_given(self) -> None:
        assert self.read([b"id: 1\ndata: {}\n"]) == []

    def test_a_line_without_end_is_no_stream(self) -> None:
        reader = SSEReader()
        reader.feed(b"x" * LONGEST_EVENT)
        with pytest.raises(ValueError, match="longer"):
            reader.feed(b"x")

    def test_a_line_that_comes_byte_by_byte_is_read_in_good_time(self) -> None:
        # Copied with each byte, it would take the better part of a minute.
        chunks = [b"data: ", *[b"x"] * 600_000, b"\n", b"\n"]
        assert self.read(chunks) == [("message", "x" * 600_000, "")]

    def test_an_event_without_end_is_no_stream(self) -> None:
        reader = SSEReader()
        lines = b"data: x\n" * 100_000
        for _ in range(LONGEST_EVENT // len(lines)):
            reader.feed(lines)
        with pytest.raises(ValueError, match="longer"):
            reader.feed(lines)

    def test_many_events_are_no_long_one(self) -> None:
        reader = SSEReader()
        events = b"data: x\n\n" * 100_000
        rounds = range(LONGEST_EVENT // len(events) + 2)
        assert sum(1 for _ in rounds for _ in reader.feed(events)) > 100_000

    def test_waits_between_connections_double_from_the_hint(self) -> None:
        place = Resumption(None, hint=3)
        waits = []
        for place.failures in range(6):
            waits.append(place.delay())
        assert waits == [3, 6, 12, 24, 30, 30]

    def test_what_was_handed_out_is_known_again_after_a_cut(self) -> None:
        place = Resumption("10", resumed=True)
        assert [place.is_news(number, "log") for number in ("9", "10", "11", "x", "")] == [
            False,
            False,
            True,
            True,
            True,
        ]
        assert place.is_news("10", "end")
        assert Resumption("10").is_news("9", "log")
