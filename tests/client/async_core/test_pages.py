"""Lists: every item once, over all pages, and a warning where some may be missing."""

from __future__ import annotations

import gc
import json
import warnings
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import anyio
import httpx
import pytest
import respx

from sensei import ListDriftWarning
from sensei._async.client import AsyncClient
from sensei.errors import APIResponseValidationError, ConfigurationError, InvalidArgumentError, SenseiError
from tests.client.samples import connection, page

URL = "https://api.sensei.ai/v1/connections"


class Shelf:
    """A list on a server that can change between pages."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers
        self.asked: list[dict[str, str]] = []
        self.change: Any = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        self.asked.append(query)
        if self.change is not None and len(self.asked) == 2:
            self.change(self.numbers)
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 20))
        return httpx.Response(200, json=page(self.numbers[offset : offset + limit], len(self.numbers), offset, limit))


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf(list(range(7)))
    with respx.mock(assert_all_called=False) as router:
        router.get(URL).mock(side_effect=shelf)
        router.get(f"{URL}/conn_0").mock(httpx.Response(200, json=connection(0) | {"name": "New"}))
        yield shelf


def ids(numbers: list[int]) -> list[str]:
    return [f"conn_{number}" for number in numbers]


@pytest.mark.anyio
class TestIterating:
    async def test_every_item_of_every_page_in_order(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            found = [item.id async for item in client.connections.list(limit=3)]
        assert found == ids(list(range(7)))
        assert [asked.get("offset") for asked in shelf.asked] == [None, "3", "6"]
        assert {asked["limit"] for asked in shelf.asked} == {"3"}

    async def test_filters_go_along_with_every_page(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            async for _ in client.connections.list(limit=4, status="failed"):
                pass
        assert [asked["status"] for asked in shelf.asked] == ["failed", "failed"]

    async def test_items_are_live_and_know_their_answer(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            async for item in client.connections.list():
                assert item._client is client
                assert item.last_response is not None
                assert item.last_response.status_code == 200

    @pytest.mark.parametrize("prefetch", [0, 1])
    async def test_what_was_inserted_meanwhile_repeats_nothing(self, shelf: Shelf, prefetch: int) -> None:
        shelf.change = lambda numbers: numbers.insert(0, 99)
        async with AsyncClient("sk_test_1") as client:
            found = [item.id async for item in client.connections.list(limit=3, prefetch=prefetch)]
        assert found == ids(list(range(7)))

    async def test_what_was_removed_meanwhile_is_warned_of(self, shelf: Shelf) -> None:
        shelf.change = lambda numbers: numbers.pop(0)
        async with AsyncClient("sk_test_1") as client:
            with pytest.warns(ListDriftWarning, match="shrank from 7 to 6"):
                found = [item.id async for item in client.connections.list(limit=3)]
        assert found == ids([0, 1, 2, 4, 5, 6])

    async def test_a_list_without_pagination_is_complete(self) -> None:
        with respx.mock() as router:
            router.get(URL).mock(httpx.Response(200, json={"data": [connection(1), connection(2)]}))
            async with AsyncClient("sk_test_1") as client:
                first = await client.connections.list()
                assert [item.id async for item in first] == ids([1, 2])
                assert (first.has_more, first.pagination.total, first.token) == (False, 2, None)


def says_more(numbers: list[int], *, offset: int, total: int = 100) -> dict[str, Any]:
    """A page that says that more items follow, whatever is in it."""
    answer: dict[str, Any] = page(numbers, total, offset, 3)
    answer["pagination"]["has_more"] = True
    return answer


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    """The same number of log entries, which have no ids."""
    entry = {"timestamp": "2026-02-02T15:00:00Z", "level": "info", "phase": "planning", "message": "Planning"}
    return answer | {"data": [entry for _ in answer["data"]]}


LOGS = "https://api.sensei.ai/v1/migrations/mig_1/logs"
# What a server answers to each request, by the offset that was asked for, and how many requests that takes.
ENDLESS: dict[str, tuple[Callable[[int], dict[str, Any]], int]] = {
    "an empty page": (lambda offset: says_more([] if offset else [0, 1, 2], offset=offset), 2),
    "nothing at all": (lambda offset: says_more([], offset=offset), 1),
    "the first page again, said to be further on": (lambda offset: says_more([0, 1, 2], offset=offset), 3),
    "the first page again, whatever was asked for": (lambda _offset: says_more([0, 1, 2], offset=0), 2),
    "the last page again": (lambda offset: says_more([offset, 7, 8] if offset < 6 else [6, 7, 8], offset=offset), 5),
}


@pytest.mark.anyio
@pytest.mark.parametrize("prefetch", [0, 1])
@pytest.mark.parametrize(("answers", "requests"), ENDLESS.values(), ids=ENDLESS)
class TestAServerThatNeverSaysThatItIsTheEnd:
    @pytest.fixture
    def route(self, answers: Callable[[int], dict[str, Any]]) -> Iterator[respx.Route]:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json=answers(int(request.url.params.get("offset", 0))))

        with respx.mock() as router:
            yield router.get(URL).mock(side_effect=answer)

    async def test_items_end_with_an_error(self, route: respx.Route, requests: int, prefetch: int) -> None:
        found: list[str] = []

        async def read(client: AsyncClient) -> None:
            async for item in client.connections.list(limit=3, prefetch=prefetch):
                found.append(item.id)  # noqa: PERF401 - what came before the error counts

        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(APIResponseValidationError, match=r"list does not end: .* of its 100 items") as caught:
                await read(client)
        assert len(found) == len(set(found))
        assert requests <= route.call_count <= requests + prefetch
        assert caught.value.status_code == 200
        assert '"has_more":true' in caught.value.body

    async def test_pages_end_with_an_error(self, route: respx.Route, requests: int, prefetch: int) -> None:
        async with AsyncClient("sk_test_1") as client:
            first = await client.connections.list(limit=3, prefetch=prefetch)
            with pytest.raises(APIResponseValidationError, match="list does not end"):
                async for _ in first.iter_pages():
                    pass
        assert requests <= route.call_count <= requests + prefetch

    async def test_as_many_as_are_there_can_be_had(self, route: respx.Route, requests: int, prefetch: int) -> None:
        there = 3 if requests > 1 else 0
        async with AsyncClient("sk_test_1") as client:
            assert len(await client.connections.list(limit=3, prefetch=prefetch).to_list(max_items=there)) == there
        assert route.call_count <= 1 + prefetch


@pytest.mark.anyio
class TestEndsOfLists:
    async def test_entries_without_ids_that_come_again_end_with_an_error(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            offset = int(request.url.params.get("offset", 0))
            return httpx.Response(200, json=without_ids(says_more([0, 1, 2], offset=offset)))

        with respx.mock() as router:
            route = router.get(LOGS).mock(side_effect=answer)
            async with AsyncClient("sk_test_1") as client:
                with pytest.raises(APIResponseValidationError, match="list does not end"):
                    await client.migrations.logs("mig_1", limit=3).to_list()
        assert route.call_count == 3

    async def test_pages_that_were_pushed_back_by_new_items_are_no_end(self, shelf: Shelf) -> None:
        found: list[str] = []
        async with AsyncClient("sk_test_1") as client:
            async for item in client.connections.list(limit=3):
                found.append(item.id)
                if item.id == "conn_5":
                    shelf.numbers[:0] = range(100, 106)
        assert found == ids(list(range(7)))
        assert [asked.get("offset") for asked in shelf.asked] == [None, "3", "6", "9", "12"]

    async def test_going_on_by_hand_ends_too(self) -> None:
        with respx.mock() as router:
            route = router.get(URL).mock(httpx.Response(200, json=says_more([0, 1, 2], offset=0)))
            async with AsyncClient("sk_test_1") as client:
                second = await (await client.connections.list(limit=3)).next_page()
                assert second.has_more
                with pytest.raises(APIResponseValidationError, match="list does not end"):
                    await second.next_page()
        assert route.call_count == 2


@pytest.mark.anyio
class TestOnePage:
    async def test_it_tells_where_it_stands(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            first = await client.connections.list(limit=5)
            assert [item.id for item in first.data] == ids([0, 1, 2, 3, 4])
            assert (first.pagination.total, first.has_more) == (7, True)
            assert len(shelf.asked) == 1
            second = await first.next_page()
            assert [item.id for item in second.data] == ids([5, 6])
            assert (second.has_more, second.pagination.offset) == (False, 5)
            beyond = await second.next_page()
            assert (beyond.data, beyond.has_more, beyond.pagination.total) == ([], False, 7)
            assert len(shelf.asked) == 2

    async def test_pages_one_by_one(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            sizes = [len(one.data) async for one in (await client.connections.list(limit=3)).iter_pages()]
        assert sizes == [3, 3, 1]

    @pytest.mark.parametrize(("most", "requests"), [(0, 1), (1, 1), (3, 1), (4, 2), (None, 3), (100, 3)])
    async def test_a_list_of_so_many_asks_for_no_page_too_many(
        self, shelf: Shelf, most: int | None, requests: int
    ) -> None:
        async with AsyncClient("sk_test_1") as client:
            found = await (await client.connections.list(limit=3)).to_list(max_items=most)
        assert [item.id for item in found] == ids(list(range(7)))[:most]
        assert len(shelf.asked) == requests

    @pytest.mark.parametrize("number", ["5", 1.5, float("nan"), True])
    async def test_so_many_is_a_whole_number(self, shelf: Shelf, number: Any) -> None:
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(InvalidArgumentError, match="max_items must be a whole number"):
                await client.connections.list().to_list(max_items=number)

    async def test_prefetch_asks_for_the_next_page_before_it_is_needed(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            found = [item.id async for item in client.connections.list(limit=3, prefetch=1)]
            with pytest.raises(InvalidArgumentError, match="prefetch"):
                await client.connections.list(prefetch=2)
        assert found == ids(list(range(7)))

    async def test_an_error_of_a_prefetched_page_is_raised_where_it_is_needed(self) -> None:
        with respx.mock() as router:
            first = httpx.Response(200, json=page([0, 1, 2], 7, limit=3))
            router.get(URL).mock(side_effect=[first, httpx.Response(404)])
            async with AsyncClient("sk_test_1") as client:
                items = aiter(client.connections.list(limit=3, prefetch=1))
                assert [(await anext(items)).id for _ in range(3)] == ids([0, 1, 2])
                with pytest.raises(SenseiError):
                    await anext(items)

    @pytest.mark.parametrize("prefetch", [0, 1])
    async def test_a_loop_that_is_left_leaves_nothing_behind(self, shelf: Shelf, prefetch: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            async with AsyncClient("sk_test_1") as client:
                async for item in client.connections.list(limit=3, prefetch=prefetch):
                    if item.id == "conn_4":
                        break
                async for one in (await client.connections.list(limit=3, prefetch=prefetch)).iter_pages():
                    if one.data[0].id == "conn_3":
                        break
                # async only: begin
                async for one in client.connections.list(limit=3, prefetch=prefetch).iter_pages():
                    if one.data[0].id == "conn_3":
                        break
                # async only: end
                gc.collect()

    async def test_an_iteration_can_be_closed(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            items = aiter(await client.connections.list(limit=3, prefetch=1))
            pages = (await client.connections.list(limit=3)).iter_pages()
            assert (await anext(items)).id == "conn_0"
            assert len((await anext(pages)).data) == 3
            await items.aclose()
            await pages.aclose()
            assert [item.id async for item in items] == []
            assert [one async for one in pages] == []

    async def test_an_iteration_ends_with_the_error_thrown_into_it(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            items = aiter(await client.connections.list(limit=3))
            pages = (await client.connections.list(limit=3)).iter_pages()
            for one in (items, pages):
                await anext(one)
                with pytest.raises(KeyError, match="enough"):
                    await one.athrow(KeyError("enough"))  # sync: one.throw(KeyError("enough"))
                assert [left async for left in one] == []

    async def test_a_function_that_is_exhausted_is_no_end_of_the_list(self, shelf: Shelf) -> None:
        keys = iter(["sk_test_1"])

        def next_key() -> str:
            for key in keys:
                return key
            raise StopAsyncIteration

        async with AsyncClient(next_key) as client:
            items = aiter(await client.connections.list(limit=3))
            with pytest.raises(RuntimeError, match="nothing more to give"):
                assert [item.id async for item in items] == []

    async def test_an_iteration_is_over_after_an_error(self) -> None:
        with respx.mock() as router:
            first = httpx.Response(200, json=page([0, 1, 2], 7, limit=3))
            router.get(URL).mock(side_effect=[first, httpx.Response(404)])
            async with AsyncClient("sk_test_1") as client:
                items = aiter(await client.connections.list(limit=3))
                with pytest.raises(SenseiError):
                    assert [item.id async for item in items] == []
                assert [item.id async for item in items] == []

    # async only: begin
    async def test_tasks_that_share_an_iteration_are_told(self) -> None:
        arrived, release, shelf = anyio.Event(), anyio.Event(), Shelf(list(range(7)))

        async def slowly(request: httpx.Request) -> httpx.Response:
            arrived.set()
            await release.wait()
            return shelf(request)

        with respx.mock() as router:
            router.get(URL).mock(side_effect=slowly)
            async with AsyncClient("sk_test_1") as client, anyio.create_task_group() as group:
                items = aiter(client.connections.list(limit=3))

                async def first() -> None:
                    assert (await anext(items)).id == "conn_0"

                group.start_soon(first)
                await arrived.wait()
                with pytest.raises(RuntimeError, match="one of its own"):
                    await anext(items)
                release.set()

    # async only: end


@pytest.mark.anyio
class TestTokens:
    async def test_a_token_goes_on_in_another_process(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            token = (await client.connections.list(limit=3, status="failed")).token
        assert token is not None
        async with AsyncClient("sk_test_2") as client:
            rest = [item.id async for item in client.connections.list(status="failed", token=token)]
        assert rest == ids([3, 4, 5, 6])

    @pytest.mark.parametrize(
        "forged",
        [{"o": -1}, {"o": 1.5}, {"o": True}, {"o": "1"}, {"o": 10**400}, {"l": 0}, {"l": 101}, {"l": -1}, {"l": "9"}],
        ids=str,
    )
    async def test_a_forged_one_is_refused(self, shelf: Shelf, forged: dict[str, object]) -> None:
        async with AsyncClient("sk_test_1") as client:
            token = (await client.connections.list(limit=2)).token or ""
            place = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            made = urlsafe_b64encode(json.dumps({**place, **forged}).encode()).decode()
            with pytest.raises(InvalidArgumentError):
                await client.connections.list(token=made)

    @pytest.mark.parametrize("token", ["", "!", "ü", urlsafe_b64encode(b"[" * 100_000).decode(), b"e30", 5], ids=type)
    async def test_what_is_none_is_refused(self, shelf: Shelf, token: Any) -> None:
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(InvalidArgumentError, match="token is not one"):
                await client.connections.list(token=token)

    async def test_it_goes_with_no_offset(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            token = (await client.connections.list(limit=2)).token
            with pytest.raises(InvalidArgumentError, match="token or offset"):
                await client.connections.list(token=token, offset=0)

    async def test_one_of_another_list_is_refused(self, shelf: Shelf) -> None:
        async with AsyncClient("sk_test_1") as client:
            token = (await client.connections.list(limit=3, status="failed")).token
            for bad in (token, "", "nonsense", "e30", "\u2603", "eyJvIjotMX0"):
                with pytest.raises(InvalidArgumentError, match="token"):
                    await client.connections.list(status="connected", token=bad)
        assert len(shelf.asked) == 1


@pytest.mark.anyio
class TestLiveObjects:
    async def test_a_copy_has_no_client_until_it_is_attached(self, shelf: Shelf) -> None:
        import copy
        import pickle

        async with AsyncClient("sk_test_1") as client:
            original = (await client.connections.list(limit=1)).data[0]
            for twin in (pickle.loads(pickle.dumps(original)), copy.copy(original), copy.deepcopy(original)):
                assert twin == original
                assert twin.last_response is None
                with pytest.raises(ConfigurationError, match=r"client\.attach"):
                    await twin.refresh()
                assert (await client.attach(twin).refresh()) is twin
                assert twin.name == "New"
                assert original.name == "Shop"
            with pytest.raises(ConfigurationError, match="nothing to attach"):
                client.attach("a text")
