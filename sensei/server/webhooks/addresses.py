"""Where a webhook may go: decided on the URL when it is saved, and on the resolved address when it is called.

The second decision is the one that counts. A name can point somewhere harmless while it is checked and to the cloud's
metadata service a moment later, so the sender connects to the very address that was checked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

# Cloud metadata services outside the link-local range.
_METADATA = frozenset(
    {
        ipaddress.ip_address("100.100.100.200"),
        ipaddress.ip_address("168.63.129.16"),
        ipaddress.ip_address("192.0.0.192"),
        ipaddress.ip_address("fd00:ec2::254"),
        ipaddress.ip_address("fd20:ce::254"),
    }
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class BlockedAddressError(Exception):
    """A webhook would go to an address that the server does not deliver to."""


def url_problem(url: str, *, environment: str, allowed: Sequence[IPNetwork] = ()) -> tuple[str, str] | None:
    """Why a webhook URL is refused, as (reason, message) of the contract's `validation_error`; None when it is fine."""
    if any(character <= " " or character in {"\\", "\x7f"} for character in url):
        return "format", "A URL holds no blanks, backslashes or control characters; encode them."
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "format", "This is not a URL."
    if not parts.scheme or not host:
        return "format", "Give an absolute URL such as https://example.com/hooks."
    if parts.username is not None or parts.password is not None:
        return "format", "Put no credentials into the URL; check the signature instead."
    if parts.scheme == "http" and environment == "sandbox" and host in LOOPBACK_HOSTS:
        return None
    if parts.scheme != "https":
        return "https_required", "The URL must be https; http is for localhost, 127.0.0.1 and [::1] in the sandbox."
    address = _literal(host)
    if address is not None:
        why = blocked_because(address, host=host, allowed=allowed)
        if why is not None:
            return "unsupported", f"Nothing is delivered to {why} addresses."
    return None


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def blocked_because(address: IPAddress, *, host: str, allowed: Sequence[IPNetwork] = ()) -> str | None:
    """The kind of forbidden address this is, or None when `host` may be reached there.

    Private networks are allowed: a self-hosted server notifies its neighbours. Loopback is allowed only to a host that
    says so itself, so that no name from the outside can point inwards.
    """
    real = _unwrapped(address)
    if any(real.version == network.version and real in network for network in allowed):
        return None
    if real in _METADATA:
        return "metadata service"
    if real.is_link_local:
        return "link-local"
    if real.is_loopback:
        return None if host.lower() in LOOPBACK_HOSTS or _literal(host) == address else "loopback"
    for kind, is_kind in (
        ("unspecified", real.is_unspecified),
        ("multicast", real.is_multicast),
        ("reserved", real.is_reserved),
    ):
        if is_kind:
            return kind
    return None


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def parse_networks(values: Sequence[str]) -> tuple[IPNetwork, ...]:
    """Networks in CIDR form or single addresses; ValueError names the first that is neither."""
    return tuple(ipaddress.ip_network(value, strict=False) for value in values)


def allowed_networks(*, everywhere: bool) -> tuple[IPNetwork, ...]:
    """What is allowed besides ordinary addresses: nothing, or everything."""
    return parse_networks(["0.0.0.0/0", "::/0"]) if everywhere else ()
