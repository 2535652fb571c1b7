"""Tables fit the terminal, stay whole in pipes, and keep ids whole everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei.cli._screen import width
from sensei.cli._table import cell, columns_of, described, flattened, member, rendered, shortened

COLUMNS = columns_of("id name created_at")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        ({}, "-"),
        (False, "no"),
        (0, "0"),
        (1e20, "1e+20"),
        ("a\nb\tc\r\nd", "a b c  d"),
        ("\x1b[31mred", "\N{REPLACEMENT CHARACTER}[31mred"),
        ("a\u202eb", "a\N{REPLACEMENT CHARACTER}b"),
        ([1, "x"], "1, x"),
        ([{"a": "é"}], '[{"a": "é"}]'),
        ("2026-11-24T16:13:35Z", "2026-11-24 16:13:35Z"),
        ("2026-11-24T16:13:35.5+01:00", "2026-11-24T16:13:35.5+01:00"),
        ("not-a-T-time-at-allZ", "not-a-T-time-at-allZ"),
    ],
)
def test_a_cell_is_one_line_that_disturbs_no_screen(value: object, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize(
    ("record", "path", "value"),
    [({"a": {"b": 1}}, "a.b", 1), ({"a": 1}, "a.b", None), ({}, "a", None), ({"a": None}, "a.b", None)],
)
def test_a_member_that_is_not_there_is_none(record: object, path: str, value: object) -> None:
    assert member(record, path) == value


def test_a_pipe_gets_every_cell_whole() -> None:
    lines = rendered([("conn_1", "x" * 300, "-")], COLUMNS, None)

    assert lines[0].split() == ["ID", "NAME", "CREATED"]
    assert lines[1].split() == ["conn_1", "x" * 300, "-"]


def test_a_terminal_gets_lines_that_fit_and_ids_that_are_whole() -> None:
    ident = "conn_0123456789abcdef"
    lines = rendered([(ident, "the production database of the shop", "2026-11-24 16:13:35Z")], COLUMNS, 60)

    assert all(width(line) <= 60 for line in lines)
    assert lines[1].startswith(ident + "  ")
    assert "…" in lines[1]


def test_columns_stand_under_each_other_whatever_the_script() -> None:
    lines = rendered([("1", "東京", "x"), ("2", "Zoe\u0308", "x"), ("3", "plain", "x")], COLUMNS, None)

    assert {width(line[: line.rindex("x")]) for line in lines[1:]} == {width(lines[0][: lines[0].index("CREATED")])}


@settings(derandomize=True, max_examples=200)
@given(st.text(), st.integers(1, 40))
def test_what_is_shortened_fits(text: str, room: int) -> None:
    short = shortened(text, room)

    assert width(short) <= room
    assert short == text or short.endswith("…")


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=1, max_size=5), st.integers(20, 100))
def test_a_row_is_always_one_line(rows: list[tuple[str, str, str]], room: int) -> None:
    cells = [[cell(one) for one in row] for row in rows]

    assert all(len(line.splitlines()) <= 1 for line in rendered(cells, COLUMNS, room))


def test_one_object_shows_what_has_a_value() -> None:
    pairs = flattened({"id": "c", "config": {"host": "h", "port": 5}, "tags": [], "description": None})

    assert described(pairs, None) == ["id           c", "config.host  h", "config.port  5"]
