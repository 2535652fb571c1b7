"""`sensei plans`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensei.cli._ask import limited
from sensei.cli._choices import values_of
from sensei.cli._files import output_file_option
from sensei.cli._groups import Group
from sensei.cli._numbers import Number
from sensei.cli._options import Options
from sensei.models.enums import MappingStatusParam

if TYPE_CHECKING:
    from sensei import Client, MigrationPlan

_id_argument = click.argument("migration_id", metavar="MIGRATION")
_share = Number(0, 1)


@click.group("plans", cls=Group)
def command() -> None:
    """Look at the plan of a migration, and decide its mappings."""


@command.command("get")
@_id_argument
@click.pass_obj
def get(options: Options, migration_id: str) -> None:
    """Show a plan: its size, its phases, its risks. The forms for programs hold every mapping.

    \b
    Example: sensei plans get mig_4x8fk1
    """
    from sensei.cli._migration_views import plan_text
    from sensei.cli._result import write_result
    from sensei.cli._server import open_client

    with open_client(options) as client:
        plan = client.migrations.plan(migration_id)
    write_result(options, plan.to_dict(), ids=[plan.migration_id], text=plan_text(plan))


@command.command("mappings")
@_id_argument
@click.option("--below", type=_share, metavar="SHARE", help="Only those less sure than this, such as 0.9.")
@click.option("--status", type=click.Choice(values_of(MappingStatusParam)), help="Only this status.")
@click.option("--undecided", is_flag=True, help="Only those that must be decided before the start.")
@click.option("--table", metavar="TABLE", help="Only those of this source table.")
@limited
@click.pass_obj
def mappings(
    options: Options,
    migration_id: str,
    below: float | None,
    status: MappingStatusParam | None,
    undecided: bool,
    table: str | None,
    limit: int | None,
) -> None:
    """List where each column goes, and how sure that is.

    \b
    Examples:
      sensei plans mappings mig_4x8fk1 --undecided
      sensei plans mappings mig_4x8fk1 --below 0.9 --table orders
    """
    from sensei import Mapping
    from sensei.cli._migration_views import mapping_row
    from sensei.cli._result import Listed, listed, write_list
    from sensei.cli._server import open_client

    if undecided and status not in {None, "pending_review"}:
        raise click.UsageError("--undecided means --status pending_review; leave --status out.")
    # The API's own bound counts in; 0 leaves nothing.
    most = None if below is None else math.nextafter(below, -1)
    with open_client(options) as client:
        if undecided:
            waiting = [
                one.to_dict()
                for one in client.mappings.list(migration_id, status="pending_review", table=table, limit=100)
                if one.requires_approval and (below is None or one.confidence < below)
            ]
            found = Listed(waiting[:limit], len(waiting))
        elif most is not None and most < 0:
            client.migrations.get(migration_id)
            found = Listed([], 0)
        else:
            found = listed(
                lambda size: client.mappings.list(
                    migration_id, status=status, table=table, max_confidence=most, limit=size
                ),
                limit,
            )
    if options.form == "table" and not options.quiet:
        found = Listed([mapping_row(Mapping.model_validate(item)) for item in found.items], found.total)
    write_list(options, found, "id sure column becomes status", nothing="There are no such mappings.")


@command.command("approve")
@_id_argument
@click.option(
    "--above", type=_share, metavar="SHARE", help="Those in review that are at least this sure, such as 0.95."
)
@click.option("--mapping", "mapping_ids", multiple=True, metavar="ID", help="This mapping; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="All that are in review, however unsure.")
@click.option("--comment", help="Why.")
@click.pass_obj
def approve(
    options: Options,
    migration_id: str,
    above: float | None,
    mapping_ids: tuple[str, ...],
    everything: bool,
    comment: str | None,
) -> None:
    """Approve mappings: give one of --above, --mapping and --all.

    Those that were rejected stay rejected, unless they are named with --mapping.

    \b
    Examples:
      sensei plans approve mig_4x8fk1 --above 0.95
      sensei plans approve mig_4x8fk1 --mapping map_9p2sw6 --comment 'as agreed'
    """
    from sensei._request import UNSET
    from sensei.cli._decisions import decide, write_decisions
    from sensei.cli._server import open_client

    if sum((above is not None, bool(mapping_ids), everything)) != 1:
        raise click.UsageError(
            "Say which: --above 0.95 for those that are sure, --mapping ID for one, or --all for all in review."
        )
    with open_client(options) as client:
        if mapping_ids:
            result = decide(client, migration_id, mapping_ids, "approved", comment)
        else:
            result = client.mappings.approve_all(
                migration_id, above=above or 0.0, comment=UNSET if comment is None else comment
            )
        write_decisions(options, result, "approved", _left(client, migration_id))


@command.command("reject")
@_id_argument
@click.option("--mapping", "mapping_ids", multiple=True, required=True, metavar="ID", help="Which; may be repeated.")
@click.option("--comment", help="Why.")
@click.pass_obj
def reject(options: Options, migration_id: str, mapping_ids: tuple[str, ...], comment: str | None) -> None:
    """Reject mappings: their columns are left out.

    \b
    Example: sensei plans reject mig_4x8fk1 --mapping map_9p2sw6
    """
    from sensei.cli._decisions import decide, write_decisions
    from sensei.cli._server import open_client

    with open_client(options) as client:
        result = decide(client, migration_id, mapping_ids, "rejected", comment)
        write_decisions(options, result, "rejected", _left(client, migration_id))


@command.command("export")
@_id_argument
@output_file_option
@click.pass_obj
def export(options: Options, migration_id: str, path: Path | None) -> None:
    """Write a plan with all its mappings to a file, or to stdout.

    YAML, or JSON with --output json or a file named .json.

    \b
    Example: sensei plans export mig_4x8fk1 -o plan.yaml
    """
    from sensei.cli._errors import CommandError
    from sensei.cli._files import write_file
    from sensei.cli._server import open_client

    with open_client(options) as client:
        plan = client.migrations.plan(migration_id)
    if plan.status == "generating":
        raise CommandError(
            f"the plan is not there yet: `sensei migrations wait {migration_id} --for plan_ready` waits for it"
        )
    as_json = path.suffix.lower() == ".json" if path is not None and path.suffix else options.form == "json"
    write_file(_exported(plan, as_json=as_json), path)


def _exported(plan: MigrationPlan, *, as_json: bool) -> bytes:
    if as_json:
        import json

        return (json.dumps(plan.to_dict(), ensure_ascii=False, indent=2) + "\n").encode()
    import yaml

    return yaml.safe_dump(plan.to_dict(), allow_unicode=True, sort_keys=False).encode()


def _left(client: Client, migration_id: str) -> int:
    """How many mappings are still in review."""
    return client.mappings.list(migration_id, status="pending_review", limit=1).pagination.total
