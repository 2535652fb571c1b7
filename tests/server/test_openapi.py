"""The server's own description, made from the code that answers, says what the contract says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sensei.server.app import create_app
from sensei.server.settings import Settings
from tests.support.contract import document

Schema = dict[str, Any]
Found = tuple[str, str]

OAUTH = {"/oauth/authorize", "/oauth/token", "/oauth/revoke", "/oauth/introspect"}
"""Outside /v1, with bodies of RFC 6749; `test_oauth` has them."""

_AS_SIGNED = "sent byte for byte as it was signed or rendered, so no type describes it"
_BY_FUNCTION = "held to the contract by a function, which a description cannot show; other tests call it"

KNOWN: dict[Found, str] = {
    ("certificates.get", "answer 200"): _AS_SIGNED,
    ("certificates.download", "answer 200"): _AS_SIGNED,
    ("validations.certificate.get", "answer 200"): _AS_SIGNED,
    ("validations.report.get", "answer 200"): _AS_SIGNED,
    ("webhooks.create", "body.events[] pattern"): _BY_FUNCTION,
    ("webhooks.update", "body.events[] pattern"): _BY_FUNCTION,
    ("webhooks.bulk_create", "body.webhooks[] required"): "each item is checked alone, for one may fail",
    ("webhooks.bulk_create", "body.webhooks[] members"): "each item is checked alone, for one may fail",
    ("webhooks.test", "body.event_type values"): _BY_FUNCTION,
    ("api_keys.create", "body.scopes[] values"): _BY_FUNCTION,
    ("api_keys.update", "body.scopes[] values"): _BY_FUNCTION,
    ("service_accounts.create", "body.scopes[] values"): _BY_FUNCTION,
}
"""Differences that are meant, with the reason."""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    app = create_app(Settings(state=tmp_path_factory.mktemp("openapi") / "state.db"))
    described = app.openapi()
    app.state.runtime.store.close()
    return described


def test_every_operation_is_there_and_no_other(ours: Schema) -> None:
    wanted = {path: set(_operations(item)) for path, item in document()["paths"].items() if path not in OAUTH}
    assert {path: set(_operations(item)) for path, item in ours["paths"].items()} == wanted


def test_there_is_no_difference_beyond_the_known_ones(ours: Schema) -> None:
    found = dict(_differences(ours))
    assert {key: text for key, text in found.items() if key not in KNOWN} == {}
    assert set(KNOWN) <= set(found), "a known difference is gone: take it from the list"


def _differences(ours: Schema) -> Iterator[tuple[Found, str]]:
    theirs = document()
    for path, item in theirs["paths"].items():
        for method, wanted in _operations(item).items():
            made = ours["paths"].get(path, {}).get(method)
            if made is None:
                continue
            id_ = wanted["operationId"]
            for what, text in _compare(_Side(theirs, wanted), _Side(ours, made)):
                yield (id_, what), text


def _compare(theirs: _Side, ours: _Side) -> Iterator[Found]:
    for name in ("operationId", "x-scope"):
        if theirs.operation[name] != ours.operation[name]:
            yield name, f"{theirs.operation[name]} is {ours.operation[name]}"
    if theirs.parameters() != ours.parameters():
        yield "parameters", f"{sorted(theirs.parameters() ^ ours.parameters())}"
    if theirs.statuses() != ours.statuses():
        yield "statuses", f"{sorted(theirs.statuses() ^ ours.statuses())}"
    for status, codes in theirs.operation["x-errors"].items():
        described = set(ours.operation["responses"].get(status, {}).get("x-codes", ()))
        if described != set(codes):
            yield f"codes of {status}", f"{sorted(described ^ set(codes))}"
    if theirs.body_is_required() != ours.body_is_required():
        yield "body required", f"{theirs.body_is_required()} is {ours.body_is_required()}"
    if theirs.body() is not None and ours.body() is not None:
        yield from _compare_bodies("body", theirs, theirs.body() or {}, ours, ours.body() or {}, exact=True)
    for status in theirs.statuses():
        wanted, made = theirs.answer(status), ours.answer(status)
        if (wanted is None) != (made is None):
            yield f"answer {status}", f"{'nothing' if made is None else 'something'} is described"
        elif wanted is not None and made is not None:
            yield from _compare_bodies(f"answer {status}", theirs, wanted, ours, made, exact=False)


def _compare_bodies(
    where: str, theirs: _Side, wanted: Schema, ours: _Side, made: Schema, *, exact: bool, depth: int = 0
) -> Iterator[Found]:
    """Required members, and of requests all members; below objects and arrays too."""
    wanted, made = theirs.flat(wanted), ours.flat(made)
    needed = set(wanted.get("required", ())) | (set() if exact else set(wanted.get("x-server-sends", ())))
    said = set(made.get("required", ()))
    if exact and needed != said:
        yield f"{where} required", f"{sorted(needed ^ said)}"
    elif not exact and not needed <= said and made.get("properties"):
        yield f"{where} required", f"{sorted(needed - said)} may be missing"
    properties, described = wanted.get("properties", {}), made.get("properties", {})
    if exact and properties and set(properties) != set(described):
        yield f"{where} members", f"{sorted(set(properties) ^ set(described))}"
    if not exact and described and properties and not set(described) <= set(properties):
        yield f"{where} members", f"{sorted(set(described) - set(properties))} are not in the contract"
    for name in set(properties) & set(described):
        if depth < 4:
            yield from _compare_bodies(
                f"{where}.{name}", theirs, properties[name], ours, described[name], exact=exact, depth=depth + 1
            )
    if "items" in wanted and "items" in made and depth < 4:
        yield from _compare_bodies(
            f"{where}[]", theirs, wanted["items"], ours, made["items"], exact=exact, depth=depth + 1
        )
    known = set(
        wanted.get("x-extensible-enum") or wanted.get("enum") or ([wanted["const"]] if "const" in wanted else ())
    )
    taken = set(made.get("enum") or ([made["const"]] if "const" in made else ()))
    if exact and known != taken and all(isinstance(value, str) for value in known | taken):
        yield f"{where} values", f"{sorted(known ^ taken)}"
    for limit in ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"):
        if exact and wanted.get(limit) != made.get(limit):
            yield f"{where} {limit}", f"{wanted.get(limit)} is {made.get(limit)}"


class _Side:
    """One of the two documents at one operation."""

    def __init__(self, root: Schema, operation: Schema) -> None:
        self.root = root
        self.operation = operation

    def follow(self, node: Schema) -> Schema:
        while "$ref" in node:
            found: Any = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = {**found, **{name: value for name, value in node.items() if name != "$ref"}}
        return node

    def parameters(self) -> set[tuple[str, str, bool]]:
        followed = [self.follow(one) for one in self.operation.get("parameters", ())]
        followed += [self.follow(one) for one in self._path_parameters()]
        return {(one["in"], one["name"], one.get("required", False)) for one in followed}

    def _path_parameters(self) -> list[Schema]:
        for item in self.root["paths"].values():
            if self.operation in item.values():
                found: list[Schema] = item.get("parameters", [])
                return found
        return []

    def statuses(self) -> set[str]:
        return set(self.operation["responses"])

    def body_is_required(self) -> bool | None:
        body = self.operation.get("requestBody")
        return None if body is None else bool(body.get("required", False))

    def body(self) -> Schema | None:
        body = self.operation.get("requestBody")
        return None if body is None else body["content"]["application/json"]["schema"]

    def answer(self, status: str) -> Schema | None:
        content = self.follow(self.operation["responses"][status]).get("content", {})
        return content.get("application/json", {}).get("schema")

    def flat(self, schema: Schema) -> Schema:
        """A schema with its references, `allOf` and the null of a choice resolved; variants are put together."""
        schema = self.follow(schema)
        parts = [part for part in schema.get("allOf", ()) if "if" not in part]
        choices = [
            c for c in [*schema.get("oneOf", ()), *schema.get("anyOf", ())] if self.follow(c).get("type") != "null"
        ]
        if len(choices) == 1:
            parts.append(choices[0])
        merged = dict(schema)
        for part in parts:
            flat = self.flat(part)
            merged = {
                **flat,
                **merged,
                "properties": {**flat.get("properties", {}), **merged.get("properties", {})},
                "required": [*flat.get("required", ()), *merged.get("required", ())],
            }
        return merged


def _operations(item: Schema) -> Schema:
    return {method: op for method, op in item.items() if isinstance(op, dict) and "operationId" in op}
