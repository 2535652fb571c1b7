"""Check Behavioral Equivalence Certificates offline: canonical JSON, Ed25519, Merkle root.

Pure functions over the JSON that was received. The signature covers every member as it was sent, those that
this version does not know included, so keep the bytes (or the parsed object) and never a re-made copy.

Examples:
    >>> from sensei.certificates import check
    >>> check(b'{"certificate_id": "cert_1"}', {"keys": []})  # the bytes as received, and the JWK set
    <Verdict.UNVERIFIABLE: 'unverifiable'>
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, Union, cast

from sensei._canonical_json import canonical, is_mapping, read_object
from sensei.errors import CertificateVerificationError, ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from sensei.models.certificates import CertificateData

__all__ = ["Examination", "Verdict", "canonical_bytes", "check", "examine", "merkle_root", "parse", "verify"]


class Verdict(StrEnum):
    """What is to be thought of a certificate. Only `VALID` is a success."""

    VALID = "valid"
    """The signature is good, the status is `valid`, and it is before `valid_until`."""
    EXPIRED = "expired"
    """The signature is good, but the certificate's time is over."""
    REVOKED = "revoked"
    """The signature is good, but the certificate was withdrawn."""
    INVALID = "invalid"
    """The signature does not fit: something was changed, or another key made it."""
    UNVERIFIABLE = "unverifiable"
    """It cannot be told: there is no Ed25519 signature, or the key is not known."""


@dataclass(frozen=True, slots=True)
class Examination:
    """A verdict and why.

    Attributes:
        verdict: One of the five.
        reason: One sentence for people.
    """

    verdict: Verdict
    reason: str


class PublicKey(Protocol):
    """A key of ``GET /certificates/keys`` in attribute form; mappings with the same names do as well."""

    @property
    def kty(self) -> str: ...
    @property
    def crv(self) -> str: ...
    @property
    def kid(self) -> str: ...
    @property
    def x(self) -> str: ...


class PublicKeySet(Protocol):
    """The answer of ``GET /certificates/keys`` in attribute form."""

    @property
    def keys(self) -> Sequence[PublicKey]: ...


CertificateJSON = Union[bytes, bytearray, memoryview, str, Mapping[str, object], "CertificateData"]
Keys = PublicKeySet | PublicKey | Mapping[str, object] | Iterable[PublicKey | Mapping[str, object]]

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def check(certificate: CertificateJSON, keys: Keys, *, now: datetime | None = None) -> Verdict:
    """Give the verdict on a certificate, offline.

    Args:
        certificate: The certificate as it was received: the bytes or text of the answer (best, since a member
            that occurs twice can be seen), the object parsed from it with nothing left out, or the certificate
            that a client gave.
        keys: The JWK set of ``GET /certificates/keys``, several keys of it, or one.
            Keys of other kinds are passed over.
        now: The time to compare with `valid_until`, aware; the clock when None.

    Returns:
        One of the five verdicts. Whatever was received, damaged or hostile, gives a verdict and not an error.

    Raises:
        ConfigurationError: The `crypto` extra is not installed.
        InvalidArgumentError: `now` has no time zone, or an argument is of a wrong kind.

    Examples:
        >>> from sensei.certificates import check
        >>> check('{"id": "cert_1", "signature": "sha256:abc123"}', {"keys": []}).value
        'unverifiable'
    """
    return examine(certificate, keys, now=now).verdict


def verify(certificate: CertificateJSON, keys: Keys, *, now: datetime | None = None) -> None:
    """Raise unless a certificate is valid. Parameters as for `check`.

    Args:
        certificate: The certificate as it was received.
        keys: The JWK set of ``GET /certificates/keys``, several keys of it, or one.
        now: The time to compare with `valid_until`, aware; the clock when None.

    Raises:
        CertificateVerificationError: Any verdict but valid; it is in `.verdict`.
        ConfigurationError: The `crypto` extra is not installed.
        InvalidArgumentError: `now` has no time zone, or an argument is of a wrong kind.

    Examples:
        >>> from sensei.certificates import verify
        >>> verify('{"id": "cert_1", "signature": "sha256:abc123"}', {"keys": []})
        Traceback (most recent call last):
        ...
        sensei.errors.CertificateVerificationError: ...
    """
    found = examine(certificate, keys, now=now)
    if found.verdict is not Verdict.VALID:
        raise CertificateVerificationError(found.reason, verdict=found.verdict)


def examine(certificate: CertificateJSON, keys: Keys, *, now: datetime | None = None) -> Examination:
    """Give the verdict on a certificate together with the reason. Parameters as for `check`.

    Args:
        certificate: The certificate as it was received.
        keys: The JWK set of ``GET /certificates/keys``, several keys of it, or one.
        now: The time to compare with `valid_until`, aware; the clock when None.

    Returns:
        The verdict and one sentence that says why.

    Raises:
        ConfigurationError: The `crypto` extra is not installed.
        InvalidArgumentError: `now` has no time zone, or an argument is of a wrong kind.

    Examples:
        >>> from sensei.certificates import examine
        >>> examine('{"id": "cert_1"}', {"keys": []}).reason
        'The certificate carries no signature.'
    """
    moment = datetime.now(UTC) if now is None else cast("object", now)
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise InvalidArgumentError("now must be a datetime with a time zone, such as datetime.now(UTC)")
    _check_kinds(certificate, keys)
    _require_crypto()
    try:
        document = _read(certificate)
        signature = _signature(document)
        _check_signature(document, signature, _find_keys(document, keys))
        _check_hash_chain(document)
        return _judge_status(document, moment)
    except _RejectedError as rejected:
        return rejected.examination


def parse(data: bytes | bytearray | str) -> dict[str, object]:
    """Read the JSON of a certificate strictly.

    Args:
        data: The certificate as it was received, UTF-8.

    Returns:
        The object, all members kept.

    Raises:
        ValueError: It is not a JSON object, holds a member twice (two readers could see two certificates under
            one signature), or a value that JSON does not have, such as NaN.

    Examples:
        >>> from sensei.certificates import parse
        >>> parse(b'{"id": "cert_1"}')
        {'id': 'cert_1'}
        >>> parse('{"id": 1, "id": 2}')
        Traceback (most recent call last):
        ...
        ValueError: the member 'id' occurs twice
    """
    return read_object(data)


def canonical_bytes(certificate: CertificateJSON) -> bytes:
    """Write the bytes that are signed: the certificate without its `signature`, by RFC 8785.

    Args:
        certificate: The certificate as it was received.

    Returns:
        The canonical UTF-8 form.

    Raises:
        ConfigurationError: The `crypto` extra is not installed.
        ValueError: It is no JSON object, or holds a value that has no canonical form.

    Examples:
        >>> from sensei.certificates import canonical_bytes
        >>> canonical_bytes('{"score": 1.0, "id": "cert_1", "signature": "ed25519:…"}')
        b'{"id":"cert_1","score":1}'
    """
    _check_kinds(certificate)
    _require_crypto()
    document = certificate if isinstance(certificate, Mapping) else parse(_received(certificate))
    return canonical({name: value for name, value in document.items() if name != "signature"})


def merkle_root(digests: Sequence[bytes]) -> bytes:
    """Compute the Merkle tree hash of RFC 6962 over digests in their order.

    Args:
        digests: The SHA-256 digests of the artifacts, 32 bytes each.

    Returns:
        The root, 32 bytes; the hash of nothing when there are no digests.

    Examples:
        >>> import hashlib
        >>> from sensei.certificates import merkle_root
        >>> merkle_root([]) == hashlib.sha256(b"").digest()
        True
    """
    level = [hashlib.sha256(b"\x00" + digest).digest() for digest in digests]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        # Pairing from the left and carrying an odd last one up gives the tree that splits at powers of two.
        paired = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


class _RejectedError(Exception):
    """Ends an examination early, with its result."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.examination = Examination(verdict, reason)


def _check_kinds(certificate: object, keys: object = ()) -> None:
    """Tell a mistake in the program from something wrong with a certificate: only the latter gets a verdict."""
    received = isinstance(certificate, bytes | bytearray | memoryview | str | Mapping)
    if not received and not hasattr(certificate, "_evidence"):
        raise InvalidArgumentError(
            "certificate must be what was received (bytes, text, the object parsed from it) or the certificate of a "
            f"client, not {type(certificate).__name__}; of a file, Path(…).read_bytes()"
        )
    kind = type(keys).__name__
    text = isinstance(keys, str | bytes | bytearray | memoryview)
    if text or not (isinstance(keys, Iterable) or hasattr(keys, "keys") or hasattr(keys, "kid")):
        raise InvalidArgumentError(
            f"keys must be the parsed JWK set, several keys of it, or one, not {kind}; "
            "of a file, parse(Path(…).read_bytes())"
        )


def _received(certificate: bytes | bytearray | memoryview | str | CertificateData) -> bytes | bytearray | str:
    if isinstance(certificate, memoryview):
        return bytes(certificate)
    return certificate if isinstance(certificate, bytes | bytearray | str) else certificate._evidence()


def _read(certificate: CertificateJSON) -> Mapping[str, object]:
    if isinstance(certificate, Mapping):
        return certificate
    try:
        return parse(_received(certificate))
    except ValueError as error:
        raise _RejectedError(Verdict.INVALID, f"The certificate cannot be read: {error}.") from None


def _signature(document: Mapping[str, object]) -> bytes:
    value = document.get("signature")
    if value is None:
        raise _RejectedError(Verdict.UNVERIFIABLE, "The certificate carries no signature.")
    if not isinstance(value, str) or not value.startswith("ed25519:"):
        raise _RejectedError(
            Verdict.UNVERIFIABLE, "The certificate carries a digest or another kind of value, no Ed25519 signature."
        )
    encoded = value.removeprefix("ed25519:")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    # Base64 has spare bits at the end: another spelling of the same bytes is a change too.
    if len(signature) != 64 or base64.b64encode(signature).decode("ascii") != encoded:
        raise _RejectedError(Verdict.INVALID, "The signature is damaged: it is not the base64 form of 64 bytes.")
    return signature


def _find_keys(document: Mapping[str, object], keys: Keys) -> list[Ed25519PublicKey]:
    wanted = document.get("public_key_id")
    if not isinstance(wanted, str):
        raise _RejectedError(Verdict.UNVERIFIABLE, "The certificate does not name the key that signed it.")
    found = [_load_key(key) for key in _each_key(keys) if _is_ed25519(key) and _member(key, "kid") == wanted]
    usable = [key for key in found if key is not None]
    if not usable:
        known = "is damaged" if found else "is not among the known ones"
        raise _RejectedError(Verdict.UNVERIFIABLE, f"The key {wanted[:100]!r} that signed the certificate {known}.")
    return usable


def _each_key(keys: object) -> Iterable[object]:
    if _member(keys, "kid") is not None:
        return [keys]
    # Before the attribute: `keys` of a mapping is the method.
    listed: object = _member(keys, "keys") if is_mapping(keys) else getattr(keys, "keys", keys)
    return cast("Iterable[object]", listed) if isinstance(listed, Iterable) and not isinstance(listed, str) else ()


def _is_ed25519(key: object) -> bool:
    return (
        _member(key, "kty") == "OKP"
        and _member(key, "crv") == "Ed25519"
        and _member(key, "use") in (None, "sig")
        and _member(key, "alg") in (None, "EdDSA", "Ed25519")
    )


def _member(key: object, name: str) -> object:
    return key.get(name) if is_mapping(key) else getattr(key, name, None)


def _load_key(key: object) -> Ed25519PublicKey | None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    encoded = _member(key, "x")
    if not isinstance(encoded, str) or not re.fullmatch(r"[A-Za-z0-9_-]{43}", encoded):
        return None
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(encoded + "="))


def _check_signature(document: Mapping[str, object], signature: bytes, keys: Sequence[Ed25519PublicKey]) -> None:
    from cryptography.exceptions import InvalidSignature

    try:
        message = canonical_bytes(document)
    except ValueError as error:
        raise _RejectedError(Verdict.INVALID, f"The certificate has no canonical form: {error}.") from None
    for key in keys:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            continue
        return
    raise _RejectedError(
        Verdict.INVALID, "The signature does not fit: the certificate was changed, or another key signed it."
    )


def _check_hash_chain(document: Mapping[str, object]) -> None:
    claimed, artifacts = document.get("hash_chain"), document.get("artifacts")
    if claimed is None or artifacts is None:
        return  # Old certificates have neither; what there is, is signed.
    listed = cast("list[object]", artifacts) if isinstance(artifacts, list) else [None]
    digests = [_digest(one) for one in listed]
    sound = [digest for digest in digests if digest is not None]
    if len(sound) < len(digests) or claimed != "sha256:" + merkle_root(sound).hex():
        raise _RejectedError(Verdict.INVALID, "The hash chain does not follow from the artifacts.")


def _digest(artifact: object) -> bytes | None:
    value = _member(artifact, "digest")
    match = _DIGEST.fullmatch(value) if isinstance(value, str) else None
    return bytes.fromhex(match[1]) if match else None


def _judge_status(document: Mapping[str, object], now: datetime) -> Examination:
    status = document.get("status")
    if status == "revoked":
        return Examination(Verdict.REVOKED, "The certificate was revoked.")
    until = _timestamp(document.get("valid_until"))
    if until is None:
        return Examination(Verdict.INVALID, "The certificate does not say until when it is valid.")
    if status == "expired" or now >= until:
        return Examination(Verdict.EXPIRED, f"The certificate was valid until {until.isoformat()}.")
    if status != "valid":
        return Examination(Verdict.UNVERIFIABLE, "The certificate has a status that this version does not know.")
    return Examination(Verdict.VALID, f"The certificate is valid until {until.isoformat()}.")


def _timestamp(value: object) -> datetime | None:
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        return None


def _require_crypto() -> None:
    try:
        for module in ("cryptography.hazmat.primitives.asymmetric.ed25519", "rfc8785"):
            import_module(module)
    except ImportError:
        raise ConfigurationError(
            'Checking certificates needs the crypto extra: pip install "sensei-sdk[crypto]"'
        ) from None
