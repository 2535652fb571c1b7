"""What is sent, what is tried again, how fast: decisions apart from any network."""

from __future__ import annotations

import enum
import json
import time
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime, formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei._poll_interval import PollInterval
from sensei._ratelimit import FIRST_BURST, RateLimiter, Turn, read_rate_limit
from sensei._request import (
    UNSET,
    build_path,
    build_query,
    check_idempotency_key,
    check_method,
    encode_json,
    own_path,
    quote_segment,
)
from sensei._response import retry_after
from sensei._retry import RetryPolicy
from sensei.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConfigurationError,
    InvalidArgumentError,
    error_class,
)
from sensei.models.response import RateLimit

steady = settings(derandomize=True, deadline=None)


class Filter(str, enum.Enum):  # noqa: UP042 - it is about these
    """As programs write them that are older than `StrEnum`."""

    RUNNING = "running"


class TestPaths:
    @steady
    @given(st.text(min_size=1))
    def test_no_id_ever_leaves_its_segment(self, value: str) -> None:
        from urllib.parse import unquote, urlsplit

        try:
            path = build_path("/migrations/{id}/start", (value,))
        except InvalidArgumentError:
            assert not value.strip() or value in {".", ".."} or any("\ud800" <= one <= "\udfff" for one in value)
            return
        parts = urlsplit(f"https://host/v1{path}")
        assert path.isascii()
        assert (parts.query, parts.fragment) == ("", "")
        segments = parts.path.split("/")
        assert segments[:3] + segments[4:] == ["", "v1", "migrations", "start"]
        assert unquote(segments[3]) == value

    @pytest.mark.parametrize("bad", ["", " ", "\t\n", ".", "..", None, 5, b"x"])
    def test_what_is_no_id_is_refused(self, bad: object) -> None:
        with pytest.raises(ValueError, match="mapping_id"):
            quote_segment(bad, "mapping_id")  # type: ignore[arg-type]

    def test_a_route_that_lacks_ids_is_a_mistake_of_the_sdk(self) -> None:
        with pytest.raises(ValueError, match="argument"):
            build_path("/a/{id}/b/{other_id}", ("x",))

    @pytest.mark.parametrize(
        ("params", "query"),
        [
            (None, ""),
            ({}, ""),
            ({"a": None, "b": UNSET}, ""),
            ({"a": True, "b": False, "c": 0, "d": 1.5, "e": ""}, "a=true&b=false&c=0&d=1.5&e="),
            ({"a b": "c&d=e"}, "a%20b=c%26d%3De"),
            ({"tag": ["x", "y"]}, "tag=x&tag=y"),
            ({"tag": {"x": 1}.keys()}, "tag=x"),
            ({"status": Filter.RUNNING}, "status=running"),
            ({"day": date(2026, 2, 2)}, "day=2026-02-02"),
            (
                {"since": datetime(2026, 2, 2, 17, tzinfo=UTC).astimezone(tz=None)},
                "since=2026-02-02T17%3A00%3A00Z",
            ),
        ],
    )
    def test_queries(self, params: dict[str, object] | None, query: str) -> None:
        assert build_query(params) == query  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "value", [object(), b"bytes", {"a": 1}, float("nan"), float("inf"), 10**400, "\ud800", ["\ud800"], [None], len]
    )
    def test_what_is_no_value_of_a_query_is_refused_by_name(self, value: object) -> None:
        with pytest.raises(InvalidArgumentError, match="status"):
            build_query({"status": value})  # type: ignore[dict-item]

    @pytest.mark.parametrize("method", ["", "GE T", "é", "GET\r\nX: y", "X" * 1000, None, 5, b"GET"])
    def test_what_is_no_method_is_refused(self, method: object) -> None:
        with pytest.raises(InvalidArgumentError, match=r"^method must be"):
            check_method(method)

    def test_a_path_of_no_text_is_refused(self) -> None:
        with pytest.raises(InvalidArgumentError, match="path is not valid text"):
            own_path("/a/\ud800", "https://h", "/v1")

    @pytest.mark.parametrize("body", [{"a": {"b": UNSET}}, {"a": [UNSET]}, [UNSET], UNSET], ids=str)
    def test_what_was_not_given_is_never_sent_as_a_word(self, body: object) -> None:
        with pytest.raises(InvalidArgumentError, match="leave the member out"):
            encode_json(body)
        assert encode_json({"a": {"b": "UNSET"}}) == b'{"a":{"b":"UNSET"}}'

    def test_a_name_that_is_no_text_is_refused(self) -> None:
        with pytest.raises(InvalidArgumentError, match="names"):
            build_query({1: "a"})  # type: ignore[dict-item]

    def test_a_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(InvalidArgumentError, match="time zone"):
            build_query({"since": datetime(2026, 2, 2)})  # noqa: DTZ001

    @pytest.mark.parametrize(
        ("typed", "path"),
        [
            ("migrations", "/migrations"),
            ("/migrations/mig_1", "/migrations/mig_1"),
            ("/v1/migrations", "/migrations"),
            ("https://h/v1/migrations?a=1", "/migrations?a=1"),
            ("/a b/ü", "/a%20b/%C3%BC"),
            ("/a%2Fb", "/a%2Fb"),
            ("/a?x=1#y", "/a?x=1%23y"),
        ],
    )
    def test_typed_paths(self, typed: str, path: str) -> None:
        assert own_path(typed, "https://h", "/v1") == path

    @pytest.mark.parametrize("bad", ["", "with blank", "é", "x" * 256, "a\n"])
    def test_idempotency_keys(self, bad: str) -> None:
        with pytest.raises(InvalidArgumentError):
            check_idempotency_key(bad)

    def test_bodies_leave_out_what_was_not_given(self) -> None:
        assert json.loads(encode_json({"a": None, "b": UNSET, "c": datetime(2026, 1, 1, tzinfo=UTC)})) == {
            "a": None,
            "c": "2026-01-01T00:00:00Z",
        }
        with pytest.raises(InvalidArgumentError, match="JSON"):
            encode_json({"a": object()})


class TestRetryAfter:
    NOW = 1_900_000_000.0

    @pytest.mark.parametrize(
        ("headers", "body", "expected"),
        [
            ({"retry-after": "7"}, None, 7),
            ({"retry-after": "0"}, None, 0),
            ({"retry-after": "1.5"}, None, 1.5),
            ({"retry-after": "7", "x-ratelimit-retry-after": "3"}, {"retry_after": 2}, 7),
            ({"retry-after": "soon", "x-ratelimit-retry-after": "3"}, {"retry_after": 2}, 3),
            ({}, {"retry_after": 2}, 2),
            ({}, {"retry_after": "2"}, 2),
            ({}, {"retry_after": True}, None),
            ({}, {"retry_after": None}, None),
            ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1900000009"}, None, 9),
            ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "1900000009"}, None, None),
            ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, None, 0),
            ({"retry-after": "-5"}, None, None),
            ({"retry-after": "nan"}, None, None),
            ({"retry-after": "inf"}, None, None),
            ({"retry-after": "1_0"}, None, None),
            ({}, None, None),
        ],
    )
    def test_the_first_place_that_says_so_counts(
        self, headers: dict[str, str], body: object, expected: float | None
    ) -> None:
        assert retry_after(headers, body, self.NOW) == expected

    def test_a_date_is_taken_by_the_clock_of_the_server(self) -> None:
        now = datetime.fromtimestamp(self.NOW, UTC)
        later = format_datetime(now + timedelta(seconds=90), usegmt=True)
        assert retry_after({"retry-after": later}, None, self.NOW) == 90
        skewed = format_datetime(now + timedelta(seconds=60), usegmt=True)
        assert retry_after({"retry-after": later, "date": skewed}, None, self.NOW) == 30
        absurd = format_datetime(now - timedelta(days=900), usegmt=True)
        assert retry_after({"retry-after": later, "date": absurd}, None, self.NOW) == 90
        assert retry_after({"retry-after": absurd}, None, self.NOW) == 0

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of this system cannot be set")
    @pytest.mark.parametrize(
        "date",
        [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 -0000",
        ],
    )
    def test_a_date_of_any_form_is_of_greenwich(self, date: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        try:
            assert retry_after({"retry-after": date}, None, 784111777 - 30) == 30
        finally:
            monkeypatch.undo()
            time.tzset()

    @steady
    @given(
        st.dictionaries(
            st.sampled_from(["retry-after", "x-ratelimit-retry-after", "x-ratelimit-reset", "date"]), st.text()
        ),
        st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), st.lists, max_leaves=3),
    )
    def test_whatever_a_server_sends_it_is_a_wait_or_none(self, headers: dict[str, str], value: object) -> None:
        found = retry_after({**headers, "x-ratelimit-remaining": "0"}, {"retry_after": value}, self.NOW)
        assert found is None or 0 <= found < float("inf")


def status(code: int, error: str = "x", after: float | None = None, **details: object) -> APIStatusError:
    return error_class(code, error)("m", status_code=code, code=error, retry_after=after, details=details)


class TestRetryPolicy:
    @pytest.mark.parametrize(
        ("error", "wanted"),
        [
            (APIConnectionError("m"), True),
            (APITimeoutError("m"), True),
            (status(408), True),
            (status(429), True),
            (status(500), True),
            (status(501), True),
            (status(502), True),
            (status(502, "source_unreachable", reason_code="E1001"), True),
            (status(502, "source_unreachable", reason_code="E1002"), False),
            (status(503), True),
            (status(504), True),
            (status(409, "idempotency_in_progress"), True),
            (status(409, "invalid_state"), False),
            (status(400), False),
            (status(401), False),
            (status(404), False),
            (status(422), False),
            (status(302), False),
            (InvalidArgumentError("m"), False),
            (KeyError("m"), False),
        ],
    )
    def test_which_failures_are_tried_again(self, error: BaseException, wanted: bool) -> None:
        assert RetryPolicy().wants(error) is wanted
        assert not RetryPolicy().wants(error, repeatable=False)

    @steady
    @given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
    def test_waits_grow_with_full_jitter_up_to_a_bound(self, attempt: int, chance: float) -> None:
        policy = RetryPolicy(initial_delay=0.5, max_delay=8)
        assert policy.delay(APIConnectionError("m"), attempt, rng=lambda: chance) == pytest.approx(
            chance * min(8, 0.5 * 2 ** min(attempt - 1, 10))
        )

    @steady
    @given(st.floats(0, 1e6), st.floats(0, 1, exclude_max=True))
    def test_a_wait_the_server_wants_is_kept_and_a_little_added(self, asked: float, chance: float) -> None:
        found = RetryPolicy().delay(status(429, after=asked), 1, rng=lambda: chance)
        assert asked <= found <= asked * 1.1 + 0.1

    def test_a_policy_that_makes_no_sense_is_refused(self) -> None:
        for bad in ({"max_retries": -1}, {"initial_delay": -0.1}, {"max_delay": float("nan")}):
            with pytest.raises(ConfigurationError):
                RetryPolicy(**bad)  # type: ignore[arg-type]


class TestPace:
    def test_it_slows_down_and_is_quick_again_after_a_change(self) -> None:
        pace = PollInterval(fastest=1, slowest=3)
        assert [pace.after(state) for state in "aaaabb"] == [1, 1.5, 2.25, 3, 1, 1.5]


class TestRateLimiter:
    @steady
    @given(st.lists(st.tuples(*[st.integers() | st.sampled_from([10**400, 0, -1, 10**14])] * 3), max_size=5))
    def test_whatever_a_server_announces_a_call_is_sent_or_waits(self, announced: list[tuple[int, int, int]]) -> None:
        limiter = RateLimiter()
        for limit, remaining, reset in announced:
            names = (b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset")
            values = (b"%d" % limit, b"%d" % remaining, b"%d" % (reset % 10 + int(time.time())))
            limiter.observe(read_rate_limit(dict(zip(names, values, strict=True))))
            for _ in range(3):
                assert 0 <= limiter.admit() < float("inf")

    def test_before_the_first_answer_only_a_few_go(self) -> None:
        limiter = RateLimiter()
        assert [limiter.admit() for _ in range(FIRST_BURST)] == [0.0] * FIRST_BURST
        assert limiter.admit() > 0
        assert limiter.admit(Turn(began=time.monotonic() - 60)) == 0
        assert limiter.admit(patience=0) == 0
        for _ in range(3):
            limiter.forget()
        assert limiter.admit() == 0

    def test_a_server_without_limits_is_not_paced(self) -> None:
        limiter = RateLimiter()
        limiter.observe(None)
        assert {limiter.admit() for _ in range(1000)} == {0.0}

    def test_what_is_left_is_used_and_the_rest_waits_in_line(self) -> None:
        limiter = RateLimiter()
        soon = datetime.now(UTC) + timedelta(seconds=30)
        limiter.observe(RateLimit(50, 3, soon))
        assert [limiter.admit() for _ in range(3)] == [0.0, 0.0, 0.0]
        waits = [limiter.admit(Turn()) for _ in range(120)]
        assert waits == sorted(waits)
        assert 29 < waits[0] < 31
        # 50 of them in the next second, 50 in the one after it, the rest in the third.
        assert waits[49] < waits[0] + 1 < waits[51] < waits[0] + 2 < waits[101]

    def test_a_wait_beyond_the_bound_is_left_to_the_server(self) -> None:
        limiter = RateLimiter(max_wait=5)
        limiter.observe(RateLimit(50, 0, datetime.now(UTC) + timedelta(hours=1)))
        assert limiter.admit() == 0

    def test_a_refusal_stops_all(self) -> None:
        limiter = RateLimiter()
        limiter.observe(RateLimit(50, 50, datetime.now(UTC) + timedelta(seconds=1)), refused_for=20)
        assert limiter.admit() > 18

    def test_those_who_do_not_wait_make_the_line_no_longer(self) -> None:
        limiter = RateLimiter()
        limiter.observe(RateLimit(10, 0, datetime.now(UTC) + timedelta(seconds=30)))
        first = limiter.admit(Turn(), 0)
        assert [limiter.admit(turn, 0) for turn in [Turn()] * 500][-1] <= first
        cancelled = [Turn() for _ in range(500)]
        assert limiter.admit(cancelled[0]) < limiter.admit(cancelled[1])
        for turn in cancelled[2:]:
            limiter.admit(turn)
        for turn in cancelled:
            limiter.leave(turn)
            limiter.leave(turn)  # an interrupt may come at any moment
        assert limiter.admit(Turn()) <= first

    def test_a_new_call_does_not_overtake_those_who_wait(self) -> None:
        limiter = RateLimiter()
        limiter.observe(RateLimit(2, 0, datetime.now(UTC) + timedelta(seconds=30)))
        early = [Turn(), Turn(), Turn()]
        for turn in early:
            assert limiter.admit(turn) > 0
        limiter.observe(RateLimit(2, 2, datetime.now(UTC) + timedelta(seconds=60)))
        assert limiter.admit(Turn()) > 0
        assert [limiter.admit(turn) > 0 for turn in early] == [False, False, True]

    @pytest.mark.parametrize("ahead", [0.0, 30.0, 3600.0, -30.0, -3600.0])
    def test_the_clocks_may_differ(self, ahead: float) -> None:
        limiter = RateLimiter()
        for _ in range(3):
            theirs = time.time() + ahead
            limiter.observe(
                RateLimit(10, 0, datetime.fromtimestamp(int(theirs) + 1, UTC)), date=formatdate(theirs, usegmt=True)
            )
            assert 0 < limiter.admit(Turn()) < 2.2

    def test_a_clock_that_is_set_right_is_believed_again(self) -> None:
        limiter = RateLimiter()
        for ahead, wait in ((600.0, 30.0), (0.0, 700.0)):
            theirs = time.time() + ahead
            reset = datetime.fromtimestamp(int(theirs + wait), UTC)
            limiter.observe(RateLimit(10, 0, reset), date=formatdate(theirs, usegmt=True))
        limiter.max_wait = 1000
        assert 698 < limiter.admit(Turn()) < 702

    def test_calls_under_way_when_a_window_begins_are_not_allowed_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        limiter = RateLimiter()
        began = time.monotonic()
        limiter.observe(RateLimit(10, 0, datetime.now(UTC) + timedelta(seconds=1)))
        monkeypatch.setattr("sensei._ratelimit.monotonic", lambda: began + 1.5)
        assert [limiter.admit() for _ in range(10)] == [0.0] * 10
        limiter.observe(RateLimit(10, 9, datetime.now(UTC) + timedelta(seconds=2)))  # the first of the ten
        assert limiter.admit() > 0

    def test_an_older_answer_does_not_give_back(self) -> None:
        limiter = RateLimiter()
        soon = datetime.now(UTC) + timedelta(seconds=30)
        limiter.observe(RateLimit(50, 2, soon))
        limiter.observe(RateLimit(50, 40, soon))
        limiter.observe(RateLimit(50, 40, soon - timedelta(seconds=1)))
        assert [limiter.admit() > 0 for _ in range(3)] == [False, False, True]
