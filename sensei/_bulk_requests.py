"""Bulk calls of any length: cut into what one request may hold, and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import Final, TypeVar, cast

from sensei._arguments import kind_of
from sensei._redact import SecretValue, concealed, revealed
from sensei._request import LONGEST_KEY
from sensei.errors import InvalidArgumentError, SenseiError
from sensei.models.base import BulkResult, BulkSummary, Model

T = TypeVar("T")
ResultT = TypeVar("ResultT", bound=BulkResult)

LARGEST_CHANGE: Final = 1000
"""Mappings or errors in one request."""

LARGEST_WEBHOOKS: Final = 100
"""Webhooks in one request."""


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of at most `size`, concealed if they are; none for no items.

    Raises:
        InvalidArgumentError: they are no list.

    Examples:
        >>> list(batches("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    hide = isinstance(items, SecretValue)
    if not isinstance(cast("object", revealed(items)), Iterable):
        raise InvalidArgumentError(f"a list is needed, not {kind_of(items)}")
    rest = iter(revealed(items))
    while batch := list(islice(rest, size)):
        yield concealed(batch) if hide else batch


def join(whole: ResultT, part: ResultT, offset: int) -> ResultT:
    """Add `part` to `whole`; places in a request are moved on by `offset`, the items before it."""
    results = cast("list[Model]", vars(part)["results"])
    for result in results:
        members = vars(result)
        if "index" in members:
            members["index"] += offset
    vars(whole)["results"].extend(results)
    whole.summary = BulkSummary(
        total=whole.summary.total + part.summary.total,
        succeeded=whole.summary.succeeded + part.summary.succeeded,
        failed=whole.summary.failed + part.summary.failed,
    )
    whole._last_response = part._last_response
    return whole


def next_key(key: str | None, index: int) -> str | None:
    """The idempotency key of request number `index` of a call: the given key, then variants that a retry repeats."""
    if key is None or index == 0:
        return key
    variant = f"{key}.{index}"
    # Of two long keys with the same beginning each has variants of its own.
    return variant if len(variant) <= LONGEST_KEY else f"{sha256(key.encode()).hexdigest()}.{index}"


def say_done(error: SenseiError, done: int) -> None:
    """Note on `error` what was done by the requests before it."""
    if done:
        error.add_note(f"The first {done} items were answered before this happened; only the others are open.")
