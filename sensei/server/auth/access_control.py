"""Who is calling and what they may do."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from sensei.server.errors import ApiError
from sensei.server.ids import new_id
from sensei.server.store.tables import ApiKey

RESOURCES = ("migrations", "connections", "validation", "webhooks", "admin", "billing")
VERBS = ("read", "write")

_MAPPED_PREFIX = 96
"""The bits before the IPv4 address in ``::ffff:192.0.2.1``."""

KEY_PREFIXES = {"production": "sk_live_", "sandbox": "sk_test_"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who a good credential stands for."""

    kind: str
    """``api_key``, ``service_account``, ``user`` or ``oauth_client``."""
    id: str
    name: str | None
    organization_id: str
    environment: str
    """``production`` or ``sandbox``."""
    scopes: tuple[str, ...]
    ip_whitelist: tuple[str, ...] = ()
    client_id: str | None = None
    """The OAuth client through which a user acts."""

    @property
    def idempotency_scope(self) -> str:
        """Two principals never share an idempotency key; a user through two clients is two."""
        return f"{self.kind}:{self.id}" if self.client_id is None else f"{self.kind}:{self.id}:{self.client_id}"


Authenticator = Callable[[Session, str, datetime], Principal | None]
"""(session, token, now) → principal, or None when the token is not one of its kind or no longer good."""

_AUTHENTICATORS: list[tuple[Callable[[str], bool], Authenticator]] = []


def register_authenticator(handles: Callable[[str], bool], authenticator: Authenticator) -> None:
    """Let `authenticator` decide about tokens for which `handles(token)` is true (the first that fits decides)."""
    _AUTHENTICATORS.append((handles, authenticator))


def hash_token(token: str) -> str:
    """How a random token is kept at rest. It carries 256 random bits, so a plain digest cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(prefix: str) -> str:
    """A fresh random credential with that prefix."""
    return prefix + secrets.token_urlsafe(32)


def is_known_scope(scope: str) -> bool:
    """Whether the contract knows this scope, wildcards included."""
    if scope == "*":
        return True
    resource, _, verb = scope.partition(":")
    return resource in (*RESOURCES, "*") and verb in (*VERBS, "*") and not (resource == "*" and verb == "*")


def grants(held: Iterable[str], wanted: str) -> bool:
    """Whether the scopes held allow the wanted one (which may be a wildcard itself).

    Examples:
        >>> grants(["migrations:*"], "migrations:read"), grants(["migrations:write"], "migrations:read")
        (True, False)
    """
    wanted_resource, _, wanted_verb = wanted.partition(":")
    for scope in held:
        if scope in ("*", wanted):
            return True
        resource, _, verb = scope.partition(":")
        if resource in ("*", wanted_resource) and verb in ("*", wanted_verb) and wanted != "*":
            return True
    return False


def authenticate(session: Session, authorization: str | None, now: datetime) -> Principal:
    """The principal behind an ``Authorization`` header.

    Raises:
        ApiError: 401 `unauthorized`.
    """
    if authorization is None:
        raise _unauthorized("Send a credential as Authorization: Bearer …", None)
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise _unauthorized("The Authorization header is not of the form: Bearer <credential>.", "invalid_request")
    if token.startswith(("sk_live_", "sk_test_")):
        principal = _by_api_key(session, token, now)
    else:
        principal = next((decide(session, token, now) for handles, decide in _AUTHENTICATORS if handles(token)), None)
    if principal is None:
        raise _unauthorized("The credential is unknown, expired or revoked.", "invalid_token")
    return principal


def require(principal: Principal, scope: str) -> None:
    """Let the principal pass if it holds the scope.

    Raises:
        ApiError: 403 `forbidden` with `details.required_scope`.
    """
    if not grants(principal.scopes, scope):
        raise ApiError("forbidden", f"The credential lacks the scope {scope}.", details={"required_scope": scope})


def check_address(principal: Principal, address: str | None) -> None:
    """Let the principal pass if it may call from this address.

    Raises:
        ApiError: 403 `forbidden` with `details.reason` = `ip_not_allowed`.
    """
    if not principal.ip_whitelist:
        return
    if address is None or not any(_holds(entry, address) for entry in principal.ip_whitelist):
        raise ApiError(
            "forbidden", "The credential may not be used from this address.", details={"reason": "ip_not_allowed"}
        )


def _holds(entry: str, address: str) -> bool:
    try:
        peer = _as_network(address).network_address
    except ValueError:
        return False
    return peer in _as_network(entry)


def _as_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network a text names, in IPv4 where it lies in ``::ffff:0:0/96``.

    A socket that listens for both versions reports its IPv4 callers in that form, and people copy it from logs.
    """
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= _MAPPED_PREFIX:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))
    return network


def make_api_key(
    session: Session,
    *,
    organization_id: str,
    environment: str,
    name: str,
    scopes: list[str],
    now: datetime,
    secret: str | None = None,
    created_by: str | None = None,
    ip_whitelist: list[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Store a new key; gives the row and the key itself, which is not kept anywhere."""
    secret = secret or new_token(KEY_PREFIXES[environment])
    row = ApiKey(
        id=new_id("key"),
        organization_id=organization_id,
        environment=environment,
        name=name,
        key_hash=hash_token(secret),
        key_prefix=secret[:12],
        scopes=scopes,
        ip_whitelist=ip_whitelist or [],
        created_at=now,
        created_by=created_by,
        expires_at=expires_at,
    )
    session.add(row)
    return row, secret


_USE_NOTED_EVERY = timedelta(minutes=1)


def note_use(row_last_used: datetime | None, now: datetime) -> bool:
    """Whether a key's time of last use is old enough to be worth writing again."""
    return row_last_used is None or now - row_last_used >= _USE_NOTED_EVERY


def _by_api_key(session: Session, token: str, now: datetime) -> Principal | None:
    row = session.scalar(select(ApiKey).where(ApiKey.key_hash == hash_token(token)))
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return Principal(
        kind="api_key",
        id=row.id,
        name=row.name,
        organization_id=row.organization_id,
        environment=row.environment,
        scopes=tuple(row.scopes),
        ip_whitelist=tuple(row.ip_whitelist),
    )


def _unauthorized(message: str, error: str | None) -> ApiError:
    challenge = 'Bearer realm="sensei"' + (f', error="{error}"' if error else "")
    return ApiError("unauthorized", message, headers={"WWW-Authenticate": challenge})
