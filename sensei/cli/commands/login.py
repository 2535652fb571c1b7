"""`sensei login` and `sensei logout`."""

from __future__ import annotations

import os

import click

from sensei.cli._options import Command, Options


@click.command("login", cls=Command)
@click.option("--api-key", metavar="KEY", help="The key; - reads a line of stdin. Asked for when left out.")
@click.option("--base-url", metavar="URL", help="Server of your own.  [default: that of the profile, or the platform]")
@click.option("--use/--no-use", default=None, help="Make it the profile used when none is named.  [default: the first]")
@click.pass_obj
def command(options: Options, api_key: str | None, base_url: str | None, use: bool | None) -> None:
    """Store an API key in a profile, after the server has accepted it.

    The profile is `default`, or that of --profile. Nothing is stored when the key is refused (exit code 3) or the
    server does not answer (5).

    \b
    Examples:
      sensei login
      sensei login --profile staging --base-url https://sensei.example.com --api-key - < key.txt
    """
    from sensei.cli._ask import secret_from
    from sensei.cli._config_file import config_file, profiles_of
    from sensei.cli._profiles import check_key_and_url, chosen_name, masked, store, url_of
    from sensei.cli._result import tell, write_result
    from sensei.cli._server import make_client
    from sensei.cli._settings import read_file

    name = chosen_name(options)
    profile = profiles_of(read_file(config_file()), config_file()).get(name, {})
    url = base_url or os.environ.get("SENSEI_API_URL") or url_of(profile)
    key = secret_from(api_key, "API key", option="--api-key").strip()
    check_key_and_url(key, url)
    checking = Options(debug=options.debug, file=options.settings)
    with make_client(checking, api_key=key, base_url=url or _hosted()) as client:
        options.exchange = checking.exchange
        server = str(client.base_url)
        client.migrations.list(limit=1)
    path = store(name, key, server, use=use)
    if os.environ.get("SENSEI_API_KEY"):
        tell("SENSEI_API_KEY is set and comes before this profile, unless --profile names it.")
    document = {"profile": name, "url": server, "api_key": masked(key), "file": str(path)}
    write_result(options, document, ids=[name], text=f"{server} accepts the key; it is profile {name} in {path}.")


def _hosted() -> str:
    from sensei._config import DEFAULT_URL

    return DEFAULT_URL


@click.command("logout", cls=Command)
@click.pass_obj
def logout(options: Options) -> None:
    """Remove the stored API key of a profile: the current one, or that of --profile.

    The key goes on working elsewhere; `sensei api-keys delete` ends it.

    \b
    Example: sensei logout --profile staging
    """
    from sensei.cli._config_file import Document, change
    from sensei.cli._errors import NOT_FOUND, CommandError
    from sensei.cli._profiles import chosen_name, existing
    from sensei.cli._result import write_result

    name = chosen_name(options)

    def edit(document: Document) -> None:
        profiles = existing(document, name)
        if profiles[name].pop("api_key", None) is None:
            raise CommandError(f"the profile {name!r} has no key", exit_code=NOT_FOUND)
        document["profiles"] = profiles

    path = change(edit)
    text = f"Removed the key of profile {name} from {path}. It still works elsewhere; `sensei api-keys delete` ends it."
    write_result(options, {"profile": name, "file": str(path)}, ids=[name], text=text)
