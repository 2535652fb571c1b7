"""Bulk calls of any length, in as many requests as they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sensei._async.resources._base import AsyncResource
from sensei._body_checks import JsonBody
from sensei._bulk_requests import join, next_key, say_done
from sensei._request import HeaderTypes, TimeoutTypes
from sensei.errors import SenseiError
from sensei.models.base import BulkResult, BulkSummary

ResultT = TypeVar("ResultT", bound=BulkResult)


class AsyncBulkResource(AsyncResource):
    """A group of calls with bulk ones among them."""

    async def _bulk(
        self,
        shape: type[ResultT],
        method: str,
        route: str,
        *ids: str,
        bodies: Sequence[JsonBody],
        size: int,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes,
        headers: HeaderTypes,
    ) -> ResultT:
        """Send `bodies` one after the other and put the answers together; without bodies nothing is sent."""
        whole = shape.model_validate({"summary": BulkSummary(total=0, succeeded=0, failed=0), "results": []})
        for index, body in enumerate(bodies):
            try:
                part = await self._call(
                    shape,
                    method,
                    route,
                    *ids,
                    json=body,
                    idempotency_key=next_key(idempotency_key, index),
                    timeout=timeout,
                    headers=headers,
                )
            except SenseiError as error:
                say_done(error, index * size)
                raise
            whole = part if index == 0 else join(whole, part, index * size)
        return whole
