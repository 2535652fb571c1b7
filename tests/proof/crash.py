"""Kill the server again and again while it does the main job, and look at what is left at the end.

The user's program is written as if nothing happened: the SDK waits, repeats with the same key and resumes streams.
Reports, per seed: where each kill met the server, and everything that was promised and does not hold.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sensei import Client, RetryPolicy, SenseiError
from tests.proof.serving import KEY, ServerProcess
from tests.proof.shop import Place, make_shop, sqlite_place, targets, what_differs
from tests.support.receiver import Receiver, running_receiver

PATIENT = RetryPolicy(max_retries=200, initial_delay=0.05, max_delay=0.5)
"""A server that is being started again must be waited for."""

PHASES = ("planning", "schema_migration", "data_transfer", "validation", "cutover")
MOMENTS = (*PHASES, "data_transfer", "data_transfer", "claim", "delivery", "any")
"""What a kill waits for: a phase (the transfer most often), a POST in progress, a webhook on its way, or nothing."""

BRIEF = {"data_transfer", "claim", "delivery"}
"""Moments that are over soon."""

OPTIONS = {"batch_size": 500, "parallelism": 2, "validation_type": "standard"}
ONCE = ("migration.created", "migration.started", "migration.completed")
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: what it waits for, and what then still passes."""

    moment: str
    share: float
    """Of the rows, in the transfer."""
    delay: float
    """Seconds."""


def plan_kills(count: int, seed: int) -> list[Kill]:
    """The kills of a run."""
    dice = random.Random(seed)
    moments = [MOMENTS[number % len(MOMENTS)] for number in range(count)]
    dice.shuffle(moments)
    return [Kill(moment, dice.random() * 0.95, dice.random() * 0.15) for moment in moments]


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of the server, read beside it."""

    status: str | None
    phase: str | None
    done: int
    total: int
    claims: int
    deliveries: int

    def __str__(self) -> str:
        place = f"{self.status}, {self.phase}, {self.done:,} of {self.total:,} rows"
        return f"{place}; {self.claims} POSTs in progress, {self.deliveries} webhooks on their way"


class Watcher:
    """Reads the state file without touching it."""

    _NEWEST = (
        "SELECT status, phase, records_processed, coalesce(records_total, 0) FROM migrations "
        "ORDER BY created_at DESC, id LIMIT 1"
    )

    def __init__(self, state: Path) -> None:
        self._uri = f"file:{state}?mode=ro"

    def look(self) -> Seen:
        """What it says now."""
        with closing(sqlite3.connect(self._uri, uri=True, timeout=30)) as database:
            status, phase, done, total = database.execute(self._NEWEST).fetchone() or (None, None, 0, 0)
            claims = database.execute("SELECT count(*) FROM idempotency_records WHERE owner IS NOT NULL").fetchone()[0]
            on_way = database.execute(
                "SELECT count(*) FROM webhook_deliveries WHERE status = 'pending' AND owner IS NOT NULL"
            ).fetchone()[0]
        return Seen(status, phase, done, total, claims, on_way)


def is_moment(kill: Kill, seen: Seen) -> bool:
    """Whether what a kill waits for is the case."""
    working = seen.status in {"running", "validating"}
    match kill.moment:
        case "any":
            return True
        case "planning":
            return seen.status in {"pending", "planning"}
        case "claim":
            return seen.claims > 0
        case "delivery":
            return seen.deliveries > 0
        case "data_transfer":
            return working and seen.phase == "data_transfer" and seen.done >= kill.share * seen.total
        case phase:
            return working and seen.phase == phase


@dataclass(slots=True)
class Report:
    """What came of a run."""

    kills: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    """Kills by the phase of the migration they met."""
    migrations: int = 0
    rows: int = 0
    posts: int = 0
    events: int = 0
    deliveries: int = 0
    repeated_deliveries: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Killer(threading.Thread):
    """Carries the kills out, and starts the server again after each."""

    def __init__(self, server: ServerProcess, watcher: Watcher, kills: list[Kill], report: Report) -> None:
        super().__init__(name="killer")
        self._server = server
        self._watcher = watcher
        self._kills = kills
        self._report = report
        self.job_runs = threading.Event()
        self.all_done = threading.Event()

    def run(self) -> None:
        try:
            for number, kill in enumerate(self._kills, 1):
                self._await(kill)
                time.sleep(kill.delay / 20 if kill.moment in BRIEF else kill.delay)
                self._server.kill()
                seen = self._watcher.look()
                self._report.kills.append(f"{number}. {kill.moment}: {seen}")
                self._report.met[f"{seen.status} {seen.phase or ''}".strip()] += 1
                self._server.start()
        except Exception as error:
            self._report.problems.append(f"the killer failed: {error!r}")
        finally:
            self.all_done.set()

    def _await(self, kill: Kill) -> None:
        end = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < end:
            self.job_runs.wait(1.0)
            if is_moment(kill, self._watcher.look()):
                return
            time.sleep(0.004)
        raise TimeoutError(f"the moment {kill.moment} did not come")


class Writer(threading.Thread):
    """Makes connections, each with a key of its own, as fast as the server lets it."""

    def __init__(self, url: str, name: str, stop: threading.Event) -> None:
        super().__init__(name=name)
        self._url = url
        self._stopping = stop
        self.asked: list[str] = []
        self.acknowledged: dict[str, str] = {}
        self.problems: list[str] = []

    def run(self) -> None:
        with Client(KEY, base_url=self._url, retry=PATIENT) as client:
            while not self._stopping.is_set():
                name = f"{self.name}-{len(self.asked)}"
                self.asked.append(name)
                try:
                    made = client.connections.create(
                        name=name, type="sqlite", role="source", config={"path": "/nowhere.db"}, idempotency_key=name
                    )
                except SenseiError as error:
                    self.problems.append(f"{name}: {error!r}")
                    return
                self.acknowledged[name] = made.id
                self._stopping.wait(0.05)


@dataclass(slots=True)
class Job:
    """The main job of one migration, as a user's program does it."""

    client: Client
    number: int
    source: Place
    target: Place
    id: str = ""
    seen: list[str] = field(default_factory=list)
    """Ids of the events that the stream handed out."""

    def run(self) -> int:
        """Do it, and give the number of rows that were moved."""
        client, name = self.client, f"job-{self.number}"
        ends = {}
        for role, place in (("source", self.source), ("target", self.target)):
            made = client.connections.create(
                name=f"{name}-{role}", type=place.type, role=role, config=place.config, idempotency_key=f"{name}-{role}"
            )
            ends[role] = {"connection_id": made.id}
        migration = client.migrations.create(
            name=name,
            source=ends["source"],
            target=ends["target"],
            options=OPTIONS,
            idempotency_key=f"{name}-create",
        )
        self.id = migration.id
        migration.wait_for_plan(timeout=120)
        client.mappings.approve_all(migration.id, above=0.0)
        migration.start(idempotency_key=f"{name}-start")
        with migration.stream_events() as events:
            self.seen.extend(event.id for event in events if event.id is not None)
        migration.wait(timeout=120, raise_on_failure=True)
        validation = migration.run_validation(type="full", idempotency_key=f"{name}-validate")
        validation.wait(timeout=120, raise_on_failure=True)
        validation.certificate().verify()
        return migration.records_processed


def run(
    folder: Path,
    *,
    kills: int,
    seed: int,
    target: str = "sqlite",
    rows: int = 30_000,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Kill a server so many times while it moves one database after the other.

    Parameters:
        folder: Where state, source and targets are kept; empty.
        kills: How many times.
        seed: Of the moments.
        target: ``sqlite`` or ``postgresql``.
        rows: In the source.
        say: Told of each migration that is through.
    """
    report = Report()
    began = time.monotonic()
    source = sqlite_place(folder / "source.db")
    make_shop(folder / "source.db", rows)
    server = ServerProcess(folder / "state.db", log=folder / "server.log")
    stop = threading.Event()
    with (
        targets(target, folder) as places,
        running_receiver() as receiver,
        server,
        Client(KEY, base_url=server.url, retry=PATIENT) as client,
    ):
        client.webhooks.create(url=receiver.url, events=["*"], idempotency_key="hook")
        writers = [Writer(server.url, f"writer{number}", stop) for number in range(2)]
        killer = Killer(server, Watcher(folder / "state.db"), plan_kills(kills, seed), report)
        with _running(writers, stop), _running([killer]):
            jobs = list(_work(client, source, places.new, killer, report, say))
        _check_posts(client, writers, report)
        _check_jobs(client, jobs, report)
        _check_deliveries(folder / "state.db", receiver, jobs, report)
    report.seconds = time.monotonic() - began
    return report


@contextmanager
def _running(threads: list[Killer] | list[Writer], stop: threading.Event | None = None) -> Iterator[None]:
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        if stop is not None:
            stop.set()
        for thread in threads:
            thread.join()


def _work(
    client: Client,
    source: Place,
    new_target: Callable[[], Place],
    killer: Killer,
    report: Report,
    say: Callable[[str], None],
) -> Iterator[Job]:
    while True:
        job = Job(client, report.migrations, source, new_target())
        killer.job_runs.set()
        try:
            report.rows += job.run()
        except SenseiError as error:
            report.problems.append(f"job-{job.number} {job.id}: {error!r}")
        report.migrations += 1
        differing = what_differs(source, job.target)
        report.problems += [f"job-{job.number} {job.id}: {line}" for line in differing]
        say(f"migration {report.migrations} is through after {len(report.kills)} kills")
        yield job
        if killer.all_done.is_set():
            return


def _check_posts(client: Client, writers: list[Writer], report: Report) -> None:
    there = Counter(connection.name for connection in client.connections.list(limit=100))
    ids = {connection.id for connection in client.connections.list(limit=100)}
    for writer in writers:
        report.problems += writer.problems
        report.posts += len(writer.acknowledged)
        lost = [name for name, made in writer.acknowledged.items() if made not in ids]
        report.problems += [f"{name} was acknowledged and is lost" for name in lost]
        report.problems += [f"{name} happened {there[name]} times" for name in writer.asked if there[name] != 1]


def _check_jobs(client: Client, jobs: list[Job], report: Report) -> None:
    names = Counter(migration.name for migration in client.migrations.list(limit=100))
    for job in jobs:
        if names[f"job-{job.number}"] != 1:
            report.problems.append(f"job-{job.number} was created {names[f'job-{job.number}']} times")
        if not job.id:
            continue
        with client.migrations.stream_events(job.id) as events:
            story = [event.id for event in events if event.id is not None]
        if job.seen != story:
            missing, extra = set(story) - set(job.seen), [i for i, n in Counter(job.seen).items() if n > 1]
            report.problems.append(f"job-{job.number}: of its events {len(missing)} were lost, {len(extra)} came twice")
        report.events += len(story)
        validations = client.validations.list(migration_id=job.id).to_list()
        if len(validations) != 2:
            report.problems.append(f"job-{job.number} has {len(validations)} validations, not 2")


def _check_deliveries(state: Path, receiver: Receiver, jobs: list[Job], report: Report) -> None:
    """Every event reached the receiver; each is one event, however often it was delivered."""
    query = "SELECT count(*), coalesce(sum(status != 'delivered'), 0) FROM webhook_deliveries"

    def count() -> tuple[int, int]:
        with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=30)) as database:
            made, open_ = database.execute(query).fetchone()
            return int(made), int(open_)

    end = time.monotonic() + 60
    while count()[1] and time.monotonic() < end:
        time.sleep(0.05)
    made, undelivered = count()
    received = list(receiver.received)
    by_event = defaultdict(set)
    kinds: Counter[tuple[str, str]] = Counter()
    for delivery in received:
        event_id = delivery.headers["x-sensei-event-id"]
        if event_id not in by_event:
            event = json.loads(delivery.body)
            kinds[event["data"].get("migration_id", ""), event["type"]] += 1
        by_event[event_id].add((delivery.headers["x-sensei-delivery-id"], delivery.body))
    report.deliveries, report.repeated_deliveries = len(received), len(received) - len(by_event)
    if undelivered or len(by_event) != made:
        report.problems.append(f"of {made} events {len(by_event)} were received, {undelivered} are undelivered")
    report.problems += [f"{event} came as {len(forms)} events" for event, forms in by_event.items() if len(forms) > 1]
    for job in jobs:
        odd = {kind: kinds[job.id, kind] for kind in ONCE if kinds[job.id, kind] != 1}
        if odd:
            report.problems.append(f"job-{job.number} told of {odd}, each of which happens once")
