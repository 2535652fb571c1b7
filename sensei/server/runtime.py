"""What the routes of one application share: settings, state, limits and workers."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import anyio
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from sensei.server import leases
from sensei.server.auth import service_accounts
from sensei.server.auth.access_control import Principal, hash_token, make_api_key, note_use, register_authenticator
from sensei.server.connections.background_tests import ConnectionTester
from sensei.server.connections.gateway import Catalogs
from sensei.server.http import idempotency
from sensei.server.http.rate_limit import RateLimitedError, RateLimiter
from sensei.server.ids import new_id
from sensei.server.metrics import Metrics
from sensei.server.migrations.event_log import Hub
from sensei.server.migrations.scheduler import Timers
from sensei.server.migrations.supervisor import Supervisor
from sensei.server.notifications.courier import Courier
from sensei.server.oauth import clients, grants, tokens
from sensei.server.settings import Settings
from sensei.server.store.database import Store
from sensei.server.store.oauth_tables import ServiceAccount
from sensei.server.store.tables import ApiKey, LocalKey, Organization, ServerProcess, UsageWindow
from sensei.server.validations.worker import ValidationWorker
from sensei.server.webhooks.dispatcher import Dispatcher

_GONE_AFTER = timedelta(seconds=20)

log: logging.Logger = logging.getLogger("sensei.server")

_USED: dict[str, type[ApiKey] | type[ServiceAccount]] = {"api_key": ApiKey, "service_account": ServiceAccount}

register_authenticator(lambda token: token.startswith(service_accounts.TOKEN_PREFIX), service_accounts.by_token)
register_authenticator(tokens.looks_like_one, tokens.authenticate)


class Runtime:
    """One application's shared parts. `start` and `stop` bracket its background work."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store: Store = Store(settings)
        self.limiter: RateLimiter = RateLimiter(settings.limits)
        self.threads: anyio.CapacityLimiter = anyio.CapacityLimiter(32)
        self.readers: anyio.CapacityLimiter = anyio.CapacityLimiter(16)
        """Streams read apart from calls, so that neither can starve the other."""
        self.tester: ConnectionTester = ConnectionTester(self)
        self.validator: ValidationWorker = ValidationWorker(self)
        self.dispatcher: Dispatcher = Dispatcher(self)
        self.courier: Courier = Courier(self)
        self.hub: Hub = Hub()
        self.metrics: Metrics = Metrics()
        self.supervisor: Supervisor = Supervisor(self)
        self.timers: Timers = Timers(self)
        self.catalogs: Catalogs = Catalogs(settings.clock)
        self.origin = "http://127.0.0.1"
        """Where clients reach this server; set by whoever binds the socket."""
        self._id = new_id("srv")
        self._uses: dict[str, datetime] = {}
        self._stopping = threading.Event()
        self._housekeeper: threading.Thread | None = None

    def count(self, subject: str, operation: str | None) -> dict[str, str]:
        """Count a call; gives the headers.

        Raises:
            RateLimitedError: The allowance is used up.
        """
        now = self.settings.clock.now()
        allowance = self.limiter.take(subject, operation, now)
        if self.limiter.counts_exactly(subject):
            self.save_usage()
            self.limiter.check_day(subject, now)
        return allowance.headers()

    def count_refused(self, address: str) -> dict[str, str]:
        """Count a call of which no organization is known, against its address."""
        try:
            return self.count(f"address:{address}", None)
        except RateLimitedError as error:
            return error.allowance.headers()

    def note_use(self, principal: Principal) -> None:
        """Remember that a key or a service account was used; written at most once a minute."""
        table = _USED.get(principal.kind)
        now = self.settings.clock.now()
        if table is not None and note_use(self._uses.get(principal.id), now):
            self._uses[principal.id] = now
            with self.store.write() as session:
                session.execute(update(table).where(table.id == principal.id).values(last_used_at=now))

    def start(self) -> None:
        """Begin the background work."""
        self._load_usage()
        self._meet_others()
        self._register_applications()
        self.tester.sweep()
        self.validator.start()
        self.dispatcher.start()
        self.courier.start()
        self._housekeeper = threading.Thread(target=self._keep_house, name="sensei-housekeeper", daemon=True)
        self._housekeeper.start()
        self.supervisor.start()

    def begin_stop(self) -> None:
        """Let streams and running work come to an end; `stop` follows. May be called from a signal handler."""
        self._stopping.set()
        self.hub.notify_all()
        self.supervisor.wake()

    @property
    def is_stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """End the background work and close the state. What runs is checkpointed and goes on at the next start."""
        self.begin_stop()
        with ExitStack() as stack:
            # Done from the last to the first; one that fails, e.g. because the state is gone, keeps none from its end.
            for step in (
                self.store.close,
                self.save_usage,
                self._leave_others,
                self.courier.stop,
                self.dispatcher.stop,
                self.validator.stop,
                self.tester.stop,
            ):
                stack.callback(step)
            if self._housekeeper is not None:
                stack.callback(self._housekeeper.join)
            stack.callback(self.supervisor.stop)

    def is_ready(self) -> bool:
        """Whether the state answers."""
        try:
            with self.store.read() as session:
                session.execute(select(1))
        except SQLAlchemyError:
            return False
        return True

    def _keep_house(self) -> None:
        rounds = 0
        while not self._stopping.wait(5.0):
            try:
                self.save_usage()
                self._meet_others()
                self.tester.sweep()
                self.validator.sweep()
                if rounds % 120 == 0:
                    with self.store.write() as session:
                        idempotency.forget_old(session, self.settings.clock.now())
                        grants.forget_old(session, self.settings.clock.now())
            except Exception:
                log.exception("housekeeping failed; it is tried again")
            rounds += 1

    def _register_applications(self) -> None:
        if self.settings.oauth_applications:
            with self.store.write() as session:
                self.store.take_turns_at_start(session)
                organization = ensure_organization(session, self.settings)
                clients.ensure(session, self.settings.oauth_applications, organization, self.settings.clock.now())

    def _meet_others(self) -> None:
        """Say that this server runs, and learn how many share the limits."""
        # Like leases, this is about real processes, so it goes by the machine's clock.
        now = datetime.now(UTC)
        with self.store.write() as session:
            session.merge(ServerProcess(id=self._id, owner=leases.this_owner(), seen_at=now))
            session.flush()
            rows = session.scalars(select(ServerProcess)).all()
            gone = [row for row in rows if leases.is_free(row.owner, row.seen_at + _GONE_AFTER)]
            session.execute(delete(ServerProcess).where(ServerProcess.id.in_([row.id for row in gone])))
        self.limiter.share_among(len(rows) - len(gone))

    def _leave_others(self) -> None:
        with self.store.write() as session:
            session.execute(delete(ServerProcess).where(ServerProcess.id == self._id))

    def _load_usage(self) -> None:
        now = self.settings.clock.now()
        with self.store.read() as session:
            for row in session.scalars(select(UsageWindow).where(UsageWindow.day == now.date().isoformat())):
                self.limiter.seed_day(row.subject, row.requests, now)

    def save_usage(self) -> None:
        """Write down the calls counted since the last time."""
        counted = self.limiter.drain()
        if not counted:
            return
        now = self.settings.clock.now()
        try:
            with self.store.write() as session:
                totals = {key: _add_usage(session, *key, calls) for key, calls in counted.items()}
        except Exception:
            self.limiter.take_back(counted)
            raise
        for (subject, day), total in totals.items():
            if day == now.date().isoformat():
                self.limiter.seed_day(subject, total, now)


def _add_usage(session: Session, subject: str, day: str, requests: int) -> int:
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(UsageWindow).values(subject=subject, day=day, requests=requests)
    total = session.scalar(
        statement.on_conflict_do_update(
            index_elements=["subject", "day"], set_={"requests": UsageWindow.requests + requests}
        ).returning(UsageWindow.requests)
    )
    return total or requests


def ensure_organization(session: Session, settings: Settings) -> str:
    """Id of the organization of a self-hosted server; made on first use."""
    row = session.scalar(select(Organization).order_by(Organization.created_at).limit(1))
    if row is None:
        row = Organization(id=new_id("org"), name=settings.environment_label, created_at=settings.clock.now())
        session.add(row)
        session.flush()
    return row.id


LOCAL_KEY = "Local key"


def ensure_api_key(runtime: Runtime, secret: str | None = None, *, name: str = LOCAL_KEY) -> str:
    """A key with every scope: the given one (stored if it is new), or the sandbox key that belongs to the state.

    That one is made at the first start. Whoever starts the server can read the state and the key file beside it, so
    it is kept sealed and shown again; one that was deleted, has ended or lost scopes is followed by a fresh one.

    Raises:
        ValueError: The given key is not of the form ``sk_test_…`` or ``sk_live_…``.
    """
    if secret is not None and not (
        secret.startswith(("sk_test_", "sk_live_")) and len(secret) >= 16 and secret.isascii()
    ):
        raise ValueError("a key begins with sk_test_ or sk_live_ and has at least 16 characters")
    with runtime.store.write() as session:
        runtime.store.take_turns_at_start(session)
        organization = ensure_organization(session, runtime.settings)
        if secret is not None and session.scalar(select(ApiKey.id).where(ApiKey.key_hash == hash_token(secret))):
            return secret
        local = _local_key(session, runtime) if secret is None else None
        if local is not None:
            return local
        row, key = make_api_key(
            session,
            organization_id=organization,
            environment="production" if secret is not None and secret.startswith("sk_live_") else "sandbox",
            name=name,
            scopes=["*"],
            now=runtime.settings.clock.now(),
            secret=secret,
        )
        if secret is None:
            session.merge(LocalKey(name=LOCAL_KEY, key_id=row.id, secret=runtime.store.vault.seal(key)))
    return key


def _local_key(session: Session, runtime: Runtime) -> str | None:
    """The state's own key, if it is still as good as new."""
    kept = session.get(LocalKey, LOCAL_KEY)
    row = session.get(ApiKey, kept.key_id) if kept is not None else None
    if kept is None or row is None or "*" not in row.scopes or row.expires_at is not None or row.ip_whitelist:
        return None
    return str(runtime.store.vault.open(kept.secret))
