"""What keys and service accounts have in common: scopes, environments and address lists."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from sensei.server.auth.access_control import is_known_scope

Environment = Literal["production", "sandbox"]


def _known_scope(value: str) -> str:
    if not is_known_scope(value):
        raise PydanticCustomError("enum", "is no scope; scopes look like migrations:read, migrations:*, *:read or *")
    return value


def _without_repeats(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise PydanticCustomError("format", "must be an IPv4 or IPv6 address or a network such as 10.0.0.0/8") from None
    return value


Scopes = Annotated[
    list[Annotated[str, AfterValidator(_known_scope)]], Field(min_length=1), AfterValidator(_without_repeats)
]

IpList = Annotated[
    list[Annotated[str, Field(min_length=2, max_length=64), AfterValidator(_network)]], Field(max_length=100)
]
