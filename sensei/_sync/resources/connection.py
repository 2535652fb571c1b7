# Generated from sensei/_async/resources/connection.py by scripts/generate_sync.py: change that file and run the script.
"""A stored database, as it comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sensei._request import UNSET, TimeoutTypes
from sensei._sync.resources._base import LiveObject
from sensei.models.connections import ConnectionData, ConnectionTestResult

if TYPE_CHECKING:
    from sensei.models.database_schemas import DatabaseSchema


class Connection(LiveObject, ConnectionData):
    """A stored connection that can be tested, read and deleted."""

    def test(self, *, timeout: TimeoutTypes = UNSET) -> ConnectionTestResult:
        """Test the connection and wait for the outcome. `POST /connections/{id}/test`

        The object itself is not changed; `refresh()` it to see the new status.

        Args:
            timeout: seconds for one attempt.

        Returns:
            How it went: a failed test is a result with the status `failed`, not an error.

        Examples:
            >>> result = connection.test()
            >>> result.status
            'success'
        """
        return self._attached().connections.test(self.id, timeout=timeout)

    def fetch_schema(
        self, *, schema: str | None = None, table: str | None = None, refresh: bool = False
    ) -> DatabaseSchema:
        """Read the structure of the database. `GET /connections/{id}/schema`

        Args:
            schema: only this schema.
            table: only this table.
            refresh: read the catalog anew instead of a copy that is at most 10 minutes old.

        Returns:
            Schemas, tables, columns, keys and indexes.

        Examples:
            >>> structure = connection.fetch_schema(table="orders")
        """
        return self._attached().connections.schema(self.id, schema=schema, table=table, refresh=refresh)

    def refresh(self) -> Connection:
        """Fetch the connection again and take over what changed; returns the object itself. `GET /connections/{id}`

        Returns:
            The object itself.

        Examples:
            >>> connection.refresh()
        """
        return self._become(self._attached().connections.get(self.id))

    def wait(
        self,
        *,
        timeout: float | None = 60.0,
        interval: float | None = None,
        on_progress: Callable[[Connection], object] | None = None,
    ) -> Connection:
        """Wait until the test that follows a change is over; returns the object itself. `GET /connections/{id}`

        Args:
            timeout: seconds for the whole wait, or None to wait for ever.
            interval: seconds between questions; None adapts them.
            on_progress: called with the connection each time it was fetched.

        Returns:
            The object itself, refreshed: `connected` or `failed`; `last_test` says why.

        Raises:
            WaitTimeoutError: it is still being tested.

        Examples:
            >>> connection.wait()
            >>> connection.status
            'connected'
        """
        return self._become(
            self._attached().connections.wait(self.id, timeout=timeout, interval=interval, on_progress=on_progress)
        )

    def delete(self) -> None:
        """Delete the connection; refused while an unfinished migration uses it. `DELETE /connections/{id}`

        Examples:
            >>> connection.delete()
        """
        self._attached().connections.delete(self.id)
