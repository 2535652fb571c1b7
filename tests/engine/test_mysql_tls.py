"""TLS to MySQL and MariaDB: used where it is offered, demanded where that is said, and verified against a given CA."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sensei.server.engine.connectors import open_connector
from sensei.server.engine.errors import EndpointError
from sensei.server.engine.job import Endpoint
from tests.support import mysql
from tests.support.mysql import MysqlServer, running_mysql


@dataclass(frozen=True)
class Guarded:
    """A server with a certificate, and the PEM texts of its authority and of another one."""

    server: MysqlServer
    authority: str
    stranger: str
    client: str
    client_key: str


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256())


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    if os.environ.get(mysql.URL_VARIABLE):
        pytest.skip("the certificate of a server that is already there is not known")
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(4)]
    authority = _certificate("authority", keys[0], None, keys[0])
    stranger = _certificate("stranger", keys[1], None, keys[1])
    files = {
        "ca": _text(authority),
        "cert": _text(_certificate("server", keys[2], authority, keys[0])),
        "key": _pem(keys[2]),
    }
    badge = ["CREATE USER badge@'127.0.0.1' REQUIRE X509", "GRANT ALL ON *.* TO badge@'127.0.0.1'"]
    with tempfile.TemporaryDirectory(prefix="sensei-my-tls-") as name, ExitStack() as stack:
        folder = Path(name)
        # The server runs as another user where the tests are run by root, and must get in.
        folder.chmod(0o755)
        for file, text in files.items():
            (folder / file).write_text(text)
        server = stack.enter_context(running_mysql({f"ssl-{file}": str(folder / file) for file in files}))
        mysql.run(server.url(""), badge)
        yield Guarded(
            server,
            _text(authority),
            _text(stranger),
            _text(_certificate("client", keys[3], authority, keys[0])),
            _pem(keys[3]),
        )


def _end(url: str, mode: str | None, **config: str) -> Endpoint:
    options = {} if mode is None else {"ssl_mode": mode}
    return Endpoint(type="mysql", config={"connection_string": url, **config}, options=options)


def _cipher(endpoint: Endpoint) -> str:
    with open_connector(endpoint) as connector:
        rows = next(iter(connector.stream("SHOW SESSION STATUS LIKE 'Ssl_cipher'")))
    return str(rows[0][1])


def test_what_each_mode_means(guarded: Guarded) -> None:
    url = guarded.server.url("")
    assert _cipher(_end(url, None))
    assert _cipher(_end(url, "prefer"))
    assert _cipher(_end(url, "require"))
    assert _cipher(_end(f"{url}?ssl-mode=REQUIRED", None))
    assert _cipher(_end(url, "verify-ca", ssl_ca=guarded.authority))
    assert _cipher(_end(url, "verify-full", ssl_ca=guarded.authority))
    assert not _cipher(_end(url, "disable"))


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_server_of_another_authority_is_not_trusted(guarded: Guarded, mode: str) -> None:
    with pytest.raises(EndpointError) as caught:
        open_connector(_end(guarded.server.url(""), mode, ssl_ca=guarded.stranger))
    assert caught.value.reason_code == "E1003"


def test_a_name_that_is_not_in_the_certificate_is_not_trusted(guarded: Guarded) -> None:
    url = guarded.server.url("").replace("127.0.0.1", "localhost")
    with pytest.raises(EndpointError) as caught:
        open_connector(_end(url, "verify-full", ssl_ca=guarded.authority))
    assert caught.value.reason_code == "E1003"


def test_a_certificate_of_the_client(guarded: Guarded) -> None:
    where = guarded.server.url("").split("@")[1]
    badge = {"ssl_ca": guarded.authority, "ssl_cert": guarded.client, "ssl_key": guarded.client_key}
    assert _cipher(_end(f"mysql://badge@{where}", "verify-full", **badge))
    with pytest.raises(EndpointError) as caught:
        open_connector(_end(f"mysql://badge@{where}", "verify-full", ssl_ca=guarded.authority))
    assert caught.value.reason_code == "E1002"


@pytest.mark.parametrize("text", ["-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "-----BEGIN nothing"])
def test_a_certificate_that_cannot_be_read(text: str) -> None:
    with pytest.raises(EndpointError, match="give PEM text"):
        open_connector(_end("mysql://h/d", "require", ssl_ca=text))


def test_nothing_is_left_of_a_key(guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    badge = {"ssl_ca": guarded.authority, "ssl_cert": guarded.client, "ssl_key": guarded.client_key}
    open_connector(_end(guarded.server.url(""), "verify-full", **badge)).close()
    assert list(tmp_path.iterdir()) == []
