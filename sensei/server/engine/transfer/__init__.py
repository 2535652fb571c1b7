"""Carry rows: read, convert, write, and remember how far."""
