"""Where the settings of a client come from: arguments, the environment, a profile, defaults, in this order."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import urlsplit

from sensei._arguments import check_kind
from sensei._name_clash import warn_about_name_clash
from sensei._redact import concealed, mask_text, revealed
from sensei._version import __version__
from sensei.errors import ConfigurationError

if TYPE_CHECKING:
    from sensei.auth import Credentials

DEFAULT_URL = "https://api.sensei.ai/v1"
DEFAULT_TIMEOUT = 60.0
"""Seconds for one attempt."""

KeyFunction = Callable[[], str]
"""A function that gives the API key."""

AsyncKeyFunction = Callable[[], str | Awaitable[str]]
"""A function that gives the API key, at once or awaited."""

ApiKey = str | AsyncKeyFunction


class Server(NamedTuple):
    """Where to send calls: an origin and a path prefix.

    Attributes:
        scheme: `http` or `https`.
        host: name or address, without brackets.
        port: as a number, or None for that of the scheme.
        prefix: what comes before every path, without a slash at its end.
    """

    scheme: str
    host: str
    port: int | None
    prefix: str

    @property
    def netloc(self) -> str:
        """Host and port as they stand in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def url(self) -> str:
        """The base URL."""
        return self.origin + self.prefix

    @property
    def is_loopback(self) -> bool:
        """True when it is this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        if not (self.host[:1].isdigit() or ":" in self.host):
            return False
        from ipaddress import ip_address

        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def auth_server(self) -> Server:
        """Where the OAuth endpoints are: outside /v1, and for the hosted platform on a host of their own."""
        if self.origin == "https://api.sensei.ai":
            return Server("https", "auth.sensei.ai", None, "/oauth")
        return Server(self.scheme, self.host, self.port, "/oauth")


def parse_url(url: str, *, allow_insecure: bool = False) -> Server:
    """The server that `url` names, with or without `/v1`.

    Raises:
        ConfigurationError: it is no http(s) URL, carries more than an origin and a path, or would send the
            credential in the clear.
    """
    check_kind("base_url", url, str, "a str")
    url = concealed(url)  # it may have a user part, and reports of crashes print the variables of this frame
    server = _server_of(url)
    if isinstance(server, str):
        raise ConfigurationError(server)
    if server.scheme == "http" and not server.is_loopback and not allow_insecure:
        raise ConfigurationError(
            f"{server.origin} is plain http, which would show the credential to everyone on the way: use https, "
            "or pass allow_insecure=True"
        )
    return server


def _server_of(url: str) -> Server | str:
    """The server, or what is wrong with `url`; told in this way, no traceback passes its parts."""
    shown = repr(mask_text(url)[:100]) if "@" not in url else "(a URL with a user part)"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = (
            (parts.hostname or "").encode("ascii").decode()
            if (parts.hostname or "").isascii()
            else _idna(parts.hostname)
        )
    except ValueError as error:
        return f"base_url {shown} is no URL: {error if '@' not in url else 'its host or port cannot be read'}"
    if parts.scheme not in {"http", "https"} or not host:
        return f"base_url {shown} must be a full URL such as {DEFAULT_URL}"
    if not _HOST(host) or port == 0 or any(character <= " " for character in url.strip()):
        return f"base_url {shown} has a host or port that none can have"
    if parts.username is not None or parts.password is not None:
        return "base_url must not carry a user or password: give the key as api_key="
    if parts.query or parts.fragment:
        return f"base_url {shown} must end with its path: no query, no fragment"
    prefix = parts.path.rstrip("/")
    if any(character <= " " or character > "~" for character in prefix):
        return f"base_url {shown} has a path with blanks or characters outside ASCII: quote them"
    if not prefix.endswith("/v1"):
        prefix += "/v1"
    if port == {"http": 80, "https": 443}[parts.scheme]:
        port = None
    return Server(parts.scheme, host, port, prefix)


def _idna(host: str | None) -> str:
    try:
        return (host or "").encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"the host name is not valid ({error.__class__.__name__})") from None


_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?"
).fullmatch
"""Names, and addresses with their zone. The parser of URLs lets through more."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client needs to know before its first call.

    Attributes:
        server: where the API is.
        api_key: the key or the function that gives it; None when `credentials` are used.
        credentials: what tokens are made from; None when a key is used.
    """

    server: Server
    api_key: ApiKey | None = field(repr=False)
    credentials: Credentials | None


def resolve(
    api_key: ApiKey | None,
    *,
    credentials: Credentials | None,
    base_url: str | None,
    profile: str | None,
    allow_insecure: bool,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Put the settings together.

    Raises:
        ConfigurationError: no key was found, two were given, a URL or profile is bad, or a key that belongs to one
            server would go to another.
    """
    warn_about_name_clash()
    # Reports of crashes print these variables.
    api_key, credentials, environ = concealed(api_key), concealed(credentials), concealed(environ)
    base_url = concealed(base_url)
    check_kind("allow_insecure", allow_insecure, bool, "True or False")
    if profile is not None:
        check_kind("profile", profile, str, "a str")
    if api_key is not None and credentials is not None:
        raise ConfigurationError("give either api_key or credentials, not both")
    env_url = environ.get("SENSEI_API_URL") or None
    env_key = environ.get("SENSEI_API_KEY") or None
    own = api_key is not None or credentials is not None
    stored = _profile(
        profile or revealed(environ.get("SENSEI_PROFILE")) or None,
        explicit=profile is not None,
        environ=environ,
        needed=not ((own or env_key) and (base_url or env_url)),
    )
    named_url = env_url or concealed(stored.url) or DEFAULT_URL
    server = parse_url(base_url if base_url is not None else named_url, allow_insecure=allow_insecure)
    if own:
        return Settings(server, None if api_key is None else check_key(api_key), credentials)

    found, source, home = (
        (env_key, "$SENSEI_API_KEY", named_url)
        if env_key
        else (concealed(stored.api_key), f"the key of profile {stored.name!r}", concealed(stored.url) or named_url)
    )
    if not found:
        raise ConfigurationError(
            "no API key: pass api_key=, set SENSEI_API_KEY, or name a profile of ~/.sensei/config.yaml",
            code="no_api_key",
        )
    home_server = parse_url(home, allow_insecure=True)
    if home_server.origin != server.origin:
        raise ConfigurationError(
            f"{source} is for {home_server.origin} and is not sent to {server.origin}: pass api_key= for that server"
        )
    return Settings(server, check_key(found, source), None)


def check_key(key: object, source: str = "api_key") -> ApiKey:
    """`key`, when it can stand in a header.

    Raises:
        ConfigurationError: it is empty, or holds blanks or characters that no key has. It is not shown.
    """
    if callable(key):
        return cast("Callable[[], str]", key)
    if not isinstance(key, str):
        raise ConfigurationError(f"{source} must be a str or a function that returns one, not {type(key).__name__}")
    if not key.strip():
        raise ConfigurationError(f"{source} is empty")
    if not key.isascii() or any(character <= " " or character > "~" for character in key):
        raise ConfigurationError(f"{source} holds blanks or characters that no key has: check how it was copied")
    return key


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile of `~/.sensei/config.yaml`."""

    name: str
    api_key: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file: `~/.sensei/config.yaml`."""
    home = revealed(environ.get("HOME") or environ.get("USERPROFILE"))
    try:
        folder = Path(home) if home else Path.home()
    except RuntimeError:  # a container may run as a user that nobody has heard of
        folder = Path("~")
    return folder / ".sensei" / "config.yaml"


def _profile(name: str | None, *, explicit: bool, environ: Mapping[str, str], needed: bool) -> Profile:
    """The profile `name`, or the one the file says is current. The file is not opened unless something is missing."""
    nothing = Profile(name or "default")
    if not (needed or explicit):
        return nothing
    path = config_path(environ)
    try:
        text = concealed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if name is None:
            return nothing
        raise ConfigurationError(f"there is no profile {name!r}: {path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        if name is None and isinstance(error, PermissionError) and not _can_be_seen(path):
            return nothing
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    return read_profile(text, name, path, environ)


def _can_be_seen(path: Path) -> bool:
    """False in a folder of somebody else, as the HOME of a container that runs as another user than it was made for."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def read_config(text: str, path: Path) -> dict[str, object]:
    """The text of a configuration file as a mapping, empty for an empty file.

    Raises:
        ConfigurationError: the text is no YAML mapping.
    """
    try:
        import yaml
    except ModuleNotFoundError:
        raise ConfigurationError(
            f'reading {path} needs PyYAML: pip install "sensei-sdk[cli]", or pass api_key= and base_url='
        ) from None
    text = concealed(text)  # reports of crashes print the variables of this frame
    try:
        loaded: object = concealed(yaml.safe_load(text) or {})
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError):  # all seen from it
        loaded = None
    if loaded is None:  # out here, or the error of YAML, which quotes the text, would be the context of this one
        raise ConfigurationError(f"{path} is not valid YAML")
    return cast("dict[str, object]", revealed(_mapping(loaded, f"{path}", path)))


def read_profile(text: str, name: str | None, path: Path, environ: Mapping[str, str]) -> Profile:
    """The profile `name` out of the text of a configuration file; the current one when `name` is None.

    Raises:
        ConfigurationError: the text is no YAML mapping, or holds no such profile.
    """
    text, environ = concealed(text), concealed(environ)
    config = concealed(read_config(text, path))
    profiles = _mapping(config.get("profiles") or {}, "profiles", path)
    current = name or _text(config.get("current_profile") or config.get("profile"), "current_profile", path, environ)
    chosen = current or "default"
    if chosen not in profiles:
        if name is not None:
            known = ", ".join(sorted(map(str, profiles))) or "none"
            raise ConfigurationError(f"there is no profile {name!r} in {path}; it has: {known}")
        return Profile(chosen)
    members = _mapping(profiles[chosen], f"profile {chosen!r}", path)
    url = members.get("api_url") or members.get("base_url") or members.get("url")
    return Profile(
        chosen,
        _text(members.get("api_key"), f"api_key of profile {chosen!r}", path, environ),
        _text(url, f"api_url of profile {chosen!r}", path, environ),
    )


def _mapping(value: object, what: str, path: Path) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{what} must be a mapping in {path}")
    return concealed(cast("Mapping[str, object]", value))


def _text(value: object, what: str, path: Path, environ: Mapping[str, str]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"{what} must be text in {path}")

    def variable(found: re.Match[str]) -> str:
        escaped, name = found[1], found[2]
        if escaped:
            return found[0][1:]
        if name not in environ:
            raise ConfigurationError(f"{what} in {path} asks for ${name}, which is not set")
        return environ[name]

    return re.sub(r"\$(\$?)\{([^{}]*)\}", variable, revealed(value))


_APP_INFO = "app_info must be a tuple of name and version, printable ASCII"


def user_agent(app_info: tuple[str, ...] = ()) -> str:
    """The `User-Agent` header, with the user's own program first.

    Raises:
        ConfigurationError: the program's name or version cannot stand in a header.
    """
    parts = cast("tuple[object, ...]", app_info)
    if not isinstance(cast("object", app_info), tuple) or not all(isinstance(part, str) for part in parts):
        raise ConfigurationError(_APP_INFO)
    return _user_agent(app_info)


@cache
def _user_agent(app_info: tuple[str, ...]) -> str:
    own = f"sensei-python/{__version__} python/{'.'.join(map(str, sys.version_info[:3]))} {sys.platform}"
    if not app_info:
        return own
    app = "/".join(app_info)
    if len(app_info) > 2 or not all(app_info) or not app.isascii() or not app.isprintable():
        raise ConfigurationError(_APP_INFO)
    return f"{app} {own}"
