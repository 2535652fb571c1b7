"""The events of a migration's streams, all with `.id`, `.type`, `.phase`, `.message` and `.percent`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, cast

from sensei.models.base import FromStream, Model, OpenEnum, Problem, Timestamp
from sensei.models.enums import MigrationErrorType, MigrationStatus, PhaseName
from sensei.models.migrations import LogEntry

__all__ = [
    "LogEvent",
    "ProgressEvent",
    "PhaseEvent",
    "StatusEvent",
    "ErrorEvent",
    "EndEvent",
    "UnknownEvent",
    "StreamEvent",
    "parse_stream_event",
]


class _Event(Model):
    # Set by the reader of the stream, not by the data.
    """What every event of a stream has."""

    id: Annotated[str | None, FromStream] = None


class LogEvent(_Event, LogEntry):
    """The engine wrote a log entry.

    Attributes:
        id: Id of the event; only grows within a migration.
        type: `log`.
        phase: Phase of the migration, the last one seen when the event names none.
        percent: None; only progress has it.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "level", "message")

    type: Annotated[Literal["log"], FromStream] = "log"
    percent: float | None = None


class ProgressEvent(_Event):
    """How far the migration is: at least every 5 seconds while data moves, and at the end of each phase.

    Attributes:
        id: Id of the event; only grows within a migration.
        type: `progress`.
        timestamp: When it happened; always sent.
        phase: Phase being worked on.
        message: One sentence for a person, made from the figures when the server sends none.
        percent: Share of the whole migration that is done, 0 to 100.
        phase_percent: Share of the phase that is done, 0 to 100; always sent.
        records_processed: Records moved so far; always sent.
        records_total: Records to move; always sent, None until known.
        throughput_records_per_second: Records moved per second now.
        errors: Number of data errors so far.
        table: Table being worked on.
        eta: When it should be done.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "phase", "percent", "message")

    type: Annotated[Literal["progress"], FromStream] = "progress"
    timestamp: Timestamp | None = None
    phase: PhaseName
    message: str = ""
    percent: float
    phase_percent: float | None = None
    records_processed: int | None = None
    records_total: int | None = None
    throughput_records_per_second: float | None = None
    errors: int | None = None
    table: str | None = None
    eta: Timestamp | None = None


class PhaseEvent(_Event):
    """A phase started, completed, failed or was skipped.

    Attributes:
        id: Id of the event; only grows within a migration.
        type: `phase`.
        timestamp: When it happened; always sent.
        phase: The phase.
        message: One sentence for a person; always sent.
        percent: None; only progress has it.
        action: `started`, `completed`, `failed` or `skipped`.
        phase_number: Number of the phase, from 1; always sent.
        total_phases: How many there are; always sent.
        duration_seconds: Seconds it took.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "phase", "action", "message")

    type: Annotated[Literal["phase"], FromStream] = "phase"
    timestamp: Timestamp | None = None
    phase: PhaseName
    message: str = ""
    percent: float | None = None
    action: Annotated[Literal["started", "completed", "failed", "skipped"] | str, OpenEnum]
    phase_number: int | None = None
    total_phases: int | None = None
    duration_seconds: float | None = None


class StatusEvent(_Event):
    """The status of the migration changed.

    Attributes:
        id: Id of the event; only grows within a migration.
        type: `status`.
        timestamp: When it happened; always sent.
        phase: Phase of the migration, the last one seen when the event names none.
        message: One sentence for a person; always sent.
        percent: None; only progress has it.
        status: The new status.
        previous_status: The status before; always sent.
        reason: Why somebody changed it.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "status", "previous_status", "message")

    type: Annotated[Literal["status"], FromStream] = "status"
    timestamp: Timestamp | None = None
    phase: PhaseName | None = None
    message: str = ""
    percent: float | None = None
    status: MigrationStatus
    previous_status: MigrationStatus | None = None
    reason: str | None = None


class ErrorEvent(_Event):
    """A data error occurred, was recovered, escalated or resolved. It says nothing about the stream itself.

    Attributes:
        id: Id of the event; only grows within a migration.
        type: `error`.
        timestamp: When it happened; always sent.
        phase: Phase of the migration, the last one seen when the event names none.
        message: One sentence for a person.
        percent: None; only progress has it.
        action: `occurred`, `recovered`, `escalated` or `resolved`.
        error_id: The data error; always sent.
        error_type: What went wrong with the records.
        reason_code: Engine error number, such as `E3006`.
        table: Table concerned.
        column_name: Column concerned.
        affected_records: Number of records concerned.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "action", "error_type", "message")

    type: Annotated[Literal["error"], FromStream] = "error"
    timestamp: Timestamp | None = None
    phase: PhaseName | None = None
    message: str
    percent: float | None = None
    action: Annotated[Literal["occurred", "recovered", "escalated", "resolved"] | str, OpenEnum]
    error_id: str | None = None
    error_type: MigrationErrorType
    reason_code: str | None = None
    table: str | None = None
    column_name: str | None = None
    affected_records: int | None = None


class EndEvent(_Event):
    """The migration has reached a finished status; nothing comes after this.

    Attributes:
        id: Id of the event; only grows within a migration.
        type: `end`.
        timestamp: When it happened; always sent.
        phase: Last phase of the migration.
        message: One sentence for a person; always sent.
        percent: None; only progress has it.
        status: `completed`, `failed`, `cancelled` or `rolled_back`.
        records_processed: Records moved.
        error: What went wrong, when it failed.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "status", "message")

    type: Annotated[Literal["end"], FromStream] = "end"
    timestamp: Timestamp | None = None
    phase: PhaseName | None = None
    message: str = ""
    percent: float | None = None
    status: MigrationStatus
    records_processed: int | None = None
    error: Problem | None = None


class UnknownEvent(_Event):
    """An event that this version does not know; its members can be read as attributes.

    Attributes:
        id: Id of the event; only grows within a migration.
        type: Name of the event in the stream, any text.
        timestamp: When it happened.
        phase: Phase of the migration, the last one seen when the event names none.
        message: One sentence for a person, empty when there is none.
        percent: None unless the event has one.
        raw: The data as text, when it is no JSON object of the usual form; None otherwise.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "type", "phase", "message")

    if TYPE_CHECKING:
        # Any text when it runs; see `UnknownWebhookEvent`.
        type: Literal["(a type this version does not know)"]
    else:
        type: Annotated[str, FromStream] = "message"
    timestamp: Timestamp | None = None
    phase: PhaseName | None = None
    message: str = ""
    percent: float | None = None
    raw: str | None = None


StreamEvent = LogEvent | ProgressEvent | PhaseEvent | StatusEvent | ErrorEvent | EndEvent | UnknownEvent
"""Any event of a stream. Comparing `event.type` with a literal tells type checkers which one it is."""

_CLASSES: Final[
    dict[str, type[LogEvent | ProgressEvent | PhaseEvent | StatusEvent | ErrorEvent | EndEvent | UnknownEvent]]
] = {
    "log": LogEvent,
    "progress": ProgressEvent,
    "phase": PhaseEvent,
    "status": StatusEvent,
    "error": ErrorEvent,
    "end": EndEvent,
}


_Reader = Callable[[str | bytes], StreamEvent]
_readers: dict[str, _Reader] = {}


def _reader(name: str) -> _Reader:
    """What reads the data of the events of that name."""
    cls = _CLASSES.get(name)
    if cls is None:
        return _unknown  # not kept: a server may send any number of names
    cls.model_rebuild()  # builds what was put off
    # Without the questions that pydantic's own method asks every time, which take a quarter as long as the reading.
    _readers[name] = read = cast("_Reader", cls.__pydantic_validator__.validate_json)
    return read


def parse_stream_event(
    name: str, data: str | bytes, event_id: str | None = None, last_phase: str | None = None
) -> StreamEvent:
    """Read one event of a stream.

    Args:
        name: The name of the event in the stream; `message` when it has none.
        data: Its data, JSON.
        event_id: Its id.
        last_phase: The phase of the event before, for one that names none.

    Returns:
        The event; an `UnknownEvent` for a name that this version does not know, whatever its data.

    Raises:
        pydantic.ValidationError: The data of a known event is not what the contract says.

    Examples:
        >>> from sensei.models.events import parse_stream_event
        >>> event = parse_stream_event("progress", '{"phase": "data_transfer", "percent": 45}', "19")
        >>> event.type, event.id, event.phase, event.percent, event.message
        ('progress', '19', 'data_transfer', 45.0, 'data_transfer: 45 %')
    """
    event = (_readers.get(name) or _reader(name))(data)
    # Straight into the data: these are no news from the server, and assignment would be half the cost of an event.
    members = vars(event)
    members["type"] = name
    members["id"] = event_id
    if members["phase"] is None:
        members["phase"] = last_phase
    if not members["message"] and isinstance(event, ProgressEvent):
        members["message"] = _figures(event)
    return event


def _figures(event: ProgressEvent) -> str:
    done = f"{event.phase}: {event.percent:g} %"
    if event.records_processed is None:
        return done
    total = "" if event.records_total is None else f" of {event.records_total:,}"
    return f"{done}, {event.records_processed:,}{total} records"


def _unknown(data: str | bytes) -> UnknownEvent:
    from pydantic import ValidationError

    try:
        return UnknownEvent.model_validate_json(data)
    except ValidationError:
        return UnknownEvent.model_validate({"raw": data if isinstance(data, str) else data.decode("utf-8", "replace")})
