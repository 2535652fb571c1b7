"""The mark of the open sets of the API. Alone in its module, so that their literals are read without pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["OpenEnum"]


class _AnyText:
    """What pydantic asks when it meets the mark."""

    def __repr__(self) -> str:
        return "OpenEnum"

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.str_schema()


OpenEnum: object = _AnyText()
"""Marks ``Literal[...] | str``: the literals are for readers and completion, any text passes, at the cost of a str."""
