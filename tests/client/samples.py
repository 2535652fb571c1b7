"""Answers of the contract that several tests need."""

from __future__ import annotations

import json

CONNECTION: dict[str, object] = {
    "id": "conn_1",
    "name": "Shop",
    "description": None,
    "type": "sqlite",
    "role": "source",
    "status": "connected",
    "config": {"path": "/data/shop.db"},
    "options": {},
    "tags": ["shop"],
    "created_at": "2026-02-02T15:00:00Z",
    "updated_at": "2026-02-02T15:00:00Z",
    "last_test": None,
}
"""A connection with all that a server sends."""

MIGRATION: dict[str, object] = {"id": "mig_1", "name": "Shop", "status": "pending"}
"""A migration with what the contract insists on."""

VALIDATION: dict[str, object] = {
    "id": "val_1",
    "migration_id": "mig_1",
    "type": "full",
    "status": "running",
    "created_at": "2026-02-02T15:00:00Z",
}
"""A validation with what the contract insists on."""


def connection(number: int) -> dict[str, object]:
    """Connection number `number`."""
    return {**CONNECTION, "id": f"conn_{number}"}


def page(numbers: list[int], total: int, offset: int = 0, limit: int = 20) -> dict[str, object]:
    """A page with the connections `numbers`."""
    return {
        "data": [connection(number) for number in numbers],
        "pagination": {
            "total": total,
            "limit": limit,
            "offset": offset,
            "has_more": offset + len(numbers) < total,
        },
    }


def sse(number: int, name: str = "progress", **data: object) -> bytes:
    """An event of a stream."""
    members: dict[str, object] = {
        "timestamp": "2026-02-02T16:00:00Z",
        "phase": "data_transfer",
        "message": f"no {number}",
    }
    if name == "progress":
        members["percent"] = 50
    if name == "end":
        members["status"] = "completed"
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(members | data)}\n\n".encode()
