"""The result of the main job, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sensei.cli._endpoint import Endpoint
from sensei.cli._errors import CommandError
from sensei.cli._job import Outcome
from sensei.cli._text import columns, count, seconds


def document_of(outcome: Outcome, source: Endpoint, target: Endpoint) -> Mapping[str, object]:
    """The whole result as plain data; its members are stable."""
    proof = outcome.proof
    certificate = proof.certificate
    return {
        "migration_id": outcome.migration_id,
        "status": "completed",
        "source": source.shown,
        "target": target.shown,
        "tables": outcome.tables,
        "records_processed": outcome.records,
        "records_left_out": outcome.left_out,
        "duration_seconds": outcome.duration,
        "validation": {
            "id": proof.validation_id,
            "type": proof.type,
            "result": proof.result,
            "confidence_score": proof.confidence,
            "report": str(proof.report),
        },
        "certificate": certificate
        and {
            "id": certificate.id,
            "verdict": "valid",
            "valid_until": certificate.valid_until.isoformat(),
            "public_key_id": certificate.key_id,
            "path": str(certificate.path),
            "keys_path": str(certificate.keys_path),
        },
    }


def refuse_loss(outcome: Outcome) -> None:
    """Fail a job that left rows behind, after its result was shown: nobody should learn of it from the logs.

    Raises:
        CommandError: Some rows are not on the target.
    """
    if outcome.left_out:
        raise CommandError(
            f"{count(outcome.left_out, 'row')} could not be carried and "
            f"{'is' if outcome.left_out == 1 else 'are'} not on the target; the warnings above and the report say why"
        )


def summary_of(outcome: Outcome, source: Endpoint, target: Endpoint) -> str:
    """The result in words."""
    proof = outcome.proof
    took = f" in {seconds(outcome.duration)}" if outcome.duration is not None else ""
    moved = count(outcome.records - outcome.left_out, "row")
    lines = [f"Done: {moved} of {count(outcome.tables, 'table')} moved{took}, and compared."]
    if outcome.left_out:
        lines = [f"{moved} of {count(outcome.tables, 'table')} moved{took}; {outcome.left_out:,} were LEFT OUT."]
    rows: list[Sequence[str]] = [("from", source.shown), ("to", target.shown)]
    if proof.certificate is not None:
        until = f"{proof.certificate.valid_until:%Y-%m-%d}"
        lines.append(f"Certificate {proof.certificate.id} is valid until {until}; anybody can check it with the keys.")
        rows += [("certificate", str(proof.certificate.path)), ("keys", str(proof.certificate.keys_path))]
    rows.append(("report", str(proof.report)))
    return "\n".join([*lines, *columns(rows)])
