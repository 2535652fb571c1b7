"""What a wait for a migration or a validation makes of the states it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensei._redact import revealed
from sensei.errors import MigrationFailedError, ValidationFailedError

if TYPE_CHECKING:
    from sensei.models.migrations import MigrationData
    from sensei.models.validations import ValidationData


def is_plan_available(migration: MigrationData, plan_status: str | None) -> bool:
    """Whether the plan can be fetched. It may be there whatever the status of the migration is by then.

    Args:
        migration: as it was seen last.
        plan_status: what it says about its plan; None when the server says nothing.

    Raises:
        MigrationFailedError: no plan will ever come.
    """
    if plan_status in {"ready", "approved"}:
        return True
    if plan_status == "failed" or migration.is_finished:
        reason = f": {migration.error}" if migration.error else ""
        raise MigrationFailedError(
            f"migration {migration.id} is {migration.status} and will get no plan{reason}",
            code=migration.error.code if migration.error else None,
            migration_id=migration.id,
            status=migration.status,
        )
    return plan_status != "generating" and migration.status not in {"pending", "planning"}


def check_success(migration: MigrationData) -> None:
    """Check that a finished migration is completed.

    Raises:
        MigrationFailedError: it is not.
    """
    if migration.status != "completed":
        reason = f": {migration.error}" if migration.error else ""
        raise MigrationFailedError(
            f"migration {migration.id} is {migration.status}{reason}",
            code=migration.error.code if migration.error else None,
            migration_id=migration.id,
            status=migration.status,
        )


def check_passed(validation: ValidationData) -> None:
    """Check that a finished validation passed, with warnings or without.

    Raises:
        ValidationFailedError: it did not.
    """
    if not validation.passed:
        outcome = validation.status if validation.overall_result is None else f"{validation.overall_result}"
        reason = f": {validation.error}" if validation.error else ""
        raise ValidationFailedError(
            f"validation {validation.id} of migration {validation.migration_id} came out as {outcome}{reason}",
            code=validation.error.code if validation.error else None,
            validation_id=validation.id,
            status=validation.status,
            result=validation.overall_result,
        )


def default_migration_name(source: object, target: object) -> str:
    """A name for a migration that was given none; the same ends give the same name, so that a repeated call is equal.

    Examples:
        >>> default_migration_name({"connection_id": "conn_1"}, {"type": "postgresql", "connection_string": "…"})
        'conn_1 to postgresql'
    """
    return f"{_end(revealed(source))} to {_end(revealed(target))}"[:255]


def _end(side: object) -> str:
    if isinstance(side, dict):
        for member in ("connection_id", "type"):
            name = side.get(member)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if isinstance(name, str) and name:
                return name
    return "unknown"
