"""`sensei serve` as a process of its own, to be killed and started again on the same state and port."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

KEY = "sk_test_proof0123456789abcdef"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """A port below those that the system hands out by itself.

    While the server is down, a client that connects to a port of that range may meet itself and take the port.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port between 20,000 and 32,000")


@dataclass
class ServerProcess:
    """A server process.

    Parameters:
        state: SQLite file or database URL.
        options: More options of `sensei serve`.
        log: Where its log goes; nowhere when absent.
    """

    state: str | Path
    options: tuple[str, ...] = ()
    log: Path | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> Self:
        """Run it; returns when it answers."""
        command = ["serve", "--port", str(self.port), "--state", str(self.state), *self.options]
        with Path(self.log or os.devnull).open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sensei", *command],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "SENSEI_SERVER_API_KEY": KEY, "PYTHONUNBUFFERED": "1"},
            )
        assert self.process.stdout is not None
        if not self.process.stdout.readline().startswith("export SENSEI_API_URL="):
            said = self.log.read_text("utf-8", "replace")[-2000:] if self.log else "(no log)"
            raise RuntimeError(f"the server did not start: {said}")
        return self

    def kill(self) -> None:
        """End it without a word to it."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(how)
            process.wait(60)
            if process.stdout is not None:
                process.stdout.close()

    def memory(self) -> int:
        """Bytes of memory it holds (Linux)."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_BYTES

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
