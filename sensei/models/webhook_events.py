"""The events that Sensei delivers to webhook endpoints, typed by `event.type`."""

from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, cast, get_args, get_type_hints

from pydantic import Discriminator, Tag, TypeAdapter

from sensei.models.base import JsonObject, Model, Timestamp
from sensei.models.enums import (
    Environment,
    ErrorResolutionType,
    MigrationErrorType,
    MigrationStatus,
    PhaseName,
    ValidationResultCode,
    ValidationStatus,
    ValidationType,
)

__all__ = [
    "WebhookMetadata",
    "MigrationEventData",
    "PhaseEventData",
    "ApprovalEventData",
    "ErrorEventData",
    "ValidationEventData",
    "CertificateEventData",
    "MigrationWebhookEvent",
    "PhaseWebhookEvent",
    "ApprovalWebhookEvent",
    "ErrorWebhookEvent",
    "ValidationWebhookEvent",
    "CertificateWebhookEvent",
    "UnknownWebhookEvent",
    "WebhookEvent",
    "parse_webhook_event",
]


class WebhookMetadata(Model):
    """Where an event comes from.

    Attributes:
        organization_id: The organization that owns the endpoint.
        environment: `production` or `sandbox`.
        test: True for an event that the test operation made up.
    """

    organization_id: str | None = None
    environment: Environment | None = None
    test: bool | None = None


class _EventMigrationRef(Model):
    """The migration that an event is about."""

    migration_id: str
    migration_name: str | None = None


class MigrationEventData(_EventMigrationRef):
    """The data of `migration.created`, `.started`, `.paused`, `.resumed`, `.completed`, `.failed`, `.cancelled`.

    Attributes:
        migration_id: The migration.
        migration_name: Its name; always sent.
        status: Status after the event; always sent.
        phase: Phase the migration was in; always sent, None before planning.
        records_processed: Records moved so far.
        duration_seconds: Seconds spent executing.
        reason: Why somebody paused or cancelled.
        checkpoint_id: The checkpoint at which it stopped.
        error_code: Why it failed, for `migration.failed`.
        error_message: The same for people.
    """

    status: MigrationStatus | None = None
    phase: PhaseName | None = None
    records_processed: int | None = None
    duration_seconds: float | None = None
    reason: str | None = None
    checkpoint_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None


class PhaseEventData(_EventMigrationRef):
    """The data of `migration.phase.started`, `.completed` and `.failed`.

    Attributes:
        migration_id: The migration.
        migration_name: Its name; always sent.
        phase: The phase.
        phase_number: Its number, from 1; always sent.
        total_phases: How many phases there are; always sent.
        duration_seconds: Seconds the phase took.
        records_processed: Records moved so far.
        errors_recovered: Errors that were mended without help.
        errors_escalated: Errors that need a person.
        error_message: Why the phase failed.
    """

    phase: PhaseName
    phase_number: int | None = None
    total_phases: int | None = None
    duration_seconds: float | None = None
    records_processed: int | None = None
    errors_recovered: int | None = None
    errors_escalated: int | None = None
    error_message: str | None = None


class ApprovalEventData(_EventMigrationRef):
    """The data of `approval.required`, `.granted`, `.denied` and `.timeout`.

    Attributes:
        migration_id: The migration.
        migration_name: Its name; always sent.
        mapping_id: The mapping that was rejected, for `approval.denied`.
        pending_mappings: Mappings that still need a decision; always sent.
        decided_by: Who decided: an id, or `auto`.
        comment: What they said.
        expires_at: Reserved: approvals do not expire in v1.
    """

    mapping_id: str | None = None
    pending_mappings: int | None = None
    decided_by: str | None = None
    comment: str | None = None
    expires_at: Timestamp | None = None


class ErrorEventData(_EventMigrationRef):
    """The data of `error.occurred`, `.recovered`, `.escalated` and `.resolved`.

    Attributes:
        migration_id: The migration.
        migration_name: Its name; always sent.
        error_id: The data error.
        error_type: What went wrong with the records.
        error_message: The same for people; always sent.
        reason_code: Engine error number, such as `E3006`.
        phase: Phase in which it happened.
        table_name: Table concerned; always sent.
        column_name: Column concerned; None for an error that concerns no single column.
        affected_records: Number of records; always sent.
        resolution: How it was resolved, for `error.resolved`.
    """

    error_id: str
    error_type: MigrationErrorType
    error_message: str | None = None
    reason_code: str | None = None
    phase: PhaseName | None = None
    table_name: str | None = None
    column_name: str | None = None
    affected_records: int | None = None
    resolution: ErrorResolutionType | None = None


class ValidationEventData(Model):
    """The data of `validation.started`, `.completed` and `.failed`.

    Attributes:
        validation_id: The validation.
        migration_id: The migration it checks.
        type: Kind of the validation; always sent.
        status: Status after the event; always sent.
        overall_result: The result; None until it is completed.
        confidence_score: Weighted mean of the scores, 0 to 1.
        certificate_id: The certificate, when one was issued.
        issues_count: Number of issues found.
    """

    validation_id: str
    migration_id: str
    type: ValidationType | None = None
    status: ValidationStatus | None = None
    overall_result: ValidationResultCode | None = None
    confidence_score: float | None = None
    certificate_id: str | None = None
    issues_count: int | None = None


class CertificateEventData(Model):
    """The data of `certificate.generated`.

    Attributes:
        certificate_id: The certificate.
        validation_id: The validation it proves.
        migration_id: The migration.
        issued_at: When it was issued; always sent.
        valid_until: Until when it is valid; always sent.
        download_url: Where to fetch it; always sent. Send a credential there only if it is your own API's origin.
    """

    certificate_id: str
    validation_id: str
    migration_id: str
    issued_at: Timestamp | None = None
    valid_until: Timestamp | None = None
    download_url: str | None = None


class _Envelope(Model):
    """What every webhook event has."""

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "created_at")

    id: str
    created_at: Timestamp
    metadata: WebhookMetadata | None = None


class MigrationWebhookEvent(_Envelope):
    """A migration was made, started, paused, resumed, or came to an end.

    Attributes:
        id: The same for all endpoints and attempts; use it to drop duplicates.
        type: Name of the event.
        created_at: When it happened.
        data: What happened.
        metadata: Organization and environment; always sent.
    """

    type: Literal[
        "migration.created",
        "migration.started",
        "migration.paused",
        "migration.resumed",
        "migration.completed",
        "migration.failed",
        "migration.cancelled",
    ]
    data: MigrationEventData


class PhaseWebhookEvent(_Envelope):
    """A phase of a migration started, completed or failed.

    Attributes:
        id: The same for all endpoints and attempts; use it to drop duplicates.
        type: Name of the event.
        created_at: When it happened.
        data: What happened.
        metadata: Organization and environment; always sent.
    """

    type: Literal["migration.phase.started", "migration.phase.completed", "migration.phase.failed"]
    data: PhaseEventData


class ApprovalWebhookEvent(_Envelope):
    """A plan needs decisions, or got them.

    Attributes:
        id: The same for all endpoints and attempts; use it to drop duplicates.
        type: Name of the event.
        created_at: When it happened.
        data: What happened.
        metadata: Organization and environment; always sent.
    """

    type: Literal["approval.required", "approval.granted", "approval.denied", "approval.timeout"]
    data: ApprovalEventData


class ErrorWebhookEvent(_Envelope):
    """A data error occurred, or its state changed.

    Attributes:
        id: The same for all endpoints and attempts; use it to drop duplicates.
        type: Name of the event.
        created_at: When it happened.
        data: What happened.
        metadata: Organization and environment; always sent.
    """

    type: Literal["error.occurred", "error.recovered", "error.escalated", "error.resolved"]
    data: ErrorEventData


class ValidationWebhookEvent(_Envelope):
    """A validation started or ended.

    Attributes:
        id: The same for all endpoints and attempts; use it to drop duplicates.
        type: Name of the event.
        created_at: When it happened.
        data: What happened.
        metadata: Organization and environment; always sent.
    """

    type: Literal["validation.started", "validation.completed", "validation.failed"]
    data: ValidationEventData


class CertificateWebhookEvent(_Envelope):
    """A certificate was issued.

    Attributes:
        id: The same for all endpoints and attempts; use it to drop duplicates.
        type: Name of the event.
        created_at: When it happened.
        data: What happened.
        metadata: Organization and environment; always sent.
    """

    type: Literal["certificate.generated"]
    data: CertificateEventData


class UnknownWebhookEvent(_Envelope):
    """An event of a type that this version does not know.

    Attributes:
        id: The same for all endpoints and attempts; use it to drop duplicates.
        type: Name of the event, any text.
        created_at: When it happened.
        data: The members as they came.
        metadata: Organization and environment; always sent.
    """

    if TYPE_CHECKING:
        # Any text when it runs. For type checkers it is a literal of its own, so that comparing `event.type` with a
        # known name leaves this class out; `str(event.type)` for comparing it with a name from the future.
        type: Literal["(a type this version does not know)"]
    else:
        type: str
    data: JsonObject


WebhookEvent = (
    MigrationWebhookEvent
    | PhaseWebhookEvent
    | ApprovalWebhookEvent
    | ErrorWebhookEvent
    | ValidationWebhookEvent
    | CertificateWebhookEvent
    | UnknownWebhookEvent
)
"""Any event. Comparing `event.type` with a literal tells type checkers which one it is."""

_BY_TYPE: Final[dict[str, str]] = {
    name: tag
    for tag, cls in (
        ("migration", MigrationWebhookEvent),
        ("phase", PhaseWebhookEvent),
        ("approval", ApprovalWebhookEvent),
        ("error", ErrorWebhookEvent),
        ("validation", ValidationWebhookEvent),
        ("certificate", CertificateWebhookEvent),
    )
    for name in get_args(get_type_hints(cls)["type"])
}


def _tag(event: object) -> str:
    # Called with the parsed body before validation, and with an event when one is serialized.
    kind = cast("dict[str, object]", event).get("type") if isinstance(event, dict) else getattr(event, "type", None)
    return _BY_TYPE.get(kind, "unknown") if isinstance(kind, str) else "unknown"


@cache
def _adapter() -> TypeAdapter[WebhookEvent]:
    return TypeAdapter(
        Annotated[
            Annotated[MigrationWebhookEvent, Tag("migration")]
            | Annotated[PhaseWebhookEvent, Tag("phase")]
            | Annotated[ApprovalWebhookEvent, Tag("approval")]
            | Annotated[ErrorWebhookEvent, Tag("error")]
            | Annotated[ValidationWebhookEvent, Tag("validation")]
            | Annotated[CertificateWebhookEvent, Tag("certificate")]
            | Annotated[UnknownWebhookEvent, Tag("unknown")],
            Discriminator(_tag),
        ]
    )


def parse_webhook_event(body: str | bytes) -> WebhookEvent:
    """Read the body of a delivery. It says nothing about where the body comes from: see `sensei.webhooks.unwrap`.

    Args:
        body: The raw body, JSON.

    Returns:
        The event, of the class that belongs to its `type`.

    Raises:
        pydantic.ValidationError: The body is no event.

    Examples:
        >>> from sensei.models.webhooks import parse_webhook_event
        >>> event = parse_webhook_event(
        ...     '{"id": "evt_1", "type": "migration.failed", "created_at": "2026-02-02T14:45:30Z",'
        ...     ' "data": {"migration_id": "mig_1", "error_message": "The disk is full."}}'
        ... )
        >>> type(event).__name__, event.data.error_message
        ('MigrationWebhookEvent', 'The disk is full.')
    """
    return _adapter().validate_json(body)
