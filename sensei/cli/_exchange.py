"""What went over the wire, for `--debug`: no body, no header, no query, so nothing secret."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from sensei import Hooks

_KEPT = 200


class ExchangeLog:
    """The newest lines of the exchange of one command."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT)

    def lines(self) -> list[str]:
        """One line for each request, answer and wait."""
        return list(self._lines)

    def hooks(self) -> Hooks:
        """What a client calls so that this is filled."""
        from sensei import Hooks
        from sensei.cli._wording import in_words

        return Hooks(
            on_request=lambda event: self._lines.append(
                f"> {event.method} {urlsplit(event.url).path}  try {event.attempt}  request {event.request_id}"
            ),
            on_response=lambda event: self._lines.append(
                f"< {event.response.status_code} after {event.response.elapsed * 1000:.0f} ms"
                f"  request {event.response.request_id}"
            ),
            on_retry=lambda event: self._lines.append(f"  again in {event.delay:.1f} s: {in_words(event.error)}"),
        )
