"""The documented programs, step by step, on live objects."""

from __future__ import annotations

import threading  # sync: drop
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import anyio  # sync: drop
import httpx
import pytest

from sensei._async.client import AsyncClient
from sensei._async.resources import certificates
from sensei._async.resources.migration import AsyncMigration
from sensei._async.resources.migration_plan import AsyncMigrationPlan
from sensei._retry import RetryPolicy
from sensei.errors import (
    ApprovalRequiredError,
    CertificateVerificationError,
    ConfigurationError,
    InternalServerError,
    InvalidArgumentError,
    InvalidStateError,
    KeyNotDeletedError,
    MigrationFailedError,
    NotFoundError,
    PermissionDeniedError,
    PlanNotReadyError,
    ValidationFailedError,
    WaitTimeoutError,
)
from tests.client.faulty import Answer, FaultyServer, Heard, refusal, reply  # sync: drop
from tests.client.wire import KEY, Seen, Wire, contract_wire, operations

PENDING = {"id": "mig_1", "name": "Shop", "status": "pending", "plan": {"status": "generating"}}
PLANNING = {**PENDING, "status": "planning"}
READY = {**PENDING, "status": "plan_ready", "plan": {"status": "ready"}}
RUNNING = {**READY, "status": "running", "progress": {"overall_percent": 40}}
COMPLETED = {**READY, "status": "completed", "metrics": {"records_processed": 77}, "error": None}
FAILED = {**READY, "status": "failed", "error": {"code": "validation_failed", "message": "Rows are missing."}}
NO_PLAN = {
    **PENDING,
    "status": "failed",
    "plan": {"status": "failed"},
    "error": {"code": "plan_failed", "message": "E."},
}


def example(operation: str, name: str) -> Any:
    return operations()[operation].answers()[name][1]


@pytest.fixture
def wire() -> Iterator[Wire]:
    yield from contract_wire()


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(KEY, max_retries=0) as client:
        yield client


async def made(client: AsyncClient, wire: Wire, body: dict[str, Any] = PENDING) -> AsyncMigration:
    """A migration as the server describes it."""
    wire.answer("migrations.create", body)
    return await client.migrations.create(source={"connection_id": "conn_1"}, target={"connection_id": "conn_2"})


@pytest.mark.anyio
class TestCreating:
    async def test_a_missing_name_is_made_up_the_same_for_the_same_ends(self, client: AsyncClient, wire: Wire) -> None:
        await made(client, wire)
        first = wire.last.body
        await made(client, wire)
        assert first == wire.last.body
        assert first["name"] == "conn_1 to conn_2"

    async def test_inline_ends_give_their_kind_and_no_password(self, client: AsyncClient, wire: Wire) -> None:
        wire.answer("migrations.create", PENDING)
        await client.migrations.create(
            source={"type": "postgresql", "connection_string": "postgresql://u:hunter2@h/db"},
            target={"type": "sqlite", "connection_string": "sqlite:///x.db"},
        )
        assert wire.last.body["name"] == "postgresql to sqlite"

    async def test_an_instant_travels_with_its_zone(self, client: AsyncClient, wire: Wire) -> None:
        await client.migrations.set_schedule("mig_1", start_at=datetime(2026, 2, 2, 22, 0, tzinfo=UTC))
        assert wire.last.body == {"start_at": "2026-02-02T22:00:00Z"}


@pytest.mark.anyio
class TestPlanning:
    async def test_waiting_gives_the_plan_and_keeps_it(self, client: AsyncClient, wire: Wire) -> None:
        migration = await made(client, wire)
        wire.answer("migrations.get", PENDING, PLANNING, READY)
        wire.answer("migrations.plan.get", "approved")
        seen: list[str] = []
        plan = await migration.wait_for_plan(interval=0, on_progress=lambda one: seen.append(one.status))
        assert seen == ["pending", "planning", "plan_ready"]
        assert migration.status == "plan_ready"
        assert migration.plan is plan
        assert len(plan.mappings) == len(example("migrations.plan.get", "approved")["mappings"]) > 0
        await migration.refresh()
        assert migration.plan is plan

    async def test_a_plan_that_was_approved_meanwhile_counts_whatever_the_status(
        self, client: AsyncClient, wire: Wire
    ) -> None:
        migration = await made(client, wire)
        wire.answer("migrations.get", {**RUNNING, "plan": {"status": "approved"}})
        assert (await migration.wait_for_plan()).status == "approved"
        assert migration.status == "running"

    @pytest.mark.parametrize(
        "end",
        [NO_PLAN, {**PENDING, "status": "cancelled"}, {**PENDING, "status": "failed"}],
        ids=lambda end: end["status"],
    )
    async def test_no_plan_will_come(self, client: AsyncClient, wire: Wire, end: dict[str, Any]) -> None:
        migration = await made(client, wire)
        wire.answer("migrations.get", end)
        with pytest.raises(MigrationFailedError, match="will get no plan") as caught:
            await migration.wait_for_plan(interval=0)
        assert (caught.value.migration_id, caught.value.status) == ("mig_1", end["status"])
        assert caught.value.code == (end.get("error") or {}).get("code")

    async def test_giving_up_is_a_timeout_error_of_python(self, client: AsyncClient, wire: Wire) -> None:
        migration = await made(client, wire)
        wire.answer("migrations.get", PLANNING)
        with pytest.raises(TimeoutError, match="plan of migration mig_1 is still planning") as caught:
            await migration.wait_for_plan(timeout=0.01, interval=0.001)
        assert isinstance(caught.value, WaitTimeoutError)

    async def test_mappings_are_decided_in_place(self, client: AsyncClient, wire: Wire) -> None:
        plan = await client.migrations.plan("mig_abc123def456")
        mapping = plan.mappings[0]
        wire.answer("mappings.approve", {**mapping.to_dict(), "status": "approved", "decided_by": "key_9"})
        assert await mapping.approve(comment="fine") is mapping
        assert (mapping.status, mapping.decided_by) == ("approved", "key_9")
        assert wire.last.path == f"/migrations/mig_abc123def456/plan/mappings/{mapping.id}/approve"
        assert wire.last.body == {"approved": True, "comment": "fine"}
        await mapping.reject()
        assert wire.last.body == {"approved": False}
        await mapping.update(transformation=None)
        assert (wire.last.operation, wire.last.body) == ("mappings.update", {"transformation": None})

    async def test_a_mapping_without_its_migration_learns_it_from_the_plan(
        self, client: AsyncClient, wire: Wire
    ) -> None:
        plan = example("migrations.plan.get", "approved")
        bare = [{name: value for name, value in one.items() if name != "migration_id"} for one in plan["mappings"]]
        wire.answer("migrations.plan.get", {**plan, "mappings": bare})
        await (await client.migrations.plan("mig_1")).mappings[0].approve()
        assert wire.last.path.startswith(f"/migrations/{plan['migration_id']}/")

    async def test_a_mapping_without_ids_says_so(self, client: AsyncClient, wire: Wire) -> None:
        wire.answer("mappings.get", {
            "source": {"table": "a", "column": "b"}, "target": {"table": "a", "column": "b"},
            "confidence": 1, "status": "approved",
        })  # fmt: skip
        mapping = await client.mappings.get("mig_1", "map_1")
        with pytest.raises(ConfigurationError, match=r"client\.mappings"):
            await mapping.approve()

    async def test_what_needs_a_decision(self, client: AsyncClient, wire: Wire) -> None:
        plan = example("migrations.plan.get", "approved")
        first, *rest = plan["mappings"]
        open_one = {**first, "status": "pending_review", "requires_approval": True}
        wire.answer("migrations.plan.get", {**plan, "mappings": [open_one, *rest]})
        read = await client.migrations.plan("mig_1")
        assert [mapping.id for mapping in read.undecided] == [first["id"]]


@pytest.mark.anyio
class TestStarting:
    async def test_it_waits_for_the_plan_first(self, client: AsyncClient, wire: Wire) -> None:
        migration = await made(client, wire)
        wire.answer("migrations.get", READY, RUNNING)
        started = await migration.start()
        assert started is migration
        assert migration.status == "running"
        assert isinstance(migration.plan, AsyncMigrationPlan)
        order = [one.operation for one in wire.seen[1:]]
        assert order == ["migrations.get", "migrations.plan.get", "migrations.start", "migrations.get"]
        assert wire.named("migrations.start")[0].body is None

    async def test_a_plan_that_is_not_ready_after_all_is_waited_for_and_asked_with_a_new_key(
        self, client: AsyncClient, wire: Wire
    ) -> None:
        migration = await made(client, wire, READY)
        wire.refuse("migrations.start", 409, "plan_not_ready")
        wire.answer("migrations.start", "started")
        wire.answer("migrations.get", PLANNING, READY, RUNNING)
        await migration.start(skip_approval=True, idempotency_key="mine")
        first, second = wire.named("migrations.start")
        assert first.headers["x-idempotency-key"] == "mine"
        assert second.headers["x-idempotency-key"] == "mine.1"
        assert first.body == second.body == {"skip_approval": True}
        assert migration.status == "running"

    async def test_a_made_up_key_is_new_the_second_time(self, client: AsyncClient, wire: Wire) -> None:
        wire.refuse("migrations.start", 409, "plan_not_ready")
        wire.answer("migrations.start", "started")
        wire.answer("migrations.get", READY)
        await client.migrations.start("mig_1")
        keys = {one.headers["x-idempotency-key"] for one in wire.named("migrations.start")}
        assert len(keys) == 2

    async def test_the_plan_is_not_waited_for_when_told_so(self, client: AsyncClient, wire: Wire) -> None:
        wire.refuse("migrations.start", 409, "plan_not_ready")
        with pytest.raises(PlanNotReadyError):
            await client.migrations.start("mig_1", plan_timeout=0)
        assert len(wire.seen) == 1

    async def test_approvals_are_for_people(self, client: AsyncClient, wire: Wire) -> None:
        migration = await made(client, wire, READY)
        wire.refuse("migrations.start", 409, "approval_required", pending_mappings=2)
        with pytest.raises(ApprovalRequiredError) as caught:
            await migration.start()
        assert caught.value.details == {"pending_mappings": 2}
        assert len(wire.named("migrations.start")) == 1


@pytest.mark.anyio
class TestActions:
    @pytest.mark.parametrize(
        ("method", "arguments", "operation", "body"),
        [
            (
                "pause",
                {"reason": "lunch", "immediate": True},
                "migrations.pause",
                {"reason": "lunch", "immediate": True},
            ),
            ("pause", {}, "migrations.pause", None),
            ("resume", {}, "migrations.resume", None),
            ("cancel", {"rollback": False}, "migrations.cancel", {"rollback": False}),
            ("cancel", {"force": True}, "migrations.cancel", {"force": True}),
            ("rollback", {"strategy": "truncate"}, "migrations.rollback.create", {"strategy": "truncate"}),
        ],
    )
    async def test_they_give_the_migration_refreshed(
        self, client: AsyncClient, wire: Wire, method: str, arguments: dict[str, Any], operation: str, body: Any
    ) -> None:
        migration = await made(client, wire, RUNNING)
        wire.answer("migrations.get", {**RUNNING, "status": "new_one"})
        assert await getattr(migration, method)(**arguments) is migration
        assert migration.status == "new_one"
        assert wire.named(operation)[0].body == body

    async def test_deleting(self, client: AsyncClient, wire: Wire) -> None:
        migration = await made(client, wire, COMPLETED)
        deleted = await migration.delete(keep_logs=False)
        assert deleted.deleted
        assert wire.last.query == {"keep_logs": "false"}

    async def test_deleting_again_after_a_lost_answer_counts_as_done(self, wire: Wire) -> None:
        def lose(_seen: Seen) -> httpx.Response:
            raise httpx.ReadError("the connection was cut")

        wire.compute("migrations.delete", lose)
        wire.refuse("migrations.delete", 404, "migration_not_found")
        async with AsyncClient(KEY, retry=RetryPolicy(max_retries=1, initial_delay=0.0)) as client:
            deleted = await client.migrations.delete("mig_1", keep_logs=False)
            assert (deleted.id, deleted.deleted, deleted.logs_retained, deleted.metrics_retained) == (
                "mig_1", True, False, True,
            )  # fmt: skip
            with pytest.raises(NotFoundError):
                await client.migrations.delete("mig_1")

    async def test_a_summary_fetches_the_rest(self, client: AsyncClient, wire: Wire) -> None:
        wire.answer("migrations.get", "running")
        page = await client.migrations.list()
        whole = await page.data[0].fetch()
        assert whole.progress is not None
        assert wire.last.path == f"/migrations/{page.data[0].id}"


@pytest.mark.anyio
class TestWaiting:
    @pytest.mark.parametrize(
        "end",
        [COMPLETED, FAILED, {**RUNNING, "status": "cancelled"}, {**RUNNING, "status": "rolled_back"}],
        ids=lambda end: end["status"],
    )
    async def test_it_is_over_on_every_finished_status(
        self, client: AsyncClient, wire: Wire, end: dict[str, Any]
    ) -> None:
        migration = await made(client, wire, RUNNING)
        wire.answer("migrations.get", RUNNING, {**RUNNING, "status": "paused"}, end)
        result = await migration.wait(timeout=3600, interval=0)
        assert result is migration
        assert result.status == end["status"]
        assert len(wire.named("migrations.get")) == 3

    async def test_the_result_has_the_flat_names(self, client: AsyncClient, wire: Wire) -> None:
        migration = await made(client, wire, RUNNING)
        wire.answer("migrations.get", COMPLETED)
        result = await migration.wait(raise_on_failure=True)
        assert (result.status, result.records_processed, result.error) == ("completed", 77, None)

    async def test_failure_is_an_error_when_asked_for(self, client: AsyncClient, wire: Wire) -> None:
        migration = await made(client, wire, RUNNING)
        wire.answer("migrations.get", FAILED)
        with pytest.raises(MigrationFailedError, match="is failed: Rows are missing") as caught:
            await migration.wait(raise_on_failure=True)
        assert caught.value.code == "validation_failed"

    async def test_a_validation_is_waited_for(self, client: AsyncClient, wire: Wire) -> None:
        migration = await made(client, wire, COMPLETED)
        wire.answer("validations.create", "running")
        wire.answer("validations.get", example("validations.create", "running"), "completed")
        validation = await migration.run_validation(type="full", options={"behavioral": True})
        assert wire.last.body == {"migration_id": "mig_1", "type": "full", "options": {"behavioral": True}}
        seen: list[str] = []
        assert await validation.wait(interval=0, on_progress=lambda one: seen.append(one.status)) is validation
        assert seen[-1] == "completed"
        assert validation.passed

    async def test_a_validation_that_found_something_is_an_error_when_asked_for(
        self, client: AsyncClient, wire: Wire
    ) -> None:
        wire.answer("validations.get", "failed_result")
        with pytest.raises(ValidationFailedError, match="came out as failed") as caught:
            await client.validations.wait("val_1", raise_on_failure=True)
        assert caught.value.result == "failed"


@pytest.mark.anyio
class TestReports:
    async def test_a_page_and_a_file(self, client: AsyncClient, wire: Wire) -> None:
        accepted: list[str] = []

        def answer(seen: Seen) -> httpx.Response:
            accepted.append(seen.headers["accept"])
            kind = seen.query["format"]
            content = {"html": "<p>grün</p>".encode(), "pdf": b"%PDF-\xff"}[kind]
            return httpx.Response(200, content=content, headers={"Content-Type": accepted[-1]})

        wire.compute("validations.report.get", answer)
        assert await client.validations.report("val_1", format="html") == "<p>grün</p>"
        assert await client.validations.report("val_1", format="pdf") == b"%PDF-\xff"
        assert accepted == ["text/html", "application/pdf"]

    async def test_of_a_validation(self, client: AsyncClient, wire: Wire) -> None:
        validation = await client.validations.get("val_1")
        report = await validation.report(include_details=True)
        assert wire.last.query == {"include_details": "true"}
        shown = example("validations.report.get", "json")
        assert [issue.message for issue in report.issues] == [issue["message"] for issue in shown["issues"]]
        await report.validation.refresh()
        assert wire.last.operation == "validations.get"


@pytest.mark.anyio
class TestCertificates:
    NOW = datetime(2026, 6, 1, tzinfo=UTC)

    async def test_the_keys_are_fetched_once(self, client: AsyncClient, wire: Wire) -> None:
        validation = await client.validations.get("val_1")
        certificate = await validation.certificate()
        await certificate.verify(now=self.NOW)
        assert (await certificate.check(now=self.NOW)).value == "valid"
        assert len(wire.named("certificates.keys.list")) == 1

    async def test_no_key_is_asked_for_where_none_would_do(self, client: AsyncClient, wire: Wire) -> None:
        certificate = await client.certificates.get("cert_1")
        certificate.public_key_id = None
        assert (await certificate.check(now=self.NOW)).value == "unverifiable"
        assert wire.named("certificates.keys.list") == []

    async def test_a_key_in_any_form_will_do(self, client: AsyncClient, wire: Wire) -> None:
        keys = (await client.certificates.keys()).keys
        certificate = await client.certificates.get("cert_1")
        for form in (keys, keys[0], keys[0].to_dict()):
            assert (await certificate.check(form, now=self.NOW)).value == "valid"

    async def test_a_key_that_nobody_knows_is_asked_for_once_a_second_at_most(
        self, client: AsyncClient, wire: Wire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = [1000.0]
        monkeypatch.setattr(certificates, "monotonic", lambda: clock[0])
        certificate = await client.certificates.get("cert_1")
        certificate.public_key_id = "of nobody"
        for _ in range(5):
            assert (await certificate.check(now=self.NOW)).value == "unverifiable"
        assert len(wire.named("certificates.keys.list")) == 1
        clock[0] += 1.5
        await certificate.check(now=self.NOW)
        assert len(wire.named("certificates.keys.list")) == 2

    async def test_keys_that_could_not_be_fetched_are_asked_for_again(self, client: AsyncClient, wire: Wire) -> None:
        """Nor is a certificate unverifiable because of that."""
        certificate = await client.certificates.get("cert_1")
        wire.refuse("certificates.keys.list", 500, "internal_error")
        wire.answer("certificates.keys.list", "keys")
        with pytest.raises(InternalServerError):
            await certificate.check(now=self.NOW)
        assert (await certificate.check(now=self.NOW)).value == "valid"

    # async only: begin
    @pytest.mark.parametrize("status", [200, 500])
    async def test_of_many_who_need_the_keys_one_fetches(self, status: int) -> None:
        go = threading.Event()
        keys = operations()["certificates.keys.list"].answers()["keys"][1]

        def answer(heard: Heard) -> Answer:
            if heard.path.endswith("/keys"):
                go.wait(10)
                return reply(keys) if status == 200 else refusal(500, "internal_error")
            return reply(operations()["certificates.get"].answers()["signed"][1])

        outcomes: list[str] = []
        with FaultyServer(answer) as server:
            async with AsyncClient(KEY, base_url=server.url, max_retries=0) as client:
                certificate = await client.certificates.get("cert_1")

                async def check() -> None:
                    try:
                        outcomes.append((await certificate.check(now=self.NOW)).value)
                    except InternalServerError as error:
                        outcomes.append(error.code or "")

                async with anyio.create_task_group() as tasks:
                    for _ in range(20):
                        tasks.start_soon(check)
                    await anyio.wait_all_tasks_blocked()
                    go.set()
            assert len(server.heard) == 2
        assert outcomes == ["valid" if status == 200 else "internal_error"] * 20

    # async only: end
    async def test_nothing_is_sent_with_the_keys_at_hand(self, client: AsyncClient, wire: Wire) -> None:
        keys = await client.certificates.keys()
        certificate = await client.certificates.get("cert_1")
        before = len(wire.seen)
        await certificate.verify(keys, now=self.NOW)
        assert len(wire.seen) == before

    @pytest.mark.parametrize(
        ("name", "now", "verdict"),
        [
            ("signed", datetime(2028, 1, 1, tzinfo=UTC), "expired"),
            ("digest_only", NOW, "unverifiable"),
        ],
    )
    async def test_whatever_is_not_valid_is_an_error(
        self, client: AsyncClient, wire: Wire, name: str, now: datetime, verdict: str
    ) -> None:
        wire.answer("validations.certificate.get", name)
        certificate = await client.validations.certificate("val_1")
        with pytest.raises(CertificateVerificationError) as caught:
            await certificate.verify(now=now)
        assert caught.value.verdict == verdict

    async def test_one_that_was_changed_here_is_invalid(self, client: AsyncClient, wire: Wire) -> None:
        certificate = await client.certificates.get("cert_1")
        certificate.confidence_score = 1.0
        assert (await certificate.check(now=self.NOW)).value == "invalid"
        await certificate.refresh()
        assert (await certificate.check(now=self.NOW)).value == "valid"

    async def test_the_file_verifies_offline(self, client: AsyncClient, wire: Wire) -> None:
        from sensei.certificates import check

        content = await (await client.certificates.get("cert_1")).download()
        assert check(content, await client.certificates.keys(), now=self.NOW).value == "valid"


@pytest.mark.anyio
class TestOtherLiveObjects:
    async def test_a_connection(self, client: AsyncClient, wire: Wire) -> None:
        connection = await client.connections.get("conn_abc123")
        assert (await connection.test()).status == "success"
        structure = await connection.fetch_schema(table="employees")
        assert structure.schemas[0].tables[0].columns[0].name
        wire.answer("connections.get", {**connection.to_dict(), "status": "testing"},
                    {**connection.to_dict(), "status": "failed"})  # fmt: skip
        assert (await connection.wait(timeout=5)).status == "failed"
        await connection.delete()
        assert wire.last.operation == "connections.delete"

    async def test_a_webhook(self, client: AsyncClient, wire: Wire) -> None:
        webhook = await client.webhooks.create(url="https://example.com/hook", events=["migration.*"])
        secret = webhook.secret
        delivery = await webhook.test(event_type="migration.failed")
        assert delivery.test
        assert [one.id async for one in await webhook.deliveries(status="failed")]
        await webhook.refresh()
        assert webhook.secret == secret
        await webhook.delete()
        assert wire.last.path == f"/webhooks/{webhook.id}"

    async def test_a_data_error(self, client: AsyncClient, wire: Wire) -> None:
        error = await client.errors.get("mig_1", "err_1")
        assert f"{error.error}" == error.error.message
        assert await error.resolve({"type": "skip"}, reason="test rows") is error
        assert error.status == "resolved"
        assert wire.last.body == {"resolution": {"type": "skip"}, "reason": "test rows"}
        assert (await error.retry()).status == "retrying"
        assert (await error.refresh()).status == "escalated"

    async def test_a_service_account(self, client: AsyncClient, wire: Wire) -> None:
        account = await client.service_accounts.get("sa_1")
        rotated = await account.rotate()
        assert rotated.credentials.token
        await account.delete()
        assert wire.last.operation == "service_accounts.delete"

    async def test_a_rule(self, client: AsyncClient, wire: Wire) -> None:
        rule = await client.validations.rules.create(name="n", rule="SELECT 1", expected=None)
        assert wire.last.body == {"name": "n", "type": "sql", "rule": "SELECT 1", "expected": None}
        await rule.delete()
        assert wire.last.path == f"/validations/rules/{rule.id}"

    async def test_a_validation_is_stopped(self, client: AsyncClient, wire: Wire) -> None:
        validation = await client.validations.get("val_1")
        assert (await validation.cancel()).status == "cancelled"


@pytest.mark.anyio
class TestRotatingAKey:
    async def test_the_new_one_is_like_the_old_one_which_goes_last(self, client: AsyncClient, wire: Wire) -> None:
        old = example("api_keys.get", "key")
        order: list[str] = []
        new = await client.api_keys.rotate(
            "key_1", on_created=lambda key: order.extend([key.key, *(one.operation for one in wire.seen)])
        )
        assert order == [new.key, "api_keys.get", "api_keys.create"]
        assert wire.named("api_keys.create")[0].body["scopes"] == old["scopes"]
        assert wire.named("api_keys.create")[0].body["name"] == old["name"]
        assert (wire.last.operation, wire.last.path) == ("api_keys.delete", "/api-keys/key_1")

    async def test_the_old_one_stays_when_the_new_one_cannot_be_stored(self, client: AsyncClient, wire: Wire) -> None:
        def store(_key: object) -> None:
            raise OSError("the vault is sealed")

        with pytest.raises(OSError, match="sealed"):
            await client.api_keys.rotate("key_1", on_created=store)
        assert not wire.named("api_keys.delete")

    # async only: begin
    async def test_what_stores_the_new_one_is_awaited_before_the_old_one_goes(
        self, client: AsyncClient, wire: Wire
    ) -> None:
        async def store(_key: object) -> None:
            raise OSError("the vault is sealed")

        with pytest.raises(OSError, match="sealed"):
            await client.api_keys.rotate("key_1", on_created=store)
        assert not wire.named("api_keys.delete")

    # async only: end
    async def test_what_cannot_store_it_is_refused_before_one_is_made(self, client: AsyncClient, wire: Wire) -> None:
        with pytest.raises(InvalidArgumentError, match="on_created must be a function"):
            await client.api_keys.rotate("key_1", on_created="vault")  # type: ignore[arg-type]
        assert wire.seen == []

    async def test_the_new_one_is_not_lost_when_the_old_one_stays(self, client: AsyncClient, wire: Wire) -> None:
        wire.refuse("api_keys.delete", 403, "forbidden")
        key = await client.api_keys.get("key_1")
        with pytest.raises(KeyNotDeletedError, match="still works too") as caught:
            await key.rotate()
        assert caught.value.new_key.key == example("api_keys.create", "created")["key"]
        assert caught.value.new_key.key not in str(caught.value)
        assert isinstance(caught.value.__cause__, PermissionDeniedError)


@pytest.mark.anyio
class TestErrorsOfActions:
    async def test_an_action_in_the_wrong_state(self, client: AsyncClient, wire: Wire) -> None:
        migration = await made(client, wire, COMPLETED)
        wire.refuse("migrations.cancel", 409, "invalid_state", current_status="completed")
        with pytest.raises(InvalidStateError) as caught:
            await migration.cancel()
        assert caught.value.details == {"current_status": "completed"}
        assert migration.status == "completed"
