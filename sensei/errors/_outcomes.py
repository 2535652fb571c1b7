"""What came of it was not what was wanted, though no answer said no."""

from __future__ import annotations

from typing import Protocol

from sensei.errors._base import RequestSummary, SenseiError


class APIResponseValidationError(SenseiError):
    """The answer is not what the contract says, so nothing typed can be made of it.

    Attributes:
        status_code: the HTTP status.
        request_id: the id to give to support, or None.
        body: the text of the answer, shortened and with secrets masked.
        attempts: how many times it was tried.
        request: what was asked, without secrets, or None.
    """

    status_code: int
    request_id: str | None
    body: str
    attempts: int
    request: RequestSummary | None

    def __init__(
        self,
        message: str,
        *,
        status_code: int = 200,
        request_id: str | None = None,
        body: str = "",
        attempts: int = 1,
        request: RequestSummary | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.request_id = request_id
        self.body = body
        self.attempts = attempts
        self.request = request

    def __str__(self) -> str:
        about = ", ".join(str(part) for part in (self.status_code, self.request_id) if part)
        return f"{self.message} ({about})"

    def as_curl(self) -> str:
        """The request as a shell command without any secret.

        Returns:
            One line, or an empty text when the request is not known.

        Examples:
            >>> asked = RequestSummary("GET", "https://api.sensei.ai/v1/usage")
            >>> APIResponseValidationError("the answer is a page of HTML", request=asked).as_curl()
            'curl -X GET https://api.sensei.ai/v1/usage'
        """
        return self.request.as_curl() if self.request else ""


class StreamInterruptedError(SenseiError):
    """A stream was cut and could not be resumed.

    Attributes:
        last_event_id: the id of the last event that was handed out; pass it as `last_event_id=` to go on from there.
    """

    last_event_id: str | None

    def __init__(self, message: str, *, last_event_id: str | None = None) -> None:
        super().__init__(message)
        self.last_event_id = last_event_id


class WaitTimeoutError(SenseiError, TimeoutError):
    """A wait was given up; what was waited for goes on.

    Attributes:
        waited: how long was waited, in seconds.
        last_status: the last status that was seen, or None.
    """

    waited: float
    last_status: str | None

    def __init__(self, message: str, *, waited: float = 0.0, last_status: str | None = None) -> None:
        super().__init__(message)
        self.waited = waited
        self.last_status = last_status


class MigrationFailedError(SenseiError):
    """A migration ended otherwise than it was waited for.

    Attributes:
        migration_id: the id of the migration.
        status: the status it ended in.
    """

    migration_id: str
    status: str

    def __init__(self, message: str, *, code: str | None = None, migration_id: str, status: str) -> None:
        super().__init__(message, code=code)
        self.migration_id = migration_id
        self.status = status


class ValidationFailedError(SenseiError):
    """A validation ended otherwise than it was waited for.

    Attributes:
        validation_id: the id of the validation.
        status: the status it ended in.
        result: its result, such as `failed` or `partial`, or None.
    """

    validation_id: str
    status: str
    result: str | None

    def __init__(
        self, message: str, *, code: str | None = None, validation_id: str, status: str, result: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.validation_id = validation_id
        self.status = status
        self.result = result


class NewKey(Protocol):
    """A key that was made: what `KeyNotDeletedError` holds."""

    id: str
    key: str


class KeyNotDeletedError(SenseiError):
    """A new API key works, but the old one that it replaces could not be deleted and works too.

    Attributes:
        new_key: the new key, which the server shows only once; its `key` is masked in print and absent from pickles.
    """

    new_key: NewKey

    def __init__(self, message: str, *, code: str | None = None, new_key: NewKey) -> None:
        super().__init__(message, code=code)
        self.new_key = new_key


class WebhookVerificationError(SenseiError):
    """A webhook delivery is not to be trusted: a wrong or missing signature, too old, or no event at all."""


class CertificateVerificationError(SenseiError):
    """A certificate is not valid.

    Attributes:
        verdict: `expired`, `revoked`, `invalid` or `unverifiable`.
    """

    verdict: str

    def __init__(self, message: str, *, verdict: str) -> None:
        super().__init__(message)
        self.verdict = verdict
