"""What deciding mappings and resolving data errors takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Required

from pydantic import Field, with_config
from typing_extensions import TypedDict

from sensei.models.enums import ErrorResolutionTypeParam, TransformationTypeParam
from sensei.models.params.base import STRICT, Description, Text

__all__ = [
    "ColumnRefParam",
    "Decision",
    "ErrorBulkResolveBody",
    "ErrorResolutionParam",
    "ErrorResolveBody",
    "ErrorRetryBody",
    "MappingApprovalBody",
    "MappingBulkBody",
    "MappingChangeParam",
    "MappingUpdateBody",
]

Decision = Literal["approved", "pending_review", "rejected"]
"""What is decided on a mapping."""


@with_config(STRICT)
class ColumnRefParam(TypedDict, total=False):
    """A column of a table.

    Attributes:
        schema: Schema of the table.
        table: The table.
        column: The column.
        type: Type in the system's own notation.
    """

    schema: str | None
    table: Required[str]
    column: Required[str]
    type: str


@with_config(STRICT)
class MappingUpdateBody(TypedDict, total=False):
    """The body of `mappings.update`."""

    status: Decision
    approved: bool
    transformation: str | None
    transformation_type: TransformationTypeParam
    target: ColumnRefParam
    comment: Description


@with_config(STRICT)
class MappingChangeParam(MappingUpdateBody, total=False):
    """A change of one mapping among many: its id and at least one more member.

    Attributes:
        id: The mapping.
        status: `approved`, `pending_review` or `rejected`.
        approved: Short form of `status`: true is `approved`, false is `rejected`. Give one of the two.
        transformation: Expression over the source column; None copies the value unchanged.
        transformation_type: Kind of the transformation; `custom` if not given.
        target: Column to write instead.
        comment: Why, up to 2,000 characters.
    """

    id: Required[Text]


@with_config(STRICT)
class MappingBulkBody(TypedDict):
    """The body of `mappings.bulk_update`."""

    updates: Annotated[Sequence[MappingChangeParam], Field(min_length=1, max_length=1000)]


@with_config(STRICT)
class MappingApprovalBody(TypedDict, total=False):
    """The body of `mappings.approve`."""

    approved: Required[bool]
    override_transformation: str | None
    comment: Description


@with_config(STRICT)
class ErrorResolutionParam(TypedDict, total=False):
    """What to do with the records of a data error.

    Attributes:
        type: What to do.
        reason: Why, up to 2,000 characters.
        transformation: Needed by `transform`: an expression, or a named fix such as `force_utf8`.
        default_value: Needed by `default`: an SQL expression as a text, or a JSON value.
        retry: Try the records again right after.
    """

    type: Required[ErrorResolutionTypeParam]
    reason: Description
    transformation: str
    default_value: object
    retry: bool


@with_config(STRICT)
class ErrorResolveBody(TypedDict, total=False):
    """The body of `errors.resolve`."""

    resolution: Required[ErrorResolutionTypeParam | ErrorResolutionParam]
    reason: Description
    transformation: str
    default_value: object
    retry: bool


@with_config(STRICT)
class ErrorBulkResolveBody(ErrorResolveBody, total=False):
    """The body of `errors.bulk_resolve`."""

    error_ids: Required[Annotated[Sequence[Text], Field(min_length=1, max_length=1000)]]


@with_config(STRICT)
class ErrorRetryBody(TypedDict, total=False):
    """The body of `errors.retry`."""

    fix_applied: Description
