"""Where a page stands in its list, and how to find the next one."""

from __future__ import annotations

import base64
import binascii
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Generic, TypeVar, cast

from sensei._body_checks import check_page
from sensei._request import HeaderTypes, QueryValue, TimeoutTypes, build_path, build_query
from sensei.errors import APIResponseValidationError, InvalidArgumentError
from sensei.models.base import Model, Pagination
from sensei.models.response import ResponseInfo

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

    def leads_on(self, later: Cursor[ItemT]) -> bool:
        """Whether `later` is further on in the list, so that asking there can bring something else."""
        return _offset(later) > _offset(self)

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
            InvalidArgumentError: it is no token, one of another list or of other filters, or given with an offset.
        """
        try:
            place = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            check = place["c"]
            where: dict[str, QueryValue] = {"offset": place["o"], "limit": place["l"]}
            check_page(where)
        except (binascii.Error, ValueError, TypeError, KeyError, RecursionError):
            raise InvalidArgumentError("token is not one that page.token gave") from None
        if check != self._check():
            raise InvalidArgumentError("token belongs to another list or to other filters: pass the same ones again")
        if self.params.get("offset") is not None:
            raise InvalidArgumentError("give token or offset, not both: a token holds its place")
        if self.params.get("limit") is not None:
            del where["limit"]
        return replace(self, params={**self.params, **where})

    def _check(self) -> str:
        filters = {name: value for name, value in self.params.items() if name not in {"limit", "offset"}}
        return sha256(f"{build_path(self.route, self.ids)}?{build_query(filters)}".encode()).hexdigest()[:12]


def _offset(cursor: Cursor[ItemT]) -> int:
    offset = cursor.params.get("offset")
    return offset if isinstance(offset, int) else 0


class Seen(Generic[ItemT]):
    """What an iteration has already given out."""

    def __init__(self) -> None:
        self._ids: set[object] = set()
        self._last: list[ItemT] = []
        self._first_total: int | None = None
        self._repeated = 0
        self._pages_in_vain = 0

    def new(self, items: list[ItemT]) -> list[ItemT]:
        """Those of `items` that did not come before; without ids, all unless the page before was the same."""
        ids = self._ids
        known = len(ids)
        found: list[ItemT] = []
        for item in items:
            key = item.__dict__.get("id")
            if key is None:
                found.append(item)
            elif key not in ids:
                ids.add(key)
                found.append(item)
        if len(ids) == known and items and items == self._last:
            found = []
        self._last = items
        return found

    def is_endless(self, items: int, new: int, where: Pagination) -> bool:
        """Whether a list will never end: told of a page with so many items, of which so many are new.

        A page may well hold nothing new when as many items were put in before it as it repeats: the total grew by them.
        """
        if self._first_total is None:
            self._first_total = where.total
        self._repeated += items - new
        self._pages_in_vain = 0 if new else self._pages_in_vain + 1
        if not where.has_more or not self._pages_in_vain:
            return False
        return not items or (self._pages_in_vain > 1 and self._repeated > where.total - self._first_total)


class Totals:
    """How long a list said it was."""

    def __init__(self) -> None:
        self._total: int | None = None

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


def endless(where: Pagination, response: ResponseInfo | None) -> APIResponseValidationError:
    """The error for a list that says `has_more` and brings nothing more."""
    return APIResponseValidationError(
        f"the list does not end: the server says that more of its {where.total} items follow, but the page at offset "
        f"{where.offset} brings none that did not come before. Items may be missing: list again, and if it stays so, "
        "tell support the request id",
        status_code=response.status_code if response else 200,
        request_id=response.request_id if response else None,
        body=where.model_dump_json(),
        attempts=response.attempts if response else 1,
    )
