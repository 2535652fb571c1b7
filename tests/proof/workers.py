"""Two server processes on one state work on several migrations at once; one is killed and the other takes over."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text

from sensei import Client, Migration, SenseiError
from tests.proof.crash import OPTIONS, PATIENT
from tests.proof.serving import KEY, ServerProcess
from tests.proof.shop import Place, make_shop, sqlite_place, what_differs
from tests.support.postgres import running_postgres

PATIENCE_SECONDS = 120.0
_OWNED = text(
    "SELECT count(*) FROM migrations WHERE owner LIKE :owner AND status = 'running' AND phase = 'data_transfer' "
    "AND records_processed > 0"
)


@dataclass(slots=True)
class Report:
    """What came of a run."""

    migrations: int
    taken_over: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(folder: Path, *, state: str, migrations: int, rows: int) -> Report:
    """Move so many databases at once with two processes, of which one is killed in the middle.

    Parameters:
        folder: Where everything is kept; empty.
        state: ``sqlite`` or ``postgresql``: where the two keep their state.
        migrations: How many.
        rows: In each source.
    """
    report = Report(migrations)
    began = time.monotonic()
    make_shop(folder / "source.db", rows)
    with ExitStack() as stack:
        options: tuple[str, ...] = ()
        if state == "postgresql":
            url = stack.enter_context(stack.enter_context(running_postgres()).database())
            options = ("--key-file", str(folder / "state.key"))
            looking = "postgresql+psycopg://" + url.removeprefix("postgresql://")
        else:
            url = str(folder / "state.db")
            looking = f"sqlite:///file:{folder / 'state.db'}?mode=ro&uri=true"
        servers = [
            stack.enter_context(ServerProcess(url, options, folder / f"server{number}.log")) for number in range(2)
        ]
        clients = [stack.enter_context(Client(KEY, base_url=server.url, retry=PATIENT)) for server in servers]
        _move(folder, servers, clients, looking, report)
    report.seconds = time.monotonic() - began
    return report


def _move(folder: Path, servers: list[ServerProcess], clients: list[Client], looking: str, report: Report) -> None:
    source = sqlite_place(folder / "source.db")
    places = [sqlite_place(folder / f"target{number}.db") for number in range(report.migrations)]
    # Asked for through both; who works on what, the two settle between themselves.
    made = [_planned(clients[number % 2], source, place) for number, place in enumerate(places)]
    for migration in made:
        migration.start(idempotency_key=f"start-{migration.id}")
    report.taken_over = _kill_at_work(servers[0], looking)
    survivor = clients[1]
    for migration, place in zip(made, places, strict=True):
        try:
            # A start that the killed process acknowledged, or never did, is the same start here.
            survivor.migrations.wait(migration.id, timeout=PATIENCE_SECONDS, raise_on_failure=True)
        except SenseiError as error:
            report.problems.append(f"{migration.id}: {error!r}")
        report.problems += [f"{migration.id}: {line}" for line in what_differs(source, place)]
        with survivor.migrations.stream_events(migration.id) as events:
            ids = [int(event.id) for event in events if event.id is not None]
        if ids != sorted(set(ids)):
            report.problems.append(f"{migration.id}: its events are not in order: {ids}")


def _planned(client: Client, source: Place, target: Place) -> Migration:
    ends = {
        role: {
            "connection_id": client.connections.create(name=role, type=place.type, role=role, config=place.config).id
        }
        for role, place in (("source", source), ("target", target))
    }
    migration = client.migrations.create(name="shared", source=ends["source"], target=ends["target"], options=OPTIONS)
    migration.wait_for_plan(timeout=PATIENCE_SECONDS)
    client.mappings.approve_all(migration.id, above=0.0)
    return migration


def _kill_at_work(server: ServerProcess, looking: str) -> int:
    """Kill a process once it is moving rows; gives the number of migrations it worked on."""
    engine = create_engine(looking)
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            with engine.connect() as connection:
                owned = connection.execute(_OWNED, {"owner": f"%:{server.pid}:%"}).scalar_one()
            if owned:
                server.kill()
                return int(owned)
            time.sleep(0.005)
        raise TimeoutError("the first process never moved a row")
    finally:
        engine.dispose()
