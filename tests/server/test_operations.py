"""Running a server: figures for Prometheus, logs as JSON lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from sensei.server import logs
from sensei.server.serve import ServerThread
from tests.server.world import World
from tests.support.contract import ContractClient


def _figures(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_for_prometheus(world: World) -> None:
    world.completed()
    world.client.get("/v1/connections/none")
    answer = world.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    figures = _figures(answer.text)
    assert figures["sensei_migrations", (("status", "completed"),)] == 1
    assert figures["sensei_migrations", (("status", "running"),)] == 0
    assert figures["sensei_records_processed_total", ()] == 300
    assert figures["sensei_requests_total", (("operation", "migrations.create"), ("status", "201"))] == 1
    assert figures["sensei_requests_total", (("operation", "connections.get"), ("status", "404"))] == 1
    buckets = [
        value
        for (name, labels), value in figures.items()
        if name == "sensei_request_seconds_bucket" and ("operation", "migrations.create") in labels
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 1
    assert figures["sensei_streams_open", ()] == 0


def test_figures_need_a_credential_that_may_read_all(
    server: ServerThread, admin: ContractClient, calling: Callable[[str], ContractClient]
) -> None:
    assert httpx.get(server.url + "/metrics").status_code == 401
    key = admin.post("/v1/api-keys", json={"name": "r", "scopes": ["connections:read"]}).json()["key"]
    assert calling(key).get("/metrics").status_code == 403
    scraper = admin.post("/v1/api-keys", json={"name": "s", "scopes": ["admin:read"]}).json()["key"]
    assert calling(scraper).get("/metrics").status_code == 200


def test_logs_are_lines_of_json(admin: ContractClient) -> None:
    stream = io.StringIO()
    handler = logs.configure(stream)
    logger = logging.getLogger("sensei.server")
    try:
        answer = admin.get("/v1/connections")
        try:
            raise ValueError("a\nb")
        except ValueError:
            logger.exception("it broke", extra={"migration": "mig_1", "odd": object})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    call = next(line for line in lines if line["logger"] == "sensei.server.access")
    assert (call["operation"], call["status"], call["level"]) == ("connections.list", 200, "info")
    assert call["request_id"] == answer.headers["X-Request-Id"]
    assert call["organization"].startswith("org_")
    broken = lines[-1]
    assert (broken["message"], broken["migration"], broken["level"]) == ("it broke", "mig_1", "error")
    assert "ValueError: a" in broken["exception"]
    assert "sk_test_" not in stream.getvalue()
