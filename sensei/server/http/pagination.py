"""Pages: limit and offset in, data and pagination out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from sensei.server.schemas.base import PageQuery

Row = TypeVar("Row")
Item = TypeVar("Item")


class Pagination(TypedDict):
    """Where a page stands in its list."""

    total: int
    limit: int
    offset: int
    has_more: bool


class Page(TypedDict, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    pagination: Pagination


def page_of(session: Session, statement: Select[Row], query: PageQuery, show: Callable[[Row], Item]) -> Page[Item]:
    """The page of an ordered statement over one entity that the query asks for."""
    total = session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    rows = list(session.scalars(statement.limit(query.limit).offset(query.offset)))
    return make_page([show(row) for row in rows], total, query)


def make_page(data: list[Any], total: int, query: PageQuery) -> Page[Any]:
    """A page of items already cut to size."""
    return {
        "data": data,
        "pagination": {
            "total": total,
            "limit": query.limit,
            "offset": query.offset,
            "has_more": query.offset + len(data) < total,
        },
    }
