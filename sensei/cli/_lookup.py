"""Find what a user names: by its id, or by its name where that is clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensei.cli._errors import NOT_FOUND, USAGE, CommandError
from sensei.cli._text import listing

if TYPE_CHECKING:
    from sensei import Client


def connection_id(client: Client, given: str) -> str:
    """The id of a connection.

    Args:
        client: Whose connections.
        given: An id, which is taken as it is, or a name.

    Raises:
        CommandError: No connection has this name, or several have.
    """
    if given.startswith("conn_"):
        return given
    found = [one.id for one in client.connections.list(limit=100) if one.name == given]
    if not found:
        raise CommandError(
            f"there is no connection {given!r}; `sensei connections list` shows what there is", exit_code=NOT_FOUND
        )
    if len(found) > 1:
        raise CommandError(
            f"{len(found)} connections are named {given!r}: give the id, one of {listing(found)}", exit_code=USAGE
        )
    return found[0]
