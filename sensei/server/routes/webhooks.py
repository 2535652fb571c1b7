"""Webhooks and their deliveries. The signing secret is in the answer of `create` and nowhere else."""

from __future__ import annotations

from typing import Any, cast

import anyio
from pydantic import TypeAdapter
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from sensei.server import quotas
from sensei.server.auth.access_control import new_token
from sensei.server.errors import ApiError, invalid, not_found
from sensei.server.http.operation import Answer, Context, Router
from sensei.server.http.pagination import Page, page_of
from sensei.server.http.request_validation import check_data
from sensei.server.ids import new_id
from sensei.server.schemas.base import PageQuery, wire_time, wire_time_or_none
from sensei.server.schemas.validations import ProblemOut
from sensei.server.schemas.webhooks import (
    AttemptOut,
    BulkItemOut,
    DeliveryListQuery,
    DeliveryOut,
    WebhookBulkCreate,
    WebhookBulkOut,
    WebhookCreate,
    WebhookCreatedOut,
    WebhookOut,
    WebhookTestRequest,
    WebhookUpdate,
)
from sensei.server.store.webhook_tables import Webhook, WebhookDelivery
from sensei.server.webhooks import queue, samples, signing
from sensei.server.webhooks.addresses import url_problem
from sensei.server.webhooks.dispatcher import send

router: Router = Router("/webhooks")

_ITEM: TypeAdapter[WebhookCreate] = TypeAdapter(WebhookCreate)


@router.get("", operation="webhooks.list", scope="webhooks:read")
def list_webhooks(ctx: Context, query: PageQuery) -> Page[WebhookOut]:
    """Newest first."""
    ordered = _mine(ctx).order_by(Webhook.created_at.desc(), Webhook.id.desc())
    with ctx.store.read() as session:
        return page_of(session, ordered, query, show)


@router.post("", operation="webhooks.create", scope="webhooks:write", status=201, errors=("quota_exceeded",))
def create(ctx: Context, body: WebhookCreate) -> Answer[WebhookCreatedOut]:
    """Register an endpoint."""
    made = _make(ctx, body)
    return Answer(made, location=f"/v1/webhooks/{made['id']}", resource=made["id"])


@router.post("/bulk", operation="webhooks.bulk_create", scope="webhooks:write")
def bulk_create(ctx: Context, body: WebhookBulkCreate) -> WebhookBulkOut:
    """Register many endpoints; each succeeds or fails by itself."""
    results = [_make_item(ctx, index, item) for index, item in enumerate(body.webhooks)]
    succeeded = sum(result["success"] for result in results)
    return {
        "summary": {"total": len(results), "succeeded": succeeded, "failed": len(results) - succeeded},
        "results": results,
    }


@router.get("/{id}", operation="webhooks.get", scope="webhooks:read", errors=("webhook_not_found",))
def get(ctx: Context, id: str) -> WebhookOut:
    """One webhook, without its secret."""
    with ctx.store.read() as session:
        return show(_find(ctx, session, id))


@router.patch("/{id}", operation="webhooks.update", scope="webhooks:write", errors=("webhook_not_found",))
def update(ctx: Context, id: str, body: WebhookUpdate) -> WebhookOut:
    """Change a webhook. Attempts still to come use the new address and the new secret."""
    if body.url is not None:
        _check_url(ctx, body.url)
    row = _find(ctx, ctx.tx, id)
    if body.url is not None:
        row.url = body.url
    if body.events is not None:
        row.events = body.events
    if body.secret is not None:
        row.secret = ctx.store.vault.seal(body.secret)
    if "description" in body.model_fields_set:
        row.description = body.description
    if body.enabled is not None:
        row.enabled = body.enabled
    row.updated_at = ctx.now
    return show(row)


@router.delete("/{id}", operation="webhooks.delete", scope="webhooks:write", errors=("webhook_not_found",))
def delete(ctx: Context, id: str) -> None:
    """Remove a webhook; its deliveries go with it."""
    ctx.tx.delete(_find(ctx, ctx.tx, id))


@router.post("/{id}/test", operation="webhooks.test", scope="webhooks:write", errors=("webhook_not_found",))
def send_test(ctx: Context, id: str, body: WebhookTestRequest | None = None) -> Answer[DeliveryOut]:
    """Make one signed delivery of a made-up event and wait for its outcome."""
    event_type = (body or WebhookTestRequest()).event_type
    with ctx.store.read() as session:
        webhook = _find(ctx, session, id)
    attempt = _test_attempt(ctx, webhook, event_type)
    outcome = anyio.run(send, ctx.runtime, attempt)
    ended_at = ctx.runtime.settings.clock.now()
    webhook = _find(ctx, ctx.tx, id)
    if outcome.delivered:
        webhook.last_delivery_at = ended_at
    row = WebhookDelivery(
        id=attempt.delivery_id,
        webhook_id=webhook.id,
        event_id=attempt.event_id,
        event_type=event_type,
        body=attempt.body,
        status="delivered" if outcome.delivered else "failed",
        created_at=ctx.now,
        next_attempt_at=None,
        test=True,
        attempts=[queue.attempt_entry(1, outcome, ctx.now)],
        series_attempts=1,
        delivered_at=ended_at if outcome.delivered else None,
    )
    ctx.tx.add(row)
    return Answer(show_delivery(row), resource=webhook.id)


@router.get(
    "/{id}/deliveries", operation="webhooks.deliveries.list", scope="webhooks:read", errors=("webhook_not_found",)
)
def list_deliveries(ctx: Context, id: str, query: DeliveryListQuery) -> Page[DeliveryOut]:
    """Newest first, with all attempts of each."""
    with ctx.store.read() as session:
        webhook = _find(ctx, session, id)
        statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)
        if query.status is not None:
            statement = statement.where(WebhookDelivery.status == query.status)
        if query.event_type is not None:
            statement = statement.where(WebhookDelivery.event_type == query.event_type)
        ordered = statement.order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc())
        return page_of(session, ordered, query, show_delivery)


@router.post(
    "/{id}/deliveries/{delivery_id}/retry",
    operation="webhooks.deliveries.retry",
    scope="webhooks:write",
    status=202,
    errors=("webhook_not_found", "delivery_not_found", "invalid_state"),
)
def retry(ctx: Context, id: str, delivery_id: str) -> Answer[DeliveryOut]:
    """Begin a new series of attempts of a failed delivery, with the same body."""
    webhook = _find(ctx, ctx.tx, id)
    row = ctx.tx.get(WebhookDelivery, delivery_id, with_for_update=True)
    if row is None or row.webhook_id != webhook.id:
        raise not_found("delivery", delivery_id)
    queue.retry(row, ctx.now)
    ctx.after_commit(ctx.runtime.dispatcher.wake)
    return Answer(show_delivery(row), resource=row.id)


def show(row: Webhook) -> WebhookOut:
    """A webhook as the wire has it."""
    return {
        "id": row.id,
        "url": row.url,
        "events": row.events,
        "description": row.description,
        "enabled": row.enabled,
        "created_at": wire_time(row.created_at),
        "updated_at": wire_time(row.updated_at),
        "last_delivery_at": wire_time_or_none(row.last_delivery_at),
    }


def show_delivery(row: WebhookDelivery) -> DeliveryOut:
    """A delivery as the wire has it."""
    return {
        "id": row.id,
        "webhook_id": row.webhook_id,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "status": row.status,
        "attempt_count": len(row.attempts),
        "attempts": cast("list[AttemptOut]", row.attempts),
        "next_attempt_at": wire_time_or_none(row.next_attempt_at),
        "response_status": row.attempts[-1]["response_status"] if row.attempts else None,
        "created_at": wire_time(row.created_at),
        "delivered_at": wire_time_or_none(row.delivered_at),
        "test": row.test,
    }


def _make(ctx: Context, body: WebhookCreate) -> WebhookCreatedOut:
    _check_url(ctx, body.url)
    limit = ctx.runtime.settings.quotas.webhooks
    quotas.check(ctx.tx, ctx.principal.organization_id, _mine(ctx), limit, "webhooks")
    secret = body.secret or new_token("whsec_")
    row = Webhook(
        id=new_id("wh"),
        organization_id=ctx.principal.organization_id,
        environment=ctx.principal.environment,
        url=body.url,
        events=body.events,
        secret=ctx.store.vault.seal(secret),
        description=body.description,
        enabled=body.enabled,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.tx.add(row)
    ctx.tx.flush()
    return {**show(row), "secret": secret}


def _make_item(ctx: Context, index: int, item: dict[str, Any]) -> BulkItemOut:
    try:
        return {"index": index, "success": True, "webhook": _make(ctx, check_data(_ITEM, item, below=""))}
    except ApiError as error:
        problem = {"code": error.code, "message": error.message, "details": error.details}
        return {"index": index, "success": False, "error": cast("ProblemOut", problem)}


def _check_url(ctx: Context, url: str) -> None:
    allowed = ctx.runtime.settings.exempt_networks
    problem = url_problem(url, environment=ctx.principal.environment, allowed=allowed)
    if problem is not None:
        raise invalid("url", *problem)


def _test_attempt(ctx: Context, webhook: Webhook, event_type: str) -> queue.Attempt:
    event_id = new_id("evt")
    envelope = queue.envelope(
        event_id=event_id,
        type=event_type,
        created_at=ctx.now,
        data=samples.data(event_type, ctx.now, ctx.runtime.origin),
        organization_id=webhook.organization_id,
        environment=webhook.environment,
        test=True,
    )
    return queue.Attempt(
        delivery_id=new_id("dlv"),
        webhook_id=webhook.id,
        event_id=event_id,
        url=webhook.url,
        secret=ctx.store.vault.open(webhook.secret),
        body=signing.encode_body(envelope),
    )


def _mine(ctx: Context) -> Select[Webhook]:
    return select(Webhook).where(
        Webhook.organization_id == ctx.principal.organization_id,
        Webhook.environment == ctx.principal.environment,
    )


def _find(ctx: Context, session: Session, id: str) -> Webhook:
    statement = _mine(ctx).where(Webhook.id == id)
    if ctx.has_begun and session is ctx.tx:
        statement = statement.with_for_update()
    row = session.scalar(statement)
    if row is None:
        raise not_found("webhook", id)
    return row
