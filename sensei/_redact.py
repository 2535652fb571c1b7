"""Taking secrets out of what errors and logs keep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import SupportsIndex, TypeVar, cast, overload
from urllib.parse import unquote_plus

LONGEST_BODY = 8 * 1024
"""Characters of a body that an error keeps."""

LONGEST_LOOKED_AT = 1024 * 1024
"""Bytes of a body that are looked at for an error: as data, a hostile one takes a hundred times its size."""

MASK = "***"

_T = TypeVar("_T")

# As text, which `re` compiles when it is first used, and keeps: a program without errors needs none of them.
_PRIVATE_NAME = (
    r"(?i)pass(word|wd|phrase)?$|secret|token$|^token|credential|connection_string|^uri$|dsn|private_key|ssl_key"
    r"|service_account_json|^key$|api[_-]?key$|(account|storage|shared|master|encryption)[_-]?key$|pwd$|^pw$"
    r"|^code$|code_verifier|authorization|^cookie|set-cookie"
)
_PRIVATE_TEXT = (
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\b(sk_(?:live|test)_|sas?_(?=[A-Za-z0-9]{12})|rt_(?=[A-Za-z0-9]{12})|whsec_|eyJ(?=[\w-]{8,}\.))[\w.-]+"
    r"|(?<=[Bb]earer )[^\s\"']+|(?<=[Bb]asic )(?=\S+[A-Z0-9+/=])[\w+/-]{8,}={0,2}"
)
_USER_INFO = r"(?<=://)(?:[^/\s\"']+|[^/\s\"':]*:(?!\d+[/?#])[^\s\"']{1,100})(?=@)"
"""Up to the last @ of the host, or of what looks like a password that should have been quoted."""

_PAIR = r"(?:(?<=[?&\s])|^)([\w.%\[\]-]{1,80})=([^&\s\"'#]+)"
_NAME = r'(?s)"((?:[^"\\]|\\.){1,80})"\s*:\s*'
_VALUE = r'(?s)"(?:[^"\\]|\\.)*(?:"|\\?$)|[{\[].*|[^\s,}\]]+'
_CONTROL = "[\x00-\x20\x7f-\xa0\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+"


class SecretText(str):
    """Text that is masked where it is printed as a value, as reports of crashes print the variables of a call."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"

    def __getitem__(self, place: SupportsIndex | slice) -> str:
        return SecretText(super().__getitem__(place))  # of long texts a report prints the beginning


class SecretBytes(bytes):
    """Bytes that are masked in the same way."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"b'{MASK}'"

    @overload
    def __getitem__(self, place: SupportsIndex) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> bytes: ...

    def __getitem__(self, place: SupportsIndex | slice) -> int | bytes:
        return SecretBytes(super().__getitem__(place)) if isinstance(place, slice) else super().__getitem__(place)


class SecretMapping(Mapping[object, object]):
    """A mapping that shows how many members it has and nothing of them; its values are concealed as well.

    It is no `dict`, since reports of crashes look into each of those by themselves.
    """

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[object, object]) -> None:
        self._members = members

    def __getitem__(self, name: object) -> object:
        return concealed(self._members[name])

    def __iter__(self) -> Iterator[object]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"{{{MASK}}}"


class SecretValue:
    """Anything else that is not to be shown: a list, a number."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return MASK


def concealed(value: _T) -> _T:
    """`value` such that reports of crashes, which print the variables of frames, do not show it.

    To be called where a secret comes in, on the variable itself: `secret = concealed(secret)`. Functions and objects
    stay as they are: what they print is their own affair.
    """
    if value is None:
        return value
    hidden: object = value
    kind = type(value)
    if kind is str:
        hidden = SecretText(value)
    elif kind is bytes or isinstance(value, bytearray | memoryview):
        hidden = SecretBytes(cast("bytes", value))
    elif isinstance(value, Mapping):
        if kind is not SecretMapping:
            hidden = SecretMapping(cast("Mapping[object, object]", value))
    elif kind in {int, float} or isinstance(value, list | tuple | set | frozenset):
        hidden = SecretValue(cast("object", value))
    return cast("_T", hidden)


def revealed(value: _T) -> _T:
    """What `concealed` made its argument of."""
    plain: object = value
    if isinstance(value, SecretText):
        plain = str(value)
    elif isinstance(value, SecretBytes):
        plain = bytes(value)
    elif isinstance(value, SecretMapping):
        plain = value._members
    elif isinstance(value, SecretValue):
        plain = value.value
    return cast("_T", plain)


def mask_text(text: str) -> str:
    """`text` without API keys, tokens, the user part of URLs, and the values of secret-looking members.

    Those of queries, and those of JSON in the midst of the text.
    """
    text = re.sub(_PAIR, _masked_pair, re.sub(_USER_INFO, MASK, re.sub(_PRIVATE_TEXT, MASK, text)))
    return _mask_members(text) if '"' in text else text


def _masked_pair(pair: re.Match[str]) -> str:
    in_query = pair.string[pair.start() - 1 : pair.start()] in {"?", "&"}
    name = unquote_plus(pair[1])
    # Elsewhere a sentence may well say that some code=42.
    secret = re.search(_PRIVATE_NAME, name) and (in_query or name.lower() not in {"code", "key", "uri"})
    return f"{pair[1]}={MASK}" if secret else pair[0]


def _mask_members(text: str) -> str:
    """`text`, of which some is JSON, whole or damaged, without the values of secret-looking members."""
    parts: list[str] = []
    place = 0
    for name in re.finditer(_NAME, text):
        if (
            name.start() >= place
            and re.search(_PRIVATE_NAME, name[1])
            and (value := re.compile(_VALUE).match(text, name.end()))
        ):
            parts += [text[place : name.end()], f'"{MASK}"']
            place = value.end()  # of an object or a list: all the rest, since nobody knows where it ends
    return "".join(parts) + text[place:]


def one_line(text: str) -> str:
    """`text` with runs of blanks and control characters as one blank, so that it cannot rewrite a terminal or a log."""
    return re.sub(_CONTROL, " ", text).strip()


def mask(value: object) -> object:
    """JSON data with the values of secret-looking members masked, at any depth."""
    if isinstance(value, dict):
        return {
            name: MASK if re.search(_PRIVATE_NAME, str(name)) and member is not None else mask(member)
            for name, member in cast("dict[object, object]", value).items()
        }
    if isinstance(value, list):
        return [mask(member) for member in cast("list[object]", value)]
    return mask_text(value) if isinstance(value, str) else value


def safe_body(body: bytes) -> str:
    """A body as text: JSON with its secrets masked, and no longer than `LONGEST_BODY` characters.

    What is no JSON, or only the beginning of it, keeps its form; members that look like secrets are masked there too.
    """
    from pydantic_core import from_json, to_json

    try:
        text = to_json(mask(from_json(body[:LONGEST_LOOKED_AT])), inf_nan_mode="constants").decode()
    except (ValueError, RecursionError):
        text = mask_text(body[: 4 * LONGEST_BODY].decode("utf-8", "replace"))
    return text if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}… ({len(body)} bytes)"
