"""A real mail server in the test's process that keeps what it is sent."""

from __future__ import annotations

import email
import email.policy
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, cast

import anyio.to_thread
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Postbox:
    """What came in, and how to answer: `answers` are taken one by one, then everything is accepted."""

    port: int = 0
    answers: list[str] = field(default_factory=list)
    arrived: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    tried: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    """Set once a message waits to be taken."""
    release: threading.Event = field(default_factory=threading.Event)
    """While cleared, messages wait."""
    _changed: threading.Condition = field(default_factory=threading.Condition)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's hook
        """Take one message, or refuse it as told."""
        with self._changed:
            self.tried += 1
            self._changed.notify_all()
        self.held.set()
        await anyio.to_thread.run_sync(self.release.wait, 20)
        with self._changed:
            if self.answers:
                return self.answers.pop(0)
            message = email.message_from_bytes(cast("bytes", envelope.content), policy=email.policy.default)
            self.arrived.append(cast("EmailMessage", message))
            self.recipients.append(list(envelope.rcpt_tos))
            self.senders.append(str(envelope.mail_from))
            self.encrypted.append(session.ssl is not None)
            self._changed.notify_all()
        return "250 OK"

    def __post_init__(self) -> None:
        self.release.set()

    def login(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        """Let in whoever knows the word."""
        given = cast("LoginPassword", data)
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"p@ss/word", handled=False)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return once the condition holds; it is looked at whenever something comes in."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout=20), "no such message came"


class _Controller(Controller):
    def _trigger_server(self) -> None:
        # A free port is known only once it is bound.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running_postbox(*, certificate: ssl.SSLContext | None = None, with_login: bool = False) -> Iterator[Postbox]:
    """A mail server on loopback; with a certificate it offers STARTTLS, with a login it wants one."""
    box = Postbox()
    controller = _Controller(
        box,
        hostname="127.0.0.1",
        port=0,
        ready_timeout=10,
        server_hostname="postbox.test",
        tls_context=certificate,
        require_starttls=certificate is not None,
        authenticator=box.login if with_login else None,
        auth_required=with_login,
        auth_require_tls=certificate is not None,
    )
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()
