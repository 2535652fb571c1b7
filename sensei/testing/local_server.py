"""The reference server in a thread, on a free loopback port."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

    from sensei.server.clock import ControllableClock
    from sensei.server.faults import Faults
    from sensei.server.serve import ServerThread
    from sensei.server.settings import OAuthApplication, Quotas, RateLimits

_MISSING = 'LocalServer needs the server: pip install "sensei-sdk[testing]"'


class LocalServer:
    """A real server with real state on this machine, for tests and demonstrations.

    It listens on a free port of 127.0.0.1 and answers before `start` returns. Several may run at once. As a context
    manager it stops at the end of the block; a temporary state is removed then.

    Parameters:
        state: Where the state is kept: a path of a SQLite file or a SQLAlchemy URL. Absent, a temporary file that
            is removed at the end. A server on the state of an earlier one goes on where that one stopped.
        key_file: File with the key that encrypts stored secrets; needed when the state is no file.
        api_key: A key with every scope to be accepted (``sk_test_…``, 16 characters or more); made up when absent.
        clock: ``True`` gives a clock that tests can move: `clock.advance(seconds)`.
        faults: ``True`` lets tests script failures: `faults`.
        limits: Rate limits; generous when absent.
        quotas: How many things an organization may have; unlimited when absent.
        webhook_delays: Seconds between the attempts of a webhook delivery; the documented ones when absent.
        keep_alive_seconds: Silence on an event stream before a keep-alive comment.
        oauth_applications: Applications that may use the authorization code flow
            (`sensei.server.settings.OAuthApplication`).

    Raises:
        ImportError: The server is not installed; the message names the extra.

    Examples:
        >>> with LocalServer() as server:
        ...     server.url.startswith("http://127.0.0.1:"), server.api_key.startswith("sk_test_")
        (True, True)
    """

    def __init__(
        self,
        *,
        state: str | Path | None = None,
        key_file: str | Path | None = None,
        api_key: str | None = None,
        clock: bool = False,
        faults: bool = False,
        limits: RateLimits | None = None,
        quotas: Quotas | None = None,
        webhook_delays: tuple[float, ...] | None = None,
        keep_alive_seconds: float | None = None,
        oauth_applications: tuple[OAuthApplication, ...] = (),
    ) -> None:
        self._state = state
        self._key_file = Path(key_file) if key_file is not None else None
        self._api_key = api_key
        self._wants_clock = clock
        self._wants_faults = faults
        self._limits = limits
        self._quotas = quotas
        self._webhook_delays = webhook_delays
        self._keep_alive_seconds = keep_alive_seconds
        self._oauth_applications = oauth_applications
        self._thread: ServerThread | None = None
        self._folder: Path | None = None
        self._clock: ControllableClock | None = None

    def __repr__(self) -> str:
        return f"LocalServer({self.url!r})" if self._thread is not None else "LocalServer(stopped)"

    @property
    def url(self) -> str:
        """The origin, e.g. ``http://127.0.0.1:40123``; as a base URL it works with and without ``/v1``.

        Raises:
            RuntimeError: The server is not running.
        """
        url: str = self._running.url
        return url

    @property
    def api_key(self) -> str:
        """A sandbox key with every scope.

        Raises:
            RuntimeError: The server is not running.
        """
        return self._running.api_key

    @property
    def clock(self) -> ControllableClock:
        """The clock of the server, which `clock.advance(seconds)` moves.

        Raises:
            RuntimeError: The server was made without ``clock=True``.
        """
        if self._clock is None:
            raise RuntimeError("this server runs on the machine's clock; make it with LocalServer(clock=True)")
        return self._clock

    @property
    def faults(self) -> Faults:
        """What goes wrong: `faults.fail(503, times=2)`, `faults.cut(at=100)`, `faults.cut_stream(after_events=3)` …

        Raises:
            RuntimeError: The server was made without ``faults=True``, or does not run.
        """
        if not self._wants_faults:
            raise RuntimeError("this server shows no faults; make it with LocalServer(faults=True)")
        faults: Faults = self._running.app.state.faults
        return faults

    def start(self) -> Self:
        """Run the server; returns when it answers. Does nothing when it runs already.

        Returns:
            The object itself.

        Raises:
            ImportError: The server is not installed.
            ValueError: The API key is not of the form of a key.

        Examples:
            >>> server = LocalServer().start()
            >>> server.url.startswith("http://127.0.0.1:")
            True
            >>> server.stop()
        """
        if self._thread is not None:
            return self
        try:
            from sensei.server.clock import ControllableClock, SystemClock
            from sensei.server.serve import ServerThread
            from sensei.server.settings import WEBHOOK_DELAYS, Quotas, RateLimits, Settings
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == "sensei":
                raise
            raise ImportError(_MISSING, name=error.name) from error
        state = self._state
        if state is None:
            self._folder = Path(tempfile.mkdtemp(prefix="sensei-"))
            state = self._folder / "state.db"
        if self._wants_clock and self._clock is None:
            self._clock = ControllableClock()
        settings = Settings(
            state=state,
            key_file=self._key_file,
            clock=self._clock or SystemClock(),
            limits=self._limits or RateLimits(),
            quotas=self._quotas or Quotas(),
            faults=self._wants_faults,
            keep_alive_seconds=15.0 if self._keep_alive_seconds is None else self._keep_alive_seconds,
            webhook_delays=WEBHOOK_DELAYS if self._webhook_delays is None else self._webhook_delays,
            oauth_applications=self._oauth_applications,
        )
        try:
            thread = ServerThread(settings, api_key=self._api_key)
            thread.start()
        except BaseException:
            self._remove_folder()
            raise
        self._thread = thread
        self._api_key = thread.api_key
        return self

    def stop(self) -> None:
        """Stop the server: running work is checkpointed, requests in flight are answered, everything is closed.

        Examples:
            >>> server = LocalServer().start()
            >>> server.stop()
        """
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()
        self._remove_folder()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _running(self) -> ServerThread:
        if self._thread is None:
            raise RuntimeError("the server is not running; use it as a context manager or call start()")
        return self._thread

    def _remove_folder(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
