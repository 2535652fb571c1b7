"""Stay with a migration or a validation until it is over, and leave it alone when the user has had enough."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from sensei.cli._errors import CommandError, StoppedError
from sensei.cli._presenter import Presenter, Progress
from sensei.cli._proof import ShownValidation, verdict_of

if TYPE_CHECKING:
    from sensei import Migration, Validation

_AT_WORK = {"running", "pausing", "validating", "cancelling", "rolling_back"}


def follow(
    migration: Migration, tell: Presenter, *, doing: str, since: datetime | None = None, stay: bool = False
) -> Migration:
    """Show a migration live until it is over, or paused; returns it refreshed.

    Args:
        migration: Which one.
        tell: Whom to tell.
        doing: What to show until there is progress.
        since: Show only what comes after this.
        stay: Whether to go on while it is paused or waits for decisions.

    Raises:
        StoppedError: Ctrl-C; the migration goes on.
    """
    from sensei.cli._watch import watch

    with left_alone(migration.id, tell):
        return watch(migration, tell, doing=doing, since=since, stay=stay)


def await_end(migration: Migration, tell: Presenter, timeout: float | None) -> Migration:
    """Wait until a migration is over, with a bar; returns it refreshed.

    Raises:
        StoppedError: Ctrl-C; the migration goes on.
        WaitTimeoutError: It is not over in time.
    """
    last = ""

    def show(seen: Migration) -> None:
        nonlocal last
        if seen.status in _AT_WORK:
            metrics = seen.metrics
            tell.progress(
                Progress(
                    phase=seen.phase or seen.status,
                    percent=seen.percent,
                    done=seen.records_processed,
                    total=metrics.records_total if metrics else None,
                    per_second=metrics.throughput_records_per_second if metrics else None,
                    table=None,
                )
            )
        elif seen.status != last and not seen.is_finished:
            tell.begin(f"Migration {seen.id} is {seen.status.replace('_', ' ')}")
        last = seen.status

    with left_alone(migration.id, tell):
        return migration.wait(timeout=timeout, on_progress=show)


def await_plan(migration: Migration, tell: Presenter, timeout: float | None) -> Migration:
    """Wait until the plan of a migration is there; returns it refreshed.

    Raises:
        StoppedError: Ctrl-C; planning goes on.
        WaitTimeoutError: It is not there in time.
        CommandError: No plan can be made.
    """
    from sensei import MigrationFailedError

    with left_alone(migration.id, tell):
        tell.begin("Planning")
        try:
            migration.wait_for_plan(timeout=timeout)
        except MigrationFailedError as error:
            problem = migration.fetch_plan().error
            raise CommandError(f"no plan can be made: {problem.message if problem else error}") from None
    return migration


@contextmanager
def left_alone(migration_id: str, tell: Presenter) -> Generator[None]:
    """Say that a migration goes on when the user has had enough, and leave the screen in order.

    Raises:
        StoppedError: Ctrl-C or SIGTERM.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(
            f"{migration_id} goes on at the server; `sensei migrations watch {migration_id}` shows it again, "
            f"`sensei migrations pause {migration_id}` pauses it"
        ) from None
    finally:
        tell.close()


@contextmanager
def perhaps_begun(what: str) -> Generator[None]:
    """Say who knows, when the user has had enough before there was an answer.

    Args:
        what: What may have happened, and the command that tells.

    Raises:
        StoppedError: Ctrl-C or SIGTERM.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(what) from None


def await_validation(validation: Validation, tell: Presenter, timeout: float | None) -> Validation:
    """Wait until a validation is over, with a bar; returns it refreshed.

    Raises:
        StoppedError: Ctrl-C; the validation goes on.
        WaitTimeoutError: It is not over in time.
    """
    try:
        tell.begin("Validating: comparing both databases")
        return validation.wait(timeout=timeout, on_progress=ShownValidation(tell).update)
    except KeyboardInterrupt:
        raise StoppedError(
            f"{validation.id} goes on at the server; `sensei validations wait {validation.id}` waits for it again"
        ) from None
    finally:
        tell.close()


def refuse_unfinished(migration: Migration, *, unless: frozenset[str]) -> None:
    """Fail for a migration that ended otherwise than it should, once its result was shown.

    Args:
        migration: As it ended.
        unless: Statuses that are well.

    Raises:
        CommandError: It ended otherwise.
    """
    if migration.status in unless:
        return
    reason = f": {migration.error.message}" if migration.error else ""
    code = f" ({migration.error.reason_code})" if migration.error and migration.error.reason_code else ""
    if migration.status == "paused":
        code = f"; `sensei migrations resume {migration.id}` goes on"
    ended = "failed" if migration.status == "failed" else f"is {migration.status.replace('_', ' ')}"
    raise CommandError(f"migration {migration.id} {ended}{reason}{code}")


def refuse_failed(validation: Validation) -> None:
    """Fail for a validation that did not pass, once its result was shown.

    Raises:
        CommandError: It did not pass.
    """
    if validation.passed:
        return
    if validation.status == "completed":
        raise CommandError(f"validation {validation.id} {verdict_of(validation)}")
    reason = f": {validation.error.message}" if validation.error else ""
    raise CommandError(f"validation {validation.id} is {validation.status}{reason}")
