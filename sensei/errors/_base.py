"""What all errors have in common, what was refused before it was sent, and calls that no answer came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """What was asked, with every secret already taken out.

    Attributes:
        method: the HTTP method.
        url: the full URL.
        headers: the headers worth repeating; the credential is a placeholder.
        body: the JSON text that was sent, secrets masked, or None.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str | None = None

    def as_curl(self) -> str:
        """The request as a command for a POSIX shell. It reads the key from `$SENSEI_API_KEY`.

        Returns:
            One line.

        Examples:
            >>> RequestSummary("GET", "https://api.sensei.ai/v1/usage", {"Accept": "application/json"}).as_curl()
            "curl -X GET https://api.sensei.ai/v1/usage -H 'Accept: application/json'"
        """
        import shlex

        parts = ["curl", "-X", self.method, shlex.quote(self.url)]
        for name, value in self.headers.items():
            # Double quotes, so that the shell fills in the key.
            quoted = f'"{name}: {value}"' if value == "Bearer $SENSEI_API_KEY" else shlex.quote(f"{name}: {value}")
            parts += ["-H", quoted]
        if self.body is not None:
            parts += ["--data", shlex.quote(self.body)]
        return " ".join(parts)


class SenseiError(Exception):
    """The base of every error of the SDK.

    Attributes:
        message: what went wrong and what to do next, in one line.
        code: the error code of the platform, or None where there is none.
    """

    message: str
    code: str | None

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__.copy())


def _rebuild(cls: type[SenseiError], args: tuple[object, ...], state: dict[str, object]) -> SenseiError:
    """Unpickle an error without calling its constructor, whose arguments are keywords."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(SenseiError, ValueError):
    """The client cannot be built or used as it is set up: no key, a bad URL, a missing extra, a detached object."""


class InvalidArgumentError(SenseiError, ValueError):
    """An argument was refused before anything was sent."""


class APIConnectionError(SenseiError):
    """No answer came: the host was not found, the connection was refused or cut, or TLS failed.

    Its `code` is `tls_untrusted` when the certificate of the server was not accepted, and `tls_client_certificate` when
    the server did not accept that of the client or misses one; neither is tried again.

    Attributes:
        request: what was asked, without secrets; None where nothing was sent yet.
        attempts: how many times it was tried.
    """

    request: RequestSummary | None
    attempts: int

    def __init__(
        self, message: str, *, code: str | None = None, request: RequestSummary | None = None, attempts: int = 1
    ) -> None:
        super().__init__(message, code=code)
        self.request = request
        self.attempts = attempts

    def as_curl(self) -> str:
        """The request as a shell command without any secret.

        Returns:
            One line, or an empty text when nothing was sent.

        Examples:
            >>> asked = RequestSummary("GET", "https://api.sensei.ai/v1/usage")
            >>> APIConnectionError("the connection was refused", request=asked).as_curl()
            'curl -X GET https://api.sensei.ai/v1/usage'
        """
        return self.request.as_curl() if self.request else ""


class APITimeoutError(APIConnectionError, TimeoutError):
    """No answer came in the time allowed. Give a longer `timeout` or `deadline`, in seconds."""


class OutcomeUnknownError(APIConnectionError):
    """A POST was sent and no answer came back, so that it may or may not have happened.

    Make the same call again with `idempotency_key=error.idempotency_key`: the server then does it at most once, and
    answers with what the first one gave if that one arrived.

    Attributes:
        idempotency_key: the key that the call was sent with.
    """

    idempotency_key: str

    def __init__(
        self, message: str, *, idempotency_key: str, request: RequestSummary | None = None, attempts: int = 1
    ) -> None:
        super().__init__(message, request=request, attempts=attempts)
        self.idempotency_key = idempotency_key


class OutcomeUnknownTimeoutError(OutcomeUnknownError, APITimeoutError):
    """A POST was sent and its answer did not come in the time allowed; see `OutcomeUnknownError`."""
