"""Applications as a person registers them: in one line at the start of the server, or in a file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from sensei.server.oauth.clients import is_loopback
from sensei.server.schemas.access import Scopes
from sensei.server.settings import OAuthApplication

_LEAST_SECRET = 20
_SCOPES = ("migrations:*", "connections:*", "validation:*", "webhooks:*", "billing:read")
"""The most that an application may ask for: all but keys and accounts."""


def application(text: str, environment: str) -> OAuthApplication:
    """The public client that ``NAME=REDIRECT_URI`` means; its id follows from the name, so it is the same next time.

    Raises:
        ValueError: The text means none.

    Examples:
        >>> application("Monthly reports=https://reports.example/callback", "sandbox").client_id
        'monthly-reports'
    """
    name, _, uri = (part.strip() for part in text.partition("="))
    client_id = _id_of(name)
    if not client_id or not uri or not name.isprintable() or len(name) > 100:
        raise ValueError(
            "an application is given as NAME=REDIRECT_URI, such as Reports=https://reports.example/callback"
        )
    if not _is_redirect_uri(uri):
        raise ValueError(
            f"the redirect URI of {name!r} must be https, or http on 127.0.0.1 or [::1], and have no fragment"
        )
    return OAuthApplication(
        client_id=client_id, name=name, redirect_uris=(uri,), scopes=_SCOPES, environment=environment
    )


def applications_in(file: Path, environment: str) -> tuple[OAuthApplication, ...]:
    """The applications that a TOML file registers, each in a table of its own called ``[[application]]``.

    Parameters:
        file: The file; with secrets in it, only its owner should be able to read it.
        environment: Where their tokens act.

    Raises:
        ValueError: The file cannot be read, or an application in it is not as it has to be. Secrets are never quoted.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror or error}") from None
    except tomllib.TOMLDecodeError as error:
        # Of the driver's words only the place: they may quote a secret.
        place = re.search(r"line \d+", str(error))
        raise ValueError(f"{file} is no TOML{f' ({place[0]})' if place else ''}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is no UTF-8 text") from None
    try:
        given = _FILE.validate_python(document).application
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{file}: {where}: {first['msg']}") from None
    found = tuple(
        OAuthApplication(
            client_id=one.client_id or _id_of(one.name),
            name=one.name,
            redirect_uris=tuple(one.redirect_uris),
            scopes=tuple(one.scopes),
            client_secret=one.client_secret,
            environment=environment,
        )
        for one in given
    )
    for app in found:
        if not app.client_id:
            raise ValueError(f"{file}: {app.name!r} needs a client_id")
    return found


def without_repeats(applications: tuple[OAuthApplication, ...]) -> tuple[OAuthApplication, ...]:
    """The same applications.

    Raises:
        ValueError: Two of them have the same client id.
    """
    known: set[str] = set()
    for app in applications:
        if app.client_id in known:
            raise ValueError(
                f"two applications are the OAuth client {app.client_id!r}; give one a client_id of its own"
            )
        known.add(app.client_id)
    return applications


def _id_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _is_redirect_uri(uri: str) -> bool:
    if not uri.isascii() or any(character <= " " or character in '\\"<>' for character in uri):
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.fragment or "#" in uri or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def _redirect_uri(uri: str) -> str:
    if not _is_redirect_uri(uri):
        raise PydanticCustomError("format", "must be https, or http on 127.0.0.1 or [::1], and have no fragment")
    return uri


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise PydanticCustomError("format", "must be a printable text without blanks around it")
    return text


class _Registered(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,100}$")] | None = None
    redirect_uris: Annotated[list[Annotated[str, AfterValidator(_redirect_uri)]], Field(min_length=1)]
    scopes: Scopes = list(_SCOPES)
    client_secret: Annotated[str, Field(pattern=rf"^[!-~]{{{_LEAST_SECRET},200}}$")] | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    application: Annotated[list[_Registered], Field(min_length=1)]


_FILE = TypeAdapter(_File)
