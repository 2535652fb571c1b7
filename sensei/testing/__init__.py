"""A real Sensei server for your own tests: `LocalServer`, and pytest fixtures built on it.

Examples:
    >>> from sensei import Client
    >>> from sensei.testing import LocalServer
    >>> with LocalServer() as server, Client(base_url=server.url, api_key=server.api_key) as client:
    ...     client.connections.list().pagination.total
    0

The pytest plugin gives the fixtures `sensei_server`, `sensei_client` and `sensei_async_client`.
"""

from sensei.testing.local_server import LocalServer

__all__ = ["LocalServer"]
