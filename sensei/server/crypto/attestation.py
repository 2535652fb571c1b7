"""What makes a certificate checkable by somebody else: canonical bytes, Merkle root and Ed25519 signature.

Pure functions over plain data. The server writes certificates with them and the SDK checks them with code of its own,
so that a mistake here cannot hide.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

DIGEST_PREFIX = "sha256:"
SIGNATURE_PREFIX = "ed25519:"


def signed_bytes(certificate: Mapping[str, Any]) -> bytes:
    """The bytes a signature covers: the certificate without `signature`, in RFC 8785 form."""
    return rfc8785.dumps({name: value for name, value in certificate.items() if name != "signature"})


def sign(certificate: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The certificate with a `signature` over all its other members."""
    signature = base64.b64encode(key.sign(signed_bytes(certificate))).decode("ascii")
    return {**certificate, "signature": SIGNATURE_PREFIX + signature}


def merkle_root(digests: Sequence[str]) -> str:
    """The RFC 6962 tree hash over `sha256:…` digests in their order, as ``sha256:`` and 64 hex digits."""
    return DIGEST_PREFIX + _tree_hash([bytes.fromhex(digest.removeprefix(DIGEST_PREFIX)) for digest in digests]).hex()


def _tree_hash(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _tree_hash(leaves[:split]) + _tree_hash(leaves[split:])).digest()


def public_jwk(kid: str, public_key: Ed25519PublicKey) -> dict[str, str]:
    """The public half of a signing key as a JSON Web Key (RFC 8037)."""
    x = base64.urlsafe_b64encode(public_key.public_bytes_raw()).rstrip(b"=").decode("ascii")
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "use": "sig", "alg": "EdDSA"}
