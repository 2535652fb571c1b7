"""How often to ask while waiting: quickly at first, slower while nothing changes, quick again after a change."""

from __future__ import annotations

from dataclasses import dataclass

FASTEST = 0.25
"""Seconds between the first questions of a wait."""

SLOWEST = 5.0
"""Seconds between questions once nothing has changed for a while."""

GROWTH = 1.5

SHORTEST_QUESTION = 1.0
"""Seconds that one question has at least, so that the shortest wait still learns the state from a healthy server."""


@dataclass(slots=True)
class PollInterval:
    """The waits between the questions of one wait.

    Attributes:
        fastest: seconds after a change.
        slowest: seconds at most.
    """

    fastest: float = FASTEST
    slowest: float = SLOWEST
    _next: float = 0.0
    _seen: object = None

    def after(self, state: object) -> float:
        """Seconds to wait after `state` was seen. Any change of it brings the fastest pace back."""
        if self._next == 0.0 or state != self._seen:
            self._next = self.fastest
        else:
            self._next = min(self._next * GROWTH, self.slowest)
        self._seen = state
        return self._next
