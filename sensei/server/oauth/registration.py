"""Applications as a person registers them, in one line at the start of the server."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sensei.server.oauth.clients import is_loopback
from sensei.server.settings import OAuthApplication

_SCOPES = ("migrations:*", "connections:*", "validation:*", "webhooks:*", "billing:read")
"""The most that an application may ask for: all but keys and accounts."""


def application(text: str, environment: str) -> OAuthApplication:
    """The public client that ``NAME=REDIRECT_URI`` means; its id follows from the name, so it is the same next time.

    Raises:
        ValueError: The text means none.

    Examples:
        >>> application("Monthly reports=https://reports.example/callback", "sandbox").client_id
        'monthly-reports'
    """
    name, _, uri = (part.strip() for part in text.partition("="))
    client_id = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not client_id or not uri or not name.isprintable() or len(name) > 100:
        raise ValueError(
            "an application is given as NAME=REDIRECT_URI, such as Reports=https://reports.example/callback"
        )
    if not _is_redirect_uri(uri):
        raise ValueError(
            f"the redirect URI of {name!r} must be https, or http on 127.0.0.1 or [::1], and have no fragment"
        )
    return OAuthApplication(
        client_id=client_id, name=name, redirect_uris=(uri,), scopes=_SCOPES, environment=environment
    )


def _is_redirect_uri(uri: str) -> bool:
    if not uri.isascii() or any(character <= " " or character in '\\"<>' for character in uri):
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.fragment or "#" in uri or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
