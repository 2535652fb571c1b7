"""Column types by one spelling each, so that a planned type and a reflected one can be compared."""

from __future__ import annotations

import re

_POSTGRESQL = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "smallserial": "smallint",
    "bigserial": "bigint",
    "decimal": "numeric",
    "float8": "double precision",
    "float": "double precision",
    "float4": "real",
    "bool": "boolean",
    "varchar": "character varying",
    "char": "character",
    "bpchar": "character",
    "timestamp without time zone": "timestamp",
    "timestamptz": "timestamp with time zone",
    "time without time zone": "time",
    "timetz": "time with time zone",
    "varbit": "bit varying",
}
_MYSQL = {
    "integer": "int",
    "numeric": "decimal",
    "dec": "decimal",
    "bool": "tinyint(1)",
    "boolean": "tinyint(1)",
    "double precision": "double",
    "real": "double",
}
_PARTS = re.compile(r"^(?P<name>[^()\[\]]*)(?P<size>\([^)]*\))?\s*(?P<rest>[^()\[\]]*)(?P<array>(?:\[\])*)$")
_DISPLAY_WIDTH = re.compile(r"^(tinyint|smallint|mediumint|int|bigint)\(\d+\)")


def canonical(system: str, type_: str) -> str:
    """The type in lower case, spelled as the system itself reports it, without blanks that mean nothing.

    Examples:
        >>> canonical("postgresql", "VARCHAR( 40 )")
        'character varying(40)'
        >>> canonical("postgresql", "TIMESTAMP(3) WITH TIME ZONE")
        'timestamp(3) with time zone'
    """
    text = " ".join(type_.lower().split())
    parts = _PARTS.match(text)
    if parts is None:
        return text
    name, size = parts["name"].strip(), re.sub(r"\s+", "", parts["size"] or "")
    rest = parts["rest"].strip()
    words = f"{name} {rest}".strip()
    names = {"postgresql": _POSTGRESQL, "mysql": _MYSQL}.get(system, {})
    words = names.get(words, words)
    if system == "postgresql":
        size = _postgresql_size(words, size)
    if words.startswith(("timestamp ", "time ")):
        first, _, rest = words.partition(" ")
        return f"{first}{size} {rest}{parts['array']}"
    if system == "mysql":
        first, _, further = name.partition(" ")
        return _mysql(names.get(name) or names.get(first, first), size, f"{further} {rest}".strip())
    return f"{words}{size}{parts['array']}"


def _postgresql_size(words: str, size: str) -> str:
    if words == "character":
        return size or "(1)"
    if words == "numeric" and size and "," not in size:
        return size[:-1] + ",0)"
    if words.startswith(("timestamp", "time")) and size == "(6)":
        return ""
    return size


def _mysql(name: str, size: str, rest: str) -> str:
    written = f"{name}{size} {rest}".strip()
    if written.startswith("tinyint(1)"):
        return written
    if written == "decimal":
        return "decimal(10,0)"
    if written.startswith("decimal(") and "," not in written:
        written = written.replace(")", ",0)", 1)
    # Widths of integers are for display only, and newer servers do not report them.
    return _DISPLAY_WIDTH.sub(r"\1", written)
