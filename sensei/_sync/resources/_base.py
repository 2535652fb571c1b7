# Generated from sensei/_async/resources/_base.py by scripts/generate_sync.py: change that file and run the script.
"""What all resources and live objects share."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sensei._arguments import check_mapping
from sensei._model_slots import set_client
from sensei._redact import concealed
from sensei._request import EVENT_STREAM, UNSET, HeaderTypes, QueryTypes, TimeoutTypes
from sensei.errors import ConfigurationError
from sensei.models.base import Model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from sensei._call import Call
    from sensei._sync.client import Client
    from sensei._sync.pagination import Page
    from sensei._sync.streaming import EventStream

T = TypeVar("T")
ItemT = TypeVar("ItemT", bound=Model)


class Resource:
    """A group of calls, bound to a client.

    A method builds its arguments and awaits `self._call`, which is the transport's own method: two frames from the
    user's call to the HTTP library.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._call = client._transport.call

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"

    def _pages(
        self,
        item: type[ItemT],
        route: str,
        *ids: str,
        params: QueryTypes = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Page[ItemT]:
        """The list at `route`. `params` hold the filters, `limit` and `offset`."""
        from sensei._body_checks import check_page
        from sensei._sync.pagination import Page

        if params:
            check_page(params)
        if headers is not None:
            headers = concealed(headers)  # else it would show in the print of what is made here
        fetch = partial(
            Page[ItemT]._fetch,
            self._client,
            item,
            route,
            ids,
            params=params,
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )
        return fetch()

    def _stream(
        self,
        route: str,
        *ids: str,
        params: QueryTypes = None,
        last_event_id: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> EventStream:
        """The event stream at `route`, not connected yet. The arguments are checked now."""
        from sensei._sync.streaming import EventStream

        transport = self._client._transport

        if headers is not None:
            headers = concealed(headers)
            check_mapping("headers", headers)

        def begin(extra: dict[str, str]) -> Call:
            return transport.begin(
                "GET", route, ids, params, UNSET, timeout, extra | dict(headers or {}), None, EVENT_STREAM
            )

        begin({} if last_event_id is None else {"Last-Event-ID": last_event_id})
        return EventStream(transport, begin, last_event_id=last_event_id, timeout=timeout)


class LiveObject:
    """Gives a model its client, so that it has methods. Comes before the model among the bases.

    The client is handed through pydantic's validation context, so that objects nested in others get it too. It lies
    in a slot of the model, outside its data: neither compared, nor printed, nor pickled.
    """

    if TYPE_CHECKING:
        _client: Client

    def model_post_init(self, context: Any, /) -> None:
        """Take the client over from the validation."""
        if context is not None:
            set_client(self, context)

    def _attached(self) -> Client:
        """The client of this object.

        Raises:
            ConfigurationError: it has none, because it was unpickled, copied or made by hand.
        """
        try:
            return self._client
        except AttributeError:
            raise ConfigurationError(
                f"this {type(self).__name__} has no client, since it was unpickled, copied or made by hand: "
                "attach it with client.attach(obj) first"
            ) from None

    def attach(self, client: Client) -> Self:
        """Give this object, and those inside it, a client for their methods.

        An object that was unpickled, copied or made by hand has none.

        Args:
            client: what its methods call.

        Returns:
            The object itself.

        Examples:
            >>> stored = pickle.dumps(connection)
            >>> connection = pickle.loads(stored).attach(client)
        """
        client.attach(self)
        return self

    def _become(self, other: Model) -> Self:
        """Take over the data and the answer of `other`, so that everyone who holds this object sees the news."""
        for part in ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__"):
            # Copies: whoever was given `other`, such as a progress function, may have kept it.
            object.__setattr__(self, part, copy(getattr(other, part)))
        if hasattr(other, "_last_response"):
            self._last_response = other._last_response
        return self


def attach(obj: T, client: Client) -> T:
    """Give `obj`, and what is in it, `client` for their methods; see `Client.attach`."""
    if not _attach_all(obj, client):
        raise ConfigurationError(f"{type(obj).__name__} is no object of a sync client, so there is nothing to attach")
    return obj


def _attach_all(obj: object, client: Client) -> bool:
    """Attach the live objects in `obj`; True when there was one."""
    found = False
    if isinstance(obj, Model):
        if isinstance(obj, LiveObject):
            set_client(obj, client)
            found = True
        members: dict[str, object] = vars(obj)
        return any([found, *(_attach_all(member, client) for member in members.values())])
    if isinstance(obj, list | tuple):
        items = cast("Sequence[object]", obj)
        return any([_attach_all(item, client) for item in items])  # noqa: C419 - all, not just up to the first
    return found
