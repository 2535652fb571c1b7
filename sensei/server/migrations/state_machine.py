"""The life of a migration as one table: what the server does by itself and what each action does in each status.

The server asks this table before it acts, and a test walks it cell by cell. A cell is the set of things that may come
of an action: statuses, `STAYS`, `GONE`, or an error code. Which of several it is depends on facts outside the table.
"""

from __future__ import annotations

from typing import Final

from sensei.server.errors import ApiError

STATUSES: Final = (
    "pending",
    "planning",
    "plan_ready",
    "approved",
    "running",
    "pausing",
    "paused",
    "validating",
    "completed",
    "failed",
    "cancelling",
    "cancelled",
    "rolling_back",
    "rolled_back",
)
FINISHED: Final = frozenset({"completed", "failed", "cancelled", "rolled_back"})
EXECUTING: Final = frozenset({"running", "pausing", "validating", "cancelling", "rolling_back"})
"""What counts against the limit of concurrent migrations."""
TRANSIENT: Final = frozenset({"pending", "planning", "running", "pausing", "validating", "cancelling", "rolling_back"})
"""What a worker must be working on."""
PHASES: Final = ("planning", "schema_migration", "data_transfer", "validation", "cutover")

STAYS: Final = "(stays)"
GONE: Final = "(gone)"

AUTOMATIC: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("pending", "planning"),
        ("planning", "plan_ready"),
        ("planning", "failed"),
        ("plan_ready", "approved"),
        ("approved", "plan_ready"),
        ("approved", "running"),
        ("running", "validating"),
        ("validating", "running"),
        ("validating", "failed"),
        ("running", "completed"),
        ("running", "failed"),
        ("running", "pausing"),
        ("pausing", "paused"),
        ("paused", "running"),
        ("cancelling", "cancelled"),
        ("cancelling", "failed"),
        ("rolling_back", "rolled_back"),
        ("rolling_back", "paused"),
        ("rolling_back", "failed"),
    }
)

_IS, _PNR, _AR, _RNA = "invalid_state", "plan_not_ready", "approval_required", "rollback_not_available"

ACTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "start": {
        "pending": (_PNR,),
        "planning": (_PNR,),
        "plan_ready": ("running", _AR),
        "approved": ("running",),
    },
    "pause": {"running": ("pausing",), "pausing": (STAYS,)},
    "resume": {"paused": ("running",)},
    "cancel": {
        "pending": ("cancelled",),
        "planning": ("cancelled",),
        "plan_ready": ("cancelled",),
        "approved": ("cancelled",),
        "running": ("cancelling",),
        "pausing": ("cancelling",),
        "paused": ("cancelling",),
        "validating": ("cancelling",),
        "cancelling": (STAYS,),
    },
    "rollback": {
        "paused": ("rolling_back",),
        "completed": ("rolling_back",),
        "failed": ("rolling_back", _RNA),
        "cancelled": ("rolling_back", _RNA),
    },
    "restore": {"paused": (STAYS,), "failed": ("paused",)},
    "delete": {"completed": (GONE,), "failed": (GONE,), "cancelled": (GONE,), "rolled_back": (GONE,)},
    "decide mapping": {
        "pending": (_PNR,),
        "planning": (_PNR,),
        "plan_ready": (STAYS, "approved"),
        "approved": (STAYS, "plan_ready"),
    },
    "change options": {
        "pending": (STAYS,),
        "plan_ready": (STAYS,),
        "approved": (STAYS,),
        "paused": (STAYS,),
    },
    "schedule": {
        "pending": (STAYS,),
        "planning": (STAYS,),
        "plan_ready": (STAYS,),
        "approved": (STAYS,),
        "running": (STAYS,),
        "pausing": (STAYS,),
        "paused": (STAYS,),
    },
    "checkpoint": {"running": (STAYS,), "pausing": (STAYS,), "paused": (STAYS,), "validating": (STAYS,)},
    "resolve error": {
        "running": (STAYS,),
        "pausing": (STAYS,),
        "paused": (STAYS,),
        "validating": (STAYS,),
        "completed": (STAYS,),
        "failed": (STAYS,),
    },
    "retry error": {"running": (STAYS,), "pausing": (STAYS,), "paused": (STAYS,), "validating": (STAYS,)},
    "validate": {"completed": (STAYS,)},
}
"""By action and status; a status that is not listed refuses the action with `invalid_state`."""


def outcomes(action: str, status: str) -> tuple[str, ...]:
    """What may come of an action in a status: statuses, `STAYS`, `GONE`, or error codes."""
    return ACTIONS[action].get(status, (_IS,))


def is_allowed(action: str, status: str) -> bool:
    """Whether the action can do anything but fail in this status."""
    return any(outcome in STATUSES or outcome in (STAYS, GONE) for outcome in outcomes(action, status))


def check(action: str, status: str) -> None:
    """Let an action pass that the status allows.

    Raises:
        ApiError: 409 with the table's error code.
    """
    if is_allowed(action, status):
        return
    code = outcomes(action, status)[0]
    if code == _PNR:
        text = "There is no plan yet; wait until the migration is plan_ready or approved."
    else:
        text = f"A migration that is {status} does not allow: {action}."
    raise ApiError(code, text, details={"current_status": status, "action": action})


def can_move(before: str, after: str) -> bool:
    """Whether some action or the server itself may take a migration from one status to the other."""
    if (before, after) in AUTOMATIC:
        return True
    return any(after in cells.get(before, ()) for cells in ACTIONS.values())
