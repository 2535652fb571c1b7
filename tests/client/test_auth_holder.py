"""One token for all who ask: tasks, threads, cancellation, event loops, forks, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import anyio
import pytest

from sensei._async.auth import AsyncKeyProvider, AsyncStaticKey, AsyncTokenHolder
from sensei._locks import Lock
from sensei._oauth import TokenCall
from sensei._sync.auth import KeyProvider, StaticKey, TokenHolder
from sensei.auth import OAuth2ClientCredentials, OAuth2Token, ServiceAccount
from sensei.errors import APIConnectionError, APITimeoutError, AuthenticationError, BadRequestError, ConfigurationError
from sensei.models.oauth import OAuthTokenResponse

PROGRAM = OAuth2ClientCredentials("c", "s")


def answer(number: int, **members: Any) -> OAuthTokenResponse:
    return OAuthTokenResponse(**{"access_token": f"at_{number}", "token_type": "Bearer", "expires_in": 3600, **members})


def user_token(**members: Any) -> OAuth2Token:
    return OAuth2Token("at_0", "rt_0", client_id="c", **members)


def rotating(number: int) -> OAuthTokenResponse:
    return answer(number, refresh_token=f"rt_{number}")


class Server:
    """An OAuth server in memory. `gate` holds calls back until it is opened; `plan` says how they end."""

    def __init__(self, *plan: BaseException | OAuthTokenResponse, make: Callable[[int], Any] = answer) -> None:
        self.plan = list(plan)
        self.make = make
        self.calls: list[TokenCall] = []

    def reply(self, call: TokenCall, deadline: float | None = None) -> OAuthTokenResponse:
        self.calls.append(call)
        outcome = self.plan.pop(0) if self.plan else self.make(len(self.calls))
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def fetch(self, call: TokenCall, deadline: float | None = None) -> OAuthTokenResponse:
        await anyio.lowlevel.checkpoint()
        return self.reply(call)


class GatedServer(Server):
    """Holds every call until `gate` is set."""

    def __init__(self, *plan: BaseException | OAuthTokenResponse, make: Callable[[int], Any] = answer) -> None:
        super().__init__(*plan, make=make)
        self.gate = anyio.Event()
        self.arrived = anyio.Event()

    async def fetch(self, call: TokenCall, deadline: float | None = None) -> OAuthTokenResponse:
        self.arrived.set()
        await self.gate.wait()
        return self.reply(call)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("sensei._async.auth.monotonic", lambda: now[0])
    monkeypatch.setattr("sensei._sync.auth.monotonic", lambda: now[0])
    monkeypatch.setattr("sensei._locks.monotonic", lambda: now[0])
    return now


async def settle() -> None:
    """Let every other task run until it waits for something."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
class TestTasks:
    async def test_a_token_is_fetched_once_and_used_until_shortly_before_its_end(self, clock: list[float]) -> None:
        server = Server()
        holder = AsyncTokenHolder(PROGRAM, server.fetch)
        assert holder.ready is None
        assert await holder.authorization() == "Bearer at_1"
        assert holder.ready == "Bearer at_1"
        clock[0] += 3539
        assert await holder.authorization() == "Bearer at_1"
        clock[0] += 1
        assert holder.ready is None
        assert await holder.authorization() == "Bearer at_2"
        assert len(server.calls) == 2

    async def test_however_many_ask_one_fetches(self) -> None:
        server = GatedServer()
        holder = AsyncTokenHolder(PROGRAM, server.fetch)
        headers: list[str] = []

        async def ask() -> None:
            headers.append(await holder.authorization())

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask)
            await server.arrived.wait()
            await settle()
            server.gate.set()
        assert headers == ["Bearer at_1"] * 100
        assert len(server.calls) == 1

    async def test_a_failure_is_the_failure_of_all_who_waited_for_it(self) -> None:
        server = GatedServer(APIConnectionError("down"))
        holder = AsyncTokenHolder(PROGRAM, server.fetch)
        errors: list[APIConnectionError] = []

        async def ask() -> None:
            try:
                await holder.authorization()
            except APIConnectionError as error:
                errors.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(ask)
            await server.arrived.wait()
            await settle()
            server.gate.set()
        assert [str(error) for error in errors] == ["down"] * 20
        assert len({id(error) for error in errors}) == 20
        assert len(server.calls) == 1
        assert await holder.authorization() == "Bearer at_2"

    async def test_when_the_one_who_fetches_is_cancelled_another_goes_on(self) -> None:
        server = GatedServer()
        holder = AsyncTokenHolder(PROGRAM, server.fetch)
        headers: list[str] = []

        async def ask() -> None:
            headers.append(await holder.authorization())

        async with anyio.create_task_group() as others:
            async with anyio.create_task_group() as first:
                first.start_soon(ask)
                await server.arrived.wait()
                others.start_soon(ask)
                others.start_soon(ask)
                await settle()
                first.cancel_scope.cancel()
            server.gate.set()
        assert headers == ["Bearer at_1"] * 2
        assert len(server.calls) == 1

    async def test_a_refresh_that_nobody_waits_for_any_more_is_not_lost(self) -> None:
        saved: list[OAuth2Token] = []
        server = GatedServer(make=rotating)
        holder = AsyncTokenHolder(user_token(on_refresh=saved.append), server.fetch)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(holder.renewed, "Bearer at_0")
            await server.arrived.wait()
            tasks.cancel_scope.cancel()
            server.gate.set()
        await settle()
        assert holder.ready == "Bearer at_1"
        assert [token.refresh_token for token in saved] == ["rt_1"]
        assert await holder.renewed("Bearer at_1") == "Bearer at_2"
        assert [call.form["refresh_token"] for call in server.calls] == ["rt_0", "rt_1"]

    async def test_a_refused_token_is_renewed_once_for_all_who_were_refused(self) -> None:
        server = Server()
        holder = AsyncTokenHolder(PROGRAM, server.fetch)
        refused = await holder.authorization()
        renewed: list[str | None] = []

        async def refuse() -> None:
            renewed.append(await holder.renewed(refused))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(refuse)
        assert renewed == ["Bearer at_2"] * 10
        assert len(server.calls) == 2

    @pytest.mark.parametrize("credentials", [OAuth2Token("at_0"), ServiceAccount(token="sa_token")])
    async def test_what_cannot_be_renewed_says_so(self, credentials: Any) -> None:
        server = Server()
        holder = AsyncTokenHolder(credentials, server.fetch)
        header = await holder.authorization()
        assert holder.ready == header
        assert await holder.renewed(header) is None
        assert server.calls == []

    async def test_an_ended_token_without_a_refresh_token_is_left_to_the_server(self) -> None:
        ended = OAuth2Token("at_0", expires_at=datetime.now(UTC) - timedelta(hours=1))
        assert await AsyncTokenHolder(ended, Server().fetch).authorization() == "Bearer at_0"

    async def test_an_ended_token_is_refreshed_before_the_first_call(self) -> None:
        ended = user_token(expires_at=datetime.now(UTC) - timedelta(hours=1))
        assert await AsyncTokenHolder(ended, Server().fetch).authorization() == "Bearer at_1"

    async def test_while_a_token_works_trouble_at_the_oauth_server_does_no_harm(self, clock: list[float]) -> None:
        server = Server(answer(1), APIConnectionError("down"), APIConnectionError("down"))
        holder = AsyncTokenHolder(PROGRAM, server.fetch)
        await holder.authorization()
        clock[0] += 3550
        assert await holder.authorization() == "Bearer at_1"
        assert await holder.authorization() == "Bearer at_1"
        assert len(server.calls) == 2, "the next try is put off a little"
        clock[0] += 10
        assert await holder.authorization() == "Bearer at_1"
        assert len(server.calls) == 3
        clock[0] += 41
        assert await holder.authorization() == "Bearer at_4"

    async def test_trouble_after_a_401_is_raised(self) -> None:
        holder = AsyncTokenHolder(PROGRAM, Server(answer(1), APIConnectionError("down")).fetch)
        with pytest.raises(APIConnectionError, match="down"):
            await holder.renewed(await holder.authorization())

    @pytest.mark.parametrize(
        ("code", "says"),
        [
            ("invalid_client", "Check client_id and client_secret"),
            ("invalid_grant", "Sign in again"),
            ("unauthorized_client", "which grants"),
            ("invalid_scope", "fewer scopes"),
        ],
    )
    async def test_a_refused_sign_in_says_what_to_do(self, code: str, says: str) -> None:
        refusal = BadRequestError("No.", status_code=400, code=code, request_id="req_1")
        holder = AsyncTokenHolder(PROGRAM, Server(refusal).fetch)
        with pytest.raises(AuthenticationError, match=says) as caught:
            await holder.authorization()
        assert (caught.value.status_code, caught.value.code, caught.value.request_id) == (400, code, "req_1")
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("asynchronous", [False, True])
    async def test_a_refreshed_token_is_handed_over_before_it_is_used(self, asynchronous: bool) -> None:
        saved: list[OAuth2Token] = []

        async def save(token: OAuth2Token) -> None:
            saved.append(token)

        keep: Any = save if asynchronous else saved.append
        holder = AsyncTokenHolder(user_token(on_refresh=keep), Server(make=rotating).fetch)
        assert await holder.renewed("Bearer at_0") == "Bearer at_1"
        (token,) = saved
        assert (token.access_token, token.refresh_token, token.client_id) == ("at_1", "rt_1", "c")
        assert token.expires_at is not None

    async def test_a_token_that_could_not_be_saved_is_handed_over_again(self) -> None:
        attempts: list[str] = []

        def save(token: OAuth2Token) -> None:
            attempts.append(token.access_token)
            if len(attempts) == 1:
                raise OSError("disk full")

        server = Server(make=rotating)
        holder = AsyncTokenHolder(user_token(on_refresh=save), server.fetch)
        with pytest.raises(OSError, match="disk full"):
            await holder.renewed("Bearer at_0")
        assert holder.ready is None
        assert await holder.authorization() == "Bearer at_1"
        assert attempts == ["at_1", "at_1"]
        assert len(server.calls) == 1

    async def test_a_token_no_header_can_hold_is_an_error_without_it(self) -> None:
        holder = AsyncTokenHolder(PROGRAM, Server(answer(1, access_token="bad\r\nX-Evil: 1")).fetch)
        with pytest.raises(ConfigurationError, match="access token") as caught:
            await holder.authorization()
        assert "Evil" not in str(caught.value)

    async def test_who_waits_for_another_waits_no_longer_than_its_own_deadline(self) -> None:
        server = GatedServer()
        holder = AsyncTokenHolder(PROGRAM, server.fetch)
        headers: list[str] = []

        async def ask() -> None:
            headers.append(await holder.authorization())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await server.arrived.wait()
            with pytest.raises(APITimeoutError, match="deadline"):
                await holder.authorization(0.0)
            server.gate.set()
        assert headers == ["Bearer at_1"]

    async def test_a_fetch_that_ran_into_the_deadline_of_its_caller_is_no_failure_of_the_others(
        self, clock: list[float]
    ) -> None:
        server = GatedServer(APITimeoutError("too slow"))
        holder = AsyncTokenHolder(PROGRAM, server.fetch)
        headers: list[str] = []

        async def hurry() -> None:
            with pytest.raises(APITimeoutError, match="too slow"):
                await holder.authorization(clock[0] + 5)

        async def ask() -> None:
            headers.append(await holder.authorization())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hurry)
            await server.arrived.wait()
            tasks.start_soon(ask)
            await settle()
            clock[0] += 6
            server.gate.set()
        assert headers == ["Bearer at_2"]

    async def test_keys_come_from_a_text_or_a_function(self) -> None:
        keys = iter(["sk_1", "sk_1", "sk_1", "sk_2"])

        async def vault() -> str:
            return next(keys)

        static = AsyncStaticKey("sk_test_x")
        assert static.ready == await static.authorization() == "Bearer sk_test_x"
        assert await static.renewed("Bearer sk_test_x") is None
        provider = AsyncKeyProvider(vault)
        assert provider.ready is None
        assert await provider.authorization() == "Bearer sk_1"
        assert await provider.renewed("Bearer sk_1") is None
        assert await provider.authorization() == "Bearer sk_1"
        assert await provider.renewed("Bearer sk_1") == "Bearer sk_2"
        assert await AsyncKeyProvider(lambda: "sk_3").authorization() == "Bearer sk_3"


class TestEventLoops:
    def test_native_cancellation_loses_no_refresh(self) -> None:
        async def main() -> None:
            server = GatedServer(make=rotating)
            holder = AsyncTokenHolder(user_token(), server.fetch)
            task = asyncio.create_task(holder.renewed("Bearer at_0"))
            await server.arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            server.gate.set()
            assert await holder.renewed("Bearer at_0") == "Bearer at_1"
            assert len(server.calls) == 1

        asyncio.run(main())

    def test_a_refresh_that_fails_when_nobody_waits_for_it_makes_no_noise(self) -> None:
        async def main() -> None:
            noise: list[object] = []
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: noise.append(context))
            server = GatedServer(BadRequestError("No.", status_code=400, code="invalid_grant"))
            holder = AsyncTokenHolder(user_token(), server.fetch)
            task = asyncio.create_task(holder.renewed("Bearer at_0"))
            await server.arrived.wait()
            task.cancel()
            await asyncio.wait([task])
            server.gate.set()
            await settle()
            assert len(server.calls) == 1
            del task, holder, server  # what is left of them complains when it goes
            gc.collect()
            assert noise == []

        asyncio.run(main())

    def test_one_holder_serves_loop_after_loop(self) -> None:
        server = Server()
        holder = AsyncTokenHolder(PROGRAM, server.fetch)

        async def ask(refused: str | None) -> str | None:
            return await (holder.authorization() if refused is None else holder.renewed(refused))

        assert asyncio.run(ask(None)) == "Bearer at_1"
        assert asyncio.run(ask("Bearer at_1")) == "Bearer at_2"
        assert anyio.run(ask, "Bearer at_2", backend="trio") == "Bearer at_3"
        assert anyio.run(ask, "Bearer at_3", backend="trio") == "Bearer at_4"

    def test_a_loop_that_ended_in_the_middle_of_a_fetch_blocks_no_other(self) -> None:
        async def never(call: TokenCall, deadline: float | None) -> OAuthTokenResponse:
            stuck.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def start() -> None:
            tasks.append(asyncio.ensure_future(holder.authorization()))
            await stuck.wait()

        tasks: list[Any] = []
        stuck = asyncio.Event()
        holder = AsyncTokenHolder(PROGRAM, never)
        asyncio.run(start())
        holder._fetch = Server().fetch
        assert asyncio.run(holder.authorization()) == "Bearer at_1"  # type: ignore[arg-type]

    def test_two_loops_at_the_same_time_share_one_fetch(self) -> None:
        arrived, gate = threading.Event(), threading.Event()
        server = Server()

        async def slowly(call: TokenCall, deadline: float | None) -> OAuthTokenResponse:
            arrived.set()
            await anyio.to_thread.run_sync(gate.wait)
            return server.reply(call)

        holder = AsyncTokenHolder(PROGRAM, slowly)
        headers: list[str] = []

        async def ask() -> None:
            headers.append(await holder.authorization())

        threads = [
            threading.Thread(target=anyio.run, args=(ask,), kwargs={"backend": backend})
            for backend in ("asyncio", "trio")
        ]
        threads[0].start()
        arrived.wait()
        threads[1].start()
        gate.set()
        for thread in threads:
            thread.join()
        assert headers == ["Bearer at_1"] * 2
        assert len(server.calls) == 1


class TestThreads:
    def test_however_many_ask_one_fetches(self) -> None:
        arrived, gate = threading.Event(), threading.Event()
        server = Server()

        def fetch(call: TokenCall, deadline: float | None) -> OAuthTokenResponse:
            arrived.set()
            gate.wait()
            return server.reply(call)

        holder = TokenHolder(PROGRAM, fetch)
        headers: list[str] = []
        threads = [threading.Thread(target=lambda: headers.append(holder.authorization())) for _ in range(20)]
        for thread in threads:
            thread.start()
        arrived.wait()
        gate.set()
        for thread in threads:
            thread.join()
        assert headers == ["Bearer at_1"] * 20
        assert len(server.calls) == 1

    def test_a_refused_token_is_renewed_once_for_all_who_were_refused(self) -> None:
        server = Server(make=rotating)
        saved: list[OAuth2Token] = []
        holder = TokenHolder(user_token(on_refresh=saved.append), server.reply)
        together = threading.Barrier(10)
        renewed: list[str | None] = []

        def refuse() -> None:
            together.wait()
            renewed.append(holder.renewed("Bearer at_0"))

        threads = [threading.Thread(target=refuse) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert renewed == ["Bearer at_1"] * 10
        assert len(server.calls) == len(saved) == 1

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # newer Pythons warn; the child here just exits
    def test_a_child_that_was_forked_in_the_middle_of_a_fetch_fetches_for_itself(self) -> None:
        arrived, gate = threading.Event(), threading.Event()

        def fetch(call: TokenCall, deadline: float | None) -> OAuthTokenResponse:
            if not arrived.is_set():
                arrived.set()
                gate.wait()
            return answer(1)

        holder = TokenHolder(PROGRAM, fetch)
        thread = threading.Thread(target=holder.authorization)
        thread.start()
        arrived.wait()
        child = os.fork()
        if child == 0:
            os._exit(0 if holder.authorization() == "Bearer at_1" else 1)
        _, status = os.waitpid(child, 0)
        gate.set()
        thread.join()
        assert os.waitstatus_to_exitcode(status) == 0

    def test_who_waits_for_another_waits_no_longer_than_its_own_deadline(self) -> None:
        arrived, gate = threading.Event(), threading.Event()

        def fetch(call: TokenCall, deadline: float | None) -> OAuthTokenResponse:
            arrived.set()
            gate.wait()
            return answer(1)

        holder = TokenHolder(PROGRAM, fetch)
        thread = threading.Thread(target=holder.authorization)
        thread.start()
        arrived.wait()
        with pytest.raises(APITimeoutError, match="deadline"):
            holder.authorization(0.0)
        gate.set()
        thread.join()
        assert holder.ready == "Bearer at_1"

    def test_an_asynchronous_function_is_refused(self) -> None:
        async def vault() -> str:
            return "sk_1"

        with pytest.raises(ConfigurationError, match="AsyncClient"):
            KeyProvider(vault).authorization()  # type: ignore[arg-type]
        assert KeyProvider(lambda: "sk_1").authorization() == "Bearer sk_1"
        assert StaticKey("sk_1").ready == "Bearer sk_1"


class TestLocks:
    def test_one_that_an_interrupt_left_taken_is_given_back(self) -> None:
        """An interrupt can come between taking the lock and learning of it, when `taken` is still False."""
        lock = Lock()
        assert lock.acquire(None)
        lock.release(False)
        free: list[bool] = []
        other = threading.Thread(target=lambda: free.append(lock.acquire(monotonic() + 10)))
        other.start()
        other.join()
        assert free == [True]

    def test_that_of_another_thread_is_not(self) -> None:
        lock = Lock()
        taken, done = threading.Event(), threading.Event()

        def hold() -> None:
            lock.acquire(None)
            taken.set()
            done.wait(20)
            lock.release(True)

        holding = threading.Thread(target=hold)
        holding.start()
        taken.wait(20)
        lock.release(False)
        assert not lock.acquire(monotonic())
        done.set()
        holding.join()
        assert lock.acquire(monotonic() + 10)
