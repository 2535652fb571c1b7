"""`sensei webhooks listen`: an endpoint for as long as the command runs."""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from sensei.cli._claims import Claim, abandoned, claimed
from sensei.cli._errors import USAGE, CommandError
from sensei.cli._options import Options
from sensei.cli._receive import Forwarded, Forwarder, check_target, is_loopback, receiving
from sensei.cli._result import emit, serialized, tell
from sensei.cli._table import one_line
from sensei.cli._wording import in_words

if TYPE_CHECKING:
    from sensei import Client
    from sensei.models.enums import WebhookEventPattern

SECRET_VARIABLE = "SENSEI_WEBHOOK_SECRET"  # noqa: S105  # the name of a variable
DESCRIPTION = "sensei webhooks listen"
"""How the descriptions of endpoints of ours begin."""


def listen_for(
    options: Options, client: Client, events: Sequence[str], *, forward_to: str, port: int, public_url: str | None
) -> None:
    """Hand events on until Ctrl-C or SIGTERM, which pass; one line each on stdout.

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
    claims = claims_folder()
    try:
        with (
            receiving(forwarder, port, path="/" if public_url else None) as address,
            _registered(client, claims, public_url or address, events, secret),
        ):
            tell(f"Listening at {address} for {', '.join(events)}; handing on to {target}. Ctrl-C ends it.")
            if not given:
                tell(f"The program verifies with: `export {SECRET_VARIABLE}={secret}`")
            threading.Event().wait()
    finally:
        forwarder.close()


def claims_folder() -> Path:
    """Where it is remembered which endpoints are ours; not made before there is one."""
    return Path.home() / ".sensei" / "listening"


@contextmanager
def _registered(client: Client, claims: Path, url: str, events: Sequence[str], secret: str) -> Generator[None]:
    """Keep an endpoint at the API while the block runs; leave none behind, whenever it is interrupted."""
    from sensei import BadRequestError, InvalidArgumentError, UnprocessableEntityError

    _remove_abandoned(client, claims)
    with claimed(claims) as claim:
        try:
            made = client.webhooks.create(
                url=url,
                events=cast("Sequence[WebhookEventPattern]", events),
                secret=secret,
                description=description_of(claim.mark),
            )
        except (BadRequestError, UnprocessableEntityError, InvalidArgumentError):
            # Refused, so that there is nothing to remove.
            claim.settle()
            raise
        except BaseException:
            _remove(client, claim, None)
            raise
        try:
            yield
        finally:
            _remove(client, claim, made.id)


def description_of(mark: str) -> str:
    """What an endpoint of ours says of itself in lists; no other one says the same."""
    return f"{DESCRIPTION} ({mark})"


def _remove(client: Client, claim: Claim, known: str | None) -> None:
    from sensei import SenseiError

    try:
        # An interrupted create never told the id.
        for ident in [known] if known else _made_for(client, [claim])[claim.mark]:
            _delete(client, ident)
    except SenseiError as error:
        tell(
            f"Warning: the endpoint {known or claim.mark} could not be removed ({in_words(error)}); the next run tries"
        )
    else:
        claim.settle()


def _remove_abandoned(client: Client, claims: Path) -> None:
    """Remove what killed runs on this machine left at this API; what others made bears no mark of ours."""
    with abandoned(claims) as left:
        found = _made_for(client, left) if left else {}
        for claim in left:
            for ident in found[claim.mark]:
                _delete(client, ident)
                tell(f"Removed {ident}, the endpoint of an earlier run that was killed.")
            if found[claim.mark]:
                claim.settle()
            else:
                claim.grow_old()


def _made_for(client: Client, claims: Sequence[Claim]) -> dict[str, list[str]]:
    """The ids of the endpoints that bear the marks of claims."""
    marks = {description_of(claim.mark): claim.mark for claim in claims}
    found: dict[str, list[str]] = {mark: [] for mark in marks.values()}
    for webhook in client.webhooks.list(limit=100):
        if webhook.description in marks:
            found[marks[webhook.description]].append(webhook.id)
    return found


def _delete(client: Client, ident: str) -> None:
    from sensei import NotFoundError

    with suppress(NotFoundError):
        client.webhooks.delete(ident)


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
