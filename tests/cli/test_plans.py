"""`sensei plans` against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from sensei import Client
from tests.cli.conftest import User
from tests.cli.jobs import made

DOUBTFUL = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, newsletter BOOLEAN, born DATE)",
    "INSERT INTO people VALUES (1, 0, '1990-01-01'), (2, 1, '3. May'), (3, 2, NULL)",
)
"""A mapping that has to be decided, and one that is only unsure."""


@pytest.fixture
def migration_id(connected: User, client: Client, tmp_path: Path) -> str:
    return made(client, tmp_path / "doubt", statements=DOUBTFUL).id


def ids(connected: User, *arguments: str) -> list[str]:
    said = connected.run("plans", "mappings", *arguments, "--all", "--quiet")
    assert said.code == 0, said.err
    return said.out.split()


def test_a_plan_is_shown_and_exported_whole(connected: User, client: Client, migration_id: str) -> None:
    plan = client.migrations.plan(migration_id).to_dict()

    text = connected.run("plans", "get", migration_id)
    assert text.code == 0
    assert "1 mapping before it can start" in text.out
    assert "people.newsletter" in text.out
    assert json.loads(connected.run("plans", "get", migration_id, "--output", "json").out) == plan
    assert connected.run("plans", "get", migration_id, "--quiet").out == f"{migration_id}\n"

    assert yaml.safe_load(connected.run("plans", "export", migration_id).out) == plan
    assert json.loads(connected.run("plans", "export", migration_id, "--output", "json").out) == plan
    for name, read in (("plan.yaml", yaml.safe_load), ("plan.json", json.loads)):
        (connected.folder / name).write_text("old")
        said = connected.run("plans", "export", migration_id, "-o", name)
        assert (said.code, said.out, said.err) == (0, "", f"Wrote {name}\n")
        assert read((connected.folder / name).read_text(encoding="utf-8")) == plan
    assert connected.run("plans", "export", migration_id, "-o", "no/such/folder.yaml").code == 1
    assert {path.name for path in connected.folder.iterdir()} == {"plan.yaml", "plan.json"}


def test_mappings_by_how_sure_they_are(connected: User, client: Client, migration_id: str) -> None:
    sure = {one.id: one.confidence for one in client.mappings.list(migration_id)}
    for below in (0.0, *sure.values(), 1.0):
        assert set(ids(connected, migration_id, "--below", str(below))) == {i for i, c in sure.items() if c < below}
    undecided = ids(connected, migration_id, "--undecided")
    assert [sure[one] < 0.8 for one in undecided] == [True]

    rows = connected.run("plans", "mappings", migration_id, "--undecided").out.splitlines()
    assert rows[0].split() == ["ID", "SURE", "COLUMN", "BECOMES", "STATUS"]
    assert rows[1].startswith(undecided[0])
    assert rows[1].endswith("needs a decision")
    assert "people.newsletter" in rows[1]
    document = json.loads(connected.run("plans", "mappings", migration_id, "--limit", "1", "--output", "json").out)
    assert [one["id"] for one in document["data"]] == list(sure)[:1]
    assert document["pagination"]["total"] == len(sure)


def test_mappings_are_approved_as_far_as_told(connected: User, migration_id: str) -> None:
    (doubt,) = ids(connected, migration_id, "--undecided")
    waiting = ids(connected, migration_id, "--status", "pending_review")
    assert len(waiting) == 2

    none = connected.run("plans", "approve", migration_id, "--above", "0.95")
    assert (none.code, none.out) == (0, "0 mappings approved; 2 mappings still in review.\n")
    one = connected.run("plans", "approve", migration_id, "--mapping", doubt, "--mapping", doubt, "--quiet")
    assert (one.code, one.out) == (0, f"{doubt}\n")
    rest = connected.run("plans", "approve", migration_id, "--all", "--comment", "seen", "--output", "json")
    assert json.loads(rest.out)["summary"] == {"total": 1, "succeeded": 1, "failed": 0}
    assert ids(connected, migration_id, "--status", "pending_review") == []


def test_a_rejected_column_is_left_out_and_may_come_back(connected: User, client: Client, migration_id: str) -> None:
    (doubt,) = ids(connected, migration_id, "--undecided")

    said = connected.run("plans", "reject", migration_id, "--mapping", doubt, "--comment", "not needed")
    assert (said.code, said.out) == (0, "1 mapping rejected; 1 mapping still in review.\n")
    assert client.mappings.get(migration_id, doubt).comment == "not needed"
    connected.run("plans", "approve", migration_id, "--all")
    assert client.mappings.get(migration_id, doubt).status == "rejected"


def test_a_refused_decision_is_told_and_the_others_count(connected: User, migration_id: str) -> None:
    (doubt,) = ids(connected, migration_id, "--undecided")

    said = connected.run("plans", "approve", migration_id, "--mapping", doubt, "--mapping", "map_none")

    assert said.code == 4
    assert said.out.startswith("1 mapping approved")
    assert "map_none" in said.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("approve", "mig_1"), 2),
        (("approve", "mig_1", "--all", "--above", "0.9"), 2),
        (("approve", "mig_1", "--above", "1.1"), 2),
        (("approve", "mig_1", "--above", "nan"), 2),
        (("reject", "mig_1"), 2),
        (("mappings", "mig_1", "--below", "-1"), 2),
        (("mappings", "mig_1", "--undecided", "--status", "approved"), 2),
        (("mappings", "mig_none", "--below", "0"), 4),
        (("get", "mig_none"), 4),
        (("get", "../../api-keys"), 4),
        (("mappings", "mig_none"), 4),
        (("approve", "mig_none", "--all"), 4),
        (("reject", "mig_none", "--mapping", "map_1"), 4),
        (("export", "mig_none"), 4),
    ],
)
def test_what_cannot_be_has_its_exit_code(connected: User, arguments: tuple[str, ...], code: int) -> None:
    said = connected.run("plans", *arguments)

    assert (said.code, said.out) == (code, ""), said.err
