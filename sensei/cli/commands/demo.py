"""`sensei demo`."""

from __future__ import annotations

from pathlib import Path

import click

from sensei.cli._endpoint import Endpoint, parse_endpoint
from sensei.cli._errors import CommandError, StoppedError
from sensei.cli._options import Command, Options

SHOP = "shop.db"
COPY = "shop-copy.db"
RESULTS = ("certificate.json", "certificate-keys.json", "report.html", "server.log")
POSTGRESQL_SCHEMA = "sensei_demo"


@click.command("demo", cls=Command)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("sensei-demo"),
    show_default=True,
    help="Where to leave the databases, the certificate and the report.",
)
@click.option(
    "--target", metavar="URL", help="Move the shop here, e.g. postgresql://ada@localhost/test; else to a file."
)
@click.pass_obj
def command(options: Options, directory: Path, target: str | None) -> None:
    """Move a small shop from one database to another, with proof.

    Makes a SQLite shop full of awkward values, starts the reference server inside this process, and lets it plan,
    copy, validate and certify. Needs no account and no other service.

    \b
    Examples:
      sensei demo
      sensei demo --target postgresql://ada@localhost/test
    """
    from sensei.cli._job import MainJob, Order
    from sensei.cli._memory import Memory, errand_for
    from sensei.cli._presenters import presenter_for
    from sensei.cli._result import write_result
    from sensei.cli._server import embedded_server, require_server
    from sensei.cli._shop import make_shop
    from sensei.cli._summary import document_of, refuse_loss, summary_of
    from sensei.cli._text import count

    require_server()
    folder = directory.absolute()
    end = parse_endpoint(target or f"sqlite:///{folder / COPY}", Path.cwd(), role="target")
    _make_room(folder, end)
    tell = presenter_for(options)
    shop = folder / SHOP
    tell.begin("Making a shop")
    rows = make_shop(shop, nul_in_text=end.type == "sqlite")
    tell.end(f"Made a shop with {count(rows, 'row')} of awkward values: {shop}")
    source = parse_endpoint(f"sqlite:///{shop}", Path.cwd(), role="source")
    with embedded_server(options, folder, keep_state=False) as server:
        order = Order(
            source=source,
            target=end,
            name="Demo shop",
            results=lambda _id: folder,
            target_schema=POSTGRESQL_SCHEMA if end.type == "postgresql" else None,
            advice=f"drop the schema {POSTGRESQL_SCHEMA} that an earlier demo left there, or give another database",
            ask=False,
        )
        memory = Memory(errand_for("embedded", source, end, ()), folder)
        try:
            outcome = MainJob(server.client, order, tell, memory).run()
        except StoppedError:
            # Its server ends with it, so that there is nothing to go on with.
            raise StoppedError(f"what there is of it is in {folder}; run it again to begin anew") from None
    text = summary_of(outcome, source, end) + "\nNext: sensei migrate SOURCE_URL TARGET_URL, for databases of your own."
    write_result(options, document_of(outcome, source, end), ids=[outcome.migration_id], text=text)
    refuse_loss(outcome)


def _make_room(folder: Path, target: Endpoint) -> None:
    """Remove what an earlier demo made, and nothing else."""
    from sensei.cli._shop import is_shop

    names = [SHOP, COPY, *RESULTS]
    present = [name for name in names if (folder / name).exists()]
    if present and not is_shop(folder / SHOP):
        raise CommandError(f"{folder} has a {present[0]} that no demo made; choose another place with --directory")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for suffix in ("", "-wal", "-shm", "-journal"):
            (folder / f"{name}{suffix}").unlink(missing_ok=True)
    if target.path is not None and target.path.exists():
        raise CommandError(f"target {target.path} exists already; the demo writes to a new file only")
