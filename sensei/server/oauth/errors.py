"""The error answers of RFC 6749."""

from __future__ import annotations


class OAuthError(Exception):
    """An answer with an RFC 6749 error body.

    Parameters:
        error: One of the RFC's codes.
        description: One sentence for the application's developer, without secrets.
        status: 401 for `invalid_client`, else 400 unless given.
        retry_after: Seconds to wait.
    """

    def __init__(
        self, error: str, description: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status: int = status or (401 if error == "invalid_client" else 400)
        self.retry_after = retry_after

    def body(self) -> dict[str, str]:
        """The RFC's error body."""
        return {"error": self.error, "error_description": self.description}
