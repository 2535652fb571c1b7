"""Lists: a page that is iterable over all pages, and never gives the same item twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing
from typing import TYPE_CHECKING, Generic, TypeVar

from sensei._async.iteration import AsyncItems, AsyncPages, AsyncWalk
from sensei._model_slots import set_response
from sensei._paging import Cursor, Envelope, endless, page_type
from sensei._request import UNSET, HeaderTypes, QueryTypes, TimeoutTypes
from sensei.errors import InvalidArgumentError
from sensei.models.base import Model, Pagination

if TYPE_CHECKING:
    from sensei._async.client import AsyncClient
    from sensei.models.response import ResponseInfo

ItemT = TypeVar("ItemT", bound=Model)


class AsyncPage(Generic[ItemT]):
    """One page of a list. Iterating it goes through the items of this page and of all that follow.

    No item comes twice, even when the list grows meanwhile. When it shrinks, a `ListDriftWarning` says that items may
    have been passed over.

    Attributes:
        data: the items of this page.
        pagination: where the page stands: `total`, `limit`, `offset`, `has_more`.
        last_response: the answer that brought the page.

    Examples:
        >>> page = await client.connections.list(limit=20)
        >>> print(page.pagination.total)
        >>> async for connection in page:
        ...     print(connection.id)
    """

    data: list[ItemT]
    pagination: Pagination
    last_response: ResponseInfo | None

    def __init__(self, client: AsyncClient, cursor: Cursor[ItemT], envelope: Envelope[ItemT], prefetch: int) -> None:
        self._client = client
        self._cursor = cursor
        self._prefetch = prefetch
        self.data = envelope.data
        self.pagination = cursor.pagination(envelope)
        self.last_response = envelope.last_response

    @classmethod
    async def _fetch(
        cls,
        client: AsyncClient,
        item: type[ItemT],
        route: str,
        ids: tuple[str, ...],
        *,
        params: QueryTypes = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncPage[ItemT]:
        """Ask for the first page, or for the one that `token` names."""
        if prefetch not in (0, 1):
            raise InvalidArgumentError("prefetch must be 0 or 1: how many pages to fetch ahead")
        cursor = Cursor(item, route, ids, params or {}, timeout, headers)
        return await cls._at(client, cursor if token is None else cursor.at(token), prefetch)

    @classmethod
    async def _at(cls, client: AsyncClient, cursor: Cursor[ItemT], prefetch: int) -> AsyncPage[ItemT]:
        envelope = await client._transport.call(
            page_type(cursor.item),
            "GET",
            cursor.route,
            *cursor.ids,
            params=cursor.params,
            timeout=cursor.timeout,
            headers=cursor.headers,
        )
        response = envelope._last_response
        for item in envelope.data:
            set_response(item, response)
        return cls(client, cursor, envelope, prefetch)

    @property
    def has_more(self) -> bool:
        """True when pages follow this one."""
        return self.pagination.has_more

    @property
    def token(self) -> str | None:
        """Where this page ends, as text: `list(token=…)` goes on there, in another process too. None at the end."""
        return self._next().token() if self.has_more else None

    async def next_page(self) -> AsyncPage[ItemT]:
        """Fetch the page after this one. After the last one it is an empty page, without a request.

        Returns:
            The page.

        Raises:
            APIResponseValidationError: the server says that more items follow, but this page leads nowhere.

        Examples:
            >>> following = await page.next_page()
        """
        if self.has_more:
            following = self._next()
            if not self._cursor.leads_on(following):
                raise endless(self.pagination, self.last_response)
            return await self._at(self._client, following, self._prefetch)
        end = Pagination(
            total=self.pagination.total,
            limit=self.pagination.limit,
            offset=self.pagination.offset + len(self.data),
            has_more=False,
        )
        envelope = page_type(self._cursor.item).model_construct(data=[], pagination=end)
        return type(self)(self._client, self._next(), envelope, self._prefetch)

    def iter_pages(self) -> AsyncGenerator[AsyncPage[ItemT], None]:
        """Go through this page and all that follow. Items that moved from one page to the next come twice here.

        Returns:
            An iterator; a page is fetched when it is asked for.

        Raises:
            APIResponseValidationError: the server says for ever that more items follow, and brings none.

        Examples:
            >>> async for following in page.iter_pages():
            ...     print(len(following.data))
        """
        return AsyncPages(AsyncWalk(self))

    def __aiter__(self) -> AsyncGenerator[ItemT, None]:
        return AsyncItems(AsyncWalk(self))

    async def to_list(self, *, max_items: int | None = None) -> list[ItemT]:
        """All items of this page and of those that follow.

        Args:
            max_items: stop after so many; no page beyond the last one needed is fetched.

        Returns:
            The items, each once.

        Raises:
            InvalidArgumentError: `max_items` is no whole number.

        Examples:
            >>> newest = await page.to_list(max_items=50)
        """
        items: list[ItemT] = []
        if max_items is not None and type(max_items) is not int:
            raise InvalidArgumentError("max_items must be a whole number, or None for all")
        if max_items is not None and max_items <= 0:
            return items
        async with aclosing(self.__aiter__()) as found:
            async for item in found:
                items.append(item)
                if max_items is not None and len(items) >= max_items:
                    break
        return items

    def __repr__(self) -> str:
        where = self.pagination
        return f"<{type(self).__name__} {where.offset} to {where.offset + len(self.data)} of {where.total}>"

    def _repr_html_(self) -> str:
        from sensei._notebook import page_html

        return page_html(self.data, self.pagination)

    def _next(self) -> Cursor[ItemT]:
        return self._cursor.after(len(self.data), self.pagination)


# async only: begin
class AsyncPager(Generic[ItemT]):
    """A list that was not asked for yet: `await` it for its first page, or iterate it for every item.

    Examples:
        >>> async for connection in client.connections.list():
        ...     print(connection.id)
        >>> page = await client.connections.list(limit=20)
    """

    def __init__(self, fetch: Callable[[], Awaitable[AsyncPage[ItemT]]]) -> None:
        self._ask = fetch

    def __await__(self) -> Generator[object, None, AsyncPage[ItemT]]:
        return self._ask().__await__()

    def __aiter__(self) -> AsyncGenerator[ItemT, None]:
        return AsyncItems(AsyncWalk(None, self._ask))

    def iter_pages(self) -> AsyncGenerator[AsyncPage[ItemT], None]:
        """Go through all pages.

        Returns:
            An iterator; a page is fetched when it is asked for.

        Examples:
            >>> async for page in client.connections.list().iter_pages():
            ...     print(len(page.data))
        """
        return AsyncPages(AsyncWalk(None, self._ask))

    async def to_list(self, *, max_items: int | None = None) -> list[ItemT]:
        """All items, each once.

        Args:
            max_items: stop after so many; no page beyond the last one needed is fetched.

        Returns:
            The items.

        Examples:
            >>> newest = await client.connections.list().to_list(max_items=50)
        """
        return await (await self._ask()).to_list(max_items=max_items)


# async only: end
