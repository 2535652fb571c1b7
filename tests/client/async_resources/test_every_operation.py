"""Every operation of the contract has its method, sends what the contract allows, and reads what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sensei._async.client import AsyncClient
from sensei._async.pagination import AsyncPage
from sensei.models.base import Model
from tests.client.wire import KEY, Wire, contract_wire, equal, operations

Call = Callable[[AsyncClient], Any]


@dataclass(frozen=True)
class Case:
    """A method, the request example that it must send, and the answer example that it must read."""

    operation: str
    call: Call
    sends: str | None = None
    reads: str | None = None
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return "-".join(part for part in (self.operation, self.sends, self.reads) if part)


def body_of(operation: str, example: str) -> dict[str, Any]:
    body: dict[str, Any] = operations()[operation].request_examples()[example]
    return body


def given(operation: str, example: str) -> Any:
    """The members of a request example, as the arguments of a method."""
    return body_of(operation, example)


CASES = [
    Case(
        "connections.list",
        lambda c: c.connections.list(type="oracle", role="source", status="connected", tag="a b"),
        query=(("type", "oracle"), ("role", "source"), ("status", "connected"), ("tag", "a b")),
    ),
    *(
        Case("connections.create", lambda c, e=e: c.connections.create(**given("connections.create", e)), e, "oracle")
        for e in ("oracle", "sqlite")
    ),
    *(
        Case(
            "connections.test_config",
            lambda c, e=e: c.connections.test_config(**given("connections.test_config", e)),
            e,
            r,
        )
        for e, r in (("connection_string", "source"),)
    ),
    Case(
        "connections.test_config",
        lambda c: c.connections.test_config(type="sqlite", config={"path": "/x"}),
        reads="failed",
    ),
    Case("connections.get", lambda c: c.connections.get("conn_abc123")),
    *(
        Case("connections.update", lambda c, e=e: c.connections.update("conn_1", **given("connections.update", e)), e)
        for e in ("rename", "new_password")
    ),
    Case("connections.delete", lambda c: c.connections.delete("conn_1")),
    Case("connections.test", lambda c: c.connections.test("conn_1"), reads="success"),
    Case("connections.test", lambda c: c.connections.test("conn_1"), reads="failed"),
    Case(
        "connections.schema.get",
        lambda c: c.connections.schema("conn_1", schema="hr", table="t", refresh=True),
        query=(("schema", "hr"), ("table", "t"), ("refresh", "true")),
    ),
    Case(
        "connections.preview",
        lambda c: c.connections.preview("conn_1", table="employees", schema="hr", limit=5),
        query=(("table", "employees"), ("schema", "hr"), ("limit", "5")),
    ),
    Case(
        "migrations.list",
        lambda c: c.migrations.list(
            status="running",
            source_id="a",
            target_id="b",
            created_after="2026-01-01",
            created_before="2026-02-01T00:00:00Z",
            sort="name",
            order="asc",
            limit=5,
            offset=2,
        ),
        query=(
            ("status", "running"),
            ("source_id", "a"),
            ("target_id", "b"),
            ("created_after", "2026-01-01"),
            ("created_before", "2026-02-01T00:00:00Z"),
            ("sort", "name"),
            ("order", "asc"),
            ("limit", "5"),
            ("offset", "2"),
        ),
    ),
    *(
        Case("migrations.create", lambda c, e=e: c.migrations.create(**given("migrations.create", e)), e, r)
        for e, r in (("by_connection", "by_connection"), ("inline", "inline"), ("smallest", "by_connection"))
    ),
    *(Case("migrations.get", lambda c: c.migrations.get("mig_1"), reads=r) for r in ("running", "completed", "failed")),
    *(
        Case("migrations.update", lambda c, e=e: c.migrations.update("mig_1", **given("migrations.update", e)), e)
        for e in ("slower", "rename")
    ),
    Case("migrations.delete", lambda c: c.migrations.delete("mig_1")),
    Case(
        "migrations.delete",
        lambda c: c.migrations.delete("mig_1", keep_logs=False, keep_metrics=False),
        query=(("keep_logs", "false"), ("keep_metrics", "false")),
    ),
    Case("migrations.start", lambda c: c.migrations.start("mig_1", dry_run=True), "dry_run", "dry_run"),
    Case("migrations.start", lambda c: c.migrations.start("mig_1"), reads="started"),
    Case(
        "migrations.pause",
        lambda c: c.migrations.pause("mig_1", **given("migrations.pause", "gently")),
        reads="pausing",
    ),
    Case("migrations.resume", lambda c: c.migrations.resume("mig_1")),
    *(
        Case(
            "migrations.cancel",
            lambda c: c.migrations.cancel("mig_1", **given("migrations.cancel", "with_rollback")),
            reads=r,
        )
        for r in ("not_started", "running")
    ),
    Case("migrations.status.get", lambda c: c.migrations.status("mig_1")),
    *(Case("migrations.plan.get", lambda c: c.migrations.plan("mig_1"), reads=r) for r in ("approved", "generating")),
    *(
        Case(
            "mappings.approve",
            lambda c, e=e: c.migrations.approve_mapping("mig_1", "map_1", **given("mappings.approve", e)),
            e,
        )
        for e in ("approve", "reject")
    ),
    Case("mappings.approve", lambda c: c.mappings.approve("mig_1", "map_1", override_transformation=None)),
    Case("mappings.approve", lambda c: c.mappings.reject("mig_1", "map_1", comment="no")),
    Case(
        "mappings.list",
        lambda c: c.mappings.list("mig_1", status="approved", min_confidence=0.5, max_confidence=1, table="t"),
        query=(("status", "approved"), ("min_confidence", "0.5"), ("max_confidence", "1"), ("table", "t")),
    ),
    Case(
        "mappings.bulk_update",
        lambda c: c.mappings.bulk_update("mig_1", **given("mappings.bulk_update", "approve")),
        "approve",
    ),
    Case("mappings.get", lambda c: c.mappings.get("mig_1", "map_1")),
    Case(
        "mappings.update",
        lambda c: c.mappings.update("mig_1", "map_1", **given("mappings.update", "new_expression")),
        "new_expression",
    ),
    Case(
        "migrations.logs.list",
        lambda c: c.migrations.logs("mig_1", level="warning", phase="data_transfer", since="2026-01-01T00:00:00Z"),
        query=(("level", "warning"), ("phase", "data_transfer"), ("since", "2026-01-01T00:00:00Z")),
    ),
    Case("migrations.metrics.get", lambda c: c.migrations.metrics("mig_1")),
    Case("migrations.source_schema.get", lambda c: c.migrations.source_schema("mig_1")),
    Case("migrations.target_schema.get", lambda c: c.migrations.target_schema("mig_1")),
    Case(
        "errors.list",
        lambda c: c.errors.list("mig_1", status="open", type="network", table="t"),
        query=(("status", "open"), ("type", "network"), ("table", "t")),
    ),
    Case(
        "errors.bulk_resolve", lambda c: c.errors.bulk_resolve("mig_1", **given("errors.bulk_resolve", "skip")), "skip"
    ),
    Case("errors.get", lambda c: c.errors.get("mig_1", "err_1")),
    *(
        Case("errors.resolve", lambda c, e=e: c.errors.resolve("mig_1", "err_1", **given("errors.resolve", e)), e)
        for e in ("skip", "transform", "default")
    ),
    Case("errors.retry", lambda c: c.errors.retry("mig_1", "err_1", **given("errors.retry", "fixed")), "fixed"),
    Case("migrations.checkpoints.list", lambda c: c.migrations.checkpoints("mig_1")),
    Case(
        "migrations.checkpoints.create",
        lambda c: c.migrations.create_checkpoint("mig_1", **given("migrations.checkpoints.create", "manual")),
        "manual",
    ),
    Case(
        "migrations.restore", lambda c: c.migrations.restore("mig_1", **given("migrations.restore", "plain")), "plain"
    ),
    *(
        Case(
            "migrations.rollback.create",
            lambda c, e=e: c.migrations.rollback("mig_1", **given("migrations.rollback.create", e)),
            e,
        )
        for e in ("truncate", "reverse", "point_in_time", "backup", "one_phase", "some_tables")
    ),
    *(
        Case("migrations.rollback.get", lambda c: c.migrations.rollback_status("mig_1"), reads=r)
        for r in ("completed", "none")
    ),
    Case("migrations.schedule.get", lambda c: c.migrations.schedule("mig_1")),
    *(
        Case(
            "migrations.schedule.create",
            lambda c, e=e: c.migrations.set_schedule("mig_1", **given("migrations.schedule.create", e)),
            e,
        )
        for e in ("start", "windows")
    ),
    Case(
        "migrations.schedule.update",
        lambda c: c.migrations.update_schedule("mig_1", **given("migrations.schedule.update", "later")),
        "later",
    ),
    Case("migrations.schedule.delete", lambda c: c.migrations.clear_schedule("mig_1")),
    Case(
        "validations.list",
        lambda c: c.validations.list(migration_id="mig_1", status="completed", result="passed"),
        query=(("migration_id", "mig_1"), ("status", "completed"), ("result", "passed")),
    ),
    Case("validations.create", lambda c: c.validations.create(**given("validations.create", "full")), "full"),
    Case("validations.create", lambda c: c.validations.run(**given("validations.create", "full")), "full"),
    Case(
        "validations.rules.list",
        lambda c: c.validations.rules.list(migration_id="mig_1"),
        query=(("migration_id", "mig_1"),),
    ),
    Case(
        "validations.rules.create",
        lambda c: c.validations.rules.create(**given("validations.rules.create", "salary")),
        "salary",
    ),
    Case("validations.rules.delete", lambda c: c.validations.rules.delete("rule_1")),
    *(Case("validations.get", lambda c: c.validations.get("val_1"), reads=r) for r in ("completed", "failed_result")),
    Case("validations.cancel", lambda c: c.validations.cancel("val_1")),
    Case(
        "validations.report.get",
        lambda c: c.validations.report("val_1", include_details=True),
        query=(("include_details", "true"),),
    ),
    *(
        Case("validations.certificate.get", lambda c: c.validations.certificate("val_1"), reads=r)
        for r in ("signed", "digest_only")
    ),
    Case("certificates.keys.list", lambda c: c.certificates.keys()),
    Case("certificates.get", lambda c: c.certificates.get("cert_1")),
    Case("certificates.download", lambda c: c.certificates.download("cert_1")),
    Case("webhooks.list", lambda c: c.webhooks.list()),
    *(
        Case("webhooks.create", lambda c, e=e: c.webhooks.create(**given("webhooks.create", e)), e)
        for e in ("own_secret", "made_secret")
    ),
    Case("webhooks.bulk_create", lambda c: c.webhooks.bulk_create(**given("webhooks.bulk_create", "two")), "two"),
    Case("webhooks.get", lambda c: c.webhooks.get("wh_1")),
    *(
        Case("webhooks.update", lambda c, e=e: c.webhooks.update("wh_1", **given("webhooks.update", e)), e)
        for e in ("fewer_events", "switch_off")
    ),
    Case("webhooks.delete", lambda c: c.webhooks.delete("wh_1")),
    Case("webhooks.test", lambda c: c.webhooks.test("wh_1", **given("webhooks.test", "completed")), "completed"),
    Case(
        "webhooks.deliveries.list",
        lambda c: c.webhooks.deliveries("wh_1", status="failed", event_type="migration.failed"),
        query=(("status", "failed"), ("event_type", "migration.failed")),
    ),
    Case("webhooks.deliveries.retry", lambda c: c.webhooks.retry_delivery("wh_1", "dlv_1")),
    Case("api_keys.list", lambda c: c.api_keys.list()),
    Case("api_keys.create", lambda c: c.api_keys.create(**given("api_keys.create", "pipeline")), "pipeline"),
    Case("api_keys.get", lambda c: c.api_keys.get("key_1")),
    Case("api_keys.update", lambda c: c.api_keys.update("key_1", **given("api_keys.update", "restrict")), "restrict"),
    Case("api_keys.delete", lambda c: c.api_keys.delete("key_1")),
    Case("service_accounts.list", lambda c: c.service_accounts.list()),
    Case(
        "service_accounts.create",
        lambda c: c.service_accounts.create(**given("service_accounts.create", "pipeline")),
        "pipeline",
    ),
    Case("service_accounts.get", lambda c: c.service_accounts.get("sa_1")),
    Case("service_accounts.delete", lambda c: c.service_accounts.delete("sa_1")),
    Case("service_accounts.rotate", lambda c: c.service_accounts.rotate("sa_1")),
    Case(
        "audit_logs.list",
        lambda c: c.audit_logs.list(
            type="api",
            actor_id="key_1",
            action="migrations.start",
            result="denied",
            created_after="2026-01-01",
            created_before="2026-02-01",
        ),
        query=(
            ("type", "api"),
            ("actor_id", "key_1"),
            ("action", "migrations.start"),
            ("result", "denied"),
            ("created_after", "2026-01-01"),
            ("created_before", "2026-02-01"),
        ),
    ),
    Case("usage.current.get", lambda c: c.usage.current()),
]

TESTED_ELSEWHERE = {
    "migrations.events.stream": "stream_events",
    "oauth.authorize": "authorization_url",
    "oauth.token": "client_credentials",
    "oauth.revoke": "revoke",
    "oauth.introspect": "introspect",
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    yield from contract_wire()


def test_no_operation_is_missing() -> None:
    assert {case.operation for case in CASES} | TESTED_ELSEWHERE.keys() == operations().keys()
    assert len(operations()) == 81
    client = AsyncClient(KEY)
    assert callable(client.migrations.stream_events)
    assert all(
        callable(getattr(client.oauth, name)) for one, name in TESTED_ELSEWHERE.items() if one.startswith("oauth")
    )


@pytest.mark.anyio
class TestEveryOperation:
    @pytest.mark.parametrize("case", CASES, ids=str)
    async def test_sends_and_reads_what_the_contract_shows(self, wire: Wire, case: Case) -> None:
        examples = operations()[case.operation].answers()
        example = case.reads or next(iter(examples))
        wire.answer(case.operation, example)
        async with AsyncClient(KEY) as client:
            result = await case.call(client)
        seen = wire.last
        assert seen.operation == case.operation
        assert seen.query == dict(case.query)
        if case.sends is not None:
            assert equal(seen.body, body_of(case.operation, case.sends))
        expected = examples[example][1]
        if isinstance(result, AsyncPage):
            assert equal([item.to_dict() for item in result.data], expected["data"])
            assert result.pagination.total == (expected.get("pagination") or {"total": len(expected["data"])})["total"]
            assert all(item.last_response is result.last_response for item in result.data)
        elif isinstance(result, Model):
            assert equal(result.to_dict(), expected)
            assert result.last_response is not None
        elif isinstance(result, bytes):
            assert result.startswith(b"{")
        else:
            assert result is None
            assert expected is None

    @pytest.mark.parametrize("case", [case for case in CASES if operations()[case.operation].method == "POST"], ids=str)
    async def test_every_post_goes_out_with_the_key_that_is_given(self, wire: Wire, case: Case) -> None:
        async with AsyncClient(KEY) as client:
            await case.call(client)
            made_up = wire.last.headers["x-idempotency-key"]
            await case.call(client)
        assert wire.last.headers["x-idempotency-key"] != made_up
