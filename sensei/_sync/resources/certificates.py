# Generated from sensei/_async/resources/certificates.py by scripts/generate_sync.py: change that file and run the script.
"""Certificates: signed proof that source and target behave alike."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from sensei._locks import Lock
from sensei._parse import JsonFile
from sensei._request import UNSET, HeaderTypes, RequestExtras, TimeoutTypes
from sensei._sync.resources._base import LiveObject, Resource
from sensei.errors import SenseiError
from sensei.models.certificates import CertificateData, JsonWebKeySet

if TYPE_CHECKING:
    from sensei._sync.client import Client
    from sensei.certificates import Examination, Keys, Verdict


FRESH = 1.0
"""Seconds during which a key that is not in the key set is taken for unknown."""


class Certificate(LiveObject, CertificateData):
    """A certificate that can be verified."""

    def verify(self, keys: Keys | None = None, *, now: datetime | None = None) -> None:
        """Make sure that the certificate is valid. Needs the `crypto` extra.

        Looks at what was received, not at what the server says of it: signature, evidence, status, time. The keys are
        fetched once, `GET /certificates/keys`; with `keys` nothing is sent.

        Args:
            keys: the key set, several keys of it, or one, if you have them.
            now: the time to compare with `valid_until`, aware; the clock when None.

        Raises:
            CertificateVerificationError: it is expired, revoked, invalid or unverifiable; `.verdict` says which.
            ConfigurationError: the `crypto` extra is not installed.
            InvalidArgumentError: `now` has no time zone, or an argument is of a wrong kind.

        Examples:
            >>> certificate = validation.certificate()
            >>> certificate.verify()
        """
        from sensei.certificates import Verdict
        from sensei.errors import CertificateVerificationError

        found = self._examine(keys, now)
        if found.verdict is not Verdict.VALID:
            raise CertificateVerificationError(found.reason, verdict=found.verdict)

    def check(self, keys: Keys | None = None, *, now: datetime | None = None) -> Verdict:
        """Give the verdict on the certificate. Needs the `crypto` extra.

        The keys are fetched once, `GET /certificates/keys`; with `keys` nothing is sent.

        Args:
            keys: the key set, several keys of it, or one, if you have them; nothing is sent then.
            now: the time to compare with `valid_until`, aware; the clock when None.

        Returns:
            `valid`, `expired`, `revoked`, `invalid` or `unverifiable`; only the first is a success.

        Raises:
            ConfigurationError: the `crypto` extra is not installed.
            InvalidArgumentError: `now` has no time zone, or an argument is of a wrong kind.

        Examples:
            >>> verdict = certificate.check()
            >>> verdict.value
            'valid'
        """
        return (self._examine(keys, now)).verdict

    def download(self) -> bytes:
        """Fetch the certificate as the file to hand on. `GET /certificates/{id}/download`

        Returns:
            The file: JSON, as bytes.

        Examples:
            >>> _ = Path("certificate.json").write_bytes(certificate.download())
        """
        return self._attached().certificates.download(self.id)

    def refresh(self) -> Certificate:
        """Fetch the certificate again, e.g. to see a revocation; returns the object itself. `GET /certificates/{id}`

        Returns:
            The object itself.

        Examples:
            >>> certificate.refresh()
        """
        fresh = self._attached().certificates.get(self.id)
        self._received = fresh.received
        return self._become(fresh)

    def _examine(self, keys: Keys | None, now: datetime | None) -> Examination:
        from sensei.certificates import examine

        if keys is None:
            named = self.public_key_id is not None  # else no key would do
            keys = self._attached().certificates._keys_with(self.public_key_id) if named else ()
        return examine(self, keys, now=now)

    def _repr_html_(self) -> str:
        from sensei._notebook import certificate_html

        return certificate_html(self)


class Certificates(Resource):
    """`client.certificates`: signed proofs, and the keys to check them with."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._known: JsonWebKeySet | None = None
        self._asking = Lock()
        self._asked = -inf  # when somebody last heard of the keys, on the monotonic clock
        self._failure: SenseiError | None = None

    def get(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> Certificate:
        """Fetch one certificate. `GET /certificates/{id}`

        Args:
            id: its id, `cert_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The certificate.

        Raises:
            NotFoundError: there is no certificate with this id.

        Examples:
            >>> certificate = client.certificates.get("cert_abc123")
            >>> certificate.verify()
        """
        return self._call(Certificate, "GET", "/certificates/{id}", id, timeout=timeout, headers=headers)

    def download(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> bytes:
        """Fetch a certificate as the file to hand on, JSON. `GET /certificates/{id}/download`

        `sensei.certificates.verify` checks such a file offline.

        Args:
            id: its id.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The file: JSON, as bytes.

        Raises:
            NotFoundError: there is no certificate with this id.
            APIResponseValidationError: something else came, such as a page of a proxy.

        Examples:
            >>> _ = Path("certificate.json").write_bytes(client.certificates.download("cert_abc123"))
        """
        return self._call(JsonFile, "GET", "/certificates/{id}/download", id, timeout=timeout, headers=headers)

    def keys(self, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> JsonWebKeySet:
        """Fetch the public keys that sign certificates. `GET /certificates/keys`

        They are open to everyone, so the credential of the client stays at home.

        Args:
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The key set; keep it to verify offline.

        Examples:
            >>> keys = client.certificates.keys()
            >>> print([key.kid for key in keys.keys])
        """
        self._known = self._call(
            JsonWebKeySet,
            "GET",
            "/certificates/keys",
            timeout=timeout,
            headers=headers,
            extras=RequestExtras(authorization=None),
        )
        self._failure, self._asked = None, monotonic()
        return self._known

    def _keys_with(self, key_id: str | None) -> JsonWebKeySet:
        """The key set, fetched only when the one that is known lacks the key.

        However many ask at a time, one fetches, and the others take what it gets, also when that is an error. A key
        that nobody knows is asked for once a second at most.
        """
        known = self._known
        if known is not None and any(key.kid == key_id for key in known.keys):
            return known
        began = monotonic()
        taken = False
        try:
            taken = self._asking.acquire(None)
            if self._failure is not None and self._asked >= began:
                raise copy(self._failure)
            if self._known is not None and self._failure is None and self._asked >= began - FRESH:
                return self._known
            try:
                return self.keys()
            except SenseiError as error:
                self._failure, self._asked = copy(error), monotonic()
                raise
        finally:
            self._asking.release(taken)
