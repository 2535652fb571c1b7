"""Secrets at rest: encrypted with a key that is not in the database."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken


class VaultError(Exception):
    """The key file is missing, unreadable or not the one the secrets were encrypted with."""


class Vault:
    """Encrypts JSON values with the key in one file.

    Parameters:
        key_file: Made with a fresh key and mode 0600 when it does not exist.

    Raises:
        VaultError: The file cannot be read or holds no key.
    """

    def __init__(self, key_file: Path) -> None:
        try:
            self._fernet = Fernet(_read_or_make(key_file))
        except OSError as error:
            raise VaultError(f"cannot use the key file {key_file}: {error.strerror}") from None
        except ValueError:
            raise VaultError(f"{key_file} holds no encryption key; give the right file or remove this one") from None

    def __repr__(self) -> str:
        return "Vault()"

    def seal(self, value: Any) -> bytes:
        """`value` (JSON data) encrypted and authenticated."""
        return self._fernet.encrypt(json.dumps(value, separators=(",", ":")).encode())

    def open(self, token: bytes) -> Any:
        """What `seal` was given.

        Raises:
            VaultError: The token was not made with this key.
        """
        try:
            return json.loads(self._fernet.decrypt(token))
        except InvalidToken:
            raise VaultError("a stored secret does not open with this key file") from None


def _read_or_make(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Exclusive creation under another name and a hard link: of several processes that start at once,
        # all end up with the same complete key.
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600) if not path.exists() else None
        if descriptor is not None:
            try:
                os.write(descriptor, Fernet.generate_key() + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            try:
                os.link(fresh, path)
            finally:
                fresh.unlink()
    except FileExistsError:
        pass
    return path.read_bytes().strip()
