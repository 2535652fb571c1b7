"""A program that uses every public method with every argument, for type checkers to read; it is never run.

Each function uses one class, whose object it calls `it`. `tests/types/test_program.py` has mypy and pyright read it and
fails when a method or an argument is missing here.
"""

# pyright: strict

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta
from typing import assert_type

import httpx
from pydantic import BaseModel, TypeAdapter

from sensei import (
    UNSET,
    AsyncApiKey,
    AsyncApiKeyCreated,
    AsyncApiKeys,
    AsyncAuditLogs,
    AsyncCertificate,
    AsyncCertificates,
    AsyncClient,
    AsyncConnection,
    AsyncConnections,
    AsyncErrorBulkResult,
    AsyncErrorResult,
    AsyncEventStream,
    AsyncMapping,
    AsyncMappingBulkResult,
    AsyncMappingResult,
    AsyncMappings,
    AsyncMigration,
    AsyncMigrationError,
    AsyncMigrationErrors,
    AsyncMigrationPlan,
    AsyncMigrations,
    AsyncMigrationSummary,
    AsyncOAuth,
    AsyncPage,
    AsyncPager,
    AsyncPlanReference,
    AsyncSensei,
    AsyncServiceAccountCreated,
    AsyncServiceAccountRecord,
    AsyncServiceAccounts,
    AsyncUsage,
    AsyncValidation,
    AsyncValidationReport,
    AsyncValidationRule,
    AsyncValidationRules,
    AsyncValidations,
    AsyncWebhook,
    AsyncWebhookBulkResult,
    AsyncWebhookCreated,
    AsyncWebhookResult,
    AsyncWebhooks,
    AuthorizationRequest,
    Hooks,
    OAuth2ClientCredentials,
    OAuth2Token,
    RateLimit,
    RateLimiter,
    RawResponse,
    ResponseInfo,
    RetryPolicy,
    ServiceAccount,
    StreamEvent,
    Verdict,
    WebhookEvent,
)
from sensei.models import (
    AuditLog,
    CancelResult,
    Checkpoint,
    ConnectionTestResult,
    DatabaseSchema,
    EndEvent,
    JsonWebKeySet,
    LogEntry,
    LogEvent,
    MigrationDeleted,
    MigrationMetrics,
    MigrationStatusReport,
    OAuthIntrospection,
    OAuthTokenResponse,
    PauseResult,
    PlanPhase,
    PlanRisk,
    PlanSummary,
    RestoreResult,
    ResumeResult,
    RollbackResult,
    RollbackStatus,
    Schedule,
    StartResult,
    TablePreview,
    UsageReport,
    WebhookDelivery,
)
from sensei.models.params import ConnectionConfigUpdate, MaintenanceWindowParam, MigrationSourceParam, PostgresqlConfig

NOW = datetime.now(UTC)
HEADERS = {"X-Team": "data"}


class Alert(BaseModel):
    """What an endpoint gives that the SDK does not know."""

    id: str


def clients() -> list[AsyncClient]:
    return [
        AsyncClient(),
        AsyncSensei("sk_test_key", base_url="https://sensei.example.com", profile="team", timeout=20, deadline=None),
        AsyncClient(lambda: "sk_test_key", timeout=httpx.Timeout(20.0), max_retries=2, rate_limiter=None),
        AsyncClient(rate_limiter=RateLimiter(), retry=RetryPolicy(max_retries=3), deadline=60.0),
        AsyncClient(credentials=OAuth2ClientCredentials("id", "secret", scopes=["migrations:read"])),
        AsyncClient(credentials=OAuth2Token("access", "refresh", client_id="id", client_secret="secret")),
        AsyncClient(credentials=ServiceAccount(token="sat_token"), default_headers=HEADERS, app_info=("tool", "1.2")),
        AsyncClient(http_client=httpx.AsyncClient(), hooks=Hooks(), allow_insecure=True),
    ]


# async only: begin
async def key() -> str:
    return "sk_test_key"


CLIENT_WITH_ASYNC_KEY = AsyncClient(key)


# async only: end
async def use_client(it: AsyncClient, stored: AsyncConnection) -> None:
    async with it as same:
        assert_type(same, AsyncClient)
    assert_type(it.base_url, str)
    assert_type(it.rate_limit, RateLimit | None)
    assert_type(it.api_keys, AsyncApiKeys)
    assert_type(it.audit_logs, AsyncAuditLogs)
    assert_type(it.certificates, AsyncCertificates)
    assert_type(it.connections, AsyncConnections)
    assert_type(it.errors, AsyncMigrationErrors)
    assert_type(it.mappings, AsyncMappings)
    assert_type(it.migrations, AsyncMigrations)
    assert_type(it.oauth, AsyncOAuth)
    assert_type(it.service_accounts, AsyncServiceAccounts)
    assert_type(it.usage, AsyncUsage)
    assert_type(it.validations, AsyncValidations)
    assert_type(it.webhooks, AsyncWebhooks)
    assert_type(
        it.with_options(
            timeout=None, deadline=30, max_retries=1, retry=RetryPolicy(), headers=HEADERS, hooks=Hooks(on_retry=print)
        ),
        AsyncClient,
    )
    assert_type(await it.request("GET", "/alerts", params={"limit": 5}, timeout=5, headers=HEADERS), RawResponse)
    assert_type(await it.request("POST", "/alerts", json={"id": "a"}, cast_to=Alert, idempotency_key="k"), Alert)
    assert_type(await it.request("GET", "/alerts", cast_to=TypeAdapter(list[Alert])), list[Alert])
    assert_type(it.attach(stored), AsyncConnection)
    await it.aclose()


async def use_page(it: AsyncPage[AsyncConnection]) -> None:
    assert_type(it.data, list[AsyncConnection])
    assert_type(it.pagination.total, int)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.has_more, bool)
    assert_type(it.token, str | None)
    assert_type(await it.next_page(), AsyncPage[AsyncConnection])
    assert_type(it.iter_pages(), AsyncGenerator[AsyncPage[AsyncConnection], None])
    assert_type(await it.to_list(max_items=10), list[AsyncConnection])
    async for connection in it:
        assert_type(connection, AsyncConnection)


# async only: begin
async def use_pager(it: AsyncPager[AsyncConnection]) -> None:
    assert_type(await it, AsyncPage[AsyncConnection])
    assert_type(it.iter_pages(), AsyncGenerator[AsyncPage[AsyncConnection], None])
    assert_type(await it.to_list(max_items=10), list[AsyncConnection])
    async for connection in it:
        assert_type(connection, AsyncConnection)


# async only: end
async def use_event_stream(it: AsyncEventStream) -> None:
    assert_type(it.last_event_id, str | None)
    assert_type(it.last_response, ResponseInfo | None)
    async with it as same:
        assert_type(same, AsyncEventStream)
        async for event in it:
            assert_type(event, StreamEvent)
            if isinstance(event, LogEvent):
                assert_type(event.message, str)
            elif isinstance(event, EndEvent):
                break
    await it.aclose()


async def use_connections(it: AsyncConnections) -> None:
    config: PostgresqlConfig = {"host": "db.example.com", "username": "ada", "password": "secret"}
    change: ConnectionConfigUpdate = {"password": "new", "ssl_ca": None}
    assert_type(
        await it.create(
            name="Shop",
            type="postgresql",
            role="source",
            config=config,
            description="Live",
            options={"ssl_mode": "require", "max_connections": 4},
            tags=["shop"],
            idempotency_key="k",
            timeout=30,
            headers=HEADERS,
        ),
        AsyncConnection,
    )
    assert_type(await it.create(name="S", type="sqlite", role="both", config={"path": "s.db"}), AsyncConnection)
    assert_type(await it.get("conn_1", timeout=5, headers=HEADERS), AsyncConnection)
    assert_type(
        it.list(type="sqlite", role="target", status="connected", tag="shop", limit=20, offset=0, prefetch=1),
        AsyncPager[AsyncConnection],
    )
    assert_type(
        await it.update("conn_1", name="Shop", description=None, config=change, options={"ssl_mode": None}, tags=UNSET),
        AsyncConnection,
    )
    await it.delete("conn_1")
    assert_type(await it.test("conn_1"), ConnectionTestResult)
    assert_type(
        await it.test_config(
            type="mysql", config={"host": "h"}, connection_string=UNSET, role="source", options={"ssl_mode": "allow"}
        ),
        ConnectionTestResult,
    )
    assert_type(await it.schema("conn_1", schema="public", table="orders", refresh=True), DatabaseSchema)
    assert_type(await it.preview("conn_1", table="orders", schema=None, limit=5), TablePreview)
    assert_type(await it.wait("conn_1", timeout=60, interval=1.0, on_progress=print), AsyncConnection)


async def use_connection(it: AsyncConnection, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncConnection)
    assert_type(it.id, str)
    assert_type(it.created_at, datetime)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(await it.test(timeout=5), ConnectionTestResult)
    assert_type(await it.fetch_schema(schema="public", table="orders", refresh=True), DatabaseSchema)
    assert_type(await it.refresh(), AsyncConnection)
    assert_type(await it.wait(timeout=None, interval=1.0, on_progress=print), AsyncConnection)
    await it.delete()


async def use_migrations(it: AsyncMigrations) -> None:
    source: MigrationSourceParam = {"connection_id": "conn_1", "schemas": ["public"], "exclude_tables": ["tmp_*"]}
    window: MaintenanceWindowParam = {"start": "22:00", "end": "04:00", "days": ["saturday"]}
    assert_type(
        await it.create(
            name="Move",
            source=source,
            target={"connection_id": "conn_2", "schema": "shop", "options": {"truncate_existing_tables": True}},
            description="All of it",
            strategy="balanced",
            options={
                "mode": "full",
                "parallelism": 4,
                "auto_approve_above": None,
                "validation_type": "quick",
                "type_mappings": [{"source_type": "money", "target_type": "numeric(19,2)"}],
            },
            schedule={"start_at": NOW, "maintenance_windows": [window], "behavior": {"outside_window": "pause"}},
            notifications={"email": ["ada@example.com"], "on_events": ["completed"]},
            idempotency_key="k",
        ),
        AsyncMigration,
    )
    assert_type(
        await it.create(
            source={"type": "mysql", "connection_string": "mysql://h/db"},
            target={"type": "postgresql", "connection_string": "postgresql://h/db"},
        ),
        AsyncMigration,
    )
    assert_type(await it.get("mig_1"), AsyncMigration)
    assert_type(
        it.list(
            status="running",
            source_id="conn_1",
            target_id="conn_2",
            created_after=date(2026, 1, 1),
            created_before=NOW,
            sort="name",
            order="asc",
            token=None,
        ),
        AsyncPager[AsyncMigrationSummary],
    )
    assert_type(
        await it.update(
            "mig_1", name="Move", description=None, strategy="speed", options={"batch_size": 500}, notifications=None
        ),
        AsyncMigration,
    )
    assert_type(await it.delete("mig_1", keep_logs=False, keep_metrics=False), MigrationDeleted)
    assert_type(
        await it.start("mig_1", skip_approval=True, start_from_phase="data_transfer", dry_run=True, plan_timeout=60),
        StartResult,
    )
    assert_type(await it.pause("mig_1", reason="Lunch", immediate=True), PauseResult)
    assert_type(await it.resume("mig_1"), ResumeResult)
    assert_type(await it.cancel("mig_1", reason="No", rollback=True, force=True), CancelResult)
    assert_type(await it.plan("mig_1"), AsyncMigrationPlan)
    assert_type(
        await it.approve_mapping("mig_1", "map_1", approved=False, override_transformation=None, comment="No"),
        AsyncMapping,
    )
    assert_type(await it.wait_for_plan("mig_1", timeout=60, interval=1, on_progress=print), AsyncMigrationPlan)
    assert_type(
        await it.wait("mig_1", timeout=None, interval=None, on_progress=print, raise_on_failure=True), AsyncMigration
    )
    assert_type(await it.status("mig_1"), MigrationStatusReport)
    assert_type(await it.metrics("mig_1"), MigrationMetrics)
    assert_type(it.logs("mig_1", level="warning", phase="validation", since=NOW, limit=5), AsyncPager[LogEntry])
    assert_type(
        it.stream_logs("mig_1", level="error", phase="cutover", since="2026-01-01T00:00:00Z", last_event_id="7"),
        AsyncEventStream,
    )
    assert_type(it.stream_events("mig_1", since=NOW, last_event_id=None), AsyncEventStream)
    assert_type(await it.source_schema("mig_1"), DatabaseSchema)
    assert_type(await it.target_schema("mig_1"), DatabaseSchema)
    assert_type(
        await it.rollback(
            "mig_1",
            strategy="truncate",
            verify_after=False,
            restore_to=NOW,
            backup_id="bkp_1",
            scope="phase",
            phase="data_transfer",
            tables=["orders"],
        ),
        RollbackResult,
    )
    assert_type(await it.rollback_status("mig_1"), RollbackStatus)
    assert_type(it.checkpoints("mig_1"), AsyncPager[Checkpoint])
    assert_type(await it.create_checkpoint("mig_1", reason="Before lunch"), Checkpoint)
    assert_type(await it.restore("mig_1", checkpoint_id="chk_1"), RestoreResult)
    assert_type(await it.schedule("mig_1"), Schedule)
    assert_type(
        await it.set_schedule(
            "mig_1",
            start_at=NOW,
            timezone="Europe/Paris",
            maintenance_window=window,
            maintenance_windows=[window],
            behavior={"outside_window": "fail"},
        ),
        Schedule,
    )
    assert_type(
        await it.update_schedule(
            "mig_1",
            start_at=None,
            timezone=None,
            maintenance_window=None,
            maintenance_windows=None,
            behavior={"complete_current_batch": False},
        ),
        Schedule,
    )
    await it.clear_schedule("mig_1")


async def use_migration_summary(it: AsyncMigrationSummary, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncMigrationSummary)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.is_finished, bool)
    assert_type(await it.fetch(), AsyncMigration)


async def use_migration(it: AsyncMigration, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncMigration)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.is_finished, bool)
    assert_type(it.percent, float)
    assert_type(it.records_processed, int)
    assert_type(await it.wait_for_plan(timeout=60, interval=1, on_progress=print), AsyncMigrationPlan)
    assert_type(await it.fetch_plan(), AsyncMigrationPlan)
    assert_type(
        await it.start(skip_approval=True, start_from_phase="cutover", dry_run=True, plan_timeout=None), AsyncMigration
    )
    assert_type(await it.pause(reason="Lunch", immediate=True), AsyncMigration)
    assert_type(await it.resume(), AsyncMigration)
    assert_type(await it.cancel(reason="No", rollback=UNSET, force=True), AsyncMigration)
    assert_type(
        await it.rollback(
            strategy="point_in_time",
            verify_after=True,
            restore_to=NOW,
            backup_id=UNSET,
            scope="full",
            phase=3,
            tables=UNSET,
        ),
        AsyncMigration,
    )
    assert_type(await it.wait(timeout=60, interval=1, on_progress=print, raise_on_failure=True), AsyncMigration)
    assert_type(it.stream_events(since=NOW, last_event_id="7"), AsyncEventStream)
    assert_type(it.stream_logs(level="info", phase="planning", since=NOW, last_event_id="7"), AsyncEventStream)
    assert_type(await it.run_validation(type="full", options={"behavioral": False}), AsyncValidation)
    assert_type(await it.refresh(), AsyncMigration)
    assert_type(await it.delete(keep_logs=False, keep_metrics=False), MigrationDeleted)


async def use_migration_plan(it: AsyncMigrationPlan, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncMigrationPlan)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.undecided, list[AsyncMapping])


async def use_plan_reference(it: AsyncPlanReference) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.mappings, list[AsyncMapping])
    assert_type(it.phases, list[PlanPhase])
    assert_type(it.risks, list[PlanRisk])
    assert_type(it.summary, PlanSummary | None)


async def use_mappings(it: AsyncMappings) -> None:
    assert_type(
        it.list("mig_1", status="pending_review", min_confidence=0.5, max_confidence=0.9, table="orders"),
        AsyncPager[AsyncMapping],
    )
    assert_type(await it.get("mig_1", "map_1"), AsyncMapping)
    assert_type(
        await it.update(
            "mig_1",
            "map_1",
            status="approved",
            approved=UNSET,
            transformation=None,
            transformation_type="custom",
            target={"schema": None, "table": "orders", "column": "total"},
            comment="Fits",
        ),
        AsyncMapping,
    )
    assert_type(await it.approve("mig_1", "map_1", override_transformation=None, comment="Fits"), AsyncMapping)
    assert_type(await it.reject("mig_1", "map_1", comment="No"), AsyncMapping)
    assert_type(
        await it.bulk_update("mig_1", updates=({"id": f"map_{number}", "approved": True} for number in range(3))),
        AsyncMappingBulkResult,
    )
    assert_type(await it.approve_all("mig_1", above=0.95, comment="Sure"), AsyncMappingBulkResult)


async def use_mapping(it: AsyncMapping, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncMapping)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.source_column, str)
    assert_type(it.target_column, str)
    assert_type(await it.approve(override_transformation="trim(x)", comment="Fits"), AsyncMapping)
    assert_type(await it.reject(comment="No"), AsyncMapping)
    assert_type(
        await it.update(
            status="rejected",
            transformation="trim(x)",
            transformation_type="custom",
            target={"table": "orders", "column": "total"},
            comment="Fits",
        ),
        AsyncMapping,
    )
    assert_type(await it.refresh(), AsyncMapping)


async def use_mapping_bulk_result(it: AsyncMappingBulkResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.failed, list[AsyncMappingResult])
    assert_type(it.summary.succeeded, int)


async def use_mapping_result(it: AsyncMappingResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])


async def use_errors(it: AsyncMigrationErrors) -> None:
    assert_type(it.list("mig_1", status="open", type="type_mismatch", table="orders"), AsyncPager[AsyncMigrationError])
    assert_type(await it.get("mig_1", "err_1"), AsyncMigrationError)
    assert_type(
        await it.resolve(
            "mig_1", "err_1", resolution="default", reason="Empty", transformation=UNSET, default_value="''", retry=True
        ),
        AsyncMigrationError,
    )
    assert_type(
        await it.resolve("mig_1", "err_1", resolution={"type": "transform", "transformation": "force_utf8"}),
        AsyncMigrationError,
    )
    assert_type(await it.retry("mig_1", "err_1", fix_applied="Column made wider"), AsyncMigrationError)
    assert_type(
        await it.bulk_resolve(
            "mig_1",
            error_ids=["err_1"],
            resolution="skip",
            reason="Test rows",
            transformation=UNSET,
            default_value=UNSET,
            retry=False,
        ),
        AsyncErrorBulkResult,
    )


async def use_error(it: AsyncMigrationError, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncMigrationError)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(await it.resolve("skip", reason="Test rows", retry=False), AsyncMigrationError)
    assert_type(await it.retry(fix_applied="Column made wider"), AsyncMigrationError)
    assert_type(await it.refresh(), AsyncMigrationError)


async def use_error_bulk_result(it: AsyncErrorBulkResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.failed, list[AsyncErrorResult])


async def use_error_result(it: AsyncErrorResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])


async def use_validations(it: AsyncValidations) -> None:
    assert_type(it.rules, AsyncValidationRules)
    assert_type(
        await it.create(migration_id="mig_1", type="full", options={"time_travel_checkpoints": 3}), AsyncValidation
    )
    assert_type(await it.run(migration_id="mig_1", type="quick", options={"structural": True}), AsyncValidation)
    assert_type(await it.get("val_1"), AsyncValidation)
    assert_type(it.list(migration_id="mig_1", status="completed", result="passed"), AsyncPager[AsyncValidation])
    assert_type(await it.cancel("val_1"), AsyncValidation)
    assert_type(await it.report("val_1", include_details=True), AsyncValidationReport)
    assert_type(await it.report("val_1", format="html"), str)
    assert_type(await it.report("val_1", format="pdf"), bytes)
    assert_type(await it.certificate("val_1"), AsyncCertificate)
    assert_type(
        await it.wait("val_1", timeout=60, interval=1, on_progress=print, raise_on_failure=True), AsyncValidation
    )


async def use_validation(it: AsyncValidation, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncValidation)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.is_finished, bool)
    assert_type(it.passed, bool)
    assert_type(await it.wait(timeout=60, interval=1, on_progress=print, raise_on_failure=True), AsyncValidation)
    assert_type(await it.certificate(), AsyncCertificate)
    assert_type(await it.report(include_details=True), AsyncValidationReport)
    assert_type(await it.cancel(), AsyncValidation)
    assert_type(await it.refresh(), AsyncValidation)


async def use_validation_report(it: AsyncValidationReport) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])


async def use_validation_rules(it: AsyncValidationRules) -> None:
    assert_type(
        await it.create(
            name="No orphans",
            rule="SELECT count(*) FROM orders WHERE customer_id IS NULL",
            expected=0,
            type="sql",
            description="Each order has a customer",
            severity="critical",
            migration_id="mig_1",
        ),
        AsyncValidationRule,
    )
    assert_type(it.list(migration_id="mig_1"), AsyncPager[AsyncValidationRule])
    await it.delete("rule_1")


async def use_validation_rule(it: AsyncValidationRule, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncValidationRule)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    await it.delete()


async def use_certificates(it: AsyncCertificates) -> None:
    assert_type(await it.get("cert_1"), AsyncCertificate)
    assert_type(await it.download("cert_1"), bytes)
    assert_type(await it.keys(), JsonWebKeySet)


async def use_certificate(it: AsyncCertificate, client: AsyncClient, keys: JsonWebKeySet) -> None:
    assert_type(it.attach(client), AsyncCertificate)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.received, bytes)
    await it.verify(keys=keys, now=NOW)
    assert_type(await it.check(keys={"keys": []}, now=NOW), Verdict)
    assert_type(await it.download(), bytes)
    assert_type(await it.refresh(), AsyncCertificate)


async def use_webhooks(it: AsyncWebhooks) -> None:
    assert_type(
        await it.create(
            url="https://example.com/hook",
            events=["migration.*", "error.occurred"],
            secret="whsec_my_own_secret",
            description="Ours",
            enabled=False,
        ),
        AsyncWebhookCreated,
    )
    assert_type(
        await it.bulk_create(webhooks=[{"url": "https://example.com/hook", "events": ["*"]}]), AsyncWebhookBulkResult
    )
    assert_type(await it.get("wh_1"), AsyncWebhook)
    assert_type(it.list(limit=5), AsyncPager[AsyncWebhook])
    assert_type(
        await it.update(
            "wh_1", url=UNSET, events=["approval.*"], secret="whsec_new_secret", description=None, enabled=True
        ),
        AsyncWebhook,
    )
    await it.delete("wh_1")
    assert_type(await it.test("wh_1", event_type="migration.failed"), WebhookDelivery)
    assert_type(it.deliveries("wh_1", status="failed", event_type="migration.completed"), AsyncPager[WebhookDelivery])
    assert_type(await it.retry_delivery("wh_1", "dlv_1"), WebhookDelivery)
    assert_type(
        it.unwrap(b"{}", HEADERS, secret=["old", "new"], tolerance=timedelta(minutes=5), seen=lambda _id: False),
        WebhookEvent,
    )


async def use_webhook(it: AsyncWebhook, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncWebhook)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(await it.test(event_type="migration.failed"), WebhookDelivery)
    assert_type(it.deliveries(status="pending", event_type="migration.paused"), AsyncPager[WebhookDelivery])
    assert_type(await it.refresh(), AsyncWebhook)
    await it.delete()


async def use_webhook_created(it: AsyncWebhookCreated, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncWebhookCreated)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.secret, str)
    assert_type(await it.test(event_type=UNSET), WebhookDelivery)
    assert_type(it.deliveries(status=None, event_type=None), AsyncPager[WebhookDelivery])
    assert_type(await it.refresh(), AsyncWebhookCreated)
    await it.delete()


async def use_webhook_bulk_result(it: AsyncWebhookBulkResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.failed, list[AsyncWebhookResult])


async def use_webhook_result(it: AsyncWebhookResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])


async def use_api_keys(it: AsyncApiKeys) -> None:
    assert_type(
        await it.create(
            name="CI",
            scopes=["migrations:read", "validation:*"],
            environment="sandbox",
            expires_at=NOW,
            ip_whitelist=["203.0.113.0/24"],
        ),
        AsyncApiKeyCreated,
    )
    assert_type(await it.get("key_1"), AsyncApiKey)
    assert_type(it.list(limit=5), AsyncPager[AsyncApiKey])
    assert_type(await it.update("key_1", name="CI", scopes=["*"], ip_whitelist=UNSET, expires_at=None), AsyncApiKey)
    await it.delete("key_1")
    assert_type(await it.rotate("key_1", expires_at=None, on_created=print), AsyncApiKeyCreated)


async def use_api_key(it: AsyncApiKey, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncApiKey)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(await it.rotate(on_created=print), AsyncApiKeyCreated)
    assert_type(await it.refresh(), AsyncApiKey)
    await it.delete()


async def use_api_key_created(it: AsyncApiKeyCreated, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncApiKeyCreated)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.key, str)
    assert_type(await it.rotate(on_created=None), AsyncApiKeyCreated)
    assert_type(await it.refresh(), AsyncApiKeyCreated)
    await it.delete()


async def use_service_accounts(it: AsyncServiceAccounts) -> None:
    assert_type(
        await it.create(name="Loader", scopes=["migrations:*"], description="Nightly", ip_whitelist=["203.0.113.7"]),
        AsyncServiceAccountCreated,
    )
    assert_type(await it.get("sa_1"), AsyncServiceAccountRecord)
    assert_type(it.list(limit=5), AsyncPager[AsyncServiceAccountRecord])
    await it.delete("sa_1")
    assert_type(await it.rotate("sa_1"), AsyncServiceAccountCreated)


async def use_service_account(it: AsyncServiceAccountRecord, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncServiceAccountRecord)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(await it.rotate(), AsyncServiceAccountCreated)
    await it.delete()


async def use_service_account_created(it: AsyncServiceAccountCreated, client: AsyncClient) -> None:
    assert_type(it.attach(client), AsyncServiceAccountCreated)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.credentials.client_id, str)
    assert_type(await it.rotate(), AsyncServiceAccountCreated)
    await it.delete()


async def use_oauth(it: AsyncOAuth) -> None:
    assert_type(
        it.authorization_url(
            client_id="id", redirect_uri="https://example.com", scopes=["*"], state="s", code_verifier="v" * 43
        ),
        AuthorizationRequest,
    )
    assert_type(
        await it.exchange_code(
            "code",
            redirect_uri="https://example.com",
            client_id="id",
            client_secret="secret",
            code_verifier="v" * 43,
            state="s",
            expected_state="s",
            client_auth="basic",
        ),
        OAuthTokenResponse,
    )
    assert_type(
        await it.client_credentials(client_id="id", client_secret="secret", scopes=["*"], client_auth="body"),
        OAuthTokenResponse,
    )
    assert_type(
        await it.refresh("token", client_id="id", client_secret="secret", scopes=["*"], client_auth="body"),
        OAuthTokenResponse,
    )
    await it.revoke(
        "token", token_type_hint="refresh_token", client_id="id", client_secret="secret", client_auth="body"
    )
    assert_type(
        await it.introspect(
            "token", token_type_hint="access_token", client_id="id", client_secret="secret", client_auth="basic"
        ),
        OAuthIntrospection,
    )


async def use_audit_logs(it: AsyncAuditLogs) -> None:
    assert_type(
        it.list(
            type="api",
            actor_id="key_1",
            action="migration.create",
            result="denied",
            created_after="2026-01-01",
            created_before=NOW,
        ),
        AsyncPager[AuditLog],
    )


async def use_usage(it: AsyncUsage) -> None:
    assert_type(await it.current(), UsageReport)
