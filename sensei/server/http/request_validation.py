"""From bytes and strings to checked values, or to the contract's 400, 413, 415 and 422."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn, TypeAlias, Union

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from sensei.server.errors import ApiError, FieldProblem, invalid_fields

_Json: TypeAlias = Union["str | int | float | None", "list[_Json]", "dict[str, _Json]"]

_REASONS: dict[str, str] = {
    "missing": "required",
    "extra_forbidden": "unknown_member",
    "unexpected_keyword_argument": "unknown_member",
    "string_too_short": "min_length",
    "too_short": "min_length",
    "string_too_long": "max_length",
    "too_long": "max_length",
    "string_pattern_mismatch": "pattern",
    "literal_error": "enum",
    "enum": "enum",
    "greater_than_equal": "minimum",
    "greater_than": "minimum",
    "less_than_equal": "maximum",
    "less_than": "maximum",
    "union_tag_invalid": "enum",
    "union_tag_not_found": "required",
    "int_parsing_size": "maximum",
    "finite_number": "type",
}
_VOCABULARY = frozenset(
    {
        "required", "type", "format", "minimum", "maximum", "min_length", "max_length", "pattern", "enum", "one_of",
        "unknown_member", "immutable", "https_required", "in_the_past", "role_mismatch", "unsupported",
    }
)  # fmt: skip


class TooLargeError(ApiError):
    """413."""

    def __init__(self, limit: int) -> None:
        super().__init__("payload_too_large", f"The body is over {limit} bytes.", details={"limit": limit})


def check_content_type(value: str | None) -> None:
    """Let pass what may hold JSON: ``application/json``, and the form type that curl sends unasked.

    Raises:
        ApiError: 415.
    """
    media_type = (value or "application/json").partition(";")[0].strip().lower()
    if media_type not in ("application/json", "application/x-www-form-urlencoded"):
        raise ApiError("unsupported_media_type", "Send the body as application/json.")


def parse_json(raw: bytes) -> Any:
    """The body as JSON data.

    Raises:
        ApiError: 400 `invalid_request`.
    """
    try:
        return json.loads(
            raw.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite, parse_int=_whole_number
        )
    except UnicodeDecodeError:
        raise ApiError("invalid_request", "The body is not UTF-8.") from None
    except RecursionError:
        raise ApiError("invalid_request", "The body is nested too deeply.") from None
    except ValueError as error:
        raise ApiError("invalid_request", f"The body is not JSON: {_first_words(str(error))}.") from None


def check_body(adapter: TypeAdapter[Any], raw: bytes) -> Any:
    """The body (already known to be JSON) as the adapter's type.

    Raises:
        ApiError: 422 with the offending members, 400 where only this stricter reader refuses the text.
    """
    if b"\\u0000" in raw:
        _refuse_nul(json.loads(raw), ())
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        _refuse(error)


def check_query(adapter: TypeAdapter[Any], values: Mapping[str, str]) -> Any:
    """Query parameters as the adapter's type.

    Raises:
        ApiError: 422 with the offending parameters.
    """
    try:
        return adapter.validate_python(dict(values))
    except ValidationError as error:
        _refuse(error)


def check_data(adapter: TypeAdapter[Any], data: Any, *, below: str) -> Any:
    """JSON data that was taken from an open object, checked after all; `below` is the path to it.

    Raises:
        ApiError: 422 with the offending members.
    """
    try:
        return adapter.validate_json(json.dumps(data))
    except ValidationError as error:
        _refuse(error, below)


def _refuse_nul(data: _Json, path: tuple[str, ...]) -> None:
    """Refuse texts with a NUL character, which not every database can keep; the same for each kind of state.

    Raises:
        ApiError: 422, at the first one.
    """
    if isinstance(data, str):
        if "\0" in data:
            raise invalid_fields([FieldProblem(".".join(path), "pattern", "must not hold a NUL character")])
        return
    if isinstance(data, dict):
        for name, value in data.items():
            _refuse_nul(name, path)
            _refuse_nul(value, (*path, name))
    elif isinstance(data, list):
        for position, value in enumerate(data):
            _refuse_nul(value, (*path, str(position)))


def _refuse(error: ValidationError, below: str = "") -> NoReturn:
    found = error.errors(include_url=False)
    if any(e["type"] == "json_invalid" for e in found):
        raise ApiError("invalid_request", "The body is not JSON.") from None
    raise invalid_fields([_problem(e, below) for e in found[:100]]) from None


def _problem(error: ErrorDetails, below: str) -> FieldProblem:
    kind = error["type"]
    reason = kind if kind in _VOCABULARY else _REASONS.get(kind, "type")
    if kind == "literal_error" and not isinstance(error["input"], str):
        reason = "type"
    # Variants of a union are tagged "=name"; the tag is no member of the body.
    parts = [str(part) for part in error["loc"] if not (isinstance(part, str) and part.startswith("="))]
    context = error.get("ctx", {})
    message = error["msg"]
    if "field" in context:
        parts.append(str(context["field"]))
    elif kind.startswith("union_tag_"):
        # The only tagged unions of the contract are told apart by `type`.
        parts.append("type")
        known = str(context.get("expected_tags", "")).replace("'=", "'")
        message = f"must be one of {known}" if known else "is needed"
    path = ".".join(([below] if below else []) + parts)
    return FieldProblem(path, reason, _sentence(message))


def _sentence(message: str) -> str:
    return message[:300].replace("\n", " ")


def _first_words(message: str) -> str:
    return message[:120].replace("\n", " ")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _whole_number(text: str) -> int:
    # What no float can hold, no client can read back; and every later conversion would fail on it.
    _finite(text)
    return int(text)
