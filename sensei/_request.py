"""What a call is, as plain data: its path, its query, its body and its own options."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeAlias, cast
from urllib.parse import quote, unquote, urlencode

from sensei._arguments import check_mapping, is_number, kind_of
from sensei._redact import SecretBytes, SecretText, concealed, mask_text, revealed
from sensei.errors import InvalidArgumentError

if TYPE_CHECKING:
    from httpx import Timeout


class Unset(enum.Enum):
    """The type of `UNSET`. An enum, so that it stays one object through copies and pickles."""

    UNSET = "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Stands for an argument that was not given, where None would be sent as null."""

TimeoutTypes: TypeAlias = "float | Timeout | Unset | None"
"""Seconds for one attempt, a timeout object of httpx, None for no limit, UNSET for that of the client."""

HeaderTypes: TypeAlias = "Mapping[str, str] | None"
"""Headers of one call, beside those of the client."""

QueryValue: TypeAlias = "str | int | float | datetime | date | Iterable[str | int] | Unset | None"
QueryTypes: TypeAlias = "Mapping[str, QueryValue] | None"
"""Query members; those that are None or UNSET are left out."""


@dataclass(frozen=True, slots=True)
class RequestExtras:
    """What few calls need: those of the OAuth server, downloads, and the escape hatch.

    Attributes:
        server: `api` for paths below the base URL, `auth` for the OAuth endpoints, which are outside /v1.
        authorization: `client` for the credential of the client, None for none, else the very header value.
        form: members of a form body, instead of JSON.
        accept: what the `Accept` header says.
        repeatable: False when the call must not be sent twice, whatever happens (an OAuth code works once).
        gone_is_none: for a DELETE with a body in its answer: None stands for one that an earlier try has done.
        until: when the call must be over, on the monotonic clock, beside the deadline of the client.
        own_path: True when the route is a path of the user's own, which may hold ids.
    """

    server: Literal["api", "auth"] = "api"
    authorization: str | None = "client"
    form: Mapping[str, str] | None = field(default=None, repr=False)
    accept: str = "application/json"
    repeatable: bool = True
    gone_is_none: bool = False
    until: float | None = None
    own_path: bool = False


ORDINARY: Final = RequestExtras()
OWN_PATH: Final = RequestExtras(own_path=True)
EVENT_STREAM: Final = RequestExtras(accept="text/event-stream")

_IN_SEGMENT = "%:@!$&'()*+,;=~"
_SAFE_SEGMENT = re.compile(r"[A-Za-z0-9_~-]+").fullmatch


def quote_segment(value: object, name: str = "id") -> str:
    """One path segment. Whatever `value` holds, it cannot leave its segment.

    Raises:
        InvalidArgumentError: `value` is empty, no text, or one of the dot segments that a URL parser would resolve.
    """
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a str, not {type(value).__name__}")
    if _SAFE_SEGMENT(value):
        return value
    if not value.strip():
        raise InvalidArgumentError(f"{name} is empty")
    if value in {".", ".."}:
        raise InvalidArgumentError(f"{name} is {value!r}, which is no id")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} is not valid text: {value[:40]!r}") from None


@lru_cache(maxsize=256)
def _parts(route: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The literal pieces of a route such as `/migrations/{id}/start`, and the names between them."""
    pieces = re.split(r"\{([a-z_]+)\}", route)
    return tuple(pieces[::2]), tuple(pieces[1::2])


def build_path(route: str, ids: tuple[str, ...]) -> str:
    """Fill the braces of `route` with `ids`, in order, each quoted.

    Examples:
        >>> build_path("/migrations/{id}/mappings/{mapping_id}", ("mig_1", "../api-keys"))
        '/migrations/mig_1/mappings/..%2Fapi-keys'
    """
    if not ids:
        return route
    literals, names = _parts(route)
    path = literals[0]
    for value, name, literal in zip(ids, names, literals[1:], strict=True):
        path += quote_segment(value, name) + literal
    return path


def own_path(path: str, origin: str, prefix: str) -> str:
    """A path below the base URL, from what a user typed or a link that the server gave.

    Args:
        path: `/migrations`, `migrations`, `/v1/migrations`, or a URL of the same origin.
        origin: of the client's server.
        prefix: of its paths, such as `/v1`.

    Raises:
        InvalidArgumentError: it leads to another server, or out of the API.

    Examples:
        >>> print(own_path("/v1/alerts?limit=1", "https://api.sensei.ai", "/v1"))
        /alerts?limit=1
    """
    if not isinstance(cast("object", path), str):
        raise InvalidArgumentError(f"path must be a str, not {kind_of(path)}")
    path = concealed(path)  # its query may hold a secret, and so may the user part of a URL
    if path.lower().startswith(("http://", "https://", "//")):
        if not path.startswith(f"{origin}/"):
            raise InvalidArgumentError(
                f"{mask_text(path)[:200]} is not on {origin}: the credential is not sent to other servers"
            )
        path = path[len(origin) :]
        if not path.startswith(f"{prefix}/"):
            raise InvalidArgumentError(f"{mask_text(path)[:200]} is not below {prefix}")
    if path.startswith(f"{prefix}/"):
        path = path[len(prefix) :]
    path, mark, query = map(concealed, path.partition("?"))
    segments = path.strip("/").split("/")
    if not all(segments) or any(unquote(segment) in {".", ".."} for segment in segments):
        raise InvalidArgumentError(f"{mask_text(path)[:200]!r} is no path: it has empty or dot segments")
    if not is_sendable(path + query):
        raise InvalidArgumentError(f"path is not valid text: {mask_text(path)[:40]!r}")
    quoted = "/".join(quote(segment, safe=_IN_SEGMENT) for segment in segments)
    return SecretText(f"/{quoted}?{quote(query, safe=_IN_SEGMENT + '/?')}") if mark else f"/{quoted}"


_METHOD = re.compile(r"[A-Za-z]{1,40}").fullmatch


def check_method(method: object) -> None:
    """See to it that `method` is the name of an HTTP method.

    Raises:
        InvalidArgumentError: it is not.
    """
    if not isinstance(method, str):
        raise InvalidArgumentError(f"method must be a str, not {type(method).__name__}")
    if not _METHOD(method):
        raise InvalidArgumentError("method must be the name of an HTTP method, such as GET")


def build_query(params: QueryTypes) -> str:
    """The query string without its question mark; members that are None or UNSET are left out.

    Examples:
        >>> build_query({"status": "running", "tag": None, "refresh": True, "table": "a&b"})
        'status=running&refresh=true&table=a%26b'
    """
    if params is None:
        return ""
    check_mapping("params", params)
    pairs: list[str] = []
    try:
        for name, value in cast("Mapping[object, object]", revealed(params)).items():
            if value is None or value is UNSET:
                continue
            if not isinstance(name, str):
                raise InvalidArgumentError(f"params must have texts for names, not {type(name).__name__}")
            pairs += [f"{_quoted(name, name)}={_quoted(_text(one, name), name)}" for one in _each(value)]
    except InvalidArgumentError:
        pairs.clear()  # reports of crashes print the variables of this frame
        raise
    return "&".join(pairs)


def _each(value: object) -> Iterable[object]:
    alone: Iterable[object] = (value,)
    if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
        return alone
    return cast("Iterable[object]", value)


def _quoted(text: str, name: str) -> str:
    if not is_sendable(text):
        raise InvalidArgumentError(f"{name[:60]!r} is not valid text: it holds a lone surrogate")
    return quote(text, safe="")


def _text(value: object, name: str) -> str:
    if isinstance(value, str):
        return str.__str__(value)  # of an enum with text values the value, not the name
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise InvalidArgumentError(f"{name} has no time zone: pass an aware datetime, e.g. with tzinfo=UTC")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, int | float):
        raise InvalidArgumentError(f"{name} must be text, a number or a date, not {type(value).__name__}")
    if not is_number(value) or not isfinite(value):
        raise InvalidArgumentError(f"{name} must be a finite number")
    return str(value)


LONGEST_KEY: Final = 255
"""Characters of an idempotency key."""

_KEY = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}").fullmatch


def check_idempotency_key(key: str) -> str:
    """`key`, when the platform accepts it.

    Raises:
        InvalidArgumentError: it is not 1 to 255 printable ASCII characters without blanks.
    """
    if not isinstance(cast("object", key), str) or not _KEY(key):
        raise InvalidArgumentError("idempotency_key must be 1 to 255 printable ASCII characters without blanks")
    return key


def encode_form(members: Mapping[str, str]) -> SecretBytes:
    """The body of a form.

    Raises:
        InvalidArgumentError: a member is no text that can be sent.
    """
    for name, value in members.items():
        if not is_sendable(value):
            raise InvalidArgumentError(f"{name} holds half characters, which cannot be sent")
    return SecretBytes(urlencode(members).encode("ascii"))


def is_sendable(text: str) -> bool:
    """True when UTF-8 can hold `text`."""
    try:
        text.encode()
    except UnicodeEncodeError:  # which shows the text
        return False
    return True


def encode_json(value: object) -> SecretBytes:
    """The body for `value`: dicts, lists, models, datetimes. Members that are UNSET are left out of the top level.

    Raises:
        InvalidArgumentError: something in it has no JSON form, such as NaN or an object that is no data.
    """
    body, problem = _encoded(value)
    value = UNSET  # which may be a secret, and those who report crashes print the variables of frames
    if problem is not None:
        raise InvalidArgumentError(f"the request body has no JSON form: {mask_text(problem)}")
    return body


def _encoded(value: object) -> tuple[SecretBytes, str | None]:
    """The body, or what is wrong with `value`; told in this way, no traceback passes the variables in here."""
    from pydantic_core import to_json

    if isinstance(value, Mapping):
        members = revealed(cast("Mapping[str, object]", value))
        value = {name: member for name, member in members.items() if member is not UNSET}
    try:
        body = to_json(revealed(value), by_alias=True, inf_nan_mode="constants")
        if b"NaN" in body or b"Infinity" in body:
            import json

            json.loads(body, parse_constant=_no_number)  # else the server would get null for it, or no JSON
        if b'"UNSET"' in body and _holds_unset(revealed(value)):
            raise ValueError("UNSET is for whole arguments; inside of them leave the member out")
    except ValueError as error:  # pydantic's own are such, and so are circles and texts that UTF-8 has not
        return SecretBytes(), str(error)
    return SecretBytes(body), None


def _holds_unset(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_unset(one) for one in cast("Mapping[object, object]", value).values())
    if isinstance(value, list | tuple):
        return any(_holds_unset(one) for one in cast("Iterable[object]", value))
    return value is UNSET


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
