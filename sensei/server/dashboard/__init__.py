"""The dashboard: one page at ``/``, a client of the public API like any other."""

from sensei.server.dashboard.pages import add_dashboard

__all__ = ["add_dashboard"]
