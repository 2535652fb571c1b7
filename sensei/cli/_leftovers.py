"""What an unfinished migration leaves behind, and what becomes of it when the job is run again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from sensei.cli._errors import CommandError, StoppedError
from sensei.cli._memory import Memory
from sensei.cli._presenter import Presenter
from sensei.cli._text import count, listing
from sensei.cli._wording import in_words

if TYPE_CHECKING:
    from sensei import Client, Migration

_NOTHING_WRITTEN = {"pending", "planning", "plan_ready", "approved"}
_ON_THEIR_WAY = {"pausing", "cancelling", "rolling_back"}
_SETTLE_SECONDS = 60.0
_AGAIN = "run the same command again"


class Leftovers:
    """Pauses, abandons, takes up and cleans up migrations, and tells what each of it means."""

    def __init__(self, client: Client, presenter: Presenter, memory: Memory, *, embedded: bool, ask: bool) -> None:
        self._client = client
        self._tell = presenter
        self._memory = memory
        self._embedded = embedded
        self._ask = ask

    def take_up(self, prepare: Callable[[Migration], None]) -> Migration | None:
        """Go on with what an earlier run left, or clean it up.

        Args:
            prepare: Called before the server needs both databases again.

        Returns:
            A migration that is under way or completed; None when there is nothing to go on with.
        """
        from sensei import NotFoundError

        known = self._memory.recall()
        if known is None:
            return None
        try:
            migration = self._settle(self._client.migrations.get(known))
        except NotFoundError:
            self._memory.forget()
            return None
        if migration.status in _NOTHING_WRITTEN:
            self._tell.say("An earlier run had written nothing yet; starting afresh.")
            self.abandon(migration)
            return None
        if migration.status == "rolled_back":
            self._memory.forget()
            return None
        prepare(migration)
        if migration.status in {"failed", "cancelled"}:
            self._clean_up(migration)
            return None
        if migration.status in {"completed", "paused"} and self._is_gone(migration):
            self._tell.say("What an earlier run moved is not on the target any more; starting afresh.")
            self.abandon(migration)
            return None
        if migration.status == "completed":
            self._tell.say("An earlier run moved the data; only its validation is left.")
            return migration
        done = count(migration.records_processed, "row")
        self._tell.say(f"Going on with the migration that an earlier run left {migration.status}: {done} are there.")
        if migration.status == "paused":
            migration.resume()
        return migration.refresh()

    def abandon(self, migration: Migration | None) -> None:
        """Give up a migration that has written nothing; never raises, since something else is being reported."""
        from sensei import SenseiError

        self._memory.forget()
        if migration is not None:
            with suppress(SenseiError):
                migration.cancel()

    def pause(self, migration: Migration) -> StoppedError:
        """Stop a running migration where it can go on, and say how."""
        from sensei import ConflictError, SenseiError

        self._tell.say("Stopping at the next checkpoint; Ctrl-C again leaves at once.")
        try:
            with suppress(ConflictError):
                migration.pause()
            migration = self._settle(self._client.migrations.get(migration.id))
        except KeyboardInterrupt:
            pass
        except SenseiError as error:
            return StoppedError(
                f"the server could not be told to stop ({in_words(error)}); {_AGAIN} to go on with {migration.id}"
            )
        if migration.status in _NOTHING_WRITTEN:
            self.abandon(migration)
            return StoppedError("nothing had been written")
        done = count(migration.records_processed, "row")
        if migration.status == "paused":
            return StoppedError(f"paused with {done} on the target; {_AGAIN} to go on")
        if migration.is_finished:
            return StoppedError(f"the migration was {migration.status} by then; {_AGAIN} to see it through")
        if self._embedded:
            return StoppedError(f"left in the middle with {done} on the target; {_AGAIN} to go on from the checkpoint")
        return StoppedError(f"{migration.id} goes on at the server ({migration.status}); {_AGAIN} to watch it")

    def failure_of(self, migration: Migration) -> CommandError:
        """Say why a migration did not complete, and what is on the target."""
        from sensei import SenseiError

        if migration.status == "paused":
            done = count(migration.records_processed, "row")
            return CommandError(
                f"the migration paused by itself with {done} on the target, because a database did not answer or its "
                f"maintenance window closed; see to that, then {_AGAIN} to go on"
            )
        # How to go on is said below, for this command and not for the API.
        reason = (migration.error.message if migration.error else f"the migration is {migration.status}").removesuffix(
            ", then resume"
        )
        code = f" ({migration.error.reason_code})" if migration.error and migration.error.reason_code else ""
        try:
            held = self._tables_there(migration)
        except SenseiError as trouble:
            return CommandError(
                f"{reason}{code}. The target could not be looked at ({in_words(trouble)}); {_AGAIN} to clean up."
            )
        if not held:
            self._memory.forget()
            return CommandError(f"{reason}{code}. Nothing was written to the target.")
        return CommandError(
            f"{reason}{code}. The target holds {listing(held)}; {_AGAIN} to remove what it wrote and start over."
        )

    def _tables_there(self, migration: Migration) -> list[str]:
        """Which of the planned tables are on the target, with their rows."""
        planned = {
            (mapping.target.schema, mapping.target.table)
            for mapping in self._client.mappings.list(migration.id, limit=100)
        }
        if migration.target is None or migration.target.connection_id is None:
            return []
        there = self._client.connections.schema(migration.target.connection_id, refresh=True)
        return [
            table.name + ("" if table.row_estimate is None else f" (about {count(table.row_estimate, 'row')})")
            for namespace in there.schemas
            for table in namespace.tables
            if {(namespace.name, table.name), (None, table.name)} & planned
        ]

    def _is_gone(self, migration: Migration) -> bool:
        """Whether none of its tables is on a target that was reached a moment ago."""
        from sensei import ServerError

        try:
            return not self._tables_there(migration)
        except ServerError as error:
            # A SQLite file that is not there is a good target, but has nothing to show.
            return error.code == "connection_unreachable"

    def _settle(self, migration: Migration) -> Migration:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while migration.status in _ON_THEIR_WAY and time.monotonic() < deadline:
            time.sleep(0.2)
            migration.refresh()
        return migration

    def _clean_up(self, migration: Migration) -> None:
        from sensei import ConflictError

        question = (
            f"An earlier run {migration.status} and left tables on the target. Remove what it wrote and start over?"
        )
        if self._ask and not self._tell.confirm(question):
            raise CommandError(f"not started; what migration {migration.id} wrote is still on the target")
        self._tell.begin("Removing what an earlier run wrote")
        backup = backup_of(self._client, migration.id)
        try:
            if backup is None:
                migration.rollback(strategy="truncate")
            else:
                migration.rollback(strategy="backup_restore", backup_id=backup)
        except ConflictError as error:
            if error.code != "rollback_not_available":
                raise
            self._tell.end("An earlier run had left nothing on the target")
        else:
            migration = migration.wait(timeout=None)
            if migration.status != "rolled_back":
                reason = migration.error.message if migration.error else migration.status
                raise CommandError(f"what an earlier run wrote could not be removed: {reason}")
            back = "" if backup is None else " and brought back what was there before it"
            self._tell.end(f"Removed what an earlier run wrote{back}; starting over")
        self._memory.forget()


def backup_of(client: Client, migration_id: str) -> str | None:
    """The backup of the tables that the target had before, as the log tells of it; None when there is none."""
    for entry in client.migrations.logs(migration_id, phase="schema_migration", limit=100):
        name = (entry.data or {}).get("backup_id")
        if isinstance(name, str):
            return name
    return None
