"""Leases: a claim on running work that ends when its process does."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import UTC, datetime, timedelta

_NONCE = secrets.token_hex(6)


def this_owner() -> str:
    """Name of this process as the owner of leases: host, process id, and a nonce against reused ids."""
    return f"{socket.gethostname()}:{os.getpid()}:{_NONCE}"


def until(now: datetime, seconds: float) -> datetime:
    """When a lease taken now ends."""
    return now + timedelta(seconds=seconds)


def end_of_lease(seconds: float) -> datetime:
    """When a lease taken at this moment ends. Leases are about real processes, so they go by the machine's clock."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def is_free(owner: str | None, lease_until: datetime | None, now: datetime | None = None) -> bool:
    """Whether work under this lease may be taken by someone else: nobody's, run out, or its process is gone."""
    if owner is None or lease_until is None or lease_until <= (now or datetime.now(UTC)):
        return True
    host, pid, nonce = owner.split(":", 2)
    if host != socket.gethostname() or int(pid) <= 0:
        return False
    if int(pid) == os.getpid():
        return nonce != _NONCE
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
