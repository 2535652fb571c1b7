"""The main job, step by step, through the public SDK: connect, plan, review, run, prove.

Nothing here knows a terminal or a server; both are handed in. Whatever stops the job says what is left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from sensei.cli._endpoint import Endpoint
from sensei.cli._errors import USAGE, CommandError, StoppedError
from sensei.cli._leftovers import Leftovers
from sensei.cli._memory import Memory
from sensei.cli._presenter import Presenter, Review
from sensei.cli._proof import Proof, prove
from sensei.cli._review import review_of
from sensei.cli._text import count, listing, seconds
from sensei.cli._watch import watch

if TYPE_CHECKING:
    from sensei import Client, Connection, Migration, MigrationPlan
    from sensei.models import ConnectionTestResult, MigrationSource, MigrationTarget
    from sensei.models.params import ValidationTypeParam
    from sensei.models.params.connections import ConnectionConfig, ConnectionConfigUpdate
    from sensei.models.params.migrations import (
        MigrationSourceByConnection,
        MigrationTargetByConnection,
        TargetOptionsParam,
    )

TAG = "sensei-migrate"
"""Marks the connections that this job made, so that it uses them again instead of making more."""


EXISTING: dict[str, TargetOptionsParam] = {
    "append": {"append_to_existing": True},
    "truncate": {"truncate_existing_tables": True},
    "drop": {"drop_existing_tables": True},
}
"""What to do with tables that the target has already → the options of the API; nothing may be done by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be moved where.

    Attributes:
        source: Where from.
        target: Where to.
        name: What to call the migration.
        results: Gives the folder for the certificate and the report, by the id of the migration.
        schemas: Source schemas to take; all when empty.
        exclude: Patterns of tables to leave out.
        target_schema: Schema to write into; the connection's default when None.
        existing: What to do with tables that are there already: `stop`, or a key of `EXISTING`.
        advice: What the user can do when the target's own tables are in the way.
        validation: Type of the validation at the end.
        ask: Whether to ask before anything is written.
        embedded: Whether the server ends with this process.
    """

    source: Endpoint
    target: Endpoint
    name: str
    results: Callable[[str], Path]
    schemas: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    target_schema: str | None = None
    existing: str = "stop"
    advice: str = (
        f"say what becomes of them with --existing ({', '.join(EXISTING)}), leave them out with --exclude, "
        "or write elsewhere with --target-schema"
    )
    validation: ValidationTypeParam = "full"
    ask: bool = True
    embedded: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    migration_id: str
    records: int
    left_out: int
    """Rows of these that the target cannot hold; each is recorded as an error of the migration."""
    tables: int
    duration: float | None
    proof: Proof


class MainJob:
    """Carries out one order.

    Args:
        client: A client of the server that does the work.
        order: What is wanted.
        presenter: Whom to tell.
        memory: Where an unfinished migration is remembered.
    """

    def __init__(self, client: Client, order: Order, presenter: Presenter, memory: Memory) -> None:
        self._client = client
        self._order = order
        self._tell = presenter
        self._memory = memory
        self._migration: Migration | None = None
        self._leftovers = Leftovers(client, presenter, memory, embedded=order.embedded, ask=order.ask)

    def run(self) -> Outcome:
        """Do the whole job.

        Raises:
            CommandError: It cannot be done, or it went wrong; the message says what is left behind.
            StoppedError: Ctrl-C; the message says how to go on.
            SenseiError: The API refused something or could not be reached.
        """
        try:
            known = self._leftovers.take_up(self._refresh_credentials)
            migration = self._finish(known or self._begin(), resumed=known is not None)
            proof = self._prove(migration)
            self._memory.forget()
        finally:
            self._tell.close()
        tables = {(mapping.target.schema, mapping.target.table) for mapping in self._client.mappings.list(migration.id)}
        duration = migration.timing.elapsed_seconds if migration.timing else None
        return Outcome(
            migration.id, migration.records_processed, self._left_out(migration), len(tables), duration, proof
        )

    def _left_out(self, migration: Migration) -> int:
        """Rows that are not on the target. Broken references of rows that are there count as errors too, not here."""
        errors = self._client.errors.list(migration.id, status="escalated", limit=100)
        return sum(
            (one.context and one.context.affected_records) or 0 for one in errors if one.phase == "data_transfer"
        )

    def _begin(self) -> Migration:
        try:
            source = self._connection(self._order.source, "source")
            target = self._connection(self._order.target, "target")
            self._check_patterns(source)
            migration = self._create(source, target)
            self._plan(migration)
            self._order.results(migration.id)
        except BaseException as error:
            self._leftovers.abandon(self._migration)
            if isinstance(error, KeyboardInterrupt):
                raise StoppedError("nothing had been written") from None
            raise
        return self._start(migration)

    def _start(self, migration: Migration) -> Migration:
        try:
            return migration.start()
        except KeyboardInterrupt:
            # It may have started: whether it did, the server knows.
            raise self._leftovers.pause(migration) from None
        except BaseException:
            self._leftovers.abandon(migration)
            raise

    def _connection(self, end: Endpoint, role: Literal["source", "target"]) -> Connection:
        self._tell.begin(f"Connecting to the {role} {end.shown}")
        self._try(end, role)
        name = f"{end.shown} ({role})"[:255]
        known = self._client.connections.list(tag=TAG, role=role, type=end.type)
        connection = self._changed(next((one for one in known if one.name == name), None), end)
        if connection is None:
            connection = self._client.connections.create(
                name=name, type=end.type, role=role, config=cast("ConnectionConfig", end.config), tags=[TAG]
            )
        self._test(connection, end, role)
        return connection

    def _changed(self, known: Connection | None, end: Endpoint) -> Connection | None:
        """A known connection with the password of this run; None when another migration is at work with it."""
        from sensei import ConflictError

        try:
            return known and self._client.connections.update(
                known.id, config=cast("ConnectionConfigUpdate", end.config)
            )
        except ConflictError:
            return None

    def _try(self, end: Endpoint, role: Literal["source", "target"]) -> None:
        """Make sure that the database can be used, before the server keeps a password for it."""
        result = self._client.connections.test_config(
            type=end.type, config=cast("ConnectionConfig", end.config), role=role
        )
        self._refuse_what_failed(result, end, role)

    def _refuse_what_failed(self, result: ConnectionTestResult, end: Endpoint, role: str) -> None:
        if result.status != "success":
            reason = result.error.message if result.error else f"{end.shown} cannot be used"
            code = f" ({result.error.reason_code})" if result.error and result.error.reason_code else ""
            raise CommandError(f"{role.capitalize()} database: {reason}{code}")

    def _test(self, connection: Connection, end: Endpoint, role: str) -> None:
        result = connection.test()
        self._refuse_what_failed(result, end, role)
        facts = [result.server_version or end.type]
        if result.latency_ms is not None:
            facts.append(f"answers in {result.latency_ms:.0f} ms")
        self._tell.end(f"{role.capitalize()} {end.shown}: {', '.join(facts)}")

    def _check_patterns(self, source: Connection) -> None:
        """A table that is to be left out and is not there was mistyped, and would be carried."""
        if not self._order.exclude:
            return
        names = {
            name
            for schema in self._client.connections.schema(source.id, refresh=True).schemas
            for table in schema.tables
            for name in (table.name, f"{schema.name}.{table.name}")
        }
        for pattern in self._order.exclude:
            if any(fnmatchcase(name, pattern.replace("[", "[[]")) for name in names):
                continue
            near = get_close_matches(pattern, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise CommandError(f"--exclude {pattern!r} fits no table of the source{hint}", exit_code=USAGE)

    def _create(self, source: Connection, target: Connection) -> Migration:
        order = self._order
        self._tell.begin("Planning")
        wanted: MigrationSourceByConnection = {"connection_id": source.id}
        if order.schemas:
            wanted["schemas"] = list(order.schemas)
        if order.exclude:
            wanted["exclude_tables"] = list(order.exclude)
        goal: MigrationTargetByConnection = {"connection_id": target.id}
        if order.target_schema:
            goal["schema"] = order.target_schema
        if order.existing != "stop":
            goal["options"] = EXISTING[order.existing]
        migration = self._client.migrations.create(
            name=order.name[:255],
            source=wanted,
            target=goal,
            # A thorough validation follows; comparing every cell in the middle too would double the time.
            options={"validation_type": "quick"},
        )
        self._migration = migration
        self._memory.keep(migration.id)
        return migration

    def _plan(self, migration: Migration) -> None:
        order = self._order
        plan = self._wait_for_plan(migration)
        summary = plan.summary
        size = f"{count(summary.tables, 'table')}, {count(summary.columns, 'column')}" if summary else "ready"
        records = f", about {count(summary.estimated_records, 'row')}" if summary and summary.estimated_records else ""
        self._tell.end(f"Plan: {size}{records}")
        review = review_of(plan)
        self._tell.review(review)
        self._refuse_what_is_in_the_way(review)
        in_review = count(review.undecided, "mapping in review", "mappings in review") if review.undecided else ""
        proposed = f", with {in_review} as proposed" if in_review else ""
        if order.ask and not self._tell.confirm(f"Write {size} to {order.target.shown}{proposed}?"):
            raise CommandError("not started, nothing was written")
        if review.undecided:
            self._client.mappings.approve_all(migration.id, above=0.0)
            self._tell.end(f"Approved {in_review} as proposed")

    def _wait_for_plan(self, migration: Migration) -> MigrationPlan:
        from sensei import MigrationFailedError

        try:
            return migration.wait_for_plan(timeout=None)
        except MigrationFailedError as error:
            problem = migration.fetch_plan().error
            raise CommandError(f"no plan can be made: {problem.message if problem else error}") from None

    def _refuse_what_is_in_the_way(self, review: Review) -> None:
        blocking = [risk for risk in review.risks if risk.blocks]
        if not blocking:
            return
        if self._order.existing == "stop":
            there = f"the target already has {listing([name for risk in blocking for name in risk.affected])}"
        else:
            there = listing([risk.description for risk in blocking], most=3)
        raise CommandError(f"{there}; {self._order.advice}. Nothing was written.")

    def _refresh_credentials(self, migration: Migration) -> None:
        """Tell the server the passwords of this run: they may have changed since the first one."""
        sides: tuple[tuple[Endpoint, Literal["source", "target"], MigrationSource | MigrationTarget | None], ...] = (
            (self._order.source, "source", migration.source),
            (self._order.target, "target", migration.target),
        )
        for end, role, place in sides:
            if place is None or place.connection_id is None:
                continue
            self._try(end, role)
            connection = self._changed(self._client.connections.get(place.connection_id), end)
            # One that is at work needs no test: its password is good.
            if connection is not None:
                self._test(connection, end, role)

    def _finish(self, migration: Migration, *, resumed: bool) -> Migration:
        if migration.status != "completed":
            try:
                migration = watch(migration, self._tell, since=migration.updated_at if resumed else None)
            except KeyboardInterrupt:
                raise self._leftovers.pause(migration) from None
        if migration.status != "completed":
            raise self._leftovers.failure_of(migration)
        took = migration.timing.elapsed_seconds if migration.timing else None
        time = f" in {seconds(took)}" if took is not None else ""
        in_all = ", all runs together" if time and resumed else ""
        self._tell.end(f"Moved {count(migration.records_processed, 'row')}{time}{in_all}")
        return migration

    def _prove(self, migration: Migration) -> Proof:
        try:
            return prove(self._client, migration, self._order.validation, self._order.results(migration.id), self._tell)
        except KeyboardInterrupt:
            raise StoppedError(
                "the data is complete on the target, only its validation was left; run the same command again to do it"
            ) from None
