"""How a route is written, and what happens around it.

A route is a plain function:

    @router.post("", operation="connections.create", scope="connections:write", status=201, errors=("quota_exceeded",))
    def create(ctx: Context, body: ConnectionCreate) -> Answer[ConnectionAnswer]: ...

Its parameters are `ctx`, path parameters (strings), `query` (a `QueryModel`) and `body` (a request model; with the
default None where the body may be missing). It reads through `ctx.store.read()` and changes through `ctx.tx`, one
write transaction that is begun on first use; the pipeline commits it together with the idempotency record and the
audit record. What must wait for another machine is done before `ctx.tx` is touched. Failures are `ApiError`s.

The checks come in the contract's order: 401, 403, 429, 413, 415, 400, idempotency, 422, and then the function's own
404, 409 and 502. Everything runs in a worker thread; a handler may block.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.requests import Request

from sensei.server.auth.access_control import Principal
from sensei.server.errors import ApiError
from sensei.server.http.messages import RequestFacts
from sensei.server.runtime import Runtime
from sensei.server.store.database import Store
from sensei.server.store.durability import OutcomeUnknownError

log: logging.Logger = logging.getLogger("sensei.server")

Body = TypeVar("Body")
Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(slots=True)
class Answer(Generic[Body]):
    """An answer that is more than a body with the operation's usual status."""

    body: Body | None
    status: int | None = None
    location: str | None = None
    resource: str | None = None
    """Id of what was acted on, for the audit log, where it is no path parameter."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    audit: dict[str, Any] = field(default_factory=dict[str, Any])
    """Details for the audit log; no secrets."""


@dataclass(slots=True)
class Stream:
    """An answer that goes on: frames of an event stream."""

    frames: AsyncIterator[bytes]


@dataclass(slots=True)
class Download:
    """An answer that is not the usual JSON."""

    content: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict[str, str])


class Context:
    """One call: who, when, and the means to read and change the state."""

    def __init__(self, runtime: Runtime, request: Request, facts: RequestFacts, principal: Principal | None) -> None:
        self.runtime = runtime
        self.request = request
        self.facts = facts
        self._principal = principal
        self._tx: Session | None = None
        self._after_commit: list[Callable[[], None]] = []
        self.now: datetime = runtime.settings.clock.now()

    @property
    def store(self) -> Store:
        """The state."""
        return self.runtime.store

    @property
    def principal(self) -> Principal:
        """Who calls. Only operations without a scope have nobody."""
        if self._principal is None:
            raise ApiError("unauthorized", "This operation needs a credential.")
        return self._principal

    @property
    def tx(self) -> Session:
        """The call's one write transaction, begun on first use. Do nothing slow once it is."""
        if self._tx is None:
            self._tx = self.store.begin_write()
        return self._tx

    @property
    def has_begun(self) -> bool:
        """Whether the write transaction is open."""
        return self._tx is not None

    def after_commit(self, action: Callable[[], None]) -> None:
        """Do something once the change is there for everybody to see, e.g. wake a worker."""
        self._after_commit.append(action)

    def commit(self) -> None:
        """Commit the transaction, if one was begun, and wait until no power cut can undo it.

        Raises:
            OutcomeUnknownError: The state went away meanwhile, or its disk refuses.
        """
        if self._tx is not None:
            self._tx.flush()
            try:
                self._tx.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise OutcomeUnknownError("the state went away during a commit") from error
                raise
            self._tx.close()
            self._tx = None
            self.store.make_durable()
        actions, self._after_commit = self._after_commit, []
        for action in actions:
            action()

    def abandon(self) -> None:
        """Undo the transaction, if one was begun."""
        self._after_commit.clear()
        if self._tx is not None:
            self._tx.rollback()
            self._tx.close()
            self._tx = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What the contract says about one operation."""

    id: str
    scope: str | None
    status: int
    errors: tuple[str, ...]
    audited: bool
    other_statuses: tuple[int, ...] = ()
    answer: Any = None
    """Type of the JSON that a `Download` holds, for the description; others are described by what they return."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A function under its method and path."""

    method: str
    path: str
    function: Callable[..., Any]
    operation: Operation


class Router:
    """Collects the functions of one resource; `create_app` makes them routes of the application."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"/v1{prefix}"
        self.registered: list[Registered] = []

    def operation(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        scope: str | None,
        status: int = 200,
        errors: tuple[str, ...] = (),
        other_statuses: tuple[int, ...] = (),
        audited: bool | None = None,
        answer: Any = None,
    ) -> Callable[[Handler], Handler]:
        """Register the function below `path`.

        Parameters:
            method: Of HTTP.
            path: Below the prefix, with parameters in braces.
            operation: The contract's ``operationId``.
            scope: The one scope a caller needs; None for operations without a credential.
            status: Of success.
            errors: Codes beyond those that every such call can meet.
            other_statuses: Other statuses of success.
            audited: Whether it leaves an audit record; by default everything but reads.
            answer: Type of the JSON that a `Download` holds.
        """

        def register(function: Handler) -> Handler:
            description = Operation(
                id=operation,
                scope=scope,
                status=status,
                errors=errors,
                audited=method != "GET" if audited is None else audited,
                other_statuses=other_statuses,
                answer=answer,
            )
            self.registered.append(Registered(method, self._prefix + path, function, description))
            return function

        return register

    def get(
        self, path: str, *, operation: str, scope: str | None, errors: tuple[str, ...] = (), answer: Any = None
    ) -> Callable[[Handler], Handler]:
        """Register a read."""
        return self.operation("GET", path, operation=operation, scope=scope, errors=errors, answer=answer)

    def post(
        self,
        path: str,
        *,
        operation: str,
        scope: str | None,
        status: int = 200,
        errors: tuple[str, ...] = (),
        other_statuses: tuple[int, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Register a POST; idempotency keys work on it by themselves."""
        return self.operation(
            "POST", path, operation=operation, scope=scope, status=status, errors=errors, other_statuses=other_statuses
        )

    def patch(
        self, path: str, *, operation: str, scope: str | None, errors: tuple[str, ...] = ()
    ) -> Callable[[Handler], Handler]:
        """Register a change."""
        return self.operation("PATCH", path, operation=operation, scope=scope, errors=errors)

    def delete(
        self, path: str, *, operation: str, scope: str | None, status: int = 204, errors: tuple[str, ...] = ()
    ) -> Callable[[Handler], Handler]:
        """Register a removal."""
        return self.operation("DELETE", path, operation=operation, scope=scope, status=status, errors=errors)
