"""API keys as the transport asks for them; tokens, which need more, are in `auth`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sensei._config import check_key
from sensei._redact import SecretText


class AsyncAuthorizer(Protocol):
    """What the transport asks for credentials."""

    @property
    def ready(self) -> str | None:
        """The header, when it is known without waiting for anything."""
        ...

    async def authorization(self, deadline: float | None = None) -> str:
        """The header.

        Raises:
            SenseiError: no credential could be had.
        """
        ...

    async def renewed(self, refused: str, deadline: float | None = None) -> str | None:
        """Another header after `refused` was answered with 401; None when there is none."""
        ...


class AsyncStaticKey:
    """An API key, or any token that is used as it is."""

    def __init__(self, key: str) -> None:
        self.ready: str = SecretText(f"Bearer {check_key(key)}")

    async def authorization(self, deadline: float | None = None) -> str:  # noqa: ARG002  # nothing takes time
        return self.ready

    async def renewed(self, refused: str, deadline: float | None = None) -> str | None:  # noqa: ARG002  # nothing new
        return None


class AsyncKeyProvider:
    """A function that gives the API key: asked for every try, and whether it has another when one was refused."""

    ready = None

    def __init__(self, provide: Callable[[], object]) -> None:
        self._provide = provide

    async def authorization(self, deadline: float | None = None) -> str:
        from sensei._tokens import async_resolved, header_of

        return header_of("What api_key() returned", await async_resolved(self._provide(), deadline))

    async def renewed(self, refused: str, deadline: float | None = None) -> str | None:
        header = await self.authorization(deadline)
        return header if header != refused else None
