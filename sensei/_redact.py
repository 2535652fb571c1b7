"""Taking secrets out of what errors and logs keep."""

from __future__ import annotations

import re
from typing import cast

LONGEST_BODY = 8 * 1024
"""Characters of a body that an error keeps."""

MASK = "***"

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|secret|token$|^token|credential|connection_string|^uri$|dsn|private_key|ssl_key"
    r"|service_account_json|^(api_?)?key$|^code$|code_verifier|authorization|^cookie|set-cookie",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"\b(sk_(?:live|test)_|sas?_(?=[A-Za-z0-9]{12})|rt_(?=[A-Za-z0-9]{12})|whsec_|eyJ(?=[\w-]{8,}\.))[\w.-]+"
    r"|(?<=[Bb]earer )[^\s\"']+"
)
_USER_INFO = re.compile(r"(?<=://)[^/\s\"'@]+(?=@)")


def mask_text(text: str) -> str:
    """`text` without API keys, tokens, and the user part of URLs."""
    return _USER_INFO.sub(MASK, _SECRET_TEXT.sub(MASK, text))


def mask(value: object) -> object:
    """JSON data with the values of secret-looking members masked, at any depth."""
    if isinstance(value, dict):
        return {
            name: MASK if _SECRET_NAME.search(str(name)) and member is not None else mask(member)
            for name, member in cast("dict[object, object]", value).items()
        }
    if isinstance(value, list):
        return [mask(member) for member in cast("list[object]", value)]
    return mask_text(value) if isinstance(value, str) else value


def safe_body(body: bytes) -> str:
    """A body as text: JSON with its secrets masked, and no longer than `LONGEST_BODY` characters."""
    from pydantic_core import from_json, to_json

    try:
        text = to_json(mask(from_json(body)), inf_nan_mode="constants").decode()
    except (ValueError, RecursionError):
        text = mask_text(body[: 4 * LONGEST_BODY].decode("utf-8", "replace"))
    return text if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}… ({len(body)} bytes)"
