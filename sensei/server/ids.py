"""Ids: opaque strings with a type prefix."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def new_id(prefix: str) -> str:
    """A fresh id such as ``mig_…`` with 103 random bits.

    Examples:
        >>> new_id("conn").startswith("conn_")
        True
    """
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(20))
