"""Bulk calls of any length: nothing is lost, nothing is sent for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from sensei._async.client import AsyncClient
from sensei.errors import InvalidArgumentError, NotFoundError
from tests.client.wire import KEY, Seen, Wire, contract_wire, operations


@pytest.fixture
def wire() -> Iterator[Wire]:
    yield from contract_wire()


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(KEY, max_retries=0) as client:
        yield client


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    done = sum(result["success"] for result in results)
    return {"total": len(results), "succeeded": done, "failed": len(results) - done}


def each(seen: Seen, member: str, name: str) -> httpx.Response:
    """One result for each item of the request; every hundredth is refused."""
    results: list[dict[str, Any]] = []
    for index, item in enumerate(seen.body[member]):
        one = item["id"] if isinstance(item, dict) and "id" in item else item
        good = index % 100 != 99
        known = {"index": index} if isinstance(one, dict) else {"id": one}
        results.append({**known, "success": good} | ({} if good else {"error": {"code": name, "message": "No."}}))
    return httpx.Response(200, json={"summary": summary(results), "results": results})


@pytest.mark.anyio
class TestMappings:
    async def test_more_than_a_thousand_travel_in_order(self, client: AsyncClient, wire: Wire) -> None:
        wire.compute("mappings.bulk_update", lambda seen: each(seen, "updates", "mapping_not_found"))
        ids = [f"map_{number}" for number in range(2345)]
        result = await client.mappings.bulk_update("mig_1", updates=({"id": one, "status": "approved"} for one in ids))
        assert [len(one.body["updates"]) for one in wire.seen] == [1000, 1000, 345]
        assert [one.id for one in result.results] == ids
        assert (result.summary.total, result.summary.succeeded, result.summary.failed) == (2345, 2322, 23)
        assert len(result.failed) == 23
        assert result.failed[0].error is not None
        assert result.last_response is not None

    async def test_nothing_is_sent_for_nothing(self, client: AsyncClient, wire: Wire) -> None:
        result = await client.mappings.bulk_update("mig_1", updates=[])
        assert (result.summary.total, result.results, wire.seen) == (0, [], [])

    async def test_all_are_checked_before_the_first_is_sent(self, client: AsyncClient, wire: Wire) -> None:
        good: list[Any] = [{"id": f"map_{number}", "status": "approved"} for number in range(1500)]
        with pytest.raises(InvalidArgumentError, match=r"updates\.1500: nothing to change"):
            await client.mappings.bulk_update("mig_1", updates=[*good, {"id": "map_x"}])
        with pytest.raises(InvalidArgumentError, match=r"updates\.1500: give status or approved, not both"):
            await client.mappings.bulk_update(
                "mig_1", updates=[*good, {"id": "x", "status": "approved", "approved": True}]
            )
        assert wire.seen == []

    async def test_what_was_done_before_an_error_is_said(self, client: AsyncClient, wire: Wire) -> None:
        wire.compute("mappings.bulk_update", lambda seen: each(seen, "updates", "mapping_not_found"))
        wire.refuse("mappings.bulk_update", 404, "migration_not_found")
        updates: list[Any] = [{"id": f"map_{number}", "approved": True} for number in range(1001)]
        with pytest.raises(NotFoundError) as caught:
            await client.mappings.bulk_update("mig_1", updates=updates)
        assert "first 1000 items were answered" in caught.value.__notes__[0]

    async def test_approving_all_that_are_sure(self, client: AsyncClient, wire: Wire) -> None:
        shown = operations()["mappings.list"].answers()["review"][1]
        mapping = {**shown["data"][0], "confidence": 0.9}
        first = {"data": [{**mapping, "id": f"map_{number}"} for number in range(2)],
                 "pagination": {"total": 3, "limit": 100, "offset": 0, "has_more": True}}  # fmt: skip
        last = {"data": [{**mapping, "id": "map_2"}],
                "pagination": {"total": 3, "limit": 100, "offset": 2, "has_more": False}}  # fmt: skip
        wire.answer("mappings.list", first, last)
        wire.compute("mappings.bulk_update", lambda seen: each(seen, "updates", "mapping_not_found"))
        result = await client.mappings.approve_all("mig_1", above=0.9, comment="sure")
        assert wire.named("mappings.list")[0].query == {
            "status": "pending_review", "min_confidence": "0.9", "limit": "100",
        }  # fmt: skip
        assert wire.last.body == {
            "updates": [{"id": f"map_{number}", "status": "approved", "comment": "sure"} for number in range(3)]
        }
        assert result.summary.succeeded == 3

    async def test_a_server_that_passes_over_the_filter_has_nothing_approved_by_it(
        self, client: AsyncClient, wire: Wire
    ) -> None:
        shown = operations()["mappings.list"].answers()["review"][1]["data"][0]
        found = [{**shown, "id": f"map_{at}", "confidence": at / 10} for at in range(11)]
        pagination = {"total": 11, "limit": 100, "offset": 0, "has_more": False}
        wire.answer("mappings.list", {"data": found, "pagination": pagination})
        wire.compute("mappings.bulk_update", lambda seen: each(seen, "updates", "mapping_not_found"))
        await client.mappings.approve_all("mig_1", above=0.8)
        assert [one["id"] for one in wire.last.body["updates"]] == ["map_8", "map_9", "map_10"]

    async def test_approving_when_none_is_in_review(self, client: AsyncClient, wire: Wire) -> None:
        wire.answer(
            "mappings.list", {"data": [], "pagination": {"total": 0, "limit": 100, "offset": 0, "has_more": False}}
        )
        result = await client.mappings.approve_all("mig_1")
        assert wire.last.query["min_confidence"] == "0.95"
        assert result.summary.total == 0
        assert not wire.named("mappings.bulk_update")


@pytest.mark.anyio
class TestErrors:
    async def test_each_request_has_a_key_that_a_second_try_repeats(self, client: AsyncClient, wire: Wire) -> None:
        wire.compute("errors.bulk_resolve", lambda seen: each(seen, "error_ids", "error_not_found"))
        ids = [f"err_{number}" for number in range(1200)]
        for _ in range(2):
            result = await client.errors.bulk_resolve("mig_1", error_ids=ids, resolution="skip", idempotency_key="mine")
            assert [one.id for one in result.results] == ids
        assert [one.headers["x-idempotency-key"] for one in wire.seen] == ["mine", "mine.1"] * 2

    async def test_long_keys_with_the_same_beginning_stay_apart(self, client: AsyncClient, wire: Wire) -> None:
        wire.compute("errors.bulk_resolve", lambda seen: each(seen, "error_ids", "error_not_found"))
        ids = [f"err_{number}" for number in range(1200)]
        for end in "ab":
            key = "k" * 254 + end
            await client.errors.bulk_resolve("mig_1", error_ids=ids, resolution="skip", idempotency_key=key)
        assert len({one.headers["x-idempotency-key"] for one in wire.seen}) == 4

    async def test_a_value_of_null_is_sent_as_such(self, client: AsyncClient, wire: Wire) -> None:
        await client.errors.bulk_resolve("mig_1", error_ids=["err_1"], resolution="default", default_value=None)
        assert wire.last.body == {"error_ids": ["err_1"], "resolution": "default", "default_value": None}

    async def test_one_id_alone_is_no_list_of_letters(self, client: AsyncClient, wire: Wire) -> None:
        await client.errors.bulk_resolve("mig_1", error_ids="err_1", resolution="skip")
        assert wire.last.body["error_ids"] == ["err_1"]

    async def test_nothing_is_sent_for_nothing(self, client: AsyncClient, wire: Wire) -> None:
        result = await client.errors.bulk_resolve("mig_1", error_ids=[], resolution="skip")
        assert (result.summary.total, wire.seen) == (0, [])


@pytest.mark.anyio
class TestWebhooks:
    async def test_places_are_those_of_the_whole_list(self, client: AsyncClient, wire: Wire) -> None:
        wire.compute("webhooks.bulk_create", lambda seen: each(seen, "webhooks", "quota_exceeded"))
        wanted: list[Any] = [{"url": f"https://example.com/{number}", "events": ["*"]} for number in range(250)]
        result = await client.webhooks.bulk_create(webhooks=wanted)
        assert [len(one.body["webhooks"]) for one in wire.seen] == [100, 100, 50]
        assert [one.index for one in result.results] == list(range(250))
        assert [one.index for one in result.failed] == [99, 199]
        assert len({one.headers["x-idempotency-key"] for one in wire.seen}) == 3
