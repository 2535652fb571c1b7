"""Webhooks: endpoints of yours that hear of events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from types import NoneType
from typing import TYPE_CHECKING

from sensei._async.resources._bulk import AsyncBulkResource
from sensei._async.resources.webhook import (
    AsyncWebhook,
    AsyncWebhookBulkResult,
    AsyncWebhookCreated,
)
from sensei._body_checks import changed, checked, optional
from sensei._bulk_requests import LARGEST_WEBHOOKS, batches
from sensei._redact import concealed
from sensei._request import UNSET, HeaderTypes, TimeoutTypes, Unset
from sensei.models.enums import WebhookDeliveryStatusParam, WebhookEventPattern, WebhookEventTypeParam
from sensei.models.webhooks import WebhookDelivery

if TYPE_CHECKING:
    from sensei._async.pagination import AsyncPager
    from sensei.models.params.access import WebhookCreateParam
    from sensei.models.webhook_events import WebhookEvent
    from sensei.webhooks._signature import Payload, Secret
    from sensei.webhooks._unwrap import Headers


class AsyncWebhooks(AsyncBulkResource):
    """`client.webhooks`: endpoints, their deliveries, and reading what arrives."""

    async def create(
        self,
        *,
        url: str,
        events: Sequence[WebhookEventPattern],
        secret: str | Unset = UNSET,
        description: str | Unset = UNSET,
        enabled: bool | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncWebhookCreated:
        """Register an endpoint. `POST /webhooks`

        Args:
            url: where events go: https; in the sandbox also http on localhost.
            events: names of events, `prefix.*` for all below a prefix, or `*` for all; up to 50.
            secret: your own signing secret, 8 to 255 characters; made by the server when not given.
            description: up to 2,000 characters.
            enabled: False to deliver nothing yet.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The endpoint with its signing secret, which no other answer shows.

        Raises:
            InvalidArgumentError: an argument cannot be right.
            UnprocessableEntityError: the server does not accept the URL.

        Examples:
            >>> webhook = await client.webhooks.create(url="https://example.com/hooks", events=["migration.*"])
            >>> store(webhook.secret)
        """
        from sensei.models.params.access import WebhookCreateParam

        url, secret = concealed(url), concealed(secret)  # reports of crashes print the variables of this frame
        return await self._call(
            AsyncWebhookCreated,
            "POST",
            "/webhooks",
            json=checked(
                WebhookCreateParam, url=url, events=events, secret=secret, description=description, enabled=enabled
            ),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def bulk_create(
        self,
        *,
        webhooks: Iterable[WebhookCreateParam],
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncWebhookBulkResult:
        """Register many endpoints, each for itself. `POST /webhooks/bulk`

        More than 100 travel in several requests; an empty list sends nothing.

        Args:
            webhooks: the arguments of `create`, one dictionary each.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            How each came out, with the secrets; look at `.failed`.

        Raises:
            InvalidArgumentError: an argument cannot be right.

        Examples:
            >>> result = await client.webhooks.bulk_create(
            ...     webhooks=[{"url": "https://example.com/hooks", "events": ["migration.completed"]}]
            ... )
            >>> print(result.summary.succeeded, "made")
        """
        from sensei.models.params.access import WebhookBulkBody

        webhooks = concealed(webhooks)
        bodies = [concealed(checked(WebhookBulkBody, webhooks=batch)) for batch in batches(webhooks, LARGEST_WEBHOOKS)]
        return await self._bulk(
            AsyncWebhookBulkResult,
            "POST",
            "/webhooks/bulk",
            bodies=bodies,
            size=LARGEST_WEBHOOKS,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    async def get(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> AsyncWebhook:
        """Fetch one endpoint; never with its secret. `GET /webhooks/{id}`

        Args:
            id: its id, `wh_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The endpoint, without its secret.

        Raises:
            NotFoundError: there is no endpoint with this id.

        Examples:
            >>> webhook = await client.webhooks.get("wh_abc123")
        """
        return await self._call(AsyncWebhook, "GET", "/webhooks/{id}", id, timeout=timeout, headers=headers)

    def list(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncPager[AsyncWebhook]:
        """List endpoints, newest first. `GET /webhooks`

        Args:
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> async for webhook in client.webhooks.list():
            ...     print(webhook.url, webhook.events)
        """
        return self._pages(
            AsyncWebhook,
            "/webhooks",
            params={"limit": limit, "offset": offset},
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    async def update(
        self,
        id: str,
        *,
        url: str | Unset = UNSET,
        events: Sequence[WebhookEventPattern] | Unset = UNSET,
        secret: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        enabled: bool | Unset = UNSET,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncWebhook:
        """Change an endpoint; what is not given stays. `PATCH /webhooks/{id}`

        Args:
            id: its id.
            url: where events go.
            events: all names and patterns from now on.
            secret: the new signing secret; used from the next attempt on, retries included. Accept both meanwhile.
            description: the new description; None removes it.
            enabled: False to deliver nothing for now.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The endpoint as it is now.

        Raises:
            InvalidArgumentError: nothing to change, or an argument that cannot be right.

        Examples:
            >>> await client.webhooks.update("wh_abc123", enabled=False)
        """
        from sensei.models.params.access import WebhookUpdateBody

        url, secret = concealed(url), concealed(secret)
        return await self._call(
            AsyncWebhook,
            "PATCH",
            "/webhooks/{id}",
            id,
            json=changed(
                WebhookUpdateBody, url=url, events=events, secret=secret, description=description, enabled=enabled
            ),
            timeout=timeout,
            headers=headers,
        )

    async def delete(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> None:
        """Delete an endpoint. `DELETE /webhooks/{id}`

        Args:
            id: its id.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Examples:
            >>> await client.webhooks.delete("wh_abc123")
        """
        await self._call(NoneType, "DELETE", "/webhooks/{id}", id, timeout=timeout, headers=headers)

    async def test(
        self,
        id: str,
        *,
        event_type: WebhookEventTypeParam | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> WebhookDelivery:
        """Deliver a made-up event once, and wait for the outcome. `POST /webhooks/{id}/test`

        Args:
            id: the endpoint.
            event_type: event to imitate; `migration.completed` when not given. It need not be subscribed to.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The delivery: `delivered`, or `failed` with the reason in its attempt.

        Examples:
            >>> delivery = await client.webhooks.test("wh_abc123", event_type="migration.failed")
        """
        from sensei.models.params.access import WebhookTestBody

        return await self._call(
            WebhookDelivery,
            "POST",
            "/webhooks/{id}/test",
            id,
            json=optional(WebhookTestBody, event_type=event_type),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    def deliveries(
        self,
        id: str,
        *,
        status: WebhookDeliveryStatusParam | None = None,
        event_type: WebhookEventTypeParam | None = None,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncPager[WebhookDelivery]:
        """List the deliveries of an endpoint, newest first. `GET /webhooks/{id}/deliveries`

        Args:
            id: the endpoint.
            status: only this status.
            event_type: only this event.
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> async for delivery in client.webhooks.deliveries("wh_abc123", status="failed"):
            ...     await client.webhooks.retry_delivery("wh_abc123", delivery.id)
        """
        return self._pages(
            WebhookDelivery,
            "/webhooks/{id}/deliveries",
            id,
            params={"status": status, "event_type": event_type, "limit": limit, "offset": offset},
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    async def retry_delivery(
        self,
        id: str,
        delivery_id: str,
        *,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> WebhookDelivery:
        """Begin a new series of attempts for a failed delivery. `POST /webhooks/{id}/deliveries/{delivery_id}/retry`

        Args:
            id: the endpoint.
            delivery_id: the delivery, `dlv_…`.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The delivery, `pending`.

        Raises:
            InvalidStateError: it did not fail.

        Examples:
            >>> await client.webhooks.retry_delivery("wh_abc123", "dlv_abc123")
        """
        return await self._call(
            WebhookDelivery,
            "POST",
            "/webhooks/{id}/deliveries/{delivery_id}/retry",
            id,
            delivery_id,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    def unwrap(
        self,
        payload: Payload,
        headers: Headers,
        *,
        secret: Secret,
        tolerance: float | timedelta | None = None,
        seen: Callable[[str], bool] | None = None,
    ) -> WebhookEvent:
        """Check a delivery that arrived and read it into a typed event. Sends nothing.

        The same as `sensei.webhooks.unwrap`, which needs no client.

        Args:
            payload: the raw body as it arrived, bytes or str.
            headers: the request headers.
            secret: the signing secret of the endpoint, or several while one replaces another.
            tolerance: the largest distance between `created_at` and now, in seconds; None does not look at it.
            seen: called with the id of the event; answers whether it was handled before.

        Returns:
            The event; `event.data` has the type that belongs to `event.type`.

        Raises:
            WebhookVerificationError: a check failed.

        Examples:
            >>> event = client.webhooks.unwrap(body, request.headers, secret=webhook_secret)
            >>> print(event.type, event.data)
        """
        from sensei.webhooks import unwrap

        secret = concealed(secret)  # reports of crashes print the variables of this frame
        return unwrap(payload, headers, secret=secret, tolerance=tolerance, seen=seen)
