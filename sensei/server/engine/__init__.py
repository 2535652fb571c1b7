"""Moves and checks data. Knows databases, never HTTP.

The border to the caller is plain data: `job` (endpoints, state, journal, control), `catalog`, `plan`,
`validation.types` and `errors`.
"""
