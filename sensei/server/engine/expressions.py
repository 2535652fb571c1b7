"""Custom transformations: scalar SQL over one row of the source, and nothing else.

What a user wrote is parsed, checked against a list of what is allowed, and rendered anew from the tree; the text itself
never reaches a database.
"""

from __future__ import annotations

import sqlglot
from sqlglot import expressions as e
from sqlglot.errors import SqlglotError

from sensei.server.engine.catalog import Table
from sensei.server.engine.errors import ExpressionError

_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}
_LONGEST = 4_000
_DEEPEST = 60

_FORBIDDEN_NODES: tuple[type[e.Expr], ...] = (
    e.Query, e.Subquery, e.Command, e.DDL, e.Insert, e.Update, e.Delete,
    e.Merge, e.Window, e.AggFunc, e.Star, e.Placeholder, e.Parameter,
    e.SessionParameter, e.Exists, e.UDTF, e.Lambda, e.Alias, e.Table, e.From, e.Join,
)  # fmt: skip

# Functions that sqlglot has no class of its own for; everything else unknown is refused.
_FUNCTIONS = {
    "sqlite": {
        *(
            "char",
            "format",
            "glob",
            "hex",
            "iif",
            "ifnull",
            "instr",
            "julianday",
            "like",
            "likelihood",
            "likely",
            "ltrim",
        ),
        *("nullif", "printf", "quote", "round", "rtrim", "sign", "strftime", "substr", "substring", "total_changes"),
        *(
            "trim",
            "typeof",
            "unhex",
            "unicode",
            "unixepoch",
            "unlikely",
            "date",
            "time",
            "datetime",
            "json",
            "json_extract",
        ),
        *("json_quote", "json_type", "json_valid", "abs", "replace", "upper", "lower", "length"),
    },
    "postgresql": {
        *("ascii", "btrim", "chr", "convert_from", "convert_to", "date_part", "decode", "encode", "initcap", "left"),
        *("make_date", "make_interval", "make_time", "make_timestamp", "make_timestamptz", "md5", "normalize"),
        *("octet_length", "bit_length", "overlay", "quote_literal", "regexp_match", "regexp_replace", "regexp_substr"),
        *("reverse", "right", "sha256", "sha512", "sign", "split_part", "starts_with", "strpos"),
        *("to_char", "to_date", "to_hex", "to_number", "to_timestamp", "translate", "trunc", "width_bucket"),
        *("jsonb_build_object", "json_build_object", "to_json", "to_jsonb", "jsonb_extract_path_text"),
        *("array_to_string", "string_to_array", "array_length", "cardinality", "mod", "div", "host", "text"),
    },
    "mysql": {
        *("ascii", "bin", "char_length", "conv", "crc32", "date_format", "elt", "field", "find_in_set", "format"),
        *("from_days", "from_unixtime", "hex", "if", "ifnull", "inet_aton", "inet_ntoa", "inet6_aton", "inet6_ntoa"),
        *("insert", "instr", "isnull", "json_extract", "json_unquote", "json_quote", "json_valid", "json_value"),
        *("left", "length", "locate", "ltrim", "makedate", "maketime", "md5", "microsecond", "mid", "mod", "nullif"),
        *("octet_length", "oct", "ord", "period_add", "period_diff", "position", "quarter", "quote", "regexp_replace"),
        *("regexp_substr", "regexp_instr", "reverse", "right", "rtrim", "sec_to_time", "sha1", "sha2", "sign"),
        *("soundex", "str_to_date", "substring_index", "time_to_sec", "timestamp", "to_days", "to_seconds", "truncate"),
        *("unhex", "unix_timestamp", "uuid_to_bin", "bin_to_uuid", "weekday", "weekofyear", "yearweek"),
        *("year", "month", "day", "hour", "minute", "second", "dayofweek", "dayofyear", "dayofmonth", "last_day"),
    },
}
_FUNCTIONS["sqlite"] -= {"total_changes"}

# Those that sqlglot has a class for. `repeat` and padding are not among them: one call can use up all memory.
_KNOWN_FUNCTIONS = frozenset(
    """
    Abs And Array ArrayLength ArraySize ArrayToString Ascii BitLength BTrim Case Cast Ceil Chr Coalesce Concat ConcatWs
    CurrentDate CurrentTime CurrentTimestamp Date DateDiff DateFromParts DatePart DateStrToDate DateTrunc Datetime
    Decode Encode Exp Extract Floor Format Glob Greatest Hex If Initcap JSON JSONExtract JSONExtractScalar
    JSONBExtract JSONBExtractScalar JSONType JulianDay Least Left Length Ln Log Lower MD5 MakeDate Mod Nullif Or
    ParseJSON Pow RegexpExtract RegexpLike RegexpILike RegexpReplace Replace Reverse Right Round SHA SHA2 Sign Split
    SplitPart Sqrt StartsWith StrPosition StrToDate StrToTime StrToUnix Substring Time TimeFromParts TimeToStr
    TimestampFromParts TimestampTrunc ToChar ToNumber Translate Trim Trunc TsOrDsToDate TsOrDsToTime
    DateAdd DateSub Day DayOfMonth DayOfWeek DayOfYear Hour LastDay Minute Month Second SubstringIndex Year
    TsOrDsToTimestamp TsOrDsToDatetime TimeStrToTime TypeOf Typeof UnixToTime Unhex Unicode Upper Xor
    """.split()
)


_UNUSABLE_TYPES = (e.DataType.Type.USERDEFINED, e.DataType.Type.NAME)


def check_expression(expression: str, table: Table, system: str) -> None:
    """Refuse whatever is not a scalar expression over the columns of `table` in the dialect of `system`.

    Raises:
        ExpressionError: It is not; the message says why.
    """
    render_expression(expression, table, system)


def render_expression(expression: str, table: Table, system: str) -> str:
    """An expression made anew from its tree, with every column in quotation marks.

    Raises:
        ExpressionError: It is no scalar expression over the columns of `table`.
    """
    if system not in _DIALECTS:
        raise ExpressionError(f"there are no transformations for {system} sources")
    if not expression.strip():
        raise ExpressionError("the transformation is empty; null copies the value")
    if len(expression) > _LONGEST or "\0" in expression:
        raise ExpressionError(f"a transformation has at most {_LONGEST} characters, none of them NUL")
    parsed = _parse(expression, system)
    columns = {column.name: column.name for column in table.columns}
    folded = {column.name.lower(): column.name for column in table.columns}
    for node in list(parsed.walk()):
        if node.depth > _DEEPEST:
            raise ExpressionError("the transformation is nested too deeply")
        _check_node(node, system)
        if isinstance(node, e.Column):
            if node.table and node.table.lower() != table.name.lower():
                raise ExpressionError(f"there is no column {node.sql()[:80]} here; write the bare column name")
            name = columns.get(node.name) or folded.get(node.name.lower())
            if name is None:
                raise ExpressionError(f"{table.qualified_name} has no column {node.name[:80]!r}")
            node.set("table", None)
            node.set("this", e.Identifier(this=name, quoted=True))
    if system == "mysql":
        parsed = parsed.transform(_without_escapes)
    try:
        return parsed.sql(dialect=_DIALECTS[system], comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlglotError:
        raise ExpressionError("the transformation uses what the source's dialect does not have") from None


def _without_escapes(node: e.Expr) -> e.Expr:
    """A text so written that it is the same whether or not the session takes a backslash for an escape."""
    if isinstance(node, e.Literal) and node.is_string and ("\\" in node.name or not node.name.isprintable()):
        hexes = e.HexString(this=node.name.encode("utf-8", "surrogatepass").hex())
        return e.Introducer(this=e.Var(this="_utf8mb4"), expression=hexes)
    return node


def _parse(expression: str, system: str) -> e.Expr:
    try:
        # Between parentheses a second statement or a list of columns cannot hide.
        statements = sqlglot.parse(f"SELECT ({expression}\n)", read=_DIALECTS[system])
    except (SqlglotError, RecursionError):
        raise ExpressionError("the transformation cannot be read as an expression") from None
    if len(statements) != 1 or not isinstance(statements[0], e.Select) or len(statements[0].expressions) != 1:
        raise ExpressionError("the transformation is more than one expression")
    select = statements[0]
    if any(value for name, value in select.args.items() if name != "expressions"):
        raise ExpressionError("the transformation is more than one expression")
    found = select.expressions[0]
    if not isinstance(found, e.Paren):
        raise ExpressionError("the transformation is more than one expression")
    inner = found.this
    inner.pop()
    if not isinstance(inner, e.Expr):
        raise ExpressionError("the transformation cannot be read as an expression")
    return inner


def _check_node(node: e.Expr, system: str) -> None:
    if isinstance(node, _FORBIDDEN_NODES):
        raise ExpressionError("a transformation may use the row's own columns, operators and plain functions only")
    if isinstance(node, e.DataType) and (node.is_type(*_UNUSABLE_TYPES) or str(node.this).upper().startswith("REG")):
        raise ExpressionError(f"a cast to {node.sql()[:80].lower()} is not allowed in a transformation")
    if isinstance(node, e.Anonymous):
        name = str(node.this).lower()
        if name not in _FUNCTIONS[system]:
            raise ExpressionError(f"the function {name[:80]!r} is not allowed in a transformation")
    elif isinstance(node, e.PseudoType | e.ObjectIdentifier):
        raise ExpressionError(f"a cast to {node.name[:80].lower()} is not allowed in a transformation")
    elif isinstance(node, e.Func):
        if type(node).__name__ not in _KNOWN_FUNCTIONS and not isinstance(node, e.Binary):
            raise ExpressionError(f"the function {node.sql_name().lower()} is not allowed in a transformation")
    elif isinstance(node, e.Dot):
        raise ExpressionError("functions and columns of other schemas are not allowed in a transformation")
