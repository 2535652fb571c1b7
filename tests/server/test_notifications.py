"""Notifications of migrations, as the people meet them who are told."""

from __future__ import annotations

import functools
import gc
import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from sensei.server.clock import ControllableClock
from sensei.server.migrations import lifecycle
from sensei.server.notifications import mail, queue, slack
from sensei.server.notifications.courier import MISSING
from sensei.server.notifications.queue import EVENTS
from sensei.server.serve import ServerThread
from sensei.server.settings import WEBHOOK_DELAYS
from sensei.server.store.migration_tables import Migration
from sensei.server.store.notification_tables import Notification
from tests.server.scripted_engine import ScriptedEngine
from tests.server.waiting import wait_until
from tests.server.world import World
from tests.support.certificate import Certificate, make_certificate
from tests.support.contract import ContractClient
from tests.support.postbox import Postbox, running_postbox
from tests.support.receiver import Received, Receiver, running_receiver

StartServer = Callable[..., ServerThread]
Calling = Callable[[str | None], ContractClient]
FAST = tuple(delay * 1e-6 for delay in WEBHOOK_DELAYS)
TEAM = ["ada@example.com", "bob@example.com"]


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with running_postbox() as running:
        yield running


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture
def channel() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


def _url(postbox: Postbox, credentials: str = "") -> str:
    return f"smtp://{credentials}127.0.0.1:{postbox.port}"


@pytest.fixture
def make_world(engine: ScriptedEngine, start_server: StartServer) -> Iterator[Callable[..., World]]:
    clients: list[ContractClient] = []

    def make(**settings: Any) -> World:
        server = start_server(**settings)
        clients.append(ContractClient(server.url, server.api_key))
        return World(server, clients[-1])

    yield make
    for client in clients:
        client.close()


def _rows(server: ServerThread) -> list[Notification]:
    with server.runtime.store.read() as session:
        return list(session.scalars(select(Notification).order_by(Notification.created_at)))


def _happen(world: World, mig: str, event_type: str, **data: Any) -> None:
    with world.server.runtime.store.write() as session:
        row = session.get_one(Migration, mig)
        now = world.server.runtime.settings.clock.now()
        lifecycle.emit(session, row, event_type, now, data or None)


def _bodies(received: list[Received]) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in received]


def test_everybody_named_gets_one_mail_for_each_event_asked_for(
    make_world: Callable[..., World], postbox: Postbox
) -> None:
    world = make_world(smtp_url=_url(postbox), mail_from="sensei@example.com", public_url="https://sensei.example")
    mig = world.completed(name="Shop", notifications={"email": TEAM, "on_events": ["started", "completed"]})
    postbox.wait_for(lambda: len(postbox.arrived) == 4)

    told = sorted((mail["To"], mail["Subject"]) for mail in postbox.arrived)
    assert told == [(who, f"Migration Shop {what}") for who in TEAM for what in ("has started", "is completed")]
    assert postbox.recipients.count(["ada@example.com"]) == 2  # nobody sees who else is told
    assert set(postbox.senders) == {"sensei@example.com"}
    text = next(m for m in postbox.arrived if "completed" in m["Subject"]).get_content()
    assert mig in text
    assert "Records processed: 300" in text
    assert "https://sensei.example" in text
    wait_until(lambda: {row.status for row in _rows(world.server)} == {"delivered"})


def test_without_on_events_it_is_the_end_and_what_waits_for_people(
    make_world: Callable[..., World], engine: ScriptedEngine, postbox: Postbox
) -> None:
    engine.confidences = (0.99, 0.5)
    world = make_world(smtp_url=_url(postbox))
    world.completed(notifications={"email": TEAM[:1]})
    postbox.wait_for(lambda: len(postbox.arrived) == 2)

    assert [mail["Subject"] for mail in postbox.arrived] == [
        "Migration m waits for mappings to be approved",
        "Migration m is completed",
    ]


def test_the_older_option_tells_of_the_completion(make_world: Callable[..., World], postbox: Postbox) -> None:
    world = make_world(smtp_url=_url(postbox))
    world.completed(options={"notify_on_completion": TEAM[:1]})
    postbox.wait_for(lambda: len(postbox.arrived) == 1)

    assert postbox.arrived[0]["Subject"] == "Migration m is completed"


@pytest.mark.parametrize(("event_type", "name"), sorted(EVENTS.items()))
def test_every_documented_event_is_told_when_asked_for_and_only_then(
    make_world: Callable[..., World], postbox: Postbox, event_type: str, name: str
) -> None:
    world = make_world(smtp_url=_url(postbox))
    asked = world.create(name="asked", notifications={"email": TEAM[:1], "on_events": [name]})
    others = [other for other in EVENTS.values() if other != name]
    silent = world.create(name="silent", notifications={"email": TEAM[:1], "on_events": others})
    for mig in (silent, asked):
        _happen(world, mig, event_type)

    rows = [(row.migration_id, row.event) for row in _rows(world.server) if row.event == name]
    assert rows == [(asked, name)]


def test_a_mail_that_cannot_be_taken_now_is_tried_again_with_the_same_id(
    make_world: Callable[..., World], postbox: Postbox
) -> None:
    postbox.answers = ["451 later", "452 still later"]
    world = make_world(smtp_url=_url(postbox), webhook_delays=FAST)
    world.completed(notifications={"email": TEAM[:1], "on_events": ["completed"]})
    postbox.wait_for(lambda: len(postbox.arrived) == 1)

    assert postbox.tried == 3
    row = _rows(world.server)[0]
    assert postbox.arrived[0]["Message-ID"].startswith(f"<{row.id}@")
    wait_until(lambda: _rows(world.server)[0].status == "delivered")
    assert _rows(world.server)[0].attempts == 3


def test_attempts_follow_the_schedule_and_end(
    make_world: Callable[..., World], postbox: Postbox, clock: ControllableClock
) -> None:
    postbox.answers = ["451 no"] * 7
    world = make_world(smtp_url=_url(postbox))
    world.completed(notifications={"email": TEAM[:1], "on_events": ["completed"]})

    def has_made(attempts: int) -> bool:
        return _rows(world.server)[0].attempts == attempts

    for number, delay in enumerate(WEBHOOK_DELAYS, 1):
        wait_until(functools.partial(has_made, number))
        assert _rows(world.server)[0].status == "pending"
        clock.advance(delay)
    wait_until(lambda: _rows(world.server)[0].status == "failed")

    assert _rows(world.server)[0].attempts == 7
    assert postbox.arrived == []


def test_a_mail_that_is_refused_for_good_is_not_tried_again(
    make_world: Callable[..., World], postbox: Postbox, caplog: pytest.LogCaptureFixture
) -> None:
    postbox.answers = ["550 no such person"]
    world = make_world(smtp_url=_url(postbox), webhook_delays=FAST)
    with caplog.at_level(logging.WARNING, "sensei.server"):
        world.completed(notifications={"email": TEAM[:1], "on_events": ["completed"]})
        wait_until(lambda: [row.status for row in _rows(world.server)] == ["failed"])
        wait_until(lambda: "not tried again" in caplog.text)

    assert postbox.tried == 1
    assert "550" in caplog.text


def test_what_was_not_sent_is_sent_by_the_next_process_and_what_was_sent_is_not(
    make_world: Callable[..., World], postbox: Postbox
) -> None:
    postbox.answers = ["451 later"]
    world = make_world(smtp_url=_url(postbox), webhook_delays=(0.0,) * 6)
    world.completed(notifications={"email": TEAM, "on_events": ["completed"]})
    postbox.wait_for(lambda: postbox.tried >= 1)
    world.server.stop()
    make_world(smtp_url=_url(postbox), webhook_delays=(0.0,) * 6)
    postbox.wait_for(lambda: len(postbox.arrived) >= 2)

    assert sorted(mail["To"] for mail in postbox.arrived) == TEAM


def test_a_message_of_a_process_that_died_is_taken_up(make_world: Callable[..., World], postbox: Postbox) -> None:
    world = make_world()
    mig = world.create(notifications={"email": TEAM[:1], "on_events": ["paused"]})
    world.server.stop()
    second = make_world(smtp_url=_url(postbox))
    with second.server.runtime.store.write() as session:
        now = second.server.runtime.settings.clock.now()
        lifecycle.emit(session, session.get_one(Migration, mig), "migration.paused", now)
        session.flush()
        row = session.scalars(select(Notification)).one()
        row.owner = "another-machine:1:0"
        row.lease_until = now - timedelta(days=1)
    postbox.wait_for(lambda: len(postbox.arrived) == 1)


def test_a_state_that_fails_for_a_moment_cuts_no_mail_on_its_way(
    make_world: Callable[..., World], postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, failed = queue.has_work, threading.Event()

    def has_work(session: Session, now: datetime) -> bool:
        if failed.is_set() or not postbox.held.is_set():
            return known(session, now)
        failed.set()
        raise OperationalError("SELECT", None, Exception("the state is locked"))

    monkeypatch.setattr(queue, "has_work", has_work)
    postbox.release.clear()
    world = make_world(smtp_url=_url(postbox))
    world.completed(notifications={"email": TEAM[:1], "on_events": ["completed"]})
    assert failed.wait(20)
    postbox.release.set()
    postbox.wait_for(lambda: len(postbox.arrived) == 1)
    wait_until(lambda: [row.status for row in _rows(world.server)] == ["delivered"])
    assert postbox.tried == 1


def test_a_swarm_of_errors_is_told_in_few_messages(
    make_world: Callable[..., World], postbox: Postbox, clock: ControllableClock
) -> None:
    world = make_world(smtp_url=_url(postbox))
    mig = world.create(notifications={"email": TEAM[:1], "on_events": ["error_escalated"]})
    _happen(world, mig, "error.escalated", error_message="no number")
    postbox.wait_for(lambda: len(postbox.arrived) == 1)
    wait_until(lambda: _rows(world.server)[0].status == "delivered")
    for _ in range(500):
        _happen(world, mig, "error.escalated", error_message="no number")
    clock.advance(600)
    postbox.wait_for(lambda: len(postbox.arrived) == 2)

    assert "Happened: 500 times" in postbox.arrived[1].get_content()
    assert len(_rows(world.server)) == 2


def test_names_cannot_become_headers_or_recipients(make_world: Callable[..., World], postbox: Postbox) -> None:
    world = make_world(smtp_url=_url(postbox))
    name = "x\r\nBcc: eve@example.com\r\n\r\nhello\u2028\u0001\u202e"
    world.completed(name=name, notifications={"email": TEAM[:1], "on_events": ["completed"]})
    postbox.wait_for(lambda: len(postbox.arrived) == 1)

    assert postbox.arrived[0]["Bcc"] is None
    assert postbox.recipients == [TEAM[:1]]
    assert postbox.arrived[0]["Subject"] == "Migration x Bcc: eve@example.com hello is completed"


@pytest.mark.parametrize(
    "address",
    ["a@b\nBcc:x@y", "a b@c.de", "<a@b>", "a@b,c@d", "a@", "@b", "a@b\x00", "ä\u2028@b.c", "Ada <a@b>", "a@b>SIZE=1"],
)
def test_only_bare_addresses_are_sent_to(address: str) -> None:
    assert not mail.is_address(address)


def test_credentials_go_out_over_tls_alone(
    make_world: Callable[..., World],
    monkeypatch: pytest.MonkeyPatch,
    certificate: Certificate,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(mail, "_trusted", lambda: certificate.client)
    with running_postbox(certificate=certificate.server, with_login=True) as postbox:
        world = make_world(smtp_url=_url(postbox, "ada%40example.com:p%40ss%2Fword@"))
        with caplog.at_level(logging.DEBUG):
            world.completed(notifications={"email": TEAM[:1], "on_events": ["completed"]})
            postbox.wait_for(lambda: len(postbox.arrived) == 1)

    assert postbox.encrypted == [True]
    assert postbox.logins == [("ada@example.com", "p@ss/word")]
    assert postbox.senders == ["ada@example.com"]
    assert "p@ss/word" not in caplog.text + repr(world.server.runtime.settings)


# The mail server of the test forgets a connection whose handshake failed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_untrusted_mail_server_gets_neither_credentials_nor_mail(
    make_world: Callable[..., World], certificate: Certificate
) -> None:
    with running_postbox(certificate=certificate.server, with_login=True) as postbox:
        world = make_world(smtp_url=_url(postbox, "ada:p%40ss%2Fword@"))
        world.completed(notifications={"email": TEAM[:1], "on_events": ["completed"]})
        wait_until(lambda: [row.attempts for row in _rows(world.server)] >= [1])

    assert (postbox.logins, postbox.arrived) == ([], [])
    assert "certificate" in str(_rows(world.server)[0].problem)
    gc.collect()


def test_wrong_credentials_are_a_failed_attempt_that_does_not_show_them(
    make_world: Callable[..., World],
    monkeypatch: pytest.MonkeyPatch,
    certificate: Certificate,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(mail, "_trusted", lambda: certificate.client)
    with running_postbox(certificate=certificate.server, with_login=True) as postbox:
        world = make_world(smtp_url=_url(postbox, "ada:hunter2@"))
        with caplog.at_level(logging.DEBUG):
            world.completed(notifications={"email": TEAM[:1], "on_events": ["completed"]})
            wait_until(lambda: [row.attempts for row in _rows(world.server)] == [1])

    row = _rows(world.server)[0]
    assert (row.status, row.problem) == ("pending", "the mail server refused the credentials (535)")
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("url", "sender", "problem"),
    [
        ("http://mail", None, "must look like smtp://"),
        ("smtp://", None, "must look like smtp://"),
        ("smtp://mail:99999", None, "must look like smtp://"),
        ("smtp://mail/path", None, "must look like smtp://"),
        ("smtp://ada@mail", None, "both user and password"),
        ("smtp://ada:secret@mail?x", None, "must look like smtp://"),
        ("smtp://mail.example", "a\nb@c", "must look like sensei@example.com"),
    ],
)
def test_a_bad_mail_server_is_refused_at_the_start_in_one_line(url: str, sender: str | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        mail.configured(url, sender)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_nothing_is_configured_the_log_says_so_once_and_names_the_setting(
    make_world: Callable[..., World], caplog: pytest.LogCaptureFixture
) -> None:
    world = make_world()
    with caplog.at_level(logging.WARNING, "sensei.server"):
        mig = world.completed(
            notifications={"email": TEAM, "slack_channel": "#data", "on_events": ["started", "completed"]}
        )
        wait_until(lambda: {row.status for row in _rows(world.server)} == {"unsent"} and len(_rows(world.server)) == 6)

    warnings = world.client.get(f"/v1/migrations/{mig}/logs", params={"level": "warning"}).json()["data"]
    assert [entry["message"] for entry in warnings] == [
        "Notifications to 2 addresses are not sent: this server sends no e-mail: it was started without --smtp",
        f"Notifications to the Slack channel are not sent: {MISSING['slack']}",
    ]


def test_changed_notifications_hold_for_what_happens_next(make_world: Callable[..., World], postbox: Postbox) -> None:
    world = make_world(smtp_url=_url(postbox))
    mig = world.planned(notifications={"email": ["old@example.com"]})
    changed = {"notifications": {"email": ["new@example.com"], "slack_channel": "#x", "on_events": ["completed"]}}
    assert world.client.patch(f"/v1/migrations/{mig}", json=changed).status_code == 200
    world.post(mig, "start", skip_approval=True)
    world.wait_for(mig, "completed")
    postbox.wait_for(lambda: len(postbox.arrived) == 1)

    assert postbox.recipients == [["new@example.com"]]
    warnings = world.client.get(f"/v1/migrations/{mig}/logs", params={"level": "warning"}).json()["data"]
    assert "Slack" in warnings[0]["message"]


def test_an_incoming_webhook_of_slack_gets_the_channel_and_an_inert_text(
    make_world: Callable[..., World], channel: Receiver
) -> None:
    world = make_world(slack_webhook_url=channel.url)
    world.completed(
        name="<!channel> & <https://evil.example|click>",
        notifications={"slack_channel": "#data-ops", "on_events": ["completed"]},
    )
    received = channel.wait_for_count(1)

    body = _bodies(received)[0]
    assert body["channel"] == "#data-ops"
    assert body["text"].startswith(
        "*Migration &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt; is completed*\n"
    )
    assert "<" not in body["text"]
    assert "authorization" not in received[0].headers


def test_a_bot_posts_with_its_token_and_slacks_refusal_is_final(
    make_world: Callable[..., World], channel: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    channel.answer_body = b'{"ok": false, "error": "channel_not_found"}'
    world = make_world(slack_token="xoxb-1-secret", slack_api_url=channel.url, webhook_delays=FAST)
    with caplog.at_level(logging.DEBUG):
        world.completed(notifications={"slack_channel": "#nowhere", "on_events": ["completed"]})
        wait_until(lambda: [row.status for row in _rows(world.server)] == ["failed"])

    received = channel.wait_for_count(1)
    assert len(received) == 1
    assert received[0].headers["authorization"] == "Bearer xoxb-1-secret"
    assert received[0].path.endswith("/chat.postMessage")
    assert _rows(world.server)[0].problem == "Slack: channel_not_found"
    assert "xoxb-1-secret" not in caplog.text + repr(world.server.runtime.settings)


def test_slack_that_is_down_is_asked_again(make_world: Callable[..., World], channel: Receiver) -> None:
    channel.answers = [503, 429, 200]
    world = make_world(slack_webhook_url=channel.url, webhook_delays=FAST)
    world.completed(notifications={"slack_channel": "#data", "on_events": ["completed"]})
    channel.wait_for_count(3)
    wait_until(lambda: [row.status for row in _rows(world.server)] == ["delivered"])


@pytest.mark.parametrize("url", ["http://hooks.slack.com/x", "https://169.254.169.254/", "ftp://x", "https://a:b@c/"])
def test_slack_urls_obey_the_rules_of_webhooks(url: str) -> None:
    with pytest.raises(ValueError, match="the Slack webhook URL must look like"):
        slack.configured(url, None, "https://slack.com/api")
