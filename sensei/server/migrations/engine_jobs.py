"""From what the store knows of a migration to what the engine needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sensei.server.connections import gateway
from sensei.server.errors import ApiError
from sensei.server.store.database import Store
from sensei.server.store.migration_tables import MappingRow, Migration, PlanRow
from sensei.server.store.tables import Connection

if TYPE_CHECKING:
    from sensei.server.engine.job import Endpoint, Job, Selection
    from sensei.server.engine.plan import DecidedMapping, Plan, PlanOptions

CONNECTION_DEFAULTS = {"connection_timeout_seconds": 30, "query_timeout_seconds": 300, "max_connections": 10}

_PRESETS: dict[str, dict[str, int]] = {
    "safe": {"parallelism": 2, "batch_size": 2_000},
    "balanced": {"parallelism": 4, "batch_size": 10_000},
    "speed": {"parallelism": 8, "batch_size": 50_000},
}


def effective_options(row: Migration) -> dict[str, Any]:
    """The options with what is used where nothing was said; explicit ones win over the preset of the strategy."""
    options: dict[str, Any] = {
        "mode": "full",
        **_PRESETS[row.strategy],
        "auto_approve_above": 0.95,
        "generate_rollback": True,
        "validation_type": "standard",
        **row.options,
    }
    older = options.pop("auto_approve_high_confidence", None)
    if older is not None and "auto_approve_above" not in row.options:
        options["auto_approve_above"] = 0.95 if older else None
    return options


def endpoint_of(store: Store, session: Session, row: Migration, side: str) -> Endpoint:
    """The source or target of a migration, ready to be opened.

    Raises:
        ApiError: 404 `connection_not_found` when the connection is gone.
    """
    spec = row.source if side == "source" else row.target
    options = spec.get("options", {})
    secret = row.source_secret if side == "source" else row.target_secret
    if secret is not None:
        return gateway.endpoint(spec["type"], store.vault.open(secret), {**CONNECTION_DEFAULTS, **options}, store.reach)
    connection = session.get(Connection, spec["connection_id"])
    if connection is None:
        raise ApiError("connection_not_found", f"The connection of the {side} does not exist any more.")
    config = gateway.join_config(connection.config, store.vault.open(connection.secrets))
    merged = {**CONNECTION_DEFAULTS, **connection.options, **options}
    return gateway.endpoint(connection.type, config, merged, store.reach)


def selection_of(row: Migration) -> Selection:
    """Which tables of the source are meant."""
    from sensei.server.engine.job import Selection

    tables = row.source.get("tables")
    return Selection(
        schemas=tuple(schemas_of(row)),
        tables=tuple(tables) if tables is not None else None,
        exclude_tables=tuple(row.source.get("exclude_tables", ())),
    )


def schemas_of(row: Migration) -> list[str]:
    """The schemas of the source that were named, in either form."""
    named: list[str] = list(row.source.get("schemas", []))
    single = row.source.get("schema")
    if single is not None and single not in named:
        named.append(single)
    return named


def plan_options_of(row: Migration) -> PlanOptions:
    """The options as the engine takes them."""
    from sensei.server.engine.plan import PlanOptions

    options = effective_options(row)
    target: dict[str, Any] = row.target.get("options", {})
    return PlanOptions(
        mode=options["mode"],
        strategy=row.strategy,
        parallelism=options["parallelism"],
        batch_size=options["batch_size"],
        type_mappings=tuple((m["source_type"], m["target_type"]) for m in options.get("type_mappings", ())),
        create_schema_if_missing=target.get("create_schema_if_missing", True),
        drop_existing_tables=target.get("drop_existing_tables", False),
        truncate_existing_tables=target.get("truncate_existing_tables", False),
        append_to_existing=target.get("append_to_existing", False),
        generate_rollback=options["generate_rollback"],
        extra={"source": dict(row.source.get("options", {})), "target": dict(target)},
    )


def mappings_of(session: Session, migration_id: str) -> tuple[DecidedMapping, ...]:
    """The mappings as decided, in the order of the plan."""
    from sensei.server.engine.plan import ColumnRef, DecidedMapping

    rows = session.scalars(
        select(MappingRow).where(MappingRow.migration_id == migration_id).order_by(MappingRow.position)
    )
    return tuple(
        DecidedMapping(
            source=ColumnRef(**row.source),
            target=ColumnRef(**row.target),
            transformation=row.transformation,
            rejected=row.status == "rejected",
        )
        for row in rows
    )


def plan_of(session: Session, migration_id: str) -> Plan:
    """The engine's plan, as stored."""
    from sensei.server.engine import serde

    return serde.plan_from_json(session.get_one(PlanRow, migration_id).plan)


def load_job(store: Store, session: Session, row: Migration) -> Job:
    """All that a phase needs.

    Raises:
        ApiError: 404 `connection_not_found` when a connection is gone.
    """
    from sensei.server.engine.job import Job

    return Job(
        migration_id=row.id,
        source=endpoint_of(store, session, row, "source"),
        target=endpoint_of(store, session, row, "target"),
        plan=plan_of(session, row.id),
        mappings=mappings_of(session, row.id),
        options=plan_options_of(row),
    )
