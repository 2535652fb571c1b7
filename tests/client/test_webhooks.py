"""Webhooks: the worked example of the contract, the checks of `unwrap`, and dropping of repeated events."""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei.errors import ConfigurationError, InvalidArgumentError
from sensei.webhooks import DuplicateEventError, RecentEvents, WebhookVerificationError, sign, unwrap, verify_signature

CONTRACT = Path(__file__).parents[1] / "contract"
SECRET = "whsec_your_signing_secret"
SIGNATURE = "sha256=f52c7bd25605f73808d5867ccbc75e21fed477ba455e8e0427194952573e74b4"
CREATED = datetime(2026, 2, 2, 14, 45, 30, 123000, tzinfo=UTC)


def worked_example() -> bytes:
    text = (CONTRACT / "contract.md").read_text(encoding="utf-8")
    after = text[text.index("Raw body, 403 bytes") :]
    start = after.index("```json\n") + len("```json\n")
    return after[start : after.index("\n```", start)].encode()


BODY = worked_example()


class TestWorkedExample:
    def test_the_body_is_the_one_of_the_contract(self) -> None:
        assert len(BODY) == 403
        assert hashlib.sha256(BODY).hexdigest() == "579adfaa2c93bbea4cf262ffea5a49e9f25b604e1bd299afb70a4129e356bd12"

    @pytest.mark.parametrize("payload", [BODY, BODY.decode(), bytearray(BODY), memoryview(BODY)])
    @pytest.mark.parametrize(
        "secret", [SECRET, SECRET.encode(), [SECRET], ("whsec_new", SECRET), {SECRET.encode(), "x"}]
    )
    @pytest.mark.parametrize("signature", [SIGNATURE, SIGNATURE.encode()])
    def test_it_verifies_in_every_form(self, payload: Any, secret: Any, signature: Any) -> None:
        assert verify_signature(payload, signature, secret) is True

    def test_signing_gives_the_same_header(self) -> None:
        assert sign(BODY, SECRET) == sign(BODY.decode(), SECRET.encode()) == SIGNATURE

    @pytest.mark.parametrize(
        ("body", "hmac_of_it"),
        [
            (BODY + b"\n", "6c8655e1063527fd337e15dab00319b9ed20757a0cd0ab9dd1b5610a57151066"),
            (json.dumps(json.loads(BODY)).encode(), "59b243e4a04e988f752ea645bc7d50f494a6fdaaa199ba8b1853fe77f431db31"),
        ],
        ids=["line feed", "written again with blanks"],
    )
    def test_another_spelling_of_the_body_does_not_verify(self, body: bytes, hmac_of_it: str) -> None:
        assert verify_signature(body, SIGNATURE, SECRET) is False
        assert sign(body, SECRET) == f"sha256={hmac_of_it}"

    @pytest.mark.parametrize(
        "signature",
        [
            None,
            "",
            b"",
            SIGNATURE.removeprefix("sha256="),
            SIGNATURE.upper(),
            "SHA256=" + SIGNATURE[7:],
            "sha256=" + SIGNATURE[7:].upper(),
            "sha512=" + SIGNATURE[7:],
            "sha1=" + SIGNATURE[7:],
            "v1=" + SIGNATURE[7:],
            SIGNATURE + " ",
            " " + SIGNATURE,
            SIGNATURE + "\n",
            SIGNATURE[:-1],
            SIGNATURE + "0",
            SIGNATURE[:-1] + "5",
            "sha256=",
            "sha256=ü",
            "\ud800",
            SIGNATURE + "," + SIGNATURE,
        ],
    )
    def test_another_form_of_the_header_does_not_verify(self, signature: Any) -> None:
        assert verify_signature(BODY, signature, SECRET) is False

    @pytest.mark.parametrize(
        "secret", ["your_signing_secret", "WHSEC_your_signing_secret", SECRET + " ", ["a", "b"], b"\x00"]
    )
    def test_another_secret_does_not_verify(self, secret: Any) -> None:
        assert verify_signature(BODY, SIGNATURE, secret) is False


class TestMisuse:
    @pytest.mark.parametrize("secret", ["", b"", None, [], [""], [SECRET, ""], [SECRET, None], 7])
    def test_a_missing_secret_is_said_and_never_signs(self, secret: Any) -> None:
        with pytest.raises(ConfigurationError, match="secret is missing or empty") as caught:
            verify_signature(BODY, sign(BODY, SECRET), secret)
        assert SECRET not in str(caught.value)

    def test_a_parsed_body_is_refused_with_the_reason(self) -> None:
        with pytest.raises(TypeError, match="raw request body"):
            verify_signature(json.loads(BODY), SIGNATURE, SECRET)

    def test_so_is_a_signature_that_is_no_text(self) -> None:
        with pytest.raises(TypeError, match="value of the header"):
            verify_signature(BODY, [SIGNATURE], SECRET)  # type: ignore[arg-type]

    def test_importing_needs_nothing_heavy(self) -> None:
        program = (
            "import sys; from sensei.webhooks import verify_signature, sign;"
            f"assert verify_signature(b'x', sign(b'x', {SECRET!r}), {SECRET!r});"
            "print(*sorted({m.partition('.')[0] for m in sys.modules} & "
            "{'pydantic', 'httpx', 'httpcore', 'anyio', 'tenacity', 'cryptography', 'starlette', 'flask', 'django'}))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ""


@given(body=st.binary(max_size=200), secret=st.binary(min_size=1, max_size=80), flip=st.integers(0, 10_000))
@settings(derandomize=True, deadline=None)
def test_any_body_verifies_until_one_bit_changes(body: bytes, secret: bytes, flip: int) -> None:
    signature = sign(body, secret)
    assert verify_signature(body, signature, secret)
    assert not verify_signature(body + b" ", signature, secret)
    if body:
        changed = bytearray(body)
        changed[flip // 8 % len(body)] ^= 1 << flip % 8
        assert not verify_signature(changed, signature, secret)


@given(signature=st.text(max_size=80) | st.binary(max_size=80))
@settings(derandomize=True, deadline=None)
def test_no_hostile_header_verifies_or_raises(signature: str | bytes) -> None:
    assert verify_signature(BODY, signature, SECRET) is False


def deliver(body: bytes | str, **options: Any) -> Any:
    return unwrap(body, {"X-Sensei-Signature": sign(body, SECRET)}, secret=SECRET, **options)


class TestUnwrap:
    def test_it_gives_a_typed_event(self) -> None:
        from sensei.models.webhook_events import PhaseEventData

        event = unwrap(BODY, {"X-Sensei-Signature": SIGNATURE}, secret=SECRET)
        assert (event.id, event.type, event.created_at) == ("evt_abc123def456", "migration.phase.completed", CREATED)
        assert isinstance(event.data, PhaseEventData)
        assert (event.data.phase, event.data.errors_recovered) == ("data_transfer", 47)

    def test_every_example_of_the_contract_is_read_into_the_type_its_schema_names(self) -> None:
        document = yaml.safe_load((CONTRACT / "openapi.yaml").read_text(encoding="utf-8"))
        by_type = document["components"]["schemas"]["WebhookEvent"]["properties"]["data"]["x-data-by-type"]
        examples = [e["value"] for n, e in document["components"]["examples"].items() if n.startswith("Webhook")]
        events = [one for one in examples if "data" in one]
        assert len(events) == 6
        for example in events:
            fitting = [prefix for prefix in by_type if example["type"].startswith(prefix.removesuffix("*"))]
            expected = by_type[max(fitting, key=len)].rpartition("/")[2]
            event = deliver(json.dumps(example))
            assert type(event.data).__name__ == expected
            for name in example["data"].keys() - {"issued_at", "valid_until", "expires_at"}:
                assert getattr(event.data, name) == example["data"][name]

    def test_every_documented_type_is_typed(self) -> None:
        document = yaml.safe_load((CONTRACT / "openapi.yaml").read_text(encoding="utf-8"))
        schemas = document["components"]["schemas"]
        by_type = schemas["WebhookEvent"]["properties"]["data"]["x-data-by-type"]
        data = {
            "migration_id": "mig_1",
            "phase": "cutover",
            "error_id": "err_1",
            "error_type": "timeout",
            "validation_id": "val_1",
            "certificate_id": "cert_1",
        }
        for event_type in schemas["WebhookEventType"]["x-extensible-enum"]:
            fitting = [prefix for prefix in by_type if event_type.startswith(prefix.removesuffix("*"))]
            event = deliver(
                json.dumps({"id": "e", "type": event_type, "created_at": "2026-01-01T00:00:00Z", "data": data})
            )
            assert type(event.data).__name__ == by_type[max(fitting, key=len)].rpartition("/")[2]

    def test_types_and_members_of_the_future_are_kept(self) -> None:
        event = deliver('{"id":"e","type":"moon.landed","created_at":"2026-01-01T00:00:00Z","data":{"crew":3},"new":1}')
        assert (event.type, event.data["crew"], event.new) == ("moon.landed", 3, 1)

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Sensei-Signature": SIGNATURE},
            {"x-sensei-signature": SIGNATURE},
            {"X-SENSEI-SIGNATURE": SIGNATURE, "Content-Type": "application/json"},
            {b"x-sensei-signature": SIGNATURE.encode()},
            [("Host", "x"), ("X-Sensei-Signature", SIGNATURE)],
            [(b"x-sensei-signature", SIGNATURE.encode())],
            [("X-Sensei-Signature", SIGNATURE), ("x-sensei-signature", SIGNATURE)],
        ],
    )
    def test_headers_are_found_whatever_their_case_and_form(self, headers: Any) -> None:
        assert unwrap(BODY, headers, secret=SECRET).id == "evt_abc123def456"

    def test_headers_of_the_standard_library_work(self) -> None:
        message = Message()
        message["X-Sensei-Signature"] = SIGNATURE
        assert unwrap(BODY, message, secret=SECRET).id == "evt_abc123def456"

    @pytest.mark.parametrize(
        ("headers", "reason"),
        [
            (None, "not this NoneType"),
            (5, "not this int"),
            ("X-Sensei-Signature", "not this str"),
            ([("X-Sensei-Signature",)], "not this list"),
            ({1: SIGNATURE}, "not this dict"),
            ({"X-Sensei-Signature": None}, "The X-Sensei-Signature header must be text or bytes, not NoneType"),
            ({"X-Sensei-Signature": [SIGNATURE]}, "The X-Sensei-Signature header must be text or bytes, not list"),
            ([(b"x-sensei-signature", 5)], "The X-Sensei-Signature header must be text or bytes, not int"),
        ],
    )
    def test_headers_of_another_kind_are_no_genuine_delivery(self, headers: Any, reason: str) -> None:
        with pytest.raises(WebhookVerificationError, match=reason) as caught:
            unwrap(BODY, headers, secret=SECRET)
        assert isinstance(caught.value, TypeError)
        assert type(pickle.loads(pickle.dumps(caught.value))) is type(caught.value)

    def test_nor_is_a_parsed_body(self) -> None:
        with pytest.raises(WebhookVerificationError, match="raw request body") as caught:
            unwrap(json.loads(BODY), {"X-Sensei-Signature": SIGNATURE}, secret=SECRET)
        assert isinstance(caught.value, TypeError)

    def test_values_of_headers_that_are_not_the_signature_may_be_anything(self) -> None:
        headers: Any = {"X-Sensei-Signature": SIGNATURE.encode(), "X-Other": None}
        assert unwrap(BODY, headers, secret=SECRET).id == "evt_abc123def456"

    @pytest.mark.parametrize(
        ("headers", "reason"),
        [
            ({}, "header is missing"),
            ({"X-Signature": SIGNATURE}, "header is missing"),
            ({"X-Sensei-Signature": SIGNATURE[:-1] + "5"}, "does not fit"),
            ([("X-Sensei-Signature", SIGNATURE), ("X-Sensei-Signature", "sha256=" + "0" * 64)], "does not fit"),
        ],
    )
    def test_a_bad_signature_says_so_and_leaks_nothing(self, headers: Any, reason: str) -> None:
        with pytest.raises(WebhookVerificationError, match=reason) as caught:
            unwrap(BODY, headers, secret=SECRET)
        said = str(caught.value) + repr(caught.value)
        assert SECRET not in said
        assert SIGNATURE[7:] not in said
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"{",
            b"\xff",
            b'{"id": "SECRETVALUE"}',
            b'{"id":"e","type":"migration.started","created_at":"SECRETVALUE","data":{}}',
            b'{"id":"e","type":"migration.phase.failed","created_at":"2026-01-01T00:00:00Z","data":{"phase":"SECRETVALUE"}}',
            b'{"id":"e","type":7,"created_at":"2026-01-01T00:00:00Z","data":{"migration_id":"m"}}',
        ],
    )
    def test_a_signed_body_that_is_no_event_says_so_without_showing_it(self, body: bytes) -> None:
        with pytest.raises(WebhookVerificationError, match="no Sensei event") as caught:
            deliver(body)
        assert "SECRETVALUE" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    @pytest.mark.parametrize(
        ("seconds", "tolerance", "problem"),
        [
            (300, 300, None),
            (300.001, 300, "too old"),
            (-300, 300, None),
            (-300.001, 300, "future"),
            (86_400 * 400, None, None),
            (59, timedelta(minutes=1), None),
            (61, timedelta(minutes=1), "too old"),
            (0, 0, None),
        ],
    )
    def test_the_age_is_checked_on_both_sides_when_asked(
        self, seconds: float, tolerance: float | timedelta | None, problem: str | None
    ) -> None:
        now = CREATED + timedelta(seconds=seconds)
        if problem is None:
            assert deliver(BODY, tolerance=tolerance, now=now).created_at == CREATED
        else:
            with pytest.raises(WebhookVerificationError, match=problem):
                deliver(BODY, tolerance=tolerance, now=now)

    @pytest.mark.parametrize(
        "tolerance", [float("nan"), float("inf"), 1e300, -0.001, timedelta(seconds=-1), "60", ()], ids=repr
    )
    def test_what_is_no_time_is_refused_by_name(self, tolerance: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="`tolerance`"):
            deliver(BODY, tolerance=tolerance, now=CREATED)

    def test_a_time_without_a_zone_is_refused_by_name(self) -> None:
        with pytest.raises(InvalidArgumentError, match="`now`"):
            deliver(BODY, tolerance=60, now=CREATED.replace(tzinfo=None))

    def test_an_asynchronous_seen_is_refused_and_not_taken_for_a_yes(self) -> None:
        async def seen(event_id: str) -> bool:
            return False

        with pytest.raises(InvalidArgumentError, match="asynchronous"):
            deliver(BODY, seen=seen)

    def test_the_clock_is_used_when_no_time_is_given(self) -> None:
        body = json.dumps({**json.loads(BODY), "created_at": datetime.now(UTC).isoformat()})
        assert deliver(body, tolerance=3600).type == "migration.phase.completed"
        body = json.dumps({**json.loads(BODY), "created_at": (datetime.now(UTC) - timedelta(days=1)).isoformat()})
        with pytest.raises(WebhookVerificationError, match="too old"):
            deliver(body, tolerance=3600)

    def test_a_repeated_event_is_told_apart(self) -> None:
        seen = RecentEvents()
        assert deliver(BODY, seen=seen).id == "evt_abc123def456"
        with pytest.raises(DuplicateEventError) as caught:
            deliver(BODY, seen=seen)
        assert caught.value.event.id == "evt_abc123def456"
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.event) == (str(caught.value), caught.value.event)

    def test_a_forged_or_stale_delivery_never_claims_its_event(self) -> None:
        asked: list[str] = []

        def seen(event_id: str) -> bool:
            asked.append(event_id)
            return False

        with pytest.raises(WebhookVerificationError):
            unwrap(BODY, {"X-Sensei-Signature": sign(BODY, "other")}, secret=SECRET, seen=seen)
        with pytest.raises(WebhookVerificationError):
            deliver(BODY, seen=seen, tolerance=1, now=CREATED + timedelta(seconds=2))
        assert asked == []
        deliver(BODY, seen=seen)
        assert asked == ["evt_abc123def456"]


class TestRecentEvents:
    def test_of_many_threads_one_claims(self) -> None:
        seen = RecentEvents()
        together = threading.Barrier(8)
        answers: list[bool] = []

        def claim() -> None:
            together.wait()
            answers.append(seen("evt_1"))

        threads = [threading.Thread(target=claim) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [False] + [True] * 7

    def test_the_oldest_go_first(self) -> None:
        seen = RecentEvents(capacity=2)
        assert [seen(one) for one in ("a", "b", "c")] == [False, False, False]
        assert len(seen) == 2
        assert [seen(one) for one in ("c", "b", "a")] == [True, True, False]

    def test_ids_expire(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = [1000.0]
        monkeypatch.setattr("sensei.webhooks._deduplication.time.monotonic", lambda: clock[0])
        seen = RecentEvents(ttl=10)
        assert [seen("a"), seen("a")] == [False, True]
        clock[0] += 10
        assert [seen("a"), seen("b")] == [False, False]
        clock[0] += 10
        assert seen("c") is False
        assert len(seen) == 1

    def test_a_claim_can_be_given_back(self) -> None:
        seen = RecentEvents()
        seen("a")
        seen.forget("a")
        seen.forget("unknown")
        assert seen("a") is False

    @pytest.mark.parametrize(("capacity", "ttl"), [(0, 1.0), (1, 0.0), (-1, 1.0), (1, -1.0), (1, float("nan"))])
    def test_limits_must_be_above_zero(self, capacity: int, ttl: float) -> None:
        with pytest.raises(ValueError, match="above zero"):
            RecentEvents(capacity=capacity, ttl=ttl)
