"""Wire forms of the key set. A certificate itself is signed JSON and is served as it was stored."""

from __future__ import annotations

from typing_extensions import TypedDict


class JsonWebKeyOut(TypedDict):
    """`JsonWebKey`."""

    kty: str
    crv: str
    kid: str
    x: str
    use: str
    alg: str


class JsonWebKeySetOut(TypedDict):
    """`JsonWebKeySet`."""

    keys: list[JsonWebKeyOut]
