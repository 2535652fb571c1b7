"""SQLite values as COPY's text format, column by column.

A column is first tried as a whole with operations that run in C; only where something unusual turns up is it taken
value by value. Both ways are strict: PostgreSQL's own parsing is lenient (it trims, rounds and knows words such as
``now``), so whatever is not surely the same value on the other side is refused here.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
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

    @abstractmethod
    def column(self, values: Sequence[Any]) -> list[str] | None:
        """All values at once; None where one by one is needed."""

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
            return _Integers(_RANGES[parsed.base])
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
            return _Texts(None, padded=False)


def _types(values: Sequence[Any]) -> set[type]:
    return set(map(type, values))


_NONE = type(None)


def _with_nulls(values: Sequence[Any], encode: Callable[[Any], str], types: set[type]) -> list[str]:
    if _NONE not in types:
        return list(map(encode, values))
    return [NULL if value is None else encode(value) for value in values]


class _Integers(Encoder):
    def __init__(self, limit: int) -> None:
        self._limit = limit

    def column(self, values: Sequence[Any]) -> list[str] | None:
        types = _types(values)
        if not types <= {int, _NONE}:
            return None
        if self._limit < _RANGES["bigint"] and not all(v is None or -self._limit <= v < self._limit for v in values):
            return None
        return _with_nulls(values, str, types)

    def value(self, value: Any) -> str:
        if type(value) is not int:
            raise Unfit("E3001", f"{_what(value)} is no integer")
        if not -self._limit <= value < self._limit:
            raise Unfit("E3004", "the number is out of the column's range")
        return str(value)


class _Booleans(Encoder):
    _NAMES: ClassVar = {0: "f", 1: "t"}

    def column(self, values: Sequence[Any]) -> list[str] | None:
        types = _types(values)
        if not types <= {int, _NONE} or not set(values) <= {0, 1, None}:
            return None
        return _with_nulls(values, self._NAMES.__getitem__, types)

    def value(self, value: Any) -> str:
        if type(value) is not int or value not in self._NAMES:
            raise Unfit("E3001", f"{_what(value)} is neither 0 nor 1")
        return self._NAMES[value]


class _Floats(Encoder):
    def __init__(self, *, single: bool) -> None:
        self._single = single

    def column(self, values: Sequence[Any]) -> list[str] | None:
        types = _types(values)
        if self._single or not types <= {float, _NONE}:
            return None
        return _with_nulls(values, repr, types)

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
        self._all = re.compile(rf"(?:-?\d{whole}(?:\.{fraction})?,)*", re.ASCII)

    def column(self, values: Sequence[Any]) -> list[str] | None:
        types = _types(values)
        if types <= {int, _NONE} and self._precision is None:
            return _with_nulls(values, str, types)
        if not types <= {int, float, _NONE}:
            return None
        present = [value for value in values if value is not None] if _NONE in types else values
        # One look at all of them: no exponents, no infinities, no digit more than the column has.
        if not self._all.fullmatch(",".join(map(repr, present)) + ","):
            return None
        return _with_nulls(values, repr, types)

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


def _number_text(value: Any) -> str:
    if type(value) is float:
        return repr(value) if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}[value]
    return str(value)


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


class _Texts(Encoder):
    def __init__(self, longest: int | None, *, padded: bool) -> None:
        self._longest = longest
        self._padded = padded

    def column(self, values: Sequence[Any]) -> list[str] | None:
        types = _types(values)
        if not types <= {str, _NONE} or self._padded:
            return None
        nulls = _NONE in types
        texts: list[str] = ["" if value is None else value for value in values] if nulls else list(values)
        if self._longest is not None and max(map(len, texts), default=0) > self._longest:
            return None
        joined = "\0".join(texts)
        if joined.count("\0") != len(texts) - 1:
            return None
        escaped = joined
        for character, escape in _ESCAPES:
            if character in escaped:
                escaped = escaped.replace(character, escape)
        if escaped is not joined:
            texts = escaped.split("\0")
        return [NULL if value is None else text for value, text in zip(values, texts, strict=True)] if nulls else texts

    def value(self, value: Any) -> str:
        if type(value) is bytes:
            raise Unfit("E3001", "a binary value does not fit a text")
        text = value if type(value) is str else _number_text(value)
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


class _Bytes(Encoder):
    def column(self, values: Sequence[Any]) -> list[str] | None:
        types = _types(values)
        if not types <= {bytes, _NONE}:
            return None
        return [NULL if value is None else r"\\x" + value.hex() for value in values]

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

    def column(self, values: Sequence[Any]) -> list[str] | None:
        types = _types(values)
        if not types <= {str, _NONE}:
            return None
        present = [value for value in values if value is not None] if _NONE in types else values
        joined = "\n".join(present) + "\n" if present else ""
        # A value with a newline of its own could pass for two.
        if joined.count("\n") != len(present) or not self._all.fullmatch(joined):
            return None
        return _with_nulls(values, str, types)

    def value(self, value: Any) -> str:
        if type(value) is not str or not self._one.fullmatch(value):
            code = "E3001" if self._kind is Kind.UUID else "E3005"
            raise Unfit(code, f"{_what(value)} is no {self._kind.value} in the expected form")
        return value


def _what(value: Any) -> str:
    """What kind of value it is; the value itself may be personal."""
    names: dict[type[Any], str] = {int: "an integer", float: "a float", str: "a text", bytes: "a binary value"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a value")
