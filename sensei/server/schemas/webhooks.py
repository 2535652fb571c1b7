"""Wire forms of webhooks and deliveries. Whether a URL may be called is decided in `webhooks.addresses`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from sensei.server.schemas.base import Closed, Description, Maybe, PageQuery
from sensei.server.schemas.validations import ProblemOut
from sensei.server.webhooks.outbox import EVENT_TYPES
from sensei.server.webhooks.patterns import is_known

_PATTERN = re.compile(r"(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)")


def _known_pattern(value: str) -> str:
    if not _PATTERN.fullmatch(value):
        raise PydanticCustomError("pattern", "must be an event name, a prefix with .* or *")
    if not is_known(value):
        raise PydanticCustomError("enum", "fits no known event")
    return value


def _known_event(value: str) -> str:
    if value not in EVENT_TYPES:
        raise PydanticCustomError("enum", "is no known event")
    return value


def _without_repeats(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


Url = Annotated[str, Field(max_length=2048)]
Secret = Annotated[str, Field(min_length=8, max_length=255)]
Patterns = Annotated[
    list[Annotated[str, AfterValidator(_known_pattern)]],
    Field(min_length=1, max_length=50),
    AfterValidator(_without_repeats),
]
EventType = Annotated[str, AfterValidator(_known_event)]


class WebhookCreate(Closed):
    """Body of `webhooks.create`."""

    url: Url
    events: Patterns
    secret: Maybe[Secret] = Field(default=None, repr=False)
    description: Maybe[Description] = None
    enabled: bool = True


class WebhookUpdate(Closed):
    """Body of `webhooks.update`; only `description` may be null (removed)."""

    url: Maybe[Url] = None
    events: Maybe[Patterns] = None
    secret: Maybe[Secret] = Field(default=None, repr=False)
    description: Description | None = None
    enabled: Maybe[bool] = None

    @model_validator(mode="after")
    def _changes_something(self) -> WebhookUpdate:
        if not self.model_fields_set:
            raise PydanticCustomError("min_length", "give at least one member to change")
        return self


class WebhookBulkCreate(Closed):
    """Body of `webhooks.bulk_create`; the items are checked one by one, so that a bad one fails alone."""

    webhooks: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=100)]


class WebhookTestRequest(Closed):
    """Body of `webhooks.test`."""

    event_type: EventType = "migration.completed"


class DeliveryListQuery(PageQuery):
    """Query of `webhooks.deliveries.list`."""

    status: Literal["pending", "delivered", "failed"] | None = None
    event_type: EventType | None = None


class WebhookOut(TypedDict):
    """`Webhook`."""

    id: str
    url: str
    events: list[str]
    description: str | None
    enabled: bool
    created_at: str
    updated_at: str
    last_delivery_at: str | None


class WebhookCreatedOut(WebhookOut):
    """`WebhookCreated`, the only answer that shows the secret."""

    secret: str


class AttemptOut(TypedDict):
    """`WebhookAttempt`."""

    attempt: int
    attempted_at: str
    response_status: int | None
    duration_ms: float | None
    error: str | None


class DeliveryOut(TypedDict):
    """`WebhookDelivery`."""

    id: str
    webhook_id: str
    event_id: str
    event_type: str
    status: str
    attempt_count: int
    attempts: list[AttemptOut]
    next_attempt_at: str | None
    response_status: int | None
    created_at: str
    delivered_at: str | None
    test: bool


class BulkSummaryOut(TypedDict):
    """`BulkSummary`."""

    total: int
    succeeded: int
    failed: int


class BulkItemOut(TypedDict):
    """What became of one item of a bulk request."""

    index: int
    success: bool
    webhook: NotRequired[WebhookCreatedOut]
    error: NotRequired[ProblemOut]


class WebhookBulkOut(TypedDict):
    """`WebhookBulkResult`."""

    summary: BulkSummaryOut
    results: list[BulkItemOut]
