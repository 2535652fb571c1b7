"""The application described as OpenAPI, made from the same functions and types that answer.

A test compares it with the contract and lists every difference, so it must not be copied from there.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from sensei.server.errors import STATUS_BY_CODE
from sensei.server.http.operation import Answer, Download, Registered, Stream

_REF = "#/components/schemas/{model}"
_NO_SCOPE_CODES = ("rate_limited", "internal_error", "service_unavailable")


class ErrorBody(TypedDict):
    """Why something did not work."""

    code: str
    message: str
    request_id: str


class ErrorAnswer(TypedDict):
    """The body of every failure."""

    error: ErrorBody


def describe(title: str, version: str, operations: list[Registered]) -> dict[str, Any]:
    """The OpenAPI document of these operations; paths are relative to ``/v1``."""
    wanted: list[tuple[Any, typing.Literal["validation", "serialization"], TypeAdapter[Any]]] = [
        ("error", "serialization", TypeAdapter(ErrorAnswer))
    ]
    for one in operations:
        hints = _hints(one)
        if "body" in hints:
            wanted.append(((one.operation.id, "body"), "validation", TypeAdapter(hints["body"])))
        if "query" in hints:
            wanted.append(((one.operation.id, "query"), "validation", TypeAdapter(hints["query"])))
        wanted.extend(
            ((one.operation.id, "answer"), "serialization", TypeAdapter(type_)) for type_ in _json_answers(one, hints)
        )
    schemas, shared = TypeAdapter.json_schemas(wanted, by_alias=True, ref_template=_REF)
    made = {key: schema for (key, _), schema in schemas.items()}
    components = shared.get("$defs", {})
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        path = one.path.removeprefix("/v1")
        paths.setdefault(path, {})[one.method.lower()] = _operation(one, made, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(one: Registered, made: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    operation = one.operation
    described: dict[str, Any] = {
        "operationId": operation.id,
        "x-scope": operation.scope,
        "summary": (one.function.__doc__ or "").strip().partition("\n")[0],
        "parameters": [*_parameters(one, made, components)],
        "responses": _responses(one, made),
    }
    body = made.get((operation.id, "body"))
    if body is not None:
        optional = type(None) in typing.get_args(_hints(one)["body"])
        described["requestBody"] = {
            "required": not optional,
            "content": {"application/json": {"schema": _without_null(body) if optional else body}},
        }
    return described


def _parameters(one: Registered, made: dict[Any, Any], components: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", one.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    query = made.get((one.operation.id, "query"))
    if query is not None:
        model = components[query["$ref"].rpartition("/")[2]] if "$ref" in query else query
        for name, schema in model.get("properties", {}).items():
            yield {"name": name, "in": "query", "required": name in model.get("required", ()), "schema": schema}
    headers = ["X-Request-Id"]
    if one.method == "POST":
        headers.append("X-Idempotency-Key")
    if Stream in _variants(_hints(one)["return"]):
        headers.append("Last-Event-ID")
    for name in headers:
        yield {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


def _responses(one: Registered, made: dict[Any, Any]) -> dict[str, Any]:
    operation = one.operation
    hints = _hints(one)
    content: dict[str, Any] = {}
    answer = made.get((operation.id, "answer"))
    if answer is not None:
        content["application/json"] = {"schema": answer}
    if Stream in _variants(hints["return"]):
        content["text/event-stream"] = {"schema": {"type": "string"}}
    responses: dict[str, Any] = {}
    for success in (operation.status, *operation.other_statuses):
        responses[str(success)] = {"description": "Success.", **({"content": content} if content else {})}
    for code in _codes(one, hints):
        status = str(STATUS_BY_CODE[code])
        fresh: dict[str, Any] = {
            "description": "Failure.",
            "content": {"application/json": {"schema": made["error"]}},
            "x-codes": [],
        }
        failure = responses.setdefault(status, fresh)
        failure["x-codes"].append(code)
    return responses


def _codes(one: Registered, hints: dict[str, Any]) -> list[str]:
    """Codes that an operation can meet: its own, and those that follow from what it takes."""
    codes: list[str] = list(_NO_SCOPE_CODES)
    if one.operation.scope is not None:
        codes += ["unauthorized", "forbidden"]
    if "body" in hints:
        codes += ["invalid_request", "payload_too_large", "unsupported_media_type", "validation_error"]
    elif "query" in hints:
        codes.append("validation_error")
    if one.method == "POST":
        codes += ["idempotency_in_progress", "idempotency_key_reuse"]
    return codes + [code for code in one.operation.errors if code not in codes]


def _hints(one: Registered) -> dict[str, Any]:
    return typing.get_type_hints(one.function, include_extras=True)


def _variants(type_: Any) -> list[Any]:
    if typing.get_origin(type_) in (typing.Union, types.UnionType):
        return [typing.get_origin(arg) or arg for arg in typing.get_args(type_)]
    return [typing.get_origin(type_) or type_]


def _json_answers(one: Registered, hints: dict[str, Any]) -> Iterator[Any]:
    if one.operation.answer is not None:
        yield one.operation.answer
        return
    returned = hints["return"]
    union = typing.get_origin(returned) in (typing.Union, types.UnionType)
    for type_ in typing.get_args(returned) if union else (returned,):
        if typing.get_origin(type_) is Answer:
            yield typing.get_args(type_)[0]
        elif type_ not in (Stream, Download, type(None)):
            yield type_


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return choices[0] if len(choices) == 1 else schema
