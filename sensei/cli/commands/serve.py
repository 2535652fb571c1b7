"""`sensei serve`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sensei.cli._errors import CommandError
from sensei.cli._numbers import Whole
from sensei.cli._options import Command, Options


@click.command("serve", cls=Command, context_settings={"auto_envvar_prefix": "SENSEI_SERVER"})
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=Whole(0, 65535), default=8080, show_default=True, help="Port; 0 takes a free one.")
@click.option(
    "--state", metavar="PATH_OR_URL", help="SQLite file or database URL.  [default: ~/.sensei/serve/state.db]"
)
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the key that encrypts stored secrets, made when missing.  [default: beside a SQLite state]",
)
@click.option("--api-key", help="Key to accept (sk_test_…); else the state has one of its own.")
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Certificate, PEM.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its key, PEM.")
@click.option("--allow-remote", is_flag=True, help="Listen beyond this machine without TLS.")
@click.option(
    "--tier",
    type=click.Choice(["local", "free", "starter", "professional"]),
    default="local",
    show_default=True,
    help="Whose rate limits to enforce; local is generous.",
)
@click.option("--public-url", metavar="ORIGIN", help="Where clients reach it, if a proxy is in front.")
@click.option(
    "--shared/--not-shared",
    default=None,
    help="Keep its users off the files and sockets of this machine.  [default: shared beyond this machine]",
)
@click.option(
    "--data-dir",
    "data_dirs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder in which the SQLite files of users lie; may be repeated.",
)
@click.option(
    "--allow-network",
    "allow_networks",
    multiple=True,
    metavar="CIDR",
    help="Network that calls to the outside may reach whatever the rules say; may be repeated.",
)
@click.option(
    "--oauth-app",
    "oauth_apps",
    multiple=True,
    metavar="NAME=URI",
    help="Application that may ask people for access, and where it gets its answer; may be repeated.",
)
@click.option(
    "--oauth-apps-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with more applications, which may have secrets and scopes of their own.",
)
@click.option("--smtp", metavar="URL", help="Mail server of notifications, smtp:// or smtps://.")
@click.option("--mail-from", metavar="ADDRESS", help="Address that e-mails are from.")
@click.option("--slack-token", metavar="TOKEN", help="Token of a Slack bot for notifications.")
@click.option("--slack-webhook-url", metavar="URL", help="Incoming webhook of Slack for notifications.")
@click.option("--faults", is_flag=True, help="Let clients script failures through POST /_faults, to test their code.")
@click.pass_obj
def command(
    options: Options,
    host: str,
    port: int,
    state: str | None,
    key_file: Path | None,
    api_key: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    allow_remote: bool,
    tier: str,
    public_url: str | None,
    shared: bool | None,
    data_dirs: tuple[Path, ...],
    allow_networks: tuple[str, ...],
    oauth_apps: tuple[str, ...],
    oauth_apps_file: Path | None,
    smtp: str | None,
    mail_from: str | None,
    slack_token: str | None,
    slack_webhook_url: str | None,
    faults: bool,
) -> None:
    """Run the local reference server until Ctrl-C.

    Prints the two variables that make programs and the other commands use it. Ctrl-C and SIGTERM stop it in good
    order, with exit code 0. Every option can be given as a variable too: SENSEI_SERVER_PORT for --port, and so on.

    \b
    Examples:
      sensei serve
      sensei serve --port 0 --state /data/sensei.db
    """
    from sensei.cli._memory import home
    from sensei.cli._result import tell, write_result
    from sensei.cli._server import require_server
    from sensei.cli._wording import in_words

    require_server()
    from sensei.server.crypto.vault import VaultError
    from sensei.server.oauth.registration import application, applications_in, without_repeats
    from sensei.server.serve import ServeError, Serving, is_loopback, serve
    from sensei.server.settings import TIERS, Settings
    from sensei.server.store.database import StoreError

    if state is None:
        folder = home() / "serve"
        folder.mkdir(mode=0o700, exist_ok=True)
        state = str(folder / "state.db")
    elif "://" not in state and not Path(state).absolute().parent.exists():
        raise CommandError(
            f"there is no folder {Path(state).absolute().parent} for the state: make it, or choose another --state"
        )

    def ready(facts: Serving) -> None:
        text = f"export SENSEI_API_URL={facts.url}\nexport SENSEI_API_KEY={facts.api_key}"
        document = {"url": facts.url, "api_key": facts.api_key, "state": facts.state}
        try:
            write_result(options, document, ids=[facts.api_key], text=text)
            sys.stdout.flush()
        except OSError as error:
            tell(f"Warning: the key could not be written to stdout ({error.strerror}); with --api-key you choose it")
        tell(
            f"Serving {facts.url}/v1 with the state in {facts.state}. The dashboard is at {facts.url}/ "
            "and asks for the key above. Ctrl-C stops it."
        )
        for app in applications:
            tell(f"The application {app.name!r} is the OAuth client {app.client_id}.")

    try:
        environment = "production" if (api_key or "").startswith("sk_live_") else "sandbox"
        applications = tuple(application(text, environment) for text in oauth_apps)
        if oauth_apps_file is not None:
            applications = (*applications, *applications_in(oauth_apps_file, environment))
        applications = without_repeats(applications)
        settings = Settings(
            state=state,
            key_file=key_file,
            limits=TIERS[tier],
            faults=faults,
            public_url=public_url,
            shared=(not is_loopback(host) or public_url is not None) if shared is None else shared,
            data_dirs=data_dirs,
            allowed_networks=allow_networks,
            oauth_applications=applications,
            smtp_url=smtp,
            mail_from=mail_from,
            slack_token=slack_token,
            slack_webhook_url=slack_webhook_url,
        )
        serve(
            settings,
            host=host,
            port=port,
            api_key=api_key,
            certificate=tls_cert,
            private_key=tls_key,
            allow_remote=allow_remote,
            on_ready=ready,
        )
        # Everything is checkpointed and closed by now.
        tell("Stopped.")
    except (ServeError, StoreError, VaultError, ValueError) as error:
        raise CommandError(in_words(error)) from None
