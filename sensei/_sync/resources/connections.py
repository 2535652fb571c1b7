# Generated from sensei/_async/resources/connections.py by scripts/generate_sync.py: change that file and run the script.
"""Connections: the databases that a migration reads from and writes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import NoneType
from typing import TYPE_CHECKING

from sensei._body_checks import changed, check_config, check_page, checked
from sensei._redact import concealed
from sensei._request import UNSET, HeaderTypes, TimeoutTypes, Unset
from sensei._sync.resources._base import Resource
from sensei._sync.resources.connection import Connection
from sensei.models.connections import ConnectionTestResult
from sensei.models.enums import ConnectionRoleParam, ConnectionStatusParam, ConnectionTypeParam

if TYPE_CHECKING:
    from sensei._sync.pagination import Page
    from sensei.models.database_schemas import DatabaseSchema, TablePreview
    from sensei.models.params.connections import (
        ConnectionConfig,
        ConnectionConfigUpdate,
        ConnectionOptionsParam,
        ConnectionOptionsUpdate,
    )


class Connections(Resource):
    """`client.connections`: the stored databases."""

    def create(
        self,
        *,
        name: str,
        type: ConnectionTypeParam,
        role: ConnectionRoleParam,
        config: ConnectionConfig,
        description: str | Unset = UNSET,
        options: ConnectionOptionsParam | Unset = UNSET,
        tags: Sequence[str] | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Connection:
        """Save a connection; it is tested in the background. `POST /connections`

        Args:
            name: what people call it, up to 255 characters. Names need not be unique.
            type: the kind of database.
            role: the side of a migration it may be used on.
            config: how to reach it: the members that the type asks for, or a `connection_string`. Passwords and
                the like are stored encrypted and never come back.
            description: up to 2,000 characters.
            options: time-outs and limits of the connection.
            tags: labels to filter by.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The connection, with the status `testing`; `wait()` for the outcome.

        Raises:
            InvalidArgumentError: a member is missing, unknown or cannot be right.
            UnprocessableEntityError: the server refuses a value.

        Examples:
            >>> connection = client.connections.create(
            ...     name="Shop", type="sqlite", role="source", config={"path": "/data/shop.db"}
            ... )
        """
        from sensei.models.params.connections import ConnectionCreateBody

        config = concealed(config)  # reports of crashes print the variables of this frame
        body = concealed(
            checked(
                ConnectionCreateBody,
                name=name,
                type=type,
                role=role,
                config=config,
                description=description,
                options=options,
                tags=tags,
            )
        )
        check_config(type, config)
        return self._call(
            Connection,
            "POST",
            "/connections",
            json=body,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    def get(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> Connection:
        """Fetch one connection. `GET /connections/{id}`

        Args:
            id: its id, `conn_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The connection.

        Raises:
            NotFoundError: there is no connection with this id.

        Examples:
            >>> connection = client.connections.get("conn_abc123")
        """
        return self._call(Connection, "GET", "/connections/{id}", id, timeout=timeout, headers=headers)

    def list(
        self,
        *,
        type: ConnectionTypeParam | None = None,
        role: ConnectionRoleParam | None = None,
        status: ConnectionStatusParam | None = None,
        tag: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Page[Connection]:
        """List connections, newest first. `GET /connections`

        Args:
            type: only this kind of database.
            role: only this side.
            status: only this status.
            tag: only those that carry this tag.
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> for connection in client.connections.list(status="failed"):
            ...     print(connection.name)
        """
        return self._pages(
            Connection,
            "/connections",
            params={"type": type, "role": role, "status": status, "tag": tag, "limit": limit, "offset": offset},
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    def update(
        self,
        id: str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        config: ConnectionConfigUpdate | Unset = UNSET,
        options: ConnectionOptionsUpdate | Unset = UNSET,
        tags: Sequence[str] | Unset = UNSET,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Connection:
        """Change a connection; what is not given stays. `PATCH /connections/{id}`

        Args:
            id: its id.
            name: the new name.
            description: the new description; None removes it.
            config: members to change; a member that is None is removed. Starts a new test.
            options: members to change; a member that is None is removed. Starts a new test.
            tags: all tags from now on.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The connection as it is now.

        Raises:
            ConflictError: `connection_in_use`, an executing migration uses it.

        Examples:
            >>> client.connections.update("conn_abc123", name="Shop (read replica)")
        """
        from sensei.models.params.connections import ConnectionUpdateBody

        config = concealed(config)
        return self._call(
            Connection,
            "PATCH",
            "/connections/{id}",
            id,
            json=changed(
                ConnectionUpdateBody, name=name, description=description, config=config, options=options, tags=tags
            ),
            timeout=timeout,
            headers=headers,
        )

    def delete(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> None:
        """Delete a connection. `DELETE /connections/{id}`

        Args:
            id: its id.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Raises:
            ConflictError: `connection_in_use`, an unfinished migration uses it.

        Examples:
            >>> client.connections.delete("conn_abc123")
        """
        self._call(NoneType, "DELETE", "/connections/{id}", id, timeout=timeout, headers=headers)

    def test(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> ConnectionTestResult:
        """Test a saved connection and wait for the outcome. `POST /connections/{id}/test`

        Args:
            id: its id.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            How it went: a failed test is a result with the status `failed`, not an error.

        Examples:
            >>> result = client.connections.test("conn_abc123")
        """
        return self._call(
            ConnectionTestResult,
            "POST",
            "/connections/{id}/test",
            id,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    def test_config(
        self,
        *,
        type: ConnectionTypeParam,
        config: ConnectionConfig | Unset = UNSET,
        connection_string: str | Unset = UNSET,
        role: ConnectionRoleParam | Unset = UNSET,
        options: ConnectionOptionsParam | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> ConnectionTestResult:
        """Test settings without saving them. `POST /connections/test`

        Args:
            type: the kind of database.
            config: how to reach it.
            connection_string: the same as one URL.
            role: the side of a migration to test it for.
            options: time-outs and limits.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            How it went: a failed test is a result with the status `failed`, not an error.

        Examples:
            >>> result = client.connections.test_config(
            ...     type="postgresql", connection_string="postgresql://user:pass@host:5432/db"
            ... )
        """
        from sensei.models.params.connections import ConnectionTestBody

        config, connection_string = concealed(config), concealed(connection_string)
        return self._call(
            ConnectionTestResult,
            "POST",
            "/connections/test",
            json=checked(
                ConnectionTestBody,
                type=type,
                config=config,
                connection_string=connection_string,
                role=role,
                options=options,
            ),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    def schema(
        self,
        id: str,
        *,
        schema: str | None = None,
        table: str | None = None,
        refresh: bool = False,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> DatabaseSchema:
        """Read the structure of the database. `GET /connections/{id}/schema`

        Args:
            id: the id of the connection.
            schema: only this schema.
            table: only this table.
            refresh: read the catalog anew instead of a copy that is at most 10 minutes old.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            Schemas, tables, columns, keys and indexes.

        Examples:
            >>> structure = client.connections.schema("conn_abc123", schema="public")
        """
        from sensei.models.database_schemas import DatabaseSchema

        return self._call(
            DatabaseSchema,
            "GET",
            "/connections/{id}/schema",
            id,
            params={"schema": schema, "table": table, "refresh": refresh or None},
            timeout=timeout,
            headers=headers,
        )

    def preview(
        self,
        id: str,
        *,
        table: str,
        schema: str | None = None,
        limit: int | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> TablePreview:
        """Look at some rows of a table, in no particular order. `GET /connections/{id}/preview`

        Args:
            id: the id of the connection.
            table: the table to read.
            schema: its schema; the connection's default when None.
            limit: number of rows, 1 to 100; 10 when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The rows, each a dictionary, and the columns.

        Examples:
            >>> preview = client.connections.preview("conn_abc123", table="orders", limit=5)
        """
        check_page({"limit": limit})
        from sensei.models.database_schemas import TablePreview

        return self._call(
            TablePreview,
            "GET",
            "/connections/{id}/preview",
            id,
            params={"table": table, "schema": schema, "limit": limit},
            timeout=timeout,
            headers=headers,
        )

    def wait(
        self,
        id: str,
        *,
        timeout: float | None = 60.0,
        interval: float | None = None,
        on_progress: Callable[[Connection], object] | None = None,
    ) -> Connection:
        """Wait until the test that follows a change is over. `GET /connections/{id}`

        Args:
            id: its id.
            timeout: seconds for the whole wait, or None to wait for ever.
            interval: seconds between questions; None adapts them.
            on_progress: called with the connection each time it was fetched.

        Returns:
            The connection, `connected` or `failed`; `last_test` says why.

        Raises:
            WaitTimeoutError: it is still being tested.

        Examples:
            >>> connection = client.connections.wait("conn_abc123", timeout=30)
        """
        from sensei._sync.polling import poll

        return poll(
            lambda extras: self._call(Connection, "GET", "/connections/{id}", id, extras=extras),
            until=lambda connection: connection.status != "testing",
            status=lambda connection: connection.status,
            what=f"connection {id}",
            timeout=timeout,
            interval=interval,
            on_progress=on_progress,
        )
