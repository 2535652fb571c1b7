"""What type checkers make of a program that handles events: the type of the data follows from that of the event."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
from typing import assert_type

from sensei.models.webhook_events import ErrorEventData, MigrationEventData, UnknownWebhookEvent
from sensei.webhooks import unwrap


def handle(body: bytes, headers: dict[str, str]) -> None:
    event = unwrap(body, headers, secret="whsec_example")
    if isinstance(event, UnknownWebhookEvent):
        print(event.data["crew"], str(event.type) == "moon.landed")
    elif event.type == "migration.completed":
        assert_type(event.data, MigrationEventData)
        print(event.data.records_processed)
    match event.type:
        case "error.occurred" | "error.escalated":
            assert_type(event.data, ErrorEventData)
            print(event.data.error_id)
        case _:
            print(event.id)
"""

WRONG = """
from sensei.webhooks import unwrap, verify_signature

event = unwrap(b"", {}, secret="whsec_example")
if event.type == "error.occurred":
    print(event.data.percent)
verify_signature({"parsed": "body"}, None, "whsec_example")
"""


def errors_of(program: str, folder: Path) -> list[str]:
    file = folder / "program.py"
    file.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--show-error-codes", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return [line.rpartition("[")[2].rstrip("]") for line in done.stdout.splitlines() if ": error:" in line]


def test_the_type_of_an_event_tells_that_of_its_data(tmp_path: Path) -> None:
    assert errors_of(PROGRAM, tmp_path) == []


def test_mistakes_are_found(tmp_path: Path) -> None:
    assert errors_of(WRONG, tmp_path) == ["attr-defined", "arg-type"]
