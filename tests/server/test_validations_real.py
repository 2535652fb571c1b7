"""Validations of real databases by the real engine, certified here and checked by the SDK's own verifier."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from sensei import certificates
from tests.support.contract import ContractClient

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  total NUMERIC(10, 2) NOT NULL,
  placed_at TIMESTAMP
);
CREATE INDEX orders_by_customer ON orders (customer_id);
"""


def _wait(client: ContractClient, path: str, *statuses: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(path).json()
        if found["status"] in statuses:
            return found
        assert found["status"] not in ("failed", "cancelled"), found
        time.sleep(0.05)
    raise AssertionError(f"{path} does not become {statuses}: {found}")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target.db"


@pytest.fixture
def migration(admin: ContractClient, tmp_path: Path, target: Path) -> str:
    """A completed migration of a small shop."""
    source = tmp_path / "source.db"
    with sqlite3.connect(source) as shop:
        shop.executescript(SHOP)
        shop.executemany(
            "INSERT INTO customers VALUES (?, ?, ?)",
            [(n, f"Zoë {n}", None if n % 7 == 0 else f"c{n}@x.example") for n in range(1, 200)],
        )
        shop.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            [(n, 1 + n % 199, n * 1.25, "2026-02-02 10:00:00") for n in range(1, 1000)],
        )
    shop.close()
    ends = [
        admin.post(
            "/v1/connections", json={"name": role, "type": "sqlite", "role": role, "config": {"path": str(path)}}
        ).json()["id"]
        for role, path in (("source", source), ("target", target))
    ]
    body = {"name": "shop", "source": {"connection_id": ends[0]}, "target": {"connection_id": ends[1]}}
    made = admin.post("/v1/migrations", json=body).json()["id"]
    _wait(admin, f"/v1/migrations/{made}", "plan_ready", "approved")
    assert admin.post(f"/v1/migrations/{made}/start", json={"skip_approval": True}).status_code == 202
    _wait(admin, f"/v1/migrations/{made}", "completed")
    return str(made)


def _validate(client: ContractClient, migration: str, **members: Any) -> dict[str, Any]:
    made = client.post("/v1/validations", json={"migration_id": migration, "type": "full", **members}).json()
    return _wait(client, f"/v1/validations/{made['id']}", "completed")


def test_a_faithful_copy_is_certified_and_the_certificate_verifies_offline(
    admin: ContractClient, migration: str
) -> None:
    rule = {
        "name": "no negative totals",
        "type": "sql",
        "rule": "SELECT count(*) FROM orders WHERE total < 0",
        "expected": 0,
    }
    admin.post("/v1/validations/rules", json=rule)
    found = _validate(admin, migration)
    assert found["overall_result"] == "passed"
    assert found["results"]["behavioral"]["mismatches"] == 0
    raw = admin.get(f"/v1/validations/{found['id']}/certificate").content
    keys = admin.get("/v1/certificates/keys").json()
    certificates.verify(raw, keys)
    assert certificates.check(raw, keys) == "valid"
    forged = json.loads(raw)
    forged["findings"]["warning"] += 1
    assert certificates.check(forged, keys) == "invalid"
    assert certificates.check(raw, {"keys": []}) == "unverifiable"


def test_a_change_in_the_target_is_found_and_not_certified(admin: ContractClient, migration: str, target: Path) -> None:
    with sqlite3.connect(target) as shop:
        shop.execute("UPDATE orders SET total = total + 0.01 WHERE id = 500")
    shop.close()
    found = _validate(admin, migration)
    assert found["overall_result"] == "failed"
    assert found["certificate_id"] is None
    report = admin.get(f"/v1/validations/{found['id']}/report", params={"include_details": "true"}).json()
    assert {issue["table"] for issue in report["issues"]} == {"orders"}


def test_a_broken_rule_is_named(admin: ContractClient, migration: str) -> None:
    rule = {"name": "few orders", "type": "sql", "rule": "SELECT count(*) FROM orders", "expected": 3}
    made = admin.post("/v1/validations/rules", json=rule).json()
    found = _validate(admin, migration)
    assert found["results"]["semantic"]["status"] == "failed"
    (outcome,) = admin.get(f"/v1/validations/{found['id']}/report").json()["rules"]
    assert (outcome["rule_id"], outcome["passed"], outcome["actual"]) == (made["id"], False, 999)


def test_reports_come_in_three_forms(admin: ContractClient, migration: str) -> None:
    found = _validate(admin, migration)
    path = f"/v1/validations/{found['id']}/report"
    page = admin.get(path, params={"format": "html"})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert found["id"] in page.text
    assert "<script" not in page.text
    document = admin.get(path, params={"format": "pdf"})
    assert document.headers["Content-Type"] == "application/pdf"
    assert document.content.startswith(b"%PDF-")
    assert admin.get(path, params={"format": "json"}).json()["validation"] == found


def test_a_target_that_is_gone_fails_the_validation_with_a_reason(
    admin: ContractClient, migration: str, target: Path
) -> None:
    target.unlink()
    made = admin.post("/v1/validations", json={"migration_id": migration}).json()
    deadline = time.monotonic() + 60
    while (found := admin.get(f"/v1/validations/{made['id']}").json())["status"] in ("pending", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found["status"] == "failed"
    assert found["error"]["code"] == "connection_unreachable"
    report = admin.get(f"/v1/validations/{made['id']}/report", params={"format": "html"})
    assert report.status_code == 200
