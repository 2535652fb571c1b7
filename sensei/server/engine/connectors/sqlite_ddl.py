"""Read what only the text of a CREATE TABLE statement tells: checks, collations, generated columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sensei.server.engine.catalog import CheckConstraint

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>[\d.][\w.]*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TABLE_CONSTRAINTS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        if self.kind in {"quoted", "string"}:
            close = "]" if self.text[0] == "[" else self.text[0]
            return self.text[1:-1].replace(close * 2, close)
        return self.text


@dataclass(slots=True)
class TableText:
    """Facts from the text of one CREATE TABLE."""

    checks: list[CheckConstraint] = field(default_factory=list[CheckConstraint])
    collations: dict[str, str] = field(default_factory=dict[str, str])
    generated: dict[str, str] = field(default_factory=dict[str, str])
    constraint_names: dict[tuple[str, tuple[str, ...]], str] = field(
        default_factory=dict[tuple[str, tuple[str, ...]], str]
    )
    """(``UNIQUE`` or ``FOREIGN``, columns) → name."""
    autoincrement: bool = False
    deferrable: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])


def read_create_table(sql: str) -> TableText:
    """Read a CREATE TABLE statement as SQLite keeps it."""
    found = TableText()
    tokens = [
        _Token(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(sql)
        if match.lastgroup != "space"
    ]
    for part in _parts(tokens):
        _read_part(sql, part, found)
    return found


def _parts(tokens: list[_Token]) -> list[list[_Token]]:
    """The pieces between the commas of the outermost parentheses."""
    parts: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.text == "(":
            depth += 1
            if depth == 1:
                continue
        elif token.text == ")":
            depth -= 1
            if depth == 0:
                break
        elif token.text == "," and depth == 1:
            parts.append([])
            continue
        if depth:
            parts[-1].append(token)
    return [part for part in parts if part]


def _read_part(sql: str, part: list[_Token], found: TableText) -> None:
    column = None if part[0].word in _TABLE_CONSTRAINTS else part[0].name
    name: str | None = None
    depth = 0
    for at, token in enumerate(part):
        depth += (token.text == "(") - (token.text == ")")
        if depth or (column is not None and at == 0):
            continue
        following = part[at + 1] if at + 1 < len(part) else None
        match token.word:
            case "CONSTRAINT" if following:
                name = following.name
            case "CHECK" if (inside := _inside(part, at + 1)) is not None:
                found.checks.append(CheckConstraint(expression=sql[inside[0] : inside[1]].strip(), name=name))
                name = None
            case "COLLATE" if following and column is not None:
                found.collations[column] = following.name.upper()
            case "AS" if column is not None and (inside := _inside(part, at + 1)) is not None:
                found.generated[column] = sql[inside[0] : inside[1]].strip()
            case "AUTOINCREMENT":
                found.autoincrement = True
            case "UNIQUE" | "FOREIGN" | "REFERENCES":
                columns = (column,) if column is not None else _columns_after(part, at)
                kind = "UNIQUE" if token.word == "UNIQUE" else "FOREIGN"
                if name is not None and not (kind == "FOREIGN" and (kind, columns) in found.constraint_names):
                    found.constraint_names[kind, columns] = name
                    name = None
            case "DEFERRABLE" if at == 0 or part[at - 1].word != "NOT":
                found.deferrable.add((column,) if column is not None else _columns_after(part, 0))
            case _:
                pass


def _inside(part: list[_Token], at: int) -> tuple[int, int] | None:
    """Where the text within the parenthesis that opens at `at` begins and ends."""
    if at >= len(part) or part[at].text != "(":
        return None
    depth = 0
    for token in part[at:]:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return part[at].end, token.start
    return None


def _columns_after(part: list[_Token], at: int) -> tuple[str, ...]:
    names: list[str] = []
    opened = False
    for token in part[at:]:
        if token.text == "(":
            opened = True
        elif token.text == ")" and opened:
            break
        elif opened and token.kind in {"word", "quoted", "string"} and token.word not in {"ASC", "DESC", "COLLATE"}:
            names.append(token.name)
    return tuple(names)
