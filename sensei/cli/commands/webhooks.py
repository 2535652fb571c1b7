"""`sensei webhooks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from sensei.cli._ask import limited, yes_option
from sensei.cli._choices import values_of
from sensei.cli._definition import file_option
from sensei.cli._groups import Group
from sensei.cli._numbers import Whole
from sensei.cli._options import Options
from sensei.models.enums import WebhookDeliveryStatusParam

if TYPE_CHECKING:
    from sensei.models.enums import WebhookEventTypeParam
    from sensei.models.params import WebhookCreateParam
    from sensei.models.webhooks import WebhookDelivery

_id_argument = click.argument("webhook_id", metavar="ID")
_ENDPOINT = "id url events enabled description created_at last_delivery_at"
_DELIVERY = "id event_type status attempt_count response_status created_at next_attempt_at"


@click.group("webhooks", cls=Group)
def command() -> None:
    """Register endpoints for events, or receive events here."""


@command.command("list")
@limited
@click.pass_obj
def list_(options: Options, limit: int | None) -> None:
    """List endpoints, newest first.

    \b
    Example: sensei webhooks list
    """
    from sensei.cli._result import listed, write_list
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = listed(lambda size: client.webhooks.list(limit=size), limit)
    write_list(options, found, "id url events enabled created_at", nothing="There are no webhooks yet.")


@command.command("create")
@click.option("--url", metavar="URL", help="Where events go.")
@click.option("--events", metavar="A,B", help="Names of events, prefix.* for all below a prefix, * for all.")
@click.option("--description", help="What it is for.")
@file_option
@click.pass_obj
def create(options: Options, url: str | None, events: str | None, description: str | None, file: str | None) -> None:
    """Register an endpoint. Its signing secret is shown once, now.

    \b
    A file says all that the API takes:
        url: https://example.com/hooks
        events: [migration.*, approval.required]
        secret: ${WEBHOOK_SECRET}

    What is given as an option comes before what the file says. ${NAME} in the file is read from the environment.

    \b
    Examples:
      sensei webhooks create --url https://example.com/hooks --events 'migration.*,approval.required'
      sensei webhooks create -f webhook.yaml
    """
    from sensei.cli._definition import blamed_on, read_definition
    from sensei.cli._migration_file import parts_of
    from sensei.cli._result import warn_shown_once, write_object
    from sensei.cli._server import open_client
    from sensei.models.params import WebhookCreateParam

    definition = {} if file is None else read_definition(file, WebhookCreateParam)
    if url is not None:
        definition["url"] = url
    if events is not None:
        definition["events"] = parts_of(events, "--events")
    if description is not None:
        definition["description"] = description
    missing = [f"--{name}" for name in ("url", "events") if name not in definition]
    if missing:
        raise click.UsageError(f"Give {' and '.join(missing)}, or a file with -f that has them.")
    with open_client(options) as client, blamed_on(file):
        webhook = client.webhooks.create(**cast("WebhookCreateParam", definition))
    write_object(options, webhook, fields=f"{_ENDPOINT.replace(' created_at last_delivery_at', '')} secret")
    if not options.quiet:
        warn_shown_once("the signing secret")


@command.command("get")
@_id_argument
@click.pass_obj
def get(options: Options, webhook_id: str) -> None:
    """Show one endpoint; never its secret.

    \b
    Example: sensei webhooks get wh_6v1ty8
    """
    from sensei.cli._result import write_object
    from sensei.cli._server import open_client

    with open_client(options) as client:
        write_object(options, client.webhooks.get(webhook_id), fields=_ENDPOINT)


@command.command("delete")
@_id_argument
@yes_option
@click.pass_obj
def delete(options: Options, webhook_id: str, yes: bool) -> None:
    """Delete an endpoint; what is still to be delivered to it is dropped.

    \b
    Example: sensei webhooks delete wh_6v1ty8 --yes
    """
    from sensei.cli._ask import confirm
    from sensei.cli._result import write_deleted
    from sensei.cli._server import open_client

    with open_client(options) as client:
        webhook = client.webhooks.get(webhook_id)
        confirm(f"Delete the webhook {webhook.id} to {webhook.url}?", yes=yes, refusal="nothing was deleted")
        webhook.delete()
    write_deleted(options, webhook.id, "webhook")


@command.command("test")
@_id_argument
@click.option("--event", "event_type", metavar="TYPE", help="Event to imitate.  [default: migration.completed]")
@click.pass_obj
def test(options: Options, webhook_id: str, event_type: WebhookEventTypeParam | None) -> None:
    """Deliver a made-up event once; exit with 1 when it does not arrive.

    \b
    Example: sensei webhooks test wh_6v1ty8 --event migration.failed
    """
    from sensei._request import UNSET
    from sensei.cli._errors import CommandError
    from sensei.cli._server import open_client

    with open_client(options) as client:
        delivery = client.webhooks.test(webhook_id, event_type=event_type or UNSET)
    _write(options, delivery)
    if delivery.status != "delivered":
        last = delivery.attempts[-1] if delivery.attempts else None
        status = f"the endpoint answered {last.response_status}" if last and last.response_status else "no answer came"
        raise CommandError(f"the test event was not delivered: {(last and last.error) or status}")


@command.command("deliveries")
@_id_argument
@click.option("--status", type=click.Choice(values_of(WebhookDeliveryStatusParam)), help="Only this status.")
@click.option("--event", "event_type", metavar="TYPE", help="Only this event.")
@limited
@click.pass_obj
def deliveries(
    options: Options,
    webhook_id: str,
    status: WebhookDeliveryStatusParam | None,
    event_type: WebhookEventTypeParam | None,
    limit: int | None,
) -> None:
    """List what was sent to an endpoint, newest first.

    \b
    Example: sensei webhooks deliveries wh_6v1ty8 --status failed
    """
    from sensei.cli._result import listed, write_list
    from sensei.cli._server import open_client

    with open_client(options) as client:
        found = listed(
            lambda size: client.webhooks.deliveries(webhook_id, status=status, event_type=event_type, limit=size), limit
        )
    write_list(options, found, _DELIVERY, nothing="There are no such deliveries.")


@command.command("retry")
@_id_argument
@click.argument("delivery_id", metavar="DELIVERY")
@click.pass_obj
def retry(options: Options, webhook_id: str, delivery_id: str) -> None:
    """Begin a new series of attempts for a failed delivery.

    \b
    Example: sensei webhooks retry wh_6v1ty8 dlv_0k5nd2
    """
    from sensei.cli._server import open_client

    with open_client(options) as client:
        _write(options, client.webhooks.retry_delivery(webhook_id, delivery_id))


@command.command("listen")
@click.option("--forward-to", required=True, metavar="URL", help="Program to hand events on to.")
@click.option("--events", default="*", show_default=True, metavar="A,B", help="Which events.")
@click.option("--port", type=Whole(0, 65535), default=0, metavar="PORT", help="Where to listen.  [default: any]")
@click.option(
    "--public-url", "url", metavar="URL", help="How the API reaches that port, for an API on another machine."
)
@click.pass_obj
def listen(options: Options, forward_to: str, events: str, port: int, url: str | None) -> None:
    """Receive events on this machine, verify them, and hand them on to a program, until Ctrl-C.

    Registers an endpoint for the time being and removes it at the end. The program gets body and headers as they
    came, signature included; it is signed with SENSEI_WEBHOOK_SECRET when that is set, otherwise with a secret made up
    and shown at the beginning. The answer of the program is the answer to the API.

    An API on another machine cannot reach this one: open a tunnel to the port and name its address with --public-url.

    \b
    Examples:
      sensei webhooks listen --forward-to http://localhost:3000/hooks
      sensei webhooks listen --forward-to http://localhost:3000 --port 4000 --public-url https://abc.example.com
    """
    from sensei.cli._listen import listen_for
    from sensei.cli._migration_file import parts_of
    from sensei.cli._server import open_client

    patterns = parts_of(events, "--events")
    with open_client(options) as client:
        listen_for(options, client, patterns, forward_to=forward_to, port=port, public_url=url)


def _write(options: Options, delivery: WebhookDelivery) -> None:
    from sensei.cli._result import write_object

    write_object(options, delivery, fields="id webhook_id event_id event_type status attempt_count response_status")
