"""Definition files: variables, slips that are named, and files that mean harm."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei.cli._definition import blamed_on, read_definition, retyped
from sensei.cli._errors import CommandError
from sensei.errors import InvalidArgumentError


class Options(TypedDict, total=False):
    seconds: int | None
    ratio: float
    quick: bool


class Shape(TypedDict, total=False):
    name: str
    port: Annotated[int, "from 1"]
    options: Options
    config: Mapping[str, object]
    sizes: list[int]


def read(tmp_path: Path, text: str | bytes, **rest: object) -> dict[str, object]:
    path = tmp_path / "thing.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_definition(str(path), Shape, **rest)  # type: ignore[arg-type]  # what a test gives


def refusal(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(CommandError) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 2
    assert caught.value.message.startswith(str(tmp_path / "thing.yaml"))
    assert "\n" not in caught.value.message
    return caught.value.message


def test_variables_are_put_in_as_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PORT": "5433", "PW": "0123", "QUICK": "true", "RATIO": "0.5", "ODD": "a: [${PW}"}.items():
        monkeypatch.setenv(name, value)
    text = """
name: ${PW}
port: ${PORT}
options: {seconds: "${PORT}", ratio: "${RATIO}", quick: "${QUICK}"}
config: {password: "${PW}", url: "db://ada:${PW}@h", odd: "${ODD}", kept: "$${PW}"}
sizes: ["${PORT}"]
"""

    assert read(tmp_path, text) == {
        "name": "0123",
        "port": 5433,
        "options": {"seconds": 5433, "ratio": 0.5, "quick": True},
        "config": {"password": "0123", "url": "db://ada:0123@h", "odd": "a: [${PW}", "kept": "${PW}"},
        "sizes": [5433],
    }


def test_members_of_another_shape_are_typed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDS", "30")
    found = read(tmp_path, "config: {seconds: '${SECONDS}'}")

    assert retyped(found["config"], Options) == {"seconds": 30}  # type: ignore[arg-type]  # a mapping, see above


def test_a_value_that_is_no_number_is_left_to_the_sdk_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "none")

    assert read(tmp_path, "port: ${PORT}") == {"port": "none"}


def test_dates_are_text(tmp_path: Path) -> None:
    assert read(tmp_path, "config: {day: 2026-11-24, at: 2026-11-24T12:00:00Z}") == {
        "config": {"day": "2026-11-24", "at": "2026-11-24T12:00:00+00:00"}
    }


def test_json_is_yaml_and_aliases_are_copied(tmp_path: Path) -> None:
    assert read(tmp_path, '{"name": "x", "port": 1}') == {"name": "x", "port": 1}
    found = read(tmp_path, "options: &o {seconds: 1}\nconfig: {<<: *o}")
    assert found == {"options": {"seconds": 1}, "config": {"seconds": 1}}


def test_further_members_are_the_callers(tmp_path: Path) -> None:
    assert read(tmp_path, "short: 1", also=("short",)) == {"short": 1}


BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nmae: x", "unknown member 'nmae'; did you mean 'name'?"),
        ("zzz: x", "there are config, name, options, port, sizes"),
        ("name: ${NOT_SET}", "${NOT_SET}, which is not set"),
        ("name: ${}", "${} is no variable"),
        ("name: ${A B}", "is no variable"),
        ("- a", "must be a mapping"),
        ("", "must be a mapping"),
        ("name: [", "line 1: it is not valid YAML"),
        ("name: a\nname: b", "line 2: member 'name' is given twice"),
        ("config: {a: 1, a: 2}", "'a' is given twice"),
        ("config: {1: x}", "'1' must be text"),
        ("config: {? [a] : x}", "valid YAML"),
        ("name: !!python/object/apply:os.getcwd []", "valid YAML"),
        ("name: !!binary aGk=", "bytes"),
        ("config: !!set {a}", "set"),
        ("name: \x00", "characters"),
        (b"name: \xff\xfe", "UTF-8"),
        (BOMB, "too many values"),
        ("a: &a [*a]", "recursive"),
        ("config: " + "[" * 60 + "]" * 60, "too deeply"),
        ("config: " + "[" * 9000, "valid YAML"),
        ("name: " + "x" * 1_000_001, "longer than"),
        ("name: 2024-13-45", "valid YAML"),
    ],
)
def test_what_cannot_be_is_named_in_one_line(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in refusal(tmp_path, text)


def test_a_secret_is_not_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW", "hunter2")

    for text in ("name: ${PW}\nzzz: ${PW}", "config: {password: *hunter2}", "config: {password: !hunter2 x}"):
        assert "hunter2" not in refusal(tmp_path, text)


@pytest.mark.parametrize(("name", "says"), [("none.yaml", "No such file"), (".", "directory")])
def test_a_file_that_is_not_there_is_a_slip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(CommandError, match=says) as caught:
        read_definition(name, Shape)
    assert caught.value.exit_code == 2


def test_stdin_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("name: x"))

    assert read_definition("-", Shape) == {"name": "x"}


def test_what_the_sdk_refuses_names_the_file() -> None:
    with pytest.raises(CommandError, match=r"^thing\.yaml: port must be") as caught, blamed_on("thing.yaml"):
        raise InvalidArgumentError("port must be a number")
    assert caught.value.exit_code == 2

    with pytest.raises(InvalidArgumentError), blamed_on(None):
        raise InvalidArgumentError("port must be a number")


@settings(derandomize=True, max_examples=300)
@given(st.text(alphabet=st.sampled_from("ab:{}[]&*!|>-?,'\"#%@`$ \n\t\\0\x00\ud800")))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(text))
        outcome: dict[str, object] | str = ""
        try:
            outcome = read_definition("-", Shape)
        except CommandError as error:
            outcome = error.message
    assert isinstance(outcome, dict) or outcome.startswith("stdin: ")
