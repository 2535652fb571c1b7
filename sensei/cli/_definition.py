"""Files that define what is to be made: `-f connection.yaml`, with `${NAME}` from the environment."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast, get_args, get_origin, get_type_hints

import click

from sensei.cli._errors import FAILED, USAGE, CommandError

_LARGEST = 1_000_000
"""Characters of a definition."""
_MOST_VALUES = 100_000
_VARIABLE = re.compile(r"\$(\$?)\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch

file_option = click.option(
    "-f", "--file", "file", metavar="FILE", help="YAML or JSON file that defines it; - reads stdin."
)
"""For commands that call `read_definition`."""


class _FromEnvironment(str):
    """The value of a variable that stands for a whole value: it may be meant as a number."""

    __slots__ = ()


def read_definition(name: str, shape: type, *, also: Collection[str] = ()) -> dict[str, object]:
    """Read a definition.

    Args:
        name: The file; `-` for stdin.
        shape: A TypedDict that says which members there are. Where it asks for a number, `${NAME}` gives one.
        also: Further members that the caller understands.

    Raises:
        CommandError: It cannot be read, is no mapping, has an unknown member, or asks for a variable that is not set.
    """
    where = "stdin" if name == "-" else name
    document = _filled(_parsed(_text(name, where), where), where)
    if not isinstance(document, dict):
        raise _refused(where, "it must be a mapping of members to values")
    members = cast("dict[str, object]", document)
    known = {*_hints(shape), *also}
    for member in members:
        if member not in known:
            near = get_close_matches(str(member), known, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
            raise _refused(where, f"unknown member {str(member)!r}; {meant}")
    return cast("dict[str, object]", _settled(members, shape))


@contextmanager
def blamed_on(name: str | None) -> Generator[None]:
    """Name the file in what the SDK or the server finds wrong with a definition; None when it came from no file."""
    from sensei.cli._wording import in_words
    from sensei.errors import BadRequestError, InvalidArgumentError, UnprocessableEntityError

    try:
        yield
    except (InvalidArgumentError, BadRequestError, UnprocessableEntityError) as error:
        if name is None:
            raise
        raise _refused("stdin" if name == "-" else name, in_words(error)) from None


def retyped(members: dict[str, object], shape: type) -> dict[str, object]:
    """Turn values from the environment into numbers where `shape` asks for numbers, in members of another shape."""
    return cast("dict[str, object]", _settled(members, shape))


def _refused(where: str, reason: str) -> CommandError:
    return CommandError(f"{where}: {reason}", exit_code=USAGE)


def _text(name: str, where: str) -> str:
    try:
        if name == "-":
            text = sys.stdin.read(_LARGEST + 1)
        else:
            with Path(name).open(encoding="utf-8-sig") as file:
                text = file.read(_LARGEST + 1)
    except OSError as error:
        raise CommandError(f"{where}: {error.strerror}", exit_code=USAGE if _is_slip(error) else FAILED) from None
    except ValueError:
        raise _refused(where, "it is no UTF-8 text") from None
    if len(text) > _LARGEST:
        raise _refused(where, f"it is longer than {_LARGEST:,} characters")
    return text


def _is_slip(error: OSError) -> bool:
    return isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError | PermissionError)


def _parsed(text: str, where: str) -> object:
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a member that is given twice: one of the two would be lost."""

    def mapping(loader: Loader, node: yaml.MappingNode) -> dict[object, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise _refused(where, f"line {key.start_mark.line + 1}: member {key.value!r} is given twice")
                seen.add(key.value)
        loader.flatten_mapping(node)
        return cast("dict[object, object]", loader.construct_mapping(node, deep=True))

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    try:
        return cast("object", yaml.load(text, Loader))  # noqa: S506  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        # Without what it quotes: an unquoted password with a * or ! at its start is an alias or a tag for YAML.
        problem = re.sub(r" '[^<'][^']*'", "", str(error.problem or error.context))
        raise _refused(where, f"{line}it is not valid YAML ({problem})") from None
    except yaml.YAMLError:
        raise _refused(where, "it is not valid YAML: it holds characters that YAML does not allow") from None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):  # all seen from the parser
        raise _refused(where, "it is not valid YAML") from None


def _filled(document: object, where: str) -> object:
    """The document with variables put in. Aliases are copied, so what they amount to is bounded."""
    left = _MOST_VALUES

    def fill(value: object, depth: int) -> object:
        nonlocal left
        left -= 1
        if left < 0 or depth > 50:
            raise _refused(where, "it holds too many values, or nests them too deeply")
        if isinstance(value, str):
            return _with_variables(value, where)
        if isinstance(value, dict):
            members = cast("dict[object, object]", value)
            for key in members:
                if not isinstance(key, str):
                    raise _refused(where, f"the name {str(key)[:60]!r} must be text: put it in quotes")
            return {key: fill(one, depth + 1) for key, one in members.items()}
        if isinstance(value, list):
            return [fill(one, depth + 1) for one in cast("list[object]", value)]
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, date):
            # YAML makes dates of what looks like dates; the API takes them as text.
            return value.isoformat()
        raise _refused(where, f"it holds a {type(value).__name__}, which the API has no form for")

    return fill(document, 0)


def _with_variables(text: str, where: str) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1]:
            return f"${{{found[2]}}}"
        name = found[2]
        if not _NAME(name):
            raise _refused(
                where, f"${{{name[:60]}}} is no variable of the environment; write $${{…}} for the text itself"
            )
        if name not in os.environ:
            raise _refused(where, f"it asks for ${{{name}}}, which is not set in the environment")
        return os.environ[name]

    filled = _VARIABLE.sub(value, text)
    found = _VARIABLE.fullmatch(text)
    return _FromEnvironment(filled) if found and not found[1] else filled


def _settled(value: object, hint: object) -> object:
    """Turn what came from the environment into what the shape asks for."""
    if isinstance(value, _FromEnvironment):
        # Where anything may stand, it stays what it is: the caller may know more and call `retyped`.
        return value if hint is object else _as_number(value, hint)
    if isinstance(value, Mapping):
        hints = {name: one for shape in _shapes(hint) for name, one in _hints(shape).items()}
        members = cast("Mapping[str, object]", value)
        return {name: _settled(one, hints.get(name, object)) for name, one in members.items()}
    if isinstance(value, list):
        inner = next((argument for argument in _arguments(hint) if argument is not type(None)), object)
        return [_settled(one, inner) for one in cast("list[object]", value)]
    return value


def _as_number(text: str, hint: object) -> object:
    kinds = _kinds(hint)
    if str in kinds or not kinds & {int, float, bool}:
        return str(text)
    if bool in kinds and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
    return str(text)


def _arguments(hint: object) -> tuple[object, ...]:
    """The parts of a type, down to those that have none."""
    parts: tuple[object, ...] = get_args(hint)
    return parts[:1] if get_origin(hint) is not None and hasattr(hint, "__metadata__") else parts


def _kinds(hint: object) -> set[object]:
    parts = _arguments(hint)
    return {kind for part in parts for kind in _kinds(part)} if parts else {hint}


def _shapes(hint: object) -> list[type]:
    """The TypedDicts in a type."""
    if isinstance(hint, type) and hasattr(hint, "__total__"):
        return [hint]
    return [shape for part in _arguments(hint) for shape in _shapes(part)]


def _hints(shape: type) -> dict[str, Any]:
    return get_type_hints(shape)
