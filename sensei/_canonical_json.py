"""JSON as it has to be read and written where a signature covers it: strictly in, canonically out (RFC 8785)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NoReturn, TypeGuard, cast

_LARGEST_SAFE_INTEGER = 2**53 - 1


def read_object(data: bytes | bytearray | str) -> dict[str, object]:
    """A JSON object, each member once.

    Raises:
        ValueError: it is not that.
    """
    try:
        text = data if isinstance(data, str) else bytes(data).decode("utf-8")
        document: object = json.loads(text, object_pairs_hook=_unique_members, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")
    return cast("dict[str, object]", document)


def canonical(document: Mapping[str, object]) -> bytes:
    """The canonical UTF-8 form.

    Raises:
        ValueError: something in it has none.
        ImportError: the `rfc8785` library is not installed.
    """
    import rfc8785

    try:
        # The library checks what it is given and raises ValueError for what is not JSON.
        return rfc8785.dumps(_as_doubles(document))  # type: ignore[arg-type]
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    """True for a JSON object."""
    return isinstance(value, Mapping)


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the member {name!r} occurs twice")
        members[name] = value
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _as_doubles(value: object) -> object:
    """JCS numbers are IEEE doubles: write larger integers as such, but never another value than was sent."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_SAFE_INTEGER:
        try:
            double = float(value)
        except OverflowError:
            double = 0.0
        # Written in full, or as the shortest digits that lead to the same double, which is how JCS writes it.
        if value not in (int(double), int(Decimal(repr(double)))):
            raise ValueError("an integer is larger than JSON numbers can hold exactly")
        return double
    if is_mapping(value):
        return {name: _as_doubles(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_as_doubles(item) for item in cast("Sequence[object]", value)]
    return value
