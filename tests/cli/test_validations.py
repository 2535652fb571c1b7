"""`sensei validations` against a real server; certificates are checked on this machine."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sensei import Client, Migration
from sensei.testing import LocalServer
from tests.cli.conftest import User
from tests.cli.jobs import begun, moved
from tests.cli.test_migrate import closed_port


@pytest.fixture(scope="module")
def migration(local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migration]:
    with Client(local_server.api_key, base_url=local_server.url) as client:
        yield moved(client, tmp_path_factory.mktemp("moved"))


@pytest.fixture(scope="module")
def certified(migration: Migration) -> str:
    """A validation that has a certificate."""
    return migration.run_validation(type="full").wait(timeout=60, raise_on_failure=True).id


@pytest.mark.parametrize("kind", ["quick", "standard", "full"])
def test_a_validation_is_seen_through(connected: User, migration: Migration, kind: str) -> None:
    said = connected.run("validations", "run", migration.id, "--type", kind, "--wait", "--output", "json")

    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["type"], found["status"], found["overall_result"]) == (kind, "completed", "passed")
    assert "Validating" in said.err


def test_one_in_the_background_is_waited_for_later(connected: User, migration: Migration) -> None:
    begun_ = connected.run("validations", "run", migration.id, "--quiet")
    ident = begun_.out.strip()
    assert (begun_.code, begun_.err) == (0, "")

    assert connected.run("validations", "wait", ident, "--timeout", "60", "--quiet").out == f"{ident}\n"
    text = connected.run("validations", "status", ident)
    assert text.code == 0
    assert "  structural   passed" in text.out
    listed = json.loads(connected.run("validations", "list", "--migration", migration.id, "--output", "json").out)
    assert listed["data"][0]["id"] == ident
    assert connected.run("validations", "cancel", ident).code == 1


def test_one_that_finds_differences_ends_with_1_after_its_result(
    connected: User, client: Client, tmp_path: Path
) -> None:
    other = moved(client, tmp_path / "spoilt")
    with closing(sqlite3.connect(tmp_path / "spoilt" / "target.db")) as database, database:
        database.execute("DELETE FROM orders WHERE id = 2")

    said = connected.run("validations", "run", other.id, "--wait", "--output", "json")

    assert said.code == 1
    found = json.loads(said.out)
    assert found["overall_result"] == "failed"
    assert "orders" in said.err.splitlines()[-1]
    assert connected.run("validations", "wait", found["id"]).code == 1
    assert connected.run("validations", "status", found["id"]).code == 0
    assert connected.run("validations", "certificate", found["id"]).code == 4


def test_reports_arrive_byte_for_byte(connected: User, client: Client, certified: str) -> None:
    page = client.validations.report(certified, format="html").encode()
    with begun("validations", "report", certified, "--format", "html") as process:
        assert process.stdout is not None
        data = process.stdout.buffer.read()  # type: ignore[attr-defined]  # there below the text
        process.communicate(timeout=60)
    assert process.returncode == 0
    # It says when it was made.
    assert re.sub(rb"\d+", b"0", data) == re.sub(rb"\d+", b"0", page)

    report = json.loads(connected.run("validations", "report", certified).out)
    assert report["validation"]["id"] == certified
    for form, beginning in (("pdf", b"%PDF"), ("html", page[:20]), ("json", b"{")):
        said = connected.run("validations", "report", certified, "--format", form, "-o", f"r.{form}")
        assert (said.code, said.out) == (0, "")
        assert (connected.folder / f"r.{form}").read_bytes().startswith(beginning)


def test_a_certificate_arrives_as_it_was_signed_and_verifies(
    connected: User, client: Client, certified: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begun("validations", "certificate", certified) as process:
        assert process.stdout is not None
        data = process.stdout.buffer.read()  # type: ignore[attr-defined]  # there below the text
        process.communicate(timeout=60)
    assert data == client.validations.certificate(certified).received

    (connected.folder / "cert.json").write_bytes(data)
    keys = client.certificates.keys()
    (connected.folder / "keys.json").write_text(keys.model_dump_json(exclude_unset=True))
    fetched = connected.run("validations", "verify", "cert.json")
    assert fetched.code == 0, fetched.err
    assert fetched.out.startswith("valid: cert_")

    # An auditor has no account.
    monkeypatch.delenv("SENSEI_API_KEY")
    anonymous = connected.run("validations", "verify", "cert.json")
    assert (anonymous.code, anonymous.out) == (0, fetched.out), anonymous.err
    url = os.environ["SENSEI_API_URL"]
    connected.run("config", "profile", "create", "audited", "--api-key", "sk_test_0123456789abcdef", "--base-url", url)
    monkeypatch.setenv("SENSEI_API_URL", f"http://127.0.0.1:{closed_port()}")
    assert connected.run("validations", "verify", "cert.json", "--profile", "audited").out == fetched.out
    assert connected.run("validations", "verify", "cert.json").code == 5
    monkeypatch.delenv("SENSEI_API_URL")
    offline = connected.run("validations", "verify", "cert.json", "--keys", "keys.json", "--output", "json")
    assert offline.code == 0, offline.err
    assert json.loads(offline.out) == {
        "verdict": "valid",
        "reason": json.loads(offline.out)["reason"],
        "id": json.loads(data)["id"],
        "migration_id": json.loads(data)["migration_id"],
        "public_key_id": json.loads(data)["public_key_id"],
        "valid_until": json.loads(data)["valid_until"],
    }


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"confidence_score": 0.5}, "invalid"),
        ({"signature": "sha256:abc"}, "unverifiable"),
        ({"signature": "ed25519:" + base64.b64encode(bytes(64)).decode()}, "invalid"),
        ({"public_key_id": "kora-other"}, "unverifiable"),
        ({"id": "cert_\x1b[2J"}, "invalid"),
    ],
)
def test_what_was_changed_is_not_valid(
    connected: User, client: Client, certified: str, change: dict[str, object], verdict: str
) -> None:
    document = {**json.loads(client.validations.certificate(certified).received), **change}
    (connected.folder / "cert.json").write_text(json.dumps(document))

    said = connected.run("validations", "verify", "cert.json")

    assert said.code == 1
    assert said.out.startswith(f"{verdict}: ")
    assert "\x1b" not in said.out


@pytest.mark.parametrize("data", [b"", b"null", b"\xff\xfe", b'{"id": 1, "id": 2}', b"[" * 100_000])
def test_what_is_no_certificate_has_a_verdict_too(connected: User, data: bytes) -> None:
    (connected.folder / "cert.json").write_bytes(data)
    (connected.folder / "keys.json").write_text('{"keys": []}')

    said = connected.run("validations", "verify", "cert.json", "--keys", "keys.json")

    assert said.code == 1, said.err
    assert said.out.split(":")[0] in {"invalid", "unverifiable"}


@pytest.mark.parametrize("keys", ["", "[]", "{}", "no json"])
def test_a_bad_key_set_is_a_wrong_command_line(connected: User, keys: str) -> None:
    (connected.folder / "cert.json").write_text("{}")
    (connected.folder / "keys.json").write_text(keys)

    said = connected.run("validations", "verify", "cert.json", "--keys", "keys.json")

    assert (said.code, said.out) == (2, "")
    assert "keys.json: it is no key set" in said.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "mig_none"), 4),
        (("run", "mig_none", "--type", "slow"), 2),
        (("run", "mig_none", "--timeout", "5"), 2),
        (("status", "val_none"), 4),
        (("status", ".."), 2),
        (("wait", "val_none"), 4),
        (("cancel", "val_none"), 4),
        (("report", "val_none"), 4),
        (("report", "../../migrations"), 4),
        (("report", ""), 2),
        (("report", "val_none", "--format", "doc"), 2),
        (("certificate", "val_none"), 4),
        (("verify", "nothing.json"), 2),
        (("verify", "."), 2),
    ],
)
def test_what_cannot_be_has_its_exit_code(connected: User, arguments: tuple[str, ...], code: int) -> None:
    said = connected.run("validations", *arguments)

    assert (said.code, said.out) == (code, ""), said.err


def test_a_pdf_is_not_thrown_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from sensei.cli._errors import CommandError
    from sensei.cli._files import write_file

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Screen())
    with pytest.raises(CommandError, match="-o"):
        write_file(b"%PDF", None, binary=True)
