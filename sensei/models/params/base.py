"""Building blocks of request bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, GetPydanticSchema
from pydantic_core import core_schema

__all__ = ["STRICT", "Description", "Instant", "IpList", "Name", "OpenObject", "Reason", "Tags", "Text"]

STRICT: Final = ConfigDict(extra="forbid", strict=True)
"""No unknown members, no conversions: what the server would refuse is refused before it travels."""

Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Description = Annotated[str, Field(max_length=2000)]
Reason = Annotated[str, Field(max_length=1000)]
Tags = Annotated[Sequence[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=50)]
IpList = Annotated[Sequence[Annotated[str, Field(min_length=2, max_length=64)]], Field(max_length=100)]
OpenObject = Mapping[str, object]


def _aware(_source: Any, _handler: Any) -> core_schema.CoreSchema:
    return core_schema.datetime_schema(tz_constraint="aware", strict=False)


Instant = Annotated[datetime | str, GetPydanticSchema(_aware)]
"""An aware datetime, or RFC 3339 text with a zone."""
