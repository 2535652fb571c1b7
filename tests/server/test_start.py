"""A server answers soon after its start: what only some calls need is loaded when one needs it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("sqlglot", "psycopg", "httpx", "httpcore", "smtplib", "rich", "fpdf", "trio")


def test_answering_needs_no_driver_no_http_client_and_no_mailer() -> None:
    program = (
        "import sys, sensei.server.app, sensei.server.serve\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
