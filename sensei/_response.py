"""The headers of an answer, and what they say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from sensei._redact import mask

if TYPE_CHECKING:
    from sensei.models.response import ResponseInfo

_MOST = 10**15

RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An answer as it came, from `client.request` without `cast_to`.

    Attributes:
        last_response: status, headers, request id, attempts, seconds elapsed.
        content: the body.
    """

    last_response: ResponseInfo
    content: bytes

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.last_response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, without regard to case."""
        return self.last_response.headers

    @property
    def request_id(self) -> str | None:
        """The id to give to support."""
        return self.last_response.request_id

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON data.

        Returns:
            Dictionaries, lists, texts, numbers, booleans and None.

        Raises:
            ValueError: it is none.

        Examples:
            >>> from sensei.models import ResponseInfo
            >>> RawResponse(ResponseInfo(200, {}), b'{"id": "al_1"}').json()
            {'id': 'al_1'}
        """
        from pydantic_core import from_json

        return from_json(self.content)

    def __repr__(self) -> str:
        return f"<RawResponse {self.status_code}, {len(self.content)} bytes>"


def lower_names(raw: RawHeaders) -> dict[bytes, bytes]:
    """Headers by their names in lower case; of those that come twice, the last."""
    return {name.lower(): value for name, value in raw}


class Headers(Mapping[str, str]):
    """Response headers, without regard to case; iterating gives lower-case names.

    Those that set cookies are left out, since they are credentials. They are decoded when first asked for.
    """

    __slots__ = ("_lines", "_raw")

    def __init__(self, raw: RawHeaders) -> None:
        self._raw: RawHeaders | None = raw
        self._lines: dict[str, str] = {}

    def _decoded(self) -> dict[str, str]:
        if self._raw is not None:
            lines: dict[str, str] = {}
            for raw_name, raw_value in self._raw:
                name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
                if name != "set-cookie":
                    lines[name] = f"{lines[name]}, {value}" if name in lines else value
            self._lines, self._raw = lines, None
        return self._lines

    def __getitem__(self, name: str) -> str:
        return self._decoded()[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._decoded()

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded())

    def __len__(self) -> int:
        return len(self._decoded())

    def masked(self) -> Headers:
        """The same without what looks like a secret, such as a token in the query of a `Location`."""
        headers = Headers(())
        headers.__setstate__(cast("dict[str, str]", mask(self._decoded())))
        return headers

    def __repr__(self) -> str:
        return f"Headers({self.masked()._decoded()!r})"

    def __getstate__(self) -> dict[str, str]:
        return self._decoded()

    def __setstate__(self, state: dict[str, str]) -> None:
        self._raw, self._lines = None, state


def whole(value: bytes | str | None) -> int | None:
    """A header that is a whole number, of a size that counts anything; or None."""
    try:
        number = int(value) if value is not None else None
    except ValueError:
        return None
    return number if number is not None and -_MOST < number < _MOST else None


def instant(value: int | None) -> datetime | None:
    """Unix seconds as a datetime, or None when there are none or they are no time."""
    try:
        return datetime.fromtimestamp(value, UTC) if value is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def retry_after(headers: Mapping[str, str], body: object, now: float) -> float | None:
    """Seconds that the server asks to wait, from the first place that says so.

    The places, in order: `Retry-After` (seconds or an HTTP date), `X-RateLimit-Retry-After`, `error.retry_after` of
    the body, and for a used-up limit the time it is reset.

    Args:
        headers: of the answer.
        body: its JSON `error` object, if any.
        now: unix seconds.
    """
    server_now = http_date(headers.get("date", ""))
    # The server's clock, unless it is plainly wrong, so that a skewed clock here does not shorten the wait.
    clock = server_now if server_now is not None and abs(server_now - now) < 3600 else now
    header = headers.get("retry-after", "")
    found = _seconds(header)
    if found is None:
        date = http_date(header)
        found = max(0.0, date - clock) if date is not None else None
    if found is None:
        found = _seconds(headers.get("x-ratelimit-retry-after"))
    if found is None and isinstance(body, Mapping):
        found = _seconds(cast("Mapping[str, object]", body).get("retry_after"))
    if found is None and headers.get("x-ratelimit-remaining") == "0":
        reset = _seconds(headers.get("x-ratelimit-reset"))
        found = max(0.0, reset - clock) if reset is not None else None
    return found


def _seconds(value: object) -> float | None:
    """A number of seconds that is one: finite and not negative."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and "_" in value:
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def http_date(value: str) -> float | None:
    """An HTTP date as unix seconds, or None when it is none."""
    if not value[:1].isalpha():
        return None
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(value)
        # Dates of HTTP are of Greenwich, and one of their forms does not say so.
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
