"""`sensei webhooks listen`: an endpoint for as long as the command runs."""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from sensei.cli._errors import USAGE, CommandError
from sensei.cli._options import Options
from sensei.cli._receive import Forwarded, Forwarder, check_target, is_loopback, receiving
from sensei.cli._result import emit, serialized, tell
from sensei.cli._signals import orderly_end
from sensei.cli._table import one_line

if TYPE_CHECKING:
    from sensei import Client
    from sensei.models.enums import WebhookEventPattern

SECRET_VARIABLE = "SENSEI_WEBHOOK_SECRET"  # noqa: S105  # the name of a variable
DESCRIPTION = "sensei webhooks listen"
"""Marks the endpoint in lists, in case it is left behind."""


def listen_for(
    options: Options, client: Client, events: Sequence[str], *, forward_to: str, port: int, public_url: str | None
) -> None:
    """Hand events on until Ctrl-C or SIGTERM; one line each on stdout.

    Args:
        options: Say which form the lines have.
        client: Where to register.
        events: Names and patterns.
        forward_to: The program.
        port: Where to listen; 0 for a free one.
        public_url: How the API reaches that port, when it is on another machine.

    Raises:
        CommandError: The API cannot reach this machine, the port is taken, or the program's address is none.
    """
    target = check_target(forward_to)
    if public_url is None and not is_loopback(str(client.base_url)):
        raise CommandError(
            f"{urlsplit(str(client.base_url)).hostname} cannot reach this machine: open a tunnel to a --port and name "
            "its address with --public-url",
            exit_code=USAGE,
        )
    given = os.environ.get(SECRET_VARIABLE)
    secret = given or f"whsec_{secrets.token_hex(24)}"
    forwarder = Forwarder(target, secret, lambda outcome: _write(options, outcome))
    try:
        with (
            orderly_end(),
            receiving(forwarder, port, path="/" if public_url else None) as address,
            _registered(client, public_url or address, events, secret),
        ):
            tell(f"Listening at {address} for {', '.join(events)}; handing on to {target}. Ctrl-C ends it.")
            if not given:
                tell(f"The program verifies with: export {SECRET_VARIABLE}={secret}")
            threading.Event().wait()
    except KeyboardInterrupt:
        # How it is meant to end.
        tell("Stopped.")
    finally:
        forwarder.close()


@contextmanager
def _registered(client: Client, url: str, events: Sequence[str], secret: str) -> Generator[None]:
    """Keep an endpoint at the API while the block runs; leave none behind, whenever it is interrupted."""
    try:
        client.webhooks.create(
            url=url, events=cast("Sequence[WebhookEventPattern]", events), secret=secret, description=DESCRIPTION
        )
        yield
    finally:
        _remove(client, url)


def _remove(client: Client, url: str) -> None:
    """Remove the endpoint by its address, which is ours alone: an interrupted create never told the id."""
    from sensei import SenseiError

    try:
        ours = [one for one in client.webhooks.list(limit=100) if one.url == url and one.description == DESCRIPTION]
        for webhook in ours:
            webhook.delete()
    except SenseiError as error:
        tell(f"Warning: the endpoint for {url} could not be removed ({error}); `sensei webhooks list` shows it")


def _write(options: Options, outcome: Forwarded) -> None:
    document = {
        "received_at": outcome.received_at.isoformat().replace("+00:00", "Z"),
        "type": outcome.type or None,
        "event_id": outcome.event_id or None,
        "delivery_id": outcome.delivery_id or None,
        "status": outcome.status,
        "milliseconds": outcome.milliseconds,
        "problem": outcome.problem,
    }
    if options.quiet:
        line = outcome.event_id
    elif options.form == "json":
        line = json.dumps(document)
    elif options.form == "yaml":
        line = f"---\n{serialized(options, document)}"
    else:
        what = f"{outcome.type} {outcome.event_id}" if outcome.type else "refused"
        why = f": {outcome.problem}" if outcome.problem else ""
        line = one_line(
            f"{outcome.received_at:%H:%M:%SZ}  {what}  -> {outcome.status} in {outcome.milliseconds:.0f} ms{why}"
        )
    if line:
        emit(f"{line}\n")
        sys.stdout.flush()
