"""What tests of all parts share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.mysql import MysqlServer, running_mysql
from tests.support.no_skips import pytest_make_collect_report, pytest_runtest_makereport
from tests.support.postgres import PostgresServer, running_postgres

__all__ = [
    "mysql_server",
    "mysql_url",
    "postgres_server",
    "postgres_url",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names of tests that hold an address: processes that share the tests must find the same ones."""
    unstable = sorted({item.nodeid.partition("[")[0] for item in items if " at 0x" in item.nodeid})
    if unstable:
        raise pytest.UsageError(f"give ids to the parameters of {', '.join(unstable)}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL, one per test process."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a new empty database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def make_database(postgres_server: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes new empty databases; each call gives the URL of another one."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(postgres_server.database())


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[MysqlServer]:
    """A real MariaDB, one per test process; where there is none, tests that need it are skipped."""
    with running_mysql() as server:
        yield server


@pytest.fixture
def mysql_url(mysql_server: MysqlServer) -> Iterator[str]:
    """The URL of a new empty MariaDB database."""
    with mysql_server.database() as url:
        yield url
