"""The same user as in the tests of the command line."""

from tests.cli.conftest import user

__all__ = ["user"]
