"""The main job, done in the dashboard alone once the migration is made."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from sensei import Client
from sensei.testing import LocalServer
from tests.browser.conftest import Visit

pytestmark = pytest.mark.xdist_group("browser")


def test_a_plan_is_reviewed_started_followed_and_proven(
    server: LocalServer, client: Client, visit: Visit, shop: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    visitor = visit(server)
    page = visitor.sign_in()
    expect(page.get_by_text("No migration yet")).to_be_visible()

    migration = client.migrations.create(
        name="Move the shop",
        source={"type": "sqlite", "connection_string": f"sqlite:///{shop}"},
        target={"type": "sqlite", "connection_string": f"sqlite:///{copy}"},
        options={"validation_type": "full", "auto_approve_above": None},
    )

    # It turns up without anybody asking.
    row = page.get_by_role("row").filter(has_text="Move the shop")
    expect(row).to_contain_text("Needs review")
    row.get_by_role("link").click()
    visitor.tab("Plan").click()

    mappings = page.get_by_role("table", name="Mappings")
    review = page.get_by_text(re.compile(r"mappings? in review"))
    total = len(client.migrations.plan(migration.id).mappings)
    expect(review).to_have_text(f"{total} mappings in review")
    page.get_by_label("Find by table or column").fill("customers.email")
    expect(mappings.locator("tr.mapping")).to_have_count(1)
    page.get_by_role("button", name="Approve customers.email").click()
    expect(review).to_have_text(f"{total - 1} mappings in review")
    page.get_by_label("Find by table or column").fill("nickname")
    page.get_by_role("button", name="Reject customers.nickname").click()
    expect(review).to_have_text(f"{total - 2} mappings in review")
    page.get_by_label("Find by table or column").fill("")
    page.get_by_role("button", name=f"Approve all {total - 2} in review").click()
    expect(page.locator(".title-line .pill")).to_have_text("Ready to start")

    visitor.tab("Overview").click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".title-line .pill")).to_have_text("Completed")
    expect(page.get_by_role("progressbar", name="Progress of the whole migration")).to_have_attribute(
        "aria-valuenow", "100"
    )
    expect(page.locator(".phase.completed")).to_have_count(5)
    expect(page.locator(".figure", has_text="Rows").first).to_contain_text("of ")

    visitor.tab("Validation").click()
    expect(page.locator(".verdict")).to_contain_text("Passed")
    expect(page.locator(".perspective")).to_have_count(5)
    expect(page.locator("[data-verdict]")).to_have_attribute("data-verdict", "valid")
    expect(page.get_by_text("Evidence (hash chain holds)")).to_be_visible()
    expect(page.get_by_role("img", name="Distribution of customers.loyalty_points")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="PDF").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")

    assert client.migrations.get(migration.id).status == "completed"
    with closing(sqlite3.connect(copy)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(customers)")]
    assert "email" in columns
    assert "nickname" not in columns

    # Somebody meddles with the copy: what differs is found, and shown first.
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("UPDATE customers SET loyalty_points = 7")
    visitor.expect_status(404)  # there is no certificate of it
    page.get_by_role("button", name="Run a full validation").click()
    expect(page.locator(".verdict h2")).to_have_text("Failed")
    expect(page.locator(".picture").first).to_contain_text("customers.loyalty_points")
    expect(page.locator(".picture").first).to_contain_text("Differs")
    expect(page.locator(".issues li").first).to_contain_text("loyalty_points")
    expect(page.get_by_text("The validation did not pass, so no certificate was issued.")).to_be_visible()
    page.get_by_role("combobox", name="Validation").select_option(index=1)
    expect(page.locator("[data-verdict]")).to_have_attribute("data-verdict", "valid")

    # Undone, it is proven no longer.
    page.get_by_role("button", name="Roll back…").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.locator(".title-line .pill")).to_have_text("Rolled back")
    expect(page.locator("[data-verdict]")).to_have_attribute("data-verdict", "revoked")
