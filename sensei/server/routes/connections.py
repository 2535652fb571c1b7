"""Connections: registered databases."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from sensei.server import quotas
from sensei.server.connections import gateway, secret_destinations
from sensei.server.errors import ApiError, not_found
from sensei.server.http.operation import Answer, Context, Router
from sensei.server.http.pagination import Page, page_of
from sensei.server.http.request_validation import check_data
from sensei.server.ids import new_id
from sensei.server.migrations.state_machine import EXECUTING, FINISHED
from sensei.server.schemas.base import wire_time
from sensei.server.schemas.connection_configs import CONFIGS
from sensei.server.schemas.connections import (
    ConnectionAnswer,
    ConnectionCreate,
    ConnectionListQuery,
    ConnectionOptions,
    ConnectionTestRequest,
    ConnectionUpdate,
    PreviewQuery,
    SchemaQuery,
    TestResult,
)
from sensei.server.schemas.database_schemas import DatabaseSchema, TablePreview
from sensei.server.store.migration_tables import Migration
from sensei.server.store.tables import Connection

router: Router = Router("/connections")

_DEFAULT_OPTIONS = {"connection_timeout_seconds": 30, "query_timeout_seconds": 300, "max_connections": 10}
_OPTIONS: TypeAdapter[ConnectionOptions] = TypeAdapter(ConnectionOptions)


@router.get("", operation="connections.list", scope="connections:read")
def list_connections(ctx: Context, query: ConnectionListQuery) -> Page[ConnectionAnswer]:
    """Newest first."""
    statement = _mine(ctx)
    if query.type is not None:
        statement = statement.where(Connection.type == query.type)
    if query.role is not None:
        statement = statement.where(Connection.role == query.role)
    if query.status is not None:
        statement = statement.where(Connection.status == query.status)
    with ctx.store.read() as session:
        if query.tag is not None:
            tagged = [row.id for row in session.scalars(statement) if query.tag in row.tags]
            statement = statement.where(Connection.id.in_(tagged))
        ordered = statement.order_by(Connection.created_at.desc(), Connection.id.desc())
        return page_of(session, ordered, query, show)


@router.post("", operation="connections.create", scope="connections:write", status=201, errors=("quota_exceeded",))
def create(ctx: Context, body: ConnectionCreate) -> Answer[ConnectionAnswer]:
    """Save a connection; its test runs in the background."""
    given = body.model_dump(by_alias=True, exclude_unset=True)
    shown, secret = gateway.split_config(given["config"])
    limit = ctx.runtime.settings.quotas.connections
    quotas.check(ctx.tx, ctx.principal.organization_id, _mine(ctx), limit, "saved connections")
    row = Connection(
        id=new_id("conn"),
        organization_id=ctx.principal.organization_id,
        environment=ctx.principal.environment,
        name=body.name,
        description=body.description,
        type=body.type,
        role=body.role,
        status="testing",
        config=shown,
        secrets=ctx.store.vault.seal(secret),
        options=given.get("options", {}),
        tags=given.get("tags", []),
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.tx.add(row)
    ctx.after_commit(lambda: ctx.runtime.tester.submit(row.id))
    return Answer(show(row), location=f"/v1/connections/{row.id}", resource=row.id)


@router.post("/test", operation="connections.test_config", scope="connections:write")
def test_config(ctx: Context, body: ConnectionTestRequest) -> TestResult:
    """Try settings that are kept nowhere."""
    beside = dict(body.model_extra or {})
    role = body.role or "both"
    for name in ("name", "description", "tags"):
        if name not in CONFIGS[body.type].model_fields:
            beside.pop(name, None)
    if body.connection_string is not None:
        beside["connection_string"] = body.connection_string
    config = _checked_config(body.type, {**beside, **(body.config or {})})
    options = body.options.model_dump(exclude_unset=True) if body.options is not None else {}
    outcome = gateway.test(gateway.endpoint(body.type, config, {**_DEFAULT_OPTIONS, **options}, ctx.store.reach), role)
    return gateway.show_test(outcome, ctx.runtime.settings.clock.now())


@router.get("/{id}", operation="connections.get", scope="connections:read", errors=("connection_not_found",))
def get(ctx: Context, id: str) -> ConnectionAnswer:
    """One connection."""
    with ctx.store.read() as session:
        return show(find(ctx, session, id))


@router.patch(
    "/{id}",
    operation="connections.update",
    scope="connections:write",
    errors=("connection_not_found", "connection_in_use"),
)
def update(ctx: Context, id: str, body: ConnectionUpdate) -> ConnectionAnswer:
    """Change a connection; other settings mean another test."""
    row = find(ctx, ctx.tx, id)
    given = body.model_fields_set
    if given & {"config", "options"}:
        _change_settings(ctx, row, body)
    if body.name is not None:
        row.name = body.name
    if "description" in given:
        row.description = body.description
    if body.tags is not None:
        row.tags = body.tags
    row.updated_at = ctx.now
    return show(row)


@router.delete(
    "/{id}",
    operation="connections.delete",
    scope="connections:write",
    errors=("connection_not_found", "connection_in_use"),
)
def delete(ctx: Context, id: str) -> None:
    """Forget a connection that no unfinished migration uses."""
    row = find(ctx, ctx.tx, id)
    _refuse_in_use(ctx, row, Migration.status.not_in(FINISHED), "an unfinished")
    ctx.tx.delete(row)


@router.post("/{id}/test", operation="connections.test", scope="connections:write", errors=("connection_not_found",))
def test(ctx: Context, id: str) -> TestResult:
    """Test a saved connection and wait for the outcome."""
    with ctx.store.read() as session:
        row = find(ctx, session, id)
    outcome = gateway.test(_endpoint(ctx, row), row.role)
    result = gateway.show_test(outcome, ctx.runtime.settings.clock.now())
    current = find(ctx, ctx.tx, id)
    if current.revision == row.revision:
        current.status = "connected" if outcome.status == "success" else "failed"
        current.last_test = dict(result)
        current.test_owner = None
        current.test_lease_until = None
    return result


@router.get(
    "/{id}/schema",
    operation="connections.schema.get",
    scope="connections:read",
    errors=(
        "connection_not_found",
        "table_not_found",
        "connector_unavailable",
        "connection_unreachable",
        "upstream_timeout",
    ),
)
def schema(ctx: Context, id: str, query: SchemaQuery) -> DatabaseSchema:
    """The structure of the database; a copy may be up to ten minutes old."""
    with ctx.store.read() as session:
        row = find(ctx, session, id)
    with gateway.failures():
        catalog = ctx.runtime.catalogs.read(row.id, row.revision, _endpoint(ctx, row), refresh=query.refresh)
        catalog = gateway.narrow(catalog, query.schema_, query.table)
    return gateway.show_catalog(catalog, row.id)


@router.get(
    "/{id}/preview",
    operation="connections.preview",
    scope="connections:read",
    errors=(
        "connection_not_found",
        "table_not_found",
        "connector_unavailable",
        "connection_unreachable",
        "upstream_timeout",
    ),
)
def preview(ctx: Context, id: str, query: PreviewQuery) -> TablePreview:
    """Some rows of a table, in no particular order."""
    with ctx.store.read() as session:
        row = find(ctx, session, id)
    with gateway.failures():
        found = gateway.preview(_endpoint(ctx, row), query.schema_, query.table, query.limit)
    return {
        "connection_id": row.id,
        "schema": found.schema,
        "table": found.table,
        "columns": [{"name": name, "type": type_} for name, type_ in found.columns],
        "rows": list(found.rows),
        "row_count": len(found.rows),
        "truncated": found.truncated,
    }


def find(ctx: Context, session: Session, id: str) -> Connection:
    """The caller's connection with that id; in a write transaction it is locked.

    Raises:
        ApiError: 404 `connection_not_found`.
    """
    lock = ctx.has_begun and session is ctx.tx
    row = session.get(Connection, id, with_for_update=True) if lock else session.get(Connection, id)
    if (
        row is None
        or row.organization_id != ctx.principal.organization_id
        or row.environment != ctx.principal.environment
    ):
        raise not_found("connection", id)
    return row


def show(row: Connection) -> ConnectionAnswer:
    """A connection as the wire has it."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "type": row.type,
        "role": row.role,
        "status": row.status,
        "config": row.config,
        "options": {**_DEFAULT_OPTIONS, **row.options},
        "tags": row.tags,
        "created_at": wire_time(row.created_at),
        "updated_at": wire_time(row.updated_at),
        "last_test": row.last_test,  # type: ignore[typeddict-item]  # stored as it was shown
    }


def _mine(ctx: Context) -> Select[Connection]:
    return select(Connection).where(
        Connection.organization_id == ctx.principal.organization_id,
        Connection.environment == ctx.principal.environment,
    )


def _endpoint(ctx: Context, row: Connection) -> Any:
    config = gateway.join_config(row.config, ctx.store.vault.open(row.secrets))
    return gateway.endpoint(row.type, config, {**_DEFAULT_OPTIONS, **row.options}, ctx.store.reach)


def _checked_config(type_: str, config: dict[str, Any]) -> dict[str, Any]:
    checked = check_data(TypeAdapter(CONFIGS[type_]), config, below="config")
    dumped: dict[str, Any] = checked.model_dump(by_alias=True, exclude_unset=True)
    return dumped


def _change_settings(ctx: Context, row: Connection, body: ConnectionUpdate) -> None:
    before = gateway.join_config(row.config, ctx.store.vault.open(row.secrets))
    after, options = before, row.options
    if body.config is not None:
        after = _checked_config(row.type, _merge(before, body.config))
    if body.options is not None:
        merged = _merge(row.options, body.options)
        options = check_data(_OPTIONS, merged, below="options").model_dump(exclude_unset=True)
    secret_destinations.check_secrets_are_known(before, after, body.config or {}, (row.options, options))
    row.config, secret = gateway.split_config(after)
    row.secrets = ctx.store.vault.seal(secret)
    row.options = options
    _refuse_in_use(ctx, row, Migration.status.in_(EXECUTING), "an executing")
    row.revision += 1
    row.status = "testing"
    ctx.after_commit(lambda: ctx.runtime.tester.submit(row.id))


def _merge(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = {**before, **change}
    return {name: value for name, value in merged.items() if value is not None}


def _refuse_in_use(ctx: Context, row: Connection, statuses: Any, which: str) -> None:
    user = ctx.tx.scalar(
        select(Migration.id)
        .where(
            (Migration.source_connection_id == row.id) | (Migration.target_connection_id == row.id),
            statuses,
            Migration.deleted_at.is_(None),
        )
        .limit(1)
    )
    if user is not None:
        raise ApiError(
            "connection_in_use",
            f"The connection is used by {which} migration.",
            details={"migration_id": user},
        )
