"""Saved connections: the `gateway` to their databases, their tests, and where their secrets may go."""
