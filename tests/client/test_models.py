"""What models promise: the contract, member by member; room for growth; no secret shown."""

from __future__ import annotations

import copy
import pickle
import typing
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import to_json

import sensei.models as models
from sensei._sync.resources import (
    api_keys,
    certificates,
    connections,
    errors,
    mappings,
    migration,
    service_accounts,
    validation_rules,
    validations,
    webhooks,
)
from sensei.models.base import Model
from sensei.models.events import parse_stream_event
from sensei.models.params import access, review
from sensei.models.params import connections as connection_params
from sensei.models.params import migrations as migration_params
from sensei.models.params import validations as validation_params
from tests.client.wire import equal, operations
from tests.support.contract import document

ANSWERS: dict[str, type[Model]] = {
    "Pagination": models.Pagination,
    "ProblemSummary": models.Problem,
    "BulkSummary": models.BulkSummary,
    "ConnectionOptions": models.ConnectionOptions,
    "Connection": connections.Connection,
    "ConnectionTestResult": models.ConnectionTestResult,
    "DatabaseSchema": models.DatabaseSchema,
    "SchemaSummary": models.SchemaSummary,
    "SchemaNamespace": models.SchemaNamespace,
    "SchemaTable": models.SchemaTable,
    "SchemaColumn": models.SchemaColumn,
    "SchemaForeignKey": models.SchemaForeignKey,
    "SchemaIndex": models.SchemaIndex,
    "TablePreview": models.TablePreview,
    "TypeMapping": models.TypeMapping,
    "MaintenanceWindow": models.MaintenanceWindow,
    "ScheduleBehavior": models.ScheduleBehavior,
    "Schedule": models.Schedule,
    "Notifications": models.Notifications,
    "MigrationSource": models.MigrationSource,
    "MigrationTarget": models.MigrationTarget,
    "PhaseProgress": models.PhaseProgress,
    "MigrationProgress": models.MigrationProgress,
    "MigrationCounters": models.MigrationCounters,
    "MigrationTiming": models.MigrationTiming,
    "Migration": migration.Migration,
    "MigrationSummary": migration.MigrationSummary,
    "ActionBase": models.ActionResult,
    "StartResult": models.StartResult,
    "PauseResult": models.PauseResult,
    "ResumeResult": models.ResumeResult,
    "CancelResult": models.CancelResult,
    "RestoreResult": models.RestoreResult,
    "RollbackResult": models.RollbackResult,
    "MigrationDeleted": models.MigrationDeleted,
    "MigrationStatusReport": models.MigrationStatusReport,
    "ColumnRef": models.ColumnRef,
    "Mapping": mappings.Mapping,
    "MappingBulkResult": mappings.MappingBulkResult,
    "MigrationPlan": migration.MigrationPlan,
    "PlanSummary": models.PlanSummary,
    "PlanPhase": models.PlanPhase,
    "PlanRisk": models.PlanRisk,
    "LogEntry": models.LogEntry,
    "StreamProgress": models.ProgressEvent,
    "StreamPhase": models.PhaseEvent,
    "StreamStatus": models.StatusEvent,
    "StreamError": models.ErrorEvent,
    "StreamEnd": models.EndEvent,
    "MigrationMetrics": models.MigrationMetrics,
    "TableMetrics": models.TableMetrics,
    "MigrationError": errors.MigrationError,
    "ErrorResolution": models.ErrorResolution,
    "ErrorBulkResolveResult": errors.ErrorBulkResult,
    "Checkpoint": models.Checkpoint,
    "RollbackStatus": models.RollbackStatus,
    "ValidationOptions": models.ValidationOptions,
    "ValidationIssue": models.ValidationIssue,
    "PerspectiveBase": models.Perspective,
    "StructuralResult": models.StructuralResult,
    "StatisticalResult": models.StatisticalResult,
    "ReferentialResult": models.ReferentialResult,
    "SemanticResult": models.SemanticResult,
    "BehavioralResult": models.BehavioralResult,
    "ValidationResults": models.ValidationResults,
    "Validation": validations.Validation,
    "ValidationReport": validations.ValidationReport,
    "ValidationRule": validation_rules.ValidationRule,
    "Certificate": certificates.Certificate,
    "Attestations": models.Attestations,
    "CertificateFindings": models.CertificateFindings,
    "CertificateException": models.CertificateException,
    "CertificateArtifact": models.CertificateArtifact,
    "JsonWebKeySet": models.JsonWebKeySet,
    "JsonWebKey": models.JsonWebKey,
    "Webhook": webhooks.Webhook,
    "WebhookCreated": webhooks.WebhookCreated,
    "WebhookBulkResult": webhooks.WebhookBulkResult,
    "WebhookAttempt": models.WebhookAttempt,
    "WebhookDelivery": models.WebhookDelivery,
    "MigrationEventData": models.MigrationEventData,
    "PhaseEventData": models.PhaseEventData,
    "ApprovalEventData": models.ApprovalEventData,
    "ErrorEventData": models.ErrorEventData,
    "ValidationEventData": models.ValidationEventData,
    "CertificateEventData": models.CertificateEventData,
    "ApiKey": api_keys.ApiKey,
    "ApiKeyCreated": api_keys.ApiKeyCreated,
    "ServiceAccount": service_accounts.ServiceAccountRecord,
    "ServiceAccountCredentials": models.ServiceAccountCredentials,
    "ServiceAccountCreated": service_accounts.ServiceAccountCreated,
    "AuditLog": models.AuditLog,
    "Usage": models.UsageReport,
    "OAuthToken": models.OAuthTokenResponse,
    "OAuthIntrospection": models.OAuthIntrospection,
}

REQUESTS: dict[str, Any] = {
    "SshTunnel": connection_params.SshTunnel,
    "PostgresqlConfig": connection_params.PostgresqlConfig,
    "MysqlConfig": connection_params.MysqlConfig,
    "OracleConfig": connection_params.OracleConfig,
    "SqlserverConfig": connection_params.SqlserverConfig,
    "MongodbConfig": connection_params.MongodbConfig,
    "SnowflakeConfig": connection_params.SnowflakeConfig,
    "BigqueryConfig": connection_params.BigqueryConfig,
    "RedshiftConfig": connection_params.RedshiftConfig,
    "DatabricksConfig": connection_params.DatabricksConfig,
    "S3Config": connection_params.S3Config,
    "SqliteConfig": connection_params.SqliteConfig,
    "ConnectionOptions": connection_params.ConnectionOptionsParam,
    "SqliteConnectionCreate": connection_params.ConnectionCreateBody,
    "ConnectionUpdate": connection_params.ConnectionUpdateBody,
    "ConnectionTestRequest": connection_params.ConnectionTestBody,
    "MigrationSourceByConnection": migration_params.MigrationSourceByConnection,
    "MigrationSourceInline": migration_params.MigrationSourceInline,
    "TargetOptions": migration_params.TargetOptionsParam,
    "MigrationTargetByConnection": migration_params.MigrationTargetByConnection,
    "MigrationTargetInline": migration_params.MigrationTargetInline,
    "TypeMapping": migration_params.TypeMappingParam,
    "MigrationOptions": migration_params.MigrationOptionsParam,
    "MaintenanceWindow": migration_params.MaintenanceWindowParam,
    "ScheduleBehavior": migration_params.ScheduleBehaviorParam,
    "ScheduleInput": migration_params.ScheduleParam,
    "ScheduleUpdate": migration_params.ScheduleUpdateBody,
    "Notifications": migration_params.NotificationsParam,
    "MigrationCreate": migration_params.MigrationCreateBody,
    "MigrationUpdate": migration_params.MigrationUpdateBody,
    "MigrationStart": migration_params.MigrationStartBody,
    "MigrationPause": migration_params.MigrationPauseBody,
    "MigrationCancel": migration_params.MigrationCancelBody,
    "CheckpointCreate": migration_params.CheckpointCreateBody,
    "RestoreRequest": migration_params.RestoreBody,
    "RollbackRequest": migration_params.RollbackBody,
    "ColumnRef": review.ColumnRefParam,
    "MappingUpdate": review.MappingUpdateBody,
    "MappingBulkItem": review.MappingChangeParam,
    "MappingBulkUpdate": review.MappingBulkBody,
    "MappingApproval": review.MappingApprovalBody,
    "ErrorResolutionInput": review.ErrorResolutionParam,
    "ErrorResolveRequest": review.ErrorResolveBody,
    "ErrorBulkResolveRequest": review.ErrorBulkResolveBody,
    "ErrorRetryRequest": review.ErrorRetryBody,
    "ValidationOptions": validation_params.ValidationOptionsParam,
    "ValidationCreate": validation_params.ValidationCreateBody,
    "ValidationRuleCreate": validation_params.RuleCreateBody,
    "WebhookCreate": access.WebhookCreateParam,
    "WebhookUpdate": access.WebhookUpdateBody,
    "WebhookBulkCreate": access.WebhookBulkBody,
    "WebhookTestRequest": access.WebhookTestBody,
    "ApiKeyCreate": access.ApiKeyCreateBody,
    "ApiKeyUpdate": access.ApiKeyUpdateBody,
    "ServiceAccountCreate": access.ServiceAccountCreateBody,
}

# What the stream itself says, and the older settings that only requests know.
BESIDE_THE_CONTRACT = {"id", "type", "message", "percent", "phase", "timestamp"}
DEPRECATED = {"auto_approve_high_confidence", "notify_on_completion"}


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"][name]
    return found


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = schema(node["$ref"].rpartition("/")[2])
    return node


def members(node: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Properties and required names, `allOf` included."""
    node = resolved(node)
    properties, required = dict(node.get("properties", {})), set(node.get("required", []))
    for part in node.get("allOf", []):
        more, needed = members(part)
        properties |= more
        required |= needed
    return properties, required


def literals(annotation: Any) -> set[str]:
    """The values of every Literal in an annotation."""
    if typing.get_origin(annotation) is typing.Literal:
        return {value for value in typing.get_args(annotation) if isinstance(value, str)}
    return {value for part in typing.get_args(annotation) for value in literals(part)}


def is_required(shape: Any, hint: Any) -> bool:
    """Whether a member of a TypedDict must be given."""
    return typing.get_origin(hint) is typing.Required or bool(shape.__total__)


def known_values(node: dict[str, Any]) -> set[str]:
    """The values that the contract lists for a member."""
    node = resolved(node)
    found = {value for value in (node.get("x-extensible-enum") or node.get("enum") or []) if value is not None}
    for part in [*node.get("anyOf", []), *node.get("oneOf", []), *([node["items"]] if "items" in node else [])]:
        found |= known_values(part)
    return found


class TestModelsFollowTheContract:
    @pytest.mark.parametrize("name", ANSWERS)
    def test_every_member_is_there_and_only_what_is_required_is_insisted_on(self, name: str) -> None:
        properties, required = members(schema(name))
        model = ANSWERS[name]
        fields = {str(field.validation_alias or own): field for own, field in model.model_fields.items()}
        extra = BESIDE_THE_CONTRACT if name.startswith("Stream") else set()
        assert fields.keys() - extra == properties.keys() - DEPRECATED - extra
        assert {own for own, field in fields.items() if field.is_required()} == required

    @pytest.mark.parametrize("name", ANSWERS)
    def test_the_known_values_of_open_sets_are_named(self, name: str) -> None:
        properties, _ = members(schema(name))
        hints = typing.get_type_hints(ANSWERS[name], include_extras=True)
        for own, described in properties.items():
            wanted = known_values(described)
            spelt = {"E1001"} & wanted or {"invalid_request"} & wanted  # codes are texts: there are too many to list
            if wanted and not spelt and resolved(described).get("type") != "object":
                assert literals(hints.get(own, hints.get(f"{own}_"))) >= wanted, own

    @pytest.mark.parametrize("name", REQUESTS)
    def test_every_member_of_a_request_can_be_given(self, name: str) -> None:
        properties, required = members(schema(name))
        shape = REQUESTS[name]
        hints = typing.get_type_hints(shape, include_extras=True)
        assert hints.keys() == properties.keys()
        assert {own for own in hints if is_required(shape, hints[own])} == required
        for own, described in properties.items():
            wanted = known_values(described)
            if wanted and literals(hints[own]):
                assert literals(hints[own]) >= wanted, own

    def test_every_schema_is_covered(self) -> None:
        simple = {name for name in document()["components"]["schemas"] if not members(schema(name))[0]}
        lists = {name for name in document()["components"]["schemas"] if name.endswith("List")}
        creates = {name for name in document()["components"]["schemas"] if name.endswith("ConnectionCreate")}
        parts = {
            "ErrorResponse", "Error", "ErrorDetails", "ConfigCommon", "ConfigNetwork", "ConnectionCreateBase",
            "PlanReference", "MappingChange", "ResourceLinks", "EventMigrationRef",
            "OAuthAuthorizationCodeGrant", "OAuthClientCredentialsGrant", "OAuthRefreshTokenGrant",
            "OAuthTokenReference", "OAuthError", "WebhookEvent",
        }  # fmt: skip
        covered = ANSWERS.keys() | REQUESTS.keys() | simple | lists | creates | parts
        assert document()["components"]["schemas"].keys() == covered | {"MigrationOptions"}

    def test_all_names_of_the_package_are_there(self) -> None:
        assert {*models._HOME, "params"} == set(models.__all__)
        assert all(getattr(models, name) is not None for name in models.__all__)
        with pytest.raises(AttributeError, match="Problm"):
            _ = models.Problm  # type: ignore[attr-defined]


def examples() -> Iterator[tuple[str, type[Model], dict[str, Any]]]:
    """Objects of the contract's answers, with the model that reads each."""
    one = {
        "connections.get": connections.Connection,
        "connections.test": models.ConnectionTestResult,
        "connections.schema.get": models.DatabaseSchema,
        "connections.preview": models.TablePreview,
        "migrations.get": migration.Migration,
        "migrations.plan.get": migration.MigrationPlan,
        "migrations.status.get": models.MigrationStatusReport,
        "migrations.metrics.get": models.MigrationMetrics,
        "migrations.rollback.get": models.RollbackStatus,
        "migrations.schedule.get": models.Schedule,
        "mappings.get": mappings.Mapping,
        "mappings.bulk_update": mappings.MappingBulkResult,
        "errors.get": errors.MigrationError,
        "validations.get": validations.Validation,
        "validations.report.get": validations.ValidationReport,
        "certificates.get": certificates.Certificate,
        "webhooks.create": webhooks.WebhookCreated,
        "webhooks.test": models.WebhookDelivery,
        "api_keys.create": api_keys.ApiKeyCreated,
        "service_accounts.create": service_accounts.ServiceAccountCreated,
        "usage.current.get": models.UsageReport,
    }
    for operation, model in one.items():
        for name, (_, value) in operations()[operation].answers().items():
            yield f"{operation}-{name}", model, value


EXAMPLES = list(examples())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
# Names that pydantic or Python could mistake for their own are the interesting ones.
NEW_NAMES = st.sampled_from(["copy", "json", "schema", "dict", "validate", "construct", "model_x", "class", "new"]) | (
    st.text(min_size=1, max_size=12)
)


def grown(value: Any, name: str, extra: Any) -> Any:
    """`value` with one more member in every object of it; `links` holds texts only, as the contract says."""
    if isinstance(value, dict):
        larger = {own: member if own == "links" else grown(member, name, extra) for own, member in value.items()}
        return larger if name in larger else {**larger, name: extra}
    if isinstance(value, list):
        return [grown(item, name, extra) for item in value]
    return value


class TestGrowth:
    @settings(derandomize=True, deadline=None, max_examples=300)
    @given(example=st.sampled_from(EXAMPLES), name=NEW_NAMES, extra=VALUES)
    def test_unknown_members_are_kept_everywhere(
        self, example: tuple[str, type[Model], dict[str, Any]], name: str, extra: Any
    ) -> None:
        _, model, value = example
        known = {own for cls in ANSWERS.values() for own in [*cls.model_fields, *cls.__class_vars__]}
        if name in known:
            return
        larger = grown(value, name, extra)
        read = model.model_validate_json(to_json(larger))
        assert equal(read.to_dict(), larger)
        if name.isidentifier() and not hasattr(model, name):
            assert getattr(read, name) == extra

    @settings(derandomize=True, deadline=None, max_examples=200)
    @given(example=st.sampled_from(EXAMPLES), word=st.text(min_size=1, max_size=20))
    def test_an_unknown_value_of_an_open_set_is_text(
        self, example: tuple[str, type[Model], dict[str, Any]], word: str
    ) -> None:
        _, model, value = example
        for own, field in model.model_fields.items():
            if literals(field.annotation) and isinstance(value.get(own), str):
                read = model.model_validate_json(to_json({**value, own: word}))
                assert getattr(read, own) == word
                assert type(getattr(read, own)) is str

    def test_a_null_where_a_member_is_optional_is_none(self) -> None:
        for _, model, value in EXAMPLES:
            properties, required = members(schema(next(name for name, cls in ANSWERS.items() if cls is model)))
            nullable = {
                own: None
                for own, described in properties.items()
                if own not in required and own in value and "array" not in str(resolved(described).get("type"))
                and resolved(described).get("type") != "object" and "$ref" not in described
            }  # fmt: skip
            model.model_validate_json(to_json({**value, **nullable}))

    def test_what_the_contract_insists_on_must_be_there(self) -> None:
        with pytest.raises(ValidationError, match="status"):
            migration.Migration.model_validate_json('{"id": "mig_1", "name": "n"}')

    def test_pydantic_warns_of_nothing(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")

            class Wire(Model):
                schema: str | None = None  # type: ignore[assignment]  # the point of the test
                copy: int  # type: ignore[assignment]  # the point of the test
                validate: list[str]  # type: ignore[assignment]  # the point of the test

            read = Wire.model_validate_json('{"copy": 1, "validate": ["a"], "json": {"b": 2}}')
        assert (read.schema, read.copy, read.validate) == (None, 1, ["a"])
        assert read.model_extra == {"json": {"b": 2}}
        with pytest.raises(ValidationError, match="copy"):
            Wire.model_validate_json('{"validate": []}')


class TestInstants:
    def test_they_are_aware(self) -> None:
        read = models.Checkpoint.model_validate_json(
            '{"id": "ckpt_1", "type": "manual", "timestamp": "2026-02-02T15:00:00.250+01:00"}'
        )
        assert read.timestamp == datetime(2026, 2, 2, 14, 0, 0, 250_000, tzinfo=UTC)
        assert read.timestamp.tzinfo is not None

    def test_one_without_a_zone_is_no_answer_of_the_contract(self) -> None:
        with pytest.raises(ValidationError, match="timezone"):
            models.Checkpoint.model_validate_json('{"id": "c", "type": "manual", "timestamp": "2026-02-02T15:00:00"}')


SECRETS = [
    (webhooks.WebhookCreated, "webhooks.create", ["secret"]),
    (api_keys.ApiKeyCreated, "api_keys.create", ["key"]),
    (service_accounts.ServiceAccountCreated, "service_accounts.create", ["client_secret", "token"]),
]


class TestSecrets:
    @pytest.mark.parametrize(("model", "operation", "names"), SECRETS, ids=[case[1] for case in SECRETS])
    def test_shown_once_kept_here_and_nowhere_else(self, model: type[Model], operation: str, names: list[str]) -> None:
        _, value = next(iter(operations()[operation].answers().values()))
        read: Any = model.model_validate_json(to_json(value))
        holder = read.credentials if "credentials" in value else read
        texts = [getattr(holder, name) for name in names]
        assert texts == [value.get("credentials", value)[name] for name in names]
        stored = pickle.dumps(read)
        for text in texts:
            assert text not in repr(read)
            assert text not in str(read)
            assert text not in repr(holder)
            assert text.encode() not in stored
            assert text in str(read.to_dict())
        again = pickle.loads(stored)
        again_holder = again.credentials if "credentials" in value else again
        assert again.id == read.id
        for name in names:
            assert f"{name}='***'" in repr(holder)
            with pytest.raises(AttributeError, match="never written into a pickle"):
                getattr(again_holder, name)
        copied = copy.deepcopy(read)
        copied_holder = copied.credentials if "credentials" in value else copied
        assert [getattr(copied_holder, name) for name in names] == texts

    def test_open_objects_are_only_counted_in_print(self) -> None:
        read = models.LogEntry.model_validate_json(
            '{"timestamp": "2026-02-02T15:00:00Z", "level": "info", "message": "m", "data": {"password": "hunter2"},'
            ' "token": "hunter2"}'
        )
        problem = models.Problem(code="c", message="m", details={"password": "hunter2"})
        assert "hunter2" not in repr(read) + str(read) + repr(problem)


class TestPrint:
    def test_it_is_short(self) -> None:
        for _, model, value in EXAMPLES:
            assert len(repr(model.model_validate_json(to_json(value)))) < 400

    def test_it_names_what_matters(self) -> None:
        _, value = operations()["migrations.get"].answers()["running"]
        read = migration.Migration.model_validate_json(to_json(value))
        assert repr(read).startswith(f"Migration(id='{read.id}', name='{read.name}', status='running'")

    @pytest.mark.parametrize(
        ("column", "text"),
        [
            (models.ColumnRef(schema="hr", table="employees", column="name"), "hr.employees.name"),
            (models.ColumnRef(schema=None, table="employees", column="name"), "employees.name"),
        ],
    )
    def test_columns_print_as_their_path(self, column: models.ColumnRef, text: str) -> None:
        assert str(column) == text

    def test_problems_print_as_their_message(self) -> None:
        assert str(models.Problem(code="plan_failed", message="The source is empty.")) == "The source is empty."


class TestFlatNames:
    def test_of_a_migration(self) -> None:
        _, value = operations()["migrations.get"].answers()["completed"]
        read = migration.Migration.model_validate_json(to_json(value))
        assert read.records_processed == value["metrics"]["records_processed"] > 0
        assert read.percent == 100.0
        assert read.error is None
        assert read.is_finished
        bare = migration.Migration.model_validate_json('{"id": "m", "name": "n", "status": "running"}')
        assert (bare.records_processed, bare.percent, bare.is_finished) == (0, 0.0, False)

    def test_of_a_failed_migration_the_error_is_its_message(self) -> None:
        _, value = operations()["migrations.get"].answers()["failed"]
        read = migration.Migration.model_validate_json(to_json(value))
        assert f"{read.error}" == value["error"]["message"]

    def test_of_a_mapping(self) -> None:
        _, value = operations()["mappings.get"].answers()["review"]
        read = mappings.Mapping.model_validate_json(to_json(value))
        assert (read.source_column, read.target_column) == (value["source"]["column"], value["target"]["column"])
        assert f"{read.source} -> {read.target}" == (
            f"{value['source']['schema']}.{value['source']['table']}.{value['source']['column']} -> "
            f"{value['target']['schema']}.{value['target']['table']}.{value['target']['column']}"
        )

    def test_the_plan_is_an_error_until_it_is_here(self) -> None:
        read = migration.Migration.model_validate_json(
            '{"id": "m", "name": "n", "status": "planning", "plan": {"status": "generating"}}'
        )
        assert read.plan.status == "generating"
        for name in ("mappings", "phases", "risks", "summary"):
            with pytest.raises(ValueError, match=r"wait_for_plan\(\)"):
                getattr(read.plan, name)


class TestStreamEvents:
    @pytest.mark.parametrize(
        ("name", "data", "cls", "expected"),
        [
            ("log", '{"timestamp": "2026-02-02T16:00:01Z", "level": "info", "message": "m", "phase": null}',
             models.LogEvent, ("log", "planning", "m", None)),
            ("progress", '{"phase": "data_transfer", "percent": 45, "records_processed": 9, "records_total": 1800}',
             models.ProgressEvent,
             ("progress", "data_transfer", "data_transfer: 45 %, 9 of 1,800 records", 45.0)),
            ("phase", '{"phase": "cutover", "action": "started"}', models.PhaseEvent, ("phase", "cutover", "", None)),
            ("status", '{"status": "running", "message": "go"}',
             models.StatusEvent, ("status", "planning", "go", None)),
            ("error", '{"action": "occurred", "error_type": "network", "message": "m"}',
             models.ErrorEvent, ("error", "planning", "m", None)),
            ("end", '{"status": "failed", "error": {"code": "c", "message": "m"}}',
             models.EndEvent, ("end", "planning", "", None)),
            ("checkpoint", '{"message": "new", "percent": 3, "type": "mine", "id": 7}',
             models.UnknownEvent, ("checkpoint", "planning", "new", 3.0)),
            ("checkpoint", "no json", models.UnknownEvent, ("checkpoint", "planning", "", None)),
            ("checkpoint", "[1, 2]", models.UnknownEvent, ("checkpoint", "planning", "", None)),
        ],
    )  # fmt: skip
    def test_all_have_type_phase_message_and_percent(
        self, name: str, data: str, cls: type[Any], expected: tuple[str, str, str, float | None]
    ) -> None:
        event = parse_stream_event(name, data, "19", "planning")
        assert type(event) is cls
        assert event.id == "19"
        assert (event.type, event.phase, event.message, event.percent) == expected

    def test_data_that_is_no_object_is_kept_as_text(self) -> None:
        event = parse_stream_event("checkpoint", "[1, 2]")
        assert isinstance(event, models.UnknownEvent)
        assert event.raw == "[1, 2]"

    def test_the_stream_of_the_contract_reads(self) -> None:
        text: str = operations()["migrations.events.stream"].described["responses"]["200"]["content"][
            "text/event-stream"
        ]["example"]
        blocks = [block for block in text.split("\n\n") if "event:" in block]
        assert blocks
        for block in blocks:
            lines = dict(line.split(": ", 1) for line in block.strip().splitlines() if ": " in line)
            event = parse_stream_event(lines["event"], lines["data"], lines["id"])
            assert (event.type, event.id) == (lines["event"], lines["id"])
            assert not isinstance(event, models.UnknownEvent)

    @settings(derandomize=True, deadline=None, max_examples=200)
    @given(name=st.text(max_size=10), data=st.text(max_size=60) | VALUES.map(lambda value: to_json(value).decode()))
    def test_an_unknown_event_never_breaks_the_stream(self, name: str, data: str) -> None:
        if name not in {"log", "progress", "phase", "status", "error", "end"}:
            assert parse_stream_event(name, data).type == name
