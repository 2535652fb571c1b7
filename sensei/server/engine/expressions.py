"""Custom transformations: scalar SQL over one row of the source, and nothing else.

An expression is parsed to decide whether it may run, and then written anew from its tokens: names and texts quoted,
comments gone, everything else as the user wrote it. It is not written from the syntax tree, because a tree written
back may mean something else (``NUMERIC`` becomes ``REAL`` in SQLite). It must give the same value each time it is
asked, as rows are read again after a restart and once more by the validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from sensei.server.engine.catalog import Table
from sensei.server.engine.errors import ExpressionError

MAX_LENGTH: Final = 10_000
"""Characters of the longest expression that is taken."""

_DIALECTS: Final = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}

_STRUCTURE: Final = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.HexString,
    exp.Boolean,
    exp.Null,
    exp.Paren,
    exp.Case,
    exp.If,
    exp.In,
    exp.Between,
    exp.Interval,
    exp.Var,
    exp.DataType,
    exp.DataTypeParam,
    exp.Collate,
    exp.AtTimeZone,
    exp.Bracket,
    exp.JSONPath,
    exp.JSONPathPart,
    exp.Unary,
    exp.Binary,
    exp.Func,
)

_OUTSIDE: Final = (exp.AggFunc, exp.ObjectIdentifier, exp.Star)
"""What the kinds above include, and looks beyond the row: other rows, or the database's own catalog."""

_FUNCTIONS: Final = frozenset(
    """
    abs ceil floor round trunc sign mod sqrt cbrt exp ln log pow power greatest least div
    lower upper trim ltrim rtrim length char_length octet_length substring substr left right replace translate
    concat concat_ws lpad rpad reverse repeat initcap position strpos instr split_part overlay ascii chr char unicode
    starts_with regexp_replace regexp_substr regexp_like regexp_count to_hex hex unhex quote soundex
    coalesce nullif ifnull iif cast try_cast typeof min_scale scale trim_scale width_bucket
    encode decode md5 sha224 sha256 sha384 sha512 convert_from convert_to
    extract date_part date_trunc to_char to_date to_timestamp to_number make_date make_time make_timestamp
    make_timestamptz make_interval justify_days justify_hours justify_interval age timezone isfinite
    date time datetime julianday unixepoch strftime timediff printf format
    json_extract json_type json_array_length json_valid json_extract_path json_extract_path_text jsonb_extract_path
    jsonb_extract_path_text jsonb_typeof json_typeof jsonb_array_length to_json to_jsonb
    array_length array_to_string string_to_array cardinality array_position array_remove array_replace
    normalize unaccent num_nonnulls num_nulls host masklen
    """.split()
)
"""Functions that look at nothing but their arguments and give the same value each time."""

_WORDS_BEFORE_PARENTHESES: Final = frozenset(
    """
    and or not in is like ilike glob regexp match similar between case when then else from for as distinct any all some
    placing using zone collate
    char varchar nchar nvarchar varying character text bpchar numeric decimal dec int integer bigint smallint tinyint
    float real double bit blob binary varbinary bytea timestamp timestamptz time timetz interval
    """.split()
)
"""Words that stand before an opening parenthesis without being called: operators and types with a length."""

_CLOCK_WORDS: Final = frozenset({"now", "today", "yesterday", "tomorrow", "localtime"})
"""Texts that stand for the present moment, or for the zone of this machine, when they are read as a time."""

_TIME_FUNCTIONS: Final = frozenset(
    "date time datetime julianday unixepoch strftime timediff age date_part extract date_trunc to_char isfinite".split()
)

_REFUSED_TOKENS: Final = frozenset(
    {
        TokenType.SEMICOLON,
        TokenType.PARAMETER,
        TokenType.SESSION_PARAMETER,
        TokenType.PLACEHOLDER,
        TokenType.BYTE_STRING,
        TokenType.RAW_STRING,
        TokenType.HEREDOC_STRING,
        TokenType.UNICODE_STRING,
        TokenType.NATIONAL_STRING,
        TokenType.HINT,
        TokenType.SELECT,
    }
)


def check_expression(expression: str, table: Table, system: str) -> None:
    """Refuse whatever is not a scalar expression over the columns of `table` in the dialect of `system`.

    Raises:
        ExpressionError: It is not; the message says why.
    """
    render_expression(expression, table, system)


def render_expression(expression: str, table: Table, system: str) -> str:
    """The expression as it is put into a query on `system`, for one table without an alias.

    Example:
        >>> from sensei.server.engine.catalog import Column
        >>> people = Table(schema=None, name="people", columns=(Column(name="Full Name", type="TEXT"),))
        >>> render_expression('upper("Full Name") -- shout', people, "sqlite")
        '(upper ( "Full Name" ))'

    Raises:
        ExpressionError: It is no scalar expression over the columns of `table`; the message says why.
    """
    columns = tuple(column.name for column in table.columns)
    return _render(expression, table.name, columns, system)


@lru_cache(maxsize=1024)
def _render(expression: str, table: str, columns: tuple[str, ...], system: str) -> str:
    dialect = _DIALECTS.get(system)
    if dialect is None:
        raise ExpressionError(f"Transformations are not supported on {system} sources.")
    if not expression.strip():
        raise ExpressionError("The transformation is empty; use null to copy the value unchanged.")
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"The transformation has {len(expression):,} characters; the limit is {MAX_LENGTH:,}.")
    if "\x00" in expression:
        raise ExpressionError("The transformation contains a NUL character.")
    try:
        query = f"SELECT {expression}"
        tokens = sqlglot.tokenize(query, read=dialect)[1:]
        _check_tokens(tokens)
        tree = sqlglot.parse_one(query, read=dialect)
    except (SqlglotError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _first_line(error)
        raise ExpressionError(f"The transformation cannot be read: {reason}.") from None
    root = _only_expression(tree)
    _check_tree(root, table, columns)
    _check_clock(root, tokens)
    return "(" + " ".join(_texts(tokens, root, columns, table)) + ")"


def _first_line(error: Exception) -> str:
    if isinstance(error, sqlglot.ParseError) and error.errors:
        return str(error.errors[0].get("description") or "not an expression").rstrip(".").lower()
    return "a text or a comment in it does not end"


def _only_expression(tree: exp.Expr) -> exp.Expr:
    """The one value that is selected; whatever else the text made of the query is refused."""
    if isinstance(tree, exp.Select):
        others = [name for name, part in tree.args.items() if part and name != "expressions"]
        if not others and len(tree.expressions) == 1:
            value: exp.Expr = tree.expressions[0]
            return value
    raise ExpressionError("A transformation is one scalar expression over the row, such as upper(name).")


def _check_tokens(tokens: list[Token]) -> None:
    for token, following in zip_longest(tokens, tokens[1:]):
        if token.token_type in _REFUSED_TOKENS:
            raise ExpressionError(
                f"A transformation is one scalar expression over the row; {token.text[:40]!r} is not."
            )
        called = following is not None and following.token_type is TokenType.L_PAREN
        if not called or token.token_type in {TokenType.STRING, TokenType.NUMBER} or not _is_word(token):
            continue
        word = token.text.lower()
        if word not in _FUNCTIONS and word not in _WORDS_BEFORE_PARENTHESES:
            raise ExpressionError(
                f"{token.text[:80]}() may not be used in a transformation: only functions of one row that look at "
                "nothing but their arguments and give the same value each time."
            )


def _is_word(token: Token) -> bool:
    return token.token_type is TokenType.IDENTIFIER or token.text[:1].isalpha() or token.text[:1] == "_"


def _check_tree(root: exp.Expr, table: str, columns: tuple[str, ...]) -> None:
    folded = {column.casefold() for column in columns}
    for node in root.walk():
        if isinstance(node, exp.Column):
            _check_column(node, table, folded)
        elif isinstance(node, _OUTSIDE) or not isinstance(node, _STRUCTURE):
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
            raise ExpressionError(
                f"A transformation is one scalar expression over the row; it has no place for: {name}."
            )


def _check_column(node: exp.Column, table: str, columns: set[str]) -> None:
    if isinstance(node.this, exp.Star):
        raise ExpressionError("A transformation names columns one by one; * has no place in it.")
    if node.args.get("db") or (node.table and node.table.casefold() != table.casefold()):
        raise ExpressionError(f"A transformation reads the row of {table} only, not {node.sql()[:80]}.")
    if node.name.casefold() not in columns:
        raise ExpressionError(f"{table} has no column {node.name!r}.")


def _check_clock(root: exp.Expr, tokens: list[Token]) -> None:
    """Refuse what depends on when or where it is asked."""
    reads_times = any(token.text.lower() in _TIME_FUNCTIONS for token in tokens) or root.find(exp.Cast) is not None
    texts = {token.text.strip().lower() for token in tokens if token.token_type is TokenType.STRING}
    parts = [type(node).__name__ for node in root.walk()]
    asks = any(name.startswith(("Current", "Localtime", "Session", "Utc")) for name in parts)
    bare_call = any(
        isinstance(node, exp.Anonymous)
        and node.name.lower() in _TIME_FUNCTIONS
        and len(node.expressions) < _needs(node)
        for node in root.walk()
    )
    bare_date = any(isinstance(node, exp.Date) and node.this is None for node in root.walk())
    if asks or bare_call or bare_date or (reads_times and texts & _CLOCK_WORDS):
        raise ExpressionError(
            "A transformation may not ask for the time or the user: it must always give the same value."
        )


def _needs(call: exp.Anonymous) -> int:
    """Below this number of arguments the function fills in the present moment."""
    return 2 if call.name.lower() in {"age", "timediff"} else 1


def _texts(tokens: list[Token], root: exp.Expr, columns: tuple[str, ...], table: str) -> Iterator[str]:
    exact = {name: name for name in (*columns, table)}
    folded = {name.casefold(): name for name in (table, *columns)}
    named = {part.meta["start"] for column in root.find_all(exp.Column) for part in column.find_all(exp.Identifier)}
    for token in tokens:
        if token.start in named or token.token_type is TokenType.IDENTIFIER:
            name = exact.get(token.text) or folded.get(token.text.casefold(), token.text)
            yield '"' + name.replace('"', '""') + '"'
        elif token.token_type is TokenType.STRING:
            yield "'" + token.text.replace("'", "''") + "'"
        elif token.token_type is TokenType.HEX_STRING:
            yield f"x'{token.text}'"
        else:
            yield token.text
