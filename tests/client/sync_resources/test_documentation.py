# Generated from tests/client/async_resources/test_documentation.py by scripts/generate_sync.py: change that file and run the script.
"""Every method says what it calls, and its example does just that."""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import inspect
import io
import pickle
import pkgutil
import re
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import sensei._sync.resources as package
from sensei._sync.client import Client
from sensei._sync.pagination import Page
from sensei._sync.resources._base import LiveObject, Resource
from sensei._sync.streaming import EventStream
from sensei.models.base import Model
from sensei.webhooks import sign
from tests.client.wire import KEY, Operation, Wire, contract_wire, operations

BODY = (
    '{"id": "evt_1", "type": "migration.failed", "created_at": "2026-02-02T14:45:30Z", "data": {"migration_id": "m"}}'
)
# What they call is told by the methods that they use, or nothing is called at all.
WITHOUT_ENDPOINT = {"attach", "unwrap", "check_state", "authorization_url", "exchange_code", "wait", "approve_all"}


def methods() -> Iterator[tuple[str, Any]]:
    """Every public method of the resources and of their live objects."""
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if cls.__module__ == module.name and issubclass(cls, Resource | LiveObject | Model):
                for name, member in vars(cls).items():
                    if not name.startswith("_") and inspect.isfunction(member) and not module.name.endswith("_base"):
                        yield f"{cls.__name__}.{name}", member


# What a client gives beside resources; their examples are run, and none is bound to one endpoint.
CORE = (Client, Page, EventStream, LiveObject)


def core() -> Iterator[tuple[str, Any]]:
    """Every public method of the classes that all resources share, and the classes themselves."""
    for cls in CORE:
        if cls is not LiveObject:
            yield cls.__name__, cls
        for name, member in vars(cls).items():
            if not name.startswith("_") and inspect.isfunction(member) and name != "model_post_init":
                yield f"{cls.__name__}.{name}", member


SHARED = dict(core())
METHODS = dict(methods()) | SHARED
OAUTH = {name for name in METHODS if name.startswith("OAuth.")}


@pytest.fixture
def wire() -> Iterator[Wire]:
    yield from contract_wire()


def promised(text: str) -> list[Operation]:
    """The operations that a docstring names."""
    found: list[Operation] = []
    for method, path in re.findall(r"`(GET|POST|PATCH|DELETE) (/[^`?]*)[^`]*`", text):
        fits = [one for one in operations().values() if one.method == method and one.pattern.fullmatch(path)]
        assert fits, f"{method} {path} is no operation of the contract"
        found.append(min(fits, key=lambda one: one.pattern.pattern.count("[^/]")))
    return found


@pytest.mark.parametrize("name", METHODS)
def test_it_is_documented_in_the_form_of_the_house(name: str) -> None:
    text = inspect.getdoc(METHODS[name])
    assert text, f"{name} has no docstring"
    assert "Examples:" in text, f"{name} has no example"
    made_by_us = inspect.isclass(METHODS[name]) and METHODS[name] is not Client
    parameters = [] if made_by_us else [one for one in inspect.signature(METHODS[name]).parameters if one != "self"]
    for parameter in parameters:
        assert re.search(rf"^    {parameter}: ", text, re.MULTILINE), f"{name} does not explain {parameter}"
    if parameters:
        assert "Args:" in text
    if name.rpartition(".")[2] not in WITHOUT_ENDPOINT and name not in OAUTH | SHARED.keys():
        assert promised(text), f"{name} does not name what it calls"


def test_it_says_what_it_returns() -> None:
    silent = [
        name
        for name, method in METHODS.items()
        if not inspect.isclass(method)
        and inspect.signature(method).return_annotation not in {None, "None"}
        and not re.search(r"^Returns:$", inspect.getdoc(method) or "", re.MULTILINE)
    ]

    assert silent == []


def namespace(client: Client, folder: Path) -> dict[str, Any]:
    """What the examples take for granted."""
    stored: list[object] = []
    migration = client.migrations.get("mig_abc123")
    migration.wait_for_plan()
    return {
        "client": client,
        "Client": Client,
        "pickle": pickle,
        "page": client.connections.list(),
        "events": client.migrations.stream_events("mig_abc123"),
        "connection": client.connections.get("conn_abc123"),
        "migration": migration,
        "mapping": client.mappings.get("mig_abc123", "map_001"),
        "error": client.errors.get("mig_abc123", "err_001"),
        "validation": client.validations.get("val_abc123"),
        "rule": client.validations.rules.create(name="n", rule="SELECT 1", expected=1),
        "certificate": client.certificates.get("cert_abc123"),
        "webhook": client.webhooks.get("wh_abc123"),
        "key": client.api_keys.get("key_abc123"),
        "account": client.service_accounts.get("sa_abc123"),
        "plan": client.migrations.plan("mig_abc123"),
        "store": stored.append,
        "vault": SimpleNamespace(write=lambda _name, secret: stored.append(secret)),
        "Path": folder.joinpath,
        "body": BODY,
        "webhook_secret": "whsec_example",
        "request": SimpleNamespace(headers={"X-Sensei-Signature": sign(BODY, "whsec_example")}),
    }


@pytest.mark.parametrize("name", sorted(METHODS.keys() - OAUTH))
def test_its_example_runs_and_calls_what_it_says(
    wire: Wire, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = inspect.getdoc(METHODS[name]) or ""
    monkeypatch.setenv("SENSEI_API_KEY", KEY)
    monkeypatch.setattr("sensei.certificates.datetime", Day)  # on which the certificate of the contract is valid
    prepare(wire)
    with Client(KEY, max_retries=0) as client:
        names = namespace(client, tmp_path)
        wire.seen.clear()
        for example in doctest.DocTestParser().get_examples(text):
            code = compile(example.source, f"<{name}>", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                running = eval(code, names)
                if running is not None:
                    raise AssertionError("nothing is to be awaited here")
            if example.want:
                assert printed.getvalue() == example.want
    called = {one.operation for one in wire.seen}
    for operation in promised(text):
        assert operation.id in called, f"{operation.id} was not called, but {sorted(called)}"


class Day(datetime):
    """A day of the contract's examples."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Day:
        return cls(2026, 6, 1, tzinfo=tz)


def prepare(wire: Wire) -> None:
    """Answers that lead each example to its end."""
    known = {name: operation.answers() for name, operation in operations().items()}
    plan = known["migrations.plan.get"]["approved"][1]
    unsure = [{**mapping, "confidence": 0.5} for mapping in plan["mappings"]]
    ready = known["migrations.get"]["completed"][1]
    wire.answer("migrations.get", {**ready, "plan": {"status": "ready"}})
    wire.answer("migrations.plan.get", {**plan, "status": "ready", "mappings": unsure})
    wire.answer("migrations.cancel", "running")
    wire.answer("validations.get", "completed")
    wire.answer("connections.test", "success")
    for operation in ("connections.list", "migrations.list", "mappings.list"):  # whose examples are first pages of many
        page = next(iter(known[operation].values()))[1]
        wire.answer(operation, {**page, "pagination": {**page["pagination"], "has_more": False}})
