"""`sensei config`."""

from __future__ import annotations

from functools import partial

import click

from sensei.cli._groups import Group
from sensei.cli._options import Options

# These mend a broken file, so that they must not refuse to start with one.
_mending = {"needs_settings": False}


@click.group("config", cls=Group)
def command() -> None:
    """Show and change ~/.sensei/config.yaml: settings and profiles.

    An option comes before the environment (SENSEI_API_KEY, SENSEI_API_URL, SENSEI_PROFILE), that before the file,
    that before the default.
    """


@command.command("show")
@click.pass_obj
def show(options: Options) -> None:
    """Show what is in force, where it comes from, and the profiles; keys are masked.

    \b
    Example: sensei config show --profile staging
    """
    from sensei.cli._config_report import report_of
    from sensei.cli._result import write_object

    write_object(options, report_of(options), quiet=str(report_of(options)["profile"]))


@command.command("set", **_mending)
@click.argument(
    "setting",
    metavar="SETTING",
    type=click.Choice(["api-key", "output-format", "timeout", "color", "default-organization"]),
)
@click.argument("value", required=False)
@click.pass_obj
def set_value(options: Options, setting: str, value: str | None) -> None:
    """Set one value in the file. The API key is that of the current profile, or of --profile.

    \b
    api-key               a key, - to read a line of stdin, nothing to be asked; or ${NAME}, read when it is used
    output-format         table, json or yaml
    timeout               seconds for one attempt of a call
    color                 auto, always or never
    default-organization  an id, for people

    \b
    Examples:
      sensei config set api-key
      sensei config set output-format json
    """
    from sensei.cli._config_report import set_setting

    set_setting(options, setting, value)


@command.command("validate", **_mending)
@click.option("--offline", is_flag=True, help="Do not ask the server whether it accepts the key.")
@click.pass_obj
def validate(options: Options, offline: bool) -> None:
    """Check the file, who may read it, and whether the server accepts the key in force.

    Exit code 2 when the file is wrong, 3 when the key is refused, 5 when the server does not answer.

    \b
    Example: sensei config validate --offline
    """
    from sensei.cli._config_report import check

    check(options, offline=offline)


@command.group("profile")
def profile() -> None:
    """Make, choose, list and delete profiles: a key and the server that it is for."""


def _complete_names(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of profiles, for shells; none when the file is broken."""
    from sensei.cli._config_file import config_file, profiles_of
    from sensei.cli._errors import CommandError
    from sensei.cli._settings import read_file
    from sensei.errors import ConfigurationError

    try:
        names = profiles_of(read_file(config_file()), config_file())
    except (CommandError, ConfigurationError):
        return []
    return [name for name in names if name.startswith(incomplete)]


_known_profile = partial(click.argument, "name", shell_complete=_complete_names)


@profile.command("create")
@click.argument("name")
@click.option("--api-key", metavar="KEY", help="Its key; - reads a line of stdin. Asked for when left out.")
@click.option("--base-url", metavar="URL", help="Its server.  [default: the platform]")
@click.option("--use", is_flag=True, help="Make it the one used when none is named.")
@click.pass_obj
def create(options: Options, name: str, api_key: str | None, base_url: str | None, use: bool) -> None:
    """Make a profile. The key may be ${NAME}: it is read from the environment when it is used.

    `sensei login` makes one too, and checks the key first.

    \b
    Examples:
      sensei config profile create staging --base-url https://sensei.example.com
      sensei config profile create ci --api-key '${CI_SENSEI_KEY}'
    """
    from sensei.cli._ask import secret_from
    from sensei.cli._profiles import check_key_and_url, store
    from sensei.cli._result import write_result

    key = secret_from(api_key, "API key", option="--api-key")
    check_key_and_url(key, base_url)
    path = store(name, key, base_url, use=use or None, fresh=True)
    document = {"profile": name, "file": str(path)}
    write_result(options, document, ids=[name], text=f"Made the profile {name} in {path}.")


@profile.command("use")
@_known_profile()
@click.pass_obj
def use(options: Options, name: str) -> None:
    """Make NAME the profile that is used when none is named.

    \b
    Example: sensei config profile use staging
    """
    from sensei.cli._config_file import Document, change
    from sensei.cli._profiles import existing
    from sensei.cli._result import write_result

    def edit(document: Document) -> None:
        existing(document, name)
        document.pop("profile", None)
        document["current_profile"] = name

    change(edit)
    write_result(options, {"profile": name}, ids=[name], text=f"The profile in use is {name}.")


@profile.command("list")
@click.pass_obj
def list_profiles(options: Options) -> None:
    """List the profiles; keys are masked.

    \b
    Example: sensei config profile list --quiet
    """
    from sensei.cli._config_report import profile_rows
    from sensei.cli._result import Column, Listed, write_list

    rows = profile_rows(options)
    columns = [Column(name.upper().replace("_", " "), name) for name in ("name", "in_use", "url", "api_key")]
    listed = Listed([{"id": row["name"], **row} for row in rows], len(rows))
    write_list(options, listed, columns, nothing="No profiles; `sensei login` makes one.")


@profile.command("delete")
@_known_profile()
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(options: Options, name: str, yes: bool) -> None:
    """Delete a profile and the key in it. The key goes on working; `sensei api-keys delete` ends it.

    \b
    Example: sensei config profile delete staging --yes
    """
    from sensei.cli._ask import confirm
    from sensei.cli._config_file import Document, change, config_file, current_profile
    from sensei.cli._profiles import existing
    from sensei.cli._result import write_deleted
    from sensei.cli._settings import read_file

    existing(read_file(config_file()), name)
    confirm(f"Delete the profile {name} and its key?", yes=yes, refusal="nothing was deleted")

    def edit(document: Document) -> None:
        profiles = existing(document, name)
        del profiles[name]
        document["profiles"] = profiles
        if current_profile(document) == name:
            document.pop("profile", None)
            document.pop("current_profile", None)

    change(edit)
    write_deleted(options, name, "profile")
