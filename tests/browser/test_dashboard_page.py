"""What the dashboard promises beyond the main job: to people who sign in, decide, type, or have a small screen."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sensei import Client
from sensei.server.engine.job import Control, Job, Journal, MigrationState, PhaseOutcome
from sensei.server.faults import Fault
from sensei.testing import LocalServer
from tests.browser.conftest import Visit
from tests.server.scripted_engine import ScriptedEngine, error_record
from tests.support.receiver import running_receiver

pytestmark = pytest.mark.xdist_group("browser")

HOSTILE = """<img src=x onerror="window.hacked=1">'"&amp;<script>window.hacked=1</script>"""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedEngine]:
    """An engine that does as the test says."""
    scripted = ScriptedEngine()
    scripted.install(monkeypatch)
    yield scripted
    scripted.go_on.set()


def make(client: Client, name: str = "A migration", **options: object) -> str:
    """A migration between two ends that the scripted engine takes for real."""
    made = client.migrations.create(
        name=name,
        source={"type": "sqlite", "connection_string": "sqlite:////nowhere/source.db"},
        target={"type": "sqlite", "connection_string": "sqlite:////nowhere/target.db"},
        options=options,
    )
    made.wait_for_plan()
    return made.id


def status_of(page: Page) -> object:
    """The label with the migration's status."""
    return page.locator(".title-line .pill")


def test_a_key_stays_in_its_tab(server: LocalServer, visit: Visit) -> None:
    visitor = visit(server)
    page = visitor.page
    visitor.expect_status(401)
    page.goto(server.url)
    page.get_by_label("API key").fill("sk_test_0000000000000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The server does not know this key.")
    page.get_by_label("API key").fill("not a key")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("A key has no blanks or special characters.")

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visitor.sign_in()
    expect(page.get_by_text("No migration yet")).to_be_visible()
    assert page.evaluate("Object.values(sessionStorage)") == [server.api_key]
    assert page.evaluate("[document.cookie, ...Object.values(localStorage)]") == [""]
    assert server.api_key not in page.url
    assert not [url for url in asked if server.api_key in url]
    assert server.api_key not in page.content()

    page.reload()
    expect(page.get_by_text("No migration yet")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_have_value("")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_that_ends_signs_out(server: LocalServer, client: Client, visit: Visit) -> None:
    key = client.api_keys.create(name="short", scopes=["*:read"], environment="sandbox")
    visitor = visit(server)
    page = visitor.page
    page.goto(server.url)
    page.get_by_label("API key").fill(key.key)
    page.keyboard.press("Enter")
    expect(page.get_by_text("No migration yet")).to_be_visible()
    visitor.expect_status(401)
    client.api_keys.delete(key.id)
    page.get_by_role("link", name="Webhooks").click()
    expect(page.get_by_role("alert")).to_have_text("The server no longer takes this key. Sign in again.")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_without_a_scope_is_told_which(server: LocalServer, client: Client, visit: Visit) -> None:
    key = client.api_keys.create(name="few", scopes=["webhooks:read"], environment="sandbox")
    visitor = visit(server)
    visitor.expect_status(403)
    page = visitor.page
    page.goto(server.url)
    page.get_by_label("API key").fill(key.key)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your key lacks the scope migrations:read.")).to_be_visible()
    page.get_by_role("link", name="Webhooks").click()
    expect(page.get_by_text("No webhook yet")).to_be_visible()


def test_progress_arrives_live_and_survives_a_cut(
    engine: ScriptedEngine, server: LocalServer, client: Client, visit: Visit
) -> None:
    engine.hold_in = {"data_transfer"}
    migration = make(client)
    # Of the log, the first call asks how long it is.
    server.faults.add(Fault(path="*/logs", skip=1, cut_after_events=2))
    server.faults.add(Fault(path="*/events", cut_after_events=2))
    visitor = visit(server)
    visitor.expected = re.compile("net::ERR_")
    page = visitor.sign_in(f"#/migrations/{migration}/logs")
    page.get_by_role("button", name="Start", exact=True).click()
    assert engine.arrived.wait(20)
    expect(status_of(page)).to_have_text("Running")
    expect(page.locator(".overall-line .now")).to_contain_text("Data")

    page.get_by_role("button", name="Pause").click()
    expect(status_of(page)).to_have_text("Paused")
    engine.hold_in.clear()
    page.get_by_role("button", name="Resume").click()
    expect(status_of(page)).to_have_text("Completed")

    # Every entry is there once, in order, cuts or not.
    logged = [entry.message for entry in client.migrations.logs(migration, level="info")]
    expect(page.locator(".log li")).to_have_count(len(logged))
    assert [text.split(" ", 1)[-1] for text in page.locator(".log .message").all_inner_texts()] == [
        text.split(" ", 1)[-1] for text in logged
    ]


def test_the_list_follows_what_moves(engine: ScriptedEngine, server: LocalServer, client: Client, visit: Visit) -> None:
    engine.hold_in = {"data_transfer"}
    moving = make(client, "Moving")
    make(client, "Waiting")
    page = visit(server).sign_in()
    row = page.get_by_role("row").filter(has_text="Moving")
    expect(row).to_contain_text("Ready to start")
    client.migrations.start(moving)
    expect(row).to_contain_text("Running")
    expect(row).to_contain_text("Data")
    engine.go_on.set()
    expect(row).to_contain_text("Completed")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    page.get_by_text("Running", exact=True).click()
    expect(page.get_by_text("No migration has this status.")).to_be_visible()
    page.get_by_text("All", exact=True).click()
    expect(page.get_by_role("row")).to_have_count(3)


def test_a_long_log_is_read_backwards_while_it_grows(
    monkeypatch: pytest.MonkeyPatch, server: LocalServer, client: Client, visit: Visit
) -> None:
    class Talkative(ScriptedEngine):
        def run_phase(
            self, phase: str, job: Job, state: MigrationState, journal: Journal, control: Control
        ) -> PhaseOutcome:
            for number in range(130 if phase == "schema_migration" else 5):
                journal.log("info", f"{phase} entry {number}", phase=phase)
            return super().run_phase(phase, job, state, journal, control)

    talkative = Talkative(hold_in={"data_transfer"})
    talkative.install(monkeypatch)
    migration = make(client)
    client.migrations.start(migration)
    assert talkative.arrived.wait(20)
    page = visit(server).sign_in(f"#/migrations/{migration}/logs")
    lines = page.locator(".log li")
    expect(lines).to_have_count(100)
    talkative.go_on.set()
    expect(page.get_by_text("cutover entry 4", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show earlier entries").click()
    expect(page.get_by_text("schema_migration entry 0", exact=True)).to_have_count(1)
    expect(page.get_by_role("button", name="Show earlier entries")).to_be_hidden()
    logged = [entry.message for entry in client.migrations.logs(migration, level="info")]
    expect(lines).to_have_count(len(logged))
    page.get_by_text("Warnings", exact=True).click()
    expect(lines).to_have_count(0)


def test_what_is_typed_by_others_is_shown_as_text(
    server: LocalServer, client: Client, visit: Visit, tmp_path: Path
) -> None:
    source = tmp_path / "hostile.db"
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    with closing(sqlite3.connect(source)) as database, database:
        database.execute(f"CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, {quoted} TEXT)")
        database.execute(f"INSERT INTO {quoted} VALUES (1, ?)", [HOSTILE])
    end = client.connections.create(
        name=HOSTILE, description=HOSTILE, type="sqlite", role="source", config={"path": str(source)}
    )
    client.webhooks.create(
        url="http://localhost:9/<b>", events=["certificate.generated"], description=HOSTILE, secret="x" * 20
    )
    migration = client.migrations.create(
        name=HOSTILE,
        description=HOSTILE,
        source={"connection_id": end.id},
        target={"type": "sqlite", "connection_string": f"sqlite:///{tmp_path / 'copy.db'}"},
        options={"validation_type": "full", "auto_approve_above": None},
    )
    migration.wait_for_plan()
    migration.start()
    migration.wait(timeout=60)

    visitor = visit(server, width=360)
    page = visitor.sign_in()
    expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()
    places = {
        "#/connections": HOSTILE,
        "#/webhooks": HOSTILE,
        "#/validations": "Passed",
        f"#/migrations/{migration.id}/overview": HOSTILE,
        f"#/migrations/{migration.id}/plan": "Mappings",
        f"#/migrations/{migration.id}/logs": HOSTILE,
        f"#/migrations/{migration.id}/errors": "No errors",
        f"#/migrations/{migration.id}/validation": "Certificate: valid",
        f"#/validations/{migration.refresh().validation_id}": HOSTILE,
    }
    for place, text in places.items():
        visitor.go(place)
        expect(page.get_by_text(text).first).to_be_visible()
        assert not visitor.is_wider_than_the_screen(), place
    assert page.evaluate("window.hacked") is None
    assert page.locator("#main img, #main script").count() == 0


def test_names_cannot_turn_the_direction_of_what_follows(
    engine: ScriptedEngine, server: LocalServer, client: Client, visit: Visit
) -> None:
    turned, natural = "shop\u202e\u2066lld.gpj", "דואר"
    make(client, turned)
    make(client, natural)
    for name in (turned, natural):
        client.connections.create(name=name, type="sqlite", role="source", config={"path": f"/nowhere/{turned}.db"})
    page = visit(server).sign_in()
    expect(page.get_by_role("link", name="shop[U+202E][U+2066]lld.gpj")).to_be_visible()
    link = page.get_by_role("link", name=natural)
    # Its own direction is its own, and ends with it.
    assert link.locator("bdi").count() == 1
    for place in ("#/connections", "#/migrations/new"):
        page.evaluate("place => { location.hash = place; }", place)
        expect(page.get_by_text("shop[U+202E]").first).to_be_attached()
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.locator("body").inner_html())
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.title())


def test_it_can_be_used_with_the_keyboard_alone(
    engine: ScriptedEngine, server: LocalServer, client: Client, visit: Visit
) -> None:
    engine.confidences = (0.99, 0.9, 0.7, 0.6)
    migration = make(client)
    visitor = visit(server)
    page = visitor.page
    page.goto(server.url)
    press = page.keyboard.press
    page.keyboard.type(server.api_key)
    press("Enter")
    expect(page.get_by_role("heading", name="Migrations")).to_be_focused()

    link = page.get_by_role("link", name="A migration")
    for _ in range(12):
        press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    press("Enter")
    expect(page.get_by_role("heading", name="A migration")).to_be_focused()
    for _ in range(12):
        if visitor.tab("Overview").evaluate("tab => tab === document.activeElement"):
            break
        press("Tab")
    press("ArrowRight")
    expect(visitor.tab("Plan")).to_be_focused()
    expect(visitor.tab("Plan")).to_have_attribute("aria-selected", "true")

    # What is in review is shown first; A and R decide and go on to the next.
    rows = page.locator("tr.mapping")
    expect(rows).to_have_count(3)
    for _ in range(12):
        if rows.first.evaluate("row => row === document.activeElement"):
            break
        press("Tab")
    press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    press("Enter")
    expect(page.get_by_text("same name and type")).to_be_visible()
    press("r")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_be_focused()
    press("a")
    expect(rows).to_have_count(1)
    press("Space")
    expect(page.get_by_role("button", name="Approve 1")).to_be_visible()
    decided = {m.source_column.split(".")[-1]: m.status for m in client.migrations.plan(migration).mappings}
    assert decided == {"c0": "approved", "c1": "pending_review", "c2": "rejected", "c3": "approved"}

    page.get_by_role("button", name="Cancel…").focus()
    press("Enter")
    dialog = page.get_by_role("dialog", name="Cancel this migration?")
    expect(dialog).to_be_visible()
    press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Cancel…")).to_be_focused()
    assert client.migrations.get(migration).status == "plan_ready"


def test_a_mapping_that_needs_a_decision_is_asked_for_at_the_start(
    engine: ScriptedEngine, server: LocalServer, client: Client, visit: Visit
) -> None:
    engine.confidences = (0.99, 0.7)
    migration = make(client)
    page = visit(server).sign_in(f"#/migrations/{migration}")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Some mappings need a decision before anything is written.")).to_be_visible()
    expect(page.get_by_text("Needs a decision", exact=True)).to_be_visible()
    page.get_by_role("button", name="Approve items.c1").click()
    expect(status_of(page)).to_have_text("Ready to start")


def test_cancelling_asks_first_and_says_why(
    engine: ScriptedEngine, server: LocalServer, client: Client, visit: Visit
) -> None:
    engine.hold_in = {"data_transfer"}
    migration = make(client)
    client.migrations.start(migration)
    page = visit(server).sign_in(f"#/migrations/{migration}")
    expect(status_of(page)).to_have_text("Running")
    page.get_by_role("button", name="Cancel…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason (optional)").fill("wrong target")
    dialog.get_by_role("button", name="Cancel the migration").click()
    expect(status_of(page)).to_have_text("Cancelled")
    assert client.migrations.get(migration).status == "cancelled"
    assert engine.rollbacks == [None]


def test_data_errors_are_shown_and_decided(
    engine: ScriptedEngine, server: LocalServer, client: Client, visit: Visit
) -> None:
    engine.errors = (error_record(),)
    migration = make(client)
    client.migrations.start(migration)
    client.migrations.wait(migration, timeout=30)
    page = visit(server).sign_in(f"#/migrations/{migration}/errors")
    item = page.get_by_role("article")
    expect(item).to_contain_text("3 rows have no name")
    item.get_by_role("button", name="Leave the records out…").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave them out").click()
    expect(item.locator(".pill")).to_have_text("Resolved")


def test_a_failure_is_told(engine: ScriptedEngine, server: LocalServer, client: Client, visit: Visit) -> None:
    engine.result = "failed"
    migration = make(client)
    client.migrations.start(migration)
    client.migrations.wait(migration, timeout=30)
    visitor = visit(server)
    visitor.expect_status(404)  # there is no certificate
    page = visitor.sign_in(f"#/migrations/{migration}")
    expect(status_of(page)).to_have_text("Failed")
    expect(page.get_by_role("alert").get_by_text("validation_failed")).to_be_visible()
    visitor.tab("Validation").click()
    expect(page.locator(".verdict")).to_contain_text("The target is not a faithful copy.")
    expect(page.get_by_text("The validation did not pass, so no certificate was issued.")).to_be_visible()


def test_a_server_that_is_gone_is_told_of_and_found_again(server: LocalServer, client: Client, visit: Visit) -> None:
    client.webhooks.create(url="http://127.0.0.1:9/hook", events=["*"])
    visitor = visit(server)
    visitor.expected = re.compile("net::ERR_FAILED")
    page = visitor.sign_in("#/connections")
    expect(page.get_by_role("heading", name="Connections")).to_be_visible()
    # One part of the page is there already, the other must still be loaded.
    for place, sign in (("#/connections", "No connection yet"), ("#/webhooks", "http://127.0.0.1:9/hook")):
        page.context.route("**", lambda route: route.abort())
        visitor.go("#/migrations")
        visitor.go(place)
        expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
        page.context.unroute("**")
        expect(page.get_by_text(sign)).to_be_visible()


@pytest.mark.parametrize("width", [390, 768, 870])
def test_a_plan_can_be_decided_on_any_screen(
    engine: ScriptedEngine, server: LocalServer, client: Client, visit: Visit, width: int
) -> None:
    engine.confidences = (0.5, 0.99)
    migration = make(client)
    client.migrations.wait_for_plan(migration, timeout=30)
    visitor = visit(server, width=width)
    page = visitor.sign_in(f"#/migrations/{migration}/plan")
    approve = page.get_by_role("button", name=re.compile("^Approve .*c0"))
    expect(approve).to_be_visible()
    box = approve.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert not visitor.is_wider_than_the_screen()


def test_a_rollback_offers_to_bring_back_what_was_there(
    server: LocalServer, client: Client, visit: Visit, tmp_path: Path
) -> None:
    source, target = tmp_path / "source.db", tmp_path / "target.db"
    for path, text in ((source, "new"), (target, "old")):
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT)")
            database.execute("INSERT INTO a VALUES (1, ?)", (text,))
        database.close()
    migration = client.migrations.create(
        name="over the old one",
        source={"type": "sqlite", "connection_string": f"sqlite:///{source}"},
        target={
            "type": "sqlite",
            "connection_string": f"sqlite:///{target}",
            "options": {"drop_existing_tables": True},
        },
    )
    migration.wait_for_plan(timeout=30)
    migration.start(skip_approval=True)
    migration.wait(timeout=30)
    page = visit(server).sign_in(f"#/migrations/{migration.id}")
    page.get_by_role("button", name="Roll back…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Bring back the tables that the target had before")).to_be_checked()
    dialog.get_by_role("button", name="Roll back").click()
    expect(status_of(page)).to_have_text("Rolled back")
    with sqlite3.connect(target) as database:
        assert database.execute("SELECT t FROM a").fetchall() == [("old",)]
    database.close()


def test_connections_are_tested(server: LocalServer, client: Client, visit: Visit, shop: Path) -> None:
    client.connections.create(name="Shop", type="sqlite", role="source", config={"path": str(shop)})
    client.connections.create(
        name="Nobody there",
        type="postgresql",
        role="target",
        config={"host": "127.0.0.1", "port": 1, "database": "x", "username": "ada", "password": "hush-hush"},
    )
    page = visit(server).sign_in("#/connections")
    page.get_by_role("button", name="Test Shop").click()
    expect(page.get_by_role("row", name="Shop")).to_contain_text("8 tables")
    page.get_by_role("button", name="Test Nobody there").click()
    row = page.get_by_role("row", name="Nobody there")
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text("127.0.0.1:1/x")
    assert "hush-hush" not in page.content()


def test_a_failed_delivery_is_tried_again(server: LocalServer, client: Client, visit: Visit) -> None:
    with running_receiver() as receiver:
        receiver.answers = [500] * 7
        hook = client.webhooks.create(url=receiver.url, events=["migration.created"])
        client.migrations.create(
            name="m",
            source={"type": "sqlite", "connection_string": "sqlite:////nowhere/a.db"},
            target={"type": "sqlite", "connection_string": "sqlite:////nowhere/b.db"},
        )
        receiver.wait_for_count(7)
        page = visit(server).sign_in("#/webhooks")
        page.get_by_role("link", name=receiver.url).click()
        row = page.get_by_role("row").filter(has_text="migration.created")
        expect(row).to_contain_text("Failed")
        expect(row).to_contain_text("500")
        row.get_by_role("button", name="7 attempts").click()
        expect(row.locator(".attempts li")).to_have_count(7)
        row.get_by_role("button", name="Deliver migration.created again").click()
        expect(row).to_contain_text("Delivered")
        page.get_by_role("button", name="Send a test event").click()
        expect(page.get_by_text("The receiver took the test event.")).to_be_visible()
        page.get_by_role("button", name="Turn off").click()
        expect(page.get_by_role("button", name="Turn on")).to_be_visible()
        assert client.webhooks.get(hook.id).enabled is False


def test_it_is_light_or_dark_as_the_system_is_or_as_one_chooses(server: LocalServer, visit: Visit) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = visit(server).sign_in(), visit(server, dark=True).sign_in()
    assert light.evaluate(background) != (shade := dark.evaluate(background))
    theme = light.get_by_role("button", name="Colors: auto")
    theme.click()
    light.get_by_role("button", name="Colors: light").click()
    assert light.evaluate(background) == shade
    light.reload()
    assert light.evaluate(background) == shade


def test_certificates_are_judged_as_the_contract_says(server: LocalServer, visit: Visit) -> None:
    text = (Path(__file__).parent.parent / "contract" / "contract.md").read_text(encoding="utf-8")
    example = text[text.index("### Worked example", text.index("## 11 ")) :]
    blocks = [block.split("```")[0] for block in example.split("```json\n")[1:]]
    key, certificate = json.loads(blocks[0]), json.loads(blocks[1])
    signed = example.split("```text\n")[1].split("\n```")[0]
    spring = "2026-03-01T00:00:00Z"
    warned = {**certificate["findings"], "warning": 1}
    cases = [
        (certificate, [key], spring, "valid"),
        (dict(reversed(certificate.items())), [key], spring, "valid"),
        (certificate, [key], "2028-03-01T00:00:00Z", "expired"),
        (
            {**certificate, "findings": warned},
            [key],
            spring,
            "invalid",
        ),
        ({**certificate, "extra": 1}, [key], spring, "invalid"),
        ({**certificate, "status": "revoked"}, [key], spring, "invalid"),
        ({**certificate, "signature": "ed25519:AAAA"}, [key], spring, "invalid"),
        ({**certificate, "signature": "sha256:" + "0" * 64}, [key], spring, "unverifiable"),
        (certificate, [], spring, "unverifiable"),
        (certificate, [{**key, "kid": "another"}], spring, "unverifiable"),
        (certificate, [{**key, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}], spring, "invalid"),
    ]
    page = visit(server).page
    page.goto(server.url)
    judged = page.evaluate(
        """async ([cases, certificate]) => {
            const { verdictOn, signedText } = await import("/dashboard/js/certificate.js");
            const verdicts = [];
            for (const [one, keys, now] of cases) verdicts.push((await verdictOn(one, keys, new Date(now))).verdict);
            return { verdicts, signed: signedText(certificate) };
        }""",
        [[case[:3] for case in cases], certificate],
    )
    assert judged["verdicts"] == [verdict for *_, verdict in cases]
    assert judged["signed"] == signed


def test_canonical_json_is_that_of_the_library(server: LocalServer, visit: Visit) -> None:
    import rfc8785

    values = [
        {"b": [1, 1.0, 1e21, 1e-7, 0.1, -0.0, 333333333.33333329, 5e-324], "a": None, "": {}},
        {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
        ['\u0000\u001f\u007f\u2028</script>"\\/\b\f\n\r\t', True, False, [], [[]]],
    ]
    page = visit(server).page
    page.goto(server.url)
    written = page.evaluate(
        """async texts => {
            const { canonical } = await import("/dashboard/js/certificate.js");
            return texts.map(text => canonical(JSON.parse(text)));
        }""",
        [json.dumps(value) for value in values],
    )
    assert [text.encode() for text in written] == [rfc8785.dumps(value) for value in values]  # type: ignore[arg-type]
