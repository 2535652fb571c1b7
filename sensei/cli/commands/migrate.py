"""`sensei migrate`."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensei.cli._endpoint import check_is_there, parse_endpoint
from sensei.cli._errors import USAGE, CommandError
from sensei.cli._options import Command, Options

if TYPE_CHECKING:
    from sensei.models.params import ValidationTypeParam


@click.command("migrate", cls=Command)
@click.argument("source_url")
@click.argument("target_url")
@click.option("--yes", "-y", is_flag=True, help="Start without being asked.")
@click.option("--schema", "schemas", multiple=True, metavar="NAME", help="Source schema to take; may be repeated.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Tables to leave out, * and ? allowed; repeatable.")
@click.option("--target-schema", metavar="NAME", help="Schema to write into.")
@click.option(
    "--existing",
    type=click.Choice(["stop", "append", "truncate", "drop"]),
    default="stop",
    show_default=True,
    help="What to do with tables that the target has already.",
)
@click.option(
    "--validation",
    type=click.Choice(["quick", "standard", "full"]),
    default="full",
    show_default=True,
    help="How thoroughly to compare at the end; only a full validation earns a certificate.",
)
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the certificate and the report.  [default: sensei-results/MIGRATION_ID]",
)
@click.option("--name", help="What to call the migration.")
@click.pass_obj
def command(
    options: Options,
    source_url: str,
    target_url: str,
    yes: bool,
    schemas: tuple[str, ...],
    exclude: tuple[str, ...],
    target_schema: str | None,
    existing: str,
    validation: ValidationTypeParam,
    results: Path | None,
    name: str | None,
) -> None:
    """Move the database SOURCE_URL to TARGET_URL: plan, review, run, validate, certify.

    \b
    URLs: sqlite:///shop.db            a file, from the current folder
          sqlite:////data/shop.db      a file, absolute
          postgresql://user:password@host:5432/name
          mysql://user:password@host:3306/name    MySQL or MariaDB, as the source; mariadb:// as well

    With an API key (SENSEI_API_KEY, or a profile) the configured server does the work, otherwise one inside this
    process. Ctrl-C pauses; the same command goes on where it stopped.

    \b
    Examples:
      sensei migrate sqlite:///shop.db postgresql://ada:secret@localhost:5432/shop
      sensei migrate mysql://ada:secret@db/shop sqlite:///copy.db --exclude 'tmp_*' --yes
    """
    from sensei.cli._job import MainJob, Order
    from sensei.cli._memory import Memory, errand_for, home
    from sensei.cli._presenters import presenter_for
    from sensei.cli._result import write_result
    from sensei.cli._server import Server, configured_server, embedded_server, is_configured
    from sensei.cli._summary import document_of, refuse_loss, summary_of

    folder = Path.cwd()
    source = parse_endpoint(source_url, folder, role="source")
    target = parse_endpoint(target_url, folder, role="target")
    if source.shown == target.shown and not target_schema:
        raise CommandError("source and target are the same database", exit_code=USAGE)
    own = is_configured(options)
    if not own:
        check_is_there(source, folder)
    opened: AbstractContextManager[Server] = (
        configured_server(options) if own else embedded_server(options, home() / "server", keep_state=True)
    )
    tell = presenter_for(options)
    with opened as server:
        tell.say(f"Server: {server.name}" + ("" if own else ", inside this process (no API key is configured)"))
        made: list[Path] = []
        place = results.absolute() if results else folder / "sensei-results"

        def results_of(migration_id: str) -> Path:
            chosen = place if results else place / migration_id
            chosen.mkdir(parents=True, exist_ok=True)
            made.append(chosen)
            return chosen

        order = Order(
            source=source,
            target=target,
            name=name or f"{source.shown} to {target.shown}",
            results=results_of,
            schemas=schemas,
            exclude=exclude,
            target_schema=target_schema,
            existing=existing,
            validation=validation,
            ask=not yes,
            embedded=server.embedded,
        )
        scope = (*schemas, "--exclude", *exclude, "--target-schema", target_schema or "", "--existing", existing)
        memory = Memory(errand_for(server.name, source, target, scope), home() / "unfinished")
        try:
            outcome = MainJob(server.client, order, tell, memory).run()
        finally:
            _remove_if_empty(*made, place)
    write_result(
        options,
        document_of(outcome, source, target),
        ids=[outcome.migration_id],
        text=summary_of(outcome, source, target),
    )
    refuse_loss(outcome)


def _remove_if_empty(*folders: Path) -> None:
    """Leave no empty folders behind when there was nothing to put into them."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
