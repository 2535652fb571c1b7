"""One attempt to send an e-mail."""

from __future__ import annotations

import functools
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import httpx

from sensei.server.notifications import wording
from sensei.server.notifications.queue import Message, Outcome, Result

_TIMEOUT_SECONDS = 20.0
_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The server that takes this server's e-mails, and whom they are from."""

    host: str
    port: int
    tls: bool
    """Encrypted from the first byte (``smtps``); otherwise STARTTLS, wherever it is offered."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sender: str


def configured(url: str | None, sender: str | None) -> MailServer | None:
    """The mail server that the settings describe.

    Raises:
        ValueError: They cannot be used; the message holds no password.
    """
    if url is None:
        return None
    form = "the address of the mail server must look like smtp://user:password@host:587 or smtps://user:password@host"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(form) from None
    if parts.scheme not in _PORTS or not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(form)
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if (username is None) != (password is None):
        raise ValueError(f"{form}, with both user and password or neither")
    found = sender or (username if username is not None and "@" in username else f"sensei@{host}")
    if not is_address(found):
        raise ValueError("the address that e-mails are from must look like sensei@example.com")
    return MailServer(
        host=host,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        username=username,
        password=password,
        sender=found,
    )


def is_address(text: str) -> bool:
    """Whether this is one bare e-mail address, safe to put into a header."""
    if not text.isprintable() or " " in text or len(text) > 254:
        return False
    try:
        parsed = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError):
        return False
    return bool(parsed.username and parsed.domain)


def compose(message: Message, server: MailServer, origin: str) -> EmailMessage:
    """The e-mail of a message. Its `Message-ID` is that of every attempt, so a second copy is known as one."""
    mail = EmailMessage()
    mail["Subject"] = wording.headline(message)
    mail["From"] = server.sender
    mail["To"] = message.address
    mail["Date"] = format_datetime(message.happened_at)
    mail["Message-ID"] = f"<{message.id}@{server.sender.rpartition('@')[2]}>"
    # Holiday notices and their like are not to be sent back.
    mail["Auto-Submitted"] = "auto-generated"
    lines = [f"{label}: {value}" for label, value in wording.facts(message)]
    mail.set_content("\n".join([wording.headline(message) + ".", "", *lines, "", origin, ""]))
    return mail


def send(server: MailServer, message: Message, origin: str) -> Outcome:
    """Send once; blocks. Never raises for what the mail server or the network does."""
    if not is_address(message.address):
        return Outcome("refused", "this is not an e-mail address")
    try:
        mail = compose(message, server, origin)
        with _connected(server) as connection:
            connection.send_message(mail, from_addr=server.sender, to_addrs=[message.address])
    except smtplib.SMTPRecipientsRefused as error:
        code = next((code for code, _ in error.recipients.values()), 550)
        return Outcome(_kind(code), f"the mail server answered {code} to the address")
    except smtplib.SMTPAuthenticationError as error:
        # Not about this message: it goes out once the settings are mended.
        return Outcome("later", f"the mail server refused the credentials ({error.smtp_code})")
    except smtplib.SMTPResponseException as error:
        return Outcome(_kind(error.smtp_code), f"the mail server answered {error.smtp_code}")
    except smtplib.SMTPNotSupportedError:
        return Outcome("later", "the mail server offers no STARTTLS or no way to log in; credentials are not sent so")
    except ssl.SSLCertVerificationError as error:
        return Outcome("later", f"the TLS certificate of the mail server was refused: {error.verify_message}")
    except (smtplib.SMTPException, OSError) as error:
        why = wording.one_line(getattr(error, "strerror", None) or type(error).__name__, 100)
        return Outcome("later", f"the mail server could not be reached: {why}")
    return Outcome("delivered")


def _kind(code: int) -> Result:
    return "refused" if 500 <= code < 600 else "later"


def _connected(server: MailServer) -> smtplib.SMTP:
    name = _own_name()
    if server.tls:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, local_hostname=name, timeout=_TIMEOUT_SECONDS, context=_trusted()
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=_TIMEOUT_SECONDS)
    try:
        connection.ehlo_or_helo_if_needed()
        in_the_clear = not server.tls and server.host not in _LOOPBACK
        if not server.tls and (connection.has_extn("starttls") or (server.username is not None and in_the_clear)):
            connection.starttls(context=_trusted())
            connection.ehlo()
        if server.username is not None and server.password is not None:
            connection.login(server.username, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _own_name() -> str:
    # The full name is not asked for: where there is no name server, that would take longer than the message.
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"


@functools.cache
def _trusted() -> ssl.SSLContext:
    # Knows SSL_CERT_FILE and SSL_CERT_DIR, like everything else here that speaks TLS.
    return httpx.create_ssl_context()
