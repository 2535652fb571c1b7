"""Validate a finished migration, and check its certificate without the server's help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sensei.cli._errors import CommandError
from sensei.cli._presenter import Presenter, Progress
from sensei.cli._text import count

if TYPE_CHECKING:
    from sensei import Client, Migration, Validation
    from sensei.models.params import ValidationTypeParam

_PERSPECTIVES = ("structural", "statistical", "referential", "semantic", "behavioral")


@dataclass(frozen=True, slots=True)
class CheckedCertificate:
    """A certificate whose signature was verified on this machine."""

    id: str
    valid_until: datetime
    key_id: str
    path: Path
    keys_path: Path


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found when both ends were compared."""

    validation_id: str
    type: str
    result: str
    confidence: float | None
    report: Path
    certificate: CheckedCertificate | None


def prove(client: Client, migration: Migration, type: ValidationTypeParam, folder: Path, tell: Presenter) -> Proof:
    """Run a validation, keep its report, and fetch and verify the certificate when there is one.

    Raises:
        CommandError: The validation found differences, could not be finished, or the certificate does not verify.
        CertificateVerificationError: The signature does not fit.
    """
    tell.begin("Validating: comparing both databases")
    validation = migration.run_validation(type=type)
    shown = ShownValidation(tell)
    validation.wait(timeout=None, on_progress=shown.update)
    if validation.status != "completed":
        reason = validation.error.message if validation.error else f"it is {validation.status}"
        raise CommandError(f"the data was moved, but the validation could not be finished: {reason}")
    report = folder / "report.html"
    report.write_text(client.validations.report(validation.id, format="html"), encoding="utf-8")
    result = validation.overall_result or "unknown"
    if result not in {"passed", "passed_with_warnings"}:
        raise CommandError(
            f"the data was moved, but the validation {verdict_of(validation)}. The report is {report}. "
            "The same command compares again; with --existing truncate it moves again."
        )
    sure = f", confidence {validation.confidence_score:.3f}" if validation.confidence_score is not None else ""
    tell.end(f"Validation {result.replace('_', ' ')}{sure}: {', '.join(perspectives_of(validation))}")
    certificate = _certify(client, validation, folder, tell) if validation.certificate_id else None
    if certificate is None:
        tell.say("No certificate: only a full validation earns one.")
    return Proof(validation.id, type, result, validation.confidence_score, report, certificate)


class ShownValidation:
    """Tells how far a validation is, once the server can say when it will be done."""

    def __init__(self, tell: Presenter) -> None:
        self._tell = tell
        self._percent = 0.0

    def update(self, validation: Validation) -> None:
        """Tell it. Where the server has come to expect more work than before, the bar stands still, it never falls."""
        began, ends = validation.started_at, validation.estimated_completion
        if validation.status != "running" or began is None or ends is None:
            return
        moment = datetime.now(UTC)
        left = max((ends - moment).total_seconds(), 1.0)
        passed = max((moment - began).total_seconds(), 0.0)
        self._percent = max(self._percent, 100 * passed / (passed + left))
        results = {name: getattr(validation.results, name).status for name in perspectives_of(validation)}
        waiting = [name for name, status in results.items() if status in {"pending", "running"}]
        self._tell.progress(
            Progress(
                phase="validation",
                percent=self._percent,
                done=len(results) - len(waiting),
                total=len(results),
                per_second=None,
                table=waiting[0] if waiting else None,
                unit="perspectives",
                left=left,
            )
        )


def _certify(client: Client, validation: Validation, folder: Path, tell: Presenter) -> CheckedCertificate:
    tell.begin("Checking the certificate")
    certificate = validation.certificate()
    keys = client.certificates.keys()
    path, keys_path = folder / "certificate.json", folder / "certificate-keys.json"
    path.write_bytes(client.certificates.download(certificate.id))
    keys_path.write_text(keys.model_dump_json(exclude_unset=True), encoding="utf-8")
    from sensei.certificates import verify

    # From the file, with no server in between: what anybody can do who was given it.
    verify(path.read_bytes(), keys)
    tell.end(f"Certificate {certificate.id}: the Ed25519 signature was verified offline")
    return CheckedCertificate(certificate.id, certificate.valid_until, certificate.public_key_id or "", path, keys_path)


def perspectives_of(validation: Validation) -> list[str]:
    """The names of the perspectives that have something to say, in their order."""
    results = validation.results
    return [name for name in _PERSPECTIVES if results is not None and getattr(results, name) is not None]


def verdict_of(validation: Validation) -> str:
    """What to say of a validation that did not pass, after its name."""
    found = [issue for name in perspectives_of(validation) for issue in getattr(validation.results, name).issues]
    found = [issue for issue in found if issue.severity in {"critical", "high"}] or found
    if not found:
        return f"is {(validation.overall_result or 'not complete').replace('_', ' ')}"
    first = found[0]
    place = ".".join(part for part in (first.table, first.column) if part)
    return f"found {count(len(found), 'difference')}, the first in {place or 'the structure'}: {first.message}"
