"""`sensei ping`."""

from __future__ import annotations

import time

import click

from sensei.cli._options import Command, Options


@click.command("ping", cls=Command)
@click.pass_obj
def command(options: Options) -> None:
    """Check that the API answers and accepts your key.

    Exit code 0 when it does, 3 when the key is refused, 5 when nothing answers.

    \b
    Example: sensei ping && sensei migrations list --status running
    """
    from sensei.cli._result import write_result
    from sensei.cli._server import configured_server

    with configured_server(options) as server:
        started = time.perf_counter()
        page = server.client.migrations.list(limit=1)
        took = (time.perf_counter() - started) * 1000
        answer = page.last_response
        request_id = answer.request_id if answer else None
    document = {"url": server.name, "milliseconds": round(took, 1), "request_id": request_id}
    write_result(
        options, document, ids=[request_id or ""], text=f"{server.name} answers in {took:.0f} ms and accepts the key."
    )
