"""Request bodies, checked before they travel: what the server is bound to refuse is refused here, by name.

The types of `sensei.models.params` say what is right; this module turns them into checks and messages. A message
names the member and never repeats its value, which may be a password.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError
from typing_extensions import is_typeddict

from sensei._redact import concealed, revealed
from sensei._request import UNSET, Unset
from sensei.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

JsonBody = dict[str, object]


def checked(shape: type, **members: object) -> JsonBody:
    """A request body: `members` without those that are UNSET, checked against `shape`.

    Args:
        shape: a TypedDict of `sensei.models.params`.
        members: the arguments of a method, concealed or not.

    Returns:
        A copy down to the last list, so that what the caller changes later changes nothing here.

    Raises:
        InvalidArgumentError: a member is missing, unknown, or has a value that the contract does not allow.

    Examples:
        >>> from sensei.models.params.migrations import MigrationPauseBody
        >>> checked(MigrationPauseBody, reason="Lunch", immediate=UNSET)
        {'reason': 'Lunch'}
    """
    given = {name: value for name, value in members.items() if value is not UNSET}
    try:
        return cast("JsonBody", _adapter(shape).validate_python(_plain(given)))
    except ValidationError as error:
        problem = _explain(error, shape, _plain(given))
    # Out here, or the error of pydantic, which holds the values, would be the context of this one.
    raise InvalidArgumentError(problem)


def changed(shape: type, **members: object) -> JsonBody:
    """Like `checked`, for a PATCH, which must change something."""
    body = checked(shape, **members)
    if not body:
        raise InvalidArgumentError("nothing to change: give at least one of " + ", ".join(members))
    return body


def optional(shape: type, **members: object) -> JsonBody | Unset:
    """Like `checked`, for a body that is left out when nothing was given."""
    return checked(shape, **members) or UNSET


def members(body: JsonBody, name: str) -> list[JsonBody]:
    """The dictionaries of a checked list."""
    return cast("list[JsonBody]", body[name])


def check_page(params: Mapping[str, object]) -> None:
    """Check the size and the place of a page.

    Raises:
        InvalidArgumentError: `limit` is not 1 to 100, or `offset` is below 0.
    """
    for name, least, most in (("limit", 1, 100), ("offset", 0, None)):
        value = params.get(name)
        if value is None:
            continue
        if type(value) is not int or value < least or (most is not None and value > most):
            raise InvalidArgumentError(f"{name} must be {f'{least} to {most}' if most else f'{least} or more'}")


def check_config(kind: str, config: Mapping[str, object] | object) -> None:
    """Check the `config` of a connection against its type; a type that this version does not know passes.

    Raises:
        InvalidArgumentError: a member is missing, unknown or wrong.
    """
    from sensei.models.params.connections import CONFIGS, NEEDED

    if not isinstance(config, Mapping) or kind not in CONFIGS:
        return
    given = concealed(cast("Mapping[str, object]", config))
    shape = cast("type", CONFIGS[kind])
    problem: str | None = None
    try:
        _adapter(shape).validate_python(dict(revealed(given)))
    except ValidationError as error:
        problem = _explain(error, shape, revealed(given), "config.")
    if problem is not None:
        raise InvalidArgumentError(problem)
    if "service_name" in given and "sid" in given:
        raise InvalidArgumentError("config: give service_name or sid, not both")
    missing = [group for group in NEEDED[kind] if not any(name in given for name in group)]
    if missing and "connection_string" not in given:
        names = " or ".join(f"config.{name}" for name in missing[0])
        raise InvalidArgumentError(f"{names} is required for {kind}, or config.connection_string instead")


def check_schedule(schedule: Mapping[str, object] | object) -> None:
    """Check that a schedule says when: at a time, or in windows.

    Raises:
        InvalidArgumentError: it says neither.
    """
    when = ("start_at", "maintenance_window", "maintenance_windows")
    if isinstance(schedule, Mapping) and not any(name in schedule for name in when):
        raise InvalidArgumentError(f"a schedule needs one of {', '.join(when)}")


def check_rollback(body: Mapping[str, object]) -> None:
    """Check that a rollback has what its strategy and its scope need.

    Raises:
        InvalidArgumentError: something is missing.
    """
    for member, value, needed in (
        ("strategy", "point_in_time", "restore_to"),
        ("strategy", "backup_restore", "backup_id"),
        ("scope", "phase", "phase"),
        ("scope", "tables", "tables"),
    ):
        if body.get(member) == value and needed not in body:
            raise InvalidArgumentError(f"{needed} is required with {member}={value!r}")


def check_decision(change: Mapping[str, object], where: str = "") -> None:
    """Check that a mapping is decided once, by `status` or by `approved`, and that something changes at all.

    Raises:
        InvalidArgumentError: both are given, or nothing but the id.
    """
    at = f"{where}: " if where else ""
    if "status" in change and "approved" in change:
        raise InvalidArgumentError(f"{at}give status or approved, not both")
    if not change.keys() - {"id"}:
        raise InvalidArgumentError(f"{at}nothing to change: give status, transformation or target beside the id")


def _plain(given: dict[str, object]) -> dict[str, object]:
    """`given` as pydantic is to see it: it takes no text of another class for one of its literals."""
    return {name: revealed(value) for name, value in given.items()}


@lru_cache(maxsize=128)
def _adapter(shape: type) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _explain(error: ValidationError, shape: type, given: Mapping[str, object], prefix: str = "") -> str:
    found = [(_path(one, given), one) for one in error.errors(include_url=False, include_input=False)]
    # Of the branches of a union, the one that got furthest is the one that was meant; a misspelt name explains most.
    path, first = max(found, key=lambda item: (len(item[0]), item[1]["type"] == "extra_forbidden"))
    where = prefix + ".".join(_shown(part) for part in path)
    others = len({tuple(path) for path, _ in found}) - 1
    more = f" (and {others} more)" if others else ""
    if len({one["type"] for other, one in found if other == path and one["type"].endswith("_type")}) > 1:
        return f"{where} has a value of the wrong type" + more
    return _sentence(where, path, first, shape) + more


def _shown(part: str | int) -> str:
    text = str(part)
    return text if text.replace("_", "").isalnum() and len(text) <= 60 else ascii(text[:60])


def _path(error: ErrorDetails, given: object) -> list[str | int]:
    """The location without what pydantic puts in for the branches of a union."""
    path: list[str | int] = []
    here = given
    for index, part in enumerate(error["loc"]):
        if isinstance(here, Mapping) and part in here:
            here = cast("Mapping[object, object]", here)[part]
        elif isinstance(part, int) and isinstance(here, list | tuple) and part < len(cast("list[object]", here)):
            here = cast("list[object]", here)[part]
        elif not (index == len(error["loc"]) - 1 and error["type"] == "missing"):
            continue
        path.append(part)
    return path


def _sentence(where: str, path: list[str | int], error: ErrorDetails, shape: type) -> str:
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "missing":
            return f"{where} is required"
        case "extra_forbidden":
            from difflib import get_close_matches

            names = sorted(_names(shape, path[:-1]))
            close = get_close_matches(str(path[-1]), names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"
            return f"{where} is unknown: {hint}"
        case "string_too_short" if context.get("min_length") == 1:
            return f"{where} is empty"
        case "dict_type":
            return f"{where} must be a dictionary"
        case "timezone_aware":
            return f"{where} has no time zone: pass an aware datetime, e.g. with tzinfo=UTC"
        case "sequence_str":
            return f"{where} must be a list of texts, not a single one"
        case _:
            message = error["msg"].replace("Input should", "must").replace("String should", "must")
            for noun in ("List", "Sequence", "Value", "Data", "Tuple"):
                message = message.replace(f"{noun} should", "must")
            return f"{where} {message}"


def _names(shape: object, path: list[str | int]) -> set[str]:
    """Names of the members that the TypedDicts at `path` have."""
    shapes = [shape]
    for part in path:
        shapes = [
            inner
            for outer in shapes
            for one in _typed_dicts(outer)
            for inner in ([get_type_hints(one, include_extras=True).get(part)] if isinstance(part, str) else [one])
            if inner is not None
        ]
    return {name for outer in shapes for one in _typed_dicts(outer) for name in get_type_hints(one)}


def _typed_dicts(shape: object) -> Iterator[type]:
    if is_typeddict(shape):
        yield cast("type", shape)
    for argument in get_args(shape):
        yield from _typed_dicts(argument)
