"""Who is calling and what they may do: `access_control` for all callers, `service_accounts` for theirs.

OAuth clients and their tokens are in `sensei.server.oauth`.
"""
