"""`sensei api-keys`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import cast

import click

from sensei.cli._ask import confirm, limited, yes_option
from sensei.cli._choices import values_of
from sensei.cli._errors import USAGE, CommandError
from sensei.cli._groups import Group
from sensei.cli._options import Options
from sensei.models.enums import EnvironmentParam

_LISTED = "id name key_prefix environment status scopes last_used_at expires_at"
_CREATED = "id name key scopes environment ip_whitelist expires_at"
_DAYS = re.compile(r"([0-9]{1,5})d").fullmatch


@click.group("api-keys", cls=Group)
def command() -> None:
    """Make, list, replace and delete API keys.

    The key in use needs the scope admin:read to list and admin:write for the rest.
    """


@command.command("list")
@limited
@click.pass_obj
def list_keys(options: Options, limit: int | None) -> None:
    """List API keys, newest first; never the keys themselves.

    \b
    Example: sensei api-keys list --output json
    """
    from sensei.cli._result import listed, write_list
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = listed(lambda size: client.api_keys.list(limit=size), limit)
    write_list(options, found, _LISTED, nothing="No API keys.")


@command.command("create")
@click.option("--name", required=True, help="What to call it.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    metavar="SCOPE",
    help="What it allows, such as migrations:read; may be repeated, or several with commas.",
)
@click.option("--environment", type=click.Choice(values_of(EnvironmentParam)), help="[default: that of the key in use]")
@click.option(
    "--expires",
    "expires_at",
    metavar="WHEN",
    help="2027-01-31, 2027-01-31T12:00:00Z, or 90d from now.  [default: never]",
)
@click.option("--allow-ip", "ip_whitelist", multiple=True, metavar="CIDR", help="Only from there; may be repeated.")
@click.pass_obj
def create(
    options: Options,
    name: str,
    scopes: tuple[str, ...],
    environment: str | None,
    expires_at: str | None,
    ip_whitelist: tuple[str, ...],
) -> None:
    """Make an API key. It is shown once, as the member `key`; --quiet prints it alone.

    \b
    Examples:
      sensei api-keys create --name CI --scope migrations:read,migrations:write --expires 90d
      KEY=$(sensei api-keys create --name CI --scope migrations:read --quiet)
    """
    from sensei.cli._result import warn_shown_once, write_object
    from sensei.cli._server import open_client

    wanted: dict[str, object] = {"name": name, "scopes": [one for text in scopes for one in text.split(",") if one]}
    if environment:
        wanted["environment"] = environment
    if expires_at:
        wanted["expires_at"] = _instant(expires_at)
    if ip_whitelist:
        wanted["ip_whitelist"] = list(ip_whitelist)
    with open_client(options) as client:
        made = client.api_keys.create(**wanted)  # type: ignore[arg-type]  # the SDK checks them, scopes by name
    write_object(options, made, fields=_CREATED, quiet=made.key)
    warn_shown_once("the key")


@command.command("rotate")
@click.argument("key_id")
@click.option("--expires", "expires_at", metavar="WHEN", help="As for create.  [default: as the old key]")
@yes_option
@click.pass_obj
def rotate(options: Options, key_id: str, expires_at: str | None, yes: bool) -> None:
    """Replace an API key: make one like it, show it once, and delete the old one.

    The new key is on stdout before the old one goes: when it cannot be written there, the old one stays.

    \b
    Example: sensei api-keys rotate key_7d2mx9 --yes --quiet > new-key
    """
    from sensei import UNSET
    from sensei.cli._result import warn_shown_once, write_object
    from sensei.cli._server import open_client

    until = _instant(expires_at) if expires_at else UNSET
    with open_client(options) as client:
        old = client.api_keys.get(key_id)
        question = f"Replace the key {old.name} ({old.id})? The old one stops working."
        confirm(question, yes=yes, refusal="nothing was changed")

        def show(made: object) -> None:
            import sys

            from sensei import ApiKeyCreated

            new = cast("ApiKeyCreated", made)
            write_object(options, new, fields=_CREATED, quiet=new.key)
            sys.stdout.flush()

        client.api_keys.rotate(key_id, expires_at=until, on_created=show)
    warn_shown_once("the new key")


@command.command("delete")
@click.argument("key_id")
@yes_option
@click.pass_obj
def delete(options: Options, key_id: str, yes: bool) -> None:
    """Delete an API key; it stops working at once.

    \b
    Example: sensei api-keys delete key_7d2mx9 --yes
    """
    from sensei.cli._result import write_deleted
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = client.api_keys.get(key_id)
        question = f"Delete the API key {found.name} ({found.id})? It stops working at once."
        confirm(question, yes=yes, refusal="nothing was deleted")
        client.api_keys.delete(key_id)
    write_deleted(options, key_id, "API key")


def _instant(text: str) -> datetime:
    """When a key ends: a day, an instant, or a number of days from now."""
    days = _DAYS(text)
    try:
        if days:
            return datetime.now(UTC) + timedelta(days=int(days[1]))
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise CommandError(
            f"--expires {text[:40]!r} is no time: write 2027-01-31, 2027-01-31T12:00:00Z, or 90d", exit_code=USAGE
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
