"""How values of the two sides are brought to one form before they are compared.

Comparing happens in two steps: what the drivers give is compared as it is, at the speed of tuple equality; only where
that differs are values brought to a normal form. So a normal form may cost something, and raw forms are chosen (in
SQL) so that a faithful copy is mostly equal as it comes.
"""

from __future__ import annotations

import json
import math
import re
import struct
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from uuid import UUID

from sensei.server.engine.validation.kinds import Kind

Normalize = Callable[[object], object]


def normalizer(kind: Kind, *, as_stored: bool = False) -> Normalize:
    """The function that gives a value's normal form. A value that has none comes back as it is, and so stays different.

    Parameters:
        as_stored: Both sides store values alike, so that other forms of a value are other values.
    """
    return _as_stored if as_stored else _NORMALIZERS[kind]


def _is_finite(value: float | Decimal) -> bool:
    return value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)


def _integer(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float | Decimal):
        return int(value) if _is_finite(value) and value == int(value) else value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return value
    return value


@lru_cache(maxsize=65_536)
def _decimal_of(value: str) -> object:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    return "NaN" if number.is_nan() else number


def _decimal(value: object) -> object:
    if isinstance(value, str):
        return _decimal_of(value)
    if isinstance(value, float):
        # The shortest digits that lead to this double: what is carried into a decimal column.
        return _decimal_of(repr(value))
    return "NaN" if isinstance(value, Decimal) and value.is_nan() else _integer(value)


def _decimal_text(value: object) -> object:
    if isinstance(value, str):
        number = _decimal_of(value)
        if isinstance(number, Decimal):
            return number if not number.is_finite() else (number, number.as_tuple().exponent)
        return number
    return value


def _float(value: object) -> object:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    if isinstance(value, Decimal):
        value = math.nan if value.is_nan() else float(value)
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def _float32(value: object) -> object:
    value = _float(value)
    if isinstance(value, float | int) and not isinstance(value, bool):
        try:
            return struct.unpack("f", struct.pack("f", value))[0]
        except OverflowError:
            return value
    return value


_TRUE = frozenset({"1", "t", "true", "y", "yes", "on"})
_FALSE = frozenset({"0", "f", "false", "n", "no", "off"})


def _boolean(value: object) -> object:
    if isinstance(value, str):
        word = value.strip().lower()
        return 1 if word in _TRUE else 0 if word in _FALSE else value
    return _integer(value)


def _text(value: object) -> object:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, bytes):
        try:
            return unicodedata.normalize("NFC", value.decode("utf-8"))
        except UnicodeDecodeError:
            return value
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value if value is None else str(value)


def _char(value: object) -> object:
    text = _text(value)
    return text.rstrip(" ") if isinstance(text, str) else text


@lru_cache(maxsize=65_536)
def _moment_of(value: str) -> datetime | None:
    text = value.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # fromisoformat drops what is below a microsecond; databases round it.
    digits = re.search(r"\.\d{6}(\d)", text)
    if digits and digits[1] >= "5":
        moment += timedelta(microseconds=1)
    return moment


def _naive_moment(value: str) -> object:
    moment = _moment_of(value)
    if moment is None:
        return value
    # A column without zones can only keep an instant as UTC; a zone that was just cut off is a moved instant.
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


_SHORT_OFFSET = re.compile(r"([+-]\d{2})(?= BC$|$)")


def _instant(value: str) -> object:
    moment = _moment_of(value)
    if moment is None:
        # Beyond Python's years: PostgreSQL's own text, whose offset others may write in full.
        return _SHORT_OFFSET.sub(r"\1:00", value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _timestamp(value: object) -> object:
    if isinstance(value, str):
        return _naive_moment(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # the column has no zone
    return value


def _timestamptz(value: object) -> object:
    if isinstance(value, str):
        return _instant(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _date(value: object) -> object:
    if isinstance(value, str):
        moment = _moment_of(value)
        if moment is None:
            return value
        return moment.date() if moment.time() == time() else moment
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    return value


def _time(value: object) -> object:
    if isinstance(value, str):
        try:
            return time.fromisoformat(value.strip())
        except ValueError:
            return value
    if isinstance(value, timedelta):
        midnight = datetime(1, 1, 1)  # noqa: DTZ001  # times of day have no zone
        return (midnight + value).time() if timedelta() <= value < timedelta(days=1) else value
    return value


_DURATION = re.compile(r"(-?)(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def _duration(value: object) -> object:
    if isinstance(value, time):
        value = value.isoformat()
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    seconds = int(match[2]) * 3600 + int(match[3]) * 60 + Decimal(match[4])
    return -seconds if match[1] else seconds


def _uuid(value: object) -> object:
    if isinstance(value, bytes) and len(value) == 36:
        value = value.decode("ascii", "replace")
    try:
        if isinstance(value, str):
            return UUID(value)
        if isinstance(value, bytes) and len(value) == 16:
            return UUID(bytes=value)
    except ValueError:
        return value
    return value


def _json(value: object) -> object:
    if isinstance(value, str | bytes):
        try:
            return json.dumps(json.loads(value, parse_float=_json_number), sort_keys=True, ensure_ascii=False)
        except (ValueError, RecursionError):
            return value
    return value


_LONGEST_JSON_INTEGER = 4_000
"""Digits; Python reads no integer of many more."""


def _json_number(text: str) -> object:
    """The number exactly, as a float would make 0.1 and 0.1000000000000000055 one value; 1e2, 100.0 and 100 are one."""
    number = Decimal(text)
    if number.adjusted() < _LONGEST_JSON_INTEGER and number == number.to_integral_value():
        return int(number)
    # No document has such a member: PostgreSQL and MySQL refuse NUL characters in names.
    return {"\0number": _digits(number)}


def _digits(number: Decimal) -> str:
    """A finite number in one spelling; `Decimal.normalize` would round it to 28 digits."""
    sign, digits, exponent = number.as_tuple()
    written = "".join(map(str, digits)).lstrip("0")
    short = written.rstrip("0")
    return f"{'-' * sign}{short}E{int(exponent) + len(written) - len(short)}"


def _binary(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return value


def _other(value: object) -> object:
    return value if value is None or isinstance(value, bytes) else str(value)


def settled(value: object) -> object:
    """A normal form so written that equal values have equal representations, for digests."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float | Decimal) and _is_finite(value):
        if value == int(value):
            return int(value)
        return _digits(value) if isinstance(value, Decimal) else value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    return value


def _as_stored(value: object) -> object:
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


_NORMALIZERS: dict[Kind, Normalize] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DECIMAL_TEXT: _decimal_text,
    Kind.FLOAT: _float,
    Kind.FLOAT32: _float32,
    Kind.BOOLEAN: _boolean,
    Kind.TEXT: _text,
    Kind.CHAR: _char,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp,
    Kind.TIMESTAMPTZ: _timestamptz,
    Kind.UUID: _uuid,
    Kind.JSON: _json,
    Kind.BINARY: _binary,
    Kind.DURATION: _duration,
    Kind.OTHER: _other,
    Kind.ANY: _as_stored,
}
