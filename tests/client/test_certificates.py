"""Certificates: the worked example of the contract, and that nothing can be changed unnoticed."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import pickle
import random
import struct
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sensei.certificates import Verdict, canonical_bytes, check, examine, merkle_root, parse, verify
from sensei.errors import CertificateVerificationError, ConfigurationError, InvalidArgumentError
from sensei.models.certificates import CertificateData

CONTRACT = Path(__file__).parents[1] / "contract" / "contract.md"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SEED = bytes(range(32))


def contract_block(marker: str, language: str) -> str:
    """The first fenced block after a line of the contract."""
    text = CONTRACT.read_text(encoding="utf-8")
    after = text[text.index(marker) :]
    start = after.index(f"```{language}\n") + len(language) + 4
    return after[start : after.index("\n```", start)]


CERTIFICATE = contract_block("The certificate:\n", "json")
JWK: dict[str, Any] = json.loads(contract_block("Public key as JWK:", "json"))
SIGNED_TEXT = contract_block("Signed bytes (1207 bytes", "text")
KEYS = {"keys": [JWK]}


def sign(document: dict[str, Any], seed: bytes = SEED) -> dict[str, Any]:
    """What a server does, written apart from the SDK."""
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(rfc8785.dumps(unsigned))
    return {**unsigned, "signature": "ed25519:" + base64.b64encode(signature).decode()}


def with_members(**members: Any) -> dict[str, Any]:
    return sign({**json.loads(CERTIFICATE), **members})


def without(*names: str) -> dict[str, Any]:
    return sign({name: value for name, value in json.loads(CERTIFICATE).items() if name not in names})


def jwk(seed: bytes, **members: Any) -> dict[str, Any]:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {**JWK, "x": base64.urlsafe_b64encode(public).decode().rstrip("="), **members}


class TestWorkedExample:
    def test_the_signed_bytes_are_those_of_the_contract(self) -> None:
        signed = canonical_bytes(CERTIFICATE)
        assert signed == SIGNED_TEXT.encode()
        assert len(signed) == 1207
        assert hashlib.sha256(signed).hexdigest() == "027464fa0d7d6a9e8ba1afcb0b35098f6e67f5ed55800e463122685205d7c7b1"

    def test_the_merkle_root_is_that_of_the_contract(self) -> None:
        names = ["schema_snapshot", "query_corpus", "source_results", "target_results", "comparison"]
        root = merkle_root([hashlib.sha256(name.encode()).digest() for name in names])
        assert root.hex() == "de44c149775f3916bdeb4db368f0655a986d7a693017419a5c9799c12c2ba72d"

    @pytest.mark.parametrize("form", [str, str.encode, json.loads, lambda text: bytearray(text.encode())])
    def test_it_is_valid_in_every_form_it_can_be_received(self, form: Any) -> None:
        assert check(form(CERTIFICATE), KEYS, now=NOW) is Verdict.VALID
        verify(form(CERTIFICATE), KEYS, now=NOW)

    def test_member_order_and_white_space_do_not_matter(self) -> None:
        members = list(json.loads(CERTIFICATE).items())
        random.Random(7).shuffle(members)
        for text in (json.dumps(dict(members), indent=4), json.dumps(dict(reversed(members)), separators=(",", ":"))):
            assert check(text, KEYS, now=NOW) is Verdict.VALID

    def test_a_changed_finding_is_noticed(self) -> None:
        changed = CERTIFICATE.replace('"warning": 0', '"warning": 1')
        assert changed != CERTIFICATE
        assert check(changed, KEYS, now=NOW) is Verdict.INVALID

    def test_an_added_member_is_noticed(self) -> None:
        assert check({**json.loads(CERTIFICATE), "note": "x"}, KEYS, now=NOW) is Verdict.INVALID

    def test_another_key_under_the_same_id_does_not_verify(self) -> None:
        assert check(CERTIFICATE, {"keys": [jwk(bytes(32))]}, now=NOW) is Verdict.INVALID


class TestVerdicts:
    def test_members_that_this_version_does_not_know_are_covered(self) -> None:
        document = with_members(future_member={"deep": [1.5, None, "ü€😀"]})
        assert check(document, KEYS, now=NOW) is Verdict.VALID
        document["future_member"]["deep"][0] = 1.25
        assert check(document, KEYS, now=NOW) is Verdict.INVALID

    @pytest.mark.parametrize(
        ("now", "verdict"),
        [
            (datetime(2027, 2, 2, 21, 44, 59, tzinfo=UTC), Verdict.VALID),
            (datetime(2027, 2, 2, 21, 45, 0, tzinfo=UTC), Verdict.EXPIRED),
            (datetime(2027, 2, 2, 22, 44, 59, tzinfo=timezone(timedelta(hours=1))), Verdict.VALID),
            (datetime(2027, 2, 2, 22, 45, 0, tzinfo=timezone(timedelta(hours=1))), Verdict.EXPIRED),
        ],
    )
    def test_it_expires_at_valid_until(self, now: datetime, verdict: Verdict) -> None:
        assert check(CERTIFICATE, KEYS, now=now) is verdict

    @pytest.mark.parametrize(
        ("document", "verdict"),
        [
            (with_members(status="revoked"), Verdict.REVOKED),
            (with_members(status="expired"), Verdict.EXPIRED),
            (with_members(status="suspended"), Verdict.UNVERIFIABLE),
            (with_members(status=None), Verdict.UNVERIFIABLE),
            (with_members(valid_until="soon"), Verdict.INVALID),
            (with_members(valid_until=20270202), Verdict.INVALID),
            (with_members(valid_until="2027-02-02"), Verdict.INVALID),
            (with_members(valid_until="2027-02-02T21:45:00"), Verdict.INVALID),
            (with_members(valid_until="2027-02-30T21:45:00Z"), Verdict.INVALID),
            (with_members(valid_until="2027-02-02T22:45:00.123456789+01:00"), Verdict.VALID),
            (without("valid_until"), Verdict.INVALID),
            (with_members(public_key_id="kora-verification-1999-Q1"), Verdict.UNVERIFIABLE),
            (with_members(public_key_id=7), Verdict.UNVERIFIABLE),
            (without("public_key_id"), Verdict.UNVERIFIABLE),
            (without("artifacts", "hash_chain"), Verdict.VALID),
            (with_members(artifacts=[]), Verdict.INVALID),
            (with_members(artifacts="none"), Verdict.INVALID),
            (with_members(artifacts=[{"name": "schema_snapshot", "digest": "sha256:00"}]), Verdict.INVALID),
            (with_members(artifacts=[], hash_chain="sha256:" + hashlib.sha256(b"").hexdigest()), Verdict.VALID),
            (
                with_members(hash_chain="de44c149775f3916bdeb4db368f0655a986d7a693017419a5c9799c12c2ba72d"),
                Verdict.INVALID,
            ),
        ],
    )
    def test_a_good_signature_is_not_all(self, document: dict[str, Any], verdict: Verdict) -> None:
        assert check(document, KEYS, now=NOW) is verdict

    @pytest.mark.parametrize(
        ("signature", "verdict"),
        [
            (None, Verdict.UNVERIFIABLE),
            ("", Verdict.UNVERIFIABLE),
            (12, Verdict.UNVERIFIABLE),
            ("sha256:abc123...", Verdict.UNVERIFIABLE),
            ("ED25519:" + "A" * 86 + "==", Verdict.UNVERIFIABLE),
            ("ed25519:", Verdict.INVALID),
            ("ed25519:def456...", Verdict.INVALID),
            ("ed25519:" + "A" * 86 + "==", Verdict.INVALID),
            ("ed25519:" + "A" * 86, Verdict.INVALID),
            ("ed25519:ü", Verdict.INVALID),
        ],
    )
    def test_what_stands_in_the_signature_decides(self, signature: object, verdict: Verdict) -> None:
        assert check({**json.loads(CERTIFICATE), "signature": signature}, KEYS, now=NOW) is verdict

    def test_a_missing_signature_is_unverifiable(self) -> None:
        document = json.loads(CERTIFICATE)
        del document["signature"]
        assert check(document, KEYS, now=NOW) is Verdict.UNVERIFIABLE

    def test_another_base64_spelling_of_the_same_bytes_is_a_change(self) -> None:
        original = json.loads(CERTIFICATE)["signature"]
        respelt = original.replace("kDA==", "kDB==")
        assert base64.b64decode(respelt[8:]) == base64.b64decode(original[8:])
        assert check(CERTIFICATE.replace(original, respelt), KEYS, now=NOW) is Verdict.INVALID

    def test_the_reordered_artifacts_of_a_dishonest_signer_are_noticed(self) -> None:
        document = json.loads(CERTIFICATE)
        document["artifacts"].reverse()
        assert examine(sign(document), KEYS, now=NOW).reason == "The hash chain does not follow from the artifacts."

    def test_verify_raises_with_the_verdict(self) -> None:
        with pytest.raises(CertificateVerificationError, match="revoked") as caught:
            verify(with_members(status="revoked"), KEYS, now=NOW)
        assert caught.value.verdict == "revoked"
        again = pickle.loads(pickle.dumps(caught.value))
        assert (again.verdict, str(again)) == (caught.value.verdict, str(caught.value))

    def test_the_clock_is_used_when_no_time_is_given(self) -> None:
        year = timedelta(days=365)
        later = (datetime.now(UTC) + year).isoformat()
        before = (datetime.now(UTC) - year).isoformat()
        assert check(with_members(valid_until=later), KEYS) is Verdict.VALID
        assert check(with_members(valid_until=before), KEYS) is Verdict.EXPIRED

    def test_a_time_without_zone_is_refused(self) -> None:
        for now in (datetime(2026, 6, 1), "2026-06-01", 5, NOW.date()):  # noqa: DTZ001  # the point of the test
            with pytest.raises(InvalidArgumentError, match="time zone"):
                check(CERTIFICATE, KEYS, now=now)  # type: ignore[arg-type]


class Attributes:
    def __init__(self, **members: Any) -> None:
        self.__dict__.update(members)


class TestKeys:
    @pytest.mark.parametrize(
        "keys",
        [
            KEYS,
            [JWK],
            (one for one in [JWK]),
            JWK,
            Attributes(keys=[Attributes(**JWK)]),
            [Attributes(kty="OKP", crv="Ed25519", kid=JWK["kid"], x=JWK["x"])],
            {"keys": [{"kty": "RSA", "kid": JWK["kid"], "n": "AQAB", "e": "AQAB"}, {**JWK, "kid": "other"}, JWK]},
            {"keys": [jwk(bytes(32)), JWK]},
        ],
    )
    def test_a_key_is_found_in_every_form_a_set_can_have(self, keys: Any) -> None:
        assert check(CERTIFICATE, keys, now=NOW) is Verdict.VALID

    @pytest.mark.parametrize(
        "keys", [None, 5, json.dumps(KEYS), json.dumps(KEYS).encode(), Path("keys.json")], ids=repr
    )
    def test_a_mistake_in_the_program_is_no_verdict(self, keys: Any) -> None:
        """An unparsed key set would make every certificate unverifiable."""
        with pytest.raises(InvalidArgumentError, match=r"keys must be the parsed JWK set.*parse\("):
            check(CERTIFICATE, keys, now=NOW)

    @pytest.mark.parametrize(
        "keys",
        [
            {},
            {"keys": []},
            {"keys": None},
            {"keys": "abc"},
            {"keys": [None, 1, "x"]},
            [],
            [{**JWK, "kty": "EC"}],
            [{**JWK, "crv": "X25519"}],
            [{**JWK, "use": "enc"}],
            [{**JWK, "alg": "ES256"}],
            [{**JWK, "x": JWK["x"][:-1]}],
            [{**JWK, "x": "+" * 43}],
            [{**JWK, "x": None}],
        ],
    )
    def test_without_a_usable_key_it_is_unverifiable(self, keys: Any) -> None:
        assert check(CERTIFICATE, keys, now=NOW) is Verdict.UNVERIFIABLE


class TestReading:
    @pytest.mark.parametrize("certificate", [None, 5, [CERTIFICATE], Path("certificate.json")], ids=repr)
    def test_a_mistake_in_the_program_is_no_verdict(self, certificate: Any) -> None:
        for act in (lambda: check(certificate, KEYS, now=NOW), lambda: canonical_bytes(certificate)):
            with pytest.raises(InvalidArgumentError, match=r"certificate must be what was received.*read_bytes"):
                act()

    def test_the_certificate_of_a_client_is_taken_as_it_was_received(self) -> None:
        certificate = CertificateData.model_validate_json(CERTIFICATE)
        assert check(certificate, KEYS, now=NOW) is Verdict.VALID
        assert canonical_bytes(certificate).decode() == SIGNED_TEXT
        certificate.confidence_score = 1.0
        assert check(certificate, KEYS, now=NOW) is Verdict.INVALID

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"<html>",
            b"[]",
            b"null",
            b'"x"',
            b'{"id": NaN}',
            b'{"id": -Infinity}',
            b"\xff\xfe",
            CERTIFICATE.encode("utf-16"),
            b'{"a":' * 100_000,
            b"[" * 100_000,
            b'{"n": ' + b"9" * 5_000 + b"}",
        ],
    )
    def test_what_is_no_certificate_is_invalid_and_no_crash(self, data: bytes) -> None:
        assert check(data, KEYS, now=NOW) is Verdict.INVALID

    def test_a_member_that_occurs_twice_is_refused_at_any_depth(self) -> None:
        for changed in (
            CERTIFICATE.replace('"status": "valid"', '"status": "revoked", "status": "valid"'),
            CERTIFICATE.replace('"warning": 0', '"warning": 9, "warning": 0'),
        ):
            assert json.loads(changed) == json.loads(CERTIFICATE)
            assert check(changed, KEYS, now=NOW) is Verdict.INVALID
            with pytest.raises(ValueError, match="occurs twice"):
                parse(changed)

    @pytest.mark.parametrize(
        "value",
        [float("inf"), float("nan"), 2**53 + 1, 2**1024 - 1, 10**400, "\ud800", {"\ud800": 1}, {1: 2}, b"", NOW],
    )
    def test_what_has_no_canonical_form_is_invalid(self, value: object) -> None:
        document = {**json.loads(CERTIFICATE), "extra": value}
        assert check(document, KEYS, now=NOW) is Verdict.INVALID
        with pytest.raises(ValueError, match=r"."):
            canonical_bytes(document)

    def test_deep_nesting_in_a_parsed_object_is_invalid(self) -> None:
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        assert check({**json.loads(CERTIFICATE), "extra": deep}, KEYS, now=NOW) is Verdict.INVALID

    @pytest.mark.parametrize(
        ("text", "canonical"),
        [
            ("1.0", "1"),
            ("0.987", "0.987"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("9007199254740991", "9007199254740991"),
            ("9007199254740992", "9007199254740992"),
            ("123456789012345680000", "123456789012345680000"),
            ("1000000000000000000000", "1e+21"),
            ("1e21", "1e+21"),
            ("333333333.33333329", "333333333.3333333"),
            ("4.50", "4.5"),
            ("2e-3", "0.002"),
            ("0.000001", "0.000001"),
            ("1e-7", "1e-7"),
            ("0.000000000000000000000000001", "1e-27"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ],
    )
    def test_numbers_are_written_as_rfc_8785_says(self, text: str, canonical: str) -> None:
        assert canonical_bytes(f'{{"n": {text}}}') == f'{{"n":{canonical}}}'.encode()

    @pytest.mark.parametrize(
        ("bits", "canonical"),
        [
            # Appendix B of RFC 8785.
            ("0000000000000001", "5e-324"),
            ("8000000000000001", "-5e-324"),
            ("7fefffffffffffff", "1.7976931348623157e+308"),
            ("ffefffffffffffff", "-1.7976931348623157e+308"),
            ("4340000000000000", "9007199254740992"),
            ("c340000000000000", "-9007199254740992"),
            ("4430000000000000", "295147905179352830000"),
            ("44b52d02c7e14af5", "9.999999999999997e+22"),
            ("44b52d02c7e14af6", "1e+23"),
            ("44b52d02c7e14af7", "1.0000000000000001e+23"),
            ("444b1ae4d6e2ef4e", "999999999999999700000"),
            ("444b1ae4d6e2ef4f", "999999999999999900000"),
            ("444b1ae4d6e2ef50", "1e+21"),
            ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
            ("3eb0c6f7a0b5ed8d", "0.000001"),
            ("41b3de4355555553", "333333333.3333332"),
            ("41b3de4355555557", "333333333.33333343"),
            ("becbf647612f3696", "-0.0000033333333333333333"),
            ("43143ff3c1cb0959", "1424953923781206.2"),
        ],
    )
    def test_doubles_are_written_as_rfc_8785_says(self, bits: str, canonical: str) -> None:
        (value,) = struct.unpack(">d", bytes.fromhex(bits))
        assert canonical_bytes({"n": value}) == f'{{"n":{canonical}}}'.encode()

    def test_names_are_sorted_by_their_utf_16_units(self) -> None:
        text = '{"\\u20ac": 1, "\\r": 2, "\\ufb33": 3, "1": 4, "\\ud83d\\ude00": 5, "\\u0080": 6, "\\u00f6": 7}'
        assert list(json.loads(canonical_bytes(text))) == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]


def rfc6962(leaves: list[bytes]) -> bytes:
    """The recursive definition of RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + rfc6962(leaves[:split]) + rfc6962(leaves[split:])).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
@settings(derandomize=True, deadline=None)
def test_the_merkle_root_follows_the_recursive_definition(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == rfc6962(leaves)


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every member and item of a document stands."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, child in children for path in ((*prefix, key), *paths(child, (*prefix, key)))]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
DOCUMENT: dict[str, Any] = json.loads(CERTIFICATE)


@given(path=st.sampled_from(paths(DOCUMENT)), value=VALUES)
@settings(derandomize=True, deadline=None, max_examples=400)
def test_no_member_can_be_replaced_unnoticed(path: tuple[Any, ...], value: Any) -> None:
    changed = copy.deepcopy(DOCUMENT)
    parent: Any = changed
    for step in path[:-1]:
        parent = parent[step]
    assume(type(parent[path[-1]]) is not type(value) or parent[path[-1]] != value)
    assume(not (isinstance(value, int | float) and value == parent[path[-1]] and not isinstance(value, bool)))
    parent[path[-1]] = value
    assert check(json.dumps(changed), KEYS, now=NOW) is not Verdict.VALID


@pytest.mark.parametrize("path", paths(DOCUMENT), ids=lambda path: ".".join(map(str, path)))
def test_no_member_can_be_left_out_unnoticed(path: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(DOCUMENT)
    parent: Any = changed
    for step in path[:-1]:
        parent = parent[step]
    del parent[path[-1]]
    assert check(changed, KEYS, now=NOW) is not Verdict.VALID


@given(data=st.data())
@settings(derandomize=True, deadline=None, max_examples=300)
def test_no_byte_can_be_changed_unnoticed(data: st.DataObject) -> None:
    raw = bytearray(CERTIFICATE.encode())
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    try:
        same = parse(bytes(raw)) == DOCUMENT
    except ValueError:
        same = False
    assert (check(bytes(raw), KEYS, now=NOW) is Verdict.VALID) is same


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | VALUES.map(lambda v: json.dumps(v).encode()))
@settings(derandomize=True, deadline=None)
def test_hostile_input_gets_a_verdict_and_no_crash(data: bytes) -> None:
    assert check(data, KEYS, now=NOW) in {Verdict.INVALID, Verdict.UNVERIFIABLE}


@pytest.mark.parametrize("module", ["rfc8785", "cryptography.hazmat.primitives.asymmetric.ed25519"])
def test_a_missing_extra_says_what_to_install(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    for act in (lambda: check(CERTIFICATE, KEYS), lambda: canonical_bytes(CERTIFICATE)):
        with pytest.raises(ConfigurationError, match=r'pip install "sensei-sdk\[crypto\]"'):
            act()
