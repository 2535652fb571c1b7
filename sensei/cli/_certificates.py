"""Check a certificate from a file, and say what is to be thought of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sensei.cli._errors import FAILED, USAGE, CommandError
from sensei.cli._options import Options
from sensei.cli._result import write_result
from sensei.cli._table import one_line

if TYPE_CHECKING:
    from sensei.certificates import Keys

_LARGEST = 10_000_000
"""Bytes of a certificate or a key set."""


def read_certificate(name: str) -> bytes:
    """Read a certificate; `-` for stdin.

    Raises:
        CommandError: It cannot be read, or is far too large.
    """
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_LARGEST + 1)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}", exit_code=USAGE) from None
    if len(data) > _LARGEST:
        raise CommandError(f"{name}: it is longer than any certificate or key set", exit_code=USAGE)
    return data


def read_keys(name: str) -> Mapping[str, object]:
    """Read a key set.

    Raises:
        CommandError: It cannot be read, or is no key set.
    """
    from sensei.certificates import parse

    try:
        keys = parse(read_certificate(name))
    except ValueError as error:
        raise CommandError(f"{name}: it is no key set ({error})", exit_code=USAGE) from None
    if not isinstance(keys.get("keys"), list) and "kid" not in keys:
        raise CommandError(f"{name}: it is no key set; it has no member 'keys'", exit_code=USAGE)
    return keys


def write_verdict(options: Options, certificate: bytes, keys: Keys) -> int:
    """Check a certificate, write the verdict, and give the exit code."""
    from sensei.certificates import Verdict, examine

    found = examine(certificate, keys)
    document = {"verdict": found.verdict.value, "reason": found.reason, **_claims(certificate)}
    identity = one_line(str(document["id"] or ""))
    of = f" {identity}" if identity else ""
    write_result(options, document, ids=[identity], text=f"{found.verdict.value}:{of} {found.reason}")
    return 0 if found.verdict is Verdict.VALID else FAILED


def _claims(certificate: bytes) -> dict[str, object]:
    """What the certificate says of itself. Only a valid one can be believed."""
    from sensei.certificates import parse

    try:
        members = parse(certificate)
    except ValueError:
        members = {}
    names = ("id", "migration_id", "public_key_id", "valid_until")
    return {name: value if isinstance(value := members.get(name), str) else None for name in names}
