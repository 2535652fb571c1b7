"""Behavioral Equivalence Certificates and the keys that sign them."""

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, PrivateAttr

from sensei.models.base import Model, Timestamp
from sensei.models.enums import CertificateStatus

__all__ = [
    "CertificateStatus",
    "CertificateData",
    "Attestations",
    "CertificateArtifact",
    "CertificateException",
    "CertificateFindings",
    "JsonWebKey",
    "JsonWebKeySet",
]


class Attestations(Model):
    """What is attested; further attestations are kept beside these.

    Attributes:
        data_integrity: The data is the same.
        schema_equivalence: The structure is equivalent.
        behavioral_equivalence: Queries give the same answers.
        audit_trail_complete: Every step was recorded.
    """

    data_integrity: bool | None = None
    schema_equivalence: bool | None = None
    behavioral_equivalence: bool | None = None
    audit_trail_complete: bool | None = None


class CertificateFindings(Model):
    """How many findings of each kind there were.

    Attributes:
        pass_: Checks that passed; `pass` on the wire.
        info: Remarks.
        warning: Warnings.
        failure: Failures.
    """

    pass_: int | None = Field(default=None, validation_alias="pass", serialization_alias="pass")
    info: int | None = None
    warning: int | None = None
    failure: int | None = None


class CertificateException(Model):
    """A deviation that was reviewed and accepted.

    Attributes:
        description: What deviates.
        severity: How bad it is.
        magnitude: How much it is.
        analysis: Why it was accepted.
    """

    description: str
    severity: str | None = None
    magnitude: str | None = None
    analysis: str | None = None


class CertificateArtifact(Model):
    """A piece of evidence.

    Attributes:
        name: Its name.
        digest: `sha256:` and 64 hex digits.
    """

    name: str
    digest: str


class CertificateData(Model):
    """A certificate that source and target behave alike.

    Attributes:
        id: Id, `cert_…`.
        validation_id: The validation it proves.
        migration_id: The migration.
        protocol_version: Version of the verification protocol; always sent.
        status: `valid`, `expired` or `revoked`, as the server says.
        issued_at: When it was issued.
        valid_until: Until when it is valid.
        attestations: What is attested.
        confidence_score: Confidence of the validation, 0 to 1; always sent.
        queries_replayed: Number of queries; always sent.
        findings: How many findings of each kind there were; always sent.
        exceptions: Deviations that were reviewed and accepted.
        artifacts: Evidence behind `hash_chain`, in leaf order; always sent.
        hash_chain: Merkle root over the artifacts, `sha256:` and 64 hex digits; always sent.
        public_key_id: Id of the signing key among the certificate keys; always sent.
        signature: `ed25519:` and base64 of the signature; an old `sha256:` value is a digest and proves nothing.
        download_url: Where the file is; always sent.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "status", "confidence_score", "valid_until")

    id: str
    validation_id: str
    migration_id: str
    protocol_version: str | None = None
    status: CertificateStatus
    issued_at: Timestamp
    valid_until: Timestamp
    attestations: Attestations
    confidence_score: float | None = None
    queries_replayed: int | None = None
    findings: CertificateFindings | None = None
    exceptions: list[CertificateException] = Field(default_factory=list[CertificateException])
    artifacts: list[CertificateArtifact] = Field(default_factory=list[CertificateArtifact])
    hash_chain: str | None = None
    public_key_id: str | None = None
    signature: str
    download_url: str | None = None

    # The signature covers the JSON as it was sent, so that is kept; in a slot, outside the data that is compared.
    __slots__ = ("_received",)

    if TYPE_CHECKING:
        _received: bytes = PrivateAttr()

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read a certificate and keep its bytes, which the signature covers."""
        made = super().model_validate_json(json_data, **options)
        made._received = json_data.encode() if isinstance(json_data, str) else bytes(json_data)
        return made

    @property
    def received(self) -> bytes:
        """The JSON as it was received, which the signature covers; the members written anew for one made by hand."""
        try:
            return self._received
        except AttributeError:
            return self.model_dump_json(by_alias=True, exclude_unset=True).encode()

    def _evidence(self) -> bytes:
        """What was received; if somebody has changed the object since, what it says now, which no signature covers."""
        received = self.received
        unchanged = type(self).model_validate_json(received) == self
        return received if unchanged else self.model_dump_json(by_alias=True, exclude_unset=True).encode()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "received": self.received}

    def __setstate__(self, state: dict[str, Any]) -> None:
        received = state.pop("received")
        super().__setstate__(state)
        self._received = received

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied._received = self.received
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        copied = super().__deepcopy__(memo)
        copied._received = self.received
        return copied


class JsonWebKey(Model):
    """A public key (RFC 7517).

    Attributes:
        kty: Kind of the key, `OKP`.
        crv: The curve, `Ed25519`.
        kid: Id of the key, the `public_key_id` of certificates.
        x: The 32 key bytes, base64url without padding.
        use: `sig`; always sent.
        alg: `EdDSA`; always sent.
    """

    _shown: ClassVar[tuple[str, ...]] = ("kid", "kty", "crv")

    kty: str
    crv: str
    kid: str
    x: str
    use: str | None = None
    alg: str | None = None


class JsonWebKeySet(Model):
    """The keys that sign certificates. Retired keys stay listed while certificates signed with them are valid.

    Attributes:
        keys: The keys.
    """

    keys: list[JsonWebKey]
