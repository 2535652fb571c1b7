"""The signature of a delivery: HMAC-SHA256 over the raw body, nothing but the standard library."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import cast

from sensei._redact import SecretBytes, concealed, revealed
from sensei.errors import ConfigurationError

RAW_BODY_HINT = "pass the raw request body as it arrived, bytes or str, not the parsed JSON"

Payload = bytes | bytearray | memoryview | str
Secret = str | bytes | Iterable[str | bytes]


def verify_signature(payload: Payload, signature: str | bytes | None, secret: Secret) -> bool:
    """Tell whether a webhook delivery comes from Sensei, unchanged.

    Needs no client and no configuration. The comparison takes the same time wherever the difference is.

    Args:
        payload: The raw body as it arrived. Text is taken as its UTF-8 bytes. Never parse and dump it first:
            one blank more and the signature no longer fits.
        signature: The value of ``X-Sensei-Signature``; None when the header is missing.
        secret: The signing secret of the endpoint (``whsec_…``, used whole), or several of them while one
            replaces another. One that fits is enough.

    Returns:
        True only when the header is exactly ``sha256=`` and the 64 lower-case hex digits of the HMAC.

    Raises:
        ConfigurationError: No secret was given, or an empty one, with which anybody could sign.
        TypeError: `payload` or `signature` is neither bytes nor text.

    Examples:
        >>> from sensei.webhooks import sign, verify_signature
        >>> header = sign(b'{"id": "evt_1"}', "whsec_example")
        >>> verify_signature(b'{"id": "evt_1"}', header, "whsec_example")
        True
        >>> verify_signature(b'{"id": "evt_2"}', header, "whsec_example")
        False
        >>> verify_signature(b'{"id": "evt_1"}', header, ["whsec_new", "whsec_example"])
        True
    """
    secret = concealed(secret)  # reports of crashes print the variables of this frame
    keys = signing_keys(secret)
    body = _body(payload)
    if not isinstance(cast("object", signature), str | bytes | None):
        raise TypeError(f"signature is a {type(signature).__name__}: pass the value of the header, str or bytes")
    given = _as_bytes(signature) if signature is not None else b""
    fits = False
    for key in keys:
        # No early exit: how long it takes must not tell which secret is the current one.
        fits |= hmac.compare_digest(_header(body, key), given)
    return fits


def sign(payload: Payload, secret: str | bytes) -> str:
    """Make the ``X-Sensei-Signature`` header for a body, to test your own receiver.

    Args:
        payload: The body as your test will send it; text is taken as its UTF-8 bytes.
        secret: The signing secret your receiver knows.

    Returns:
        ``sha256=`` and the hex HMAC-SHA256 of the body.

    Raises:
        ConfigurationError: The secret is empty.
        TypeError: `payload` is neither bytes nor text.

    Examples:
        >>> from sensei.webhooks import sign
        >>> sign(b"{}", "whsec_example")
        'sha256=417b54f10ecdd87abf708f55fdde4a233175ee3df8766bd9f189a56c0c68f5b2'
    """
    secret = concealed(secret)
    (key,) = signing_keys(secret)
    return _header(_body(payload), key).decode("ascii")


def _header(body: bytes, key: bytes) -> bytes:
    return b"sha256=" + hmac.digest(key, body, "sha256").hex().encode("ascii")


def _body(payload: object) -> bytes:
    if isinstance(payload, str):
        return _as_bytes(payload)
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(cast("bytes | bytearray | memoryview", payload))
    raise TypeError(f"payload is a {type(payload).__name__}: {RAW_BODY_HINT}")


def signing_keys(secret: object) -> list[bytes]:
    """The HMAC keys of one or several secrets, concealed or not."""
    secret = concealed(secret)
    keys = _keys(revealed(secret))
    if not keys:
        raise ConfigurationError(
            "A webhook secret is missing or empty: pass the secret that webhooks.create returned, as str or bytes."
        )
    return keys


def _keys(secret: object) -> list[bytes]:
    """The keys; none when one of them is missing."""
    single = isinstance(secret, str | bytes) or not isinstance(secret, Iterable)
    given: list[object] = [secret] if single else list(cast("Iterable[object]", secret))
    keys: list[bytes] = [SecretBytes(_as_bytes(one)) for one in given if isinstance(one, str | bytes) and one]
    return keys if len(keys) == len(given) else []


def _as_bytes(text: str | bytes) -> bytes:
    # A lone surrogate in a hostile header must give False, not an encoding error.
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
