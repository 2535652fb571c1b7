"""Where a page stands in its list, and how to find the next one."""

from __future__ import annotations

import base64
import binascii
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Generic, TypeVar, cast

from sensei._request import HeaderTypes, QueryValue, TimeoutTypes, build_path, build_query
from sensei.errors import InvalidArgumentError
from sensei.models.base import Model, Pagination

ItemT = TypeVar("ItemT", bound=Model)


class ListDriftWarning(UserWarning):
    """Items were removed from a list while it was read page by page, so that some may have been passed over."""


class Envelope(Model, Generic[ItemT]):
    """A page on the wire. One without `pagination` is the complete list."""

    data: list[ItemT]
    pagination: Pagination | None = None


def page_type(item: type[ItemT]) -> type[Envelope[ItemT]]:
    """The model of a page of `item`, built once."""
    return cast("type[Envelope[ItemT]]", _page_type(item))


@cache
def _page_type(item: type[Model]) -> type[Envelope[Model]]:
    return Envelope[item]  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class Cursor(Generic[ItemT]):
    """What to ask for: a list, its filters, and where in it."""

    item: type[ItemT]
    route: str
    ids: tuple[str, ...]
    params: Mapping[str, QueryValue]
    timeout: TimeoutTypes
    headers: HeaderTypes

    def after(self, count: int, pagination: Pagination) -> Cursor[ItemT]:
        """The cursor of the next page, when a page with `count` items came from here."""
        return replace(self, params={**self.params, "offset": pagination.offset + count})

    def pagination(self, envelope: Envelope[ItemT]) -> Pagination:
        """What the page says about its place; a page that says nothing is taken for the complete list."""
        if envelope.pagination is not None:
            return envelope.pagination
        count = len(envelope.data)
        return Pagination(total=count, limit=max(count, 1), offset=0, has_more=False)

    def token(self) -> str:
        """The cursor as text, to go on from in another process. It holds no more than the place and a check."""
        place = {"o": self.params.get("offset") or 0, "l": self.params.get("limit"), "c": self._check()}
        return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")

    def at(self, token: str) -> Cursor[ItemT]:
        """This list, at the place that `token` names.

        Raises:
            InvalidArgumentError: it is no token, or one of another list or of other filters.
        """
        try:
            place = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            offset, limit, check = place["o"], place["l"], place["c"]
        except (binascii.Error, ValueError, TypeError, KeyError):
            raise InvalidArgumentError("token is not one that page.token gave") from None
        if check != self._check() or type(offset) is not int or not (limit is None or type(limit) is int):
            raise InvalidArgumentError("token belongs to another list or to other filters: pass the same ones again")
        limit = self.params.get("limit") or limit
        return replace(self, params={**self.params, "offset": offset, "limit": limit})

    def _check(self) -> str:
        filters = {name: value for name, value in self.params.items() if name not in {"limit", "offset"}}
        return sha256(f"{build_path(self.route, self.ids)}?{build_query(filters)}".encode()).hexdigest()[:12]


class Seen:
    """What an iteration has already given out."""

    def __init__(self) -> None:
        self._ids: set[object] = set()
        self._total: int | None = None

    def new(self, items: list[ItemT]) -> Iterator[ItemT]:
        """Those of `items` that did not come before. Items without an id always count as new."""
        ids = self._ids
        for item in items:
            key = item.__dict__.get("id")
            if key is None:
                yield item
            elif key not in ids:
                ids.add(key)
                yield item

    def notice(self, total: int) -> None:
        """Warn when the list has become shorter since the page before."""
        if self._total is not None and total < self._total:
            warnings.warn(
                f"the list shrank from {self._total} to {total} items while it was read: "
                "some may have been passed over; list again if each one matters",
                ListDriftWarning,
                stacklevel=3,
            )
        self._total = total
