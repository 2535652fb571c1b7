"""The one base of all models: open to growth, short in print, quick to validate."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, GetCoreSchemaHandler, GetPydanticSchema, PrivateAttr
from pydantic_core import core_schema

from sensei.models.open_enum import OpenEnum
from sensei.models.response import ResponseInfo

__all__ = [
    "JsonObject",
    "JsonScalar",
    "Model",
    "OpenEnum",
    "Timestamp",
    "SecretsModel",
    "Problem",
    "Pagination",
    "BulkResult",
    "BulkSummary",
]

FromStream: GetPydanticSchema = GetPydanticSchema(lambda _source, _handler: core_schema.any_schema())
"""Marks what the reader of a stream sets: a member of that name in the data may be anything."""

Timestamp = AwareDatetime
"""An instant; always with a time zone."""

JsonObject = dict[str, object]
"""An open object of the wire, kept as it came."""

JsonScalar = bool | int | float | str | None
"""A single JSON value."""

_LONGEST_SHOWN = 60


class _Absent:
    """Hides a method that pydantic keeps from its first version, so that its name is free for a field.

    ``hasattr`` of the class is False then: no warning about shadowing, no method taken for a default, and a member
    of that name that a later server sends is found among the unknown ones.
    """

    def __get__(self, instance: object, owner: type | None = None) -> NoReturn:
        raise AttributeError("not a member of this object")


class Model(BaseModel):
    """What comes over the wire, as an object.

    Members that this version does not know are kept: they can be read as attributes, and `model_extra` holds them.
    Objects of the same class compare by their data.
    """

    # Slots lie outside the data: they are neither compared, nor printed, nor pickled, and validation skips them.
    __slots__ = ("_client", "_last_response")

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow",
        # What cannot be read may hold a key that is shown only once, and tracebacks are logged.
        hide_input_in_errors=True,
        defer_build=True,
        protected_namespaces=(),
        serialize_by_alias=True,
        ignored_types=(_Absent,),
    )

    _shown: ClassVar[tuple[str, ...]] = ()
    """Names of the members that `repr` shows; all that have a value when empty."""

    _masked: ClassVar[frozenset[str]] = frozenset()
    """Names of the members that hold a secret."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        schema = handler(source)
        _stop_at_first(handler.resolve_ref_schema(schema))
        return schema

    if TYPE_CHECKING:
        _client: Any = PrivateAttr()
        _last_response: ResponseInfo = PrivateAttr()
    else:
        # Fields with these names carry `type: ignore[assignment]`: mypy still sees the methods of BaseModel.
        schema = _Absent()
        copy = _Absent()
        validate = _Absent()
        construct = _Absent()
        json = _Absent()
        dict = _Absent()

    @property
    def last_response(self) -> ResponseInfo | None:
        """The answer this object came with; None for one that was made or unpickled here."""
        try:
            return self._last_response
        except AttributeError:
            return None

    def to_dict(self) -> JsonObject:
        """Give the members as plain JSON data, under their names on the wire: what was received, nothing added.

        Returns:
            A new dictionary; instants are RFC 3339 texts. One-time secrets are in it.

        Examples:
            >>> from sensei.models import Pagination
            >>> Pagination(total=1, limit=20, offset=0, has_more=False).to_dict()
            {'total': 1, 'limit': 20, 'offset': 0, 'has_more': False}
        """
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        members = self.__dict__
        for name in self._shown or members:
            value = members.get(name)
            if value is not None:
                yield name, _Verbatim("'***'") if name in self._masked else _short(value)

    def __repr_name__(self) -> str:
        return type(self).__name__

    def __str__(self) -> str:
        return repr(self)


def _stop_at_first(schema: object) -> None:
    """Have the lists in a schema give up at the first bad item: the errors of millions would fill the memory."""
    if isinstance(schema, dict):
        members = cast("dict[str, object]", schema)
        if members.get("type") == "list":
            members["fail_fast"] = True
        for member in members.values():
            _stop_at_first(member)
    elif isinstance(schema, list):
        for item in cast("list[object]", schema):
            _stop_at_first(item)


class SecretsModel(Model):
    """A model with secrets that the server shows once: readable here, masked in print, left out of pickles."""

    def __getstate__(self) -> JsonObject:
        state: JsonObject = super().__getstate__()
        members = cast("JsonObject", state["__dict__"])
        state["__dict__"] = {name: value for name, value in members.items() if name not in self._masked}
        return state

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            if name in type(self)._masked:
                raise AttributeError(
                    f"{name!r} is gone: a secret that is shown once is never written into a pickle. "
                    "Store it when you receive it, or make a new one."
                )
            return super().__getattr__(name)


class _Verbatim:
    """Text that `repr` gives back as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _short(value: object) -> object:
    """Bound what a repr shows; open objects are only counted, since nobody knows what they hold."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 1] + "…"
    if isinstance(value, dict):
        return _Verbatim(f"{{{len(cast('JsonObject', value))} members}}" if value else "{}")
    if isinstance(value, list):
        items = cast("list[object]", value)
        if len(items) > 5 or not all(isinstance(item, str | int) for item in items):
            return _Verbatim(f"[{len(items)} items]")
        return items
    if isinstance(value, Model):
        text = repr(value)
        return _Verbatim(text if len(text) <= _LONGEST_SHOWN else f"{type(value).__name__}(…)")
    return _Verbatim(str(value)) if isinstance(value, datetime) else value


class Pagination(Model):
    """Where a page stands in its list.

    Attributes:
        total: Number of items that match the filters.
        limit: Page size in force.
        offset: Number of items before this page.
        has_more: True when items follow this page.
    """

    total: int
    limit: int
    offset: int
    has_more: bool


class Problem(Model):
    """What went wrong inside a resource; prints as its message.

    Attributes:
        code: Machine-readable reason, an open set such as `plan_failed` or `source_unreachable`.
        message: One sentence for a person.
        reason_code: Engine error number, such as `E1002` for refused credentials.
        details: Further facts, as the server sent them.
        occurred_at: When it happened.
    """

    code: str
    message: str
    reason_code: str | None = None
    details: JsonObject | None = None
    occurred_at: Timestamp | None = None

    def __str__(self) -> str:
        return self.message


class BulkSummary(Model):
    """The count of a bulk operation.

    Attributes:
        total: Number of items asked for.
        succeeded: Number of items done.
        failed: Number of items refused; the results say why.
    """

    total: int
    succeeded: int
    failed: int


class BulkResult(Model):
    """How the items of a bulk call came out. The `results` stand in the classes derived from this one.

    Attributes:
        summary: How many succeeded and failed.
    """

    summary: BulkSummary
