"""An endpoint of yours that hears of events, as it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sensei._async.resources._base import AsyncLiveObject
from sensei._request import UNSET, Unset
from sensei.models.base import BulkResult, Model, Problem
from sensei.models.enums import WebhookDeliveryStatusParam, WebhookEventTypeParam
from sensei.models.webhooks import WebhookCreatedData, WebhookData, WebhookDelivery

if TYPE_CHECKING:
    from sensei._async.pagination import AsyncPager


class AsyncWebhook(AsyncLiveObject, WebhookData):
    """An endpoint that can be tested, looked into and deleted."""

    async def test(self, *, event_type: WebhookEventTypeParam | Unset = UNSET) -> WebhookDelivery:
        """Deliver a made-up event once, and wait for the outcome. `POST /webhooks/{id}/test`

        Args:
            event_type: event to imitate; `migration.completed` when not given.

        Returns:
            The delivery: `delivered`, or `failed` with the reason in its attempt.

        Examples:
            >>> delivery = await webhook.test()
            >>> print(delivery.status, delivery.response_status)
        """
        return await self._attached().webhooks.test(self.id, event_type=event_type)

    def deliveries(
        self, *, status: WebhookDeliveryStatusParam | None = None, event_type: WebhookEventTypeParam | None = None
    ) -> AsyncPager[WebhookDelivery]:
        """List the deliveries, newest first. `GET /webhooks/{id}/deliveries`

        Args:
            status: only this status.
            event_type: only this event.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> async for delivery in webhook.deliveries(status="failed"):
            ...     print(delivery.event_type, delivery.response_status)
        """
        return self._attached().webhooks.deliveries(self.id, status=status, event_type=event_type)

    async def refresh(self) -> AsyncWebhook:
        """Fetch the endpoint again; returns the object itself. `GET /webhooks/{id}`

        Returns:
            The object itself.

        Examples:
            >>> await webhook.refresh()
        """
        return self._become(await self._attached().webhooks.get(self.id))

    async def delete(self) -> None:
        """Delete the endpoint. `DELETE /webhooks/{id}`

        Examples:
            >>> await webhook.delete()
        """
        await self._attached().webhooks.delete(self.id)


class AsyncWebhookCreated(WebhookCreatedData, AsyncWebhook):
    """A new endpoint, with its signing secret in `secret`: the only answer that shows it. Store it now."""

    _shown: ClassVar[tuple[str, ...]] = WebhookCreatedData._shown

    async def refresh(self) -> AsyncWebhookCreated:
        """Fetch the endpoint again; the secret stays. Returns the object itself. `GET /webhooks/{id}`

        Returns:
            The object itself.

        Examples:
            >>> await webhook.refresh()
        """
        fresh = await self._attached().webhooks.get(self.id)
        vars(self).update(vars(fresh))
        self._last_response = fresh._last_response
        return self


class AsyncWebhookResult(Model):
    """How one of many endpoints came out.

    Attributes:
        index: its place in the request, from 0.
        success: whether it was made.
        webhook: the endpoint with its secret, when it was.
        error: why not, when it was not.
    """

    index: int
    success: bool
    webhook: AsyncWebhookCreated | None = None
    error: Problem | None = None


class AsyncWebhookBulkResult(BulkResult):
    """How many endpoints came out; one that failed does not stop the others.

    Attributes:
        results: one by one, in the order of the request.
    """

    results: list[AsyncWebhookResult]

    @property
    def failed(self) -> list[AsyncWebhookResult]:
        """Those that were refused; their `error` says why."""
        return [result for result in self.results if not result.success]
