"""What a newcomer can begin in the browser: a connection, and a migration from it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sensei import Client
from sensei.testing import LocalServer
from tests.browser.conftest import Visit

pytestmark = pytest.mark.xdist_group("browser")


def _focused(page: Page) -> str:
    """The accessible name of what has the focus."""
    return str(page.evaluate("document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText"))


def test_a_newcomer_moves_a_database_without_leaving_the_page(
    server: LocalServer, client: Client, visit: Visit, shop: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    visitor = visit(server)
    page = visitor.sign_in("#/connections")
    page.get_by_role("link", name="New connection").click()
    expect(page.get_by_role("heading", name="New connection")).to_be_focused()
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("File").fill(str(shop))
    page.get_by_label("Never write to it").check()
    page.get_by_role("button", name="Save and test").click()

    # The server tests it by itself; the page shows the outcome without being asked.
    row = page.get_by_role("row", name="Shop")
    expect(row).to_contain_text("Connected")
    expect(row).to_contain_text("8 tables")

    page.get_by_role("link", name="Migrations").click()
    page.get_by_role("link", name="New migration").click()
    page.get_by_label("Name").fill("Move the shop")
    source, target = page.get_by_role("group", name="Source"), page.get_by_role("group", name="Target")
    expect(source.get_by_label("Connection")).to_have_value(client.connections.list().data[0].id)
    expect(source.get_by_label("Address")).to_be_hidden()
    target.get_by_label("Address").fill(f"sqlite:///{copy}")
    page.get_by_label("You review").select_option("Every mapping")
    page.get_by_text("Tables, schema, description").click()
    page.get_by_label("Only these tables").fill("customers, orders")
    page.get_by_label("Description").fill("for the new office")
    page.get_by_role("button", name="Make the plan").click()

    expect(visitor.tab("Plan")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name=re.compile("Approve all")).click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".title-line .pill")).to_have_text("Completed")
    [made] = client.migrations.list().data
    whole = client.migrations.get(made.id)
    assert (whole.name, whole.description, whole.options.auto_approve_above) == (
        "Move the shop",
        "for the new office",
        None,
    )
    with closing(sqlite3.connect(copy)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").fetchall()
    assert [name for (name,) in names if not name.startswith("sqlite_")] == ["customers", "orders"]


def test_mistakes_are_told_beside_their_fields_and_nothing_typed_is_lost(
    server: LocalServer, client: Client, visit: Visit
) -> None:
    visitor = visit(server)
    visitor.expect_status(422)
    page = visitor.sign_in("#/connections/new")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_text("PostgreSQL", exact=True).click()
    page.get_by_role("button", name="Save and test").click()
    expect(page.get_by_text("Please fill this in.")).to_have_count(2)
    expect(page.get_by_label("Name")).to_be_focused()
    assert sent == []

    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Host").fill("127.0.0.1")
    page.get_by_label("Port").fill("99999")
    page.get_by_label("Password").fill(" hush-hush ")
    page.keyboard.press("Enter")
    port = page.get_by_label("Port")
    expect(port).to_have_attribute("aria-invalid", "true")
    expect(port).to_be_focused()
    expect(port).to_have_accessible_description(re.compile("65535"))
    assert len(sent) == 1
    port.fill("1")
    expect(port).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Password")).to_have_value(" hush-hush ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="Shop")).to_contain_text("Failed")
    assert "hush-hush" not in page.content()
    [made] = client.connections.list().data
    assert made.type == "postgresql"

    page.get_by_role("button", name="Delete Shop").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No connection yet")).to_be_visible()
    assert client.connections.list().data == []


def test_an_address_that_no_database_has_is_told_where_it_was_typed(server: LocalServer, visit: Visit) -> None:
    page = visit(server).sign_in("#/migrations/new")
    page.get_by_label("Name").fill("m")
    source = page.get_by_role("group", name="Source").get_by_label("Address")
    target = page.get_by_role("group", name="Target").get_by_label("Address")
    source.fill("shop.db")
    target.fill("sqlite:////nowhere/b.db")
    page.get_by_role("button", name="Make the plan").click()
    expect(source).to_be_focused()
    expect(source).to_have_accessible_description(re.compile("An address begins with sqlite://"))


def test_a_key_that_may_only_read_is_told_what_it_lacks(server: LocalServer, client: Client, visit: Visit) -> None:
    key = client.api_keys.create(name="reader", scopes=["migrations:read", "connections:read"], environment="sandbox")
    visitor = visit(server)
    visitor.expect_status(403)
    page = visitor.page
    page.goto(f"{server.url}/#/connections/new")
    page.get_by_label("API key").fill(key.key)
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("File").fill("/nowhere.db")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Your key lacks the scope connections:write.")
    expect(page.get_by_label("Name")).to_have_value("Shop")


def test_forms_work_with_the_keyboard_in_the_order_they_are_read(server: LocalServer, visit: Visit) -> None:
    page = visit(server).sign_in("#/connections/new")
    expect(page.get_by_role("heading", name="New connection")).to_be_focused()
    reached: list[str] = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(_focused(page).split("\n")[0])
    assert reached == ["SQLite", "Name", "Used as", "File", "Never write to it", "Save and test", "Cancel"]


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_forms_fit_every_screen(server: LocalServer, visit: Visit, width: int, dark: bool) -> None:
    visitor = visit(server, width=width, dark=dark)
    page = visitor.sign_in()
    for place, action in (("#/connections/new", "Save and test"), ("#/migrations/new", "Make the plan")):
        visitor.go(place)
        button = page.get_by_role("button", name=action)
        expect(button).to_be_visible()
        box = button.bounding_box()
        assert box is not None
        assert 0 <= box["x"] < box["x"] + box["width"] <= width
        assert not visitor.is_wider_than_the_screen(), place
