"""What the configuration amounts to, whether it can be, and how a value of it is set."""

from __future__ import annotations

import os

from sensei.cli._ask import secret_from
from sensei.cli._config_file import Document, change, config_file, current_profile, permission_problems, profiles_of
from sensei.cli._errors import USAGE, CommandError
from sensei.cli._options import Options
from sensei.cli._profiles import check_key_and_url, chosen_name, masked, store, url_of
from sensei.cli._result import tell, write_result
from sensei.cli._settings import problems_of, read_file

_KNOWN = {"profiles", "current_profile", "profile", "output_format", "timeout", "color", "default_organization"}
_KNOWN_IN_PROFILE = {"api_key", "api_url", "base_url", "url"}


def report_of(options: Options) -> dict[str, object]:
    """What is in force, and where it comes from."""
    settings = options.settings
    document = read_file(config_file())
    name = chosen_name(options)
    profile = profiles_of(document, config_file()).get(name, {})
    key, key_from = _key_in_force(options, name, profile)
    url, url_from = _url_in_force(options, name, profile)
    return {
        "file": str(config_file()),
        "profile": name,
        "url": url,
        "url_from": url_from,
        "api_key": masked(key),
        "api_key_from": key_from,
        "output_format": options.form,
        "timeout": _default_timeout() if settings.timeout is None else settings.timeout,
        "color": settings.color,
        "default_organization": settings.default_organization,
        "profiles": {row["name"]: {"url": row["url"], "api_key": row["api_key"]} for row in profile_rows(options)},
    }


def _key_in_force(options: Options, name: str, profile: Document) -> tuple[object, str | None]:
    stored, given = profile.get("api_key"), os.environ.get("SENSEI_API_KEY")
    if stored and (options.profile or not given):
        return stored, f"profile {name}"
    return given or None, "SENSEI_API_KEY" if given else None


def _url_in_force(options: Options, name: str, profile: Document) -> tuple[str, str]:
    from sensei._config import DEFAULT_URL

    stored, given = url_of(profile), os.environ.get("SENSEI_API_URL")
    if options.profile and profile.get("api_key"):
        return (stored, f"profile {name}") if stored else (DEFAULT_URL, "default")
    if given:
        return given, "SENSEI_API_URL"
    return (stored, f"profile {name}") if stored else (DEFAULT_URL, "default")


def _default_timeout() -> float:
    from sensei._config import DEFAULT_TIMEOUT

    return DEFAULT_TIMEOUT


def profile_rows(options: Options) -> list[dict[str, object]]:
    """The profiles by name, keys masked."""
    from sensei._config import DEFAULT_URL

    document = read_file(config_file())
    used = chosen_name(options)
    return [
        {
            "name": name,
            "in_use": name == used,
            "url": url_of(members) or DEFAULT_URL,
            "api_key": masked(members.get("api_key")),
        }
        for name, members in sorted(profiles_of(document, config_file()).items())
    ]


def set_setting(options: Options, setting: str, value: str | None) -> None:
    """Write one value to the file, after checking that it can be.

    Raises:
        CommandError: It cannot.
    """
    if setting == "api-key":
        key = secret_from(value, "API key", option="sensei config set api-key KEY")
        check_key_and_url(key, None)
        name = chosen_name(options)
        path = store(name, key, None)
        shown: object = masked(key)
        what = f"api-key of profile {name}"
    else:
        if value is None:
            raise CommandError(f"sensei config set {setting} needs a VALUE", exit_code=USAGE)
        member = setting.replace("-", "_")
        shown = _seconds(value) if setting == "timeout" else value
        problems = problems_of({member: shown})
        if problems:
            raise CommandError(problems[0], exit_code=USAGE)

        def edit(document: Document) -> None:
            document[member] = shown

        path = change(edit)
        what = setting
    # The file was broken until now, perhaps: its own wishes are read only when they can be.
    form = Options(output=options.output or "table", quiet=options.quiet, file=None)
    write_result(
        form, {"setting": setting, "value": shown, "file": str(path)}, ids=[setting], text=f"Set {what} in {path}."
    )


def _seconds(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 1e9 else number


def check(options: Options, *, offline: bool) -> None:
    """Look for everything that is wrong, and ask the server.

    Raises:
        CommandError: Something is wrong with the file.
        SenseiError: The server refuses the key or does not answer.
    """
    from sensei._config import parse_url, read_profile
    from sensei.cli._server import open_client
    from sensei.cli._wording import in_words
    from sensei.errors import ConfigurationError

    path = config_file()
    document = read_file(path)
    problems = [f"{path}: {one}" for one in problems_of(document)] + permission_problems(path)
    profiles = profiles_of(document, path)
    named = document.get("current_profile") or document.get("profile")
    if named and current_profile(document) not in profiles:
        problems.append(f"{path}: the profile in use, {str(named)[:64]!r}, is not there")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for name, members in profiles.items():
        try:
            found = read_profile(text, name, path, os.environ)
            check_key_and_url(found.api_key or "none", None)
            if found.url:
                parse_url(found.url)
        except ConfigurationError as error:
            problems.append(f"profile {name!r}: {in_words(error, {'base_url': 'api_url'})}")
        problems += [
            f"{path}: profile {name!r} has an unknown member {str(member)[:60]!r}"
            for member in members.keys() - _KNOWN_IN_PROFILE
        ]
    problems += [f"{path}: unknown member {str(member)[:60]!r}" for member in document.keys() - _KNOWN]
    for one in problems[:-1]:
        tell(f"Error: {one}")
    if problems:
        raise CommandError(problems[-1], exit_code=USAGE)
    server = None
    if not offline:
        with open_client(options) as client:
            client.migrations.list(limit=1)
            server = str(client.base_url)
    result = {"file": str(path), "exists": path.exists(), "valid": True, "url": server}
    said = f"{path} is in order." if path.exists() else f"There is no {path}; the environment and defaults hold."
    accepted = f" {server} accepts the key." if server else ""
    write_result(options, result, ids=["valid"], text=said + accepted)
