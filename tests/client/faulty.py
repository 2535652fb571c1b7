"""A server on raw sockets that answers as a test says: cut, stalled, dripping, or wrong."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Heard:
    """A request as it arrived."""

    number: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Answer:
    """What goes back.

    Attributes:
        data: the bytes.
        close: close the connection after them.
        hold: after them, wait until this is set before closing; for answers that never end.
        drip: seconds between single bytes.
    """

    data: bytes
    close: bool = False
    hold: threading.Event | None = None
    drip: float = 0.0


def reply(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """A complete JSON answer."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return Answer(head.encode() + b"\r\n" + content)


def refusal(status: int, code: str, headers: dict[str, str] | None = None, **details: object) -> Answer:
    """An error of the API."""
    error = {"code": code, "message": f"It was {code}.", "request_id": "req_9", "details": details}
    return reply({"error": error}, status, headers)


@dataclass
class FaultyServer:
    """Answers every request with what `answer` gives for it; None closes the connection without a word."""

    answer: Callable[[Heard], Answer | None]
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._stopping = threading.Event()
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        with socket.create_connection(self._listener.getsockname()[:2]):
            pass  # wakes accept()
        self._accepting.join()
        self._listener.close()
        with self._lock:
            for connection in self._open:
                self._hang_up(connection)
        for thread in self._threads:
            thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping.is_set():
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                number = self.connections
                self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, number))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            with connection.makefile("rb") as reader:
                while (heard := self._read(reader, number)) is not None:
                    answer = self.answer(heard)
                    if answer is None or not self._send(connection, answer):
                        break
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.remove(connection)
            self._hang_up(connection)
            connection.close()

    def _read(self, reader: object, connection: int) -> Heard | None:
        line = reader.readline()  # type: ignore[attr-defined]
        if not line:
            return None
        method, target, _ = line.decode("latin-1").split()
        headers: dict[str, str] = {}
        while (line := reader.readline()) not in {b"\r\n", b""}:  # type: ignore[attr-defined]
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", "0")))  # type: ignore[attr-defined]
        with self._lock:
            heard = Heard(len(self.heard), method, target, headers, body, connection)
            self.heard.append(heard)
        return heard

    def _send(self, connection: socket.socket, answer: Answer) -> bool:
        """Send it; True when the connection goes on."""
        if answer.drip:
            for place in range(len(answer.data)):
                connection.sendall(answer.data[place : place + 1])
                if self._stopping.wait(answer.drip):
                    return False
        else:
            connection.sendall(answer.data)
        if answer.hold is not None:
            while not answer.hold.wait(0.05):
                if self._stopping.is_set():
                    return False
        return not answer.close and answer.hold is None

    @staticmethod
    def _hang_up(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class TLSServer(FaultyServer):
    """The same over TLS."""

    def __init__(self, answer: Callable[[Heard], Answer | None], context: ssl.SSLContext) -> None:
        super().__init__(answer)
        self.context = context

    @property
    def url(self) -> str:
        return super().url.replace("http://127.0.0.1", "https://localhost")

    def _serve(self, connection: socket.socket, number: int) -> None:
        with self._lock:
            self._open.remove(connection)
        try:
            secured = self.context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        with self._lock:
            self._open.append(secured)
        super()._serve(secured, number)
