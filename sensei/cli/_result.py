"""Write the result of a command to stdout, in the form that was asked for.

The forms for programs are stable: one object is the object of the API, a list is `{"data": […], "pagination": {…}}`
as the API has it, and `--quiet` gives one id a line.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sensei.cli._errors import write_line
from sensei.cli._options import Options
from sensei.cli._screen import for_screen, room_of
from sensei.cli._settings import in_color
from sensei.cli._table import Column, cell, columns_of, described, fitting, flattened, member, one_line, rendered
from sensei.cli._text import clean, listing

if TYPE_CHECKING:
    from sensei import Page
    from sensei.models import Model

    ModelT = TypeVar("ModelT", bound=Model)

_HIDDEN_IN_JSON = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_BIGGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """Some items of a list, and how many there are.

    Attributes:
        items: The items, as the API sent them.
        total: How many there are in all.
    """

    items: list[dict[str, object]]
    total: int

    @property
    def has_more(self) -> bool:
        """True when there are more items than these."""
        return self.total > len(self.items)

    def document(self) -> dict[str, object]:
        """The list for programs."""
        return {
            "data": self.items,
            "pagination": {
                "total": self.total,
                "limit": len(self.items),
                "offset": 0,
                "has_more": self.has_more,
            },
        }


def listed(ask: Callable[[int], Page[ModelT]], limit: int | None) -> Listed:
    """Fetch the first items of a list.

    Args:
        ask: Asks for the first page; is given its size.
        limit: Most items to fetch; None for all.
    """
    page = ask(min(limit or _BIGGEST_PAGE, _BIGGEST_PAGE))
    items = [one.to_dict() for one in page.to_list(max_items=limit)]
    return Listed(items, len(items) if limit is None else max(page.pagination.total, len(items)))


def write_list(options: Options, found: Listed, columns: str | Sequence[Column], *, nothing: str) -> None:
    """Write a list.

    Args:
        options: Say which form.
        found: The list.
        columns: Those of the table: members, separated by blanks, or columns.
        nothing: What to tell people when the list is empty.
    """
    shown = columns_of(columns) if isinstance(columns, str) else columns
    if not options.quiet and options.form != "table":
        emit(serialized(options, found.document()) + "\n")
        return
    if options.quiet:
        emit("".join(f"{one_line(str(item['id']))}\n" for item in found.items))
    elif found.items:
        write_table(options, [[cell(member(item, column.path)) for column in shown] for item in found.items], shown)
    else:
        tell(nothing)
    if found.has_more:
        tell(f"{len(found.items)} of {found.total} shown; --limit NUMBER shows more, --all shows all.")


def write_table(options: Options, rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> None:
    """Write a table for people. A terminal too narrow for all columns gets those that fit, and is told of the rest."""
    room = room_of(sys.stdout)
    kept = len(columns) if room is None else fitting(rows, columns, room)
    head = ("\x1b[1m", "\x1b[0m") if in_color(options.settings.color) else ("", "")
    lines = rendered([row[:kept] for row in rows], columns[:kept], room, head=head)
    emit("".join(f"{line}\n" for line in lines))
    if kept < len(columns):
        names = listing([column.title for column in columns[kept:]])
        tell(f"This terminal is too narrow for {names}; --output json has all.")


def write_object(
    options: Options,
    record: Mapping[str, object] | Model,
    *,
    fields: str | Sequence[Column] | None = None,
    quiet: str | None = None,
) -> None:
    """Write one object.

    Args:
        options: Say which form.
        record: The object.
        fields: What people see of it: members, separated by blanks, or columns; all that have a value when None.
        quiet: What `--quiet` prints; the id when None.
    """
    document = dict(record) if isinstance(record, Mapping) else record.to_dict()
    if fields is None:
        pairs = flattened(document)
    else:
        shown = columns_of(fields) if isinstance(fields, str) else fields
        values = [(column.title.lower(), cell(member(document, column.path))) for column in shown]
        pairs = [(name, value) for name, value in values if value != "-"]
    text = "\n".join(described(pairs, room_of(sys.stdout)))
    write_result(options, document, ids=[str(document.get("id", "")) if quiet is None else quiet], text=text)


def write_result(options: Options, document: Mapping[str, object], *, ids: Sequence[str], text: str) -> None:
    """Write a result.

    Args:
        options: Say which form.
        document: The whole result, for programs.
        ids: What `--quiet` prints.
        text: The result for people.
    """
    if options.quiet:
        written = "\n".join(clean(one) for one in ids)
    elif options.form == "table":
        written = for_screen(text, sys.stdout)
    else:
        written = serialized(options, document)
    emit(written + "\n")


def write_deleted(options: Options, ident: str, kind: str) -> None:
    """Say that something is gone."""
    write_result(options, {"id": ident, "deleted": True}, ids=[ident], text=f"Deleted the {kind} {ident}.")


def serialized(options: Options, document: Mapping[str, object]) -> str:
    """A document in the form for programs that was asked for."""
    if options.form == "yaml":
        import yaml

        return yaml.safe_dump(dict(document), allow_unicode=_takes("\u00e9\u4e00"), sort_keys=False).rstrip()
    text = json.dumps(document, ensure_ascii=False, indent=2)
    if not _takes(text):
        return json.dumps(document, indent=2)
    return _HIDDEN_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def emit(text: str) -> None:
    """Write to stdout; what its encoding does not have is escaped rather than lost."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(text if _takes(text) else text.encode(encoding, "backslashreplace").decode(encoding))


def tell(text: str) -> None:
    """Write a remark to stderr."""
    write_line(text)


def warn_shown_once(what: str) -> None:
    """Say that a secret in the result will not be seen again."""
    tell(f"This is the only time that {what} is shown: store it now.")


def _takes(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


__all__ = [
    "Column",
    "Listed",
    "columns_of",
    "emit",
    "listed",
    "serialized",
    "tell",
    "warn_shown_once",
    "write_deleted",
    "write_list",
    "write_object",
    "write_result",
    "write_table",
]
