"""What a webhook receiver gets, and where a delivery may go."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei.server.settings import WEBHOOK_DELAYS
from sensei.server.webhooks import addresses, outbox, patterns, schedule, signing

CONTRACT = (Path(__file__).parents[1] / "contract" / "contract.md").read_text("utf-8")
SECTION = CONTRACT.split("## 10 Webhooks", 1)[1].split("## 11 ", 1)[0]
BODY = re.findall(r"```json\n(.*?)\n```", SECTION, re.DOTALL)[0].encode()
SECRET = "whsec_your_signing_secret"


def test_the_body_of_the_worked_example_is_the_documented_one() -> None:
    assert len(BODY) == 403
    assert hashlib.sha256(BODY).hexdigest() == "579adfaa2c93bbea4cf262ffea5a49e9f25b604e1bd299afb70a4129e356bd12"
    assert signing.encode_body(json.loads(BODY)) == BODY


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        (BODY, "f52c7bd25605f73808d5867ccbc75e21fed477ba455e8e0427194952573e74b4"),
        (BODY + b"\n", "6c8655e1063527fd337e15dab00319b9ed20757a0cd0ab9dd1b5610a57151066"),
        (json.dumps(json.loads(BODY)).encode(), "59b243e4a04e988f752ea645bc7d50f494a6fdaaa199ba8b1853fe77f431db31"),
    ],
    ids=["as sent", "with a line feed", "written again with blanks"],
)
def test_signature_vectors(body: bytes, digest: str) -> None:
    assert signing.signature(body, SECRET) == "sha256=" + digest


def test_a_delivery_carries_the_documented_headers() -> None:
    headers = signing.headers(BODY, secret=SECRET, event_id="evt_1", delivery_id="dlv_1", user_agent="sensei/1")
    assert headers == {
        "Content-Type": "application/json",
        "User-Agent": "sensei/1",
        "X-Sensei-Signature": signing.signature(BODY, SECRET),
        "X-Sensei-Event-Id": "evt_1",
        "X-Sensei-Delivery-Id": "dlv_1",
    }


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ("migration.completed", "migration.completed", True),
        ("migration.completed", "migration.failed", False),
        ("migration.*", "migration.completed", True),
        ("migration.*", "migration.phase.started", True),
        ("migration.phase.*", "migration.phase.started", True),
        ("migration.phase.*", "migration.started", False),
        ("migration.*", "migrations.completed", False),
        ("migration", "migration.completed", False),
        ("*", "certificate.generated", True),
        ("error.*", "approval.required", False),
    ],
)
def test_patterns(pattern: str, event: str, expected: bool) -> None:
    assert patterns.matches(pattern, event) is expected


@pytest.mark.parametrize(
    ("pattern", "known"),
    [("*", True), ("migration.*", True), ("migration.phase.*", True), ("migration.ended", False), ("phase.*", False)],
)
def test_a_pattern_is_known_when_some_event_fits_it(pattern: str, known: bool) -> None:
    assert patterns.is_known(pattern) is known


def test_the_event_list_is_that_of_the_contract() -> None:
    named = re.search(r"Events: (.*?)\.\n", SECTION, re.DOTALL)
    assert named is not None
    assert re.findall(r"`([a-z.]+)`", named[1]) == list(outbox.EVENT_TYPES)


def test_the_schedule_is_seven_attempts_with_the_documented_delays() -> None:
    end = datetime(2026, 2, 2, 12, tzinfo=UTC)
    delays: list[timedelta] = []
    while (due := schedule.next_attempt(len(delays), end, WEBHOOK_DELAYS)) is not None:
        delays.append(due - end)
    assert delays == [
        timedelta(0),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=8),
        timedelta(hours=24),
    ]


def _envelope(event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "type": event_type,
        "created_at": "2026-02-02T14:45:30Z",
        "data": data,
        "metadata": {"organization_id": "org_1", "environment": "sandbox"},
    }


def test_a_body_too_big_loses_the_biggest_optional_members_first() -> None:
    data = {"migration_id": "mig_1", "migration_name": "m", "status": "failed", "phase": None}
    extra = {"error_code": "internal_error", "error_message": "x", "reason": "r" * 300_000, "duration_seconds": 3.5}
    body = signing.encode_body(_envelope("migration.failed", data | extra))
    assert len(body) <= signing.MAX_BODY_BYTES
    del extra["reason"]
    assert json.loads(body)["data"] == data | extra


def test_what_must_be_there_is_shortened_rather_than_dropped() -> None:
    data = {
        "migration_id": "mig_1",
        "migration_name": "m",
        "error_id": "err_1",
        "error_type": "encoding_mismatch",
        "error_message": "ü" * 400_000,
        "table_name": "t",
        "column_name": None,
        "affected_records": 1,
        "reason_code": "E3006",
    }
    body = signing.encode_body(_envelope("error.occurred", data))
    assert len(body) <= signing.MAX_BODY_BYTES
    sent = json.loads(body)["data"]
    assert sent.keys() == data.keys() - {"reason_code"}
    assert sent["error_message"].endswith("ü…")


@settings(derandomize=True, max_examples=200)
@given(
    st.sampled_from(outbox.EVENT_TYPES),
    st.dictionaries(st.text(max_size=20), st.text(max_size=400) | st.integers() | st.none(), max_size=12),
    st.integers(min_value=600, max_value=2_000),
)
def test_any_body_fits_and_keeps_its_envelope(event_type: str, extra: dict[str, Any], limit: int) -> None:
    data = extra | dict.fromkeys(signing.required_data(event_type), "v")
    body = signing.encode_body(_envelope(event_type, data), limit=limit)
    assert len(body) <= limit
    sent = json.loads(body)
    assert sent.keys() == {"id", "type", "created_at", "data", "metadata"}
    assert sent["data"].keys() >= signing.required_data(event_type)


@pytest.mark.parametrize(
    ("url", "environment", "reason"),
    [
        ("https://example.com/hooks?x=1", "production", None),
        ("https://example.com:8443/hooks", "sandbox", None),
        ("https://10.1.2.3/hooks", "production", None),
        ("http://localhost:9000/h", "sandbox", None),
        ("http://127.0.0.1/h", "sandbox", None),
        ("http://[::1]:80/h", "sandbox", None),
        ("http://LOCALHOST/h", "sandbox", None),
        ("http://localhost/h", "production", "https_required"),
        ("http://127.0.0.2/h", "sandbox", "https_required"),
        ("http://localhost.example.com/h", "sandbox", "https_required"),
        ("http://example.com/h", "sandbox", "https_required"),
        ("ftp://example.com/h", "sandbox", "https_required"),
        ("HTTPS://example.com", "production", None),
        ("example.com/hooks", "production", "format"),
        ("https:///hooks", "production", "format"),
        ("https://user:pw@example.com/", "production", "format"),
        ("https://exa mple.com/", "production", "format"),
        ("https://example.com\\@127.0.0.1/", "production", "format"),
        ("https://example.com:99999/", "production", "format"),
        ("https://[::1/", "production", "format"),
        ("https://169.254.169.254/latest", "production", "unsupported"),
        ("https://[fe80::1]/", "production", "unsupported"),
        ("https://[fe80::1%25eth0]/", "production", "unsupported"),
        ("https://[::ffff:169.254.169.254]/", "production", "unsupported"),
        ("https://[fd00:ec2::254]/", "production", "unsupported"),
        ("https://0.0.0.0/", "production", "unsupported"),
        ("", "production", "format"),
    ],
)
def test_urls(url: str, environment: str, reason: str | None) -> None:
    problem = addresses.url_problem(url, environment=environment)
    assert (problem[0] if problem else None) == reason


@pytest.mark.parametrize(
    ("address", "host", "kind"),
    [
        ("203.0.113.9", "example.com", None),
        ("10.0.0.9", "intranet.example", None),
        ("fd12::9", "intranet.example", None),
        ("127.0.0.1", "localhost", None),
        ("::1", "localhost", None),
        ("127.0.0.1", "127.0.0.1", None),
        ("127.0.0.1", "rebound.example.com", "loopback"),
        ("::1", "rebound.example.com", "loopback"),
        ("::ffff:127.0.0.1", "rebound.example.com", "loopback"),
        ("169.254.169.254", "rebound.example.com", "metadata or link-local"),
        ("fe80::1", "x.example", "metadata or link-local"),
        ("::ffff:169.254.1.1", "x.example", "metadata or link-local"),
        ("64:ff9b::a9fe:a9fe", "x.example", "metadata or link-local"),
        ("2002:a9fe:a9fe::1", "x.example", "metadata or link-local"),
        ("100.100.100.200", "x.example", "metadata or link-local"),
        ("0.0.0.0", "x.example", "unspecified"),
        ("::", "x.example", "unspecified"),
        ("224.0.0.1", "x.example", "multicast"),
        ("255.255.255.255", "x.example", "reserved"),
    ],
)
def test_addresses(address: str, host: str, kind: str | None) -> None:
    import ipaddress

    why = addresses.blocked_because(ipaddress.ip_address(address), host=host)
    if kind == "metadata or link-local":
        assert why in {"metadata service", "link-local"}
    else:
        assert why == kind


def test_an_operator_can_allow_a_network() -> None:
    import ipaddress

    allowed = addresses.parse_networks(["169.254.0.0/16"])
    address = ipaddress.ip_address("169.254.1.1")
    assert addresses.blocked_because(address, host="x.example", allowed=allowed) is None
    assert addresses.url_problem("https://169.254.1.1/", environment="production", allowed=allowed) is None
