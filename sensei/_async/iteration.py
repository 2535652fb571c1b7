"""Going through lists. Plain iterators: trio complains of asynchronous generators whose loop is left early."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from sensei._concurrency import AsyncBackground
from sensei._paging import Seen, Totals, endless
from sensei.models.base import Model

if TYPE_CHECKING:
    from sensei._async.pagination import AsyncPage

ItemT = TypeVar("ItemT", bound=Model)


class AsyncWalk(Generic[ItemT]):
    """The pages of a list, each with those of its items that did not come before.

    Args:
        page: the first one; or None, then `ask` fetches it.
        ask: fetches the first page.
    """

    def __init__(
        self, page: AsyncPage[ItemT] | None, ask: Callable[[], Awaitable[AsyncPage[ItemT]]] | None = None
    ) -> None:
        self._page = page
        self._ask = ask
        self._begun = False
        self._busy = False
        self._over = False
        self._seen = Seen[ItemT]()
        self._coming: AsyncBackground[AsyncPage[ItemT]] | None = None

    async def step(self) -> tuple[AsyncPage[ItemT], list[ItemT]] | None:
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
            page = await self._next()
        except StopAsyncIteration as error:
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
            self._coming = AsyncBackground(partial(page.next_page))
        return page, new

    async def _next(self) -> AsyncPage[ItemT] | None:
        page, begun, self._begun = self._page, self._begun, True
        if page is None:
            assert self._ask is not None  # noqa: S101 - one of the two is given
            return await self._ask()
        if not begun:
            return page
        if not page.has_more:
            return None
        coming, self._coming = self._coming, None
        return await (page.next_page() if coming is None else coming.result())

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


class AsyncPages(AsyncGenerator["AsyncPage[ItemT]", None]):
    """Every page of a list."""

    def __init__(self, walk: AsyncWalk[ItemT]) -> None:
        self._walk = walk

    async def asend(self, _: None) -> AsyncPage[ItemT]:  # sync: def send(self, _: None) -> Page[ItemT]:
        """The next page; what is sent has no meaning here."""
        step = await self._walk.step()
        if step is None:
            raise StopAsyncIteration
        return step[0]

    async def athrow(  # sync: def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> NoReturn:
        """End the iteration with an error."""
        self._walk.leave()
        raise _raised(typ, val, tb)

    async def aclose(self) -> None:
        """End the iteration."""
        self._walk.leave()


class AsyncItems(AsyncGenerator[ItemT, None]):
    """Every item of a list, each once."""

    def __init__(self, walk: AsyncWalk[ItemT]) -> None:
        self._walk = walk
        self._totals = Totals()
        self._items: Iterator[ItemT] = iter(())

    async def __anext__(self) -> ItemT:
        while True:
            for item in self._items:
                return item
            step = await self._walk.step()
            if step is None:
                raise StopAsyncIteration
            self._totals.notice(step[0].pagination.total)
            self._items = iter(step[1])

    async def asend(self, _: None) -> ItemT:  # sync: def send(self, _: None) -> ItemT:
        """The next item; what is sent has no meaning here."""
        return await self.__anext__()

    async def athrow(  # sync: def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> NoReturn:
        """End the iteration with an error."""
        await self.aclose()
        raise _raised(typ, val, tb)

    async def aclose(self) -> None:
        """End the iteration."""
        self._items = iter(())
        self._walk.leave()


def _raised(
    typ: type[BaseException] | BaseException, val: BaseException | object, tb: TracebackType | None
) -> BaseException:
    error = typ if isinstance(typ, BaseException) else val if isinstance(val, BaseException) else typ()
    return error if tb is None else error.with_traceback(tb)
