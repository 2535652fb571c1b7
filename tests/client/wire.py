"""The contract as a server: judges every request, and answers with the contract's own examples."""

from __future__ import annotations

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import httpx
import respx

from tests.support.contract import document, problems

KEY = "sk_test_0123456789abcdefghijklmnopqrstuv"
BASE = "https://api.sensei.ai/v1"
END = 'id: 999\nevent: end\ndata: {"status": "completed", "message": "Migration completed"}\n\n'


@dataclass(frozen=True)
class Operation:
    """An operation of the contract, and where it stands in the document."""

    id: str
    method: str
    pattern: re.Pattern[str]
    pointer: str
    described: dict[str, Any]

    def parameters(self) -> dict[str, dict[str, Any]]:
        """Query parameters by name."""
        listed = [_resolved(one) for one in self.described.get("parameters", [])]
        return {one["name"]: one for one in listed if one["in"] == "query"}

    def body(self) -> dict[str, Any] | None:
        """What is said of the request body."""
        described = self.described.get("requestBody")
        return None if described is None else _resolved(described)

    def request_examples(self) -> dict[str, Any]:
        """Values of the examples of the JSON body, by name."""
        body = self.body() or {}
        return _examples(body.get("content", {}).get("application/json", {}))

    def stream(self) -> str | None:
        """The example of an event stream that comes to its end."""
        content = self.described["responses"]["200"].get("content", {}) if "200" in self.described["responses"] else {}
        text: str | None = content.get("text/event-stream", {}).get("example")
        return text if text is None or "event: end" in text else f"{text.rstrip()}\n\n{END}"

    def answers(self) -> dict[str, tuple[int, Any]]:
        """Status and value of the examples of JSON answers, by name; `none` for an answer without a body."""
        found: dict[str, tuple[int, Any]] = {}
        for status, answer in self.described["responses"].items():
            if status.startswith("2"):
                content = _resolved(answer).get("content", {})
                for name, value in _examples(content.get("application/json", {})).items():
                    found[name] = (int(status), value)
                if not content:
                    found["none"] = (int(status), None)
        return found


def _resolved(node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        target: Any = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def _examples(content: dict[str, Any]) -> dict[str, Any]:
    return {name: _resolved(example)["value"] for name, example in content.get("examples", {}).items()}


@cache
def operations() -> dict[str, Operation]:
    """Every operation by its id."""
    found: dict[str, Operation] = {}
    for path, item in document()["paths"].items():
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        for method, described in item.items():
            if isinstance(described, dict) and "operationId" in described:
                pointer = f"#/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}"
                parameters = [*item.get("parameters", []), *described.get("parameters", [])]
                whole = {**described, "parameters": parameters}
                one = Operation(described["operationId"], method.upper(), pattern, pointer, whole)
                found[one.id] = one
    return found


@dataclass
class Seen:
    """A request that was judged and found good."""

    operation: str
    path: str
    query: dict[str, str]
    body: Any
    headers: httpx.Headers


@dataclass
class Wire:
    """What was asked, and what is answered.

    Attributes:
        seen: the requests, in order.
        scripts: answers by operation; each is used once, the last one again and again.
    """

    seen: list[Seen] = field(default_factory=list[Seen])
    scripts: dict[str, list[httpx.Response | Callable[[Seen], httpx.Response]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    def named(self, operation: str) -> list[Seen]:
        """The requests of one operation."""
        return [one for one in self.seen if one.operation == operation]

    def answer(
        self, operation: str, *values: Any, status: int | None = None, headers: dict[str, str] | None = None
    ) -> None:
        """Answer with `values` in turn: names of examples of the contract, or bodies."""
        known = operations()[operation].answers()
        usual = min((code for code, _ in known.values()), default=200)
        for value in values:
            code, body = known[value] if isinstance(value, str) else (usual, value)
            self.scripts[operation].append(
                httpx.Response(status or code, json=body, headers=headers)
                if body is not None
                else httpx.Response(status or code, headers=headers)
            )

    def compute(self, operation: str, answer: Callable[[Seen], httpx.Response]) -> None:
        """Answer with what a function makes of the request."""
        self.scripts[operation].append(answer)

    def refuse(self, operation: str, status: int, code: str, **details: object) -> None:
        """Answer with an error of the contract."""
        assert code in operations()[operation].described["x-errors"][str(status)], f"{operation} never says {code}"
        error = {"code": code, "message": f"It is {code}.", "request_id": "req_1", "details": details}
        self.scripts[operation].append(httpx.Response(status, json={"error": error}))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/v1")
        operation = _operation(request.method, path)
        self.seen.append(_judged(operation, path, request))
        script = self.scripts[operation.id]
        stream = operation.stream()
        if stream is not None and (operation.id != "migrations.logs.list" or "follow" in self.last.query):
            return httpx.Response(200, text=stream, headers={"Content-Type": "text/event-stream"})
        if not script:
            examples = operation.answers()
            status, body = examples[next(iter(examples))]
            return httpx.Response(status, json=body) if body is not None else httpx.Response(status)
        answer = script.pop(0) if len(script) > 1 else script[0]
        if not isinstance(answer, httpx.Response):
            return answer(self.last)
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


def _operation(method: str, path: str) -> Operation:
    fits = [one for one in operations().values() if one.method == method and one.pattern.fullmatch(path)]
    assert fits, f"{method} {path} is no operation of the contract"
    # A literal segment wins over a parameter.
    return min(fits, key=lambda one: one.pattern.pattern.count("[^/]"))


def judged(request: httpx.Request, key: str) -> Seen:
    """Hold a request against the contract."""
    path = request.url.raw_path.decode().partition("?")[0].removeprefix("/v1")
    return _judged(_operation(request.method, path), path, request, key)


def _judged(operation: Operation, path: str, request: httpx.Request, key: str = KEY) -> Seen:
    where = f"{request.method} {path}"
    headers = request.headers
    # What is open to everyone is asked for without saying who asks.
    is_open = {} in operation.described.get("security", [])
    assert headers.get("authorization") == (None if is_open else f"Bearer {key}"), where
    uuid.UUID(headers["x-request-id"])
    if request.method == "POST":
        assert re.fullmatch(r"[!-~]{1,255}", headers["x-idempotency-key"]), f"{where} has no idempotency key"
    else:
        assert "x-idempotency-key" not in headers
    query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
    for name, value in query.items():
        known = operation.parameters()
        assert name in known, f"{where} has no parameter {name}"
        schema = known[name]["schema"]
        found = problems(_pointer_of(operation, name), _typed(value, _resolved(schema)))
        assert not found, f"{where}?{name}={value}: {found}"
    described = operation.body()
    body: Any = None
    if request.content:
        assert described is not None, f"{where} takes no body"
        assert headers["content-type"] == "application/json"
        body = json.loads(request.content)
        base = f"{operation.pointer}/requestBody"
        if "$ref" in operation.described["requestBody"]:
            base = operation.described["requestBody"]["$ref"]
        found = problems(f"{base}/content/application~1json/schema", body)
        assert not found, f"{where}: {found}"
    else:
        assert described is None or not described.get("required"), f"{where} needs a body"
    return Seen(operation.id, path, query, body, headers)


def _pointer_of(operation: Operation, name: str) -> str:
    path_pointer = operation.pointer.rpartition("/")[0]
    path = path_pointer.removeprefix("#/paths/").replace("~1", "/").replace("~0", "~")
    item = document()["paths"][path]
    method = operation.method.lower()
    for base, listed in ((path_pointer, item.get("parameters", [])), (operation.pointer, item[method]["parameters"])):
        for index, one in enumerate(listed):
            if _resolved(one)["name"] == name:
                pointer = one.get("$ref", f"{base}/parameters/{index}")
                return f"{pointer}/schema"
    raise AssertionError(name)


def _typed(text: str, schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "integer":
        return int(text)
    if kind == "number":
        return float(text)
    if kind == "boolean":
        return {"true": True, "false": False}[text]
    return text


def contract_wire() -> Iterator[Wire]:
    """The contract in place of the network."""
    wire = Wire()
    with respx.mock(assert_all_called=False) as router:
        router.route(url__startswith=BASE).mock(side_effect=wire)
        yield wire


def equal(left: Any, right: Any) -> bool:
    """Whether two JSON values mean the same: instants may be spelt differently, 1 and 1.0 are one number."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, str) and isinstance(right, str) and left != right:
        return _instant(left) is not None and _instant(left) == _instant(right)
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _instant(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
