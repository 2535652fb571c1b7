"""Requests generated from the contract, good and bad: never a 5xx, never an answer that the contract does not know.

A short, seeded sample; the environment variable ``SENSEI_FUZZ_EXAMPLES`` makes it longer.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from sensei.server.serve import ServerThread
from sensei.server.settings import Settings
from tests.server.world import World
from tests.support.contract import ContractClient, check_response, document

EXAMPLES = int(os.environ.get("SENSEI_FUZZ_EXAMPLES", "6"))
OPERATIONS = sorted(
    f"{method.upper()} {path}"
    for path, item in document()["paths"].items()
    for method, operation in item.items()
    if isinstance(operation, dict) and "operationId" in operation and not path.startswith("/oauth")
)


@cache
def _described() -> dict[str, Any]:
    schema = schemathesis.openapi.from_path(str(Path(__file__).parents[1] / "contract" / "openapi.yaml"))
    return {operation.label: operation for operation in (found.ok() for found in schema.get_all_operations())}


class Target:
    """A server in which there is one of everything, and the ids of that."""

    def __init__(self, server: ServerThread, folder: Path) -> None:
        self.url = server.url
        self.headers = {"Authorization": f"Bearer {server.api_key}"}
        with sqlite3.connect(folder / "source.db") as db:
            db.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)")
            db.execute("INSERT INTO items VALUES (1, 'a'), (2, NULL)")
        db.close()
        with ContractClient(server.url, server.api_key) as client:
            world = World(server, client)
            ends = {
                side: {"type": "sqlite", "connection_string": f"sqlite:///{folder / side}.db"}
                for side in ("source", "target")
            }
            self.migration = world.planned(**ends, options={"validation_type": "full"})
            mapping = client.get(f"/v1/migrations/{self.migration}/mappings").json()["data"][0]["id"]
            world.post(self.migration, "start", skip_approval=True)
            shown = world.wait_for(self.migration, "completed")
            validation = client.get(f"/v1/validations/{shown['validation_id']}").json()
            hook = {"url": "https://example.com/hook", "events": ["*"], "enabled": False}
            webhook = client.post("/v1/webhooks", json=hook).json()["id"]
            key = client.post("/v1/api-keys", json={"name": "k", "scopes": ["*:read"]}).json()["id"]
            account = client.post("/v1/service-accounts", json={"name": "s", "scopes": ["*:read"]}).json()["id"]
        self.ids = {
            "connections": world.source,
            "migrations": self.migration,
            "validations": validation["id"],
            "certificates": validation["certificate_id"],
            "webhooks": webhook,
            "api-keys": key,
            "service-accounts": account,
            "mapping_id": mapping,
        }

    def real_ids(self, path: str) -> dict[str, str]:
        """Values of the path parameters that exist."""
        found = {"id": self.ids.get(path.split("/")[1], "none")}
        if "{mapping_id}" in path:
            found["mapping_id"] = self.ids["mapping_id"]
        return found


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("fuzz")
    server = ServerThread(Settings(state=folder / "state.db"))
    server.start()
    yield Target(server, folder)
    server.stop()


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_that_the_contract_knows(label: str, target: Target) -> None:
    operation = _described()[label]
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=good | bad, with_real_ids=st.booleans())
    def send(case: Any, with_real_ids: bool) -> None:
        if with_real_ids and isinstance(case.path_parameters, dict):
            known = target.real_ids(operation.path)
            case.path_parameters.update({n: v for n, v in known.items() if n in case.path_parameters})
        _check(target, case)

    send()


def _check(target: Target, case: Any) -> None:
    arguments = case.as_transport_kwargs(base_url=f"{target.url}/v1")
    headers = {
        name: value
        for name, value in arguments.pop("headers").items()
        if name.lower() != "authorization" and value.isascii() and value.isprintable() and value.strip() == value
    }
    key = next((value for name, value in headers.items() if name.lower() == "x-idempotency-key"), "k")
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        # Section 6 of the contract wants 422 for such a key; the x-errors of POSTs without a body do not have it.
        headers = {name: value for name, value in headers.items() if name.lower() != "x-idempotency-key"}
    arguments.pop("cookies", None)
    if "data" in arguments:
        arguments["content"] = arguments.pop("data")
    with httpx.Client(timeout=30, trust_env=False) as client:
        try:
            request = client.build_request(headers={**headers, **target.headers}, **arguments)
        except (httpx.InvalidURL, UnicodeEncodeError, TypeError, ValueError):
            return  # No client can send that.
        response = client.send(request, stream=True)
        try:
            if "text/event-stream" in response.headers.get("content-type", ""):
                return
            response.read()
        finally:
            response.close()
        assert response.status_code != 500, response.text
        check_response(response)
