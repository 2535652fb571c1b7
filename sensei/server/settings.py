"""How a server is set up. Defaults suit a local server on a person's own machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sensei.server.clock import Clock, SystemClock
from sensei.server.webhooks.addresses import IPNetwork, allowed_networks, parse_networks

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Requests per organization; None means no limit (the headers then show the largest number they can).

    `endpoints` holds the extra limits per operation and minute, which are off unless asked for.
    """

    per_second: int | None = 1_000
    per_day: int | None = 5_000_000
    endpoints: dict[str, int] = field(default_factory=dict[str, int])


TIERS: dict[str, RateLimits] = {
    "free": RateLimits(per_second=10, per_day=1_000),
    "starter": RateLimits(per_second=50, per_day=50_000),
    "professional": RateLimits(per_second=200, per_day=500_000),
    "local": RateLimits(),
}
"""The documented tiers, and ``local``, the generous one of a server on the user's own machine."""

DOCUMENTED_ENDPOINT_LIMITS: dict[str, int] = {
    "connections.test_config": 30,
    "connections.test": 30,
    "migrations.create": 10,
    "migrations.start": 20,
    "migrations.status.get": 60,
    "migrations.logs.list": 60,
    "webhooks.create": 10,
    "webhooks.bulk_create": 10,
    "webhooks.test": 10,
    "oauth.token": 100,
}
"""Per minute, as the contract documents them; give them as `RateLimits.endpoints` to enforce them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """How many of a thing an organization may have; None means any number."""

    connections: int | None = None
    webhooks: int | None = None
    api_keys: int | None = None
    rules: int | None = None
    tables_per_migration: int | None = None
    concurrent_migrations: int | None = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthApplication:
    """An application that may ask people for access.

    Parameters:
        client_id: Its public name.
        name: What a person is shown.
        redirect_uris: Where answers may go; for ``http://127.0.0.1/…`` any port is accepted.
        scopes: The most it may ask for.
        client_secret: None for a public client, which must use PKCE.
        environment: ``production`` or ``sandbox``; its tokens act there.
    """

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    client_secret: str | None = field(default=None, repr=False)
    environment: str = "sandbox"


WEBHOOK_DELAYS = (60.0, 300.0, 1_800.0, 7_200.0, 28_800.0, 86_400.0)
"""Seconds from the end of one delivery attempt to the next, as documented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a server is told at start.

    Parameters:
        state: Path of the SQLite file that keeps the state, or any SQLAlchemy URL (``postgresql://…``).
        key_file: File with the key that encrypts stored secrets; made with mode 0600 when missing. Without it the
            key lies beside a SQLite state file, under the same name with ``.key`` appended.
        clock: Where times come from.
        limits: Rate limits of every organization of this server.
        quotas: How many things an organization may have.
        faults: Whether scripted faults can be set through ``/_faults``.
        max_body_bytes: Largest request body, in bytes.
        header_timeout_seconds: How long a client may take to send the head of a request.
        body_timeout_seconds: How long the body may take, besides a second for each 32 KiB.
        keep_alive_seconds: Silence on an event stream after which a comment is sent.
        lease_seconds: How long a piece of running work is safe from other workers without a sign of life.
        workers: Migrations this process works on at a time; more wait.
        webhook_delays: Seconds between the attempts of a delivery.
        webhook_timeout_seconds: Longest wait for a receiver's answer.
        allow_private_webhooks: Deliver to link-local and metadata addresses too.
        environment_label: Name of the organization made on first start.
        oauth_applications: Applications that may use the authorization code flow.
        public_url: Origin under which clients reach the server, such as ``https://sensei.example`` behind a proxy;
            it stands in certificates and tokens. The address it listens on when absent. Where it is given, the
            ``X-Forwarded-For`` of a proxy on this machine tells the address of the caller.
        smtp_url: The mail server that takes notifications: ``smtp://user:password@host:587`` (STARTTLS) or
            ``smtps://user:password@host:465``. Without it no e-mail is sent.
        mail_from: The address that e-mails are from; made from user or host of `smtp_url` when absent.
        slack_webhook_url: An incoming webhook of Slack, for notifications to its channel.
        slack_token: Token of a Slack bot with the scope ``chat:write``, for notifications to every channel it is in.
        slack_api_url: Where Slack's Web API is.
        shared: Whether people use it who have no business on its machine: then databases on loopback addresses and
            sockets are out of reach, SQLite files lie in `data_dirs`, and the driver reads no files.
        data_dirs: Folders in which the SQLite files of users lie; the first one is where relative paths begin.
            Without any they lie anywhere, or nowhere when the server is shared.
        allowed_networks: Addresses and networks (CIDR) that webhooks, notifications and databases may reach whatever
            the rules say.
    """

    state: str | Path
    key_file: Path | None = None
    clock: Clock = field(default_factory=SystemClock)
    limits: RateLimits = field(default_factory=RateLimits)
    quotas: Quotas = field(default_factory=Quotas)
    faults: bool = False
    max_body_bytes: int = 10 * MEBIBYTE
    header_timeout_seconds: float = 15.0
    body_timeout_seconds: float = 30.0
    keep_alive_seconds: float = 15.0
    lease_seconds: float = 15.0
    workers: int = 4
    webhook_delays: tuple[float, ...] = WEBHOOK_DELAYS
    webhook_timeout_seconds: float = 30.0
    allow_private_webhooks: bool = False
    environment_label: str = "Local"
    oauth_applications: tuple[OAuthApplication, ...] = ()
    public_url: str | None = None
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    slack_webhook_url: str | None = field(default=None, repr=False)
    slack_token: str | None = field(default=None, repr=False)
    slack_api_url: str = "https://slack.com/api"
    shared: bool = False
    data_dirs: tuple[Path, ...] = ()
    allowed_networks: tuple[str, ...] = ()

    @property
    def exempt_networks(self) -> tuple[IPNetwork, ...]:
        """Networks to which the rules about outgoing calls do not apply.

        Raises:
            ValueError: One of `allowed_networks` is no network.
        """
        return (*parse_networks(self.allowed_networks), *allowed_networks(everywhere=self.allow_private_webhooks))

    @property
    def database_url(self) -> str:
        """The state as a SQLAlchemy URL."""
        text = str(self.state)
        if "://" not in text:
            return f"sqlite:///{Path(text).absolute()}"
        for short in ("postgresql://", "postgres://"):
            if text.startswith(short):
                return "postgresql+psycopg://" + text.removeprefix(short)
        return text

    @property
    def resolved_key_file(self) -> Path:
        """The file that holds the encryption key.

        Raises:
            ValueError: The state is not a file and no `key_file` is given.
        """
        if self.key_file is not None:
            return self.key_file
        if self.database_url.startswith("sqlite:///"):
            path = Path(self.database_url.removeprefix("sqlite:///"))
            return path.with_name(path.name + ".key")
        raise ValueError("a state that is not a SQLite file needs key_file= (--key-file) for the encryption key")
