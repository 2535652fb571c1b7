"""Receive webhooks with nothing but the standard library: register, verify, handle each event once.

    python examples/webhook_receiver.py 9000

Registers http://localhost:9000 with the server that SENSEI_API_URL and SENSEI_API_KEY name, asks it for a test event,
prints what comes, and removes the registration at the end. Ctrl-C stops it. For FastAPI, Flask and Django there are
ready handlers in `sensei.webhooks`.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from sensei import Client, WebhookVerificationError
from sensei.webhooks import DuplicateEventError, RecentEvents, unwrap

seen = RecentEvents()
secret = ""


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            event = unwrap(body, self.headers.items(), secret=secret, seen=seen)
        except DuplicateEventError:
            status = 204  # handled before: say so, or it comes again
        except WebhookVerificationError as error:
            print("refused:", error)
            status = 400
        else:
            print("received", event.type, event.id, flush=True)
            status = 204
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing else."""


def main(port: int) -> None:
    global secret  # noqa: PLW0603  # shown once, when the webhook is made
    with Client() as client, HTTPServer(("127.0.0.1", port), Receiver) as server:
        webhook = client.webhooks.create(url=f"http://localhost:{server.server_port}/", events=["*"])
        secret = webhook.secret
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            print("test delivered:", webhook.test().status, flush=True)
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
        finally:
            webhook.delete()
            server.shutdown()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit("usage: python examples/webhook_receiver.py PORT")
    main(int(sys.argv[1]))
