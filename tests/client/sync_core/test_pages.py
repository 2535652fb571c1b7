# Generated from tests/client/async_core/test_pages.py by scripts/generate_sync.py: change that file and run the script.
"""Lists: every item once, over all pages, and a warning where some may be missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from sensei import ListDriftWarning
from sensei._sync.client import Client
from sensei.errors import ConfigurationError, InvalidArgumentError, SenseiError
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


class TestIterating:
    def test_every_item_of_every_page_in_order(self, shelf: Shelf) -> None:
        with Client("sk_test_1") as client:
            found = [item.id for item in client.connections.list(limit=3)]
        assert found == ids(list(range(7)))
        assert [asked.get("offset") for asked in shelf.asked] == [None, "3", "6"]
        assert {asked["limit"] for asked in shelf.asked} == {"3"}

    def test_filters_go_along_with_every_page(self, shelf: Shelf) -> None:
        with Client("sk_test_1") as client:
            for _ in client.connections.list(limit=4, status="failed"):
                pass
        assert [asked["status"] for asked in shelf.asked] == ["failed", "failed"]

    def test_items_are_live_and_know_their_answer(self, shelf: Shelf) -> None:
        with Client("sk_test_1") as client:
            for item in client.connections.list():
                assert item._client is client
                assert item.last_response is not None
                assert item.last_response.status_code == 200

    @pytest.mark.parametrize("prefetch", [0, 1])
    def test_what_was_inserted_meanwhile_repeats_nothing(self, shelf: Shelf, prefetch: int) -> None:
        shelf.change = lambda numbers: numbers.insert(0, 99)
        with Client("sk_test_1") as client:
            found = [item.id for item in client.connections.list(limit=3, prefetch=prefetch)]
        assert found == ids(list(range(7)))

    def test_what_was_removed_meanwhile_is_warned_of(self, shelf: Shelf) -> None:
        shelf.change = lambda numbers: numbers.pop(0)
        with Client("sk_test_1") as client:
            with pytest.warns(ListDriftWarning, match="shrank from 7 to 6"):
                found = [item.id for item in client.connections.list(limit=3)]
        assert found == ids([0, 1, 2, 4, 5, 6])

    def test_a_page_that_claims_more_and_is_empty_is_the_last(self) -> None:
        answer = page([], 100)
        with respx.mock() as router:
            route = router.get(URL).mock(httpx.Response(200, json=answer))
            with Client("sk_test_1") as client:
                assert client.connections.list().to_list() == []
        assert route.call_count == 1

    def test_a_list_without_pagination_is_complete(self) -> None:
        with respx.mock() as router:
            router.get(URL).mock(httpx.Response(200, json={"data": [connection(1), connection(2)]}))
            with Client("sk_test_1") as client:
                first = client.connections.list()
                assert [item.id for item in first] == ids([1, 2])
                assert (first.has_more, first.pagination.total, first.token) == (False, 2, None)


class TestOnePage:
    def test_it_tells_where_it_stands(self, shelf: Shelf) -> None:
        with Client("sk_test_1") as client:
            first = client.connections.list(limit=5)
            assert [item.id for item in first.data] == ids([0, 1, 2, 3, 4])
            assert (first.pagination.total, first.has_more) == (7, True)
            assert len(shelf.asked) == 1
            second = first.next_page()
            assert [item.id for item in second.data] == ids([5, 6])
            assert (second.has_more, second.pagination.offset) == (False, 5)
            beyond = second.next_page()
            assert (beyond.data, beyond.has_more, beyond.pagination.total) == ([], False, 7)
            assert len(shelf.asked) == 2

    def test_pages_one_by_one(self, shelf: Shelf) -> None:
        with Client("sk_test_1") as client:
            sizes = [len(one.data) for one in (client.connections.list(limit=3)).iter_pages()]
        assert sizes == [3, 3, 1]

    @pytest.mark.parametrize(("most", "requests"), [(0, 1), (1, 1), (3, 1), (4, 2), (None, 3), (100, 3)])
    def test_a_list_of_so_many_asks_for_no_page_too_many(self, shelf: Shelf, most: int | None, requests: int) -> None:
        with Client("sk_test_1") as client:
            found = (client.connections.list(limit=3)).to_list(max_items=most)
        assert [item.id for item in found] == ids(list(range(7)))[:most]
        assert len(shelf.asked) == requests

    def test_prefetch_asks_for_the_next_page_before_it_is_needed(self, shelf: Shelf) -> None:
        with Client("sk_test_1") as client:
            found = [item.id for item in client.connections.list(limit=3, prefetch=1)]
            with pytest.raises(InvalidArgumentError, match="prefetch"):
                client.connections.list(prefetch=2)
        assert found == ids(list(range(7)))

    def test_an_error_of_a_prefetched_page_is_raised_where_it_is_needed(self) -> None:
        with respx.mock() as router:
            first = httpx.Response(200, json=page([0, 1, 2], 7, limit=3))
            router.get(URL).mock(side_effect=[first, httpx.Response(404)])
            with Client("sk_test_1") as client:
                items = iter(client.connections.list(limit=3, prefetch=1))
                assert [(next(items)).id for _ in range(3)] == ids([0, 1, 2])
                with pytest.raises(SenseiError):
                    next(items)


class TestTokens:
    def test_a_token_goes_on_in_another_process(self, shelf: Shelf) -> None:
        with Client("sk_test_1") as client:
            token = (client.connections.list(limit=3, status="failed")).token
        assert token is not None
        with Client("sk_test_2") as client:
            rest = [item.id for item in client.connections.list(status="failed", token=token)]
        assert rest == ids([3, 4, 5, 6])

    def test_one_of_another_list_is_refused(self, shelf: Shelf) -> None:
        with Client("sk_test_1") as client:
            token = (client.connections.list(limit=3, status="failed")).token
            for bad in (token, "", "nonsense", "e30", "\u2603", "eyJvIjotMX0"):
                with pytest.raises(InvalidArgumentError, match="token"):
                    client.connections.list(status="connected", token=bad)
        assert len(shelf.asked) == 1


class TestLiveObjects:
    def test_a_copy_has_no_client_until_it_is_attached(self, shelf: Shelf) -> None:
        import copy
        import pickle

        with Client("sk_test_1") as client:
            original = (client.connections.list(limit=1)).data[0]
            for twin in (pickle.loads(pickle.dumps(original)), copy.copy(original), copy.deepcopy(original)):
                assert twin == original
                assert twin.last_response is None
                with pytest.raises(ConfigurationError, match=r"client\.attach"):
                    twin.refresh()
                assert (client.attach(twin).refresh()) is twin
                assert twin.name == "New"
                assert original.name == "Shop"
            with pytest.raises(ConfigurationError, match="nothing to attach"):
                client.attach("a text")
