"""What goes wrong, for which calls, how often."""

from __future__ import annotations

import fnmatch
import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal

Moment = Literal["before", "after"]
"""Before anything has happened, or after the effect and before the answer."""

Ending = Literal["reset", "close", "stall"]
"""How a cut connection ends: torn down, closed in good order, or left open in silence."""

STREAMS = ("/events", "/logs")
"""How the paths of event streams end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong. Of the members that say what, those that are set are done, in the order given here.

    Parameters:
        method: Only this HTTP method.
        path: Only paths that fit this pattern (``*`` and ``?`` are wildcards), such as ``/v1/migrations/*/start``.
        times: How many calls it meets; None for all that follow.
        skip: How many fitting calls pass before.
        delay_before: Seconds to wait before anything happens.
        delay_after: Seconds to wait after the effect and before the answer.
        status: Answer with this status instead.
        when: Whether that answer comes instead of the effect (``before``) or after it (``after``).
        code: Error code of that answer; the usual one of the status when absent.
        retry_after: Value of its ``Retry-After`` header, seconds or an HTTP date.
        body: Body of that answer (or of the real one, when there is no `status`) instead of JSON.
        content_type: Type of that body.
        set_members: Members of the JSON answer to be given other values, e.g. ``{"status": "unheard_of"}``; items of
            a list are changed too.
        cut_at: Break the connection after this many bytes of the answer, headers included.
        cut_after_events: Break an event stream after this many events.
        ending: How the broken connection ends.
    """

    method: str | None = None
    path: str = "*"
    times: int | None = 1
    skip: int = 0
    delay_before: float = 0.0
    delay_after: float = 0.0
    status: int | None = None
    when: Moment = "before"
    code: str | None = None
    retry_after: str | int | float | None = None
    body: str | None = None
    content_type: str = "text/html; charset=utf-8"
    set_members: dict[str, Any] = field(default_factory=dict[str, Any])
    cut_at: int | None = None
    cut_after_events: int | None = None
    ending: Ending = "reset"

    def fits(self, method: str, path: str) -> bool:
        """Whether it is about such a call."""
        if self.cut_after_events is not None and not path.endswith(STREAMS):
            return False
        return (self.method is None or self.method == method) and fnmatch.fnmatchcase(path, self.path)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Fault:
        """The fault that JSON data describes.

        Raises:
            ValueError: A member is not known or not of the right kind.
        """
        _check_members(data, {f.name for f in fields(cls)})
        for name in ("times", "skip", "cut_at", "cut_after_events"):
            _check(name, data, lambda value: _is_whole(value) and value >= 0, "must be a whole number, 0 or more")
        _check("status", data, lambda value: _is_whole(value) and 200 <= value < 600, "must be from 200 to 599")
        for name in ("delay_before", "delay_after"):
            _check(name, data, lambda value: _is_number(value, 0, _LONGEST_DELAY), "must be seconds, from 0 to 3600")
        for name in ("method", "path", "code", "body"):
            _check(name, data, lambda value: isinstance(value, str), "must be a text")
        _check("content_type", data, _can_be_header, "must be a text that can stand in a header")
        _check(
            "retry_after",
            data,
            lambda value: _is_number(value, 0, math.inf) or _can_be_header(value),
            "must be seconds or a date",
        )
        _check("set_members", data, lambda value: isinstance(value, dict), "must be an object")
        _check("when", data, lambda value: value in ("before", "after"), "must be before or after")
        _check("ending", data, lambda value: value in ("reset", "close", "stall"), "must be reset, close or stall")
        for f in fields(cls):
            if data.get(f.name, 0) is None and "None" not in str(f.type):
                raise ValueError(f"{f.name} cannot be null")
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomFaults:
    """A mixture of failures by chance, the same for the same seed and the same order of calls.

    Parameters:
        seed: Of the random numbers.
        rate: Share of the calls that fail, 0 to 1.
        kinds: Which failures are drawn from: ``rate_limit``, ``unavailable``, ``error``, ``cut_before``,
            ``cut_after``, ``slow``, and ``stall``, which is silence after some bytes of the answer until the client
            goes away.
        path: Only calls whose path fits.
    """

    seed: int = 0
    rate: float = 0.3
    kinds: tuple[str, ...] = ("rate_limit", "unavailable", "error", "cut_before", "cut_after", "slow")
    path: str = "/v1/*"

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RandomFaults:
        """The mixture that JSON data describes.

        Raises:
            ValueError: A member is not known or not of the right kind.
        """
        _check_members(data, {f.name for f in fields(cls)})
        if None in data.values():
            raise ValueError("no member can be null")
        _check("seed", data, _is_whole, "must be a whole number")
        _check("rate", data, lambda value: _is_number(value, 0, 1), "must be a number from 0 to 1")
        _check("path", data, lambda value: isinstance(value, str), "must be a text")
        _check("kinds", data, _are_kinds, f"must be a list of {', '.join(_DRAWS)}")
        given: dict[str, Any] = {**data, **({"kinds": tuple(data["kinds"])} if "kinds" in data else {})}
        return cls(**given)


_LONGEST_DELAY = 3600.0


def _check_members(data: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(data) - known)
    if unknown:
        raise ValueError(f"unknown member {unknown[0]!r}; known are {', '.join(sorted(known))}")


def _check(name: str, data: dict[str, Any], fits: Callable[[Any], bool], rule: str) -> None:
    value = data.get(name)
    if value is not None and not fits(value):
        raise ValueError(f"{name} {rule}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _can_be_header(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _are_kinds(value: list[object] | str | float) -> bool:
    return isinstance(value, list) and bool(value) and all(kind in _DRAWS for kind in value)


@dataclass(slots=True)
class _Planned:
    fault: Fault
    left: int | None
    skip: int


class Faults:
    """The failures that a server is to show; several threads may change and ask.

    Examples:
        >>> faults = Faults()
        >>> faults.fail(503, times=2, retry_after=0)
        >>> faults.next("GET", "/v1/connections").status
        503
        >>> faults.clear()
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []
        self._random: tuple[RandomFaults, random.Random] | None = None
        self._met = 0
        self._webhook_copies = 0
        self._webhook_delay = 0.0

    def __repr__(self) -> str:
        return f"Faults(planned={len(self._planned)}, met={self._met})"

    @property
    def met(self) -> int:
        """How many calls met a fault."""
        return self._met

    def add(self, fault: Fault) -> None:
        """Plan a fault; of several that fit a call, the oldest is met."""
        with self._lock:
            self._planned.append(_Planned(fault, fault.times, fault.skip))

    def fail(
        self,
        status: int,
        *,
        times: int | None = 1,
        retry_after: str | float | None = None,
        when: Moment = "before",
        path: str = "*",
        method: str | None = None,
        code: str | None = None,
    ) -> None:
        """Answer the next calls with an error.

        Parameters:
            status: HTTP status, e.g. 429 or 503.
            times: How many calls; None for all.
            retry_after: ``Retry-After`` in seconds or as an HTTP date.
            when: ``before`` the effect (nothing happens), or ``after`` it, as a broken proxy would.
            path: Pattern of the paths concerned.
            method: Only this method.
            code: Error code; the usual one of the status when absent.
        """
        self.add(
            Fault(status=status, times=times, retry_after=retry_after, when=when, path=path, method=method, code=code)
        )

    def html(self, status: int = 502, *, times: int | None = 1, path: str = "*", method: str | None = None) -> None:
        """Answer the next calls with an HTML page, as a proxy does."""
        page = f"<html><body><h1>{status}</h1><p>upstream</p></body></html>"
        self.add(Fault(status=status, body=page, times=times, path=path, method=method))

    def slow(
        self,
        seconds: float,
        *,
        when: Moment = "before",
        times: int | None = 1,
        path: str = "*",
        method: str | None = None,
    ) -> None:
        """Let the next calls take longer: before their effect, or after it and before the answer."""
        before, after = (seconds, 0.0) if when == "before" else (0.0, seconds)
        self.add(Fault(delay_before=before, delay_after=after, times=times, path=path, method=method))

    def cut(
        self,
        at: int = 0,
        *,
        ending: Ending = "reset",
        times: int | None = 1,
        path: str = "*",
        method: str | None = None,
    ) -> None:
        """Let the next calls have their effect and break the connection after `at` bytes of the answer."""
        self.add(Fault(cut_at=at, ending=ending, times=times, path=path, method=method))

    def refuse(self, *, times: int | None = 1, path: str = "*", method: str | None = None) -> None:
        """Break the connection of the next calls before anything happens."""
        self.add(Fault(cut_at=0, when="before", status=500, times=times, path=path, method=method))

    def cut_stream(
        self, after_events: int, *, ending: Ending = "reset", times: int | None = 1, path: str = "*"
    ) -> None:
        """Break the next event streams after that many events."""
        self.add(Fault(cut_after_events=after_events, ending=ending, times=times, path=path))

    def answer_with(
        self, members: dict[str, Any], *, times: int | None = 1, path: str = "*", method: str | None = None
    ) -> None:
        """Give members of the next JSON answers other values, e.g. a status that no client knows yet."""
        self.add(Fault(set_members=members, times=times, path=path, method=method))

    def webhooks(self, *, copies: int = 0, delay: float = 0.0) -> None:
        """Deliver each webhook that many times more, and so many seconds late, until told otherwise."""
        with self._lock:
            self._webhook_copies, self._webhook_delay = copies, delay

    @property
    def webhook_copies(self) -> int:
        """How many times more a successful delivery is sent."""
        return self._webhook_copies

    @property
    def webhook_delay(self) -> float:
        """Seconds that each delivery is late."""
        return self._webhook_delay

    def at_random(self, chance: RandomFaults | None) -> None:
        """Fail by chance from now on; None ends it."""
        with self._lock:
            # Not for secrets: the same seed must give the same failures.
            self._random = None if chance is None else (chance, random.Random(chance.seed))  # noqa: S311

    def clear(self) -> None:
        """Forget everything that was planned."""
        with self._lock:
            self._planned.clear()
            self._random = None
            self._webhook_copies, self._webhook_delay = 0, 0.0

    def next(self, method: str, path: str) -> Fault | None:
        """The fault that a call meets, if any; it is used up by that."""
        with self._lock:
            for planned in self._planned:
                if not planned.fault.fits(method, path):
                    continue
                if planned.skip > 0:
                    planned.skip -= 1
                    continue
                if planned.left is not None:
                    planned.left -= 1
                    if planned.left <= 0:
                        self._planned.remove(planned)
                self._met += 1
                return planned.fault
            if self._random is not None:
                chance, dice = self._random
                if fnmatch.fnmatchcase(path, chance.path) and dice.random() < chance.rate:
                    self._met += 1
                    return _DRAWS[dice.choice(chance.kinds)](dice)
        return None


_DRAWS: dict[str, Callable[[random.Random], Fault]] = {
    "rate_limit": lambda _: Fault(status=429, retry_after=0),
    "unavailable": lambda _: Fault(status=503, retry_after=0),
    "error": lambda _: Fault(status=500),
    "cut_before": lambda _: Fault(status=500, cut_at=0),
    "cut_after": lambda dice: Fault(cut_at=dice.randrange(400)),
    "slow": lambda dice: Fault(delay_after=dice.random() / 20),
    "stall": lambda dice: Fault(cut_at=dice.randrange(400), ending="stall"),
}
