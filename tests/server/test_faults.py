"""Failures on demand: what a user scripts is what a client meets, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from sensei.server.faults import Fault, Faults, RandomFaults
from sensei.server.serve import ServerThread
from tests.server.scripted_engine import ScriptedEngine
from tests.server.world import World
from tests.support.contract import ContractClient

BODY = {"name": "a", "type": "sqlite", "role": "both", "config": {"path": "/nowhere.db"}}


@pytest.fixture
def server(engine: ScriptedEngine, start_server: Callable[..., ServerThread]) -> ServerThread:
    return start_server(faults=True)


@pytest.fixture
def faults(server: ServerThread) -> Faults:
    found: Faults = server.app.state.faults
    return found


@pytest.fixture
def client(server: ServerThread) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=5, trust_env=False) as one:
        yield one


def _total(client: httpx.Client) -> int:
    return int(client.get("/v1/connections").json()["pagination"]["total"])


def test_an_error_comes_as_often_as_told(client: httpx.Client, faults: Faults) -> None:
    faults.fail(429, times=2, retry_after=7)
    answers = [client.get("/v1/connections") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json()["error"]["code"] == "rate_limited"
    assert faults.met == 2


def test_a_fault_is_for_the_calls_it_names(client: httpx.Client, faults: Faults) -> None:
    faults.fail(503, times=None, method="POST", path="/v1/conn*")
    assert client.get("/v1/connections").status_code == 200
    assert client.get("/healthz").status_code == 200
    assert client.post("/v1/connections", json=BODY).status_code == 503
    faults.add(Fault(status=500, skip=1))
    faults.clear()
    assert client.post("/v1/connections", json=BODY).status_code == 201


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_an_error_before_or_after_the_effect(client: httpx.Client, faults: Faults, when: Any, effects: int) -> None:
    faults.fail(502, when=when, method="POST")
    assert client.post("/v1/connections", json=BODY).status_code == 502
    assert _total(client) == effects


def test_a_connection_is_refused_before_the_effect(client: httpx.Client, faults: Faults) -> None:
    faults.refuse(method="POST")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.post("/v1/connections", json=BODY)
    assert _total(client) == 0


@pytest.mark.parametrize("at", [0, 1, 9, 40, 200, 500])
@pytest.mark.parametrize("ending", ["reset", "close"])
def test_an_answer_is_cut_after_its_effect(client: httpx.Client, faults: Faults, at: int, ending: Any) -> None:
    faults.cut(at, ending=ending, method="POST")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.post("/v1/connections", json=BODY)
    assert _total(client) == 1


def test_an_answer_stalls(client: httpx.Client, faults: Faults) -> None:
    faults.cut(30, ending="stall")
    with pytest.raises(httpx.ReadTimeout):
        client.get("/v1/connections", timeout=0.2)
    assert client.get("/v1/connections").status_code == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_takes_longer(client: httpx.Client, faults: Faults, when: Any) -> None:
    faults.slow(0.2, when=when)
    began = time.monotonic()
    assert client.get("/v1/connections").status_code == 200
    assert time.monotonic() - began >= 0.2


def test_html_in_place_of_json(client: httpx.Client, faults: Faults) -> None:
    faults.html(503)
    answer = client.get("/v1/connections")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    faults.add(Fault(body="<html>"))
    answer = client.get("/v1/connections")
    assert (answer.status_code, answer.text) == (200, "<html>")


def test_values_that_no_client_knows(client: httpx.Client, faults: Faults) -> None:
    made = client.post("/v1/connections", json=BODY).json()["id"]
    faults.answer_with({"status": "unheard_of"}, times=2)
    assert client.get(f"/v1/connections/{made}").json()["status"] == "unheard_of"
    assert client.get("/v1/connections").json()["data"][0]["status"] == "unheard_of"


@pytest.mark.parametrize("ending", ["reset", "close"])
def test_a_stream_is_cut_between_events(server: ServerThread, faults: Faults, ending: Any) -> None:
    with ContractClient(server.url, server.api_key) as client:
        world = World(server, client)
        mig = world.completed()
        whole = list(world.events(mig))
        faults.cut_stream(3, ending=ending, path="*/events")
        seen = []
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            seen.extend(world.events(mig))
        # What arrived before the cut may still have been on its way to the reader.
        assert len(seen) <= 3
        assert [e.id for e in world.events(mig, last=whole[2].id)] == [e.id for e in whole[3:]]


def test_faults_by_chance_are_the_same_for_the_same_seed() -> None:
    def draw(seed: int) -> list[Fault | None]:
        faults = Faults()
        faults.at_random(RandomFaults(seed=seed, rate=0.5))
        return [faults.next("GET", "/v1/connections") for _ in range(50)]

    assert draw(1) == draw(1) != draw(2)
    assert 10 < sum(fault is not None for fault in draw(1)) < 40


def test_keyed_posts_under_chance_have_one_effect_each(client: httpx.Client, faults: Faults) -> None:
    faults.at_random(RandomFaults(seed=7, rate=0.5))
    for number in range(30):
        headers = {"X-Idempotency-Key": f"k{number}"}
        for _ in range(50):
            try:
                if client.post("/v1/connections", json=BODY, headers=headers).status_code == 201:
                    break
            except httpx.TransportError:
                continue
    faults.at_random(None)
    assert _total(client) == 30


def test_a_cut_of_streams_leaves_other_calls_alone(faults: Faults) -> None:
    faults.cut_stream(3)
    assert faults.next("GET", "/v1/migrations/mig_1") is None
    assert faults.next("GET", "/v1/migrations/mig_1/events") is not None


def test_faults_are_steered_over_http(client: httpx.Client, server: ServerThread, faults: Faults) -> None:
    assert client.post("/_faults", json={"status": 500, "times": 1}).json() == {"planned": True}
    assert client.get("/v1/connections").status_code == 500
    client.post("/_faults", json={"status": 500, "times": None})
    client.delete("/_faults")
    assert client.get("/v1/connections").status_code == 200
    client.post("/_faults", json={"random": {"seed": 1, "rate": 1.0, "kinds": ["unavailable"]}})
    assert client.get("/v1/connections").status_code == 503
    client.post("/_faults", json={"random": None})
    assert client.get("/v1/connections").status_code == 200
    before = server.runtime.settings.clock.now()
    assert client.post("/_clock", json={"advance": 3600}).status_code == 200
    assert (server.runtime.settings.clock.now() - before).total_seconds() >= 3600


BAD = [
    ({"colour": 1}, "colour"),
    ({"times": -1}, "times"),
    ({"status": "x"}, "status"),
    ({"delay_before": -1}, "delay_before"),
    ({"when": "never"}, "when"),
    ({"ending": "sudden"}, "ending"),
    ([], "object"),
    ({"path": 5}, "path"),
    ({"path": None}, "path"),
    ({"status": 99}, "status"),
    ({"body": {}}, "body"),
    ({"delay_after": 1e308}, "delay_after"),
    ({"content_type": "text/html\r\nX: y"}, "content_type"),
    ({"retry_after": "soon\n"}, "retry_after"),
    ({"set_members": [1]}, "set_members"),
    ({"random": 1}, "random"),
    ({"random": {"colour": 1}}, "colour"),
    ({"random": {"kinds": ["unheard_of"]}}, "kinds"),
    ({"random": {"kinds": "error"}}, "kinds"),
    ({"random": {"rate": 2}}, "rate"),
    ({"random": {"seed": None}}, "null"),
    ({"random": {"path": []}}, "path"),
]


@pytest.mark.parametrize(("body", "told"), BAD)
def test_a_fault_that_makes_no_sense_is_refused(client: httpx.Client, body: Any, told: str) -> None:
    answer = client.post("/_faults", json=body)
    assert answer.status_code == 422
    assert told in answer.json()["error"]["message"]
    assert client.get("/v1/connections").status_code == 200


def test_a_clock_does_not_run_out_of_the_calendar(client: httpx.Client) -> None:
    for seconds in (1e300, 1e12, -1, True, "1"):
        assert client.post("/_clock", json={"advance": seconds}).status_code == 422


def test_strangers_and_endless_bodies_are_not_read(server: ServerThread, client: httpx.Client) -> None:
    much = b"x" * (2 * 1024 * 1024)
    assert client.post("/_faults", content=much).status_code == 413
    assert httpx.post(f"{server.url}/_faults", content=much).status_code == 401


def test_only_who_may_do_everything_may_steer(server: ServerThread, client: httpx.Client) -> None:
    key = client.post("/v1/api-keys", json={"name": "r", "scopes": ["connections:*"]}).json()["key"]
    for credential, status in ((key, 403), ("sk_test_unknown", 401)):
        headers = {"Authorization": f"Bearer {credential}"}
        assert httpx.post(f"{server.url}/_faults", json={"status": 500}, headers=headers).status_code == status


def test_without_being_asked_for_there_are_no_faults(start_server: Callable[..., ServerThread]) -> None:
    server = start_server()
    for path in ("/_faults", "/_clock"):
        assert httpx.post(server.url + path, json={}).status_code == 404
