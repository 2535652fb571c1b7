"""SQLite values for PostgreSQL, column by column.

A whole column is looked at with operations that run in C, and then left to the driver as it is; only where something
unusual turns up are values turned into COPY's text format one by one. Both ways are strict: PostgreSQL's own parsing
is lenient (it trims, rounds and knows words such as ``now``), so whatever is not surely the same value on the other
side is refused here.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from sensei.server.engine.catalog import Column
from sensei.server.engine.kinds import Kind, parse_type, postgresql_kind
from sensei.server.engine.transfer.rows import Unfit

NULL = r"\N"
_RANGES = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_EXACT_IN_FLOAT = 2**53
_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))

_DAY = r"(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
_ZONE = r"(?:Z|[+-](?:0\d|1[0-5]):[0-5]\d)"
_FORMS = {
    Kind.DATE: _DAY,
    Kind.TIME: _CLOCK,
    Kind.TIMESTAMP: f"{_DAY}[ T]{_CLOCK}",
    Kind.TIMESTAMPTZ: f"{_DAY}[ T]{_CLOCK}{_ZONE}",
    Kind.UUID: "-".join(f"[0-9a-f]{{{n}}}" for n in (8, 4, 4, 4, 12)),
}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")


class Encoder(ABC):
    """Encodes the values of one target column."""

    binary: str | None = None
    """The type in COPY's binary format; None where the driver knows none for the values as they come."""

    @abstractmethod
    def column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """The values as the driver may write them; None where they must be taken one by one."""

    @abstractmethod
    def value(self, value: Any) -> str:
        """One value that is not null.

        Raises:
            Unfit: The column cannot hold it as it is.
        """


def encoder(column: Column) -> Encoder:
    """The encoder for a target column."""
    kind = postgresql_kind(column.type)
    parsed = parse_type(column.type)
    match kind:
        case Kind.INTEGER:
            return _Integers(parsed.base)
        case Kind.BOOLEAN:
            return _Booleans()
        case Kind.FLOAT:
            return _Floats(single=parsed.base == "real")
        case Kind.DECIMAL:
            return _Decimals(*parsed.arguments)
        case Kind.BINARY:
            return _Bytes()
        case Kind.TEXT:
            longest = parsed.arguments[0] if parsed.arguments and parsed.base != "citext" else None
            return _Texts(longest, padded=parsed.base == "character")
        case Kind.DATE | Kind.TIME | Kind.TIMESTAMP | Kind.TIMESTAMPTZ | Kind.UUID:
            limited = bool(parsed.arguments) and kind is not Kind.UUID
            return _Forms(kind, digits=parsed.arguments[0] if limited else 6)
        case _:
            return _Other(None, padded=False)


def _types(values: Sequence[Any]) -> set[type]:
    return set(map(type, values))


_NONE = type(None)


def _present(values: Sequence[Any], types: set[type]) -> Sequence[Any]:
    return [value for value in values if value is not None] if _NONE in types else values


class _Integers(Encoder):
    def __init__(self, type_: str) -> None:
        self._limit = _RANGES[type_]
        self.binary = {"smallint": "int2", "integer": "int4", "bigint": "int8"}[type_]

    def column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        types = _types(values)
        if not types <= {int, _NONE}:
            return None
        if self._limit < _RANGES["bigint"] and (present := _present(values, types)):
            return values if -self._limit <= min(present) and max(present) < self._limit else None
        return values

    def value(self, value: Any) -> str:
        if type(value) is not int:
            raise Unfit("E3001", f"{_what(value)} is no integer")
        if not -self._limit <= value < self._limit:
            raise Unfit("E3004", "the number is out of the column's range")
        return str(value)


class _Booleans(Encoder):
    _NAMES: ClassVar = {0: "f", 1: "t"}
    binary = "bool"

    def column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        if not _types(values) <= {int, _NONE} or not set(values) <= {0, 1, None}:
            return None
        return [None if value is None else value == 1 for value in values]

    def value(self, value: Any) -> str:
        if type(value) is not int or value not in self._NAMES:
            raise Unfit("E3001", f"{_what(value)} is neither 0 nor 1")
        return self._NAMES[value]


class _Floats(Encoder):
    def __init__(self, *, single: bool) -> None:
        self._single = single
        self.binary = None if single else "float8"

    def column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        return values if not self._single and _types(values) <= {float, _NONE} else None

    def value(self, value: Any) -> str:
        if value == "NaN":
            return "NaN"
        if type(value) is int and abs(value) <= _EXACT_IN_FLOAT:
            value = float(value)
        if type(value) is not float:
            raise Unfit("E3004" if type(value) is int else "E3001", f"{_what(value)} is not exact as a float")
        if self._single and math.isfinite(value):
            import struct

            try:
                rounded = struct.unpack("f", struct.pack("f", value))[0]
            except OverflowError:
                raise Unfit("E3004", "the number is out of the column's range") from None
            if rounded != value and float(f"{rounded:.9g}") != value and float(f"{rounded:.6g}") != value:
                raise Unfit("E3001", "the number has more digits than a 32-bit float holds")
        return repr(value)


class _Decimals(Encoder):
    def __init__(self, precision: int | None = None, scale: int = 0) -> None:
        self._precision = precision
        self._scale = scale
        whole = "+" if precision is None else f"{{1,{max(precision - scale, 1)}}}"
        fraction = r"\d+" if precision is None else rf"\d{{1,{scale}}}" if scale > 0 else "0"
        self._all = re.compile(rf",|(?:-?\d{whole}(?:\.{fraction})?,)*", re.ASCII)

    def column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        types = _types(values)
        if not types <= {int, float, _NONE}:
            return None
        # One look at all of them: no exponents, no infinities, no digit more than the column has.
        return values if self._all.fullmatch(",".join(map(repr, _present(values, types))) + ",") else None

    def value(self, value: Any) -> str:
        if type(value) is int:
            text = str(value)
        elif type(value) is float:
            if not math.isfinite(value):
                raise Unfit("E3004", "an infinite number does not fit")
            text = repr(value)
            if "e" in text:
                text = format(_decimal(text), "f")
            text = text.removesuffix(".0")
        elif type(value) is str and _NUMBER.fullmatch(value):
            text = value
        else:
            raise Unfit("E3001", f"{_what(value)} is no number")
        if self._precision is not None:
            whole, _, fraction = text.lstrip("-").partition(".")
            if len(fraction) > self._scale:
                raise Unfit("E3001", "the number has more decimal places than the column")
            if len(whole.lstrip("0")) > self._precision - self._scale:
                raise Unfit("E3004", "the number is out of the column's range")
        return text


def number_text(value: Any) -> str:
    """A number with every digit it has, as a text column holds it."""
    if type(value) is float:
        return repr(value) if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}[value]
    return str(value)


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


class _Texts(Encoder):
    binary: str | None = "text"

    def __init__(self, longest: int | None, *, padded: bool) -> None:
        self._longest = longest
        self._padded = padded

    def column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        types = _types(values)
        if not types <= {str, _NONE} or self._padded:
            return None
        if self._longest is not None and max(map(len, _present(values, types)), default=0) > self._longest:
            return None
        # The driver itself refuses stray bytes, the server NUL characters; both are then found value by value.
        return values

    def value(self, value: Any) -> str:
        if type(value) is bytes:
            raise Unfit("E3001", "a binary value does not fit a text")
        text = value if type(value) is str else number_text(value)
        if "\0" in text:
            raise Unfit("E3006", "the text holds a NUL character, which PostgreSQL cannot store")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unfit("E3006", "the text's bytes are no valid UTF-8") from None
        if self._longest is not None and (len(text) > self._longest or (self._padded and len(text) != self._longest)):
            raise Unfit("E3003", f"the text has {len(text)} characters, the column {self._longest}")
        for character, escape in _ESCAPES:
            text = text.replace(character, escape)
        return text


class _Other(_Texts):
    """A type that is written as text, and that PostgreSQL parses."""

    binary = None


class _Bytes(Encoder):
    binary = "bytea"

    def column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        return values if _types(values) <= {bytes, _NONE} else None

    def value(self, value: Any) -> str:
        if type(value) is str:
            value = value.encode("utf-8", "surrogateescape")
        if type(value) is not bytes:
            raise Unfit("E3001", f"{_what(value)} is not binary")
        return r"\\x" + value.hex()


class _Forms(Encoder):
    """Texts of one exact form, such as dates."""

    def __init__(self, kind: Kind, *, digits: int) -> None:
        form = (
            _FORMS[kind].replace("{1,6}", f"{{1,{digits}}}") if digits else _FORMS[kind].replace(r"(?:\.\d{1,6})?", "")
        )
        self._one = re.compile(form, re.ASCII)
        self._all = re.compile(f"(?:{form}\n)*", re.ASCII)
        self._kind = kind

    def column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        types = _types(values)
        if not types <= {str, _NONE}:
            return None
        present = _present(values, types)
        joined = "\n".join(present) + "\n" if present else ""
        # A value with a newline of its own could pass for two.
        return values if joined.count("\n") == len(present) and self._all.fullmatch(joined) else None

    def value(self, value: Any) -> str:
        if type(value) is not str or not self._one.fullmatch(value):
            code = "E3001" if self._kind is Kind.UUID else "E3005"
            raise Unfit(code, f"{_what(value)} is no {self._kind.value} in the expected form")
        return value


def _what(value: Any) -> str:
    """What kind of value it is; the value itself may be personal."""
    names: dict[type[Any], str] = {int: "an integer", float: "a float", str: "a text", bytes: "a binary value"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a value")
