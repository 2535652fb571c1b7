"""The way of a request through the server: from bytes to a route's arguments, and from its result to an answer.

`protocol` speaks HTTP/1.1, `pipeline` makes the checks in the contract's order, `operation` is how a route is written.
`request_body` and `request_validation` read what came, `idempotency` lets a POST happen once, `rate_limit` counts
calls, `messages`, `pagination` and `disconnect` are the forms of answers, and `openapi` describes them all.
"""
