"""What stands in a `migration.yaml`, as the API wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, cast

from sensei.cli._errors import USAGE, CommandError

if TYPE_CHECKING:
    from sensei.models.params.migrations import MigrationCreateBody

Role = Literal["source", "target"]

_SHORT = {"slack": "slack_channel", "events": "on_events"}


def migration_of(document: Mapping[str, object], find: Callable[[str, Role], str]) -> MigrationCreateBody:
    """Write out the short forms of a definition. What the values may be, the SDK checks.

    Args:
        document: As it stands in the file.
        find: Gives the id of the connection that an id or a name means.

    Raises:
        CommandError: An end is missing, or something is given twice; the message has its name.

    Examples:
        >>> definition = {"name": "Move", "source": {"connection": "Shop"}, "target": {"connection": "New"}}
        >>> migration_of(definition, lambda name, role: f"conn_{role}")["source"]
        {'connection_id': 'conn_source'}
    """
    made = dict(document)
    for role in ("source", "target"):
        made[role] = _end(made.get(role), role, find)
    if "notifications" in made:
        made["notifications"] = _notifications(made["notifications"])
    return cast("MigrationCreateBody", made)


def _end(given: object, role: Role, find: Callable[[str, Role], str]) -> dict[str, object]:
    if given is None:
        raise _refused(f"{role} is missing: give it a connection, by id or name")
    end = _members(given, role)
    named = end.pop("connection", None)
    if named is None:
        return end
    if "connection_id" in end:
        raise _refused(f"{role}: connection and connection_id mean the same; give one of them")
    if not isinstance(named, str) or not named.strip():
        raise _refused(f"{role}.connection must be the id or the name of a connection")
    return {"connection_id": find(named, role), **end}


def _notifications(given: object) -> dict[str, object]:
    wanted = _members(given, "notifications")
    for short, name in _SHORT.items():
        if short in wanted and name in wanted:
            raise _refused(f"notifications: {short} and {name} mean the same; give one of them")
    return {_SHORT.get(name, name): value for name, value in wanted.items()}


def _members(given: object, name: str) -> dict[str, object]:
    if not isinstance(given, Mapping):
        raise _refused(f"{name} must be a mapping of members")
    return dict(cast("Mapping[str, object]", given))


def _refused(reason: str) -> CommandError:
    return CommandError(reason, exit_code=USAGE)


def with_options(
    definition: Mapping[str, object],
    *,
    name: str | None,
    source: str | None,
    target: str | None,
    schemas: str | None,
) -> dict[str, object]:
    """Put what was given as options into a definition, in place of what it says.

    Examples:
        >>> with_options({"name": "Old"}, name="New", source="Shop", target=None, schemas="a, b")
        {'name': 'New', 'source': {'connection': 'Shop', 'schemas': ['a', 'b']}}
    """
    made = dict(definition)
    if name is not None:
        made["name"] = name
    for role, given in (("source", source), ("target", target)):
        if given is not None:
            rest = _members(made.get(role, {}), role)
            for way in ("connection", "connection_id", "type", "connection_string"):
                rest.pop(way, None)
            made[role] = {"connection": given, **rest}
    if schemas is not None:
        end = _members(made.get("source", {}), "source")
        end.pop("schema", None)
        made["source"] = {**end, "schemas": parts_of(schemas, "--schemas")}
    return made


def parts_of(text: str, option: str) -> list[str]:
    """The parts of a list with commas.

    Raises:
        CommandError: One of them is empty.

    Examples:
        >>> parts_of("sales, hr", "--schemas")
        ['sales', 'hr']
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise CommandError(f"{option}: a name between the commas is missing", exit_code=USAGE)
    return parts
