"""The certificate of the contract's worked example comes out byte for byte."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei.server.crypto import attestation

CONTRACT = (Path(__file__).parents[1] / "contract" / "contract.md").read_text("utf-8")
SEED = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
KID = "kora-verification-2026-Q1"


def _blocks(language: str) -> list[str]:
    section = CONTRACT.split("## 11 Validations and certificates", 1)[1].split("## 12 ", 1)[0]
    return re.findall(rf"```{language}\n(.*?)\n```", section, re.DOTALL)


JWK, CERTIFICATE = (json.loads(block) for block in _blocks("json"))
SIGNED_BYTES = _blocks("text")[0].encode()


def test_the_signed_bytes_are_those_of_the_contract() -> None:
    assert attestation.signed_bytes(CERTIFICATE) == SIGNED_BYTES
    assert len(SIGNED_BYTES) == 1207
    assert (
        hashlib.sha256(SIGNED_BYTES).hexdigest() == "027464fa0d7d6a9e8ba1afcb0b35098f6e67f5ed55800e463122685205d7c7b1"
    )


def test_signing_gives_the_signature_of_the_contract() -> None:
    unsigned = {name: value for name, value in CERTIFICATE.items() if name != "signature"}
    assert attestation.sign(unsigned, KEY) == CERTIFICATE


def test_the_public_key_is_listed_as_in_the_contract() -> None:
    assert attestation.public_jwk(KID, KEY.public_key()) == JWK


def test_the_merkle_root_is_that_of_the_contract() -> None:
    digests = [artifact["digest"] for artifact in CERTIFICATE["artifacts"]]
    assert attestation.merkle_root(digests) == CERTIFICATE["hash_chain"]


def _signature_bytes(certificate: dict[str, Any]) -> bytes:
    return base64.b64decode(certificate["signature"].removeprefix("ed25519:"), validate=True)


@pytest.mark.parametrize("change", ["warning", "member", "key"])
def test_a_changed_certificate_or_another_key_does_not_verify(change: str) -> None:
    certificate: dict[str, Any] = copy.deepcopy(CERTIFICATE)
    key = KEY.public_key()
    if change == "warning":
        certificate["findings"]["warning"] = 1
    elif change == "member":
        certificate["extra"] = True
    else:
        key = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    with pytest.raises(InvalidSignature):
        key.verify(_signature_bytes(certificate), attestation.signed_bytes(certificate))


def test_member_order_does_not_matter() -> None:
    turned = dict(reversed(CERTIFICATE.items()))
    KEY.public_key().verify(_signature_bytes(turned), attestation.signed_bytes(turned))


def _reference_root(leaves: list[bytes]) -> bytes:
    """The tree hash built from the leaves up, level by level: a lone last node moves up as it is."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\x01" + p[0] + p[1]).digest() if len(p) == 2 else p[0] for p in pairs]
    return level[0]


@settings(derandomize=True)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_the_merkle_root_agrees_with_a_bottom_up_construction(leaves: list[bytes]) -> None:
    assert (
        attestation.merkle_root(["sha256:" + leaf.hex() for leaf in leaves])
        == "sha256:" + _reference_root(leaves).hex()
    )
