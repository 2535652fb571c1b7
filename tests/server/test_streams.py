"""Event streams: nothing lost, nothing twice, an `end` exactly when it is the end."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest

from sensei.server.engine.errors import ExecutionError
from sensei.server.serve import ServerThread
from tests.server.scripted_engine import ScriptedEngine, error_record
from tests.server.world import Event, World, parse
from tests.support.contract import ContractClient


def _ids(events: list[Event]) -> list[int]:
    return [event.id for event in events]


def test_the_whole_story_of_a_migration(world: World, engine: ScriptedEngine) -> None:
    engine.errors = (error_record(), error_record(status="recovered"))
    mig = world.completed()
    story = list(world.events(mig))
    assert _ids(story) == sorted(set(_ids(story)))
    assert {event.name for event in story} == {"log", "progress", "phase", "status", "error", "end"}
    assert [e.data["status"] for e in story if e.name == "status"] == [
        "pending",
        "planning",
        "plan_ready",
        "approved",
        "running",
        "validating",
        "running",
        "completed",
    ]
    assert [(e.data["phase"], e.data["action"]) for e in story if e.name == "phase"] == [
        (phase, action)
        for phase in ("planning", "schema_migration", "data_transfer", "validation", "cutover")
        for action in ("started", "completed")
    ]
    assert [e.data["action"] for e in story if e.name == "error"] == ["occurred", "escalated", "occurred", "recovered"]
    percents = [e.data["percent"] for e in story if e.name == "progress"]
    assert percents == sorted(percents)
    assert story[-1].name == "end"
    assert (story[-1].data["status"], story[-1].data["records_processed"]) == ("completed", 300)
    assert all(e.data["level"] != "debug" for e in story if e.name == "log")


def test_a_stream_resumes_after_any_event_without_loss_or_repetition(world: World) -> None:
    mig = world.completed()
    story = list(world.events(mig))
    for position, event in enumerate(story[:-1]):
        assert _ids(list(world.events(mig, last=event.id))) == _ids(story[position + 1 :])


def test_resumed_after_the_end_it_is_sent_once_more(world: World) -> None:
    mig = world.completed()
    end = list(world.events(mig))[-1]
    assert _ids(list(world.events(mig, last=end.id))) == [end.id]


@pytest.mark.parametrize("value", ["0", "-1", "abc", "999999", "1.5", "٣", "9" * 40])
def test_what_is_no_id_of_this_migration_is_ignored(world: World, value: str) -> None:
    mig = world.completed()
    path, headers = f"/v1/migrations/{mig}/events", [(b"Last-Event-ID", value.encode())]
    with world.client.stream("GET", path, headers=headers) as response:
        assert next(parse(response.iter_lines())).id == 1


def test_a_running_migration_is_followed_to_its_end(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned()
    stream = world.events(mig)
    seen = [next(stream)]
    world.post(mig, "start")
    assert engine.arrived.wait(10)
    engine.hold_in.clear()
    engine.go_on.set()
    seen += list(stream)
    assert seen[-1].name == "end"
    assert _ids(seen) == _ids(list(world.events(mig)))


def test_a_paused_migration_keeps_its_streams_open(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned()
    world.post(mig, "start")
    assert engine.arrived.wait(10)
    stream = world.events(mig)
    world.post(mig, "pause")
    for event in stream:
        if event.name == "status" and event.data["status"] == "paused":
            break
    engine.hold_in.clear()
    world.post(mig, "resume")
    assert next(event for event in stream if event.name == "end").data["status"] == "completed"


def test_the_end_before_a_restore_is_left_out_of_later_replays(world: World, engine: ScriptedEngine) -> None:
    engine.failures["cutover"] = ExecutionError("no")
    mig = world.planned()
    world.post(mig, "start")
    world.wait_for(mig, "failed")
    first_end = list(world.events(mig))[-1]
    checkpoint = world.client.get(f"/v1/migrations/{mig}/checkpoints").json()["data"][0]["id"]
    world.post(mig, "restore", checkpoint_id=checkpoint)
    engine.failures.clear()
    world.post(mig, "resume")
    world.wait_for(mig, "completed")
    ends = [event for event in world.events(mig) if event.name == "end"]
    assert [end.data["status"] for end in ends] == ["completed"]
    assert ends[0].id > first_end.id
    # Who had the first end goes on after it.
    assert list(world.events(mig, last=first_end.id))[-1].id == ends[0].id


def test_since_begins_later(world: World) -> None:
    mig = world.completed()
    story = list(world.events(mig))
    middle = story[len(story) // 2]
    later = list(world.events(mig, since=middle.data["timestamp"]))
    assert later
    assert all(event.id > middle.id for event in later)


def test_logs_as_a_page(world: World) -> None:
    mig = world.completed()

    def page(**params: Any) -> dict[str, Any]:
        found: dict[str, Any] = world.client.get(f"/v1/migrations/{mig}/logs", params=params).json()
        return found

    everything = page()["data"]
    assert [entry["timestamp"] for entry in everything] == sorted(entry["timestamp"] for entry in everything)
    assert page()["pagination"]["limit"] == 100
    assert page(level="info", phase="cutover")["data"][0]["message"] == "cutover begins"
    assert page(level="error")["data"] == []
    assert page(limit=1, offset=1)["data"] == everything[1:2]
    assert any("checkpoint_id" in entry for entry in everything)


def test_logs_as_a_stream(world: World) -> None:
    mig = world.completed()
    entries = world.client.get(f"/v1/migrations/{mig}/logs", params={"level": "info"}).json()["data"]
    headers = {"Accept": "text/event-stream"}
    params: dict[str, Any] = {"follow": "true", "limit": 2, "level": "info"}
    with world.client.stream("GET", f"/v1/migrations/{mig}/logs", params=params, headers=headers) as response:
        events = list(parse(response.iter_lines()))
    assert [e.data["message"] for e in events[:-1]] == [entry["message"] for entry in entries[-2:]]
    assert events[-1].name == "end"
    # Someone who wants JSON gets a page, whatever `follow` says.
    headers = {"Accept": "application/json"}
    assert world.client.get(f"/v1/migrations/{mig}/logs", params=params, headers=headers).json()["pagination"]


def test_followed_logs_show_progress_but_no_phases(world: World, engine: ScriptedEngine) -> None:
    engine.hold_in.add("data_transfer")
    mig = world.planned()
    world.post(mig, "start")
    assert engine.arrived.wait(10)
    stream = world.events(mig, path="logs", follow="true")
    first = next(stream)
    engine.hold_in.clear()
    engine.go_on.set()
    names = [first.name, *(event.name for event in stream)]
    assert set(names) == {"log", "progress", "end"}


def test_silence_is_broken_by_comments(engine: ScriptedEngine, start_server: Any) -> None:
    server: ServerThread = start_server(keep_alive_seconds=0.05)
    with ContractClient(server.url, server.api_key) as client:
        mig = World(server, client).planned()
        with client.stream("GET", f"/v1/migrations/{mig}/events") as response:
            assert response.headers["cache-control"] == "no-store"
            assert next(line for line in response.iter_lines() if line.startswith(":")) == ": keep-alive"


def test_a_server_that_stops_closes_streams_without_an_end(world: World) -> None:
    mig = world.planned()
    stopper = threading.Thread(target=world.server.stop)
    events = []
    for event in world.events(mig):
        events.append(event)
        if event.data.get("status") == "approved":
            stopper.start()
    stopper.join()
    assert "end" not in {event.name for event in events}


def test_errors_before_the_first_byte_are_ordinary_answers(world: World) -> None:
    answer = world.client.get("/v1/migrations/mig_none/events")
    assert answer.json()["error"]["code"] == "migration_not_found"
    mig = world.planned()
    assert httpx.get(f"{world.server.url}/v1/migrations/{mig}/events").status_code == 401
    bad = world.client.get(f"/v1/migrations/{mig}/events", params={"since": "yesterday"}).json()["error"]
    assert (bad["details"]["field"], bad["details"]["reason"]) == ("since", "format")


def test_many_readers_of_one_migration_see_the_same(world: World) -> None:
    mig = world.planned()
    seen: list[list[int]] = []

    def read() -> None:
        with ContractClient(world.server.url, world.server.api_key) as client:
            seen.append(_ids(list(World.events(_Reader(client), mig))))  # type: ignore[arg-type]

    readers = [threading.Thread(target=read) for _ in range(10)]
    for reader in readers:
        reader.start()
    world.post(mig, "start")
    for reader in readers:
        reader.join()
    assert len(seen) == 10
    assert all(ids == seen[0] for ids in seen)


class _Reader:
    def __init__(self, client: ContractClient) -> None:
        self.client = client


def test_the_data_of_an_event_is_one_line_of_json(world: World, engine: ScriptedEngine) -> None:
    engine.errors = (error_record(message="a\nb\u2028c"),)
    mig = world.completed()
    with world.client.stream("GET", f"/v1/migrations/{mig}/events") as response:
        raw = response.read().decode()
    frames = [frame for frame in raw.split("\n\n") if frame.startswith("id:")]
    assert all(len(frame.split("\n")) == 3 for frame in frames)
    messages = [json.loads(frame.split("\n")[2].removeprefix("data: ")).get("message") for frame in frames]
    assert "a\nb\u2028c" in messages
