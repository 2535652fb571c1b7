"""OAuth 2: who is a client, what a person consents to, and the tokens made from it.

`calls` reads a call, `clients` and `grants` decide and store, `tokens` signs and checks access tokens, `consent` is the
page a person sees. The endpoints are in `sensei.server.routes.oauth`.
"""
