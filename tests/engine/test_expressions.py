"""A custom transformation is a scalar expression over its row; all else is refused before it reaches a database."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei.server.engine.catalog import Column, Table
from sensei.server.engine.errors import ExpressionError
from sensei.server.engine.expressions import check_expression, render_expression

NAMES = ("id", "name", "x", "y", "ts", "data", 'we"ird', "Date", "order", "user", "upper")
TABLE = Table(schema=None, name="people", columns=tuple(Column(name=name, type="TEXT") for name in NAMES))


@pytest.mark.parametrize(
    ("system", "expression", "rendered"),
    [
        ("sqlite", "upper(name) || ' x'", """(upper ( "name" ) || ' x')"""),
        ("sqlite", "replace(name, char(0), '')", """(replace ( "name" , char ( 0 ) , ''))"""),
        ("sqlite", "x -- a comment", '("x")'),
        ("sqlite", "x /* a */ + 1", '("x" + 1)'),
        ("sqlite", "CAST(x AS NUMERIC(10,2))", '(CAST ( "x" AS NUMERIC ( 10 , 2 ) ))'),
        ("sqlite", "datetime(ts, 'unixepoch')", """(datetime ( "ts" , 'unixepoch' ))"""),
        ("sqlite", "strftime('%Y', ts)", """(strftime ( '%Y' , "ts" ))"""),
        ("sqlite", "case when x > 1 then 'a' else null end", """(case when "x" > 1 then 'a' else null end)"""),
        ("sqlite", '"we""ird" + 1', '("we""ird" + 1)'),
        ("sqlite", "people.NAME", '("people" . "name")'),
        ("sqlite", "x IN (1, 2)", '("x" IN ( 1 , 2 ))'),
        ("sqlite", "x || x'41'", """("x" || x'41')"""),
        ("sqlite", "coalesce(name, 'it''s')", """(coalesce ( "name" , 'it''s' ))"""),
        ("sqlite", "instr(name, 'b')", """(instr ( "name" , 'b' ))"""),
        ("postgresql", "(data->>'a')::int", """(( "data" ->> 'a' ) :: int)"""),
        ("postgresql", "ts at time zone 'UTC'", """("ts" at time zone 'UTC')"""),
        ("postgresql", "user", '("user")'),
        ("postgresql", "upper(name)", '(upper ( "name" ))'),
        ("postgresql", "to_char(ts, 'YYYY')", """(to_char ( "ts" , 'YYYY' ))"""),
        ("postgresql", "name ~ '^x'", """("name" ~ '^x')"""),
        ("postgresql", "name = 'now'", """("name" = 'now')"""),
        ("postgresql", "substring(name from 2)", '(substring ( "name" from 2 ))'),
        ("postgresql", "array[x, y]", '(array [ "x" , "y" ])'),
    ],
)
def test_an_expression_is_written_anew_from_its_tokens(system: str, expression: str, rendered: str) -> None:
    assert render_expression(expression, TABLE, system).replace(" )", ")") == rendered.replace(" )", ")")
    check_expression(expression, TABLE, system)


@pytest.mark.parametrize(
    ("system", "expression", "why"),
    [
        ("sqlite", "", "empty"),
        ("sqlite", " \n", "empty"),
        ("sqlite", "x\x00", "NUL"),
        ("sqlite", "x" * 10_001, "10,001 characters"),
        ("sqlite", "nope", "no column 'nope'"),
        ("sqlite", '"nope"', "no column 'nope'"),
        ("sqlite", "other.x", "row of people only"),
        ("sqlite", "main.people.x", "row of people only"),
        ("sqlite", "*", "has no place"),
        ("sqlite", "people.*", "has no place"),
        ("sqlite", "x, y", "one scalar expression"),
        ("sqlite", "x AS y", "one scalar expression"),
        ("sqlite", "x FROM sqlite_master", "one scalar expression"),
        ("sqlite", "x WHERE 1", "one scalar expression"),
        ("sqlite", "DISTINCT x", "one scalar expression"),
        ("sqlite", "x) FROM people; --", "one scalar expression"),
        ("sqlite", "x; DROP TABLE people", "one scalar expression"),
        ("sqlite", "(SELECT 1)", "one scalar expression"),
        ("sqlite", "x IN (SELECT 1)", "one scalar expression"),
        ("sqlite", "x IN people", "no column"),
        ("sqlite", "?", "one scalar expression"),
        ("sqlite", ":name", "one scalar expression"),
        ("sqlite", "sum(x)", "sum()"),
        ("sqlite", "load_extension('x')", "load_extension()"),
        ("sqlite", '"load_extension"(x)', "load_extension()"),
        ("sqlite", "hex(randomblob(4))", "randomblob()"),
        ("sqlite", "datetime('now')", "ask for the time"),
        ("sqlite", "datetime(' NOW ')", "ask for the time"),
        ("sqlite", "date()", "ask for the time"),
        ("sqlite", "julianday()", "ask for the time"),
        ("sqlite", "strftime('%Y')", "ask for the time"),
        ("sqlite", "datetime(ts, 'localtime')", "ask for the time"),
        ("sqlite", "current_timestamp", "ask for the time"),
        ("sqlite", "(" * 5000, "cannot be read"),
        ("sqlite", "'open", "cannot be read"),
        ("sqlite", "x +", "cannot be read"),
        ("postgresql", "now()", "now()"),
        ("postgresql", "random()", "random()"),
        ("postgresql", "pg_read_file('x')", "pg_read_file()"),
        ("postgresql", "version()", "version()"),
        ("postgresql", "pg_catalog.pg_sleep(9)", "pg_sleep()"),
        ("postgresql", "row_number() over ()", "row_number()"),
        ("postgresql", "current_user", "ask for the time or the user"),
        ("postgresql", "'now'::timestamptz", "ask for the time"),
        ("postgresql", "timestamp 'today'", "ask for the time"),
        ("postgresql", "age(ts)", "ask for the time"),
        ("postgresql", "x::regclass", "one scalar expression"),
        ("postgresql", "$1", "one scalar expression"),
        ("postgresql", "$$x$$", "one scalar expression"),
        ("postgresql", "E'a\\'b'", "one scalar expression"),
        ("mongodb", "x", "not supported"),
    ],
)
def test_what_is_no_scalar_expression_is_refused(system: str, expression: str, why: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        check_expression(expression, TABLE, system)
    assert why in caught.value.message
    assert caught.value.reason_code == "E3008"


@settings(derandomize=True, max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*"()+-*/|<>=,;.'\"%~&!?:@#$[]{} \n", "x", "name", "people", "'a'", "1", "--", "/*", "*/", "select", "from",
             "union", "upper", "sum", "case", "when", "then", "end", "in", "null", "||", "''", "nope", "1e5", "\\"]
        ),
        max_size=14,
    )
)  # fmt: skip
def test_whatever_is_typed_sqlite_reads_no_more_than_the_row(pieces: list[str]) -> None:
    """What is accepted can do nothing but look at columns of its own table: SQLite's own authorizer is the judge."""
    try:
        rendered = render_expression(" ".join(pieces), TABLE, "sqlite")
    except ExpressionError:
        return
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE people (" + ", ".join('"' + n.replace('"', '""') + '"' for n in NAMES) + ")")
    seen: list[tuple[int, str | None, str | None]] = []

    def judge(action: int, first: str | None, second: str | None, _db: str | None, _trigger: str | None) -> int:
        seen.append((action, first, second))
        return sqlite3.SQLITE_OK

    database.set_authorizer(judge)
    try:
        rows = database.execute(f"SELECT {rendered} FROM people").description
    except sqlite3.OperationalError:
        rows = None
    database.close()
    assert rows is None or len(rows) == 1
    for action, first, _ in seen:
        assert action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}
        assert action != sqlite3.SQLITE_READ or first == "people"
