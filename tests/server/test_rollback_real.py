"""Rollbacks by every strategy of the contract, over HTTP, on real files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.server.real import Files, wait_for
from tests.server.waiting import wait_until
from tests.support.contract import ContractClient


@pytest.fixture
def files(admin: ContractClient, tmp_path: Path) -> Files:
    """A source with two tables; the target has one of them already, with rows of its own."""
    found = Files(admin, tmp_path / "source.db", tmp_path / "target.db")
    found.run(
        found.source,
        "CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT); INSERT INTO a VALUES (1, 'x'), (2, 'y');"
        "CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1), (2), (3);",
    )
    found.run(found.target, "CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT); INSERT INTO a VALUES (7, 'theirs');")
    return found


def _roll_back(files: Files, mig: str, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = files.client.post(f"/v1/migrations/{mig}/rollback", json=body).json()
    return answer


def _refused(files: Files, mig: str, **body: Any) -> str:
    answer = files.client.post(f"/v1/migrations/{mig}/rollback", json=body)
    assert answer.status_code == 409, answer.text
    error = answer.json()["error"]
    assert error["code"] == "rollback_not_available"
    return str(error["message"])


def _report(files: Files, mig: str) -> dict[str, Any]:
    return files.get(mig, "/rollback/status")


@pytest.mark.parametrize("way", ["drop_existing_tables", "truncate_existing_tables"])
def test_a_backup_is_told_of_and_brings_back_what_was_there(files: Files, way: str) -> None:
    mig = files.finished(target={"options": {way: True}})
    backup = mig.replace("mig_", "bkp_")
    assert any(message.startswith(f"the backup {backup} keeps the table") for message in files.logs(mig))
    assert files.query(files.target, "SELECT * FROM a") == [(1, "x"), (2, "y")]
    assert backup in _refused(files, mig, strategy="backup_restore", backup_id="bkp_other")

    answer = _roll_back(files, mig, strategy="backup_restore", backup_id=backup)
    assert (answer["status"], answer["strategy"]) == ("rolling_back", "backup_restore")
    files.wait(mig, "rolled_back")

    report = _report(files, mig)
    assert report["rollback_status"] == "completed"
    assert report["strategy_used"] == "backup_restore"
    assert report["verification"] == {
        "source_comparison": "passed",
        "record_counts_match": True,
        "sample_verification": "passed",
    }
    started = files.get(mig)["timing"]["started_at"]
    assert datetime.fromisoformat(report["restored_to"]) >= datetime.fromisoformat(started)
    assert files.query(files.target, "SELECT * FROM a") == [(7, "theirs")]
    assert files.query(
        files.target, "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_stat1'"
    ) == [("a",)]


@pytest.mark.parametrize("strategy", ["reverse_migration", "point_in_time"])
def test_what_cannot_be_done_here_is_refused_with_the_reason(files: Files, strategy: str) -> None:
    mig = files.finished(target={"options": {"drop_existing_tables": True}})
    more = {"restore_to": "2026-01-01T00:00:00Z"} if strategy == "point_in_time" else {}
    assert "truncate and backup_restore are possible" in _refused(files, mig, strategy=strategy, **more)
    assert files.get(mig)["status"] == "completed"


def test_without_preparation_there_is_no_backup(files: Files) -> None:
    mig = files.finished(target={"options": {"drop_existing_tables": True}}, options={"generate_rollback": False})
    refused = _refused(files, mig, strategy="backup_restore", backup_id="bkp_1")
    assert "generate_rollback was off" in refused
    assert not [message for message in files.logs(mig) if "backup" in message]


def test_truncate_removes_what_was_written_and_says_what_stays(files: Files) -> None:
    mig = files.finished(target={"options": {"append_to_existing": True}})
    assert files.query(files.target, "SELECT count(*) FROM a") == [(3,)]
    _roll_back(files, mig, strategy="truncate")
    files.wait(mig, "rolled_back")
    assert files.query(files.target, "SELECT * FROM a") == [(7, "theirs")]
    assert _report(files, mig)["verification"] == {
        "source_comparison": "passed",
        "record_counts_match": True,
        "sample_verification": "passed",
    }
    assert _report(files, mig)["restored_to"] is None


def test_a_check_that_is_not_wanted_is_not_made(files: Files) -> None:
    mig = files.finished(target={"options": {"append_to_existing": True}})
    _roll_back(files, mig, strategy="truncate", verify_after=False)
    files.wait(mig, "rolled_back")
    assert _report(files, mig)["verification"] is None


def test_a_check_that_finds_something_says_so(files: Files) -> None:
    mig = files.finished(target={"options": {"append_to_existing": True}})
    files.run(files.target, "UPDATE a SET t = 'changed' WHERE id = 7; DELETE FROM sqlite_stat1")
    _roll_back(files, mig, strategy="truncate")
    files.wait(mig, "rolled_back")
    verification = _report(files, mig)["verification"]
    assert (verification["record_counts_match"], verification["sample_verification"]) == (True, "failed")
    assert any("not what was expected" in message for message in files.logs(mig))


def test_a_table_alone_is_brought_back_and_transferred_again_on_resume(files: Files) -> None:
    mig = files.finished(target={"options": {"truncate_existing_tables": True}})
    backup = mig.replace("mig_", "bkp_")
    _roll_back(files, mig, strategy="backup_restore", backup_id=backup, scope="tables", tables=["a"])
    wait_for(files.client, f"/v1/migrations/{mig}", ["paused"])
    assert files.query(files.target, "SELECT * FROM a") == [(7, "theirs")]
    assert files.query(files.target, "SELECT count(*) FROM b") == [(3,)]
    files.client.post(f"/v1/migrations/{mig}/resume")
    files.wait(mig, "completed")
    assert files.query(files.target, "SELECT * FROM a") == [(1, "x"), (2, "y")]
    _roll_back(files, mig, strategy="backup_restore", backup_id=backup)
    files.wait(mig, "rolled_back")
    assert files.query(files.target, "SELECT * FROM a") == [(7, "theirs")]


def test_a_failed_migration_can_be_taken_back_too(files: Files) -> None:
    """The new table is refused halfway, after the old one made room."""
    files.run(files.target, "CREATE VIEW b AS SELECT 1 AS id")
    mig = files.finished("failed", target={"options": {"drop_existing_tables": True}})
    assert files.query(files.target, "SELECT * FROM a WHERE t = 'theirs'") == [(7, "theirs")]
    assert files.get(mig)["error"]["code"]


def test_checkpoints_from_before_a_partial_rollback_are_gone(files: Files) -> None:
    """They would take a table that was brought back for one that the migration made."""
    mig = files.finished(target={"options": {"drop_existing_tables": True}})
    backup = mig.replace("mig_", "bkp_")
    before = {one["id"] for one in files.get(mig, "/checkpoints?limit=100")["data"]}
    _roll_back(files, mig, strategy="backup_restore", backup_id=backup, scope="tables", tables=["a"])
    wait_for(files.client, f"/v1/migrations/{mig}", ["paused"])

    (left,) = files.get(mig, "/checkpoints?limit=100")["data"]
    assert left["id"] not in before
    for old in before:
        answer = files.client.post(f"/v1/migrations/{mig}/restore", json={"checkpoint_id": old})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "checkpoint_not_found")
    assert files.client.post(f"/v1/migrations/{mig}/restore", json={"checkpoint_id": left["id"]}).status_code == 202
    assert files.client.post(f"/v1/migrations/{mig}/resume").status_code == 202
    files.wait(mig, "completed")
    assert files.query(files.target, "SELECT * FROM a") == [(1, "x"), (2, "y")]
    _roll_back(files, mig, strategy="backup_restore", backup_id=backup)
    files.wait(mig, "rolled_back")
    assert files.query(files.target, "SELECT * FROM a") == [(7, "theirs")]


def test_a_cancellation_brings_back_what_was_there(files: Files) -> None:
    rows = ", ".join(f"({n}, 'x')" for n in range(10, 20_000))
    files.run(files.source, f"INSERT INTO a VALUES {rows}")
    mig = files.planned(target={"options": {"truncate_existing_tables": True}}, options={"batch_size": 1})
    files.client.post(f"/v1/migrations/{mig}/start", json={"skip_approval": True})
    wait_until(lambda: any("keeps the table" in message for message in files.logs(mig)))
    assert files.client.post(f"/v1/migrations/{mig}/cancel", json={"force": True}).status_code == 202
    files.wait(mig, "cancelled")
    report = _report(files, mig)
    assert (report["rollback_status"], report["strategy_used"]) == ("completed", "backup_restore")
    assert report["verification"]["sample_verification"] == "passed"
    assert files.query(files.target, "SELECT * FROM a") == [(7, "theirs")]


def test_deleting_a_migration_removes_its_backup(files: Files) -> None:
    mig = files.finished(target={"options": {"truncate_existing_tables": True}})
    kept = "SELECT count(*) FROM sqlite_master WHERE name LIKE '\\_sensei%' ESCAPE '\\'"
    assert files.query(files.target, kept) == [(1,)]
    assert files.client.delete(f"/v1/migrations/{mig}").status_code == 200
    wait_until(lambda: files.query(files.target, kept) == [(0,)])
    assert files.query(files.target, "SELECT * FROM a") == [(1, "x"), (2, "y")]


def test_a_migration_with_a_backup_can_be_deleted_after_its_connections(files: Files) -> None:
    def connection(role: str, path: Path) -> str:
        body = {"name": role, "type": "sqlite", "role": role, "config": {"path": str(path)}}
        return str(files.client.post("/v1/connections", json=body).json()["id"])

    ids = {"source": connection("source", files.source), "target": connection("target", files.target)}
    body = {
        "name": "files",
        "source": {"connection_id": ids["source"]},
        "target": {"connection_id": ids["target"], "options": {"truncate_existing_tables": True}},
    }
    mig = str(files.client.post("/v1/migrations", json=body).json()["id"])
    files.wait(mig, "plan_ready", "approved")
    files.client.post(f"/v1/migrations/{mig}/start", json={"skip_approval": True})
    files.wait(mig, "completed")
    for one in ids.values():
        assert files.client.delete(f"/v1/connections/{one}").status_code == 204
    answer = files.client.delete(f"/v1/migrations/{mig}")
    assert answer.status_code == 200, answer.text
    assert files.query(files.target, "SELECT count(*) FROM sqlite_master WHERE name GLOB '_sensei_backup*'") == [(1,)]


def test_what_was_rolled_back_is_not_shown_as_done(files: Files) -> None:
    mig = files.finished(target={"options": {"drop_existing_tables": True}})
    assert files.get(mig)["progress"]["overall_percent"] == 100
    _roll_back(files, mig, strategy="truncate")
    files.wait(mig, "rolled_back")
    shown = files.get(mig)
    assert [phase["status"] for phase in shown["progress"]["phases"]] == ["completed", *["pending"] * 4]
    assert shown["progress"]["overall_percent"] == 5
    assert shown["metrics"]["records_processed"] == 0
    # Restarted or not, it stays the history it is: neither resumed nor started again.
    assert files.client.post(f"/v1/migrations/{mig}/start", json={}).json()["error"]["code"] == "invalid_state"
