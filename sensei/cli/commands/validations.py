"""`sensei validations`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from sensei.cli._ask import limited
from sensei.cli._choices import values_of
from sensei.cli._files import output_file_option
from sensei.cli._groups import Group
from sensei.cli._numbers import Number
from sensei.cli._options import Options
from sensei.models.enums import ValidationTypeParam

if TYPE_CHECKING:
    from sensei import Validation

_id_argument = click.argument("validation_id", metavar="ID")
_timeout_option = click.option(
    "--timeout", type=Number(min=0), metavar="SECONDS", help="Give up waiting then, with exit code 1."
)


@click.group("validations", cls=Group)
def command() -> None:
    """Compare source and target, and prove what was found."""


@command.command("list")
@click.option("--migration", "migration_id", metavar="ID", help="Only those of this migration.")
@limited
@click.pass_obj
def list_(options: Options, migration_id: str | None, limit: int | None) -> None:
    """List validations, newest first.

    \b
    Example: sensei validations list --migration mig_4x8fk1
    """
    from sensei.cli._result import columns_of, listed, write_list
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = listed(lambda size: client.validations.list(migration_id=migration_id, limit=size), limit)
    columns = columns_of(
        "id migration_id type status overall_result confidence_score created_at",
        migration_id="migration",
        overall_result="result",
        confidence_score="confidence",
    )
    write_list(options, found, columns, nothing="There are no validations yet.")


@command.command("run")
@click.argument("migration_id", metavar="MIGRATION")
@click.option(
    "--type",
    "kind",
    type=click.Choice(values_of(ValidationTypeParam)),
    default="standard",
    show_default=True,
    help="How thoroughly; only a full one earns a certificate.",
)
@click.option("--wait", is_flag=True, help="Stay until it is over; exit with 1 unless it passed.")
@_timeout_option
@click.pass_obj
def run(options: Options, migration_id: str, kind: ValidationTypeParam, wait: bool, timeout: float | None) -> None:
    """Compare source and target of a completed migration.

    \b
    Example: sensei validations run mig_4x8fk1 --type full --wait
    """
    from sensei.cli._following import perhaps_begun
    from sensei.cli._result import tell
    from sensei.cli._server import open_client

    if timeout is not None and not wait:
        raise click.UsageError("--timeout is for --wait.")
    with open_client(options) as client:
        with perhaps_begun(f"it may have begun; `sensei validations list --migration {migration_id}` tells"):
            validation = client.validations.create(migration_id=migration_id, type=kind)
        if wait:
            _see_through(options, validation, timeout)
            return
    _write(options, validation)
    if not options.quiet:
        tell(f"It runs in the background: `sensei validations wait {validation.id}` waits for it.")


@command.command("status")
@_id_argument
@click.pass_obj
def status(options: Options, validation_id: str) -> None:
    """Show a validation, and what each perspective found.

    \b
    Example: sensei validations status val_3hq7zc
    """
    from sensei.cli._server import open_client

    with open_client(options) as client:
        _write(options, client.validations.get(validation_id))


@command.command("wait")
@_id_argument
@_timeout_option
@click.pass_obj
def wait(options: Options, validation_id: str, timeout: float | None) -> None:
    """Wait until a validation is over; exit with 1 unless it passed.

    \b
    Example: sensei validations wait val_3hq7zc --timeout 600
    """
    from sensei.cli._server import open_client

    with open_client(options) as client:
        _see_through(options, client.validations.get(validation_id), timeout)


@command.command("cancel")
@_id_argument
@click.pass_obj
def cancel(options: Options, validation_id: str) -> None:
    """Stop a validation.

    \b
    Example: sensei validations cancel val_3hq7zc
    """
    from sensei.cli._server import open_client

    with open_client(options) as client:
        _write(options, client.validations.cancel(validation_id))


@command.command("report")
@_id_argument
@click.option("--format", "form", type=click.Choice(["json", "html", "pdf"]), default="json", show_default=True)
@click.option("--details", is_flag=True, help="With row-level facts for each issue.")
@output_file_option
@click.pass_obj
def report(
    options: Options, validation_id: str, form: Literal["json", "html", "pdf"], details: bool, path: Path | None
) -> None:
    """Write the report on a validation to a file, or to stdout, byte for byte as the server made it.

    \b
    Example: sensei validations report val_3hq7zc --format html -o report.html
    """
    from sensei._request import quote_segment
    from sensei.cli._files import write_file
    from sensei.cli._server import open_client

    with open_client(options) as client:
        data = client.request(
            "GET",
            f"/validations/{quote_segment(validation_id)}/report",
            params={"format": form, "include_details": details or None},
            headers={"Accept": {"json": "application/json", "html": "text/html", "pdf": "application/pdf"}[form]},
            cast_to=bytes,
        )
    write_file(data, path, binary=form == "pdf")


@command.command("certificate")
@_id_argument
@output_file_option
@click.pass_obj
def certificate(options: Options, validation_id: str, path: Path | None) -> None:
    """Write the certificate of a validation to a file, or to stdout: JSON, byte for byte as it was signed.

    `sensei validations verify` checks it.

    \b
    Example: sensei validations certificate val_3hq7zc -o certificate.json
    """
    from sensei.cli._files import write_file
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = client.validations.certificate(validation_id)
    write_file(found.received, path)


@command.command("verify")
@click.argument("file", metavar="CERT.json")
@click.option("--keys", "keys_file", metavar="FILE", help="Key set to check with; nothing is sent then.")
@click.pass_obj
def verify(options: Options, file: str, keys_file: str | None) -> int:
    """Check a certificate on this machine; - reads it from stdin.

    Without --keys the public keys of the server are fetched, which needs no API key: SENSEI_API_URL or --profile says
    which server, else it is the platform. Exit code 0 when it is valid, 1 when it is expired, revoked,
    invalid or unverifiable.

    \b
    Examples:
      sensei validations verify certificate.json
      sensei validations verify certificate.json --keys keys.json
    """
    from sensei.cli._certificates import read_certificate, read_keys, write_verdict

    data = read_certificate(file)
    if keys_file is not None:
        return write_verdict(options, data, read_keys(keys_file))
    from sensei.cli._server import open_public_client

    with open_public_client(options) as client:
        keys = client.certificates.keys()
    return write_verdict(options, data, keys)


def _see_through(options: Options, validation: Validation, timeout: float | None) -> None:
    from sensei.cli._following import await_validation, refuse_failed
    from sensei.cli._presenters import presenter_for

    validation = await_validation(validation, presenter_for(options), timeout)
    _write(options, validation)
    refuse_failed(validation)


def _write(options: Options, validation: Validation) -> None:
    from sensei.cli._migration_views import validation_text
    from sensei.cli._result import write_result

    write_result(options, validation.to_dict(), ids=[validation.id], text=validation_text(validation))
