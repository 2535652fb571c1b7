"""Results: stable documents for programs, and nothing on stdout but them."""

from __future__ import annotations

import io
import json
import sys

import pytest
import yaml

from sensei.cli._options import Options
from sensei.cli._result import Listed, write_list, write_object, write_result
from sensei.cli._settings import Settings

ITEMS: list[dict[str, object]] = [
    {"id": "conn_1", "name": "Shop", "created_at": "2026-11-24T16:13:35.123Z", "tags": ["a", "b"]},
    {"id": "conn_2", "name": "東京\x1b[2J", "created_at": None, "tags": []},
]
SHOWN = "id name created_at tags"


def options(form: str = "table", *, quiet: bool = False) -> Options:
    return Options(output=form, quiet=quiet, file=Settings())  # type: ignore[arg-type]  # one of the forms


def test_a_list_in_json_has_the_form_of_the_api(capsys: pytest.CaptureFixture[str]) -> None:
    write_list(options("json"), Listed(ITEMS, 7), SHOWN, nothing="none")

    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "data": ITEMS,
        "pagination": {"total": 7, "limit": 2, "offset": 0, "has_more": True},
    }
    assert said.err == ""


def test_a_list_in_yaml_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    write_list(options("yaml"), Listed(ITEMS, 2), SHOWN, nothing="none")

    said = capsys.readouterr()
    assert yaml.safe_load(said.out) == Listed(ITEMS, 2).document()
    assert said.err == ""


def test_a_table_in_a_pipe_is_whole_and_plain(capsys: pytest.CaptureFixture[str]) -> None:
    write_list(options(), Listed(ITEMS, 2), SHOWN, nothing="none")

    assert capsys.readouterr().out == (
        "ID      NAME      CREATED               TAGS\n"
        "conn_1  Shop      2026-11-24 16:13:35Z  a, b\n"
        "conn_2  東京\N{REPLACEMENT CHARACTER}[2J  -                     -\n"
    )


def test_quiet_gives_one_id_a_line_and_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    write_list(options(quiet=True), Listed(ITEMS, 3), SHOWN, nothing="none")

    said = capsys.readouterr()
    assert said.out == "conn_1\nconn_2\n"
    assert "2 of 3" in said.err


@pytest.mark.parametrize(
    ("form", "quiet", "out", "err"),
    [
        ("table", False, "", "No connections.\n"),
        ("json", True, "", ""),
        ("yaml", False, "data: []\npagination:\n  total: 0\n  limit: 0\n  offset: 0\n  has_more: false\n", ""),
    ],
)
def test_an_empty_list(form: str, quiet: bool, out: str, err: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_list(options(form, quiet=quiet), Listed([], 0), SHOWN, nothing="No connections.")

    said = capsys.readouterr()
    assert (said.out, said.err) == (out, err)


def test_one_object_is_the_object_of_the_api(capsys: pytest.CaptureFixture[str]) -> None:
    write_object(options("json"), ITEMS[0])
    assert json.loads(capsys.readouterr().out) == ITEMS[0]

    write_object(options(quiet=True), ITEMS[0])
    assert capsys.readouterr().out == "conn_1\n"

    write_object(options(), ITEMS[0], fields="id name")
    assert capsys.readouterr().out == "id    conn_1\nname  Shop\n"


def test_json_hides_nothing_from_the_eye_and_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = {"id": "x", "name": "a\u202eb\x9b31m\x7f\x1b[2J\ud800"}

    write_object(options("json"), nasty)

    out = capsys.readouterr().out
    assert not set(out) & set("\u202e\x9b\x7f\x1b\ud800")
    assert json.loads(out) == nasty


@pytest.mark.parametrize("form", ["json", "yaml", "table"])
def test_a_stdout_of_another_encoding_takes_every_result(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))

    write_result(options(form), {"name": "東京"}, ids=[], text="東京")
    sys.stdout.flush()

    text = raw.getvalue().decode("ascii")
    assert yaml.safe_load(text) == ({"name": "東京"} if form != "table" else "\\u6771\\u4eac")
