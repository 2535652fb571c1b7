# Generated from tests/types/async_program/every_method.py by scripts/generate_sync.py: change that file and run the script.
"""A program that uses every public method with every argument, for type checkers to read; it is never run.

Each function uses one class, whose object it calls `it`. `tests/types/test_program.py` has mypy and pyright read it and
fails when a method or an argument is missing here.
"""

# pyright: strict

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from typing import assert_type

import httpx
from pydantic import BaseModel, TypeAdapter

from sensei import (
    UNSET,
    ApiKey,
    ApiKeyCreated,
    ApiKeys,
    AuditLogs,
    AuthorizationRequest,
    Certificate,
    Certificates,
    Client,
    Connection,
    Connections,
    ErrorBulkResult,
    ErrorResult,
    EventStream,
    Hooks,
    Mapping,
    MappingBulkResult,
    MappingResult,
    Mappings,
    Migration,
    MigrationError,
    MigrationErrors,
    MigrationPlan,
    Migrations,
    MigrationSummary,
    OAuth,
    OAuth2ClientCredentials,
    OAuth2Token,
    Page,
    PlanReference,
    RateLimit,
    RateLimiter,
    RawResponse,
    ResponseInfo,
    RetryPolicy,
    Sensei,
    ServiceAccount,
    ServiceAccountCreated,
    ServiceAccountRecord,
    ServiceAccounts,
    StreamEvent,
    Usage,
    Validation,
    ValidationReport,
    ValidationRule,
    ValidationRules,
    Validations,
    Verdict,
    Webhook,
    WebhookBulkResult,
    WebhookCreated,
    WebhookEvent,
    WebhookResult,
    Webhooks,
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


def clients() -> list[Client]:
    return [
        Client(),
        Sensei("sk_test_key", base_url="https://sensei.example.com", profile="team", timeout=20, deadline=None),
        Client(lambda: "sk_test_key", timeout=httpx.Timeout(20.0), max_retries=2, rate_limiter=None),
        Client(rate_limiter=RateLimiter(), retry=RetryPolicy(max_retries=3), deadline=60.0),
        Client(credentials=OAuth2ClientCredentials("id", "secret", scopes=["migrations:read"])),
        Client(credentials=OAuth2Token("access", "refresh", client_id="id", client_secret="secret")),
        Client(credentials=ServiceAccount(token="sat_token"), default_headers=HEADERS, app_info=("tool", "1.2")),
        Client(http_client=httpx.Client(), hooks=Hooks(), allow_insecure=True),
    ]


def use_client(it: Client, stored: Connection) -> None:
    with it as same:
        assert_type(same, Client)
    assert_type(it.base_url, str)
    assert_type(it.rate_limit, RateLimit | None)
    assert_type(it.api_keys, ApiKeys)
    assert_type(it.audit_logs, AuditLogs)
    assert_type(it.certificates, Certificates)
    assert_type(it.connections, Connections)
    assert_type(it.errors, MigrationErrors)
    assert_type(it.mappings, Mappings)
    assert_type(it.migrations, Migrations)
    assert_type(it.oauth, OAuth)
    assert_type(it.service_accounts, ServiceAccounts)
    assert_type(it.usage, Usage)
    assert_type(it.validations, Validations)
    assert_type(it.webhooks, Webhooks)
    assert_type(
        it.with_options(
            timeout=None, deadline=30, max_retries=1, retry=RetryPolicy(), headers=HEADERS, hooks=Hooks(on_retry=print)
        ),
        Client,
    )
    assert_type(it.request("GET", "/alerts", params={"limit": 5}, timeout=5, headers=HEADERS), RawResponse)
    assert_type(it.request("POST", "/alerts", json={"id": "a"}, cast_to=Alert, idempotency_key="k"), Alert)
    assert_type(it.request("GET", "/alerts", cast_to=TypeAdapter(list[Alert])), list[Alert])
    assert_type(it.attach(stored), Connection)
    it.close()


def use_page(it: Page[Connection]) -> None:
    assert_type(it.data, list[Connection])
    assert_type(it.pagination.total, int)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.has_more, bool)
    assert_type(it.token, str | None)
    assert_type(it.next_page(), Page[Connection])
    assert_type(it.iter_pages(), Generator[Page[Connection], None])
    assert_type(it.to_list(max_items=10), list[Connection])
    for connection in it:
        assert_type(connection, Connection)


def use_event_stream(it: EventStream) -> None:
    assert_type(it.last_event_id, str | None)
    assert_type(it.last_response, ResponseInfo | None)
    with it as same:
        assert_type(same, EventStream)
        for event in it:
            assert_type(event, StreamEvent)
            if isinstance(event, LogEvent):
                assert_type(event.message, str)
            elif isinstance(event, EndEvent):
                break
    it.close()


def use_connections(it: Connections) -> None:
    config: PostgresqlConfig = {"host": "db.example.com", "username": "ada", "password": "secret"}
    change: ConnectionConfigUpdate = {"password": "new", "ssl_ca": None}
    assert_type(
        it.create(
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
        Connection,
    )
    assert_type(it.create(name="S", type="sqlite", role="both", config={"path": "s.db"}), Connection)
    assert_type(it.get("conn_1", timeout=5, headers=HEADERS), Connection)
    assert_type(
        it.list(type="sqlite", role="target", status="connected", tag="shop", limit=20, offset=0, prefetch=1),
        Page[Connection],
    )
    assert_type(
        it.update("conn_1", name="Shop", description=None, config=change, options={"ssl_mode": None}, tags=UNSET),
        Connection,
    )
    it.delete("conn_1")
    assert_type(it.test("conn_1"), ConnectionTestResult)
    assert_type(
        it.test_config(
            type="mysql", config={"host": "h"}, connection_string=UNSET, role="source", options={"ssl_mode": "allow"}
        ),
        ConnectionTestResult,
    )
    assert_type(it.schema("conn_1", schema="public", table="orders", refresh=True), DatabaseSchema)
    assert_type(it.preview("conn_1", table="orders", schema=None, limit=5), TablePreview)
    assert_type(it.wait("conn_1", timeout=60, interval=1.0, on_progress=print), Connection)


def use_connection(it: Connection, client: Client) -> None:
    assert_type(it.attach(client), Connection)
    assert_type(it.id, str)
    assert_type(it.created_at, datetime)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.test(timeout=5), ConnectionTestResult)
    assert_type(it.fetch_schema(schema="public", table="orders", refresh=True), DatabaseSchema)
    assert_type(it.refresh(), Connection)
    assert_type(it.wait(timeout=None, interval=1.0, on_progress=print), Connection)
    it.delete()


def use_migrations(it: Migrations) -> None:
    source: MigrationSourceParam = {"connection_id": "conn_1", "schemas": ["public"], "exclude_tables": ["tmp_*"]}
    window: MaintenanceWindowParam = {"start": "22:00", "end": "04:00", "days": ["saturday"]}
    assert_type(
        it.create(
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
        Migration,
    )
    assert_type(
        it.create(
            source={"type": "mysql", "connection_string": "mysql://h/db"},
            target={"type": "postgresql", "connection_string": "postgresql://h/db"},
        ),
        Migration,
    )
    assert_type(it.get("mig_1"), Migration)
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
        Page[MigrationSummary],
    )
    assert_type(
        it.update(
            "mig_1", name="Move", description=None, strategy="speed", options={"batch_size": 500}, notifications=None
        ),
        Migration,
    )
    assert_type(it.delete("mig_1", keep_logs=False, keep_metrics=False), MigrationDeleted)
    assert_type(
        it.start("mig_1", skip_approval=True, start_from_phase="data_transfer", dry_run=True, plan_timeout=60),
        StartResult,
    )
    assert_type(it.pause("mig_1", reason="Lunch", immediate=True), PauseResult)
    assert_type(it.resume("mig_1"), ResumeResult)
    assert_type(it.cancel("mig_1", reason="No", rollback=True, force=True), CancelResult)
    assert_type(it.plan("mig_1"), MigrationPlan)
    assert_type(
        it.approve_mapping("mig_1", "map_1", approved=False, override_transformation=None, comment="No"),
        Mapping,
    )
    assert_type(it.wait_for_plan("mig_1", timeout=60, interval=1, on_progress=print), MigrationPlan)
    assert_type(it.wait("mig_1", timeout=None, interval=None, on_progress=print, raise_on_failure=True), Migration)
    assert_type(it.status("mig_1"), MigrationStatusReport)
    assert_type(it.metrics("mig_1"), MigrationMetrics)
    assert_type(it.logs("mig_1", level="warning", phase="validation", since=NOW, limit=5), Page[LogEntry])
    assert_type(
        it.stream_logs("mig_1", level="error", phase="cutover", since="2026-01-01T00:00:00Z", last_event_id="7"),
        EventStream,
    )
    assert_type(it.stream_events("mig_1", since=NOW, last_event_id=None), EventStream)
    assert_type(it.source_schema("mig_1"), DatabaseSchema)
    assert_type(it.target_schema("mig_1"), DatabaseSchema)
    assert_type(
        it.rollback(
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
    assert_type(it.rollback_status("mig_1"), RollbackStatus)
    assert_type(it.checkpoints("mig_1"), Page[Checkpoint])
    assert_type(it.create_checkpoint("mig_1", reason="Before lunch"), Checkpoint)
    assert_type(it.restore("mig_1", checkpoint_id="chk_1"), RestoreResult)
    assert_type(it.schedule("mig_1"), Schedule)
    assert_type(
        it.set_schedule(
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
        it.update_schedule(
            "mig_1",
            start_at=None,
            timezone=None,
            maintenance_window=None,
            maintenance_windows=None,
            behavior={"complete_current_batch": False},
        ),
        Schedule,
    )
    it.clear_schedule("mig_1")


def use_migration_summary(it: MigrationSummary, client: Client) -> None:
    assert_type(it.attach(client), MigrationSummary)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.is_finished, bool)
    assert_type(it.fetch(), Migration)


def use_migration(it: Migration, client: Client) -> None:
    assert_type(it.attach(client), Migration)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.is_finished, bool)
    assert_type(it.percent, float)
    assert_type(it.records_processed, int)
    assert_type(it.wait_for_plan(timeout=60, interval=1, on_progress=print), MigrationPlan)
    assert_type(it.fetch_plan(), MigrationPlan)
    assert_type(it.start(skip_approval=True, start_from_phase="cutover", dry_run=True, plan_timeout=None), Migration)
    assert_type(it.pause(reason="Lunch", immediate=True), Migration)
    assert_type(it.resume(), Migration)
    assert_type(it.cancel(reason="No", rollback=UNSET, force=True), Migration)
    assert_type(
        it.rollback(
            strategy="point_in_time",
            verify_after=True,
            restore_to=NOW,
            backup_id=UNSET,
            scope="full",
            phase=3,
            tables=UNSET,
        ),
        Migration,
    )
    assert_type(it.wait(timeout=60, interval=1, on_progress=print, raise_on_failure=True), Migration)
    assert_type(it.stream_events(since=NOW, last_event_id="7"), EventStream)
    assert_type(it.stream_logs(level="info", phase="planning", since=NOW, last_event_id="7"), EventStream)
    assert_type(it.run_validation(type="full", options={"behavioral": False}), Validation)
    assert_type(it.refresh(), Migration)
    assert_type(it.delete(keep_logs=False, keep_metrics=False), MigrationDeleted)


def use_migration_plan(it: MigrationPlan, client: Client) -> None:
    assert_type(it.attach(client), MigrationPlan)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.undecided, list[Mapping])


def use_plan_reference(it: PlanReference) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.mappings, list[Mapping])
    assert_type(it.phases, list[PlanPhase])
    assert_type(it.risks, list[PlanRisk])
    assert_type(it.summary, PlanSummary | None)


def use_mappings(it: Mappings) -> None:
    assert_type(
        it.list("mig_1", status="pending_review", min_confidence=0.5, max_confidence=0.9, table="orders"),
        Page[Mapping],
    )
    assert_type(it.get("mig_1", "map_1"), Mapping)
    assert_type(
        it.update(
            "mig_1",
            "map_1",
            status="approved",
            approved=UNSET,
            transformation=None,
            transformation_type="custom",
            target={"schema": None, "table": "orders", "column": "total"},
            comment="Fits",
        ),
        Mapping,
    )
    assert_type(it.approve("mig_1", "map_1", override_transformation=None, comment="Fits"), Mapping)
    assert_type(it.reject("mig_1", "map_1", comment="No"), Mapping)
    assert_type(
        it.bulk_update("mig_1", updates=({"id": f"map_{number}", "approved": True} for number in range(3))),
        MappingBulkResult,
    )
    assert_type(it.approve_all("mig_1", above=0.95, comment="Sure"), MappingBulkResult)


def use_mapping(it: Mapping, client: Client) -> None:
    assert_type(it.attach(client), Mapping)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.source_column, str)
    assert_type(it.target_column, str)
    assert_type(it.approve(override_transformation="trim(x)", comment="Fits"), Mapping)
    assert_type(it.reject(comment="No"), Mapping)
    assert_type(
        it.update(
            status="rejected",
            transformation="trim(x)",
            transformation_type="custom",
            target={"table": "orders", "column": "total"},
            comment="Fits",
        ),
        Mapping,
    )
    assert_type(it.refresh(), Mapping)


def use_mapping_bulk_result(it: MappingBulkResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.failed, list[MappingResult])
    assert_type(it.summary.succeeded, int)


def use_mapping_result(it: MappingResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])


def use_errors(it: MigrationErrors) -> None:
    assert_type(it.list("mig_1", status="open", type="type_mismatch", table="orders"), Page[MigrationError])
    assert_type(it.get("mig_1", "err_1"), MigrationError)
    assert_type(
        it.resolve(
            "mig_1", "err_1", resolution="default", reason="Empty", transformation=UNSET, default_value="''", retry=True
        ),
        MigrationError,
    )
    assert_type(
        it.resolve("mig_1", "err_1", resolution={"type": "transform", "transformation": "force_utf8"}),
        MigrationError,
    )
    assert_type(it.retry("mig_1", "err_1", fix_applied="Column made wider"), MigrationError)
    assert_type(
        it.bulk_resolve(
            "mig_1",
            error_ids=["err_1"],
            resolution="skip",
            reason="Test rows",
            transformation=UNSET,
            default_value=UNSET,
            retry=False,
        ),
        ErrorBulkResult,
    )


def use_error(it: MigrationError, client: Client) -> None:
    assert_type(it.attach(client), MigrationError)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.resolve("skip", reason="Test rows", retry=False), MigrationError)
    assert_type(it.retry(fix_applied="Column made wider"), MigrationError)
    assert_type(it.refresh(), MigrationError)


def use_error_bulk_result(it: ErrorBulkResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.failed, list[ErrorResult])


def use_error_result(it: ErrorResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])


def use_validations(it: Validations) -> None:
    assert_type(it.rules, ValidationRules)
    assert_type(it.create(migration_id="mig_1", type="full", options={"time_travel_checkpoints": 3}), Validation)
    assert_type(it.run(migration_id="mig_1", type="quick", options={"structural": True}), Validation)
    assert_type(it.get("val_1"), Validation)
    assert_type(it.list(migration_id="mig_1", status="completed", result="passed"), Page[Validation])
    assert_type(it.cancel("val_1"), Validation)
    assert_type(it.report("val_1", include_details=True), ValidationReport)
    assert_type(it.report("val_1", format="html"), str)
    assert_type(it.report("val_1", format="pdf"), bytes)
    assert_type(it.certificate("val_1"), Certificate)
    assert_type(it.wait("val_1", timeout=60, interval=1, on_progress=print, raise_on_failure=True), Validation)


def use_validation(it: Validation, client: Client) -> None:
    assert_type(it.attach(client), Validation)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.is_finished, bool)
    assert_type(it.passed, bool)
    assert_type(it.wait(timeout=60, interval=1, on_progress=print, raise_on_failure=True), Validation)
    assert_type(it.certificate(), Certificate)
    assert_type(it.report(include_details=True), ValidationReport)
    assert_type(it.cancel(), Validation)
    assert_type(it.refresh(), Validation)


def use_validation_report(it: ValidationReport) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])


def use_validation_rules(it: ValidationRules) -> None:
    assert_type(
        it.create(
            name="No orphans",
            rule="SELECT count(*) FROM orders WHERE customer_id IS NULL",
            expected=0,
            type="sql",
            description="Each order has a customer",
            severity="critical",
            migration_id="mig_1",
        ),
        ValidationRule,
    )
    assert_type(it.list(migration_id="mig_1"), Page[ValidationRule])
    it.delete("rule_1")


def use_validation_rule(it: ValidationRule, client: Client) -> None:
    assert_type(it.attach(client), ValidationRule)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    it.delete()


def use_certificates(it: Certificates) -> None:
    assert_type(it.get("cert_1"), Certificate)
    assert_type(it.download("cert_1"), bytes)
    assert_type(it.keys(), JsonWebKeySet)


def use_certificate(it: Certificate, client: Client, keys: JsonWebKeySet) -> None:
    assert_type(it.attach(client), Certificate)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.received, bytes)
    it.verify(keys=keys, now=NOW)
    assert_type(it.check(keys={"keys": []}, now=NOW), Verdict)
    assert_type(it.download(), bytes)
    assert_type(it.refresh(), Certificate)


def use_webhooks(it: Webhooks) -> None:
    assert_type(
        it.create(
            url="https://example.com/hook",
            events=["migration.*", "error.occurred"],
            secret="whsec_my_own_secret",
            description="Ours",
            enabled=False,
        ),
        WebhookCreated,
    )
    assert_type(it.bulk_create(webhooks=[{"url": "https://example.com/hook", "events": ["*"]}]), WebhookBulkResult)
    assert_type(it.get("wh_1"), Webhook)
    assert_type(it.list(limit=5), Page[Webhook])
    assert_type(
        it.update("wh_1", url=UNSET, events=["approval.*"], secret="whsec_new_secret", description=None, enabled=True),
        Webhook,
    )
    it.delete("wh_1")
    assert_type(it.test("wh_1", event_type="migration.failed"), WebhookDelivery)
    assert_type(it.deliveries("wh_1", status="failed", event_type="migration.completed"), Page[WebhookDelivery])
    assert_type(it.retry_delivery("wh_1", "dlv_1"), WebhookDelivery)
    assert_type(
        it.unwrap(b"{}", HEADERS, secret=["old", "new"], tolerance=timedelta(minutes=5), seen=lambda _id: False),
        WebhookEvent,
    )


def use_webhook(it: Webhook, client: Client) -> None:
    assert_type(it.attach(client), Webhook)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.test(event_type="migration.failed"), WebhookDelivery)
    assert_type(it.deliveries(status="pending", event_type="migration.paused"), Page[WebhookDelivery])
    assert_type(it.refresh(), Webhook)
    it.delete()


def use_webhook_created(it: WebhookCreated, client: Client) -> None:
    assert_type(it.attach(client), WebhookCreated)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.secret, str)
    assert_type(it.test(event_type=UNSET), WebhookDelivery)
    assert_type(it.deliveries(status=None, event_type=None), Page[WebhookDelivery])
    assert_type(it.refresh(), WebhookCreated)
    it.delete()


def use_webhook_bulk_result(it: WebhookBulkResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.failed, list[WebhookResult])


def use_webhook_result(it: WebhookResult) -> None:
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])


def use_api_keys(it: ApiKeys) -> None:
    assert_type(
        it.create(
            name="CI",
            scopes=["migrations:read", "validation:*"],
            environment="sandbox",
            expires_at=NOW,
            ip_whitelist=["203.0.113.0/24"],
        ),
        ApiKeyCreated,
    )
    assert_type(it.get("key_1"), ApiKey)
    assert_type(it.list(limit=5), Page[ApiKey])
    assert_type(it.update("key_1", name="CI", scopes=["*"], ip_whitelist=UNSET, expires_at=None), ApiKey)
    it.delete("key_1")
    assert_type(it.rotate("key_1", expires_at=None, on_created=print), ApiKeyCreated)


def use_api_key(it: ApiKey, client: Client) -> None:
    assert_type(it.attach(client), ApiKey)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.rotate(on_created=print), ApiKeyCreated)
    assert_type(it.refresh(), ApiKey)
    it.delete()


def use_api_key_created(it: ApiKeyCreated, client: Client) -> None:
    assert_type(it.attach(client), ApiKeyCreated)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.key, str)
    assert_type(it.rotate(on_created=None), ApiKeyCreated)
    assert_type(it.refresh(), ApiKeyCreated)
    it.delete()


def use_service_accounts(it: ServiceAccounts) -> None:
    assert_type(
        it.create(name="Loader", scopes=["migrations:*"], description="Nightly", ip_whitelist=["203.0.113.7"]),
        ServiceAccountCreated,
    )
    assert_type(it.get("sa_1"), ServiceAccountRecord)
    assert_type(it.list(limit=5), Page[ServiceAccountRecord])
    it.delete("sa_1")
    assert_type(it.rotate("sa_1"), ServiceAccountCreated)


def use_service_account(it: ServiceAccountRecord, client: Client) -> None:
    assert_type(it.attach(client), ServiceAccountRecord)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.rotate(), ServiceAccountCreated)
    it.delete()


def use_service_account_created(it: ServiceAccountCreated, client: Client) -> None:
    assert_type(it.attach(client), ServiceAccountCreated)
    assert_type(it.last_response, ResponseInfo | None)
    assert_type(it.to_dict(), dict[str, object])
    assert_type(it.credentials.client_id, str)
    assert_type(it.rotate(), ServiceAccountCreated)
    it.delete()


def use_oauth(it: OAuth) -> None:
    assert_type(
        it.authorization_url(
            client_id="id", redirect_uri="https://example.com", scopes=["*"], state="s", code_verifier="v" * 43
        ),
        AuthorizationRequest,
    )
    assert_type(
        it.exchange_code(
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
        it.client_credentials(client_id="id", client_secret="secret", scopes=["*"], client_auth="body"),
        OAuthTokenResponse,
    )
    assert_type(
        it.refresh("token", client_id="id", client_secret="secret", scopes=["*"], client_auth="body"),
        OAuthTokenResponse,
    )
    it.revoke("token", token_type_hint="refresh_token", client_id="id", client_secret="secret", client_auth="body")
    assert_type(
        it.introspect(
            "token", token_type_hint="access_token", client_id="id", client_secret="secret", client_auth="basic"
        ),
        OAuthIntrospection,
    )


def use_audit_logs(it: AuditLogs) -> None:
    assert_type(
        it.list(
            type="api",
            actor_id="key_1",
            action="migration.create",
            result="denied",
            created_after="2026-01-01",
            created_before=NOW,
        ),
        Page[AuditLog],
    )


def use_usage(it: Usage) -> None:
    assert_type(it.current(), UsageReport)
