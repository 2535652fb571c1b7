"""Waiting: how it ends when the server is slow, gone for a while, or was never there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic

import httpx
import pytest
import respx

from sensei import _retry
from sensei._async import polling
from sensei._async.client import AsyncClient
from sensei._async.resources.connection import AsyncConnection
from sensei._concurrency import async_sleep
from sensei._retry import RetryPolicy
from sensei.errors import (
    APIConnectionError,
    InvalidArgumentError,
    NotFoundError,
    PlanNotReadyError,
    RateLimitError,
    ServerError,
    ValidationFailedError,
    WaitTimeoutError,
)
from tests.client.faulty import Answer, FaultyServer, Heard, refusal, reply
from tests.client.samples import CONNECTION, MIGRATION, VALIDATION

BASE = "https://api.sensei.ai/v1"
TESTING = CONNECTION | {"status": "testing"}


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.mark.anyio
class TestWaiting:
    async def test_a_wait_asks_until_the_state_is_there(self, wire: respx.MockRouter) -> None:
        states = ["testing", "testing", "connected"]
        wire.get(f"{BASE}/connections/conn_1").mock(
            side_effect=[httpx.Response(200, json=CONNECTION | {"status": state}) for state in states]
        )
        seen: list[str] = []
        async with AsyncClient("sk_test_1") as client:
            found = await client.connections.wait(
                "conn_1", interval=0, on_progress=lambda connection: seen.append(connection.status)
            )
        assert (found.status, seen) == ("connected", states)

    async def test_one_that_takes_too_long_is_a_timeout_that_says_where_it_was(self, wire: respx.MockRouter) -> None:
        wire.get(f"{BASE}/connections/conn_1").mock(httpx.Response(200, json=TESTING))
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(WaitTimeoutError, match="still testing") as caught:
                await client.connections.wait("conn_1", timeout=0)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.last_status == "testing"

    @pytest.mark.parametrize(
        "bad",
        [{"timeout": -1}, {"timeout": float("nan")}, {"timeout": 10**400}, {"interval": -0.1}, {"interval": 10**400}],
    )
    async def test_what_is_no_time_is_refused_before_anything_is_asked(
        self, bad: dict[str, float], wire: respx.MockRouter
    ) -> None:
        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(InvalidArgumentError, match="seconds"):
                await client.connections.wait("conn_1", **bad)
        assert not wire.calls

    @pytest.mark.parametrize("longest", [float("inf"), 1e300])
    async def test_the_longest_time_is_as_good_as_none(self, longest: float, wire: respx.MockRouter) -> None:
        wire.get(f"{BASE}/connections/conn_1").mock(
            side_effect=[httpx.Response(200, json=TESTING), httpx.Response(200, json=CONNECTION)]
        )
        async with AsyncClient("sk_test_1") as client:
            assert (await client.connections.wait("conn_1", timeout=longest)).status == "connected"

    async def test_an_interval_beyond_all_time_can_be_slept_by_every_platform(
        self, wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        monkeypatch.setattr(polling, async_sleep.__name__, sleep)
        wire.get(f"{BASE}/connections/conn_1").mock(
            side_effect=[httpx.Response(200, json=TESTING), httpx.Response(200, json=CONNECTION)]
        )
        async with AsyncClient("sk_test_1") as client:
            await client.connections.wait("conn_1", timeout=None, interval=float("inf"))
        assert slept == [2_000_000.0]

    async def test_a_server_that_hangs_cannot_stretch_the_wait(self) -> None:
        never = threading.Event()
        with FaultyServer(lambda heard: reply(TESTING) if heard.number == 0 else Answer(b"", hold=never)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, timeout=None) as client:
                started = monotonic()
                with pytest.raises(WaitTimeoutError, match="was testing when it was last seen") as caught:
                    await client.connections.wait("conn_1", timeout=0.6)
                assert monotonic() - started < 8
        assert (caught.value.last_status, type(caught.value.__cause__).__name__) == ("testing", "APITimeoutError")

    async def test_one_that_never_answers_ends_the_wait_in_time_too(self) -> None:
        never = threading.Event()
        with FaultyServer(lambda heard: Answer(b"", hold=never)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, timeout=None) as client:
                with pytest.raises(WaitTimeoutError, match="connection conn_1 was not seen") as caught:
                    await client.connections.wait("conn_1", timeout=0.2)
        assert caught.value.last_status is None

    async def test_the_client_s_own_deadline_stays_that_of_each_question(self) -> None:
        never = threading.Event()

        def answer(heard: Heard) -> Answer:
            return Answer(b"", hold=never) if heard.number == 1 else reply(TESTING if heard.number == 0 else CONNECTION)

        with FaultyServer(answer) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, deadline=0.3) as client:
                found = await client.connections.wait("conn_1", timeout=60, interval=0)
        assert found.status == "connected"


@pytest.mark.anyio
class TestLiveObjects:
    async def test_what_ended_badly_is_seen_in_the_object_too(self, wire: respx.MockRouter) -> None:
        failed = VALIDATION | {"status": "failed", "error": {"code": "internal_error", "message": "The disk is full."}}
        answers = [VALIDATION | {"status": "running"}, failed]
        wire.get(f"{BASE}/validations/val_1").mock(side_effect=[httpx.Response(200, json=one) for one in answers])
        async with AsyncClient("sk_test_1") as client:
            validation = await client.validations.get("val_1")
            with pytest.raises(ValidationFailedError, match="disk is full"):
                await validation.wait(interval=0, raise_on_failure=True)
        assert (validation.status, str(validation.error)) == ("failed", "The disk is full.")

    async def test_what_a_progress_function_keeps_stays_as_it_was(self, wire: respx.MockRouter) -> None:
        wire.get(f"{BASE}/connections/conn_1").mock(httpx.Response(200, json=CONNECTION))
        kept: list[AsyncConnection] = []
        async with AsyncClient("sk_test_1") as client:
            connection = await client.connections.get("conn_1")
            await connection.wait(interval=0, on_progress=kept.append)
            connection.name = "renamed here"
        assert [one.name for one in kept] == ["Shop"]

    async def test_the_fetch_of_the_plan_is_in_the_time_of_the_wait(self) -> None:
        never = threading.Event()
        planned = MIGRATION | {"plan": {"status": "ready"}}
        with FaultyServer(
            lambda heard: Answer(b"", hold=never) if heard.path.endswith("/plan") else reply(planned)
        ) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, timeout=None) as client:
                with pytest.raises(WaitTimeoutError, match="the plan of migration mig_1 was not seen"):
                    await client.migrations.wait_for_plan("mig_1", timeout=0.2)

    async def test_a_start_that_shall_not_wait_asks_for_no_plan(self, wire: respx.MockRouter) -> None:
        asked = wire.get(f"{BASE}/migrations/mig_1").mock(httpx.Response(200, json=MIGRATION))
        error = {"error": {"code": "plan_not_ready", "message": "There is no plan yet.", "request_id": "req_1"}}
        wire.post(f"{BASE}/migrations/mig_1/start").mock(httpx.Response(409, json=error))
        async with AsyncClient("sk_test_1") as client:
            migration = await client.migrations.get("mig_1")
            with pytest.raises(PlanNotReadyError):
                await migration.start(plan_timeout=0)
        assert asked.call_count == 1


@pytest.mark.anyio
class TestProgress:
    # async only: begin
    async def test_an_asynchronous_function_is_awaited(self, wire: respx.MockRouter) -> None:
        wire.get(f"{BASE}/connections/conn_1").mock(httpx.Response(200, json=CONNECTION))
        seen: list[str] = []

        async def on_progress(connection: AsyncConnection) -> None:
            seen.append(connection.status)

        async with AsyncClient("sk_test_1") as client:
            await client.connections.wait("conn_1", on_progress=on_progress)
        assert seen == ["connected"]

    # async only: end
    async def test_what_it_raises_ends_the_wait(self, wire: respx.MockRouter) -> None:
        wire.get(f"{BASE}/connections/conn_1").mock(httpx.Response(200, json=TESTING))

        def on_progress(connection: AsyncConnection) -> None:
            raise KeyError(connection.status)

        async with AsyncClient("sk_test_1") as client:
            with pytest.raises(KeyError, match="testing"):
                await client.connections.wait("conn_1", on_progress=on_progress)


@pytest.mark.anyio
class TestOutages:
    @pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (503, "service_unavailable")])
    async def test_a_wait_never_asks_earlier_than_the_server_said(self, status: int, code: str) -> None:
        """It is given up at once when that is after its end."""
        later = refusal(status, code, {"Retry-After": "3600"})
        with FaultyServer(lambda heard: later if heard.number else reply(TESTING)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                with pytest.raises(WaitTimeoutError, match=f"It was {code}") as caught:
                    await client.connections.wait("conn_1", timeout=600, interval=0)
            assert len(server.heard) == 2
        assert caught.value.last_status == "testing"

    async def test_an_outage_announced_for_longer_than_a_wait_bears_ends_one_without_a_time(self) -> None:
        later = refusal(429, "rate_limited", {"Retry-After": "86400"})
        with FaultyServer(lambda heard: later if heard.number else reply(TESTING)) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                with pytest.raises(RateLimitError):
                    await client.connections.wait("conn_1", timeout=None, interval=0)

    @pytest.mark.parametrize(
        "broken",
        [None, refusal(503, "service_unavailable"), refusal(429, "rate_limited", {"Retry-After": "0"})],
        ids=["cut", "503", "429"],
    )
    async def test_an_outage_does_not_end_a_wait(self, broken: Answer | None) -> None:
        def answer(heard: Heard) -> Answer | None:
            return broken if 1 <= heard.number <= 3 else reply(TESTING if heard.number == 0 else CONNECTION)

        with FaultyServer(answer) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                found = await client.connections.wait("conn_1", timeout=None, interval=0)
            assert (found.status, len(server.heard)) == ("connected", 5)

    @pytest.mark.parametrize(
        ("broken", "error"),
        [
            (None, APIConnectionError),
            (refusal(503, "service_unavailable"), ServerError),
            (refusal(429, "rate_limited", {"Retry-After": "0"}), RateLimitError),
        ],
        ids=["cut", "503", "429"],
    )
    async def test_a_server_that_was_never_there_fails_at_once(
        self, broken: Answer | None, error: type[Exception]
    ) -> None:
        with FaultyServer(lambda heard: broken) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                with pytest.raises(error):
                    await client.connections.wait("conn_1", timeout=3600)
            assert len(server.heard) == 1

    async def test_one_that_does_not_come_back_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sensei._async.polling.LONGEST_OUTAGE", 0.0)
        assert _retry.LONGEST_OUTAGE == 300
        with FaultyServer(lambda heard: reply(TESTING) if heard.number == 0 else None) as server:
            async with AsyncClient("sk_test_1", base_url=server.url, max_retries=0) as client:
                with pytest.raises(APIConnectionError):
                    await client.connections.wait("conn_1", timeout=3600, interval=0)

    async def test_what_is_no_outage_ends_the_wait(self) -> None:
        with FaultyServer(lambda heard: reply(TESTING) if heard.number == 0 else refusal(404, "not_found")) as server:
            retry = RetryPolicy(max_retries=0)
            async with AsyncClient("sk_test_1", base_url=server.url, retry=retry) as client:
                with pytest.raises(NotFoundError):
                    await client.connections.wait("conn_1", timeout=3600, interval=0)
