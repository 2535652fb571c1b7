# Generated from sensei/_async/iteration.py by scripts/generate_sync.py: change that file and run the script.
"""Going through lists. Plain iterators: trio complains of asynchronous generators whose loop is left early."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from sensei._concurrency import Background
from sensei._paging import Seen, Totals, endless
from sensei.models.base import Model

if TYPE_CHECKING:
    from sensei._sync.pagination import Page

ItemT = TypeVar("ItemT", bound=Model)


class Walk(Generic[ItemT]):
    """The pages of a list, each with those of its items that did not come before.

    Args:
        page: the first one; or None, then `ask` fetches it.
        ask: fetches the first page.
    """

    def __init__(self, page: Page[ItemT] | None, ask: Callable[[], Page[ItemT]] | None = None) -> None:
        self._page = page
        self._ask = ask
        self._begun = False
        self._busy = False
        self._over = False
        self._seen = Seen[ItemT]()
        self._coming: Background[Page[ItemT]] | None = None

    def step(self) -> tuple[Page[ItemT], list[ItemT]] | None:
        """The next page, or None at the end.

        Raises:
            RuntimeError: another task waits for it already, or a function of the user's is exhausted.
        """
        if self._busy:
            raise RuntimeError("this iteration is under way elsewhere: each user of a list needs one of its own")
        if self._over:
            return None
        self._busy = True
        try:
            page = self._next()
        except StopIteration as error:
            # Of a function of the user's, for the key or a hook: it would pass for the end of the list.
            self.leave()
            raise RuntimeError("a function that the list needs had nothing more to give") from error
        except BaseException:
            self.leave()
            raise
        finally:
            self._busy = False
        if page is None:
            self._over = True
            return None
        new = self._seen.new(page.data)
        if self._seen.is_endless(len(page.data), len(new), page.pagination):
            self._over = True
            raise endless(page.pagination, page.last_response)
        self._page = page
        if page._prefetch and page.has_more:
            self._coming = Background(partial(page.next_page))
        return page, new

    def _next(self) -> Page[ItemT] | None:
        page, begun, self._begun = self._page, self._begun, True
        if page is None:
            assert self._ask is not None  # noqa: S101 - one of the two is given
            return self._ask()
        if not begun:
            return page
        if not page.has_more:
            return None
        coming, self._coming = self._coming, None
        return page.next_page() if coming is None else coming.result()

    def leave(self) -> None:
        """Go no further. What was asked for ahead is not waited for."""
        self._over = True
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.cancel()

    def __del__(self) -> None:
        coming = getattr(self, "_coming", None)
        if coming is not None:
            coming.abandon()


class Pages(Generator["Page[ItemT]", None]):
    """Every page of a list."""

    def __init__(self, walk: Walk[ItemT]) -> None:
        self._walk = walk

    def send(self, _: None) -> Page[ItemT]:
        """The next page; what is sent has no meaning here."""
        step = self._walk.step()
        if step is None:
            raise StopIteration
        return step[0]

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> NoReturn:
        """End the iteration with an error."""
        self._walk.leave()
        raise _raised(typ, val, tb)

    def close(self) -> None:
        """End the iteration."""
        self._walk.leave()


class Items(Generator[ItemT, None]):
    """Every item of a list, each once."""

    def __init__(self, walk: Walk[ItemT]) -> None:
        self._walk = walk
        self._totals = Totals()
        self._items: Iterator[ItemT] = iter(())

    def __next__(self) -> ItemT:
        while True:
            for item in self._items:
                return item
            step = self._walk.step()
            if step is None:
                raise StopIteration
            self._totals.notice(step[0].pagination.total)
            self._items = iter(step[1])

    def send(self, _: None) -> ItemT:
        """The next item; what is sent has no meaning here."""
        return self.__next__()

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> NoReturn:
        """End the iteration with an error."""
        self.close()
        raise _raised(typ, val, tb)

    def close(self) -> None:
        """End the iteration."""
        self._items = iter(())
        self._walk.leave()


def _raised(
    typ: type[BaseException] | BaseException, val: BaseException | object, tb: TracebackType | None
) -> BaseException:
    error = typ if isinstance(typ, BaseException) else val if isinstance(val, BaseException) else typ()
    return error if tb is None else error.with_traceback(tb)
