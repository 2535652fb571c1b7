"""The contract as a judge: every answer of a server is held against `openapi.yaml`.

Besides what a client may insist on (`required`), a server is held to `x-server-sends`, to the statuses of each
operation and to the error codes of `x-errors`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_URI = "urn:sensei:contract"


class ContractViolationError(AssertionError):
    """A server answered what the contract does not allow."""


@cache
def document() -> dict[str, Any]:
    """The whole of `openapi.yaml`."""
    text = (Path(__file__).parents[1] / "contract" / "openapi.yaml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)


def _server_sends(_validator: Any, names: list[str], instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                yield ValidationError(f"{name!r} is always sent, but is not there")


_Judge = extend(Draft202012Validator, {"x-server-sends": _server_sends})


@cache
def _registry() -> Registry[Any]:
    return Registry().with_resource(_URI, Resource(contents=document(), specification=DRAFT202012))


def problems(pointer: str, instance: Any) -> list[str]:
    """What is wrong with `instance` under the schema at `pointer`, e.g. ``#/components/schemas/Webhook``."""
    judge = _Judge({"$ref": _URI + pointer}, registry=_registry(), format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message[:300]}" for error in judge.iter_errors(instance)]


def check(schema: str, instance: Any) -> None:
    """Hold an object against a schema of the contract by name."""
    found = problems(f"#/components/schemas/{schema}", instance)
    if found:
        raise ContractViolationError(f"{schema}: " + "; ".join(found))


@cache
def _operations() -> list[tuple[str, re.Pattern[str], str, dict[str, Any]]]:
    """(method, pattern, pointer, operation), literal paths before those with parameters."""
    found: list[tuple[str, re.Pattern[str], str, dict[str, Any]]] = []
    for path in sorted(document()["paths"], key=lambda p: [(part.startswith("{"), part) for part in p.split("/")]):
        prefix = "" if path.startswith("/oauth") else "/v1"
        pattern = re.compile(prefix + re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
        for method, operation in document()["paths"][path].items():
            if isinstance(operation, dict) and "operationId" in operation:
                pointer = f"#/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}"
                found.append((method.upper(), pattern, pointer, operation))
    return found


def check_response(response: httpx.Response) -> None:
    """Hold an answer, already read, against the operation it belongs to.

    Raises:
        ContractViolationError: Status, headers, error code or body are not as the contract says.
    """
    request = response.request
    match = next(
        ((p, op) for m, pattern, p, op in _operations() if m == request.method and pattern.fullmatch(request.url.path)),
        None,
    )
    if match is None:
        return
    pointer, operation = match
    where = f"{operation['operationId']} answered {response.status_code}"
    status = str(response.status_code)
    if status not in operation["responses"]:
        raise ContractViolationError(f"{where}, which it never does: {response.text[:300]}")
    if request.url.path.startswith("/v1"):
        for name in ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
            if name not in response.headers:
                raise ContractViolationError(f"{where} without {name}")
        if "Location" in _described_headers(operation, status) and "Location" not in response.headers:
            raise ContractViolationError(f"{where} without Location")
    _check_body(where, pointer, operation, status, response)


def _check_body(where: str, pointer: str, operation: dict[str, Any], status: str, response: httpx.Response) -> None:
    described = operation["responses"][status]
    base = f"{pointer}/responses/{status}"
    if "$ref" in described:
        base = described["$ref"]
        described = _follow(base)
    content = described.get("content")
    if not content:
        if response.content:
            raise ContractViolationError(f"{where} with a body where there is none: {response.text[:200]}")
        return
    media_type = response.headers.get("content-type", "").partition(";")[0]
    if media_type not in content:
        raise ContractViolationError(f"{where} with {media_type!r}, known are {sorted(content)}")
    if media_type != "application/json":
        return
    body = json.loads(response.content)
    found = problems(f"{base}/content/application~1json/schema", body)
    if found:
        raise ContractViolationError(f"{where}: " + "; ".join(found))
    if response.status_code >= 400 and "x-errors" in operation:
        code = body["error"]["code"]
        if code not in operation["x-errors"].get(status, []):
            raise ContractViolationError(
                f"{where} with the code {code!r}, known are {operation['x-errors'].get(status)}"
            )


def _described_headers(operation: dict[str, Any], status: str) -> dict[str, Any]:
    described = operation["responses"][status]
    headers: dict[str, Any] = (_follow(described["$ref"]) if "$ref" in described else described).get("headers", {})
    return headers


def _follow(reference: str) -> dict[str, Any]:
    node: Any = document()
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    found: dict[str, Any] = node
    return found


class ContractClient(httpx.Client):
    """An HTTP client that fails when an answer is not as the contract says."""

    def __init__(self, base_url: str, credential: str | None = None, **options: Any) -> None:
        headers = {"Authorization": f"Bearer {credential}"} if credential is not None else {}
        super().__init__(
            base_url=base_url,
            headers=headers,
            event_hooks={"response": [self._judge]},
            timeout=30,
            trust_env=False,
            **options,
        )

    def _judge(self, response: httpx.Response) -> None:
        if "text/event-stream" not in response.headers.get("content-type", ""):
            response.read()
            check_response(response)
