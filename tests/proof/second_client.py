"""The main job by a client that nobody here wrote: generated from `openapi.yaml` by openapi-python-client.

It shares nothing with the SDK, so that an answer which only the SDK understands shows.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.proof.shop import Place

SPECIFICATION = Path(__file__).parents[1] / "contract" / "openapi.yaml"
PACKAGE = "generated_sensei_client"
PATIENCE_SECONDS = 120.0


def generate(folder: Path) -> None:
    """Write the client as a package into a folder."""
    settings = folder / "generator.yaml"
    settings.write_text("post_hooks: []\n")
    command = ["generate", "--path", str(SPECIFICATION), "--output-path", str(folder / PACKAGE), "--meta", "none"]
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *command, "--config", str(settings)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    if done.returncode != 0:
        raise RuntimeError(f"the generator failed: {done.stdout}{done.stderr}")


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Make the package in a folder importable, for a while."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]


class SecondClient:
    """The generated client, and the main job with it.

    Parameters:
        url: Origin of the server.
        key: API key.
    """

    def __init__(self, url: str, key: str) -> None:
        self.models: Any = importlib.import_module(f"{PACKAGE}.models")
        made: Any = importlib.import_module(f"{PACKAGE}.client")
        # An undocumented status is an exception of the generated client.
        self._client = made.AuthenticatedClient(base_url=f"{url}/v1", token=key, raise_on_unexpected_status=True)
        self.calls = 0

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, *ended: object) -> None:
        self._client.__exit__(*ended)

    def call(self, operation: str, *ids: str, **arguments: Any) -> Any:
        """Call an operation, given as its module, and give the parsed answer."""
        module: Any = importlib.import_module(f"{PACKAGE}.api.{operation}")
        answer = module.sync_detailed(*ids, client=self._client, **arguments)
        self.calls += 1
        if answer.status_code >= 300 or answer.parsed is None:
            raise AssertionError(f"{operation} answered {answer.status_code}: {answer.content[:500]!r}")
        return answer.parsed

    def move(self, source: Place, target: Place) -> tuple[Any, Any, str]:
        """Move a database and prove it: the migration, the certificate, and the whole stream of events."""
        models = self.models
        ends = {role: self._connect(place, role) for role, place in (("source", source), ("target", target))}
        order = models.MigrationCreate(
            name="moved by another client",
            source=models.MigrationSourceByConnection(connection_id=ends["source"]),
            target=models.MigrationTargetByConnection(connection_id=ends["target"]),
        )
        again = {
            self.call("migrations.migrations_create", body=order, x_idempotency_key="move-once").id for _ in range(2)
        }
        assert len(again) == 1, "the same key made two migrations"
        mig = again.pop()
        self._await("migrations.migrations_get", mig, {"plan_ready", "approved"})
        pending = self.call("plans_and_mappings.mappings_list", mig, status="pending_review", limit=100)
        for mapping in pending.data:
            decision = models.MappingApproval(approved=True)
            self.call("plans_and_mappings.mappings_approve", mig, mapping.id, body=decision)
        self.call("migrations.migrations_start", mig)
        migration = self._await("migrations.migrations_get", mig, {"completed"})
        story = self.call("monitoring.migrations_events_stream", mig)
        body = models.ValidationCreate(migration_id=mig, type_="full")
        validation = self.call("validations.validations_create", body=body)
        done = self._await("validations.validations_get", validation.id, {"completed"})
        return migration, self.call("certificates.certificates_get", done.certificate_id), story

    def _connect(self, place: Place, role: str) -> str:
        kind = {"sqlite": "Sqlite", "postgresql": "Postgresql"}[place.type]
        config = getattr(self.models, f"{kind}Config", None) or self.models.ConfigNetwork
        create = getattr(self.models, f"{kind}ConnectionCreate")
        body = create(name=role, role=role, type_=place.type, config=config.from_dict(place.config))
        made = self.call("connections.connections_create", body=body)
        result = self.call("connections.connections_test", made.id)
        assert result.status == "success", result
        return str(made.id)

    def _await(self, operation: str, id: str, wanted: set[str]) -> Any:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self.call(operation, id)
            if found.status in wanted:
                return found
            if found.status in {"failed", "cancelled"} or time.monotonic() > end:
                raise AssertionError(f"{id} is {found.status}, not one of {wanted}: {found.error}")
            time.sleep(0.05)
