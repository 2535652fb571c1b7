"""Rows that were refused are tried again with a mended mapping, on real databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sensei.server.serve import ServerThread
from tests.server.world import World
from tests.support.contract import ContractClient

NAMES = [f"n{n}" for n in range(60)] + ["christina", None, "dorothea"]


class Job:
    """A table of names, moved into a PostgreSQL column that is too narrow for two of them."""

    def __init__(self, world: World, folder: Path, url: str) -> None:
        self.world = world
        self.url = url
        source = folder / "source.db"
        with sqlite3.connect(source) as db:
            db.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
            db.executemany("INSERT INTO people (name) VALUES (?)", [(name,) for name in NAMES])
        db.close()
        self.mig = world.planned(
            source={"type": "sqlite", "connection_string": f"sqlite:///{source}"},
            target={"type": "postgresql", "connection_string": url},
            options={
                "validation_type": "quick",
                "type_mappings": [{"source_type": "TEXT", "target_type": "varchar(5)"}],
            },
        )
        world.post(self.mig, "start", skip_approval=True)
        world.wait_for(self.mig, "completed")

    def take_back(self) -> None:
        """Leave the migration paused, with its table to be transferred again."""
        self.world.post(self.mig, "rollback", strategy="truncate", scope="tables", tables=["people"])
        self.world.wait_for(self.mig, "paused")

    def run_on(self) -> dict[str, Any]:
        self.world.post(self.mig, "resume")
        return self.world.wait_for(self.mig, "completed")

    def error(self) -> dict[str, Any]:
        data = self.world.client.get(f"/v1/migrations/{self.mig}/errors").json()["data"]
        assert len(data) == 1
        found: dict[str, Any] = data[0]
        return found

    def names(self) -> list[str | None]:
        with psycopg.connect(self.url) as db:
            return [name for (name,) in db.execute("SELECT name FROM people ORDER BY id")]


@pytest.fixture
def job(server: ServerThread, admin: ContractClient, tmp_path: Path, postgres_url: str) -> Job:
    return Job(World(server, admin), tmp_path, postgres_url)


def test_refused_rows_are_left_out_and_recorded(job: Job) -> None:
    assert job.names() == [name for name in NAMES if name is None or len(name) <= 5]
    error = job.error()
    assert (error["status"], error["error"]["type"], error["error"]["column"]) == (
        "escalated",
        "truncation_warning",
        "name",
    )
    assert error["context"]["affected_records"] == 2
    assert job.world.get(job.mig)["metrics"]["errors_escalated"] == 2


def test_a_retry_with_the_same_mapping_is_refused_again(job: Job) -> None:
    job.take_back()
    retrying = job.world.post(job.mig, f"errors/{job.error()['id']}/retry", fix_applied="hoped")
    assert (retrying.status_code, retrying.json()["status"]) == (202, "retrying")
    shown = job.run_on()
    error = job.error()
    assert (error["status"], error["context"]["attempted_fixes"]) == ("escalated", 1)
    assert error["context"]["last_fix_attempt"] == "Transferred again: still refused"
    assert shown["metrics"]["errors_escalated"] == 2
    assert len(job.names()) == len(NAMES) - 2


MENDED: list[tuple[dict[str, Any], list[str | None]]] = [
    ({"type": "accept_truncation"}, ["chris", None, "dorot"]),
    ({"type": "transform", "transformation": "substr(name, 1, 2)"}, ["ch", None, "do"]),
]


@pytest.mark.parametrize(("resolution", "expected"), MENDED)
def test_a_mended_mapping_lets_the_rows_through(
    job: Job, resolution: dict[str, Any], expected: list[str | None]
) -> None:
    job.take_back()
    answer = job.world.post(job.mig, f"errors/{job.error()['id']}/resolve", resolution={**resolution, "retry": True})
    assert answer.json()["status"] == "retrying"
    shown = job.run_on()
    assert job.names()[-3:] == expected
    assert (shown["metrics"]["errors_recovered"], shown["metrics"]["errors_escalated"]) == (2, 0)
    error = job.error()
    assert error["status"] == "recovered"
    assert error["resolution"]["type"] == resolution["type"]
    assert error["recommended_actions"] == []


def test_a_resolution_that_does_not_fit_is_refused(job: Job) -> None:
    job.take_back()
    path = f"errors/{job.error()['id']}/resolve"

    def refused(**resolution: Any) -> tuple[str, str]:
        details = job.world.post(job.mig, path, resolution=resolution).json()["error"]["details"]
        return details["field"], details["reason"]

    assert refused(type="transform") == ("transformation", "required")
    assert refused(type="default") == ("default_value", "required")
    assert refused(type="default", default_value=["a"]) == ("default_value", "type")
    assert refused(type="transform", transformation="name; DROP TABLE people") == ("transformation", "format")
    assert refused(type="transform", transformation="(SELECT 1)") == ("transformation", "format")
    assert job.error()["status"] == "retrying"
