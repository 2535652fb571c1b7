"""COPY out of PostgreSQL, one line at a time, on the driver's low level.

The driver's own `Copy.read` goes through a generator for every row, which is most of what reading a narrow table costs.
"""

from __future__ import annotations

import selectors
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result


def copy_out(connection: psycopg.Connection[Any], sql: str) -> Iterator[memoryview]:
    """The lines of a COPY … TO STDOUT, each with its newline.

    To be read to its end; a connection left in the middle can only be closed.

    Raises:
        psycopg.Error: The server or the connection failed.
    """
    pgconn = connection.pgconn
    with selectors.DefaultSelector() as selector:
        selector.register(pgconn.socket, selectors.EVENT_READ)
        pgconn.send_query(sql.encode())
        _flush(pgconn)
        while pgconn.is_busy():
            selector.select()
            pgconn.consume_input()
        _expect(pgconn, pgconn.get_result(), pq.ExecStatus.COPY_OUT)
        while True:
            size, line = pgconn.get_copy_data(1)
            if size > 0:
                yield line
            elif size == 0:
                selector.select()
                pgconn.consume_input()
            else:
                break
        while pgconn.is_busy():
            selector.select()
            pgconn.consume_input()
        result = pgconn.get_result()
        while pgconn.get_result() is not None:
            pass
        _expect(pgconn, result, pq.ExecStatus.COMMAND_OK)


def _flush(pgconn: pq.abc.PGconn) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(pgconn.socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while pgconn.flush():
            if any(events & selectors.EVENT_READ for _, events in selector.select()):
                pgconn.consume_input()


def _expect(pgconn: pq.abc.PGconn, result: pq.abc.PGresult | None, status: pq.ExecStatus) -> None:
    if result is None:
        raise psycopg.OperationalError("the connection was lost")
    if result.status != status:
        while pgconn.get_result() is not None:
            pass
        raise error_from_result(result, encoding="utf-8")
