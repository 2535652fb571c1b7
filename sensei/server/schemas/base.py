"""What all request models share: closed objects, no nulls unless said so, and times that are instants.

Requests are pydantic models, strict and closed. Answers are TypedDicts: what a route builds is checked by the type
checker against what the contract wants, and costs nothing at run time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

T = TypeVar("T")

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Closed(BaseModel):
    """A request object: strict types, and an unknown member is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class Open(BaseModel):
    """A request object that takes members it does not know."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", strict=True, use_attribute_docstrings=True)


class _NotNull:
    """Takes the null out of ``T | None``: absent is fine, null is not."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        schema = handler(source)
        return schema["schema"] if schema["type"] == "nullable" else schema


Maybe = Annotated[T | None, _NotNull()]
"""A member that may be left out (then None) but not be null."""


def _parse_instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if not isinstance(value, str):
        raise PydanticCustomError("type", "must be a string with a date and time")
    if not _RFC3339.fullmatch(value):
        raise PydanticCustomError(
            "format", "must be an RFC 3339 date and time with a zone, such as 2026-02-02T16:00:00Z"
        )
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("format", "is no date and time that exists") from None


def _parse_instant_or_date(value: object) -> datetime:
    return _parse_instant(f"{value}T00:00:00Z" if isinstance(value, str) and _DATE.fullmatch(value) else value)


Instant = Annotated[
    datetime, BeforeValidator(_parse_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A point in time, any offset; kept in UTC."""

InstantOrDate = Annotated[
    datetime,
    BeforeValidator(_parse_instant_or_date),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]
"""A point in time, or a date that means its first instant in UTC."""


def _query_integer(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            raise PydanticCustomError("type", "must be an integer")
        return int(value)
    return value


def _query_number(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?", value, re.ASCII):
            raise PydanticCustomError("type", "must be a number")
        return float(value)
    return value


def _query_boolean(value: object) -> object:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise PydanticCustomError("type", "must be true or false")
        return value == "true"
    return value


QueryInteger = Annotated[int, BeforeValidator(_query_integer)]
QueryNumber = Annotated[float, BeforeValidator(_query_number)]
QueryBoolean = Annotated[bool, BeforeValidator(_query_boolean)]


class QueryModel(BaseModel):
    """Query parameters; unknown ones are ignored."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", use_attribute_docstrings=True)


class PageQuery(QueryModel):
    """The two parameters of every list."""

    limit: Annotated[QueryInteger, Field(ge=1, le=100)] = 20
    offset: Annotated[QueryInteger, Field(ge=0)] = 0


def refuse_members(data: object, *names: str) -> None:
    """Refuse members that may be made but never changed, each with the reason `immutable`."""
    for name in names:
        if isinstance(data, dict) and name in data:
            raise PydanticCustomError("immutable", "cannot be changed", {"field": name})


Name = Annotated[str, Field(min_length=1, max_length=255)]
Description = Annotated[str, Field(max_length=2000)]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=50)]


def wire_time(value: datetime) -> str:
    """An instant as the wire has it: UTC, ``Z``, a fraction only where there is one.

    Examples:
        >>> wire_time(datetime(2026, 2, 2, 16, tzinfo=UTC))
        '2026-02-02T16:00:00Z'
    """
    text = value.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
    return text.rstrip("0").rstrip(".") + "Z"


def wire_time_or_none(value: datetime | None) -> str | None:
    """`wire_time`, or None."""
    return None if value is None else wire_time(value)
