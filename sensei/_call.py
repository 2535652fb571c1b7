"""One call under way: what is sent with each try, what has happened so far, and what that means at the end."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from sensei._arguments import check_deadline, check_kind, check_mapping, check_timeout
from sensei._config import DEFAULT_TIMEOUT
from sensei._http import RawHeaders, Trouble, reason_of
from sensei._redact import MASK, SecretBytes, concealed, mask, mask_text, revealed, safe_body
from sensei._request import (
    ORDINARY,
    UNSET,
    HeaderTypes,
    RequestExtras,
    TimeoutTypes,
    Unset,
    check_idempotency_key,
    encode_form,
    encode_json,
)
from sensei._retry import UNTRUSTED, UNWELCOME, RetryPolicy
from sensei.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConfigurationError,
    IdempotencyInProgressError,
    InvalidArgumentError,
    OutcomeUnknownError,
    OutcomeUnknownTimeoutError,
    RateLimitError,
    RequestSummary,
    SenseiError,
)

if TYPE_CHECKING:
    from sensei._config import Server
    from sensei._hooks import Hooks


def unique_id() -> str:
    """A random UUID; the standard library's own takes five times as long."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """What a client decides for its calls; `with_options` makes another one.

    Attributes:
        timeout: seconds for one attempt, or a timeout object of httpx.
        deadline: seconds for a whole call, or None.
        retry: how often to try again.
        headers: sent with every call, ready for the wire.
        hooks: told of requests, answers and retries.
    """

    timeout: TimeoutTypes = DEFAULT_TIMEOUT
    deadline: float | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    hooks: Hooks | None = None

    def __post_init__(self) -> None:
        if any(name.lower() == b"x-idempotency-key" for name, _ in self.headers):
            raise ConfigurationError(
                "X-Idempotency-Key is for one call: give it as idempotency_key=, not for all calls"
            )
        check_kind("retry", self.retry, RetryPolicy, "a RetryPolicy")
        if self.hooks is not None:
            from sensei._hooks import Hooks

            check_kind("hooks", self.hooks, Hooks, "a Hooks object")

    def changed(
        self,
        *,
        timeout: TimeoutTypes = UNSET,
        deadline: float | Unset | None = UNSET,
        retry: RetryPolicy | None = None,
        headers: HeaderTypes = None,
        hooks: Hooks | None = None,
    ) -> ClientOptions:
        """These options with some of them replaced; headers are added."""
        return replace(
            self,
            timeout=self.timeout if timeout is UNSET else check_timeout(timeout),
            deadline=self.deadline if deadline is UNSET else check_deadline(deadline),
            retry=self.retry if retry is None else retry,
            headers=tuple(merged(self.headers, concealed(headers), error=ConfigurationError)),
            hooks=self.hooks if hooks is None else hooks,
        )


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_FRAMING = frozenset({"host", "content-length", "transfer-encoding"})


def merged(
    base: tuple[tuple[bytes, bytes], ...] | RawHeaders,
    more: HeaderTypes,
    *,
    argument: str = "headers",
    error: type[SenseiError] = InvalidArgumentError,
) -> RawHeaders:
    """`base` with the headers of `more` in place of those with the same name.

    Args:
        base: headers ready for the wire.
        more: what a user gave.
        argument: the name that `more` was given by.
        error: what to raise.

    Raises:
        SenseiError: of the class `error`: one of them cannot stand in a header.
    """
    if more is None:
        return list(base)
    check_mapping(argument, more, error)
    added: RawHeaders = []
    for name, value in cast("Mapping[object, object]", more).items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise error(f"{argument} must map text to text")
        if not _HEADER_NAME(name) or not value.isascii() or not value.isprintable():
            raise error(f"{argument}: header {name[:60]!r} holds characters that no header may have")
        if name.lower() in _FRAMING:
            raise error(f"{argument}: header {name!r} follows from the request and cannot be given")
        added.append((name.encode("ascii"), SecretBytes(value.encode("ascii"))))
    names = {name.lower() for name, _ in added}
    return [line for line in base if line[0].lower() not in names] + added


class Call:
    """A call and its tries.

    Attributes:
        method: the HTTP method.
        route: the path with its ids left open.
        server: where it goes.
        path: path and query as they are sent.
        body: what is sent, or None.
        key: the idempotency key, or None; made before the first try, the same for all.
        extras: what few calls need.
        timeout: of one attempt.
        headers: those that stay the same for all tries.
        started: when the call began, on the monotonic clock.
        deadline: when it must be over, or None.
        attempts: how many tries were begun.
        doubtful: True once a try may have been done although the server said that it failed.
        unanswered: True once a try was sent that got no answer.
        renewed: True once a refused credential was renewed.
        retrying: True once the loop of tries has taken over.
        request_id: of the try under way.
    """

    __slots__ = (
        "attempts",
        "body",
        "deadline",
        "doubtful",
        "extras",
        "headers",
        "key",
        "method",
        "path",
        "renewed",
        "request_id",
        "retrying",
        "route",
        "server",
        "started",
        "timeout",
        "unanswered",
    )

    method: str
    route: str
    server: Server
    path: str
    body: bytes | None
    key: str | None
    extras: RequestExtras
    timeout: TimeoutTypes
    headers: RawHeaders
    started: float
    deadline: float | None
    attempts: int
    doubtful: bool
    unanswered: bool
    renewed: bool
    retrying: bool
    request_id: str

    def __init__(
        self,
        options: ClientOptions,
        server: Server,
        method: str,
        route: str,
        path: str,
        json: object,
        timeout: TimeoutTypes,
        headers: HeaderTypes,
        idempotency_key: str | None,
        extras: RequestExtras,
    ) -> None:
        self.method = method
        self.route = route
        self.server = server
        self.path = path
        self.extras = extras
        self.timeout = options.timeout if timeout is UNSET else check_timeout(timeout)
        self.attempts = 0
        self.doubtful = False
        self.unanswered = False
        self.renewed = False
        self.retrying = False
        self.request_id = ""
        self.started = monotonic()
        self.deadline = None if options.deadline is None else self.started + options.deadline
        if extras.until is not None:
            self.deadline = extras.until if self.deadline is None else min(self.deadline, extras.until)
        if headers is not None:
            check_mapping("headers", headers)
            # Given in this way it is the key as well, to be named when the outcome is unknown.
            given = [value for name, value in headers.items() if str(name).lower() == "x-idempotency-key"]
            if given and idempotency_key is None:
                idempotency_key = revealed(given[0])
        lines = [*options.headers, (b"Accept", extras.accept.encode("ascii"))]
        self.key = None
        self.body = None
        if extras.form is not None:
            self.body = encode_form(extras.form)
            lines.append((b"Content-Type", _FORM.encode("ascii")))
        elif json is not UNSET:
            self.body = json if type(json) is SecretBytes else encode_json(json)
            lines.append((b"Content-Type", b"application/json"))
        if method == "POST":
            if extras.server == "api":
                self.key = unique_id() if idempotency_key is None else check_idempotency_key(idempotency_key)
                lines.append((b"X-Idempotency-Key", self.key.encode("ascii")))
            if self.body is None:
                lines.append((b"Content-Length", b"0"))
        if self.body is not None:
            lines.append((b"Content-Length", b"%d" % len(self.body)))
        self.headers = merged(lines, headers) if headers else lines

    @property
    def url(self) -> str:
        """The full URL."""
        return self.server.origin + self.path

    def may_repeat(self, error: BaseException) -> bool:
        """False when it must not happen twice and may have happened, or when the pacing would not even send it."""
        if isinstance(error, RateLimitError) and error.request is None:
            return False
        return self.extras.repeatable or (isinstance(error, APIConnectionError) and not self.unanswered)

    def left(self) -> float:
        """Seconds until the deadline; infinite when there is none."""
        return float("inf") if self.deadline is None else self.deadline - monotonic()

    def lines(self, authorization: str | None) -> RawHeaders:
        """The headers of the next try."""
        self.request_id = unique_id()
        lines = [*self.headers, (b"X-Request-Id", self.request_id.encode("ascii"))]
        if authorization is not None:
            for name, _ in self.headers:
                if name.lower() == b"authorization":
                    return lines
            lines.append((b"Authorization", SecretBytes(authorization.encode("ascii"))))
        return lines

    def summary(self) -> RequestSummary:
        """What was asked, without secrets."""
        headers: dict[str, str] = {}
        if self.extras.authorization == "client":
            headers["Authorization"] = "Bearer $SENSEI_API_KEY"
        elif self.extras.authorization is not None:
            headers["Authorization"] = f"{self.extras.authorization.partition(' ')[0]} {MASK}"
        if self.extras.accept != ORDINARY.accept:
            headers["Accept"] = self.extras.accept
        if self.key is not None:
            headers["X-Idempotency-Key"] = self.key
        body: str | None = None
        if self.extras.form is not None:
            headers["Content-Type"] = _FORM
            body = urlencode(cast("dict[str, str]", mask(dict(self.extras.form))), safe="*")
        elif self.body is not None:
            headers["Content-Type"] = "application/json"
            body = safe_body(self.body)
        return RequestSummary(self.method, mask_text(self.url), headers, body)

    def broken(self, how: Trouble, error: BaseException) -> SenseiError:
        """The error for a try that got no answer; remembers whether it may have arrived."""
        if how is Trouble.UNSENDABLE:
            reason = str(error).partition(" b'")[0]  # the library quotes what it refuses
            return InvalidArgumentError(f"{self.method} {self.route}: {how.value} ({mask_text(reason)})")
        if how in {Trouble.CUT, Trouble.TOO_LATE}:
            self.unanswered = True
        reason = mask_text(reason_of(error))[:200]
        text = (
            f"{self.method} {self.route}: {how.value} after {self.attempts} {'try' if self.attempts == 1 else 'tries'}"
        )
        if reason:
            text += f" ({reason})"
        late = how in {Trouble.NOT_SENT_IN_TIME, Trouble.TOO_LATE}
        text += f". {_ADVICE.get(how, _UNREACHED).format(self.server.origin)}"
        cls = APITimeoutError if late else APIConnectionError
        return cls(text, code=_CODES.get(how), request=self.summary(), attempts=self.attempts)

    def final(self, error: SenseiError) -> SenseiError:
        """The error to raise at the end, when the last try ended in `error`.

        A POST of which some try got no answer may have happened, unless a later answer shows that the server knows
        nothing of the key.
        """
        if self.key is None or not self.unanswered:
            return error
        if isinstance(error, APIStatusError):
            settled = error.status_code in {404, 409, 422} and not isinstance(error, IdempotencyInProgressError)
            if settled:
                return error
            late = False
        elif isinstance(error, APIConnectionError):
            late = isinstance(error, APITimeoutError)
        else:
            return error
        cls = OutcomeUnknownTimeoutError if late else OutcomeUnknownError
        return cls(
            f"{self.method} {self.route} was sent and no answer came back, so it may have happened: call again with "
            f"idempotency_key={self.key!r} to get its outcome. The last of {self.attempts} tries: {error}",
            idempotency_key=self.key,
            request=self.summary(),
            attempts=self.attempts,
        )

    def is_gone(self, status: int) -> bool:
        """True when a DELETE found nothing because an earlier try, which got no good answer, had done it."""
        return status == 404 and self.method == "DELETE" and (self.unanswered or self.doubtful)


_FORM = "application/x-www-form-urlencoded"
_LATE = "Give a longer timeout= or deadline=, in seconds, or see whether the server is busy"
_UNREACHED = "Check the network, and that {} is right"
_ADVICE = {
    Trouble.NOT_SENT_IN_TIME: _LATE,
    Trouble.TOO_LATE: _LATE,
    Trouble.CUT: "Ask again; if it stays, look at what stands between this machine and the server",
    Trouble.UNTRUSTED: (
        "Check that {} is right; to trust a certificate authority of your own, name its file in SSL_CERT_FILE, or give "
        "an http_client that does"
    ),
    Trouble.UNWELCOME: "Give an http_client whose TLS context has loaded the certificate, with load_cert_chain()",
    Trouble.NO_WAY: "Check the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names, and its user and password",
    Trouble.NO_TLS: "Is it plain http? Check {}, and the proxy if there is one",
}
_CODES = {Trouble.UNTRUSTED: UNTRUSTED, Trouble.UNWELCOME: UNWELCOME}
